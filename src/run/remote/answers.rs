//! Answers that people left on a remote, for the next run that takes the lease.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::git::call::GitError;
use crate::git::repository::Repository;
use crate::run::resume::{GivenAnswer, ResumeRequest};
use crate::state::{Question, SpecState};
use crate::sys::digest::digest;

/// The file with an answer, in the object of its ref.
pub(super) const FILE: &str = "answer.json";

/// An answer on a remote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LeftAnswer {
    /// The question that it is for.
    pub(super) question: String,
    /// The answer.
    pub(super) answer: GivenAnswer,
}

/// The name of a question: a task may ask the same again later.
pub(super) fn id_of(question: &Question<'_>) -> String {
    digest(format!("{}\0{}\0{}", question.unit, question.since, question.text).as_bytes())
}

/// The ref of an answer.
pub(super) fn ref_of(key: &str, question: &str) -> String {
    format!("{}{question}", home(key))
}

fn home(key: &str) -> String {
    format!("refs/seqorch/answer/{key}/")
}

/// The answers that a remote has for the spec with this key.
pub(super) fn fetch(
    repository: &Repository,
    address: &str,
    key: &str,
    into: &str,
    deadline: Duration,
) -> Result<Vec<LeftAnswer>, GitError> {
    let found = repository.fetch_below(address, &home(key), &format!("{into}/answers"), deadline)?;
    let mut answers = Vec::new();
    for (_, object) in found {
        let bytes = repository.read_record(&object, FILE)?.unwrap_or_default();
        // one that a person wrote by hand may be wrong
        answers.extend(serde_json::from_slice::<LeftAnswer>(&bytes));
    }
    Ok(answers)
}

/// Gives questions their answers. Those of questions that are answered or gone are passed over. Returns how many there were.
pub(super) fn apply(left: &[LeftAnswer], state: &mut SpecState) -> usize {
    let asked: Vec<(String, String)> =
        state.questions().iter().map(|question| (id_of(question), question.unit.to_owned())).collect();
    let fits =
        |one: &&LeftAnswer| asked.iter().any(|(id, unit)| *id == one.question && *unit == one.answer.unit);
    let given: Vec<GivenAnswer> = left.iter().filter(fits).map(|one| one.answer.clone()).collect();
    if !given.is_empty() {
        ResumeRequest::Answers(given.clone()).apply(state);
    }
    given.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::at;

    #[test]
    fn an_answer_is_for_the_question_that_it_was_given_to() {
        let mut state = SpecState::default();
        state.halt(at(0), "1", "A or B?");
        let question = id_of(&state.questions()[0]);
        let answer = GivenAnswer { unit: "1".into(), text: "A".into(), by: None, at: None };
        let left = [LeftAnswer { question, answer }];
        let mut later = SpecState::default();
        later.halt(at(9), "1", "A or B?");
        assert_eq!(apply(&left, &mut later), 0, "it asks again");
        assert_eq!(apply(&left, &mut state), 1);
        assert_eq!(apply(&left, &mut state), 0, "it is answered");
        assert_eq!(state.answers_for("1").count(), 1);
    }
}
