//! PURE. Questions of agents, and what people answered.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::answer::Answer;
use super::attempt::AttemptRecord;
use super::spec_state::SpecState;
use super::unit::{UnitState, UnitStatus};
use crate::sys::digest::digest;

/// A question that waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'a> {
    /// The unit that asks.
    pub unit: &'a str,
    /// What it asks.
    pub text: &'a str,
    /// Since when.
    pub since: Timestamp,
}

impl Question<'_> {
    /// Its name. A task that asks the same again later asks another question.
    #[must_use]
    pub fn id(&self) -> String {
        digest(format!("{}\0{}\0{}", self.unit, self.since, self.text).as_bytes())
    }
}

impl SpecState {
    /// The questions that wait for an answer, oldest first.
    #[must_use]
    pub fn questions(&self) -> Vec<Question<'_>> {
        let asked = self.units_by_id().into_iter().filter_map(|(id, unit)| match &unit.status {
            UnitStatus::Halted { question, at } => Some(Question { unit: id, text: question, since: *at }),
            _ => None,
        });
        let mut asked: Vec<_> = asked.collect();
        asked.sort_by_key(|question| question.since);
        asked
    }

    /// Whether this unit asks; with `question`, whether it asks the one with this name.
    #[must_use]
    pub fn asks(&self, unit: &str, question: Option<&str>) -> bool {
        let mut asked = self.questions().into_iter();
        asked.any(|asked| asked.unit == unit && question.is_none_or(|question| question == asked.id()))
    }

    /// Whether an agent waits for an answer.
    #[must_use]
    pub fn is_halted(&self) -> bool {
        self.units.values().any(UnitState::is_halted)
    }

    /// A unit asks a person.
    pub fn halt(&mut self, now: Timestamp, unit: &str, question: &str) {
        let status = UnitStatus::Halted { question: question.to_owned(), at: now };
        self.units.entry(unit.to_owned()).or_default().status = status;
    }

    /// Takes a unit out of its halt, so that it is tried again: with the answer where there is one, and with all that were
    /// given before. `false`: it is not halted, and nothing changed.
    pub fn reopen(&mut self, unit: &str, answer: Option<String>) -> bool {
        let Some(known) = self.units.get_mut(unit) else { return false };
        let UnitStatus::Halted { question, .. } = &known.status else { return false };
        let question = question.clone();
        known.status = UnitStatus::Todo;
        let attempt = known.work().rev().find(|a| a.reached_agent()).map(|a| a.number);
        let unit = unit.to_owned();
        self.answers.extend(answer.map(|answer| Answer {
            unit,
            question,
            answer,
            attempt,
            by: None,
            at: None,
        }));
        true
    }

    /// Tries halted units again without an answer, but not those in `left_out`.
    pub fn reopen_all_but(&mut self, left_out: &BTreeSet<String>) {
        for (id, unit) in &mut self.units {
            if unit.is_halted() && !left_out.contains(id) {
                unit.status = UnitStatus::Todo;
            }
        }
    }

    /// What a person decided for a unit since it was last done, oldest first.
    #[must_use]
    pub fn answers_for<'a>(&'a self, unit: &'a str) -> impl DoubleEndedIterator<Item = &'a Answer> {
        self.answers.iter().filter(move |answer| answer.unit == unit)
    }

    /// Whether a person answered what an attempt asked, or what it halted for without asking.
    #[must_use]
    pub fn is_answered(&self, unit: &str, asked: &AttemptRecord) -> bool {
        self.answers_for(unit).next_back().is_some_and(|answer| answer.attempt == Some(asked.number))
    }

    /// Everything that people decided, also for tasks that are done, oldest first.
    pub fn all_decisions(&self) -> impl Iterator<Item = &Answer> {
        self.decisions.iter().chain(&self.answers)
    }
}

#[cfg(test)]
mod tests {
    use super::super::attempt::{ResumeReason, Resumption};
    use super::super::outcome::Outcome;
    use super::super::testing::{at, attempt, limited};
    use super::*;

    /// An attempt of task 1 that works in a session, and resumes it for that reason.
    fn in_session(number: u32, outcome: Outcome, reason: Option<ResumeReason>) -> AttemptRecord {
        let session = "S".to_owned();
        let mut attempt = attempt(number, Some(outcome));
        attempt.resumes = reason.map(|reason| Resumption { session: session.clone(), reason });
        attempt.learned.session = Some(session);
        attempt
    }

    /// It asks, and gets this answer.
    fn asks(state: &mut SpecState, question: &str, answer: Option<&str>) {
        let number = state.next_attempt("1");
        let outcome = Outcome::Halted { question: question.to_owned() };
        state.units.entry("1".into()).or_default().attempts.push(in_session(number, outcome, None));
        state.halt(at(0), "1", question);
        assert!(state.reopen("1", answer.map(str::to_owned)));
    }

    fn decided(state: &SpecState) -> Vec<(&str, &str)> {
        state.answers_for("1").map(|a| (a.question.as_str(), a.answer.as_str())).collect()
    }

    fn reason(state: &SpecState) -> Option<ResumeReason> {
        state.session_for("1", crate::agent::AttemptRole::Work, "agent", "/", 1).map(|resumes| resumes.reason)
    }

    #[test]
    fn all_answers_are_kept_until_the_task_is_done() {
        let mut state = SpecState::default();
        asks(&mut state, "Which database?", Some("Postgres"));
        assert_eq!(reason(&state), Some(ResumeReason::Answer));
        asks(&mut state, "Which region?", None);
        assert_eq!(decided(&state), [("Which database?", "Postgres")]);
        assert_eq!(reason(&state), Some(ResumeReason::Retry), "that question got no answer");
        asks(&mut state, "Which region?", Some("EU"));
        assert_eq!(decided(&state), [("Which database?", "Postgres"), ("Which region?", "EU")]);
        let mut state: SpecState = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        assert_eq!(decided(&state).len(), 2);
        assert!(state.answers_for("2").next().is_none());
        state.done(at(0), "1", &["1".to_owned()]);
        assert_eq!(decided(&state), []);
    }

    #[test]
    fn an_answer_that_a_limit_cut_off_is_given_again() {
        let mut state = SpecState::default();
        asks(&mut state, "Which?", Some("The first."));
        let cut = in_session(2, limited(), Some(ResumeReason::Answer));
        state.units.get_mut("1").unwrap().attempts.push(cut);
        assert_eq!(reason(&state), Some(ResumeReason::Answer));
    }

    #[test]
    fn several_units_may_ask_and_each_gets_its_own_answer() {
        let mut state = SpecState::default();
        state.halt(at(2), "1", "A?");
        state.halt(at(1), "2", "B?");
        let asked: Vec<_> = state.questions().iter().map(|q| (q.unit, q.text)).collect();
        assert_eq!(asked, [("2", "B?"), ("1", "A?")], "oldest first");
        assert!(state.reopen("1", Some("yes".into())) && state.is_halted());
        assert!(!state.reopen("1", Some("yes".into())), "it asks nothing any more");
        assert_eq!(state.questions().len(), 1);
        state.reopen_all_but(&BTreeSet::new());
        assert!(!state.is_halted());
        assert_eq!(state.answers.len(), 1);
    }
}
