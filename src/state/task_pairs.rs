//! PURE. Two readings of tasks.md side by side: which entries are paired, and what else says that two of them are one.

use std::collections::{BTreeMap, HashSet};

use super::known_task::{IdentityDoubt, KnownTask, depths, parents};
use super::title_text::normalised;
use crate::spec;

/// How the state calls a task of the old reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TaskStanding {
    Open,
    /// An agent works on it, so its entry may be changed by the one that does it.
    AtWork,
    Done,
}

/// What became of each entry.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TaskMatches {
    /// Per entry now: the index of the one that it was.
    pub(super) old_of: Vec<Option<usize>>,
    /// Entries now that were reworded.
    pub(super) reworded: HashSet<usize>,
    /// Ticked entries now into which an agent split the one that it works on.
    pub(super) parts: Vec<usize>,
    /// Entries now that may be another task.
    pub(super) doubts: BTreeMap<usize, IdentityDoubt>,
    /// The same for those that are not done as they were taken: a mistake leaves out no work.
    pub(super) choices: BTreeMap<usize, IdentityDoubt>,
}

/// How the places of two entries relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Places {
    /// Below the same entry, or in the same section.
    Same,
    /// Below others, and both of these were there and are there, or in another column of a board.
    Moved,
    /// What one of them was below is gone, or what the other is below is new.
    Apart,
}

/// One side: the entries of one reading.
pub(super) struct TaskSide<'a> {
    pub(super) tasks: &'a [KnownTask],
    pub(super) text: Vec<String>,
    section: Vec<String>,
    sections: HashSet<String>,
    pub(super) parent: Vec<Option<usize>>,
    pub(super) depth: Vec<usize>,
}

impl<'a> TaskSide<'a> {
    fn new(tasks: &'a [KnownTask]) -> Self {
        let section: Vec<String> = tasks.iter().map(|task| normalised(&task.section)).collect();
        let parent = parents(tasks);
        Self {
            text: tasks.iter().map(|task| normalised(&task.title)).collect(),
            sections: tasks.iter().zip(&section).filter(|(t, _)| !t.gone).map(|(_, s)| s.clone()).collect(),
            section,
            depth: depths(&parent),
            parent,
            tasks,
        }
    }

    /// The text of what an entry is below; without a text, if that is not known any more.
    fn parent_text(&self, at: usize) -> Option<&str> {
        let text = self.parent[at].map_or("", |parent| self.text[parent].as_str());
        self.tasks[at].parent.as_ref().map(|_| text)
    }

    /// The text of the entry before or after one.
    fn neighbour(&self, at: usize, step: isize) -> Option<&str> {
        let at = at.checked_add_signed(step)?;
        self.tasks.get(at).filter(|task| !task.gone).map(|_| self.text[at].as_str())
    }

    /// Whether an entry stands in a column of a board, where cards are moved.
    fn is_card(&self, at: usize) -> bool {
        self.tasks[at].section.rsplit(" › ").next().is_some_and(spec::is_column)
    }
}

/// Both readings, and the pairs found so far.
pub(super) struct TaskPairs<'a> {
    pub(super) old: TaskSide<'a>,
    pub(super) new: TaskSide<'a>,
    standing: &'a dyn Fn(&KnownTask) -> TaskStanding,
    /// Per old entry: the new one.
    pub(super) new_of: Vec<Option<usize>>,
    pub(super) found: TaskMatches,
}

impl<'a> TaskPairs<'a> {
    pub(super) fn new(
        old: &'a [KnownTask],
        new: &'a [KnownTask],
        standing: &'a dyn Fn(&KnownTask) -> TaskStanding,
    ) -> Self {
        Self {
            new_of: vec![None; old.len()],
            found: TaskMatches { old_of: vec![None; new.len()], ..TaskMatches::default() },
            old: TaskSide::new(old),
            new: TaskSide::new(new),
            standing,
        }
    }

    pub(super) fn take(&mut self, old: usize, new: usize) {
        self.new_of[old] = Some(new);
        self.found.old_of[new] = Some(old);
    }

    pub(super) fn standing(&self, old: usize) -> TaskStanding {
        (self.standing)(&self.old.tasks[old])
    }

