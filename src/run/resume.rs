//! PURE. What a person asks of a run that resumes an earlier one.

use serde::{Deserialize, Serialize};

use crate::state::SpecState;

/// How a run changes what the last run left, before its first step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumeRequest {
    /// Gives a unit the answer to its question.
    Answer {
        /// The unit that asks.
        unit: String,
        /// The answer.
        text: String,
    },
    /// Tries all halted units again without an answer.
    Retry,
    /// Forgets all limits.
    ForgetLimits,
}

impl ResumeRequest {
    /// Changes the state. `false`: the unit has no question, and nothing changed.
    pub fn apply(&self, state: &mut SpecState) -> bool {
        match self {
            Self::Answer { unit, text } => return state.reopen(unit, Some(text.clone())),
            Self::Retry => state.reopen_all(),
            Self::ForgetLimits => state.forget_limits(),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::at;

    #[test]
    fn an_answer_goes_to_the_task_that_asked() {
        let mut state = SpecState::default();
        state.halt(at(0), "1", "A or B?");
        let before = state.clone();
        let answer = |unit: &str| ResumeRequest::Answer { unit: unit.to_owned(), text: "A".to_owned() };
        assert!(!answer("2").apply(&mut state));
        assert_eq!(state, before);
        assert!(answer("1").apply(&mut state));
        assert!(!state.is_halted());
        assert_eq!(state.answers_for("1").map(|a| a.answer.as_str()).collect::<Vec<_>>(), ["A"]);
        assert!(!answer("1").apply(&mut state), "it is answered");
    }
}
