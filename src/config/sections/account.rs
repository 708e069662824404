//! PURE. `[account.NAME]`: a login that several backends use.

use std::path::PathBuf;

use crate::config::declare::keys;
use crate::config::formats::BackendNames;
use crate::config::path::KeyPath;
use crate::config::problem::Problem;

keys! {
    /// A login that several backends, specs or machines use, and with it the limits of its plan. What one run hears of a limit
    /// holds back the others: no step starts against a window that is known to be used up.
    #[derive(Eq)]
    pub struct Account {
        /// Backends that use this login. A limit of one of them is a limit of all.
        backends: Vec<String> as BackendNames = [], like = ["claude", "reviewer"], inside;
        /// File that keeps what is known of the limits, for machines that share a file system. Not set: a ref on remote.name, where
        /// that is set, for all machines; else a file in your folder for state, for all runs of this machine.
        file: Option<PathBuf>, like = "/srv/seqorch/team.json", outside;
    }
}

impl Account {
    /// What does not fit together: a backend with two logins. `others`: the accounts before this one.
    pub(crate) fn problem<'a>(
        &self,
        at: &KeyPath,
        mut others: impl Iterator<Item = (&'a String, &'a Self)>,
    ) -> Option<Problem> {
        let (name, other) =
            others.find(|(_, other)| other.backends.iter().any(|one| self.backends.contains(one)))?;
        let twice = other.backends.iter().find(|one| self.backends.contains(one))?;
        let text = format!("the backend {twice:?} is in account.{name}, too, and has one login");
        Some(Problem::of_key(at.join("backends"), text))
    }
}
