//! PURE. What the user must do before a spec can continue. This is the only answer to "does it need you?".
//!
//! The end of a run and its exit code, `status`, `specs`, `doctor`, `report`, the live view, the hook `halt` and `resume` all
//! ask [`needs`].

use std::cmp::Ordering;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::attempt::AttemptRecord;
use super::by_id::sorted;
use super::end::{End, Remedy};
use super::outcome::Outcome;
use super::run::OverRun;
use super::spec_state::SpecState;
use super::unit::{UnitState, UnitStatus};
use crate::agent::shell::shell_word;
use crate::spec::compare_ids;

/// Something that a person must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What kind of need.
    pub kind: NeedKind,
    /// The task that it is about, where it is about one.
    pub task: Option<String>,
    /// The task's title: when it was started last, else in tasks.md.
    pub title: String,
    /// What is the matter: a question, the words of git or of a vendor, how an attempt ended. May have several lines.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Other tasks have a need of this kind, too.
    pub is_one_of_several: bool,
    /// The task that a person marked to be left out, where others are blocked by it.
    pub left_out: Option<String>,
}

/// What kind of thing a person must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeedKind {
    /// Answer a question of an agent.
    Question,
    /// Look at a task that failed and has no attempts left.
    FailedTask,
    /// Do a task that no agent gets, and mark it as done.
    HumanTask,
    /// Fix what makes git refuse the commit of a done task.
    PendingCommit,
    /// Log in where a backend was refused.
    Login,
    /// Pay where a backend was refused.
    Payment,
    /// Commit or stash changes of others in the work tree.
    DirtyTree,
    /// Decide about history that an agent rewrote or left.
    History,
    /// Decide about the branch on a remote, which people moved, or which does not take commits.
    Branch,
    /// Free the index of git, which does not have a commit yet that is made.
    IndexBehind,
    /// Fix a hook that must succeed and failed.
    Hook,
    /// Look at settings that would execute something new, which an agent wrote.
    Trust,
    /// Run again later, or change the rule that ended the run.
    Rule,
    /// Look at tasks that depend on tasks which are not done and will not be.
    Blocked,
    /// Make an agent's program start.
    Unavailable,
    /// Look at an error that ended the last run.
    Error,
}

impl NeedKind {
    /// All kinds, the most urgent first.
    pub const ALL: [Self; 16] = [
        Self::Question,
        Self::FailedTask,
        Self::HumanTask,
        Self::PendingCommit,
        Self::Login,
        Self::Payment,
        Self::DirtyTree,
        Self::History,
        Self::Branch,
        Self::IndexBehind,
        Self::Hook,
        Self::Trust,
        Self::Rule,
        Self::Blocked,
        Self::Unavailable,
        Self::Error,
    ];

    /// The word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::FailedTask => "failed_task",
            Self::HumanTask => "human_task",
            Self::PendingCommit => "pending_commit",
            Self::Login => "login",
            Self::Payment => "payment",
            Self::DirtyTree => "dirty_tree",
            Self::History => "history",
            Self::Branch => "branch",
            Self::IndexBehind => "index_behind",
            Self::Hook => "hook",
            Self::Trust => "trust",
            Self::Rule => "rule",
            Self::Blocked => "blocked",
            Self::Unavailable => "unavailable",
            Self::Error => "error",
        }
    }
}

impl Need {
    /// The order of needs: the most urgent kind first. The oldest question is answered first; other tasks stand in the order
    /// of their ids.
    fn compare(&self, other: &Self) -> Ordering {
        let id = |need: &Self| need.task.clone().unwrap_or_default();
        let within = if self.kind == NeedKind::Question {
            self.since.cmp(&other.since)
        } else {
            compare_ids(&id(self), &id(other)).then(self.since.cmp(&other.since))
        };
        self.kind.cmp(&other.kind).then(within)
    }

    /// The command that resolves it, once the person has done what the reason says; `spec` is what a person types for the
    /// spec, `remote` what `--remote` named for the last run: another clone does not know it.
    #[must_use]
    pub fn command(&self, spec: &str, remote: Option<&str>) -> String {
        let spec = shell_word(spec);
        let on = remote.map_or_else(String::new, |remote| format!(" --remote {}", shell_word(remote)));
        match self.kind {
            NeedKind::Question => {
                let task = self.task.as_deref().filter(|_| self.is_one_of_several).map(shell_word);
                let task = task.map_or_else(String::new, |task| format!(" {task}"));
                format!("seqorch resume {spec}{task}{on} --answer \"…\"")
            }
            NeedKind::HumanTask => {
                let task = shell_word(self.task.as_deref().unwrap_or_default());
                format!("seqorch mark {task} done --spec {spec}")
            }
            NeedKind::Trust => "seqorch trust".to_owned(),
            NeedKind::Blocked => match &self.left_out {
                Some(task) => format!("seqorch mark {} todo --spec {spec}", shell_word(task)),
                // with the options of the last run, it would be blocked again
                None => format!("seqorch run {spec}{on}"),
            },
            // with the options of the last run
            _ => format!("seqorch run {spec}{on} --retry"),
        }
    }
}

