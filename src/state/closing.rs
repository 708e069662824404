//! PURE. What a person does to a task in tasks.md closes what it needed: a task that is ticked, starred, struck out or removed
//! asks nothing any more, and its failure is over.

use std::collections::{BTreeSet, HashMap};

use super::due::DueTasks;
use super::end::End;
use super::known_task::{KnownTask, SeenTasks, parents};
use super::run::{OverRun, Run};
use super::spec_state::SpecState;
use super::task_pairs::TaskMatches;
use super::unit::{UnitState, UnitStatus};
use crate::plan::SkippedTask;

/// What became of the tasks of tasks.md, as far as a person settles it.
struct SettledTasks<'a> {
    /// The indices of the entries, by their ids.
    at: HashMap<&'a str, usize>,
    /// Per entry, those below it.
    below: Vec<Vec<usize>>,
    /// Per entry: optional, or struck out. The entry above it is done without it.
    is_extra: Vec<bool>,
    /// Per entry: it is done, or nothing waits for it any more.
    is_free: Vec<bool>,
    /// Per entry: a person left it out. What depends on it stays blocked.
    is_out: Vec<bool>,
}

impl<'a> SettledTasks<'a> {
    fn of(
        state: &SpecState,
        seen: &'a SeenTasks,
        matches: &TaskMatches,
        before: &[KnownTask],
        in_run: bool,
    ) -> Self {
        let tasks = &seen.tasks;
        let above = parents(tasks);
        let mut below = vec![Vec::new(); tasks.len()];
        for (at, up) in above.iter().enumerate() {
            if let Some(up) = up {
                below[*up].push(at);
            }
        }
        let ticked = state.trusted_ticks(&seen.ticked());
        let completed: BTreeSet<&String> = state.completed.iter().collect();
        let is_done =
            |id: &String| ticked.contains(id) || completed.contains(id) && !state.reopened.contains(id);
        // in a run it may be an agent that changes a mark
        let is_new = |at: usize, has: fn(&KnownTask) -> bool| {
            let old = matches.old_of[at].map(|old| &before[old]);
            !in_run && has(&tasks[at]) && old.is_some_and(|old| !has(old))
        };
        let upwards = |at: usize| std::iter::successors(Some(at), |&at| above[at]).take(64);
        let each = |is: &dyn Fn(usize) -> bool| (0..tasks.len()).map(is).collect::<Vec<bool>>();
        Self {
            at: tasks.iter().enumerate().map(|(at, task)| (task.id.as_str(), at)).collect(),
            is_extra: each(&|at| tasks[at].optional || tasks[at].dropped),
            is_free: each(&|at| {
                is_done(&tasks[at].id) || upwards(at).any(|at| is_new(at, |task| task.optional))
            }),
            is_out: each(&|at| {
                let is_out = |at: usize| state.skipped.contains(&tasks[at].id);
                upwards(at).any(|at| is_out(at) || is_new(at, |task| task.dropped))
            }),
            below,
        }
    }

    /// The entries without parts in a task, without those that it can do without; `None`: tasks.md does not have it.
    fn leaves(&self, id: &str) -> Option<Vec<usize>> {
        let mut open = vec![*self.at.get(id)?];
        let mut found = Vec::new();
        while let Some(at) = open.pop() {
            match self.below[at].as_slice() {
                [] => found.push(at),
                parts => open.extend(parts),
            }
        }
        let needed: Vec<usize> = found.iter().copied().filter(|&at| !self.is_extra[at]).collect();
        Some(if needed.is_empty() { found } else { needed })
    }

    /// Whether a person settled the task: nothing has to be done for it.
    fn is_over(&self, id: &str) -> bool {
        self.leaves(id).is_none_or(|all| all.iter().all(|&at| self.is_free[at] || self.is_out[at]))
    }

    /// Whether what depends on the task can be done.
    fn is_free(&self, id: &str) -> bool {
        self.leaves(id).is_none_or(|all| all.iter().all(|&at| self.is_free[at]))
    }

    /// Whether what the last attempt of a unit was to do is over.
    fn is_work_over(&self, id: &str, unit: &UnitState, is_known: bool) -> bool {
        let has_parts = |id: &String| self.at.get(id.as_str()).is_some_and(|&at| !self.below[at].is_empty());
        let last = unit.work().next_back();
        let work = last.iter().flat_map(|attempt| &attempt.completes).filter(|id| !has_parts(id));
        let work: Vec<&String> = work.collect();
        if work.is_empty() { is_known && self.is_over(id) } else { work.iter().all(|id| self.is_over(id)) }
    }
}

