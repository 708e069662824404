//! PURE. The state follows tasks.md: what is known of a task stays with the task when its number or its text changes.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::known_task::{KnownTask, SeenTasks, parents};
use super::matching::match_tasks;
use super::run::Run;
use super::spec_state::SpecState;
use super::task_moves::TaskMoves;
use super::task_pairs::{TaskMatches, TaskStanding};
use super::title_text::is_same_or_similar;
use super::unit::{UnitState, UnitStatus};

impl SpecState {
    /// Follows tasks.md to what it says now. `in_run`: an agent may have changed it, so a box that was opened is not a
    /// person's wish.
    pub fn follow(&mut self, seen: &SeenTasks, in_run: bool) -> TaskMoves {
        if self.entries.is_empty() {
            self.take_over_titles(seen);
        }
        let matches = self.matches(seen);
        let mut moves = self.keys(seen, &matches);
        if in_run {
            moves.removed = self.removed(seen, &matches);
        }
        self.rename(&moves);
        self.complete_parts(matches.parts.iter().map(|&now| seen.tasks[now].id.clone()));
        let before = self.replace_entries(seen, &matches, &moves);
        if seen.trusts_boxes {
            self.follow_boxes(seen, &matches, &before, in_run, &mut moves);
        }
        moves.changed |= self.close_settled(seen, &matches, &before, in_run);
        moves.changed |= before != self.entries;
        moves
    }

