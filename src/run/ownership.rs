//! Whose change it is: a change is an agent's if it lies between the trees before and after one of its attempts, or of a talk
//! of a person to it.
//!
//! Nothing of this is stored: it is derived from the trees that attempts and talks have in the state.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::git::call::GitError;
use crate::git::change::{TreeChange, TreeEntry};
use crate::git::path::RepoPath;
use crate::git::snapshot::Snapshots;
use crate::state::work_tree::HistoryChange;
use crate::state::{AttemptRecord, SpecState, TalkRecord, TreeRecord, UndoRecord, UnitState};

/// The uncommitted changes of agents.
#[derive(Debug, Default)]
pub(super) struct Ownership {
    /// By path: the unit that changed it last, and what it left.
    own: BTreeMap<RepoPath, (String, TreeEntry)>,
    /// By unit: paths that it changed, but that had changes of others before.
    mixed: BTreeMap<String, BTreeSet<RepoPath>>,
    /// tasks.md, whose boxes are ticked after the agent.
    tasks: Option<RepoPath>,
}

impl Ownership {
    /// Goes through the attempts of all units that are not committed, oldest first. `tasks` is tasks.md: it also belongs to
    /// the units whose commit is pending, because their boxes were ticked after their attempts.
    pub(super) fn of(
        trees: &Snapshots<'_>,
        state: &SpecState,
        tasks: Option<&RepoPath>,
    ) -> Result<Self, GitError> {
        let open = state.units.iter().filter(|(_, unit)| !unit.is_committed());
        let mut spans: Vec<OwnSpan<'_>> = open.flat_map(|(id, unit)| own_spans(id, unit)).collect();
        spans.sort_by_key(|span| span.at);
        let mut undone: Vec<(&String, &UndoRecord)> =
            state.units.iter().filter_map(|(id, unit)| Some((id, unit.undone.as_ref()?))).collect();
        undone.sort_by_key(|(_, undo)| undo.at);
        let mut undone = undone.into_iter().peekable();
        let mut found = Self { tasks: tasks.cloned(), ..Self::default() };
        for OwnSpan { at, unit, before, after } in spans {
            while let Some((id, undo)) = undone.next_if(|(_, undo)| undo.at < at) {
                found.add_undo(trees, id, undo)?;
            }
            // what is no longer kept says nothing
            let Some(mut changed) = trees.changes_if_kept(&before.tree, &after.tree)? else { continue };
            let back = taken_back(trees, before, after, &changed)?;
            changed.extend(back);
            if changed.is_empty() && found.own.is_empty() {
                continue;
            }
            let others = found.changes_of_others(trees, before, tasks)?;
            found.give_up(others.iter().filter(|path| Some(*path) != tasks), state);
            for change in changed {
                if others.contains(&change.path) {
                    found.own.remove(&change.path);
                    found.mixed.entry(unit.to_owned()).or_default().insert(change.path);
                } else {
                    found.own.insert(change.path, (unit.to_owned(), change.after));
                }
            }
        }
        for (id, undo) in undone {
            found.add_undo(trees, id, undo)?;
        }
        for (id, unit) in state.units.iter().filter(|(_, unit)| unit.pending_commit.is_some()) {
            found.add_boxes(trees, id, unit, tasks)?;
        }
        Ok(found)
    }

    /// The files that `undo` restored belong to the unit, so that its next commit has them.
    fn add_undo(&mut self, trees: &Snapshots<'_>, unit: &str, undo: &UndoRecord) -> Result<(), GitError> {
        for change in trees.changes_if_kept(&undo.from, &undo.to)?.unwrap_or_default() {
            self.own.insert(change.path, (unit.to_owned(), change.after));
        }
        Ok(())
    }