/// Everything that the user must do before the spec can continue, the most urgent first. A limit that ends by itself is a wait
/// and not a need.
#[must_use]
pub fn needs(state: &SpecState) -> Vec<Need> {
    let units = state.units_by_id().into_iter();
    let mut needs: Vec<Need> = units.filter_map(|(id, unit)| of_unit(id, unit)).collect();
    let units_wait = !needs.is_empty();
    needs.extend(state.units_by_id().into_iter().filter_map(|(id, unit)| untrusted(id, unit)));
    needs.extend(index_behind(state));
    needs.extend(state.run.over().and_then(|over| of_end(over, state)));
    needs.extend(state.run.over().into_iter().flat_map(|over| of_humans(over, state)));
    needs.extend(state.run.over().and_then(|over| of_blocked(over, state, units_wait)));
    for need in needs.iter_mut().filter(|need| need.title.is_empty()) {
        let known = state.entries.iter().find(|task| Some(&task.id) == need.task.as_ref() && !task.gone);
        need.title = known.map(|task| task.title.clone()).unwrap_or_default();
    }
    needs.sort_by(Need::compare);
    let questions = needs.iter().filter(|need| need.kind == NeedKind::Question).count();
    for need in needs.iter_mut().filter(|need| need.kind == NeedKind::Question) {
        need.is_one_of_several = questions > 1;
    }
    needs
}

/// The exit code of a run that ended like this and left these needs.
#[must_use]
pub fn exit_code(end: &End, needs: &[Need]) -> u8 {
    match end {
        End::Error { exit_code, .. } => *exit_code,
        End::Unavailable { .. } => 69,
        End::Interrupted => 130,
        End::Terminated | End::HungUp => 143,
        // whatever waits for a person, a later run has work that needs none
        End::TryLater { .. } | End::TakenOver => 75,
        _ if !needs.is_empty() => 2,
        End::MaxIterations | End::TimeUp => 1,
        _ => 0,
    }
}

fn of_unit(id: &str, unit: &UnitState) -> Option<Need> {
    let need = |kind, reason: &str, since| Need {
        kind,
        task: Some(id.to_owned()),
        title: unit.title.clone(),
        reason: reason.trim().to_owned(),
        since,
        is_one_of_several: false,
        left_out: None,
    };
    match &unit.status {
        UnitStatus::Halted { question, at } => Some(need(NeedKind::Question, question, *at)),
        UnitStatus::Failed { at, reason } => {
            Some(need(NeedKind::FailedTask, &with_output(reason, unit.last_outcome()), *at))
        }
        UnitStatus::Todo | UnitStatus::Running | UnitStatus::Done => {
            unit.refused_commit().map(|(why, since)| need(NeedKind::PendingCommit, why, since))
        }
    }
}

/// The index that lacks commits, where the run did not end with that.
fn index_behind(state: &SpecState) -> Option<Need> {
    let over = state.run.over().filter(|over| !matches!(over.end, End::IndexBehind { .. }))?;
    let behind = |(id, unit): (&str, &UnitState)| {
        let reason = unit.changes.as_ref()?.index_behind.clone()?;
        Some((id.to_owned(), unit.title.clone(), reason))
    };
    let (task, title, reason) = state.units_by_id().into_iter().rev().find_map(behind)?;
    Some(Need {
        kind: NeedKind::IndexBehind,
        task: Some(task),
        title,
        reason,
        since: over.ended,
        is_one_of_several: false,
        left_out: None,
    })
}

/// The settings that came up while the agent of a unit worked.
fn untrusted(id: &str, unit: &UnitState) -> Option<Need> {
    let changes = |attempt: &AttemptRecord| {
        let own = attempt.learned.untrusted.iter().filter(|change| !change.of_git);
        own.map(|change| change.what.clone()).collect::<Vec<_>>()
    };
    let reason: Vec<String> = unit.attempts.iter().flat_map(changes).collect();
    let with = unit.attempts.iter().find(|attempt| !changes(attempt).is_empty())?;
    Some(Need {
        kind: NeedKind::Trust,
        task: Some(id.to_owned()),
        title: unit.title.clone(),
        reason: reason.join("\n"),
        since: with.ended_at.unwrap_or(with.started_at),
        is_one_of_several: false,
        left_out: None,
    })
}

