//! Makes the work tree of a spec's own: a branch from HEAD, a tree of git, and what prepares it.
//!
//! Git's folder says how far it is made, so a kill at any point costs nothing: what git began is removed and made again,
//! and what is not prepared is prepared again. Nothing is written to the checkout in which a person names the spec.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::branch;
use super::patience::{Turn, take_turn};
use super::protected;
use super::tree_setup::{self, TreeRequest};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::Supervisor;
use crate::git::linked_trees::{LinkedTree, NewTree};
use crate::git::repository::Repository;
use crate::project::{SpecPlace, own_tree};
use crate::store::lock::Holder;
use crate::store::spec_tree::{SpecTree, SpecTreeRecord, TreeStage};
use crate::store::trust_file::state_folder;
use crate::sys::digest::digest;
use crate::sys::files;

/// Makes the tree of the spec and prepares it, as far as that is not done. Returns the spec's place in it.
pub fn make(request: &TreeRequest<'_>) -> Result<SpecPlace> {
    let here = in_checkout(request.place);
    let record = own_tree::record(&here).ok_or_else(no_repository)?;
    let lock = lock(request, &here.name, &record)?;
    record.note_maker(&lock, &Holder::listening(&here.path(), Timestamp::now()))?;
    let tree = match record.existing() {
        Some(tree) => {
            note(&format!("{} works in {}, its own work tree", here.name, tree.top.display()));
            tree
        }
        None => Maker::new(request, &here, &record)?.make()?,
    };
    let there = own_tree::moved(here.clone(), &record, &tree);
    note_differences(&here, &there);
    let git = &request.config.git;
    let (copied, commands) = (git.worktree_copy.clone(), git.worktree_setup.clone());
    let ready = SpecTree { stage: TreeStage::Ready, copied, commands, ..tree.clone() };
    if ready != tree {
        tree_setup::prepare(request, &record, (&here, &there), &tree)?;
        record.write(&ready)?;
    }
    Ok(there)
}

/// Takes the right to make the tree; where the request waits, once another process has made or removed it.
fn lock(request: &TreeRequest<'_>, name: &str, record: &SpecTreeRecord) -> Result<File> {
    let Some(inbox) = request.waits else { return record.lock() };
    let stopped = |pause| inbox.request_flag().raised_within(pause);
    take_turn(&stopped, || {
        let busy =
            || Turn::Busy { who: "another run".to_owned(), does: format!("makes the work tree of {name}") };
        Ok(record.try_lock()?.map_or_else(busy, Turn::Ours))
    })
}

/// The place in the checkout of the person.
pub(super) fn in_checkout(place: &SpecPlace) -> SpecPlace {
    let Some(checkout) = &place.checkout else { return place.clone() };
    let dir = match &place.file {
        Some(_) => checkout.spec.parent().unwrap_or(&checkout.spec).to_owned(),
        None => checkout.spec.clone(),
    };
    SpecPlace { root: checkout.root.clone(), dir, checkout: None, ..place.clone() }
}

fn no_repository() -> Error {
    Error::new(
        ErrorKind::Config,
        "git.worktree: the spec is in no git repository, so it can't have a work tree of its own",
    )
    .hint("Run `git init` and commit something, or run without --worktree.")
}

/// Makes one tree.
struct Maker<'a> {
    place: &'a SpecPlace,
    config: &'a Config,
    record: &'a SpecTreeRecord,
    repository: Repository,
    branch: String,
    top: PathBuf,
}

impl<'a> Maker<'a> {
    fn new(request: &TreeRequest<'a>, place: &'a SpecPlace, record: &'a SpecTreeRecord) -> Result<Self> {
        let config = request.config;
        let found = Repository::find(&place.root, request.supervisor)?.ok_or_else(no_repository)?;
        let repository = Repository { pin: request.trust.git.clone(), ..found };
        let branch = match lost_branch(config, &repository, record)? {
            Some(branch) => branch,
            None => branch::name_for_tree(&repository, config, place, record)?,
        };
        let top = folder(config, &repository)?.join(folder_name(&branch));
        Ok(Self { place, config, record, repository, branch, top })
    }

