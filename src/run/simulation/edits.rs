//! tasks.md is edited between any two steps of a run, by people and by agents: no text is done twice, none is left out, and
//! no box is ticked of a task that no agent worked on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::edited_list::{EditedList, ListLine};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::BaselineChecks;
use crate::plan::{self, Plan, PlanRequest, Selection, SpecInfo, Step};
use crate::project::progress;
use crate::run::End;
use crate::run::driver::{Ending, Recovered, World, drive};
use crate::run::event::{BaselineResult, Effect, Event, Policy, RunStart};
use crate::run::machine::{Assigned, Machine, Notice, Pause};
use crate::state::{
    Changes, CommitRefused, Learned, Outcome, PersonRequest, SeenTasks, SpecState, TreeRecord,
};
use crate::sys::interrupt::Interrupt;

impl World for EditedList {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_767_225_600 + i64::try_from(self.log.len()).unwrap()).unwrap()
    }

    fn random(&mut self) -> f64 {
        0.0
    }

    fn trace(&mut self, effect: &Effect) {
        if !matches!(effect, Effect::Start { .. } | Effect::Report(_)) {
            self.log.push(format!("{effect:?}"));
        }
    }

    fn save(&mut self, state: &SpecState) -> Result<()> {
        self.dies()?;
        let done = state.entries.iter().filter(|task| state.completed.contains(&task.id));
        let done: Vec<_> = done.map(|task| format!("{} {}", task.id, task.title)).collect();
        self.log.push(format!("saved as done: {done:?}"));
        self.disk = Some(serde_json::to_string(state).unwrap());
        self.dies()
    }

    fn look(&mut self) -> Result<SeenTasks> {
        Ok(SeenTasks::of(&self.parsed(), true))
    }

    fn catch_up_index(&mut self) -> Result<Option<String>> {
        Ok(None)
    }

    fn is_unchanged(&mut self, before: &str, after: &str) -> bool {
        before == after
    }

    fn plan(&mut self, machine: &Machine) -> Result<(Plan, SeenTasks)> {
        self.dies()?;
        if !self.at_work && machine.state.running().is_none() {
            self.at_work = true;
            self.edits(true);
            self.at_work = false;
        }
        let file = self.parsed();
        let seen = SeenTasks::of(&file, true);
        let mut state = machine.state.clone();
        state.follow(&seen, true);
        if !state.doubtful().is_empty() {
            return Err(Error::new(ErrorKind::BadTasks, "in doubt"));
        }
        let trusted = state.trusted_ticks(&seen.ticked());
        let known = progress::progress(&state, trusted, &self.config, self.now());
        let root = "/project".as_ref();
        let plan = plan::build(&PlanRequest {
            spec: SpecInfo {
                name: "demo",
                dir: root,
                tasks_path: "/project/tasks.md".as_ref(),
                root,
                inputs: &[],
            },
            tasks: &file,
            config: &self.config,
            progress: &known,
            selection: &Selection::default(),
        });
        Ok((plan, seen))
    }

    fn start(&mut self, step: &Step, _: u32, state: &SpecState) -> Result<Option<Ending>> {
        self.dies()?;
        let at = self.parsed().tasks.iter().position(|task| task.line == step.line).unwrap();
        let ListLine { task, text, .. } = self.lines[at].clone();
        self.log.push(format!("dispatch of {} {text}", step.unit));
        self.dispatched.push((task, text));
        self.count("steps");
        self.at_work = true;
        self.reached = state.running().map(|(_, attempt)| attempt.started_at);
        Ok(None)
    }

    fn recover(&mut self, unit: &str, _: u32, machine: &Machine) -> Result<Recovered> {
        let step = self.plan(machine)?.0.steps.into_iter().find(|step| step.unit == unit).map(Box::new);
        if std::mem::take(&mut self.at_work) {
            self.edits(false);
        }
        let reached = self.reached == machine.state.running().map(|(_, attempt)| attempt.started_at);
        let outcome = if reached { Outcome::Done } else { Outcome::Lost };
        Ok(Recovered { step, ending: Some((outcome, Learned::default())) })
    }

    fn assign(&mut self, units: &[String], _: &SpecState) -> Result<Option<Assigned>> {
        Ok(Some(Assigned { missing: units.to_vec(), ..Assigned::default() }))
    }

    fn baseline(&mut self, _: &BaselineChecks, _: &SpecState) -> Result<Option<BaselineResult>> {
        Ok(Some(BaselineResult::default()))
    }

    fn tree(&mut self) -> Result<Option<TreeRecord>> {
        Ok(None)
    }

    fn lost_commits(&mut self, _: &SpecState) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn keep(&mut self, _: &str, _: &SpecState) -> std::result::Result<Option<Changes>, CommitRefused> {
        Ok(None)
    }

    fn verify(&mut self, _: &Step, _: u32, _: &SpecState) -> Result<Option<Outcome>> {
        Ok(None)
    }

    fn cancel(&mut self) {}

    fn tick(&mut self, ids: &[String], state: &SpecState) -> Vec<String> {
        if self.killed {
            return Vec::new();
        }
        // somebody may edit the file at the last moment
        if self.dice.one_in(3) {
            self.at_work = true;
            self.edit(true);
            self.at_work = false;
        }
        let seen = SeenTasks::of(&self.parsed(), true);
        for (_, at) in state.places_of(&seen, ids) {
            if seen.places[at].mark.is_some() {
                self.lines[at].ticked = true;
                self.count("ticks");
            }
        }
        ids.to_vec()
    }

    fn untick(&mut self, _: &[String], _: &SpecState) {}

    fn report(&mut self, _: &Notice, _: &SpecState) -> Result<()> {
        Ok(())
    }

    fn asked(&mut self) -> Option<Interrupt> {
        None
    }

    fn requests(&mut self) -> Vec<PersonRequest> {
        Vec::new()
    }

    fn forget_requests(&mut self, _: &[String]) {}

    fn next(&mut self, _: Option<(Option<Timestamp>, &Pause)>, _: Option<Timestamp>) -> Event {
        if !std::mem::take(&mut self.at_work) {
            return Event::Woke;
        }
        self.edits(false);
        Event::Ended { outcome: Outcome::Done, learned: Learned::default(), seen: self.look().ok() }
    }
}

