//! The folders of what a run starts beside the tasks, by number: calls that assign tasks, and checks of the untouched tree.

use std::fs;

use super::spec_store::Store;

/// Number of calls whose folders stay.
const KEPT: u32 = 20;

impl Store {
    /// The number of the last call of this name; 0: there is none.
    #[must_use]
    pub fn last_call(&self, name: &str) -> u32 {
        self.calls(name).into_iter().max().unwrap_or(0)
    }

    /// The number of the next call of this name. Removes the oldest folders.
    #[must_use]
    pub fn next_call(&self, name: &str) -> u32 {
        let last = self.last_call(name);
        for old in self.calls(name).into_iter().filter(|n| n + KEPT <= last) {
            let _ = fs::remove_dir_all(self.attempt_dir(name, old).path());
        }
        last + 1
    }

    /// The numbers of the calls of this name whose folders are there, in any order.
    #[must_use]
    pub fn calls(&self, name: &str) -> Vec<u32> {
        let folder = self.attempt_dir(name, 1).path().parent().map(ToOwned::to_owned);
        let names = folder.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
        names.filter_map(|e| e.file_name().to_str()?.parse().ok()).collect()
    }
}
