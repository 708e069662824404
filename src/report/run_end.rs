//! PURE. The end of a run as records for programs.

use std::time::Duration;

use super::events::{Changed, EventKind, LeftOutFile};
use super::needs::{NeedRecord, records};
use super::notice_event::millis;
use crate::git::FileChange;
use crate::state::needs::{NeedKind, exit_code, needs};
use crate::state::{End, LeftOutPath, SpecState, UnitState};

/// The end of a run, with the variables that its records need.
#[derive(Debug, Clone, Copy)]
pub struct RunEnd<'a> {
    /// The spec.
    pub spec: &'a str,
    /// What a person types for it.
    pub typed: &'a str,
    /// Why it ended.
    pub end: &'a End,
    /// Tasks that are to do.
    pub left: usize,
    /// How long it took.
    pub took: Duration,
    /// Files that changed during the run; `None` outside a git repository.
    pub changes: Option<&'a [FileChange]>,
    /// Why the commits are not pushed.
    pub not_pushed: Option<&'a str>,
}

impl RunEnd<'_> {
    /// The events of the end: first the most urgent need, unless a person ended the run, then the end itself. `state` is
    /// the state after the run.
    #[must_use]
    pub fn records(&self, state: &SpecState) -> Vec<EventKind> {
        let all = records(self.typed, state);
        let first = all.first();
        let mut found: Vec<EventKind> = first
            .filter(|_| !self.end.is_by_hand())
            .map(|first| self.call(first, all.clone()))
            .into_iter()
            .collect();
        let (failed, blocked) = match self.end {
            End::Stuck { failed, blocked } => (failed.clone(), blocked.clone()),
            End::Unavailable { unit, .. } => (vec![unit.clone()], Vec::new()),
            _ => (Vec::new(), Vec::new()),
        };
        let change = |c: &FileChange| Changed {
            path: c.path.clone(),
            insertions: c.insertions,
            deletions: c.deletions,
        };
        found.push(EventKind::RunEnded {
            spec: self.spec.to_owned(),
            why: self.end.kind(),
            exit_code: exit_code(self.end, &needs(state)),
            unit: first.and_then(|need| need.task.clone()),
            reason: first.map(reason),
            failed,
            blocked,
            left: self.left,
            resume_at: self.end.resume_at(),
            took_ms: millis(self.took),
            changes: self.changes.map(|all| all.iter().map(change).collect()),
            left_out: left_out(state),
            needs: all,
            not_pushed: self.not_pushed.map(str::to_owned),
        });
        found
    }

    fn call(&self, first: &NeedRecord, needs: Vec<NeedRecord>) -> EventKind {
        match &first.task {
            Some(unit) if first.kind == NeedKind::Question => {
                EventKind::Halted { unit: unit.clone(), question: first.reason.clone(), needs }
            }
            unit => EventKind::NeedsHuman {
                unit: unit.clone(),
                why: self.end.kind(),
                reason: reason(first),
                needs,
            },
        }
    }
}

/// What the units of the spec left that is in no snapshot and no commit.
fn left_out(state: &SpecState) -> Vec<LeftOutFile> {
    let of_unit = |(id, unit): (&str, &UnitState)| {
        let file = |one: LeftOutPath| LeftOutFile { unit: id.to_owned(), path: one.path, reason: one.why };
        unit.left_out().into_iter().map(file).collect::<Vec<_>>()
    };
    state.units_by_id().into_iter().flat_map(of_unit).collect()
}

