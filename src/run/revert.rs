//! The commit that reverts a task, after its files were restored.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::git::change::{TreeChange, TreeEntry};
use crate::git::commit::{CommitOutcome, CommitRequest};
use crate::git::path::RepoPath;
use crate::git::snapshot::{Snapshot, Snapshots};
use crate::project::SpecPlace;
use crate::report::text::sanitise_line;
use crate::state::{SpecState, UndoRecord};

/// The paths that an undo changed and that HEAD has otherwise than the files are now.
#[derive(Debug, Default)]
pub(super) struct RevertPaths {
    /// HEAD has them as they were before the undo.
    pub(super) own: BTreeSet<RepoPath>,
    /// Others committed them since: a revert would take that back.
    pub(super) others: BTreeSet<RepoPath>,
}

impl RevertPaths {
    /// Those of the undo of a unit. Its record gets the boxes of tasks.md as they are now: others may have been opened since.
    pub(super) fn find(
        (snapshots, now): (&Snapshots<'_>, &Snapshot),
        tasks: Option<&RepoPath>,
        state: &SpecState,
        (id, record): (&str, &mut UndoRecord),
    ) -> Result<Self> {
        let mut found = Self::default();
        let Some(mut undone) = snapshots.changes_if_kept(&record.from, &record.to)? else { return Ok(found) };
        let tasks = tasks.filter(|tasks| undone.iter().any(|change| change.path == **tasks));
        let boxes = tasks.map(|tasks| snapshots.with_ticked_boxes(&record.to, tasks)).transpose()?.flatten();
        if let Some(to) = &boxes {
            record.to.clone_from(to);
            undone = snapshots.changes(&record.from, to)?;
        }
        let differs = snapshots.changes_of_work_tree(now.head.commit.as_deref(), &now.tree)?;
        // what HEAD has of the paths that are not committed as they are now
        let head: BTreeMap<RepoPath, TreeEntry> =
            differs.into_iter().map(|change| (change.path, change.before)).collect();
        // a later undo of another unit may have changed the path again
        let mut of_others: Option<Vec<TreeChange>> = None;
        for change in undone {
            let Some(committed) = head.get(&change.path).filter(|committed| **committed != change.after)
            else {
                continue;
            };
            let mut is_own = *committed == change.before || boxes.is_some() && Some(&change.path) == tasks;
            if !is_own {
                let all = match &mut of_others {
                    Some(all) => all,
                    none => none.insert(other_undos(snapshots, state, id)?),
                };
                is_own = all.iter().any(|one| one.path == change.path && one.before == *committed);
            }
            if is_own { &mut found.own } else { &mut found.others }.insert(change.path);
        }
        Ok(found)
    }
}

/// What the undos of other units changed.
fn other_undos(snapshots: &Snapshots<'_>, state: &SpecState, id: &str) -> Result<Vec<TreeChange>> {
    let mut all = Vec::new();
    for (_, unit) in state.units.iter().filter(|(other, _)| *other != id) {
        let Some(record) = &unit.undone else { continue };
        all.extend(snapshots.changes_if_kept(&record.from, &record.to)?.unwrap_or_default());
    }
    Ok(all)
}

/// Commits the revert. The commit's name; `None` where HEAD has it already.
pub(super) fn commit_revert(
    config: &Config,
    snapshots: &mut Snapshots<'_>,
    own: &BTreeSet<RepoPath>,
    record: &UndoRecord,
    (place, id, title): (&SpecPlace, &str, &str),
) -> Result<Option<String>> {
    let head = snapshots.head_commit()?;
    let title = sanitise_line(title);
    let reverts = record
        .commit
        .as_ref()
        .map_or_else(String::new, |commit| format!("This reverts commit {commit}.\n\n"));
    let message = format!("Undo task {id}: {title}\n\n{reverts}Spec: {}\nTask: {id}\n", place.name);
    let done = snapshots.commit(&CommitRequest {
        tree: &record.to,
        paths: own,
        head: head.as_deref(),
        base: head.as_deref(),
        is_late: false,
        message: &message,
        deadline: config.git.timeout,
    });
    match done {
        Ok((CommitOutcome::New { commit, .. }, _)) => Ok(Some(commit)),
        Ok((CommitOutcome::Nothing, _)) => Ok(None),
        Err(error) => {
            let again =
                format!("The files are restored. Fix it, then type `seqorch undo {id} --commit` again.");
            Err(Error::from(error).hint(again))
        }
    }
}
