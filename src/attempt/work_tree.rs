//! The snapshot of the work tree after an attempt.

use crate::git::call::{GitError, Supervisor};
use crate::git::repository::Repository;
use crate::git::snapshot::{Snapshot, Snapshots};
use crate::state::{LeftOutPath, TreeRecord};
use crate::store::attempt_file::SnapshotRequest;

/// What a snapshot says, as the state keeps it.
#[must_use]
pub fn record(snapshot: Snapshot) -> TreeRecord {
    let left_out = snapshot.left_out.into_iter().map(|one| LeftOutPath { path: one.path, why: one.why });
    TreeRecord {
        tree: snapshot.tree,
        commit: snapshot.head.commit,
        branch: snapshot.head.branch,
        left_out: left_out.collect(),
    }
}

/// Takes the snapshot.
pub(super) fn take(request: &SnapshotRequest) -> Result<TreeRecord, GitError> {
    let SnapshotRequest { top, git_dir, common_dir, index, objects, key, max_file } = request.clone();
    let supervisor = Supervisor::default();
    let repository = Repository { top, git_dir, common_dir, index, objects, supervisor };
    Snapshots::resume(&repository, &key, max_file)?.take().map(record)
}
