//! Removes the work tree of a spec's own, and its branch where a person wants that.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::Supervisor;
use crate::git::repository::Repository;
use crate::project::{SpecPlace, own_tree};
use crate::report::text::plural;
use crate::store::lock;
use crate::store::spec_tree::SpecTreeRecord;

/// A work tree that may be removed, and what would be lost with it.
#[derive(Debug)]
pub struct LeftTree {
    /// Its top.
    pub top: PathBuf,
    /// The branch that was made for it, as far as it is there and no other work tree is on it. Another one that somebody checked
    /// out there is left alone.
    pub branch: Option<String>,
    /// Files in it that are not committed as they are.
    pub uncommitted: Vec<String>,
    /// Submodules in it with commits that none of their remotes has, as people read them.
    pub unpushed: Vec<String>,
    /// Commits of the branch that the checkout lacks.
    pub unmerged: usize,
    /// Commits that only a detached HEAD in the tree has.
    pub nameless: usize,
    /// Other specs that work in it, too, as people name them.
    pub shared_with: Vec<String>,
    checkout: Repository,
    record: SpecTreeRecord,
    _lock: fs::File,
}

impl LeftTree {
    /// The tree of the spec, if it has one beside the checkout. No run can begin in it until this is dropped.
    pub fn find(place: &SpecPlace) -> Result<Option<Self>> {
        let Some(checkout) = &place.checkout else { return Ok(None) };
        let supervisor = Supervisor::default();
        let find = |folder: &Path| Repository::find(folder, &supervisor);
        let (Some(here), Some(there)) = (find(&checkout.root)?, find(&place.root)?) else { return Ok(None) };
        let Some(record) = own_tree::record(place) else { return Ok(None) };
        let lock = record.lock()?;
        if record.try_setup_lock()?.is_none() {
            let text =
                format!("a command of git.worktree_setup is still at work in {}", checkout.tree.display());
            return Err(Error::new(ErrorKind::Locked, text).hint("Wait for its end, or end it."));
        }
        let there = there.only_to_look();
        let status = there.status()?;
        let only_here = |(path, commits): (PathBuf, usize)| {
            format!("{}: {} that none of its remotes has", path.display(), plural(commits, "commit"))
        };
        let unpushed = there.unpushed_submodules()?.into_iter().map(only_here).collect();
        let nameless = if status.head.branch.is_none() { there.commits_without_ref()? } else { 0 };
        let own = own_tree::tree_of(place).map(|tree| tree.branch);
        let here = here.only_to_look();
        let trees = here.trees()?;
        let is_elsewhere = |name: &str| {
            trees.iter().any(|tree| tree.branch.as_deref() == Some(name) && tree.top != there.top)
        };
        let is_there = |name: &String| Ok::<_, Error>(there.commit_of_branch(name)?.is_some());
        let branch = match own {
            Some(name) if !is_elsewhere(&name) && is_there(&name)? => Some(name),
            _ => None,
        };
        let all = SpecTreeRecord::all(&checkout.root).into_iter();
        let others = all.filter(|(other, tree)| other.spec != record.spec && tree.top == checkout.tree);
        let shared_with = others.map(|(other, _)| other.spec.display().to_string()).collect();
        let unmerged = branch.as_ref().map_or(Ok(0), |branch| here.commits_ahead(branch))?;
        Ok(Some(Self {
            top: checkout.tree.clone(),
            branch,
            uncommitted: status.uncommitted().iter().map(ToString::to_string).collect(),
            unpushed,
            unmerged,
            nameless,
            shared_with,
            checkout: here,
            record,
            _lock: lock,
        }))
    }

    /// Whether something goes with the tree that nothing else has.
    #[must_use]
    pub fn would_lose(&self) -> bool {
        !self.uncommitted.is_empty() || !self.unpushed.is_empty() || self.nameless > 0
    }

    /// Leaves the tree to the other specs that work in it.
    pub fn leave(self) -> Result<()> {
        self.record.remove()
    }

    /// Removes the tree with all its files; with `branch` also its branch, with all commits that only it has.
    pub fn remove(self, place: &SpecPlace, config: &Config, branch: bool) -> Result<()> {
        if lock::is_held(&place.store().run_lock()) {
            let text = format!("a run works in {}", self.top.display());
            return Err(Error::new(ErrorKind::Locked, text).hint("End it with `seqorch stop`."));
        }
        self.checkout.remove_tree(&self.top, config.git.timeout)?;
        self.record.remove()?;
        // goes only when it is empty
        let _ = self.top.parent().map(fs::remove_dir);
        if let Some(name) = self.branch.as_ref().filter(|_| branch) {
            self.checkout.delete_branch(name)?;
        }
        Ok(())
    }
}
