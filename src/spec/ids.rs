//! Ids of a file as numbers, so that the passes behind the collection hash each id once.

use std::collections::HashMap;

use super::collect::Found;

/// A distinct id.
pub(crate) type Slot = usize;

/// All distinct ids.
#[derive(Debug)]
pub(crate) struct Ids<'a> {
    map: HashMap<&'a str, Slot>,
    /// The slot of each task.
    pub(crate) of: Vec<Slot>,
    /// The first task of each slot.
    pub(crate) first: Vec<usize>,
}

impl<'a> Ids<'a> {
    /// Numbers the ids in document order.
    pub(crate) fn new(found: &'a [Found<'a>]) -> Self {
        let mut ids = Ids {
            map: HashMap::with_capacity(found.len()),
            of: Vec::with_capacity(found.len()),
            first: Vec::new(),
        };
        for (i, f) in found.iter().enumerate() {
            let next = ids.first.len();
            let slot = *ids.map.entry(&f.id).or_insert(next);
            if slot == next {
                ids.first.push(i);
            }
            ids.of.push(slot);
        }
        ids
    }

    /// The slot of an id, if a task has it.
    pub(crate) fn slot(&self, id: &str) -> Option<Slot> {
        self.map.get(id).copied()
    }

    /// The first task with an id.
    pub(crate) fn task(&self, id: &str) -> Option<usize> {
        self.slot(id).map(|s| self.first[s])
    }
}
