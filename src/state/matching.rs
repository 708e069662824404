//! PURE. Which entry of tasks.md is which: those that were read last against those that are there now.
//!
//! The text decides; id, parent, section, neighbours and box are witnesses where a text occurs more than once or was
//! reworded. What has no witness is new work: to do a task again costs less than to leave one out.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::gap_slots::GapSlots;
use super::known_task::{IdentityDoubt, KnownTask, depths, parents};
use super::title_text::{SIMILAR, TitleWords, normalised};

/// Copies of one text beyond which witnesses are not weighed: they are taken in order.
const COPIES: usize = 300;
/// Old entries that one new entry is compared with.
const COMPARED: usize = 40;
/// A candidate whose score is so much lower than the best one is none.
const DOUBTFUL: i32 = 4;
/// The same for similarities.
const ALIKE: f64 = 0.25;
/// A text that shares so much with that of a done task may be a part of it.
const PART: f64 = 0.3;
/// So many words are hardly written twice by chance.
const DISTINCT_WORDS: usize = 5;

/// What became of each entry.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TaskMatches {
    /// Per entry now: the index of the one that it was.
    pub(super) old_of: Vec<Option<usize>>,
    /// Entries now that were reworded.
    pub(super) reworded: HashSet<usize>,
    /// Entries now that may be another task.
    pub(super) doubts: BTreeMap<usize, IdentityDoubt>,
    /// The same for those that are not done as they were taken: a mistake leaves out no work.
    pub(super) choices: BTreeMap<usize, IdentityDoubt>,
}

/// What the state knows of entries, by their ids.
#[derive(Debug, Default)]
pub(super) struct WorkedTasks<'a> {
    /// Those that it calls done.
    pub(super) done: HashSet<&'a str>,
    /// Those that an agent was given last: it may tick them.
    pub(super) given: HashSet<&'a str>,
}

/// Matches what is there now with what was there.
pub(super) fn match_tasks(old: &[KnownTask], new: &[KnownTask], worked: &WorkedTasks) -> TaskMatches {
    let live = old.iter().take_while(|task| !task.gone).count();
    if live == new.len() && old.iter().zip(new).all(|(old, new)| old.is_identical(new)) {
        let old_of = (0..new.len()).map(Some).collect();
        return TaskMatches { old_of, ..TaskMatches::default() };
    }
    let mut matcher = Matcher::new(old, new, worked);
    matcher.run();
    matcher.found
}

/// How the places of two entries relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Places {
    /// Below the same entry, or in the same section.
    Same,
    /// Below others, and both of these were there and are there.
    Moved,
    /// What one of them was below is gone, or what the other is below is new.
    Apart,
}

/// One side: the entries of one reading.
struct TaskSide<'a> {
    tasks: &'a [KnownTask],
    text: Vec<String>,
    section: Vec<String>,
    sections: HashSet<String>,
    parent: Vec<Option<usize>>,
    depth: Vec<usize>,
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
}

/// All entries with the same text.
#[derive(Default)]
struct SameText {
    old: Vec<usize>,
    gone: Vec<usize>,
    new: Vec<usize>,
}

struct Matcher<'a> {
    old: TaskSide<'a>,
    new: TaskSide<'a>,
    worked: &'a WorkedTasks<'a>,
    /// Per old entry: the new one.
    new_of: Vec<Option<usize>>,
    found: TaskMatches,
}

impl<'a> Matcher<'a> {
    fn new(old: &'a [KnownTask], new: &'a [KnownTask], worked: &'a WorkedTasks<'a>) -> Self {
        Self {
            new_of: vec![None; old.len()],
            found: TaskMatches { old_of: vec![None; new.len()], ..TaskMatches::default() },
            old: TaskSide::new(old),
            new: TaskSide::new(new),
            worked,
        }
    }

    fn run(&mut self) {
        let groups = self.same_texts();
        let deepest = self.new.depth.iter().max().map_or(0, |deepest| deepest + 1);
        // what is above an entry is a witness, so that comes first
        for depth in 0..deepest {
            for group in &groups {
                self.match_texts(group, Some(depth));
            }
        }
        for group in &groups {
            self.match_texts(group, None);
        }
        for group in &groups {
            self.match_gone(group);
        }
        self.match_reworded(&groups);
        for group in &groups {
            self.doubt_copies(group);
        }
    }

