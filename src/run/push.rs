//! Pushes the branch after each commit, where `git.push` names a remote. A push that fails never ends a run.

use super::trust::PushTarget;
use super::world::RealWorld;
use crate::agent::sanitise::sanitise_line;
use crate::git::call::{DEADLINE, GitError};
use crate::state::{SpecState, UnitState};

impl RealWorld<'_> {
    /// Pushes after a commit.
    pub(super) fn push(&mut self) {
        if let Err(why) = self.try_push(DEADLINE) {
            self.say(&format!("! not pushed: {why}; it is tried again with the next commit, and at the end"));
            self.unpushed = true;
        }
    }

    /// Pushes once more at the end of a run, if a push failed in it or in an earlier one. A line about it where it fails again.
    pub(super) fn push_at_end(&mut self, state: &SpecState) -> Option<String> {
        if !(std::mem::take(&mut self.unpushed) || self.lacks_commits(state)) {
            return None;
        }
        let why = self.try_push(self.config.git.timeout).err()?;
        Some(why)
    }

    /// Whether the remote lacks the branch with the commits of tasks, as git saw it last.
    fn lacks_commits(&self, state: &SpecState) -> bool {
        let target = self.trust.as_ref().and_then(|trust| trust.push_target());
        let Some((target, repository)) = target.zip(self.repository.as_ref()) else { return false };
        if !state.units.values().any(UnitState::is_committed) {
            return false;
        }
        let repository = repository.repository();
        // if git fails, the push says why
        let Ok(Some(branch)) = repository.branch() else { return false };
        let head = repository.commit_of_branch(&branch).ok().flatten();
        repository.commit_at_remote(&target.remote, &branch).ok().flatten() != head
    }

    fn try_push(&mut self, deadline: std::time::Duration) -> Result<(), String> {
        if self.remote.is_some() {
            // it is pushed together with the state
            return Ok(());
        }
        let target = self.trust.as_ref().and_then(|trust| trust.push_target()).cloned();
        let Some((PushTarget { remote, addresses, .. }, repository)) = target.zip(self.repository.clone())
        else {
            return Ok(());
        };
        let repository = repository.repository();
        let words = |error: GitError| {
            let lines: Vec<String> = error.words().lines().map(str::trim).map(str::to_owned).collect();
            sanitise_line(&self.redactor().redact(&lines.join("; ")))
        };
        let branch = repository.branch().map_err(words)?;
        let Some(branch) = branch else { return Err("HEAD is on no branch".to_owned()) };
        if repository.push_addresses(&remote).map_err(words)?.as_ref() != Some(&addresses) {
            return Err(format!("the address of the remote {remote} is another one than when the run began"));
        }
        repository.push(&remote, &branch, deadline).map_err(words)?;
        self.unpushed = false;
        Ok(())
    }
}