/// How the last attempt ended, with what a check printed that did not succeed.
fn with_output(reason: &str, outcome: Option<&Outcome>) -> String {
    match outcome {
        // the first line of the tail is in the reason
        Some(Outcome::VerifyFailed { tail, .. }) => {
            let printed = tail.split_once('\n').map_or("", |(_, printed)| printed);
            format!("{reason}\n{printed}")
        }
        _ => reason.to_owned(),
    }
}

/// Tasks whose turn it was when the last run ended, and that only a person does.
fn of_humans(over: &OverRun, state: &SpecState) -> Vec<Need> {
    let of_end = match &over.end {
        End::Human { tasks } => tasks.as_slice(),
        _ => &[],
    };
    let more = of_end.iter().filter(|id| !over.due.humans.contains(id));
    let is_left = |id: &&String| !state.completed.contains(*id) && !state.skipped.contains(*id);
    let need = |id: &String| {
        let known = state.entries.iter().find(|task| task.id == *id && !task.gone);
        let title = known.map(|task| task.title.clone()).unwrap_or_default();
        Need {
            kind: NeedKind::HumanTask,
            task: Some(id.clone()),
            reason: if title.is_empty() { format!("only a person does task {id}") } else { title.clone() },
            title,
            since: over.ended,
            is_one_of_several: false,
            left_out: None,
        }
    };
    over.due.humans.iter().chain(more).filter(is_left).map(need).collect()
}

/// Tasks that depend on tasks which are left out. `units_wait`: units need a person, and may be what others wait for.
fn of_blocked(over: &OverRun, state: &SpecState, units_wait: bool) -> Option<Need> {
    let due = &over.due;
    let (blocked, causes) = match &over.end {
        _ if !due.blocked.is_empty() => (&due.blocked, sorted(due.marked.iter().chain(&due.unselected))),
        // what keeps them back is not known
        End::Stuck { failed, blocked } if failed.is_empty() && !units_wait && !over.is_settled => {
            (blocked, Vec::new())
        }
        _ => return None,
    };
    let causes = if causes.is_empty() { String::new() } else { format!(": {}", causes.join(", ")) };
    let (task, reason) = match blocked.as_slice() {
        [] => return None,
        [one] => (Some(one.clone()), format!("it depends on tasks that are not done{causes}")),
        several => {
            (None, format!("{} depend on tasks that are not done{causes}", sorted(several).join(", ")))
        }
    };
    let title = task.as_ref().and_then(|id| state.units.get(id)).map(|unit| unit.title.clone());
    Some(Need {
        kind: NeedKind::Blocked,
        task,
        title: title.unwrap_or_default(),
        reason,
        since: over.ended,
        is_one_of_several: false,
        left_out: sorted(&due.marked).into_iter().next(),
    })
}

