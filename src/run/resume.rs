//! PURE. What a person asks of a run that resumes an earlier one.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::state::SpecState;

/// How a run changes what the last run left, before its first step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumeRequest {
    /// Gives units the answers to their questions.
    Answers(Vec<GivenAnswer>),
    /// Tries all halted units again without an answer.
    Retry,
    /// Forgets all limits, and ends a pause.
    ForgetLimits,
}

/// An answer that a person gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenAnswer {
    /// The unit that asks.
    pub unit: String,
    /// The name of the question that the person saw; `None`: whatever the unit asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// The answer.
    pub text: String,
    /// Who gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl GivenAnswer {
    /// Puts it into the state. `false`: the question is not open.
    pub(super) fn apply(&self, state: &mut SpecState) -> bool {
        let opened = state.asks(&self.unit, self.question.as_deref())
            && state.reopen(&self.unit, Some(self.text.clone()));
        if let Some(answer) = state.answers.last_mut().filter(|_| opened) {
            answer.by.clone_from(&self.by);
            answer.at = self.at;
        }
        opened
    }
}

impl ResumeRequest {
    /// The answer to one question.
    #[must_use]
    pub fn answer(unit: &str, text: &str) -> Self {
        let (unit, text) = (unit.to_owned(), text.to_owned());
        Self::Answers(vec![GivenAnswer { unit, question: None, text, by: None, at: None }])
    }

    /// Changes the state; `left_out`: units that the run is not asked for. `false`: none of the units has a question, and
    /// nothing changed.
    pub fn apply(&self, state: &mut SpecState, left_out: &BTreeSet<String>) -> bool {
        match self {
            Self::Answers(answers) => {
                return answers.iter().filter(|given| given.apply(state)).count() > 0;
            }
            Self::Retry => state.reopen_all_but(left_out),
            Self::ForgetLimits => {
                state.forget_limits();
                state.pause = None;
            }
        }
        true
    }

    /// Keeps what a person said with it, where the run could not begin. Nothing is tried again.
    pub(super) fn keep(&self, state: &mut SpecState) {
        if *self != Self::Retry {
            self.apply(state, &BTreeSet::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::at;

    #[test]
    fn an_answer_to_an_earlier_question_changes_nothing() {
        let mut state = SpecState::default();
        state.halt(at(0), "1", "Shall I continue?");
        let question = Some(state.questions()[0].id());
        let given = GivenAnswer { unit: "1".into(), question, text: "Yes".into(), by: None, at: None };
        let asked_again = |state: &mut SpecState| {
            state.reopen("1", None);
            state.halt(at(9), "1", "Shall I continue?");
        };
        let request = ResumeRequest::Answers(vec![given]);
        let mut later = state.clone();
        asked_again(&mut later);
        let before = later.clone();
        assert!(!request.apply(&mut later, &BTreeSet::new()) && later == before);
        assert!(request.apply(&mut state, &BTreeSet::new()));
    }

    #[test]
    fn an_answer_goes_to_the_task_that_asked() {
        let mut state = SpecState::default();
        state.halt(at(0), "1", "A or B?");
        let before = state.clone();
        let answer = |unit: &str| ResumeRequest::answer(unit, "A");
        assert!(!answer("2").apply(&mut state, &BTreeSet::new()));
        assert_eq!(state, before);
        assert!(answer("1").apply(&mut state, &BTreeSet::new()));
        assert!(!state.is_halted());
        assert_eq!(state.answers_for("1").map(|a| a.answer.as_str()).collect::<Vec<_>>(), ["A"]);
        assert!(!answer("1").apply(&mut state, &BTreeSet::new()), "it is answered");
    }
}