    pub(super) fn is_done(&self, old: usize) -> bool {
        self.standing(old) == TaskStanding::Done
    }

    pub(super) fn same_id(&self, old: usize, new: usize) -> bool {
        let (old, new) = (&self.old.tasks[old], &self.new.tasks[new]);
        !old.placed_id && !new.placed_id && old.id == new.id
    }

    /// Whether both stand in sections and below entries that are called the same.
    pub(super) fn same_place(&self, old: usize, new: usize) -> bool {
        self.old.section[old] == self.new.section[new]
            && self.old.parent_text(old) == self.new.parent_text(new)
    }

    /// Whether the box is as it was, or ticked as that of a task that is done or at work is to be.
    pub(super) fn same_box(&self, old: usize, new: usize) -> bool {
        let (before, now) = (&self.old.tasks[old], &self.new.tasks[new]);
        before.ticked == now.ticked || now.ticked && self.standing(old) != TaskStanding::Open
    }

    pub(super) fn places(&self, old: usize, new: usize) -> Places {
        let apart = |moved: bool| if moved { Places::Moved } else { Places::Apart };
        let stays = |old: usize| self.new_of[old].is_some();
        let was = |new: usize| self.found.old_of[new].is_some();
        match (self.old.parent[old], self.new.parent[new]) {
            (Some(above), Some(now)) if self.new_of[above] == Some(now) => Places::Same,
            (Some(above), Some(now)) => apart(stays(above) && was(now)),
            (Some(above), None) => apart(stays(above)),
            (None, Some(now)) => apart(was(now)),
            (None, None) => {
                let (before, now) = (&self.old.section[old], &self.new.section[new]);
                if before == now {
                    return Places::Same;
                }
                let both_stay = self.new.sections.contains(before) && self.old.sections.contains(now);
                apart(both_stay || self.old.is_card(old) && self.new.is_card(new))
            }
        }
    }

    /// How many of the two neighbours say the same.
    pub(super) fn neighbours(&self, old: usize, new: usize) -> i32 {
        let same = |step| {
            let before = self.old.neighbour(old, step);
            i32::from(before.is_some() && before == self.new.neighbour(new, step))
        };
        same(-1) + same(1)
    }

    /// Whether something besides the text says that two entries are one. An agent may put the entry of its own task
    /// anywhere.
    pub(super) fn has_witness(&self, old: usize, new: usize) -> bool {
        self.same_id(old, new)
            || self.neighbours(old, new) > 0
            || self.places(old, new) != Places::Apart
            || self.standing(old) == TaskStanding::AtWork
    }

    /// How much says that two entries with the same text are one.
    pub(super) fn score(&self, old: usize, new: usize) -> i32 {
        let place = match self.places(old, new) {
            Places::Same => 6,
            Places::Moved => 0,
            Places::Apart => -6,
        };
        let ticked = self.same_box(old, new);
        let id = if self.same_id(old, new) { 4 } else { 0 };
        place + id + 3 * self.neighbours(old, new) + if ticked { 5 } else { 0 }
    }

    /// The old entry that a new one was taken for, and why.
    pub(super) fn taken(&self, old: usize, new: usize) -> String {
        let now = &self.new.tasks[new];
        let place =
            self.places(old, new) == Places::Same && (now.parent.is_some() || !now.section.is_empty());
        let witnesses = [
            (self.same_id(old, new), "number"),
            (place, "place"),
            (self.neighbours(old, new) > 0, "neighbours"),
            (self.same_box(old, new), "box"),
        ];
        let same: Vec<&str> =
            witnesses.into_iter().filter(|(is_same, _)| *is_same).map(|(_, what)| what).collect();
        let why = if same.is_empty() { String::new() } else { format!(" (the same {})", same.join(", ")) };
        format!("{}{why}", self.old_line(old))
    }

    /// An old entry in words.
    pub(super) fn old_line(&self, old: usize) -> String {
        let task = &self.old.tasks[old];
        let stands = if self.is_done(old) { "done" } else { "not done" };
        format!("what was `{} {}`, which is {stands}", task.id, task.title)
    }
}