/// What the end of the last run says that no unit does.
fn of_end(over: &OverRun, state: &SpecState) -> Option<Need> {
    if over.is_settled {
        return None;
    }
    let (kind, task, reason) = match &over.end {
        End::Limited { unit, remedy, reason, .. } => {
            let kind = match remedy {
                Remedy::Login => NeedKind::Login,
                Remedy::Payment => NeedKind::Payment,
                Remedy::Rule => NeedKind::Rule,
            };
            (kind, Some(unit), reason.clone())
        }
        End::Dirty { files } => {
            (NeedKind::DirtyTree, None, format!("the work tree has changes of others: {}", files.join(", ")))
        }
        End::History { unit, reason } => (NeedKind::History, unit.as_ref(), reason.clone()),
        End::Branch { reason } => (NeedKind::Branch, None, reason.clone()),
        End::IndexBehind { reason } => (NeedKind::IndexBehind, None, reason.clone()),
        End::Unavailable { unit, reason } => (NeedKind::Unavailable, Some(unit), reason.clone()),
        End::HookFailed { reason } => (NeedKind::Hook, None, reason.clone()),
        End::Error { reason, .. } => (NeedKind::Error, None, reason.clone()),
        End::Stuck { .. }
        | End::Human { .. }
        | End::Complete
        | End::CommitsLost { .. }
        | End::SelectionComplete { .. }
        | End::MaxIterations
        | End::TimeUp
        | End::TryLater { .. }
        | End::Halted { .. }
        | End::NotCommitted { .. }
        | End::TakenOver
        | End::Interrupted
        | End::Terminated
        | End::HungUp => return None,
    };
    let title = task.and_then(|id| state.units.get(id)).map_or_else(String::new, |unit| unit.title.clone());
    Some(Need {
        kind,
        task: task.cloned(),
        title,
        reason: reason.trim().to_owned(),
        since: over.ended,
        is_one_of_several: false,
        left_out: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, attempt, in_need, limited};
    use super::*;

    #[test]
    fn every_kind_has_its_need_with_its_reason_and_exit_code() {
        for kind in NeedKind::ALL {
            let state = in_need(kind, "REASON");
            let needs = needs(&state);
            assert_eq!(needs.len(), 1, "{kind:?}: {needs:?}");
            let need = &needs[0];
            assert_eq!(need.kind, kind);
            assert!(need.reason.contains("REASON"), "{need:?}");
            let code = match kind {
                NeedKind::Unavailable => 69,
                NeedKind::Error => 70,
                _ => 2,
            };
            let end = &state.run.over().unwrap().end;
            assert_eq!(exit_code(end, &needs), code, "{kind:?}");
            let command = need.command("my spec", None);
            let resolves = [
                "seqorch mark REASON done --spec 'my spec'",
                "seqorch run 'my spec' --retry",
                "seqorch resume 'my spec' --answer \"…\"",
                "seqorch trust",
                "seqorch run 'my spec'",
            ];
            assert!(resolves.contains(&command.as_str()), "{command}");
            if let Some("2") = need.task.as_deref() {
                assert_eq!(need.title, "Pay");
            }
        }
    }

    #[test]
    fn needs_of_the_same_time_are_in_the_order_of_their_ids() {
        let mut state = SpecState::default();
        for id in ["10", "2", "1"] {
            let failed = UnitStatus::Failed { at: at(0), reason: "failed with exit code 1".into() };
            state.units.entry(id.into()).or_default().status = failed;
        }
        let tasks: Vec<_> = needs(&state).into_iter().filter_map(|need| need.task).collect();
        assert_eq!(tasks, ["1", "2", "10"]);
    }

    #[test]
    fn all_kinds_have_the_words_of_the_file_in_their_order() {
        // an unknown word makes serde name all kinds in the order in which they are declared
        let error = serde_json::from_str::<NeedKind>("\"\"").unwrap_err().to_string();
        let declared: Vec<_> = error.split('`').skip(3).step_by(2).collect();
        assert_eq!(NeedKind::ALL.map(NeedKind::word).as_slice(), declared);
        for kind in NeedKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
    }

    #[test]
    fn a_limit_that_ends_by_itself_is_not_a_need() {
        let mut state = SpecState::default();
        state.begin_run(at(0), [].into());
        state.units.entry("1".into()).or_default().attempts.push(attempt(1, Some(limited())));
        assert_eq!(needs(&state), []);
    }

    #[test]
    fn a_task_that_a_human_marked_as_done_needs_nothing_any_more() {
        for kind in [NeedKind::Question, NeedKind::FailedTask] {
            let mut state = in_need(kind, "REASON");
            state.units.get_mut("2").unwrap().status = UnitStatus::Done;
            assert_eq!(needs(&state), [], "{kind:?}");
        }
    }

    #[test]
    fn needs_of_an_open_run_are_those_of_its_tasks_most_urgent_first() {
        let mut state = in_need(NeedKind::FailedTask, "REASON");
        state.halt(at(4), "3", "Which?");
        let kinds = |state: &SpecState| needs(state).iter().map(|need| need.kind).collect::<Vec<_>>();
        assert_eq!(kinds(&state), [NeedKind::Question, NeedKind::FailedTask]);
        let mut dirty = in_need(NeedKind::DirtyTree, "REASON");
        dirty.begin_run(at(5), [].into());
        assert_eq!(kinds(&dirty), [], "the next run finds out");
    }

    #[test]
    fn a_failed_check_has_its_output_in_the_reason() {
        let mut state = in_need(NeedKind::FailedTask, "not done");
        let tail = "exit code 1\nFAIL two notes".into();
        let outcome = Outcome::VerifyFailed { command: "make".into(), tail, cause: None };
        state.units.get_mut("2").unwrap().attempts.push(attempt(1, Some(outcome)));
        assert_eq!(needs(&state)[0].reason, "not done\nFAIL two notes");
    }

    #[test]
    fn a_signal_beats_a_need_and_a_need_beats_the_cap() {
        let needs = needs(&in_need(NeedKind::FailedTask, "x"));
        let code = |end: &End| exit_code(end, &needs);
        assert_eq!((code(&End::Interrupted), code(&End::Terminated)), (130, 143));
        let later = End::TryLater { unit: "2".into(), reason: "a limit".into(), until: at(9) };
        assert_eq!((code(&later), exit_code(&later, &[])), (75, 75));
        assert_eq!((code(&End::MaxIterations), exit_code(&End::MaxIterations, &[])), (2, 1));
        assert_eq!(exit_code(&End::SelectionComplete { left: 3 }, &[]), 0);
    }
}
