//! What the machines that share a remote know of an account: a ref of its own, which no lease guards.

use super::outcome::RemoteRun;
use crate::error::{Error, ErrorKind, Result};
use crate::fleet::ref_names;
use crate::git::spec_refs::RefUpdate;

/// The file in the object of the ref.
const FILE: &str = "account.json";

impl RemoteRun {
    /// What the remote has of an account; `None`: nothing, or no answer.
    pub(in crate::run) fn read_account(&self, name: &str) -> Option<Vec<u8>> {
        let kept = self.keeper.kept();
        let remote = &kept.remote;
        let into = format!("refs/seqorch/seen/{}-account", self.key);
        let prefix = ref_names::account("");
        let (caller, deadline) = remote.caller();
        let found = caller.fetch_below(&remote.address, &prefix, &into, deadline).ok()?;
        let object = found.into_iter().find(|(of, _)| of == name).map(|(_, object)| object);
        let mut seen = self.accounts.borrow_mut();
        let Some(object) = object else {
            seen.remove(name);
            return None;
        };
        seen.insert(name.to_owned(), object.clone());
        remote.repository.read_record(&object, FILE).ok()?
    }

    /// Writes it. Where another machine was faster, that one's record stays.
    pub(in crate::run) fn write_account(&self, name: &str, text: &[u8]) -> Result<()> {
        let from = self.accounts.borrow().get(name).cloned();
        let pushed = self.push_account(name, text, from.clone());
        if let Err(error) = pushed {
            self.read_account(name);
            let was_faster = self.accounts.borrow().get(name) != from.as_ref();
            return if was_faster { Ok(()) } else { Err(error) };
        }
        Ok(())
    }

    fn push_account(&self, name: &str, text: &[u8], from: Option<String>) -> Result<()> {
        let kept = self.keeper.kept();
        let remote = &kept.remote;
        let content = remote.repository.write_content(text)?;
        let object = remote.repository.write_record(None, &[(FILE, &content)], "limits")?;
        let update = RefUpdate { name: ref_names::account(name), from, to: Some(object.clone()) };
        let (caller, deadline) = remote.caller();
        let pushed = caller.push_refs(&remote.address, &[update], deadline);
        pushed.map_err(|error| Error::new(ErrorKind::Human, error.words()))?;
        self.accounts.borrow_mut().insert(name.to_owned(), object);
        Ok(())
    }
}