    fn make(&self) -> Result<SpecTree> {
        self.remove_begun();
        let Self { repository, branch, .. } = self;
        let trees = repository.trees()?;
        let with_branch = trees.iter().find(|tree| tree.branch.as_ref() == Some(branch));
        if let Some(found) = with_branch.filter(|tree| !tree.is_missing) {
            return self.adopt(&found.top);
        }
        let existing = repository.commit_of_branch(branch)?;
        let head = repository.head()?;
        let from = if existing.is_some() { None } else { head.as_deref() };
        let commit = existing.as_deref().or(head.as_deref()).ok_or_else(unborn)?;
        let tasks = self.place.tasks_path();
        let tasks = tasks.strip_prefix(&self.record.here).unwrap_or(&tasks);
        if !repository.has_file(commit, tasks)? {
            return Err(self.not_committed(tasks, existing.is_some()));
        }
        protected::check_branch(self.config, branch)?;
        self.check_folder()?;
        let is_missing = |tree: &&LinkedTree| tree.is_missing && tree.top == self.top;
        let new = NewTree {
            top: &self.top,
            branch,
            from,
            replaces_missing: with_branch.is_some() || trees.iter().any(|tree| is_missing(&tree)),
            deadline: self.config.git.timeout,
        };
        self.record.write(&self.tree(TreeStage::Begun))?;
        if let Err(error) = repository.add_tree(&new) {
            self.remove_begun();
            if from.is_some() {
                // it has no commit of its own
                let _ = self.unstopped().delete_branch(branch);
            }
            return Err(
                Error::from(error).hint("No agent was started. git.worktree_dir puts work trees elsewhere.")
            );
        }
        let top = fs::canonicalize(&self.top).map_err(|e| Error::io("finding", &self.top, e))?;
        let tree = SpecTree { top, ..self.tree(TreeStage::Made) };
        self.record.write(&tree)?;
        let made = if from.is_some() { "made from HEAD" } else { "which was there already" };
        note(&format!("{} works in {} on the branch {branch}, {made}", self.place.name, tree.top.display()));
        Ok(tree)
    }

    fn tree(&self, stage: TreeStage) -> SpecTree {
        let spec = self.record.spec.clone();
        let (copied, commands) = (Vec::new(), Vec::new());
        // a tree that somebody removed by hand is made again, and the remote still has the lease
        let remote = self.record.read().and_then(|tree| tree.remote);
        SpecTree { top: self.top.clone(), branch: self.branch.clone(), spec, stage, copied, commands, remote }
    }

    /// Removes what git began to make when something ended it.
    fn remove_begun(&self) {
        let Some(begun) = self.record.read().filter(|tree| tree.stage == TreeStage::Begun) else { return };
        // git may not know it yet, or may have removed it itself
        if self.unstopped().remove_tree(&begun.top, self.config.git.timeout).is_err() {
            let _ = fs::remove_dir(&begun.top);
        }
        let _ = self.record.remove();
    }

    /// The repository for what must be done also after a request to end.
    fn unstopped(&self) -> Repository {
        Repository { supervisor: Supervisor::default(), ..self.repository.clone() }
    }

    /// Takes a tree that is there and has the branch: one that an earlier run made, or that a person made in its place.
    fn adopt(&self, top: &Path) -> Result<SpecTree> {
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let (top, wanted) = (real(top), real(&self.top));
        if top != wanted || !self.record.has(&top) {
            let here = if top == real(&self.record.here) { ", your checkout" } else { "" };
            let text = format!("the branch {} is checked out in {}{here}", self.branch, top.display());
            return Err(Error::new(ErrorKind::Human, text)
                .hint("Git has each branch in one work tree only. Go to another branch there (`git switch`), or set another git.branch.")
                .hint("To work there, run seqorch in that folder without --worktree."));
        }
        let tree = SpecTree { top, ..self.tree(TreeStage::Made) };
        self.record.write(&tree)?;
        note(&format!(
            "{} works in {} again, on the branch {}",
            self.place.name,
            tree.top.display(),
            tree.branch
        ));
        Ok(tree)
    }