#[test]
fn no_edit_makes_a_run_repeat_or_leave_out_a_task() {
    edits_by_chance(15);
}

#[test]
#[ignore = "takes a minute"]
fn ten_thousand_runs_with_edits_repeat_and_leave_out_nothing() {
    edits_by_chance(10_000);
}

/// Tries `runs` runs, or as many as `SEQORCH_SIM_RUNS` says.
fn edits_by_chance(runs: u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let from = number("SEQORCH_SIM_SEED").unwrap_or(1);
    let runs = number("SEQORCH_SIM_RUNS").unwrap_or(runs);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in from..from + runs {
        let mut list = EditedList::new(seed);
        let mut complete = false;
        for life in 0.. {
            assert!(life < 200, "seed {seed} never ends");
            list.killed = false;
            let file = list.parsed();
            list.decide(&file);
            let mut machine = Machine::new(list.load(), Policy::of(&list.config, TimeZone::UTC));
            let end = drive(&mut machine, &mut list, RunStart::default());
            list.log.push(format!(
                "it ends: {}",
                end.as_ref().map_or_else(ToString::to_string, |e| format!("{e:?}"))
            ));
            complete = matches!(end, Ok(End::Complete));
            list.log.push(format!("SEQORCH_SIM_SEED={seed} SEQORCH_SIM_RUNS=1"));
            list.check(complete);
            if complete {
                break;
            }
            if !list.at_work {
                list.edits(true);
            }
        }
        assert!(complete);
        for (what, times) in list.counts {
            *counts.entry(what).or_default() += times;
        }
    }
    let words: Vec<String> = counts.iter().map(|(what, times)| format!("{times} {what}")).collect();
    eprintln!("{runs} runs with edits, seeds from {from}: {}", words.join(", "));
}
