//! Counts what a done unit changed and commits the changes if the configuration says so.

use std::collections::BTreeSet;

use super::ownership::{Ownership, changed_paths, count_within, counted, work_spans};
use super::protected::{self, protected_now};
use super::run_repository::RunRepository;
use super::world::RealWorld;
use crate::config::{Commit, Dirty, RefusedRule};
use crate::error::{Error, ErrorKind};
use crate::git::call::GitError;
use crate::git::change::TreeChange;
use crate::git::commit::{CommitError, CommitOutcome, CommitRequest};
use crate::git::moved_head::{FinishedWork, WorkToCommit};
use crate::git::path::RepoPath;
use crate::git::snapshot::Snapshots;
use crate::report::text::sanitise_line;
use crate::state::{Answer, Changes, CommitRefused, SpecState, UnitState};

/// What older and newer versions of git say where the hook `reference-transaction` refuses a commit.
const REFUSED_REF: [&str; 2] = ["ref updates aborted by hook", "aborted by the reference-transaction hook"];

/// What a unit changed, and what of it can be committed.
struct UnitChanges {
    /// Paths that are committed.
    own: BTreeSet<RepoPath>,
    /// Paths that others have changed, too, so that no commit has them.
    mixed: BTreeSet<RepoPath>,
    /// The tree that has them, with the boxes that were ticked after the attempt.
    tree: String,
    /// The commit on which the unit changed them.
    base: Option<String>,
}

/// What became of the changes of a unit in git.
struct CommittedUnit {
    /// The commit, if there is a new one.
    commit: Option<String>,
    /// Paths of the unit that it does not have as they are now.
    left: Vec<String>,
    /// The tree of the files as they are after it.
    tree: String,
}