    fn same_texts(&self) -> Vec<SameText> {
        let mut index: HashMap<&str, usize> = HashMap::new();
        let mut groups: Vec<SameText> = Vec::new();
        for (at, text) in self.new.text.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            let group = *index.entry(text).or_insert_with(|| {
                groups.push(SameText::default());
                groups.len() - 1
            });
            groups[group].new.push(at);
        }
        for (at, task) in self.old.tasks.iter().enumerate() {
            let Some(&group) = index.get(self.old.text[at].as_str()) else { continue };
            let group = &mut groups[group];
            if task.gone { group.gone.push(at) } else { group.old.push(at) }
        }
        groups
    }

    fn take(&mut self, old: usize, new: usize) {
        self.new_of[old] = Some(new);
        self.found.old_of[new] = Some(old);
    }

    fn same_id(&self, old: usize, new: usize) -> bool {
        let (old, new) = (&self.old.tasks[old], &self.new.tasks[new]);
        !old.placed_id && !new.placed_id && old.id == new.id
    }

    fn is_done(&self, old: usize) -> bool {
        self.worked.done.contains(self.old.tasks[old].id.as_str())
    }

    /// Whether the box is as it was, or ticked as that of a task that was worked on is to be.
    fn same_box(&self, old: usize, new: usize) -> bool {
        let (before, now) = (&self.old.tasks[old], &self.new.tasks[new]);
        let may_be_ticked = || self.is_done(old) || self.worked.given.contains(before.id.as_str());
        before.ticked == now.ticked || now.ticked && may_be_ticked()
    }

    fn places(&self, old: usize, new: usize) -> Places {
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
                apart(self.new.sections.contains(before) && self.old.sections.contains(now))
            }
        }
    }

    /// How many of the two neighbours say the same.
    fn neighbours(&self, old: usize, new: usize) -> i32 {
        let same = |step| {
            let before = self.old.neighbour(old, step);
            i32::from(before.is_some() && before == self.new.neighbour(new, step))
        };
        same(-1) + same(1)
    }

    /// Whether something besides the text says that two entries are one.
    fn has_witness(&self, old: usize, new: usize) -> bool {
        self.same_id(old, new) || self.neighbours(old, new) > 0 || self.places(old, new) != Places::Apart
    }

    /// Whether the text alone says that two entries are one: nothing else has it, its box is as it was, and it is long or
    /// done by both accounts.
    fn is_distinct(&self, group: &SameText, old: usize, new: usize) -> bool {
        let is_done = || self.is_done(old) && self.new.tasks[new].ticked;
        group.old.len() == 1
            && group.new.len() == 1
            && self.same_box(old, new)
            && (is_done() || self.new.text[new].split(' ').count() >= DISTINCT_WORDS)
    }

    /// How much says that two entries with the same text are one.
    fn score(&self, old: usize, new: usize) -> i32 {
        let place = match self.places(old, new) {
            Places::Same => 6,
            Places::Moved => 0,
            Places::Apart => -6,
        };
        let ticked = self.same_box(old, new);
        let id = if self.same_id(old, new) { 4 } else { 0 };
        place + id + 3 * self.neighbours(old, new) + if ticked { 5 } else { 0 }
    }

    /// Matches entries with one text, those of one depth or all.
    fn match_texts(&mut self, group: &SameText, depth: Option<usize>) {
        let free_old = |at: &&usize| {
            self.new_of[**at].is_none() && depth.is_none_or(|depth| self.old.depth[**at] == depth)
        };
        let free_new = |at: &&usize| {
            self.found.old_of[**at].is_none() && depth.is_none_or(|depth| self.new.depth[**at] == depth)
        };
        let old: Vec<usize> = group.old.iter().filter(free_old).copied().collect();
        let new: Vec<usize> = group.new.iter().filter(free_new).copied().collect();
        if old.is_empty() || new.is_empty() {
            return;
        }
        if old.len() * new.len() > COPIES * COPIES {
            return old.into_iter().zip(new).for_each(|(old, new)| self.take(old, new));
        }
        let mut pairs = Vec::new();
        for (rank, &new) in new.iter().enumerate() {
            for (before, &old) in old.iter().enumerate() {
                if self.has_witness(old, new) || self.is_distinct(group, old, new) {
                    let done = self.is_done(old);
                    pairs.push((-self.score(old, new), rank.abs_diff(before), done, old, new));
                }
            }
        }
        pairs.sort_unstable();
        for (.., old, new) in pairs {
            if self.new_of[old].is_none() && self.found.old_of[new].is_none() {
                self.take(old, new);
            }
        }
    }

    /// An entry that was removed and is there again.
    fn match_gone(&mut self, group: &SameText) {
        for &new in &group.new {
            if self.found.old_of[new].is_some() {
                continue;
            }
            let free = group.gone.iter().copied().filter(|&old| self.new_of[old].is_none());
            let place = |old: usize| {
                self.old.section[old] == self.new.section[new]
                    && self.old.parent_text(old) == self.new.parent_text(new)
            };
            let back = free.filter(|&old| self.same_id(old, new) || place(old));
            if let Some(old) = back.max_by_key(|&old| (self.same_id(old, new), place(old))) {
                self.take(old, new);
            }
        }
    }

    /// Entries whose texts were changed and that are in the same place.
    fn match_reworded(&mut self, groups: &[SameText]) {
        let known: HashSet<usize> =
            groups.iter().filter(|group| !group.old.is_empty()).flat_map(|g| g.new.clone()).collect();
        let free = |at: &usize| self.found.old_of[*at].is_none() && !known.contains(at);
        let new: Vec<usize> = (0..self.new.tasks.len()).filter(free).collect();
        let here: HashSet<&str> = self.new.text.iter().map(String::as_str).collect();
        let is_left = |at: &usize| {
            let is_here = here.contains(self.old.text[*at].as_str());
            self.new_of[*at].is_none() && !self.old.tasks[*at].gone && !is_here
        };
        let old: Vec<usize> = (0..self.old.tasks.len()).filter(is_left).collect();
        if old.is_empty() || new.is_empty() {
            return;
        }
        let words = TitleWords::of(self.old.text.iter().chain(&self.new.text).map(String::as_str));
        let slots = GapSlots::new(&self.new_of, &self.found.old_of);
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for &now in &new {
            let near = |&at: &usize| self.same_id(at, now) || slots.witnesses(at, now) > 0;
            for before in old.iter().copied().filter(near).take(COMPARED) {
                pairs.extend(self.alike(&words, &slots, before, now).map(|alike| (alike, before, now)));
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
        for &(alike, before, now) in &pairs {
            if self.new_of[before].is_some() || self.found.old_of[now].is_some() {
                continue;
            }
            self.take(before, now);
            self.found.reworded.insert(now);
            if !self.is_done(before) {
                continue;
            }
            let close = pairs.iter().filter(|(other, ..)| alike - other < ALIKE);
            let split =
                new.iter().copied().filter(|&other| other != now && slots.witnesses(before, other) > 0);
            let split =
                split.map(|other| (words.shared(&self.old.text[before], &self.new.text[other]), other));
            let split =
                split.filter(|((shared, whole), _)| *whole || *shared >= PART).map(|(_, other)| other).next();
            let merged =
                close.clone().find(|(_, old, new)| *new == now && *old != before && !self.is_done(*old));
            let taken = self.taken(before, now);
            let doubt = match (split, merged) {
                (Some(other), _) => {
                    let other = &self.new.tasks[other];
                    format!("that task may also be `{} {}`", other.id, other.title)
                }
                (_, Some((_, other, _))) => format!("it may also be {}", self.old_line(*other)),
                (None, None) => continue,
            };
            self.found.doubts.insert(now, IdentityDoubt { taken, other: doubt });
        }
    }

    /// How alike two titles are, if that is enough for their places. A task that is done needs more than one that is not:
    /// a mistake would leave out work.
    fn alike(&self, words: &TitleWords, slots: &GapSlots, old: usize, new: usize) -> Option<f64> {
        let (same_id, witnesses) = (self.same_id(old, new), slots.witnesses(old, new));
        let needed = match (same_id, witnesses) {
            (true, 0) => 0.7,
            (true, _) => 0.45,
            (false, 2) => 0.6,
            (false, _) => 0.75,
        };
        let done = self.is_done(old);
        let needed = if done { f64::max(needed, SIMILAR) } else { needed };
        // a part of a done task may be what is left to do of it
        if done && words.shared(&self.old.text[old], &self.new.text[new]).0 < 0.5 {
            return None;
        }
        let alike = words.similarity(&self.old.text[old], &self.new.text[new]);
        let place = f64::from(witnesses) * 0.05 + if same_id { 0.1 } else { 0.0 };
        (alike >= needed).then_some(alike + place)
    }

    /// Where copies of one text became fewer, the one that is left may be the one that is not done.
    fn doubt_copies(&mut self, group: &SameText) {
        let lost: Vec<usize> = group.old.iter().copied().filter(|&old| self.new_of[old].is_none()).collect();
        for &new in &group.new {
            let Some(old) = self.found.old_of[new] else { continue };
            let done = self.is_done(old);
            let others = lost.iter().copied().filter(|&lost| self.is_done(lost) != done);
            let near = others.filter(|&lost| self.score(lost, new) + DOUBTFUL >= self.score(old, new));
            let Some(other) = near.max_by_key(|&lost| self.score(lost, new)) else { continue };
            let other = format!("it may also be {}", self.old_line(other));
            let doubt = IdentityDoubt { taken: self.taken(old, new), other };
            let found = &mut self.found;
            if done { &mut found.doubts } else { &mut found.choices }.insert(new, doubt);
        }
    }

    /// The old entry that a new one was taken for, and why.
    fn taken(&self, old: usize, new: usize) -> String {
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
    fn old_line(&self, old: usize) -> String {
        let task = &self.old.tasks[old];
        let stands = if self.is_done(old) { "done" } else { "not done" };
        format!("what was `{} {}`, which is {stands}", task.id, task.title)
    }
}
