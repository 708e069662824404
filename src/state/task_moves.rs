//! PURE. How tasks.md changed between two readings.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::known_task::IdentityDoubt;

/// How tasks.md changed since it was read last. All ids are those of now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskMoves {
    /// The ids that entries had before, by the ids that they have now.
    pub was: BTreeMap<String, String>,
    /// The texts that entries had before.
    pub reworded: BTreeMap<String, String>,
    /// New entries with a number that another one had: its text, and its number now if it is still there.
    pub reused: BTreeMap<String, (String, Option<String>)>,
    /// Done tasks that a person opened again: they are work again.
    pub reopened: Vec<String>,
    /// Done tasks whose boxes were opened while a run was at work: they stay done.
    pub opened: Vec<String>,
    /// Open tasks that were removed or given up while an agent worked on another one: their ids and titles.
    pub removed: Vec<(String, String)>,
    /// Entries for which more than one old entry was possible: the one that each was taken for.
    pub choices: BTreeMap<String, IdentityDoubt>,
    /// Something that the state keeps is different now.
    pub changed: bool,
    /// New keys of the state by old ones.
    pub(super) keys: HashMap<String, String>,
}

impl TaskMoves {
    /// The id that a task has now.
    #[must_use]
    pub fn now<'a>(&'a self, id: &'a str) -> &'a str {
        self.keys.get(id).map_or(id, String::as_str)
    }

    /// Gives an id its new value.
    pub fn rename(&self, id: &mut String) {
        if let Some(now) = self.keys.get(id) {
            id.clone_from(now);
        }
    }

    /// Gives ids their new values.
    pub fn rename_all<'a>(&self, ids: impl IntoIterator<Item = &'a mut String>) {
        ids.into_iter().for_each(|id| self.rename(id));
    }

    /// The options of a run name tasks, too.
    pub(super) fn rename_options(&self, options: &mut [String]) {
        for option in options {
            let Some((flag, ids)) = option.split_once('=') else { continue };
            if matches!(flag, "--only" | "--from") {
                let ids: Vec<&str> = ids.split(',').map(|id| self.now(id)).collect();
                *option = format!("{flag}={}", ids.join(","));
            }
        }
    }

    pub(super) fn rename_set(&self, ids: &mut BTreeSet<String>) {
        if ids.iter().any(|id| self.keys.contains_key(id)) {
            *ids = std::mem::take(ids).into_iter().map(|id| self.now(&id).to_owned()).collect();
        }
    }
}