impl RealWorld<'_> {
    /// Counts and commits what the attempts of a unit changed. `None` where that is not known: there is no snapshot from before
    /// them. If it should be committed, and something is left, a person has to do that.
    pub(super) fn keep_changes(
        &mut self,
        unit: &str,
        state: &SpecState,
    ) -> Result<Option<Changes>, CommitRefused> {
        let Some(known) = state.units.get(unit) else { return Ok(None) };
        let Some(repository) = self.repository.clone() else { return Ok(None) };
        let Some(before) = &known.before else { return self.leave_unknown_changes(&repository, unit, state) };
        let failed = |error: GitError| refused(&error.into(), known.changes.clone());
        let mut snapshots = repository.snapshots().map_err(failed)?;
        let is_lost = has_lost_snapshots(&snapshots, known, before).map_err(failed)?;
        let commits = self.config.git.commit == Commit::Step;
        if is_lost && !commits {
            self.say(&format!("! it is not known what task {unit} changed: its snapshots are gone"));
            return Ok(None);
        }
        let found = match (commits, is_lost) {
            (true, false) => self.changes_to_commit(&mut snapshots, unit, known, state),
            (true, true) => self.changes_without_snapshots(&mut snapshots, unit, known, state)?,
            (false, _) => changes_to_count(&mut snapshots, known),
        };
        let found = found.map_err(failed)?;
        let list = if is_lost {
            let head = snapshots.head_commit().map_err(failed)?;
            snapshots.changes_of_work_tree(head.as_deref(), &found.tree)
        } else {
            snapshots.changes(before, &found.tree)
        };
        let mut list = list.map_err(failed)?;
        list.retain(|change| found.own.contains(&change.path) || found.mixed.contains(&change.path));
        let mut spans = work_spans(known);
        if let Some((_, to)) = spans.last_mut() {
            // its box is ticked after the last attempt
            to.clone_from(&found.tree);
        }
        if !is_lost {
            count_within(&snapshots, &spans, &mut list).map_err(failed)?;
        }
        let sum = |count: fn(&TreeChange) -> Option<u64>| list.iter().filter_map(count).sum();
        let tasks = snapshots.path_of(&self.place.tasks_path());
        let mut changes = Changes {
            unchanged: list.iter().all(|change| Some(&change.path) == tasks.as_ref()),
            files: list.len() as u64,
            insertions: sum(|c| c.insertions),
            deletions: sum(|c| c.deletions),
            after: found.tree.clone(),
            commit: None,
            not_committed: Vec::new(),
            left_by_hook: Vec::new(),
            index_behind: None,
            commit_differs: false,
        };
        if self.config.git.commit == Commit::Off {
            return Ok(Some(changes));
        }
        // HEAD moves, and a hook of git may change files
        self.last_look = None;
        changes.commit_differs = !is_lost && commit_differs(&snapshots, known, &found).map_err(failed)?;
        // the box in tasks.md may have been ticked after the last tree
        let is_left = |path: &&RepoPath| {
            Some(*path) == tasks.as_ref() || list.iter().any(|change| change.path == **path)
        };
        let mixed = found.mixed.iter().filter(is_left);
        changes.not_committed = mixed.map(ToString::to_string).collect();
        if !changes.not_committed.is_empty() {
            self.say(&format!(
                "! not committed, because others have changed them, too: {}",
                changes.not_committed.join(", ")
            ));
        }
        let since = known.attempts.iter().find(|a| a.number >= known.since_attempt).map(|a| a.number);
        let decided = state.all_decisions().filter(|one| one.unit == unit && one.attempt >= since);
        let decided: Vec<&Answer> = decided.filter(|_| self.config.git.decisions).collect();
        if let Some(branch) = protected_now(&self.config, &repository).map_err(failed)? {
            return Err(refused(&protected::refusal(&branch), Some(changes)));
        }
        let since = snapshots.file_time().map_err(failed)?;
        match self.commit(&mut snapshots, unit, known, &found, &decided) {
            Ok(CommittedUnit { commit, left, tree }) => {
                (changes.commit, changes.after) = (commit, tree);
                changes.left_by_hook = left;
                if changes.commit.is_some() {
                    self.push();
                }
                let repository = repository.repository();
                changes.index_behind = repository.index_behind().map(|behind| behind.sentence(repository));
                if let Some(behind) = &changes.index_behind {
                    self.say(&format!("! {behind}"));
                }
                Ok(Some(changes))
            }
            Err(error) => {
                let after = known.attempts.last().and_then(|attempt| attempt.learned.after.as_ref());
                let left = after.filter(|_| matches!(error, CommitError::Refused(_))).and_then(|after| {
                    // where git fails now, too, the next run finds files that others changed
                    let asked = (found.tree.as_str(), &found.own);
                    snapshots.with_hook_changes(&after.tree, asked, since).ok().flatten()
                });
                let words = words_for_agent(&error);
                if let Some(why) = words.filter(|_| self.config.git.on_refused == RefusedRule::Retry) {
                    let changes = Some(Box::new(changes));
                    return Err(CommitRefused { why, changes, by_git: true, for_agent: true, left });
                }
                let by_git = matches!(error, CommitError::Refused(_));
                Err(CommitRefused { by_git, left, ..refused(&Error::from(error), Some(changes)) })
            }
        }
    }

    fn commit(
        &mut self,
        snapshots: &mut Snapshots<'_>,
        unit: &str,
        known: &UnitState,
        found: &UnitChanges,
        decided: &[&Answer],
    ) -> Result<CommittedUnit, CommitError> {
        let head = snapshots.head_commit()?;
        let message = self.commit_message(unit, known, decided);
        let done = snapshots.commit(&CommitRequest {
            tree: &found.tree,
            paths: &found.own,
            head: head.as_deref(),
            base: found.base.as_deref(),
            is_late: self.ended_unit.as_deref() != Some(unit),
            message: &message,
            deadline: self.config.git.timeout,
        });
        match done {
            Ok((CommitOutcome::New { commit, beyond, left, note }, tree)) => {
                let left: Vec<String> = left.iter().map(ToString::to_string).collect();
                if let Some(note) = note {
                    self.say(&format!("! {}", sanitise_line(&note)));
                }
                if !beyond.is_empty() {
                    let names: Vec<String> = beyond.iter().map(ToString::to_string).collect();
                    self.say(&format!("! a hook of git put more into the commit: {}", names.join(", ")));
                }
                if !left.is_empty() {
                    let names = sanitise_line(&left.join(", "));
                    self.say(&format!(
                        "! not committed, because a hook of git took them out or changed them after the commit: {names}"
                    ));
                }
                Ok(CommittedUnit { commit: Some(commit), left, tree })
            }
            Ok((CommitOutcome::Nothing, tree)) => Ok(CommittedUnit { commit: None, left: Vec::new(), tree }),
            Err(error) => Err(error),
        }
    }

    /// What a commit takes. After the attempts, people change files of the unit only to make git take them; so where git
    /// refused the commit, they are taken as they are now, else as the last attempt left them.
    fn changes_to_commit(
        &self,
        snapshots: &mut Snapshots<'_>,
        unit: &str,
        known: &UnitState,
        state: &SpecState,
    ) -> Result<UnitChanges, GitError> {
        let tasks = snapshots.path_of(&self.place.tasks_path());
        let ownership = Ownership::of(snapshots, state, tasks.as_ref())?;
        let (mut own, mut mixed) = (ownership.paths(unit), ownership.mixed(unit));
        let Some(left) = known.attempts.last().and_then(|attempt| attempt.learned.after.as_ref()) else {
            // an older version kept no trees of attempts
            let now = snapshots.take()?.tree;
            let after = known.changes.as_ref().map_or(&now, |changes| &changes.after);
            let before = known.before.as_ref().unwrap_or(after);
            own.extend(snapshots.changes(before, after)?.into_iter().map(|change| change.path));
            return Ok(UnitChanges { own, mixed, tree: now, base: snapshots.head_commit()? });
        };
        if known.has_commit_refused_by_git() {
            let now = snapshots.take()?;
            return Ok(UnitChanges { own, mixed, tree: now.tree, base: now.head.commit });
        }
        let first = counted(known).find_map(|attempt| attempt.before.as_ref());
        let work = FinishedWork {
            before: first.and_then(|before| before.commit.as_deref()),
            after: left.commit.as_deref(),
            tree: &left.tree,
        };
        // its boxes are as they are now, whatever HEAD did
        let boxes = tasks.as_ref().filter(|tasks| own.remove(*tasks));
        let WorkToCommit { base, mut own, elsewhere } = snapshots.follow_head(&work, own)?;
        mixed.extend(elsewhere);
        own.extend(boxes.cloned());
        let tree = boxes.map(|boxes| with_boxes(snapshots, &left.tree, boxes)).transpose()?;
        let tree = tree.unwrap_or_else(|| left.tree.clone());
        Ok(UnitChanges { own, mixed, tree, base })
    }

    /// What a commit takes where an agent removed the snapshots from before its attempts. A run begins with a clean tree, so
    /// what is not committed now is the agents'; with `git.dirty = "allow"` it can't be distinguished from what was there.
    fn changes_without_snapshots(
        &self,
        snapshots: &mut Snapshots<'_>,
        unit: &str,
        known: &UnitState,
        state: &SpecState,
    ) -> Result<Result<UnitChanges, GitError>, CommitRefused> {
        let found = self.changes_of_no_other(snapshots, unit, state);
        if self.config.git.dirty == Dirty::Refuse {
            return Ok(found);
        }
        if known.refused_commit().is_some() {
            // a person has seen it and committed what belongs to the task
            return Ok(found.map(|found| UnitChanges { own: BTreeSet::new(), ..found }));
        }
        Err(refused(&not_distinguished("the snapshots from before the task are gone"), known.changes.clone()))
    }

    /// The attempts of a unit began without a snapshot, in a run without commits, and its changes should be committed now.
    fn leave_unknown_changes(
        &self,
        repository: &RunRepository,
        unit: &str,
        state: &SpecState,
    ) -> Result<Option<Changes>, CommitRefused> {
        let commits = self.config.git.commit == Commit::Step;
        // else a person has seen it and committed what belongs to the task
        let is_new = state.units.get(unit).is_some_and(|known| known.refused_commit().is_none());
        if !commits || !is_new {
            return Ok(None);
        }
        let found = repository
            .snapshots()
            .and_then(|mut snapshots| self.changes_of_no_other(&mut snapshots, unit, state))
            .map_err(|error| refused(&error.into(), None))?;
        if found.own.is_empty() {
            return Ok(None);
        }
        Err(refused(&not_distinguished("the task was begun without snapshots and commits"), None))
    }

    /// All that is not committed now, and that no other unit changed.
    fn changes_of_no_other(
        &self,
        snapshots: &mut Snapshots<'_>,
        unit: &str,
        state: &SpecState,
    ) -> Result<UnitChanges, GitError> {
        let now = snapshots.take()?;
        let dirty = snapshots.changes_of_work_tree(now.head.commit.as_deref(), &now.tree)?;
        let tasks = snapshots.path_of(&self.place.tasks_path());
        let ownership = Ownership::of(snapshots, state, tasks.as_ref())?;
        let others = state.units.keys().filter(|id| *id != unit);
        let others: BTreeSet<RepoPath> = others.flat_map(|id| ownership.paths(id)).collect();
        let own = dirty.into_iter().map(|change| change.path);
        Ok(UnitChanges {
            own: own.filter(|path| Some(path) == tasks.as_ref() || !others.contains(path)).collect(),
            mixed: BTreeSet::new(),
            tree: now.tree,
            base: now.head.commit,
        })
    }
}