impl OverRun {
    /// A person said how tasks stand: these are over, and nothing keeps back what depends on those.
    fn settle_due(&mut self, is_over: impl Fn(&String) -> bool, is_free: impl Fn(&String) -> bool) {
        let was_blocked = !self.due.blocked.is_empty();
        self.due.settle(is_over, is_free);
        if was_blocked && self.due.blocked.is_empty() && matches!(self.end, End::Stuck { .. }) {
            self.is_settled = true;
        }
    }
}

impl SpecState {
    /// Keeps what a plan with these tasks that have no step leaves to a person.
    pub fn note_due(&mut self, skipped: &[SkippedTask]) {
        if let Run::Open(open) = &mut self.run {
            open.due = DueTasks::of(skipped, &self.entries);
        }
    }

    /// Closes what people settled since tasks.md was read last. `in_run`: an agent may have changed its marks. Whether
    /// anything was closed.
    pub(super) fn close_settled(
        &mut self,
        seen: &SeenTasks,
        matches: &TaskMatches,
        before: &[KnownTask],
        in_run: bool,
    ) -> bool {
        let needs_person = |unit: &UnitState| unit.is_halted() || unit.is_failed();
        if !self.units.values().any(needs_person) && self.run.over().is_none() {
            return false;
        }
        let settled = SettledTasks::of(self, seen, matches, before, in_run);
        let entries = &self.entries;
        let is_over = |id: &str, unit: &UnitState| {
            settled.is_work_over(id, unit, entries.iter().any(|task| task.id == id))
        };
        let mut any = false;
        for (id, unit) in self.units.iter_mut().filter(|(_, unit)| needs_person(unit)) {
            if is_over(id, unit) {
                unit.status = UnitStatus::Todo;
                any = true;
            }
        }
        let Run::Over(over) = &mut self.run else { return any };
        let was = over.clone();
        over.settle_due(|id| settled.is_over(id), |id| settled.is_free(id));
        match &mut over.end {
            End::Human { tasks } => tasks.retain(|id| !settled.is_over(id)),
            End::Stuck { blocked, .. } => blocked.retain(|id| !settled.is_over(id)),
            End::Limited { unit: id, .. } | End::Unavailable { unit: id, .. } => {
                let unit = self.units.get(id);
                over.is_settled |= unit.map_or_else(|| settled.is_over(id), |unit| is_over(id, unit));
            }
            _ => {}
        }
        any || *over != was
    }

