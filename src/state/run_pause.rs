//! PURE. A pause that a person asked for: no step starts until it is over, in this run or in a later one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::spec_state::SpecState;

/// A pause that a person asked for. It is no part of a run: a run that was killed has it when it continues, and a new run
/// begins with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPause {
    /// When the person asked for it.
    pub since: Timestamp,
    /// When it ends; `None`: a person has to end it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl RunPause {
    /// Whether it still holds back steps.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

impl SpecState {
    /// Forgets a pause whose time is over.
    pub fn end_pause_that_is_over(&mut self, now: Timestamp) {
        self.pause = self.pause.take().filter(|pause| pause.holds(now));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::at;
    use super::*;

    #[test]
    fn a_pause_without_a_time_does_not_end_by_itself() {
        let pause = |until| Some(RunPause { since: at(0), until, by: None });
        let mut state = SpecState { pause: pause(None), ..SpecState::default() };
        state.end_pause_that_is_over(Timestamp::MAX);
        assert!(state.pause.is_some());
        state.pause = pause(Some(at(5)));
        state.end_pause_that_is_over(at(4));
        assert!(state.pause.is_some());
        state.end_pause_that_is_over(at(5));
        assert_eq!(state.pause, None);
    }
}
