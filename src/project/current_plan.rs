//! The plan of a spec as things stand now.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::progress::{progress, ticked};
use super::prompt_inputs;
use super::spec_place::SpecPlace;
use crate::config::Config;
use crate::plan::{self, Plan, PlanRequest, Progress, Selection, SpecInfo};
use crate::spec::TaskFile;
use crate::state::SpecState;

/// The plan that a run would follow from now on. It changes nothing.
#[must_use]
pub fn current_plan(
    place: &SpecPlace,
    config: &Config,
    tasks: &TaskFile,
    state: &SpecState,
    now: Timestamp,
) -> Plan {
    let known = known(config, tasks, state, now);
    let mut plan = make_plan(place, config, tasks, &known, &place.selection);
    plan.baseline = plan.baseline.filter(|_| state.next_run_needs_baseline());
    plan
}

/// The plan by which people are shown how tasks stand. Optional tasks count where the last run was asked for them.
#[must_use]
pub fn shown_plan(
    place: &SpecPlace,
    config: &Config,
    tasks: &TaskFile,
    state: &SpecState,
    now: Timestamp,
) -> Plan {
    let mut place = place.clone();
    place.selection.include_optional |= state.run.includes_optional();
    current_plan(&place, config, tasks, state, now)
}

/// The plan of what waits neither for a failed task nor for an answer.
#[must_use]
pub fn plan_beside_needs(
    place: &SpecPlace,
    config: &Config,
    tasks: &TaskFile,
    state: &SpecState,
    now: Timestamp,
) -> Plan {
    let mut known = known(config, tasks, state, now);
    known.failed.extend(state.failed().map(str::to_owned));
    known.asking.extend(state.questions().iter().map(|question| question.unit.to_owned()));
    make_plan(place, config, tasks, &known, &place.selection)
}

fn known(config: &Config, tasks: &TaskFile, state: &SpecState, now: Timestamp) -> Progress {
    let boxes = if config.tasks.trust_checkboxes { ticked(tasks) } else { BTreeSet::new() };
    // after a kill, a run resumes with the ticks it trusted
    let trusted = state.trusted_ticks(&boxes);
    progress(state, trusted, config, now)
}

/// Makes the plan of a spec with this progress.
#[must_use]
pub fn make_plan(
    place: &SpecPlace,
    config: &Config,
    tasks: &TaskFile,
    progress: &Progress,
    selection: &Selection,
) -> Plan {
    let inputs = prompt_inputs::find(place, config, tasks.dialect);
    plan::build(&PlanRequest {
        spec: SpecInfo {
            name: &place.name,
            dir: &place.dir,
            tasks_path: &place.tasks_path(),
            root: &place.root,
            inputs: &inputs,
        },
        tasks,
        config,
        progress,
        selection,
    })
}