/// Whether snapshots of the unit are gone: its agent may have removed them, or made the repository anew.
fn has_lost_snapshots(trees: &Snapshots<'_>, known: &UnitState, before: &str) -> Result<bool, GitError> {
    let has = |one: &str, other: &str| trees.changes_if_kept(one, other).map(|found| found.is_some());
    for attempt in counted(known) {
        if let Some((before, after)) = attempt.before.as_ref().zip(attempt.learned.after.as_ref())
            && !has(&before.tree, &after.tree)?
        {
            return Ok(true);
        }
    }
    match counted(known).filter_map(|attempt| attempt.learned.after.as_ref()).last() {
        Some(after) => Ok(!has(before, &after.tree)?),
        // the agent made it impossible to take one
        None => trees.has_tree(before).map(|has| !has),
    }
}

/// The tree in which tasks.md is as it is now.
fn with_boxes(snapshots: &mut Snapshots<'_>, tree: &str, boxes: &RepoPath) -> Result<String, GitError> {
    if let Some(ticked) = snapshots.with_ticked_boxes(tree, boxes)? {
        return Ok(ticked);
    }
    let now = snapshots.take()?.tree;
    let since = snapshots.changes(tree, &now)?;
    let Some(change) = since.iter().find(|change| change.path == *boxes) else { return Ok(tree.to_owned()) };
    // with nothing else changed since, it is the tree of that moment
    let is_alone = since.len() == 1;
    let edited = if is_alone { None } else { snapshots.with_entry(tree, boxes, &change.after, false)? };
    Ok(edited.unwrap_or(now))
}

