//! Answers that people left on a remote, for the next run that takes the lease.

use std::time::Duration;

use crate::git::call::GitError;
use crate::git::repository::Repository;
use crate::run::resume::GivenAnswer;
use crate::state::SpecState;

/// The file with an answer, in the object of its ref.
pub(super) const FILE: &str = "answer.json";

/// The ref of the answer to the question with this name.
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
) -> Result<Vec<GivenAnswer>, GitError> {
    let found = repository.fetch_below(address, &home(key), &format!("{into}/answers"), deadline)?;
    let mut answers = Vec::new();
    for (_, object) in found {
        let bytes = repository.read_record(&object, FILE)?.unwrap_or_default();
        // one that a person wrote by hand may be wrong
        answers.extend(serde_json::from_slice::<GivenAnswer>(&bytes));
    }
    Ok(answers)
}

/// Gives questions their answers. Those of questions that are answered or gone are passed over. Returns how many there were.
pub(super) fn apply(left: &[GivenAnswer], state: &mut SpecState) -> usize {
    left.iter().filter(|one| one.question.is_some() && one.apply(state)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::at;

    #[test]
    fn an_answer_is_for_the_question_that_it_was_given_to() {
        let mut state = SpecState::default();
        state.halt(at(0), "1", "A or B?");
        let question = Some(state.questions()[0].id());
        let left = [GivenAnswer { unit: "1".into(), question, text: "A".into(), by: None, at: None }];
        let mut later = SpecState::default();
        later.halt(at(9), "1", "A or B?");
        assert_eq!(apply(&left, &mut later), 0, "it asks again");
        assert_eq!(apply(&left, &mut state), 1);
        assert_eq!(apply(&left, &mut state), 0, "it is answered");
        assert_eq!(state.answers_for("1").count(), 1);
    }
}