    /// The index in `seen` of each of these tasks; those that are in doubt or gone are left out.
    #[must_use]
    pub fn places_of<'a>(&self, seen: &SeenTasks, ids: &'a [String]) -> Vec<(&'a String, usize)> {
        let matches = self.matches(seen);
        let known = self.entries.iter().enumerate();
        let old: HashMap<&str, usize> = known.map(|(at, task)| (task.id.as_str(), at)).collect();
        let place = |id: &'a String| {
            let Some(&old) = old.get(id.as_str()) else {
                // an older state knows only ids
                return Some((id, seen.tasks.iter().position(|task| task.id == *id)?));
            };
            let now = matches.old_of.iter().position(|of| *of == Some(old))?;
            let is_sure = !matches.doubts.contains_key(&now) && self.entries[old].doubt.is_none();
            is_sure.then_some((id, now))
        };
        ids.iter().filter_map(place).collect()
    }

    fn matches(&self, seen: &SeenTasks) -> TaskMatches {
        let completed: HashSet<&str> = self.completed.iter().map(String::as_str).collect();
        let at_work = self.at_work();
        match_tasks(&self.entries, &seen.tasks, &|task| match task.id.as_str() {
            id if completed.contains(id) => TaskStanding::Done,
            id if at_work.contains(id) => TaskStanding::AtWork,
            _ => TaskStanding::Open,
        })
    }

    /// The tasks that an agent works on.
    fn at_work(&self) -> HashSet<&str> {
        let running = self.running().into_iter();
        running
            .flat_map(|(unit, attempt)| attempt.completes.iter().map(String::as_str).chain([unit]))
            .collect()
    }

    /// What an agent split off from its own entry and ticked is done with it.
    fn complete_parts(&mut self, parts: impl Iterator<Item = String>) {
        let Some(unit) = self.running().map(|(unit, _)| unit.to_owned()) else { return };
        if let Some(attempt) = self.units.get_mut(&unit).and_then(|unit| unit.attempts.last_mut()) {
            for part in parts {
                if !attempt.completes.contains(&part) {
                    attempt.completes.push(part);
                }
            }
        }
    }

    /// Open tasks that an agent which works on another one removed, or gave up. One that was split, or put in other words, is
    /// removed, too: its text is not there any more.
    fn removed(&self, seen: &SeenTasks, matches: &TaskMatches) -> Vec<(String, String)> {
        let at_work = self.at_work();
        if at_work.is_empty() {
            return Vec::new();
        }
        let mut now = vec![None; self.entries.len()];
        for (at, old) in matches.old_of.iter().enumerate() {
            if let Some(old) = *old {
                now[old] = Some(at);
            }
        }
        let is_removed = |(old, task): &(usize, &KnownTask)| {
            let is_open = !task.gone && !task.dropped && !task.ticked && !self.completed.contains(&task.id);
            let given_up = now[*old].is_none_or(|now| seen.tasks[now].dropped);
            is_open && given_up && !at_work.contains(task.id.as_str())
        };
        let removed = self.entries.iter().enumerate().filter(is_removed);
        removed.map(|(_, task)| (task.id.clone(), task.title.clone())).collect()
    }

    /// The entries of tasks.md that may be tasks which are not done, though the state says so.
    #[must_use]
    pub fn doubtful(&self) -> Vec<&KnownTask> {
        let counts = |task: &&KnownTask| {
            task.doubt.is_some()
                && !task.gone
                && !task.ticked
                && self.completed.contains(&task.id)
                && !self.reopened.contains(&task.id)
        };
        self.entries.iter().filter(counts).collect()
    }

    /// A person said how these tasks stand, and their boxes were set like this (`None`: they were left as they are).
    pub fn decided(&mut self, ids: &[String], ticked: Option<bool>) {
        for task in self.entries.iter_mut().filter(|task| ids.contains(&task.id)) {
            task.doubt = None;
            task.ticked = ticked.unwrap_or(task.ticked);
        }
        self.reopened.retain(|id| !ids.contains(id));
    }

    /// Boxes could not be looked at: whether one is opened from now on is unknown.
    pub fn forget_boxes(&mut self) {
        self.entries.iter_mut().for_each(|task| task.ticked = false);
    }

    /// The first reading of tasks.md with a state that an older version, or another tool, wrote. It knew only ids; the
    /// titles are taken from tasks.md where nothing says that the ids mean other tasks now.
    fn take_over_titles(&mut self, seen: &SeenTasks) {
        let mut known: BTreeSet<&String> = self.completed.iter().chain(&self.skipped).collect();
        known.extend(self.units.keys().chain(self.assignments.keys()).chain(self.unconfirmed.iter()));
        let now: HashMap<&str, &KnownTask> = seen.tasks.iter().map(|task| (task.id.as_str(), task)).collect();
        let title = |id: &str| self.units.get(id).map(|unit| &unit.title).filter(|title| !title.is_empty());
        let differs = |id: &str| match (title(id), now.get(id)) {
            (Some(title), Some(task)) => !is_same_or_similar(title, &task.title),
            _ => false,
        };
        let part_of = |id: &str| {
            let with = |(_, unit): &(&String, &UnitState)| {
                unit.attempts.iter().any(|attempt| attempt.completes.iter().any(|done| done == id))
            };
            self.units.iter().find(with).map(|(unit, _)| unit.as_str())
        };
        let mut entries = Vec::new();
        for id in known {
            let here = now.get(id.as_str());
            let is_other = differs(id)
                || part_of(id).is_some_and(&differs)
                || here.and_then(|task| task.parent.as_deref()).is_some_and(&differs);
            entries.push(match (title(id), here) {
                (_, Some(task)) if !is_other => (*task).clone(),
                (title, _) => KnownTask {
                    id: id.clone(),
                    title: title.cloned().unwrap_or_default(),
                    gone: title.is_none(),
                    ..KnownTask::default()
                },
            });
        }
        let place =
            |task: &KnownTask| seen.tasks.iter().position(|now| now.id == task.id).unwrap_or(usize::MAX);
        entries.sort_by_cached_key(|task| (task.gone, place(task)));
        self.entries = entries;
    }

    /// What the entries are called now. What is not there any more keeps its key, unless a new entry needs it.
    fn keys(&self, seen: &SeenTasks, matches: &TaskMatches) -> TaskMoves {
        let mut moves = TaskMoves::default();
        let mut found_at = vec![None; self.entries.len()];
        for (now, old) in matches.old_of.iter().enumerate() {
            if let Some(old) = *old {
                found_at[old] = Some(now);
            }
        }
        let mut taken: HashSet<String> = seen.tasks.iter().map(|task| task.id.clone()).collect();
        taken.extend(self.entries.iter().map(|task| task.id.clone()));
        let here: HashSet<&str> = seen.tasks.iter().map(|task| task.id.as_str()).collect();
        for (old, task) in self.entries.iter().enumerate() {
            if let Some(now) = found_at[old].map(|now| &seen.tasks[now]) {
                if now.id != task.id {
                    moves.keys.insert(task.id.clone(), now.id.clone());
                    moves.was.insert(now.id.clone(), task.id.clone());
                }
            } else if here.contains(task.id.as_str()) {
                let free = (1..u32::MAX).map(|n| format!("{}~{n}", task.id)).find(|key| !taken.contains(key));
                let key = free.unwrap_or_default();
                taken.insert(key.clone());
                moves.keys.insert(task.id.clone(), key);
            }
        }
        for &now in &matches.reworded {
            if let Some(old) = matches.old_of[now] {
                moves.reworded.insert(seen.tasks[now].id.clone(), self.entries[old].title.clone());
            }
        }
        let by_id: HashMap<&str, usize> =
            self.entries.iter().enumerate().map(|(at, task)| (task.id.as_str(), at)).collect();
        for (now, task) in seen.tasks.iter().enumerate().filter(|(_, task)| !task.placed_id) {
            let before = by_id.get(task.id.as_str()).map(|&old| (&self.entries[old], found_at[old]));
            if let (None, Some((old, at))) = (matches.old_of[now], before)
                && !old.gone
            {
                let at = at.map(|at| seen.tasks[at].id.clone());
                moves.reused.insert(task.id.clone(), (old.title.clone(), at));
            }
        }
        let choices = matches.doubts.iter().chain(&matches.choices);
        moves.choices = choices.map(|(now, doubt)| (seen.tasks[*now].id.clone(), doubt.clone())).collect();
        moves.changed = !moves.keys.is_empty();
        moves
    }

    /// Gives all that is known its new keys.
    fn rename(&mut self, moves: &TaskMoves) {
        if moves.keys.is_empty() {
            return;
        }
        moves.rename_all(&mut self.completed);
        for ids in [&mut self.skipped, &mut self.unconfirmed, &mut self.reopened] {
            moves.rename_set(ids);
        }
        let assignments = std::mem::take(&mut self.assignments);
        self.assignments =
            assignments.into_iter().map(|(id, value)| (moves.now(&id).to_owned(), value)).collect();
        let answers = self.answers.iter_mut().chain(&mut self.decisions).map(|answer| &mut answer.unit);
        moves.rename_all(answers.chain(self.notes.iter_mut().map(|note| &mut note.unit)));
        for (id, mut unit) in std::mem::take(&mut self.units) {
            let key = moves.now(&id).to_owned();
            if key != id {
                // its attempts stay where they are
                unit.folder.get_or_insert(id);
            }
            unit.folder = unit.folder.filter(|folder| *folder != key);
            moves.rename_all(&mut unit.to_tick);
            moves.rename_all(unit.attempts.iter_mut().flat_map(|attempt| &mut attempt.completes));
            self.units.insert(key, unit);
        }
        match &mut self.run {
            Run::Never => {}
            Run::Open(open) => {
                moves.rename_options(&mut open.args);
                moves.rename_set(&mut open.believed);
                moves.rename_all(&mut open.only);
                moves.rename_all(&mut open.from);
                moves.rename_all(open.due.ids_mut());
            }
            Run::Over(over) => {
                moves.rename_options(&mut over.args);
                over.unread.iter_mut().for_each(|ids| moves.rename_set(ids));
                moves.rename_all(over.end.tasks_mut());
                moves.rename_all(over.due.ids_mut());
            }
        }
    }

    /// Replaces the entries by those of now; those that are gone and of which something is known are kept after them.
    /// Returns the entries of before.
    fn replace_entries(
        &mut self,
        seen: &SeenTasks,
        matches: &TaskMatches,
        moves: &TaskMoves,
    ) -> Vec<KnownTask> {
        let before = std::mem::take(&mut self.entries);
        let known = self.known_ids();
        let mut stays = vec![false; before.len()];
        for (now, task) in seen.tasks.iter().enumerate() {
            let old = matches.old_of[now];
            if let Some(old) = old {
                stays[old] = true;
            }
            let doubt = matches.doubts.get(&now).cloned().or_else(|| before[old?].doubt.clone());
            self.entries.push(KnownTask { doubt, ..task.clone() });
        }
        for (old, _) in before.iter().zip(&stays).filter(|(_, stays)| !**stays) {
            let mut gone = KnownTask { gone: true, ..old.clone() };
            moves.rename(&mut gone.id);
            moves.rename_all(&mut gone.parent);
            if known.contains(&gone.id) {
                self.entries.push(gone);
            }
        }
        before
    }

    /// The ids of which something is known besides their entries.
    fn known_ids(&self) -> HashSet<String> {
        let ids = self.completed.iter().chain(&self.skipped).chain(self.units.keys());
        ids.chain(self.assignments.keys()).cloned().collect()
    }

    /// Looks for boxes that were opened since tasks.md was read last.
    fn follow_boxes(
        &mut self,
        seen: &SeenTasks,
        matches: &TaskMatches,
        before: &[KnownTask],
        in_run: bool,
        moves: &mut TaskMoves,
    ) {
        let mut opened = Vec::new();
        for (now, task) in seen.tasks.iter().enumerate() {
            let Some(old) = matches.old_of[now].map(|old| &before[old]) else { continue };
            if old.ticked && !task.ticked && seen.places[now].has_state {
                opened.push(now);
            } else if task.ticked && !old.ticked && !in_run {
                self.reopened.remove(&task.id);
            }
        }
        if opened.is_empty() {
            return;
        }
        let ids = || opened.iter().map(|&now| seen.tasks[now].id.clone());
        if in_run {
            moves.opened = ids().filter(|id| self.completed.contains(id)).collect();
            return;
        }
        moves.reopened = ids().collect();
        self.open_again(seen, &opened);
        moves.changed = true;
    }

    /// A person opened the boxes of these entries again.
    fn open_again(&mut self, seen: &SeenTasks, opened: &[usize]) {
        let above = parents(&seen.tasks);
        let upwards = |at: usize| std::iter::successors(Some(at), |&at| above[at]).take(64);
        let is_parent: HashSet<usize> = above.iter().flatten().copied().collect();
        let mut work: BTreeSet<usize> = opened.iter().copied().collect();
        // who opens only the box of a task with parts wants all of them again
        for leaf in (0..seen.tasks.len()).filter(|leaf| !is_parent.contains(leaf)) {
            let top = upwards(leaf).skip(1).find(|at| opened.contains(at));
            let inner =
                |top: usize| opened.iter().any(|&at| at != top && upwards(at).any(|above| above == top));
            let task = &seen.tasks[leaf];
            let was_done = task.ticked || self.completed.contains(&task.id);
            if top.is_some_and(|top| !inner(top)) && was_done {
                work.insert(leaf);
            }
        }
        let id = |at: usize| seen.tasks[at].id.clone();
        let ids: Vec<String> = work.iter().map(|&at| id(at)).collect();
        let undone: HashSet<String> = work.iter().flat_map(|&at| upwards(at)).map(id).collect();
        self.release(&ids);
        self.completed.retain(|done| !undone.contains(done));
        self.unconfirmed.retain(|id| !undone.contains(id));
        self.completed_at = None;
        self.reopened.extend(work.iter().filter(|at| !is_parent.contains(at)).map(|&at| id(at)));
        for (id, unit) in &mut self.units {
            unit.to_tick.retain(|id| !undone.contains(id));
            if unit.is_done() && undone.contains(id) {
                unit.status = UnitStatus::Todo;
            }
        }
    }
}
