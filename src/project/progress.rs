//! PURE. The progress of a spec, as its plan needs it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::config::{Config, HaltOrSkip};
use crate::plan::{Fallback, Progress};
use crate::spec::{TaskFile, TaskState};
use crate::state::{AssignmentKey, SpecState};

/// The ids of all tasks whose boxes are ticked.
#[must_use]
pub fn ticked(tasks: &TaskFile) -> BTreeSet<String> {
    tasks.tasks.iter().filter(|t| t.state == TaskState::Done).map(|t| t.id.clone()).collect()
}

/// The progress in a state. `ticked` are the trusted ticks, `failed` the units without attempts left.
#[must_use]
pub fn progress(state: &SpecState, ticked: BTreeSet<String>, config: &Config, now: Timestamp) -> Progress {
    Progress {
        completed: state.completed.iter().cloned().collect(),
        ticked,
        reopened: state.reopened.clone(),
        // a run that was killed continues without what failed in it
        failed: state.failed_in_run(),
        asking: match config.run.on_halt {
            // no step starts before a person answered
            HaltOrSkip::Halt => BTreeSet::new(),
            HaltOrSkip::Skip => state.questions().iter().map(|question| question.unit.to_owned()).collect(),
        },
        skipped: state.skipped.clone(),
        owners: state.owners(),
        owners_by_hand: state.by_hand(AssignmentKey::Owner),
        backends_by_hand: state.by_hand(AssignmentKey::Backend),
        fallbacks: fallbacks(state, config, now),
    }
}

/// The fallbacks of backends that are limited now, by the backend and the model that a step requests.
#[must_use]
pub fn fallbacks(
    state: &SpecState,
    config: &Config,
    now: Timestamp,
) -> BTreeMap<(String, Option<String>), Fallback> {
    if state.limits.is_empty() && state.model_limits.is_empty() {
        return BTreeMap::new();
    }
    let model = |name: &String| config.backends.get(name).and_then(|backend| backend.model.as_deref());
    let free = |name: &&String| state.held_back(name, model(name), now).is_none();
    let of_overrides: BTreeSet<&str> =
        config.overrides.iter().filter_map(|one| one.model.as_deref()).collect();
    let mut found = BTreeMap::new();
    for name in config.backends.keys() {
        let Some(other) = config.limit.fallback.iter().filter(|other| *other != name).find(free) else {
            continue;
        };
        // a step requests the model of its backend, or that of an override
        for asked in of_overrides.iter().copied().map(Some).chain([model(name)]) {
            if let Some((who, limited)) = state.held_back(name, asked, now)
                && limited.gives_way()
            {
                let why = format!("{who} is limited: {}", limited.why);
                let fallback = Fallback { backend: other.clone(), why };
                found.insert((name.clone(), asked.map(str::to_owned)), fallback);
            }
        }
    }
    found
}
