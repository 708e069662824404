//! The repository of a run: the snapshots of one spec in it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use crate::attempt::work_tree::record;
use crate::config::{Commit, Config};
use crate::error::Result as CrateResult;
use crate::git::call::{GitError, Supervisor};
use crate::git::executing::GitPin;
use crate::git::helpers::GitHelpers;
use crate::git::path::RepoPath;
use crate::git::repository::Repository;
use crate::git::snapshot::Snapshots;
use crate::project::SpecPlace;
use crate::state::{SpecState, TreeRecord};
use crate::store::attempt_file::SnapshotRequest;
use crate::sys::digest::digest;

/// The repository that the project is in, and the place of the spec's snapshots in it.
#[derive(Debug, Clone)]
pub struct RunRepository {
    repository: Repository,
    key: String,
    max_file: u64,
    helpers: GitHelpers,
}

impl RunRepository {
    /// The repository, if there is one and the configuration wants snapshots or commits. Without git there is none.
    pub fn of_run(
        place: &SpecPlace,
        config: &Config,
        supervisor: &Supervisor,
    ) -> Result<Option<Self>, GitError> {
        if !config.git.snapshot && config.git.commit == Commit::Off {
            return Ok(None);
        }
        match Self::find(place, config, supervisor) {
            // a project without git is run all the same
            Err(GitError::NotStarted { .. }) if config.git.commit == Commit::Off => Ok(None),
            found => found,
        }
    }

    /// The repository, if there is one.
    pub fn find(
        place: &SpecPlace,
        config: &Config,
        supervisor: &Supervisor,
    ) -> Result<Option<Self>, GitError> {
        let max_file = u64::from(config.git.max_file) * 1_000_000;
        let found = Repository::find(&place.root, supervisor)?;
        let key = place
            .store()
            .name_in_git()
            .map_or_else(|| key(place), |name| name.to_string_lossy().into_owned());
        Ok(found.map(|repository| Self { repository, key, max_file, helpers: GitHelpers::default() }))
    }

    /// The first snapshot of a run. What an earlier run left half-written does not matter.
    pub(super) fn begin(&self) -> Result<TreeRecord, GitError> {
        self.begin_snapshots()?.take().map(record)
    }

    /// Starts the processes that answer questions in each step.
    pub(super) fn start_helpers(&self) -> Result<(), GitError> {
        self.trees().start_helpers()
    }

    /// The snapshots, made anew, where no run is there.
    pub(super) fn begin_snapshots(&self) -> Result<Snapshots<'_>, GitError> {
        self.repository.check_top()?;
        // its beginning ends them, so they may as well be its own
        Ok(Snapshots::begin(&self.repository, &self.key, self.max_file)?.with_helpers(&self.helpers))
    }

    /// All files now. No attempt may be at work: its process takes the snapshot itself. `boxes` is tasks.md, whose boxes
    /// are ticked between two steps.
    pub(super) fn look(&self, boxes: Option<&RepoPath>) -> Result<TreeRecord, GitError> {
        match self.snapshots().and_then(|mut snapshots| snapshots.take_with_boxes(boxes)) {
            Ok(snapshot) => Ok(record(snapshot)),
            // a power cut may have left a broken index
            Err(GitError::Failed { .. }) => self.begin(),
            Err(error) => Err(error),
        }
    }

    /// The same repository with the snapshots of another spec, whose folder in git's has this name.
    pub(super) fn of_spec(&self, key: &OsStr) -> Self {
        Self { key: key.to_string_lossy().into_owned(), ..self.clone() }
    }

    /// The snapshots, to take one.
    pub(super) fn snapshots(&self) -> Result<Snapshots<'_>, GitError> {
        self.repository.check_top()?;
        Ok(Snapshots::resume(&self.repository, &self.key, self.max_file)?.with_helpers(&self.helpers))
    }

    /// The snapshots, only to compare trees.
    #[must_use]
    pub fn trees(&self) -> Snapshots<'_> {
        Snapshots::open(&self.repository, &self.key, self.max_file).with_helpers(&self.helpers)
    }

    /// Whether commits are made that the user's index does not have yet.
    pub(super) fn has_index_behind(&self) -> bool {
        self.repository.index_behind().is_some()
    }

    /// The top of the work tree, without links in its path.
    pub(super) fn top(&self) -> std::path::PathBuf {
        let top = &self.repository.top;
        std::fs::canonicalize(top).unwrap_or_else(|_| top.clone())
    }

    /// The same with the hooks and settings of git that a person trusts.
    #[must_use]
    pub(super) fn pinned(mut self, pin: Option<Arc<GitPin>>) -> Self {
        self.repository.pin = pin;
        self
    }

    /// The same for verbs that only look.
    #[must_use]
    pub fn only_to_look(self) -> Self {
        Self { repository: self.repository.only_to_look(), ..self }
    }

    /// Removes the snapshots that are not among these trees. Only while no attempt is at work.
    pub(super) fn keep_only(&self, trees: &BTreeSet<&str>) -> Result<(), GitError> {
        self.trees().keep_only(trees)
    }

    /// The name of the spec's folder in that of git.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The repository itself.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// What the process of an attempt needs to take the snapshot after it.
    pub(super) fn request(&self, before: Option<&TreeRecord>) -> SnapshotRequest {
        let Repository { top, git_dir, common_dir, index, objects, .. } = self.repository.clone();
        let (key, max_file) = (self.key.clone(), self.max_file);
        let (commit, branch) =
            before.map_or((None, None), |before| (before.commit.clone(), before.branch.clone()));
        let pin = self.repository.pin.as_ref();
        let executing = pin.and_then(|pin| serde_json::to_value(&pin.settings).ok());
        let logs = serde_json::to_value(self.repository.log_lengths()).ok();
        SnapshotRequest {
            top,
            git_dir,
            common_dir,
            index,
            objects,
            key,
            commit,
            branch,
            max_file,
            logs,
            executing,
        }
    }
}

/// The name of the spec's folder where git's folder is found by git alone, as with `GIT_DIR`. All work trees of a repository
/// and all projects in it share the place.
fn key(place: &SpecPlace) -> String {
    let readable: String =
        place.name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let path = place.path();
    let identity = [place.root.as_os_str(), OsStr::new("\0"), path.as_os_str()].map(OsStr::as_bytes);
    format!("{readable}-{}", digest(&identity.concat()))
}

/// The work tree when the run begins. If an attempt of an earlier run is still at work, that before this attempt: its
/// process has the snapshots now. Else an attempt gets it whose own tree is missing, in the state and in what resumes it.
pub(super) fn first_look(
    repository: Option<&RunRepository>,
    states: [&mut SpecState; 2],
) -> CrateResult<Option<TreeRecord>> {
    let Some(repository) = repository else { return Ok(None) };
    if let Some((_, attempt)) = states[1].running() {
        return Ok(attempt.before.clone());
    }
    let now = repository.begin()?;
    for state in states {
        state.fill_missing_tree(&now);
    }
    Ok(Some(now))
}