/// What is counted where nothing is committed: no look at the files is needed for it.
fn changes_to_count(snapshots: &mut Snapshots<'_>, known: &UnitState) -> Result<UnitChanges, GitError> {
    let left = known.attempts.last().and_then(|attempt| attempt.learned.after.as_ref());
    let tree = match (left, &known.changes) {
        (Some(left), _) => left.tree.clone(),
        (None, Some(changes)) => changes.after.clone(),
        (None, None) => snapshots.take()?.tree,
    };
    let own = match (changed_paths(snapshots, known)?, &known.before) {
        (Some(paths), _) => paths,
        (None, Some(before)) => {
            snapshots.changes(before, &tree)?.into_iter().map(|change| change.path).collect()
        }
        (None, None) => BTreeSet::new(),
    };
    Ok(UnitChanges { own, mixed: BTreeSet::new(), tree, base: None })
}

/// Whether the commit is not exactly what the unit changed: files of it had changes before its attempts.
fn commit_differs(trees: &Snapshots<'_>, known: &UnitState, found: &UnitChanges) -> Result<bool, GitError> {
    if !found.mixed.is_empty() {
        return Ok(true);
    }
    let Some(before) = counted(known).find_map(|attempt| attempt.before.as_ref()) else { return Ok(false) };
    let dirty = trees.changes_of_work_tree(before.commit.as_deref(), &before.tree)?;
    Ok(dirty.iter().any(|change| found.own.contains(&change.path)))
}

/// `why`: why it is not known what the task changed.
fn not_distinguished(why: &str) -> Error {
    Error::new(ErrorKind::Human, format!("{why}, so its changes can't be distinguished from yours"))
        .hint("Commit what belongs to the task yourself. The next run leaves the rest as it is.")
}

fn refused(error: &Error, changes: Option<Changes>) -> CommitRefused {
    // a request to stop is not a refusal: the next run commits first
    let why = if error.kind() == ErrorKind::Interrupted { String::new() } else { error.render() };
    CommitRefused { why, changes: changes.map(Box::new), ..CommitRefused::default() }
}

/// What a hook said that refused the commit. Where git itself cannot commit (no identity, no signature, no room), it ends
/// with 128, and no agent can help.
fn words_for_agent(error: &CommitError) -> Option<String> {
    match error {
        // of a hook that git cannot start, no agent has the rights or the interpreter
        CommitError::Refused(GitError::Failed { words, .. }) if words.contains("cannot exec '") => None,
        CommitError::Refused(GitError::Failed { code: Some(1), words, .. }) if words.trim().is_empty() => {
            Some("a hook of git refused it and said nothing".to_owned())
        }
        CommitError::Refused(GitError::Failed { code: Some(1), words, .. }) => Some(words.trim().to_owned()),
        // this hook makes git itself fail
        CommitError::Refused(GitError::Failed { words, .. })
            if REFUSED_REF.iter().any(|part| words.contains(part)) =>
        {
            Some(words.trim().to_owned())
        }
        _ => None,
    }
}
