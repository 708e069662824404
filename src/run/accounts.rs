//! What runs with one login share: limits that one of them met hold back the others, in other specs and on other machines.

use std::fs;
use std::path::PathBuf;

use super::event::Event;
use super::world::RealWorld;
use crate::config::Account;
use crate::error::{Error, ErrorKind, Result};
use crate::report::text::sanitise_line;
use crate::state::{AccountLimits, SpecState};
use crate::store::lock;
use crate::store::trust_file::state_folder;
use crate::sys::{files, nofollow};

/// Bytes that a record may have.
const RECORD_MAX: u64 = 256_000;

impl RealWorld<'_> {
    /// What other runs saw of the accounts, where it holds back steps that this run would start.
    pub(super) fn seen_limits(&mut self, state: &SpecState) -> Option<Event> {
        let now = self.clock.now();
        let mut seen = Vec::new();
        let mut after = state.clone();
        for (name, account) in &self.config.accounts {
            let record = self.read_account(name, account).unwrap_or_default();
            if record.closed(now).is_empty() {
                continue;
            }
            self.known_accounts.insert(name.clone(), record.clone());
            after.learn_limits(&account.backends, &record, now);
            seen.push((account.backends.clone(), record));
        }
        (after != *state).then_some(Event::LimitsSeen(seen))
    }

    /// What the state says of the accounts before the run changes it: where a person orders a try in spite of a limit, the
    /// others learn of that.
    pub(super) fn note_accounts(&mut self, state: &SpecState) {
        let most = self.config.pace.stop_at_utilization;
        let known = self.config.accounts.iter();
        self.known_accounts = known
            .map(|(name, account)| (name.clone(), state.account_limits(&account.backends, most)))
            .collect();
    }

    /// Writes what this run knows of the accounts, where a window has closed or opened since.
    pub(super) fn share_accounts(&mut self, state: &SpecState) {
        let now = self.clock.now();
        let most = self.config.pace.stop_at_utilization;
        let mut failed = Vec::new();
        for (name, account) in &self.config.accounts {
            let known = state.account_limits(&account.backends, most);
            let last = self.known_accounts.get(name).map(|last| last.closed(now)).unwrap_or_default();
            if known.closed(now) == last {
                continue;
            }
            let known = AccountLimits { host: lock::host(), ..known };
            let text = serde_json::to_vec_pretty(&known).unwrap_or_default();
            if let Err(error) = self.write_account(name, account, &text) {
                failed.push((name.clone(), error.brief()));
            }
            self.known_accounts.insert(name.clone(), known);
        }
        failed.retain(|(name, _)| self.unshared_accounts.insert(name.clone()));
        for (name, why) in failed {
            // others then find out by themselves
            let (name, why) = (sanitise_line(&name), sanitise_line(&why));
            self.say(&format!("! what is known of the limits of account {name} is not shared: {why}"));
        }
    }

    fn read_account(&self, name: &str, account: &Account) -> Option<AccountLimits> {
        let bytes = match (file(name, account, self.remote.is_some()), self.remote) {
            (Some(file), _) => nofollow::read(&file, RECORD_MAX).ok()?,
            (None, Some(remote)) => remote.read_account(name)?,
            (None, None) => return None,
        };
        serde_json::from_slice(&bytes).ok()
    }

    fn write_account(&self, name: &str, account: &Account, text: &[u8]) -> Result<()> {
        match (file(name, account, self.remote.is_some()), self.remote) {
            (Some(file), _) => {
                let folder = file.parent().unwrap_or(&file);
                fs::create_dir_all(folder).map_err(|e| Error::io("making", folder, e))?;
                files::replace(&file, text, 0o600)
            }
            (None, Some(remote)) => remote.write_account(name, text),
            (None, None) => {
                Err(Error::new(ErrorKind::Config, "set HOME, XDG_STATE_HOME or account.NAME.file"))
            }
        }
    }
}

/// The file of an account; `None` where a remote keeps it, or there is no place.
fn file(name: &str, account: &Account, has_remote: bool) -> Option<PathBuf> {
    match &account.file {
        Some(file) => Some(file.clone()),
        None if has_remote => None,
        None => {
            let state = state_folder(|name| std::env::var_os(name))?;
            Some(state.join("accounts").join(format!("{name}.json")))
        }
    }
}
