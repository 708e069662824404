//! What git is in the middle of: a merge, a rebase …

use std::fs;
use std::path::Path;

use super::call::GitError;
use super::repository::Repository;

/// An operation of git that takes several commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GitOperation {
    /// `git rebase`
    Rebase,
    /// `git am`
    Patches,
    /// `git merge`
    Merge,
    /// `git cherry-pick`
    CherryPick,
    /// `git revert`
    Revert,
    /// `git bisect`
    Bisect,
}

impl GitOperation {
    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rebase => "rebase",
            Self::Patches => "series of patches (git am)",
            Self::Merge => "merge",
            Self::CherryPick => "cherry-pick",
            Self::Revert => "revert",
            Self::Bisect => "bisect",
        }
    }

    /// The arguments of git that end it and go back to where it began.
    #[must_use]
    pub fn abort(self) -> &'static str {
        match self {
            Self::Rebase => "rebase --abort",
            Self::Patches => "am --abort",
            Self::Merge => "merge --abort",
            Self::CherryPick => "cherry-pick --abort",
            Self::Revert => "revert --abort",
            Self::Bisect => "bisect reset",
        }
    }

    /// Whether a commit would end it or mix with it. In a bisect a commit harms nothing.
    #[must_use]
    pub fn is_disturbed_by_a_commit(self) -> bool {
        self != Self::Bisect
    }

    /// What is in progress, as far as the files in git's folder of a work tree say it: no process is started.
    #[must_use]
    pub fn in_folder(git_dir: &Path) -> Option<Self> {
        let has = |name: &str| git_dir.join(name).exists();
        let is_pick = |todo: &str| {
            let text = fs::read_to_string(git_dir.join("sequencer/todo")).unwrap_or_default();
            text.lines().any(|line| line.starts_with(todo))
        };
        if has("rebase-apply/applying") {
            return Some(Self::Patches);
        }
        if has("rebase-merge") || has("rebase-apply") {
            return Some(Self::Rebase);
        }
        if let Some((_, what)) = HEADS.iter().find(|(name, _)| has(name)) {
            return Some(*what);
        }
        if has("sequencer") {
            return Some(if is_pick("revert") { Self::Revert } else { Self::CherryPick });
        }
        has("BISECT_LOG").then_some(Self::Bisect)
    }
}

impl Repository {
    /// Forgets what is in progress. Files, index and branches stay as they are.
    pub fn quit(&self, operation: GitOperation) -> Result<(), GitError> {
        let args: &[&str] = match operation {
            GitOperation::Rebase => &["rebase", "--quit"],
            GitOperation::Patches => &["am", "--quit"],
            GitOperation::Merge => &["merge", "--quit"],
            GitOperation::CherryPick => &["cherry-pick", "--quit"],
            GitOperation::Revert => &["revert", "--quit"],
            GitOperation::Bisect => &["bisect", "reset", "HEAD"],
        };
        self.call(args).run_patiently(&self.supervisor).map(drop)
    }

    /// What is in progress, if anything is.
    pub fn operation(&self) -> Result<Option<GitOperation>, GitError> {
        if let Some(found) = GitOperation::in_folder(&self.git_dir) {
            return Ok(Some(found));
        }
        if !self.git_dir.join("reftable").exists() {
            return Ok(None);
        }
        // such a repository has no files for its refs
        let names = HEADS.map(|(name, _)| name).join("\n");
        let call = self.call(["cat-file", "--batch-check"]).stdin(names.as_bytes());
        let known = call.read(&self.supervisor)?;
        let known = known.split(|b| *b == b'\n').map(|line| !line.is_empty() && !line.ends_with(b" missing"));
        Ok(HEADS.iter().zip(known).find(|(_, known)| *known).map(|((_, what), _)| *what))
    }
}

/// The refs that git keeps while an operation waits for a person.
const HEADS: [(&str, GitOperation); 3] = [
    ("MERGE_HEAD", GitOperation::Merge),
    ("CHERRY_PICK_HEAD", GitOperation::CherryPick),
    ("REVERT_HEAD", GitOperation::Revert),
];
