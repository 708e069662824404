//! PURE. One unit: where it stands, its attempts, what it changed, and its commit.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::attempt::AttemptRecord;
use super::outcome::Outcome;
use super::spent::Spent;
use super::unit_changes::{Changes, CommitRefused, PendingCommit};
use super::work_tree::{LeftOutPath, TalkRecord, TreeRecord, UndoRecord};
use crate::agent::AttemptRole;
use crate::agent::PriceTable;

/// Characters of git's words that are kept: a hook may print a whole build.
const GIT_WORDS: usize = 4000;
/// Why a file stays out of a commit.
const OF_OTHERS: &str = "not committed, because others have changed it, too";
const BY_HOOK: &str = "not committed: a hook of git took it out, or changed it after the commit";

/// One unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "UnitFile")]
pub struct UnitState {
    /// Its title when it was started last; empty where it never was.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The folder of its attempts, where it is not its id: it had another one then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Where it stands.
    #[serde(flatten)]
    pub status: UnitStatus,
    /// All attempts, oldest first.
    pub attempts: Vec<AttemptRecord>,
    /// What they used.
    pub usage: Spent,
    /// The tree of all files before its first attempt, as git names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The number of that attempt, 0 for the first one: the changes of earlier ones are committed, or a person took them back.
    #[serde(skip_serializing_if = "is_zero")]
    pub since_attempt: u32,
    /// What it changed, once it is done; also while that could not be committed yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
    /// It is done, and its changes are still to be looked at and committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_commit: Option<PendingCommit>,
    /// Ids that still have to be ticked in tasks.md: written before the tick, cleared after it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to_tick: Vec<String>,
    /// Its files were restored, and no commit has that yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone: Option<UndoRecord>,
    /// What its last review found, where that is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<String>,
    /// Its commit was made again on top of what people pushed, and its checks have not run since.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unchecked: bool,
    /// The talks of people to its agent in which files changed, oldest first, as long as no commit has these changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub talks: Vec<TalkRecord>,
}

/// Where a unit stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum UnitStatus {
    /// Not done, and no attempt runs.
    #[default]
    Todo,
    /// Its last attempt runs, or ran when the orchestrator was last seen.
    Running,
    /// Completed.
    Done,
    /// Its agent asked a person.
    Halted {
        /// What the agent asked: its text before the signal.
        question: String,
        /// When.
        at: Timestamp,
    },
    /// It failed, and no attempt is left.
    Failed {
        /// When.
        at: Timestamp,
        /// How the last attempt ended, in a sentence.
        reason: String,
    },
}