    /// Paths that somebody else changed after an agent had are not the agent's any more; unless its commit was refused, where people
    /// change them so that git takes them.
    fn give_up<'p>(&mut self, changed: impl Iterator<Item = &'p RepoPath>, state: &SpecState) {
        for path in changed {
            let is_refused =
                |unit: &String| state.units.get(unit).is_some_and(UnitState::has_commit_refused_by_git);
            if self.own.get(path).is_some_and(|(unit, _)| !is_refused(unit))
                && let Some((unit, _)) = self.own.remove(path)
            {
                self.mixed.entry(unit).or_default().insert(path.clone());
            }
        }
    }

    /// Uncommitted paths that were not as agents had left them. Marks in the boxes of tasks.md are the run's, also those that a
    /// person set.
    fn changes_of_others(
        &self,
        trees: &Snapshots<'_>,
        at: &TreeRecord,
        tasks: Option<&RepoPath>,
    ) -> Result<BTreeSet<RepoPath>, GitError> {
        let dirty = match trees.changes_of_work_tree(at.commit.as_deref(), &at.tree) {
            // a commit that a person rewrote later
            Err(error) if error.is_missing_object() => return Ok(BTreeSet::new()),
            found => found?.into_iter(),
        };
        let others =
            dirty.filter(|change| self.own.get(&change.path).is_none_or(|(_, left)| *left != change.after));
        let mut others: BTreeSet<RepoPath> = others.map(|change| change.path).collect();
        if let Some(tasks) = tasks.filter(|tasks| others.contains(*tasks))
            && has_only_marks(trees, at, tasks)?
        {
            others.remove(tasks);
        }
        Ok(others)
    }

    fn add_boxes(
        &mut self,
        trees: &Snapshots<'_>,
        id: &str,
        unit: &UnitState,
        tasks: Option<&RepoPath>,
    ) -> Result<(), GitError> {
        let Some(tasks) = tasks.filter(|tasks| !self.own.contains_key(*tasks)) else { return Ok(()) };
        let Some(before) = counted(unit).find_map(|attempt| attempt.before.as_ref()) else { return Ok(()) };
        if self.changes_of_others(trees, before, Some(tasks))?.contains(tasks) {
            self.mixed.entry(id.to_owned()).or_default().insert(tasks.clone());
        } else {
            let ticked = TreeEntry { mode: String::new(), object: String::new() };
            self.own.insert(tasks.clone(), (id.to_owned(), ticked));
        }
        Ok(())
    }

    /// The paths of a unit.
    pub(super) fn paths(&self, unit: &str) -> BTreeSet<RepoPath> {
        self.own.iter().filter(|(_, (owner, _))| owner == unit).map(|(path, _)| path.clone()).collect()
    }

    /// The paths that a unit changed although others had changed them before.
    pub(super) fn mixed(&self, unit: &str) -> BTreeSet<RepoPath> {
        self.mixed.get(unit).cloned().unwrap_or_default()
    }

    /// Whether this uncommitted change is an agent's: it is as its agent left it, or belongs to a commit that git refused,
    /// where people change files so that git takes them.
    pub(super) fn is_agents(&self, change: &TreeChange, state: &SpecState) -> bool {
        let is_tasks = self.tasks.as_ref() == Some(&change.path);
        let is_taken =
            |unit: &UnitState| unit.has_commit_refused_by_git() || is_tasks && unit.pending_commit.is_some();
        self.own
            .get(&change.path)
            .is_some_and(|(unit, left)| *left == change.after || state.units.get(unit).is_some_and(is_taken))
    }
}

/// What an agent committed itself and then took back: its files are as before, and HEAD has what it committed.
fn taken_back(
    trees: &Snapshots<'_>,
    before: &TreeRecord,
    after: &TreeRecord,
    changed: &[TreeChange],
) -> Result<Vec<TreeChange>, GitError> {
    let (Some(HistoryChange::Commits { .. }), Some(head)) = (&after.history, &after.commit) else {
        return Ok(Vec::new());
    };
    let committed = trees.paths_between(before.commit.as_deref(), head)?;
    let mut left = match trees.changes_of_work_tree(Some(head), &after.tree) {
        // a commit that a person rewrote later
        Err(error) if error.is_missing_object() => Vec::new(),
        left => left?,
    };
    left.retain(|one| committed.contains(&one.path) && changed.iter().all(|other| other.path != one.path));
    Ok(left)
}

/// Whether tasks.md differs from its last commit in the marks of its boxes only.
pub(super) fn has_only_marks(
    trees: &Snapshots<'_>,
    at: &TreeRecord,
    tasks: &RepoPath,
) -> Result<bool, GitError> {
    let Some(commit) = at.commit.as_deref() else { return Ok(false) };
    trees.differs_in_marks(commit, &at.tree, tasks)
}

