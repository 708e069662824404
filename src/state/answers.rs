//! PURE. What humans said to the questions of agents.

use serde::{Deserialize, Serialize};

use super::model::{AttemptRecord, SpecState, UnitStatus};
use super::outcome::Outcome;

/// What a human said to a halted unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The unit.
    pub unit: String,
    /// What the agent asked.
    pub question: String,
    /// What the human said; may be empty ("go on").
    pub answer: String,
    /// The attempt that asked; 0: the last one, as an older version meant it.
    #[serde(default)]
    pub attempt: u32,
}

impl SpecState {
    /// What a human decided for a unit since it was last done, oldest first.
    #[must_use]
    pub fn answers_for<'a>(&'a self, unit: &'a str) -> impl DoubleEndedIterator<Item = &'a Answer> {
        self.answers.iter().chain(&self.answer).filter(move |answer| answer.unit == unit)
    }

    /// Whether a human answered what an attempt asked, or what it halted for without asking.
    #[must_use]
    pub fn is_answered(&self, unit: &str, asked: &AttemptRecord) -> bool {
        let halted = matches!(asked.outcome, Some(Outcome::Halted { .. }));
        let answers = |a: &Answer| a.attempt == asked.number || (a.attempt == 0 && halted);
        self.answers_for(unit).next_back().is_some_and(answers)
    }

    /// Nobody needs any more what a human decided for a unit.
    pub fn forget_answers(&mut self, unit: &str) {
        self.answers.retain(|answer| answer.unit != unit);
        self.answer = self.answer.take().filter(|answer| answer.unit != unit);
    }

    /// Takes the spec out of its halt, so that the unit that asked is tried again, with the answer where there is one, and
    /// with all that were given before; `false`: it is not halted, and nothing changed.
    pub fn reopen(&mut self, answer: Option<String>) -> bool {
        if !self.halted {
            return false;
        }
        let unit = self.halted_task.take().unwrap_or_default();
        let question = self.question.take().unwrap_or_default();
        let mut attempt = 0;
        if let Some(unit) = self.units.get_mut(&unit) {
            unit.status = UnitStatus::Todo;
            attempt = unit.attempts.iter().rev().find(|a| a.came_to_its_start()).map_or(0, |a| a.number);
        }
        let before = self.answer.take();
        self.answers.extend(before);
        self.answers.extend(answer.map(|answer| Answer { unit, question, answer, attempt }));
        self.halted = false;
        self.halted_at = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{GoesOn, Learned, Reason};

    /// An attempt of task 1 that works in the session of that number.
    fn attempt(number: u32, outcome: Outcome, reason: Option<Reason>) -> AttemptRecord {
        let session = "S".to_owned();
        AttemptRecord {
            number,
            backend: "agent".into(),
            started_at: jiff::Timestamp::UNIX_EPOCH,
            ended_at: None,
            outcome: Some(outcome),
            completes: Vec::new(),
            counts: true,
            goes_on: reason.map(|reason| GoesOn { session: session.clone(), reason }),
            asked_model: None,
            cwd: "/".into(),
            learned: Learned { session: Some(session), ..Learned::default() },
        }
    }

    /// It asks, and is given this answer.
    fn asks(state: &mut SpecState, question: &str, answer: Option<&str>) {
        let number = state.next_attempt("1");
        let outcome = Outcome::Halted { question: question.to_owned() };
        state.units.entry("1".into()).or_default().attempts.push(attempt(number, outcome, None));
        state.halt(jiff::Timestamp::UNIX_EPOCH, "1", question);
        assert!(state.reopen(answer.map(str::to_owned)));
    }

    fn told(state: &SpecState) -> Vec<(&str, &str)> {
        state.answers_for("1").map(|a| (a.question.as_str(), a.answer.as_str())).collect()
    }

    fn reason(state: &SpecState) -> Option<Reason> {
        state.session_for("1", "agent", "/", 1).map(|goes_on| goes_on.reason)
    }

    #[test]
    fn all_answers_are_kept_until_the_task_is_done_also_where_a_question_got_none() {
        let mut state = SpecState::default();
        asks(&mut state, "Which database?", Some("Postgres"));
        assert_eq!(reason(&state), Some(Reason::Answer));
        asks(&mut state, "Which region?", None);
        assert_eq!(
            (told(&state), reason(&state)),
            (vec![("Which database?", "Postgres")], Some(Reason::Retry))
        );
        asks(&mut state, "Which region?", Some("EU"));
        assert_eq!(told(&state), [("Which database?", "Postgres"), ("Which region?", "EU")]);
        let mut state: SpecState = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        assert_eq!(told(&state).len(), 2);
        assert!(state.answers_for("2").next().is_none());
        state.done("1", &["1".to_owned()]);
        assert_eq!(told(&state), []);
    }

    #[test]
    fn an_answer_that_a_limit_cut_off_is_said_again() {
        let mut state = SpecState::default();
        asks(&mut state, "Which?", Some("The first."));
        let limited = Outcome::Limited {
            limit: crate::agent::limit::LimitKind::RateLimited,
            why: "later".into(),
            until: None,
            model: None,
        };
        let cut = attempt(2, limited, Some(Reason::Answer));
        state.units.get_mut("1").unwrap().attempts.push(cut);
        assert_eq!(reason(&state), Some(Reason::Answer));
    }

    #[test]
    fn the_answer_of_an_older_version_is_told_and_comes_before_the_next() {
        let old = r#"{"answer":{"unit":"1","question":"Which database?","answer":"Postgres"},"units":{}}"#;
        let mut state: SpecState = serde_json::from_str(old).unwrap();
        let halted = attempt(1, Outcome::Halted { question: "Which database?".into() }, None);
        state.units.entry("1".into()).or_default().attempts.push(halted);
        assert_eq!(
            (told(&state), reason(&state)),
            (vec![("Which database?", "Postgres")], Some(Reason::Answer))
        );
        asks(&mut state, "Which region?", Some("EU"));
        assert_eq!(told(&state), [("Which database?", "Postgres"), ("Which region?", "EU")]);
        assert!(state.answer.is_none());
    }
}
