//! A commit in the middle of which seqorch may be killed: it is noted on disk, so that it is finished and not made twice.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::call::GitError;
use super::commit::{CommitOutcome, CommitRequest};
use super::snapshot::Snapshots;

/// The commit that is about to be made, noted until the user's index knows it: seqorch or git may be killed in between.
#[derive(Debug, Serialize, Deserialize)]
struct StartedCommit {
    head: Option<String>,
    message: String,
}

impl Snapshots<'_> {
    /// Finishes a commit in the middle of which seqorch was killed. The outcome, if it is the wanted one.
    pub(super) fn finish_started(
        &mut self,
        request: &CommitRequest<'_>,
    ) -> Result<Option<CommitOutcome>, GitError> {
        let Ok(bytes) = fs::read(self.started_path()) else { return Ok(None) };
        let Ok(started) = serde_json::from_slice::<StartedCommit>(&bytes) else {
            // cut off while it was written: git was not started yet
            return self.forget_started().map(|()| None);
        };
        let new = self.head_commit()?.map(|_| self.new_commit()).transpose()?;
        let Some(new) =
            new.filter(|new| Some(&new.commit) != started.head.as_ref() && new.parent == started.head)
        else {
            return self.forget_started().map(|()| None);
        };
        let outcome = self.finish(new, request.paths)?;
        Ok((started.message == request.message).then_some(outcome))
    }

    fn started_path(&self) -> PathBuf {
        self.folder().join("commit.json")
    }

    pub(super) fn note_started(&self, request: &CommitRequest<'_>) -> Result<(), GitError> {
        let started =
            StartedCommit { head: request.head.map(str::to_owned), message: request.message.to_owned() };
        let bytes = serde_json::to_vec(&started).unwrap_or_default();
        let path = self.started_path();
        fs::write(&path, bytes)
            .map_err(|e| GitError::Unusable { why: format!("writing {}: {e}", path.display()) })
    }

    pub(super) fn forget_started(&self) -> Result<(), GitError> {
        let path = self.started_path();
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(GitError::Unusable { why: format!("removing {}: {e}", path.display()) })
            }
            _ => Ok(()),
        }
    }
}
