//! Lets an agent assign tasks outside of a run, so that a team can review the assignments before the run.

use std::io::{self, Write};

use jiff::Timestamp;

use super::project::{Project, refuse_lost_tree};
use super::trust::{TrustFlag, required};
use crate::config::AssignMode;
use crate::error::Result;
use crate::project::SpecPlace;
use crate::project::current_plan::current_plan;
use crate::run::assign::ask_outside_of_a_run;
use crate::run::inbox::Inbox;
use crate::run::launch::Launcher;
use crate::run::world::RealWorld;
use crate::store::lock::{Holder, RunLock};
use crate::sys::clock::SystemClock;
use crate::sys::programs;

/// Lets the agent of `[assign]` assign every unit of the plan that has no backend yet, and saves the answer.
pub(super) fn assign_missing(project: &Project, place: &SpecPlace, flag: TrustFlag) -> Result<()> {
    let config = &project.loaded.config;
    // the caller prints what is wrong with tasks.md
    let Ok((_, tasks)) = place.read_tasks() else { return Ok(()) };
    if config.assign.mode != AssignMode::Agent || tasks.has_errors() {
        return Ok(());
    }
    crate::plan::select(&tasks, config, &place.selection)?;
    let store = place.store();
    let mut state = store.load()?;
    place.follow(config, &tasks, &mut state);
    let plan = current_plan(place, config, &tasks, &state, Timestamp::now());
    let units: Vec<String> =
        plan.steps.iter().filter(|s| s.settings.unassigned).map(|s| s.unit.clone()).collect();
    if units.is_empty() {
        return Ok(());
    }
    refuse_lost_tree(place)?;
    required(project, &place.root, flag)?;
    store.prepare()?;
    let _lock = RunLock::take(&store.run_lock(), &Holder::me(&place.path(), Timestamp::now()))?;
    let launcher = Launcher::new(programs::own_program()?, &store.folder(), None)?.silent();
    // stdout is for the plan
    let out: Box<dyn Write> = Box::new(io::stderr());
    let inbox = Inbox::open()?;
    let mut world = RealWorld::new(place, config, &store, &SystemClock, launcher, &inbox, out);
    ask_outside_of_a_run(&mut world, &store, plan, &units)
}