    /// Refuses a folder that has something else in it, or that can't be made.
    fn check_folder(&self) -> Result<()> {
        let is_file = |place: &&Path| fs::metadata(place).is_ok_and(|data| !data.is_dir());
        if let Some(file) = self.top.ancestors().skip(1).find(is_file) {
            let text =
                format!("git.worktree_dir: {} is a file, and work trees need a folder", file.display());
            return Err(Error::new(ErrorKind::Config, text)
                .hint("Move it away, or set git.worktree_dir. No agent was started."));
        }
        let is_empty = |folder: &Path| fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
        if fs::symlink_metadata(&self.top).is_ok() && !is_empty(&self.top) {
            let text = format!("{} is there and is not a work tree of this repository", self.top.display());
            return Err(Error::new(ErrorKind::Human, text)
                .hint("Move it away or remove it, or set git.worktree_dir. No agent was started."));
        }
        self.top.parent().map_or(Ok(()), files::create_private_dir)
    }

    fn not_committed(&self, tasks: &Path, has_branch: bool) -> Error {
        let what = if self.place.file.is_some() { tasks } else { tasks.parent().unwrap_or(tasks) }.display();
        let (tasks, branch) = (tasks.display(), &self.branch);
        let error = |text: String| Error::new(ErrorKind::Human, text);
        if has_branch {
            return error(format!("the branch {branch} has no {tasks}")).hint(format!(
                "Bring the spec there, or delete the branch: git branch -D {branch}. No agent was started."
            ));
        }
        error(format!("{tasks} is not committed, and a work tree has only what is committed"))
            .hint(format!("Commit it: git add {what} && git commit. No agent was started."))
            .hint("Or run without --worktree.")
    }
}

/// The branch of a tree that somebody removed, as far as the branch is there: it has what was done. Of a spec that a remote
/// keeps, the remote says the branch.
fn lost_branch(config: &Config, repository: &Repository, record: &SpecTreeRecord) -> Result<Option<String>> {
    let lost = record.read().filter(|tree| tree.stage != TreeStage::Begun && config.remote.name.is_none());
    let Some(branch) = lost.map(|tree| tree.branch) else { return Ok(None) };
    Ok(repository.commit_of_branch(&branch)?.map(|_| branch))
}

fn unborn() -> Error {
    Error::new(ErrorKind::Human, "the repository has no commit yet, and a work tree begins with one")
        .hint("Commit something first, or run without --worktree.")
}

/// The folder for the work trees of a repository: what the settings say, or one in the person's folder for state. Not git's
/// own folder: agents refuse to edit what lies below a folder `.git`.
fn folder(config: &Config, repository: &Repository) -> Result<PathBuf> {
    if let Some(folder) = &config.git.worktree_dir {
        return Ok(folder.clone());
    }
    let state = state_folder(|name| std::env::var_os(name)).ok_or_else(|| {
        Error::new(ErrorKind::Config, "there is no folder to make work trees in")
            .hint("Set HOME, XDG_STATE_HOME or git.worktree_dir.")
    })?;
    let common = fs::canonicalize(&repository.common_dir).unwrap_or_else(|_| repository.common_dir.clone());
    let of = if common.ends_with(".git") { common.parent().unwrap_or(&common) } else { &common };
    let name = of.file_name().map_or_else(|| "repository".into(), |name| name.to_string_lossy());
    let mark = digest(std::os::unix::ffi::OsStrExt::as_bytes(common.as_os_str()));
    Ok(state.join("trees").join(format!("{name}~{mark}")))
}

/// The branch as one name of a folder: two specs have two branches.
fn folder_name(branch: &str) -> String {
    let plain = branch.strip_prefix("seqorch/").unwrap_or(branch);
    if plain.contains('/') {
        format!("{}~{}", plain.replace('/', "-"), digest(branch.as_bytes()))
    } else {
        plain.to_owned()
    }
}

/// Warns of what the tree does not have of the person's spec.
fn note_differences(here: &SpecPlace, there: &SpecPlace) {
    if here.dir == there.dir {
        return;
    }
    let texts = here.read_tasks().ok().zip(there.read_tasks().ok());
    if let Some(((one, _), (other, _))) = texts
        && own_tree::differ_beyond_boxes(here, &one, &other)
    {
        let _ = writeln!(
            io::stderr(),
            "warning: {} in your checkout differs from that in the work tree, which counts: it has what is committed on its branch",
            here.tasks_path().strip_prefix(&here.root).unwrap_or(&here.tasks_path()).display()
        );
    }
}

fn note(text: &str) {
    let _ = writeln!(io::stderr(), "note: {text}");
}