    /// A person said that these tasks are over; `is_free`: what depends on them can be done.
    pub fn settle_due(&mut self, ids: &[String], is_over: bool, is_free: bool) {
        if let Run::Over(over) = &mut self.run {
            over.settle_due(|id| is_over && ids.contains(id), |id| is_free && ids.contains(id));
            if let End::Limited { unit, .. } | End::Unavailable { unit, .. } = &over.end {
                over.is_settled |= is_over && ids.contains(unit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::attempt::AttemptRecord;
    use super::super::end::Remedy;
    use super::super::needs::needs;
    use super::super::outcome::Outcome;
    use super::super::testing::{at, attempt};
    use super::*;
    use crate::spec::parse;

    const TASKS: &str = "- [x] 1. One\n- [ ] 2. Two\n- [ ] 10. Ten\n";

    /// The ways in which a person settles task 2 in tasks.md.
    const SETTLED: [(&str, &str); 4] = [
        ("ticked", "- [x] 1. One\n- [x] 2. Two\n- [ ] 10. Ten\n"),
        ("starred", "- [x] 1. One\n- [ ]* 2. Two\n- [ ] 10. Ten\n"),
        ("struck out", "- [x] 1. One\n- [-] ~~2. Two~~\n- [ ] 10. Ten\n"),
        ("removed", "- [x] 1. One\n- [ ] 10. Ten\n"),
    ];

    fn seen(text: &str) -> SeenTasks {
        SeenTasks::of(&parse(text), true)
    }

    /// The state after a run of task 2 that ended like this.
    fn ended(status: UnitStatus, outcome: Outcome, end: End) -> SpecState {
        let mut state = SpecState::default();
        state.follow(&seen(TASKS), false);
        state.begin_run(at(0), seen(TASKS).ticked());
        let unit = state.units.entry("2".into()).or_default();
        (unit.title, unit.status) = ("Two".into(), status);
        unit.attempts = vec![AttemptRecord { completes: vec!["2".into()], ..attempt(1, Some(outcome)) }];
        state.end_run(at(1), end, true);
        state
    }

    fn all_ends() -> Vec<(&'static str, SpecState)> {
        let two = || "2".to_owned();
        let failed = || Outcome::Failed { code: 3, why: None };
        let why = "failed".to_owned();
        let limited =
            End::Limited { unit: two(), who: "x".into(), reason: "log in".into(), remedy: Remedy::Login };
        let blocked = {
            let end = End::Stuck { failed: Vec::new(), blocked: vec![two()] };
            let mut state = ended(UnitStatus::Todo, failed(), end);
            let over = state.run.over_mut().unwrap();
            (over.due.blocked, over.due.marked) = (vec![two()], vec!["10".into()]);
            state
        };
        let human = {
            let mut state = ended(UnitStatus::Todo, failed(), End::Human { tasks: vec![two()] });
            state.run.over_mut().unwrap().due.humans = vec![two()];
            state
        };
        vec![
            (
                "failed",
                ended(
                    UnitStatus::Failed { at: at(1), reason: why },
                    failed(),
                    End::Stuck { failed: vec![two()], blocked: Vec::new() },
                ),
            ),
            (
                "asks",
                ended(
                    UnitStatus::Halted { at: at(1), question: "A or B?".into() },
                    Outcome::Halted { question: "A or B?".into() },
                    End::Halted { unit: two() },
                ),
            ),
            ("limited", ended(UnitStatus::Todo, failed(), limited)),
            (
                "unavailable",
                ended(UnitStatus::Todo, failed(), End::Unavailable { unit: two(), reason: "gone".into() }),
            ),
            ("blocked", blocked),
            ("human", human),
        ]
    }

    #[test]
    fn what_a_person_settles_in_tasks_md_needs_nothing_any_more() {
        for (what, state) in all_ends() {
            assert_eq!(needs(&state).len(), 1, "{what}");
            let mut same = state.clone();
            same.follow(&seen(TASKS), false);
            assert_eq!(needs(&same), needs(&state), "{what}: nothing was settled");
            for (how, text) in SETTLED {
                let mut state = state.clone();
                assert!(state.follow(&seen(text), false).changed, "{what}, {how}");
                assert_eq!(needs(&state), [], "{what}, {how}");
                assert!(!state.is_halted() && state.failed().next().is_none(), "{what}, {how}");
            }
            let mut skipped = state.clone();
            skipped.skipped.insert("2".into());
            skipped.follow(&seen(TASKS), false);
            assert_eq!(needs(&skipped), [], "{what}, skipped");
        }
    }

    #[test]
    fn a_mark_that_an_agent_may_have_set_settles_nothing() {
        for (what, state) in all_ends().into_iter().take(2) {
            for (how, text) in &SETTLED[..3] {
                let mut state = state.clone();
                state.begin_run(at(5), [].into());
                state.halt(at(6), "2", "Which?");
                state.follow(&seen(text), true);
                state.doubt(&seen(text).ticked());
                assert_eq!(needs(&state).len(), 1, "{what}, {how}");
                state.end_run(at(7), End::Halted { unit: "2".into() }, true);
                state.follow(&seen(text), false);
                assert_eq!(needs(&state).len(), 1, "{what}, {how}: after the run");
            }
        }
    }

    #[test]
    fn a_question_about_parts_is_over_when_all_these_parts_are() {
        let text = |first: char, second: char| {
            format!("- [ ] 2. Two\n  - [{first}] 2.1 First\n  - [{second}] 2.2 Second\n  - [ ]* 2.3 Extra\n")
        };
        let asked = |completes: &[&str]| {
            let mut state = SpecState::default();
            state.follow(&seen(&text(' ', ' ')), false);
            state.begin_run(at(0), [].into());
            let completes = completes.iter().map(ToString::to_string).collect();
            let question = Outcome::Halted { question: "Which?".into() };
            state.halt(at(1), "2", "Which?");
            state.units.get_mut("2").unwrap().attempts =
                vec![AttemptRecord { completes, ..attempt(1, Some(question)) }];
            state.end_run(at(1), End::Halted { unit: "2".into() }, true);
            state
        };
        for (completes, first, second, is_open) in [
            (&["2", "2.1", "2.2"][..], 'x', ' ', true),
            (&["2", "2.1", "2.2"], 'x', 'x', false),
            (&["2.1"], 'x', ' ', false),
            (&["2.1"], ' ', 'x', true),
            // a state that does not say it
            (&[], 'x', ' ', true),
            (&[], 'x', 'x', false),
        ] {
            let mut state = asked(completes);
            state.follow(&seen(&text(first, second)), false);
            assert_eq!(state.is_halted(), is_open, "{completes:?} [{first}] [{second}]");
        }
    }

    #[test]
    fn a_task_that_was_starred_before_its_agent_asked_still_asks() {
        let starred = SETTLED[1].1;
        let mut state = SpecState::default();
        state.follow(&seen(starred), false);
        state.begin_run(at(0), [].into());
        state.halt(at(1), "2", "Which?");
        state.end_run(at(1), End::Halted { unit: "2".into() }, true);
        state.follow(&seen(starred), false);
        assert!(state.is_halted());
    }
}
