//! The repository of a run: the snapshots of one spec in it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::attempt::work_tree::record;
use crate::config::{Commit, Config};
use crate::git::call::{GitError, Supervisor};
use crate::git::repository::Repository;
use crate::git::snapshot::Snapshots;
use crate::project::SpecPlace;
use crate::state::TreeRecord;
use crate::store::attempt_file::SnapshotRequest;
use crate::sys::digest::digest;

/// The repository that the project is in, and the place of the spec's snapshots in it.
#[derive(Debug, Clone)]
pub struct RunRepository {
    repository: Repository,
    key: String,
    max_file: u64,
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
        Ok(found.map(|repository| Self { repository, key, max_file }))
    }

    /// The first snapshot of a run. What an earlier run left half-written does not matter.
    pub(super) fn begin(&self) -> Result<TreeRecord, GitError> {
        Snapshots::begin(&self.repository, &self.key, self.max_file)?.take().map(record)
    }

    /// The snapshots, made anew, where no run is there.
    pub(super) fn begin_snapshots(&self) -> Result<Snapshots<'_>, GitError> {
        Snapshots::begin(&self.repository, &self.key, self.max_file)
    }

    /// All files now. No attempt may be at work: its process takes the snapshot itself.
    pub(super) fn look(&self) -> Result<TreeRecord, GitError> {
        match self.snapshots().and_then(|mut snapshots| snapshots.take()) {
            Ok(snapshot) => Ok(record(snapshot)),
            // a power cut may have left a broken index
            Err(GitError::Failed { .. }) => self.begin(),
            Err(error) => Err(error),
        }
    }

    /// The snapshots, to take one.
    pub(super) fn snapshots(&self) -> Result<Snapshots<'_>, GitError> {
        Snapshots::resume(&self.repository, &self.key, self.max_file)
    }

    /// The snapshots, only to compare trees.
    #[must_use]
    pub fn trees(&self) -> Snapshots<'_> {
        Snapshots::open(&self.repository, &self.key, self.max_file)
    }

    /// Removes the snapshots that are not among these trees. Only while no attempt is at work.
    pub(super) fn keep_only(&self, trees: &BTreeSet<&str>) -> Result<(), GitError> {
        self.trees().keep_only(trees)
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
        SnapshotRequest { top, git_dir, common_dir, index, objects, key, commit, branch, max_file }
    }
}

/// The name of the spec's folder where git's folder is found by git alone, as with `GIT_DIR`. All work trees of a repository
/// and all projects in it share the place.
fn key(place: &SpecPlace) -> String {
    let readable: String =
        place.name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let identity = [place.root.as_os_str(), OsStr::new("\0"), place.dir.as_os_str()].map(OsStr::as_bytes);
    format!("{readable}-{}", digest(&identity.concat()))
}
