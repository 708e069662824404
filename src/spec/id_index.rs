//! The ids of a file as numbers, so that the passes after the collection hash each id once.

use std::collections::HashMap;

use super::task_line::TaskLine;

/// The number of a distinct id.
pub(crate) type IdSlot = usize;

/// All distinct ids of a file.
#[derive(Debug)]
pub(crate) struct IdIndex<'a> {
    map: HashMap<&'a str, IdSlot>,
    /// The slot of each task.
    pub(crate) of: Vec<IdSlot>,
    /// The first task of each slot.
    pub(crate) first: Vec<usize>,
}

impl<'a> IdIndex<'a> {
    /// Numbers the ids in document order.
    pub(crate) fn new(tasks: &'a [TaskLine<'a>]) -> Self {
        let mut ids = IdIndex {
            map: HashMap::with_capacity(tasks.len()),
            of: Vec::with_capacity(tasks.len()),
            first: Vec::new(),
        };
        for (i, task) in tasks.iter().enumerate() {
            let next = ids.first.len();
            let slot = *ids.map.entry(&task.id).or_insert(next);
            if slot == next {
                ids.first.push(i);
            }
            ids.of.push(slot);
        }
        ids
    }

    /// The slot of an id, if a task has it.
    pub(crate) fn slot(&self, id: &str) -> Option<IdSlot> {
        self.map.get(id).copied()
    }

    /// The first task with an id.
    pub(crate) fn task(&self, id: &str) -> Option<usize> {
        self.slot(id).map(|s| self.first[s])
    }
}
