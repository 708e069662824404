//! PURE. A spec in the list of all.

use serde::Serialize;

/// Where a spec stands, in the list of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpecTile {
    /// Its part of an address.
    pub address: String,
    /// What a person types for it.
    pub name: String,
    /// The colour of where it stands.
    pub tone: &'static str,
    /// Tasks that are done.
    pub done: usize,
    /// All tasks.
    pub total: usize,
    /// Where it stands, in words.
    pub words: String,
}
