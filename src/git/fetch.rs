//! Fetches one commit from a remote repository into a bare one of ours, and reads a folder of it.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::call::{GitCall, GitError, Supervisor, one_line};

/// How long a fetch may take.
const FETCH: Duration = Duration::from_secs(600);

/// The protocols that git may use. A setting of the user may replace one of them by another.
const PROTOCOLS: &str = "file:https:ssh";

/// Where to fetch from.
#[derive(Debug, Clone, Copy)]
pub struct RemotePlace<'a> {
    /// The bare repository of ours. It is made where it is missing.
    pub repository: &'a Path,
    /// What git fetches from.
    pub url: &'a str,
}

impl RemotePlace<'_> {
    /// Fetches a tag, a branch or a commit. Returns the id of its commit.
    pub fn fetch(&self, wanted: &str, supervisor: &Supervisor) -> Result<String, GitError> {
        fs::create_dir_all(self.repository).map_err(|e| self.unusable(&e))?;
        if !self.repository.join("HEAD").exists() {
            self.run(["init", "--quiet", "--bare"], supervisor)?;
        }
        // a branch that is named like an option is no option behind --
        let args = ["fetch", "--quiet", "--depth=1", "--no-tags", "--"];
        let to = format!("+{wanted}:refs/seqorch/wanted");
        let fetched = GitCall::as_typed(self.repository, args, FETCH).arg(self.url).arg(to);
        let fetched = fetched.envs(self.env()).env("GIT_TERMINAL_PROMPT", "0");
        fetched.env("GIT_ALLOW_PROTOCOL", PROTOCOLS).run(supervisor)?;
        let id = self.run(["rev-parse", "--verify", "refs/seqorch/wanted^{commit}"], supervisor)?;
        Ok(one_line(&id))
    }

    /// The files of a folder of a commit as an archive (`.tar`); an empty name is the whole tree.
    pub fn archive(&self, commit: &str, folder: &str, supervisor: &Supervisor) -> Result<Vec<u8>, GitError> {
        let call = GitCall::new(self.repository, ["archive", "--format=tar", commit]).envs(self.env());
        let call = if folder.is_empty() { call } else { call.arg("--").arg(format!(":(literal){folder}")) };
        call.run(supervisor)
    }

    fn run<const N: usize>(&self, args: [&str; N], supervisor: &Supervisor) -> Result<Vec<u8>, GitError> {
        GitCall::new(self.repository, args).envs(self.env()).run(supervisor)
    }

    /// The repository of ours, whatever the caller's variables say.
    fn env(&self) -> [(&'static str, OsString); 1] {
        [("GIT_DIR", self.repository.into())]
    }

    fn unusable(&self, error: &std::io::Error) -> GitError {
        GitError::Unusable { why: format!("{}: {error}", self.repository.display()) }
    }
}