/// The attempts whose changes belong to the unit's next or last commit.
pub(super) fn counted(unit: &UnitState) -> impl Iterator<Item = &AttemptRecord> {
    unit.attempts.iter().filter(|attempt| attempt.number >= unit.since_attempt)
}

/// A time in which only the agent of a unit changed files: an attempt, or the talk of a person to it.
struct OwnSpan<'a> {
    at: Timestamp,
    unit: &'a str,
    before: &'a TreeRecord,
    after: &'a TreeRecord,
}

/// The times whose changes belong to the unit's next or last commit, as far as their trees are known, oldest first.
fn own_spans<'a>(id: &'a str, unit: &'a UnitState) -> Vec<OwnSpan<'a>> {
    let attempts = counted(unit).filter_map(|attempt| {
        let (before, after) = attempt.before.as_ref().zip(attempt.learned.after.as_ref())?;
        Some(OwnSpan { at: attempt.started_at, unit: id, before, after })
    });
    let talk =
        |talk: &'a TalkRecord| OwnSpan { at: talk.at, unit: id, before: &talk.before, after: &talk.after };
    let mut spans: Vec<OwnSpan<'_>> = attempts.chain(unit.talks.iter().map(talk)).collect();
    spans.sort_by_key(|span| span.at);
    spans
}

/// The spans of work on a unit, from tree to tree: those between which no other change was made are one.
pub(super) fn work_spans(unit: &UnitState) -> Vec<(String, String)> {
    let mut spans: Vec<(String, String)> = Vec::new();
    for OwnSpan { before, after, .. } in own_spans("", unit) {
        match spans.last_mut() {
            Some((_, to)) if *to == before.tree => to.clone_from(&after.tree),
            _ => spans.push((before.tree.clone(), after.tree.clone())),
        }
    }
    spans
}

/// Counts the lines of changes only within these spans: between them others worked on the same files.
pub(super) fn count_within(
    trees: &Snapshots<'_>,
    spans: &[(String, String)],
    list: &mut [TreeChange],
) -> Result<(), GitError> {
    // one span is what the list was made from
    if spans.len() < 2 {
        return Ok(());
    }
    let mut sums: BTreeMap<RepoPath, (Option<u64>, Option<u64>)> = BTreeMap::new();
    let add = |sum: Option<u64>, more: Option<u64>| Some(sum? + more?);
    for (from, to) in spans {
        for change in trees.changes(from, to)? {
            let sum = sums.entry(change.path).or_insert((Some(0), Some(0)));
            *sum = (add(sum.0, change.insertions), add(sum.1, change.deletions));
        }
    }
    for change in list {
        if let Some(sum) = sums.get(&change.path) {
            (change.insertions, change.deletions) = *sum;
        }
    }
    Ok(())
}

/// All paths that a unit's attempts changed; `None` if no attempt has its trees, as in a state of an older version.
pub(super) fn changed_paths(
    trees: &Snapshots<'_>,
    unit: &UnitState,
) -> Result<Option<BTreeSet<RepoPath>>, GitError> {
    let mut paths = None;
    for OwnSpan { before, after, .. } in own_spans("", unit) {
        let changed = trees.changes(&before.tree, &after.tree)?.into_iter().map(|change| change.path);
        paths.get_or_insert_with(BTreeSet::new).extend(changed);
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::{at, attempt};

    #[test]
    fn a_talk_between_two_attempts_is_between_their_spans() {
        let tree = |name: &str| TreeRecord { tree: name.to_owned(), ..TreeRecord::default() };
        let tried = |number: u32, seconds: i64, before: &str, after: &str| {
            let mut tried = attempt(number, None);
            tried.started_at = at(seconds);
            tried.before = Some(tree(before));
            tried.learned.after = Some(tree(after));
            tried
        };
        let talk = TalkRecord { at: at(20), before: tree("c"), after: tree("d") };
        let unit = UnitState {
            attempts: vec![tried(1, 10, "a", "b"), tried(2, 30, "d", "e")],
            talks: vec![talk],
            ..UnitState::default()
        };
        let spans = work_spans(&unit);
        let spans: Vec<(&str, &str)> = spans.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        assert_eq!(spans, [("a", "b"), ("c", "e")]);
    }
}
