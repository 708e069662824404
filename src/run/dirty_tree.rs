//! Changes in the work tree that are not the agents': which files have them when a run begins, and what follows.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use jiff::Timestamp;

use crate::config::Dirty;
use crate::error::{Error, ErrorKind, Result};
use crate::git;
use crate::state::{End, SpecState};
use crate::store::spec_store::Store;

/// Files that others changed before a run begins.
pub(super) struct DirtyFiles {
    /// They stay out of commits; `None`: those that the state knows.
    pub(super) before: Option<BTreeSet<String>>,
    /// Those that must be committed or stashed before a step starts.
    pub(super) refused: Vec<String>,
    /// Whether the run may begin in spite of them: a pending commit comes first, which needs none of them.
    pub(super) may_begin: bool,
}

impl DirtyFiles {
    /// Nothing new.
    pub(super) fn none() -> Self {
        Self { before: None, refused: Vec::new(), may_begin: true }
    }

    /// Finds the uncommitted files that are not the agents'. Agents left the others, in units that are not done or not
    /// committed. A run that continues after a kill, or takes over a working agent, already has them in its state.
    pub(super) fn find(root: &Path, rule: Dirty, state: &SpecState) -> Result<Self> {
        let Some(mut dirty) = git::uncommitted_files(root) else {
            return Err(Error::new(ErrorKind::Config, "git.commit = \"step\": this is not a git repository")
                .hint("Run `git init`, or set git.commit = \"off\"."));
        };
        if state.run.is_open() || state.running().is_some() {
            return Ok(Self::none());
        }
        let before = state.run.dirty_before();
        let trees = state.run.left_as().zip(git::snapshot(root));
        if let Some(since) = trees.and_then(|(left, now)| git::changes(root, left, &now)) {
            let since: HashSet<_> = since.into_iter().map(|change| change.path).collect();
            dirty.retain(|path| since.contains(path) || before.contains(path));
        }
        let pending = pending_files(root, state);
        dirty.retain(|path| !pending.contains(path) || before.contains(path));
        let refuse = !dirty.is_empty() && rule == Dirty::Refuse;
        let may_begin = !refuse || !state.pending_commits().is_empty();
        let before = Some(dirty.iter().cloned().collect());
        Ok(Self { before, refused: if refuse { dirty } else { Vec::new() }, may_begin })
    }

    /// The error of a run that may not begin.
    pub(super) fn refusal(&self) -> Error {
        let shown: Vec<String> = self.refused.iter().take(10).map(|path| format!("  {path}")).collect();
        let more = self.refused.len() - shown.len();
        let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
        Error::new(
            ErrorKind::Human,
            "the work tree has changes, and git.commit = \"step\" would mix them with the agents'",
        )
        .detail(shown.join("\n") + &more)
        .hint("Commit or stash them, or set git.dirty = \"allow\": then they stay out of every commit.")
    }

    /// Ends a run that may not begin: saves why, with the options that it was given, and returns the error.
    pub(super) fn refuse(&self, store: &Store, args: Vec<String>) -> Error {
        let save = || -> Result<()> {
            // saves nothing else of what this run has found out
            let mut state = store.load()?;
            if state.is_halted() {
                // a human sees its question first in any case
                return Ok(());
            }
            state.end_run(Timestamp::now(), End::Dirty { files: self.refused.clone() }, true);
            if let Some(over) = state.run.over_mut() {
                over.args = args;
            }
            store.save(&state)
        };
        save().err().unwrap_or_else(|| self.refusal())
    }
}

/// Files that done units changed whose commit is pending.
fn pending_files(root: &Path, state: &SpecState) -> HashSet<String> {
    let pending = state.units.values().filter(|unit| unit.pending_commit.is_some());
    let trees = pending.filter_map(|unit| Some((unit.before.as_ref()?, unit.changes.as_ref()?.own())));
    trees
        .flat_map(|(before, after)| git::changes(root, before, after).unwrap_or_default())
        .map(|change| change.path)
        .collect()
}

/// New trees before the units that are not done, by unit: they have what others changed since the last run. Otherwise the
/// sums of these units and `undo` would take it for the agent's. `now` is the tree of all files.
pub(super) fn trees_with_changes_of_others(
    root: &Path,
    state: &SpecState,
    now: &str,
) -> BTreeMap<String, String> {
    let Some(left) = state.run.left_as().filter(|left| *left != now) else { return BTreeMap::new() };
    if state.running().is_some() {
        return BTreeMap::new();
    }
    let units = state.units.iter().filter(|(_, unit)| !unit.is_done());
    units
        .filter_map(|(id, unit)| Some((id.clone(), git::overlay(root, unit.before.as_ref()?, left, now)?)))
        .collect()
}

/// Notes in the state the tree that a run leaves with work undone.
pub(super) fn note_left_tree(root: &Path, store: &Store, state: &mut SpecState, tree: Option<&String>) {
    let Some(over) = state.run.over_mut() else { return };
    over.left_as = tree.cloned();
    if let Some(tree) = tree {
        // without this, git may delete the tree before the next run; then a human must say whose the changes are
        let _ = git::keep_tree(root, &store.folder(), "left", tree);
    }
}