fn reason(need: &NeedRecord) -> String {
    if need.kind == NeedKind::FailedTask {
        return format!("failed, no attempts left: {}", need.reason);
    }
    need.reason.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HookEvent;
    use crate::state::testing::at;
    use crate::state::{CommitRefused, EndKind, Remedy, UnitStatus};

    fn records_of(end: &End, state: &SpecState) -> Vec<EventKind> {
        let took = Duration::from_secs(1);
        RunEnd { spec: "login", typed: "login", end, left: 3, took, changes: None, not_pushed: None }
            .records(state)
    }

    fn over(end: &End) -> SpecState {
        let mut state = SpecState::default();
        let unit = state.units.entry("2".into()).or_default();
        match end {
            End::Stuck { failed, .. } if !failed.is_empty() => {
                unit.status = UnitStatus::Failed { at: at(0), reason: "failed with exit code 3".into() };
            }
            End::NotCommitted { .. } => {
                let why = "a hook\nsays no".to_owned();
                state.settle_commit(at(0), "2", Err(CommitRefused { why, ..CommitRefused::default() }));
            }
            End::Halted { .. } => state.halt(at(0), "2", "Which one?"),
            _ => {}
        }
        state.end_run(at(0), end.clone(), true);
        state
    }

    #[test]
    fn every_need_is_reported_to_the_hook_halt_before_the_end() {
        let unit = || "2".to_owned();
        let limited =
            End::Limited { unit: unit(), who: "x".into(), reason: "log in".into(), remedy: Remedy::Login };
        let error = End::Error { reason: "tasks.md can't be run".into(), exit_code: 65 };
        for (end, code, named, part) in [
            (End::NotCommitted { unit: unit() }, 2, Some("2"), "says no"),
            (End::Stuck { failed: vec![unit(), "3".into()], blocked: vec![] }, 2, Some("2"), "exit code 3"),
            (End::Stuck { failed: vec![], blocked: vec![unit()] }, 2, Some("2"), "not done"),
            (limited, 2, Some("2"), "log in"),
            (End::Unavailable { unit: unit(), reason: "x is gone".into() }, 69, Some("2"), "x is gone"),
            (End::Dirty { files: vec!["mine.txt".into()] }, 2, None, "mine.txt"),
            (End::HookFailed { reason: "hooks.run_end".into() }, 2, None, "hooks.run_end"),
            (error, 65, None, "tasks.md"),
        ] {
            let found = records_of(&end, &over(&end));
            assert_eq!(found.len(), 2, "{found:?}");
            assert_eq!(found[0].hook(), Some(HookEvent::Halt), "{end:?}");
            let variables: std::collections::BTreeMap<_, _> = found[0].hook_variables().into_iter().collect();
            assert!(
                variables["SEQORCH_MESSAGE"].contains(part) && variables["SEQORCH_REASON"].contains(part)
            );
            assert_eq!(variables["SEQORCH_UNIT"], named.unwrap_or_default());
            let EventKind::RunEnded { why, unit, reason, exit_code, needs, .. } = &found[1] else {
                panic!("{found:?}")
            };
            assert_eq!((variables["SEQORCH_OUTCOME"].as_str(), unit.as_deref()), (why.word(), named));
            assert!(reason.as_deref().unwrap().contains(part));
            assert_eq!((*exit_code, needs.len()), (code, 1));
        }
    }

    #[test]
    fn an_end_without_a_need_is_one_record() {
        let ends = [
            (End::Complete, 0),
            (End::SelectionComplete { left: 2 }, 0),
            (End::MaxIterations, 1),
            (End::TimeUp, 1),
            (End::Interrupted, 130),
            (End::Terminated, 143),
            (End::HungUp, 143),
        ];
        for (end, code) in ends {
            let found = records_of(&end, &over(&end));
            let [EventKind::RunEnded { unit: None, reason: None, exit_code, .. }] = &found[..] else {
                panic!("{found:?}")
            };
            assert_eq!(*exit_code, code, "{end:?}");
        }
    }

    #[test]
    fn a_run_that_a_person_ended_calls_no_halt_hook() {
        let mut state = over(&End::Stuck { failed: vec!["2".into()], blocked: vec![] });
        state.end_run(at(1), End::Interrupted, true);
        let found = records_of(&End::Interrupted, &state);
        let [EventKind::RunEnded { unit: Some(unit), exit_code: 130, needs, .. }] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!((unit.as_str(), needs[0].kind), ("2", NeedKind::FailedTask));
    }

    #[test]
    fn a_question_is_reported_with_its_text_before_the_end() {
        let end = End::Halted { unit: "2".into() };
        let found = records_of(&end, &over(&end));
        assert_eq!(found[0].hook(), Some(HookEvent::Halt));
        assert_eq!(
            found[0].hook_variables(),
            [
                ("SEQORCH_UNIT", "2".into()),
                ("SEQORCH_OUTCOME", "halted".into()),
                ("SEQORCH_REASON", "Which one?".into()),
                ("SEQORCH_MESSAGE", "Which one?".into())
            ]
        );
        assert!(
            matches!(&found[1], EventKind::RunEnded { why, exit_code: 2, left: 3, .. } if *why == EndKind::Halted)
        );
    }
}
