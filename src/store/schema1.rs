//! PURE. The state file of schema 1, which is read once and written as schema 2. Delete this module when no such file is left.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::agent::limit::LimitKind;
use crate::error::ErrorKind;
use crate::state::answer::Answer;
use crate::state::attempt::AttemptRecord;
use crate::state::end::{End, Remedy};
use crate::state::limited::Limited;
use crate::state::outcome::Outcome;
use crate::state::run::{OpenRun, OverRun, Run, Wait, WaitReason};
use crate::state::spec_state::SpecState;
use crate::state::spent::Spent;
use crate::state::unit::{UnitState, UnitStatus};
use crate::state::{Changes, PendingCommit};

/// Its number.
pub(super) const SCHEMA: u32 = 1;

/// Reads an entry.
pub(super) fn read_entry(value: Value) -> Result<SpecState, serde_json::Error> {
    serde_json::from_value::<OldEntry>(value).map(OldEntry::state)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OldEntry {
    completed: Vec<String>,
    halted: bool,
    halted_at: Option<Timestamp>,
    halted_task: Option<String>,
    question: Option<String>,
    started_at: Option<Timestamp>,
    run_began: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    assignments: Map<String, Value>,
    skipped: BTreeSet<String>,
    /// Only while a run is open.
    ticked_before: Option<BTreeSet<String>>,
    unconfirmed: BTreeSet<String>,
    run_args: Vec<String>,
    ended: Option<OldEnd>,
    answers: Vec<Answer>,
    limits: BTreeMap<String, Limited>,
    model_limits: BTreeMap<String, BTreeMap<String, Limited>>,
    waiting_until: Option<Timestamp>,
    waiting_for: Option<String>,
    waiting_since: Option<Timestamp>,
    waited_s: BTreeMap<String, u64>,
    iterations: u32,
    usage: Spent,
    units: BTreeMap<String, OldUnit>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

/// Why a person was needed, where nothing else in the entry said it.
#[derive(Debug, Deserialize)]
struct OldEnd {
    why: String,
    unit: Option<String>,
    reason: String,
    at: Timestamp,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OldUnit {
    status: OldStatus,
    attempts: Vec<AttemptRecord>,
    usage: Spent,
    before: Option<String>,
    changes: Option<Changes>,
    /// Its commit is pending.
    to_keep: bool,
    /// Git's words.
    not_committed: Option<String>,
    to_tick: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OldStatus {
    #[default]
    Todo,
    Running,
    Done,
    Halted,
    Failed,
}

impl OldEntry {
    fn state(mut self) -> SpecState {
        let units = std::mem::take(&mut self.units);
        let began = self.run_began.or(self.started_at).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut state = SpecState {
            units: units.into_iter().map(|(id, unit)| (id, unit.state(began))).collect(),
            ..SpecState::default()
        };
        if let (true, Some(unit)) = (self.halted, &self.halted_task) {
            let question = self.question.clone().unwrap_or_default();
            state.halt(self.halted_at.unwrap_or(began), unit, &question);
        }
        state.run = self.run(&state);
        state.completed = self.completed;
        state.started_at = self.started_at;
        state.completed_at = self.completed_at;
        state.assignments = self.assignments;
        state.skipped = self.skipped;
        state.unconfirmed = self.unconfirmed;
        state.answers = self.answers;
        for answer in &mut state.answers {
            // what the Python tool asked had no attempt
            answer.attempt = answer.attempt.filter(|number| *number > 0);
        }
        state.limits = self.limits;
        state.model_limits = self.model_limits;
        state.usage = self.usage;
        state.other = self.other;
        state
    }

    fn run(&mut self, state: &SpecState) -> Run {
        let Some(began) = self.run_began else { return Run::Never };
        let mut open = OpenRun::new(began, self.ticked_before.clone().unwrap_or_default());
        open.args = std::mem::take(&mut self.run_args);
        open.waited_ms =
            self.waited_s.iter().map(|(reason, seconds)| (reason.clone(), seconds * 1000)).collect();
        open.iterations = self.iterations;
        open.wait = self.wait();
        match self.end(state) {
            None => Run::Open(open),
            Some((end, ended)) => {
                let over = OverRun { unread: self.ticked_before.take(), ..open.over(ended, end) };
                Run::Over(over)
            }
        }
    }

    fn wait(&self) -> Option<Wait> {
        let (since, until) = (self.waiting_since?, self.waiting_until?);
        let reason = self.waiting_for.clone()?;
        let limit = || {
            let (backend, words) = reason.split_once(": ")?;
            let kinds = [LimitKind::RateLimited, LimitKind::QuotaExhausted, LimitKind::Overloaded];
            let kind = kinds.into_iter().find(|kind| kind.words() == words)?;
            Some(WaitReason::Limit { backend: backend.to_owned(), kind })
        };
        let reason = limit().unwrap_or(WaitReason::Pace { rule: reason.clone() });
        Some(Wait { since, until: Some(until), reason })
    }

    /// Why the last run ended, and when; `None`: its end was not decided.
    fn end(&mut self, state: &SpecState) -> Option<(End, Timestamp)> {
        let last = state.units.values().flat_map(|unit| &unit.attempts).filter_map(|a| a.ended_at).max();
        let ended = last.or(self.run_began).unwrap_or(Timestamp::UNIX_EPOCH);
        if let Some(end) = self.ended.take() {
            let at = end.at;
            return Some((self.old_end(end), at));
        }
        if self.ticked_before.is_some() {
            return None;
        }
        let failed: Vec<String> = state.failed().map(str::to_owned).collect();
        Some(if let Some(question) = state.questions().first() {
            (End::Halted { unit: question.unit.to_owned() }, question.since)
        } else if let Some(unit) = state.refused_commit() {
            (End::NotCommitted { unit: unit.to_owned() }, ended)
        } else if !failed.is_empty() {
            (End::Stuck { failed, blocked: Vec::new() }, ended)
        } else if let Some(at) = self.completed_at {
            (End::Complete, at)
        } else {
            // the cap, a signal, or a selection: none of them needs a person
            (End::Interrupted, ended)
        })
    }

    fn old_end(&self, end: OldEnd) -> End {
        let OldEnd { why, unit, reason, .. } = end;
        let unit = unit.unwrap_or_default();
        match why.as_str() {
            "dirty" => {
                let files = reason.split_once(": ").map_or("", |(_, files)| files);
                End::Dirty { files: files.split(", ").map(str::to_owned).collect() }
            }
            "limited" => {
                let models =
                    self.model_limits.iter().flat_map(|(name, all)| all.values().map(move |l| (name, l)));
                let by_hand = self.limits.iter().chain(models).find(|(_, limited)| limited.until.is_none());
                let remedy = match by_hand.map(|(_, limited)| limited.kind) {
                    Some(LimitKind::Auth) => Remedy::Login,
                    Some(_) => Remedy::Payment,
                    None => Remedy::Rule,
                };
                let who = by_hand.map_or_else(|| "a backend".to_owned(), |(name, _)| name.clone());
                End::Limited { unit, who, reason, remedy }
            }
            "stuck" => End::Stuck { failed: Vec::new(), blocked: vec![unit] },
            "unavailable" => End::Unavailable { unit, reason },
            _ if reason.starts_with("hooks.") => End::HookFailed { reason },
            _ => End::Error { reason, exit_code: ErrorKind::Internal.exit_code() },
        }
    }
}

impl OldUnit {
    fn state(self, began: Timestamp) -> UnitState {
        let last = self.attempts.last();
        let at = last.and_then(|a| a.ended_at).unwrap_or(began);
        let outcome = last.and_then(|a| a.outcome.as_ref());
        let status = match self.status {
            OldStatus::Todo => UnitStatus::Todo,
            OldStatus::Running => UnitStatus::Running,
            OldStatus::Done => UnitStatus::Done,
            OldStatus::Halted => {
                let question = match outcome {
                    Some(Outcome::Halted { question }) => question.clone(),
                    _ => String::new(),
                };
                UnitStatus::Halted { question, at }
            }
            OldStatus::Failed => {
                let reason = outcome.map_or_else(|| "it failed".to_owned(), Outcome::to_string);
                UnitStatus::Failed { at, reason }
            }
        };
        let pending =
            PendingCommit { since: at, by_git: self.not_committed.is_some(), refused: self.not_committed };
        UnitState {
            findings: None,
            unchecked: false,
            title: String::new(),
            folder: None,
            status,
            attempts: self.attempts,
            usage: self.usage,
            before: self.before,
            since_attempt: 0,
            talks: Vec::new(),
            changes: self.changes,
            pending_commit: self.to_keep.then_some(pending),
            to_tick: self.to_tick,
            undone: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::state_file::{StateFile, StateText};
    use super::*;
    use crate::state::needs::{NeedKind, needs};

    /// What the last version of schema 1 wrote for a spec of three tasks.
    macro_rules! fixture {
        ($name:literal) => {
            read(include_str!(concat!("../../tests/fixtures/schema1/", $name, ".json")))
        };
    }

    fn read(text: &str) -> SpecState {
        let StateText::Ours(file) = StateText::read(text).unwrap() else { panic!("not ours") };
        // it is written as schema 2, and read as the same
        let rewritten = String::from_utf8(file.text().unwrap()).unwrap();
        assert!(
            rewritten.contains("\"schema\": 2") && !rewritten.contains("not_committed\":"),
            "{rewritten}"
        );
        let again = StateText::read(&rewritten).unwrap();
        assert_eq!(again, StateText::Ours(StateFile { ..file.clone() }));
        file.specs["shop"].clone()
    }

    fn needed(state: &SpecState) -> Vec<(NeedKind, Option<String>, String)> {
        needs(state).into_iter().map(|need| (need.kind, need.task, need.reason)).collect()
    }

    fn one(kind: NeedKind, task: Option<&str>, reason: &str) -> Vec<(NeedKind, Option<String>, String)> {
        vec![(kind, task.map(str::to_owned), reason.to_owned())]
    }

    fn end(state: &SpecState) -> &End {
        &state.run.over().unwrap().end
    }

    #[test]
    fn a_complete_run_comes_back() {
        let state = fixture!("complete");
        assert_eq!((end(&state), state.completed.len()), (&End::Complete, 3));
        assert!(needed(&state).is_empty() && state.completed_at.is_some() && state.run.began().is_some());
    }

    #[test]
    fn a_run_that_met_its_cap_comes_back_with_its_options() {
        let state = fixture!("cap");
        assert_eq!(
            (end(&state), state.run.args()),
            (&End::Interrupted, &["--max-iterations=1".to_owned()][..])
        );
        assert!(needed(&state).is_empty());
    }

    #[test]
    fn a_question_and_earlier_answers_come_back() {
        let state = fixture!("halted");
        assert_eq!(needed(&state), one(NeedKind::Question, Some("2"), "Which provider?"));
        assert_eq!(end(&state), &End::Halted { unit: "2".into() });
        let state = fixture!("answered");
        assert_eq!(needed(&state), one(NeedKind::Question, Some("1"), "Question 2?"));
        assert_eq!((state.answers[0].answer.as_str(), state.answers[0].attempt), ("Postgres", Some(1)));
    }

    #[test]
    fn a_failed_task_comes_back() {
        let state = fixture!("failed");
        assert_eq!(needed(&state), one(NeedKind::FailedTask, Some("2"), "failed with exit code 3"));
        assert_eq!(state.run.args(), ["--only=1,2"]);
        let state = fixture!("skipfail");
        assert_eq!(needed(&state), one(NeedKind::FailedTask, Some("1"), "failed with exit code 1"));
    }

    #[test]
    fn a_refused_commit_comes_back() {
        let state = fixture!("refused");
        let words = "error: git commit failed\n  not like this";
        assert_eq!(needed(&state), one(NeedKind::PendingCommit, Some("2"), words));
        assert!(state.units["2"].changes.is_some());
    }

    #[test]
    fn ends_that_only_the_run_knows_come_back() {
        let state = fixture!("dirty");
        assert_eq!(end(&state), &End::Dirty { files: vec!["relaxed".into()] });
        let state = fixture!("error");
        let reason = "hooks.step_end: false failed with exit code 1";
        assert_eq!(needed(&state), one(NeedKind::Hook, None, reason));
        assert_eq!(state.run.over().unwrap().unread, Some(BTreeSet::new()), "its boxes may have changed");
        assert_eq!(state.to_tick(), ["1"]);
        let state = fixture!("login");
        let reason = "please log in; log in with its own login command, then run again";
        assert_eq!(needed(&state), one(NeedKind::Login, Some("2"), reason));
    }

    #[test]
    fn a_killed_run_is_still_open() {
        let state = fixture!("killed");
        assert_eq!(state.running().map(|(unit, attempt)| (unit, attempt.number)), Some(("2", 1)));
        assert_eq!(state.run.open().unwrap().iterations, 2);
        assert!(needed(&state).is_empty());
    }

    #[test]
    fn a_run_that_waits_for_a_limit_still_waits() {
        let state = fixture!("limited");
        let wait = state.run.wait().unwrap();
        let reason = WaitReason::Limit { backend: "fake".into(), kind: LimitKind::QuotaExhausted };
        assert_eq!((&wait.reason, state.limits["fake"].until), (&reason, wait.until));
        assert!(needed(&state).is_empty(), "a limit that ends is a wait");
        let paced = r#"{"schema":1,"specs":{"shop":{"run_began":"2026-01-02T03:04:05Z","ticked_before":[],
            "waiting_for":"pace.tokens = 1000 per 5h","waiting_since":"2026-01-02T03:04:05Z",
            "waiting_until":"2026-01-02T04:04:05Z"}}}"#;
        let rule = "pace.tokens = 1000 per 5h".to_owned();
        assert_eq!(read(paced).run.wait().unwrap().reason, WaitReason::Pace { rule });
    }

    #[test]
    fn what_the_python_tool_asked_comes_back_without_an_attempt() {
        let imported = r#"{"schema":1,"specs":{"shop":{"halted":true,"halted_task":"3","question":"?",
            "halted_at":"2026-01-02T03:04:05Z","answers":[{"unit":"2","question":"Q","answer":"A","attempt":0}]}}}"#;
        let state = read(imported);
        assert_eq!(needed(&state), one(NeedKind::Question, Some("3"), "?"));
        assert_eq!((state.answers[0].attempt, &state.run), (None, &Run::Never));
    }
}