impl UnitState {
    /// Whether it is done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.status == UnitStatus::Done
    }

    /// An attempt begins. The first one, and the one after its changes were committed or taken back, begins a new series.
    pub fn begin_series(&mut self, tree: Option<&TreeRecord>, attempt: u32) {
        if self.before.is_none() || self.changes.take().is_some() {
            self.before = tree.map(|record| record.tree.clone());
            self.since_attempt = if self.before.is_some() && attempt > 1 { attempt } else { 0 };
            self.talks.clear();
        }
    }

    /// Whether a commit has its changes.
    #[must_use]
    pub fn is_committed(&self) -> bool {
        self.changes.as_ref().is_some_and(|changes| changes.commit.is_some())
    }

    /// Whether it is done although its review found something.
    #[must_use]
    pub fn has_open_findings(&self) -> bool {
        self.is_done() && self.findings.is_some()
    }

    /// Whether it failed and has no attempts left.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self.status, UnitStatus::Failed { .. })
    }

    /// Whether its agent asked a person.
    #[must_use]
    pub fn is_halted(&self) -> bool {
        matches!(self.status, UnitStatus::Halted { .. })
    }

    /// What its attempts left that is in no snapshot and no commit, each path once.
    #[must_use]
    pub fn left_out(&self) -> Vec<LeftOutPath> {
        let mut found: Vec<LeftOutPath> = Vec::new();
        for attempt in self.attempts.iter().filter(|attempt| attempt.number >= self.since_attempt) {
            let Some(after) = &attempt.learned.after else { continue };
            let before = attempt.before.as_ref().map_or(&[][..], |before| &before.left_out);
            for one in after.left_out.iter().filter(|one| !before.contains(one)) {
                found.retain(|known| known.path != one.path);
                found.push(one.clone());
            }
        }
        let others = self.changes.iter().flat_map(|changes| &changes.not_committed);
        found.extend(others.map(|path| LeftOutPath { path: path.clone(), why: OF_OTHERS.to_owned() }));
        let by_hook = self.changes.iter().flat_map(|changes| &changes.left_by_hook);
        found.extend(by_hook.map(|path| LeftOutPath { path: path.clone(), why: BY_HOOK.to_owned() }));
        found
    }

    /// Why git refused its commit, and since when; `None`: git refused nothing.
    #[must_use]
    pub fn refused_commit(&self) -> Option<(&str, Timestamp)> {
        let pending = self.pending_commit.as_ref()?;
        Some((pending.refused.as_deref()?, pending.since))
    }

    /// Whether git itself, or a hook of it, refused its commit: people then change its files so that git takes them.
    #[must_use]
    pub fn has_commit_refused_by_git(&self) -> bool {
        self.pending_commit.as_ref().is_some_and(|pending| pending.by_git)
    }

    /// Whether the attempt that the state calls running is over: no run is there, and its process is gone.
    #[must_use]
    pub fn was_cut_off(&self) -> bool {
        self.attempts.last().is_some_and(|attempt| attempt.learned.over_at.is_some())
    }

    /// How many tries people count.
    #[must_use]
    pub fn shown_tries(&self) -> usize {
        self.work().filter(|attempt| attempt.is_try()).count()
    }

    /// The attempts to do it, without reviews, oldest first.
    #[must_use]
    pub fn work(&self) -> impl DoubleEndedIterator<Item = &AttemptRecord> {
        self.attempts.iter().filter(|attempt| attempt.role == AttemptRole::Work)
    }

    /// The ids that are done once the unit is: `own`, which is its id, and those that its last attempt completes.
    pub(super) fn completes<'a>(&'a self, own: &'a String) -> impl Iterator<Item = &'a String> {
        let of_work = self.work().next_back().into_iter().flat_map(|last| &last.completes);
        std::iter::once(own).chain(of_work)
    }

    /// The last attempt to do it, to be changed.
    pub fn last_work_mut(&mut self) -> Option<&mut AttemptRecord> {
        self.attempts.iter_mut().rfind(|attempt| attempt.role == AttemptRole::Work)
    }

    /// The reviews of what the last attempt to do it did, newest first.
    pub fn last_reviews(&self) -> impl Iterator<Item = &AttemptRecord> {
        self.attempts.iter().rev().take_while(|attempt| attempt.role == AttemptRole::Review)
    }

    /// Whether its agent says that it is done, and a review of that is due.
    #[must_use]
    pub fn awaits_review(&self) -> bool {
        let said = self.work().next_back().and_then(|attempt| attempt.outcome.as_ref());
        self.status == UnitStatus::Todo && said == Some(&Outcome::ForReview)
    }

    /// How many reviews of this run wanted changes, since it was last done.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        let since = self.attempts.iter().rev().take_while(|a| a.outcome != Some(Outcome::Done));
        let wanted = |a: &&AttemptRecord| matches!(a.outcome, Some(Outcome::ChangesWanted { .. }));
        u32::try_from(since.filter(|a| a.counts).filter(wanted).count()).unwrap_or(u32::MAX)
    }

    /// What became of its changes: they are settled, or git refused their commit.
    pub(super) fn settle_commit(&mut self, now: Timestamp, settled: Result<Option<Changes>, CommitRefused>) {
        match settled {
            Ok(changes) => {
                self.changes = changes;
                self.pending_commit = None;
                self.undone = None;
            }
            Err(CommitRefused { why, changes, by_git, .. }) => {
                self.changes = changes.map(|changes| *changes);
                let since = self.refused_commit().map_or(now, |(_, since)| since);
                let refused = Some(last_characters(why.trim(), GIT_WORDS)).filter(|why| !why.is_empty());
                // what a person has changed for git is not forgotten when something else comes in the way
                let by_git = by_git || self.has_commit_refused_by_git();
                self.pending_commit = Some(PendingCommit { since, refused, by_git });
            }
        }
    }

    /// Counts what the last attempt used. Where its vendor says only the total of a session, it used what was added since
    /// the attempt before in that session; where its vendor says only tokens, `prices` estimate the cost.
    pub fn count_usage(&mut self, prices: &PriceTable) {
        let Some((last, earlier)) = self.attempts.split_last_mut() else { return };
        let AttemptRecord { learned, resumes, asked_model, .. } = last;
        let session = learned.session.as_deref();
        if let Some(total) = learned.session_total {
            let same = |a: &&AttemptRecord| session.is_some() && a.learned.session.as_deref() == session;
            let before = earlier.iter().rev().filter(same).find_map(|a| a.learned.session_total);
            learned.usage = Some(total.since(&before.unwrap_or_default()));
        }
        // it works in the session that it resumes, even if its output does not name the session
        let resumed = resumes.as_ref().map(|resumes| resumes.session.clone());
        learned.session = learned.session.take().or(resumed);
        let model = learned.model.as_deref().or(asked_model.as_deref());
        learned.usage = learned.usage.map(|usage| prices.estimate(model, usage));
    }

    /// How the last attempt to do it ended.
    #[must_use]
    pub fn last_outcome(&self) -> Option<&Outcome> {
        self.work().next_back()?.outcome.as_ref()
    }

    /// How many attempts of this run, the last ones in a row, failed at the same command with the same output; numbers
    /// (times, addresses, counts) do not make a difference.
    #[must_use]
    pub fn same_failures(&self) -> usize {
        let shape = |outcome: &Outcome| match outcome {
            Outcome::VerifyFailed { command, tail, .. } => {
                let kept = tail.chars().filter(|c| !c.is_ascii_digit() && !c.is_whitespace());
                Some((command.clone(), kept.collect::<String>()))
            }
            _ => None,
        };
        let of = |attempt: &AttemptRecord| attempt.outcome.as_ref().and_then(shape);
        let Some(last) = self.work().next_back().and_then(of) else { return 0 };
        let counted = self.work().rev().filter(|a| a.counts);
        counted.take_while(|attempt| of(attempt).as_ref() == Some(&last)).count()
    }

    /// Whether the session of the last attempt cannot continue.
    #[must_use]
    pub fn lost_last_session(&self) -> bool {
        let last = self.attempts.last().and_then(|attempt| attempt.learned.session.as_deref());
        last.is_some_and(|session| self.session_is_over(session))
    }

    /// Whether a session cannot continue: an error said so, or the last two attempts in it failed in the same way.
    #[must_use]
    pub fn session_is_over(&self, session: &str) -> bool {
        let mine = || self.attempts.iter().filter(|a| a.learned.session.as_deref() == Some(session));
        let mut ended = mine().rev().filter(|attempt| attempt.counts_for_its_session());
        let again = ended.next().zip(ended.next()).is_some_and(|(last, before)| last.failed_like(before));
        mine().any(|attempt| attempt.learned.session_over) || again
    }

    /// Nudges since the last attempt that was not one; the agent did not get one that a limit cut off.
    #[must_use]
    pub fn nudges(&self, role: AttemptRole) -> u32 {
        let arrived = |a: &&AttemptRecord| a.reached_agent() && !(a.is_nudge() && a.is_limited());
        let mine = self.attempts.iter().rev().filter(|a| a.role == role);
        let count = mine.filter(arrived).take_while(|a| a.is_nudge()).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Attempts of this run that count against the retry policy, since the unit was last done.
    #[must_use]
    pub fn tries(&self) -> u32 {
        let since = self.attempts.iter().rev().take_while(|a| a.outcome != Some(Outcome::Done));
        let counted = since.filter(|a| a.role == AttemptRole::Work && a.counts && a.outcome.is_some());
        u32::try_from(counted.count()).unwrap_or(u32::MAX)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The end of a text: the last words of a command say most.
fn last_characters(text: &str, most: usize) -> String {
    let skip = text.chars().count().saturating_sub(most);
    let end: String = text.chars().skip(skip).collect();
    if skip == 0 { end } else { format!("…{end}") }
}

/// A unit as the state file has it: the status is a word, so that other tools can read it, and its data stand next to it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UnitFile {
    title: String,
    folder: Option<String>,
    status: StatusWord,
    question: Option<String>,
    reason: Option<String>,
    at: Option<Timestamp>,
    attempts: Vec<AttemptRecord>,
    usage: Spent,
    before: Option<String>,
    since_attempt: u32,
    changes: Option<Changes>,
    pending_commit: Option<PendingCommit>,
    to_tick: Vec<String>,
    undone: Option<UndoRecord>,
    findings: Option<String>,
    unchecked: bool,
    talks: Vec<TalkRecord>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StatusWord {
    #[default]
    Todo,
    Running,
    Done,
    Halted,
    Failed,
}

impl TryFrom<UnitFile> for UnitState {
    type Error = &'static str;

    fn try_from(file: UnitFile) -> Result<Self, Self::Error> {
        let at = file.at.ok_or("a task that is halted or failed without `at`, the time of that");
        let status = match file.status {
            StatusWord::Todo => UnitStatus::Todo,
            StatusWord::Running => UnitStatus::Running,
            StatusWord::Done => UnitStatus::Done,
            StatusWord::Halted => UnitStatus::Halted {
                question: file.question.ok_or("a halted task without `question`")?,
                at: at?,
            },
            StatusWord::Failed => {
                UnitStatus::Failed { at: at?, reason: file.reason.ok_or("a failed task without `reason`")? }
            }
        };
        Ok(Self {
            title: file.title,
            folder: file.folder,
            status,
            attempts: file.attempts,
            usage: file.usage,
            before: file.before,
            since_attempt: file.since_attempt,
            changes: file.changes,
            pending_commit: file.pending_commit,
            to_tick: file.to_tick,
            undone: file.undone,
            findings: file.findings,
            unchecked: file.unchecked,
            talks: file.talks,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    fn round_trip(unit: &UnitState) -> serde_json::Value {
        let value = serde_json::to_value(unit).unwrap();
        assert_eq!(serde_json::from_value::<UnitState>(value.clone()).unwrap(), *unit);
        value
    }

    #[test]
    fn the_status_is_a_word_in_the_file_with_its_data_next_to_it() {
        let halted = UnitStatus::Halted { question: "Which?".into(), at: at() };
        let value = round_trip(&UnitState { status: halted, ..UnitState::default() });
        assert_eq!((&value["status"], &value["question"]), (&"halted".into(), &"Which?".into()));
        let failed = UnitStatus::Failed { at: at(), reason: "exit code 3".into() };
        let value = round_trip(&UnitState { status: failed, ..UnitState::default() });
        assert_eq!((&value["status"], &value["reason"]), (&"failed".into(), &"exit code 3".into()));
        for (status, word) in
            [(UnitStatus::Todo, "todo"), (UnitStatus::Running, "running"), (UnitStatus::Done, "done")]
        {
            assert_eq!(round_trip(&UnitState { status, ..UnitState::default() })["status"], word);
        }
    }

    #[test]
    fn a_halted_or_failed_unit_without_its_data_is_refused() {
        for text in [
            r#"{"status":"halted","at":"2026-01-02T03:04:05Z"}"#,
            r#"{"status":"failed","reason":"x"}"#,
            r#"{"status":"party"}"#,
        ] {
            assert!(serde_json::from_str::<UnitState>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_refused_commit_keeps_the_end_of_long_words_and_its_first_time() {
        let mut unit = UnitState { status: UnitStatus::Done, ..UnitState::default() };
        let refused = |why: String| {
            Err(CommitRefused { why, changes: Some(Box::default()), ..CommitRefused::default() })
        };
        unit.settle_commit(at(), refused(format!("{}the end\n", "é".repeat(100_000))));
        let later = "2026-01-03T03:04:05Z".parse().unwrap();
        let (why, since) = unit.refused_commit().unwrap();
        assert!(why.starts_with('…') && why.ends_with("the end") && why.chars().count() == GIT_WORDS + 1);
        assert_eq!(since, at());
        unit.settle_commit(later, refused("again".into()));
        assert_eq!(unit.refused_commit(), Some(("again", at())));
        round_trip(&unit);
        unit.settle_commit(later, Ok(None));
        assert_eq!((unit.refused_commit(), &unit.pending_commit), (None, &None));
    }
}
