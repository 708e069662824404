//! The runs: which are active, and which need you.

use super::subject::{DoctorSubject, typed};
use crate::project::SpecPlace;
use crate::report::needs::{ShownNeed, shown};
use crate::setup::findings::DoctorFinding;
use crate::state::SpecState;
use crate::store::attempt_folder;
use crate::store::lock;
use crate::store::spec_store::Store;

const TOPIC: &str = "runs";

pub(super) fn check(subject: &DoctorSubject<'_>) -> Vec<DoctorFinding> {
    let mut found: Vec<DoctorFinding> =
        subject.specs.iter().flatten().flat_map(|(place, store)| check_run(subject, place, store)).collect();
    if found.is_empty() {
        found.push(DoctorFinding::ok(TOPIC, "no run is active or waits for you"));
    }
    found
}

fn check_run(subject: &DoctorSubject<'_>, place: &SpecPlace, store: &Store) -> Vec<DoctorFinding> {
    let state = match subject.loaded {
        Ok(loaded) => place.state(&loaded.config),
        Err(_) => store.load(),
    };
    let state = match state {
        Ok(state) => state,
        Err(error) => return vec![DoctorFinding::error(TOPIC, &error)],
    };
    let name = typed(place);
    if let Some(holder) = lock::holder(&store.run_lock()) {
        let text = format!(
            "{name}: a run is active (process {} on {}, since {})",
            holder.pid, holder.host, holder.started_at
        );
        let fix =
            format!("Watch it with `seqorch attach {name}`. A second run would be refused (exit code 75).");
        let active = DoctorFinding::warning(TOPIC, text).fix(fix);
        return [active].into_iter().chain(needs(place, &state)).collect();
    }
    if let Some((unit, attempt)) = state.running()
        && attempt_folder::alive(&store.attempt_dir(state.folder(unit), attempt.number))
    {
        let text = format!("{name}: the agent of task {unit} still works, but its run is gone");
        let orphaned = DoctorFinding::warning(TOPIC, text).fix("The next `seqorch run` takes it over.");
        return [orphaned].into_iter().chain(needs(place, &state)).collect();
    }
    needs(place, &state)
}

/// What the user must do before the spec can continue.
fn needs(place: &SpecPlace, state: &SpecState) -> Vec<DoctorFinding> {
    let finding = |need: ShownNeed| {
        let why = need.why.replace('\n', "\n  ");
        let look = need.look.as_ref().map_or_else(String::new, |look| format!("See `{look}`. "));
        DoctorFinding::warning(TOPIC, format!("{}: needs you: {}:\n  {why}", typed(place), need.what))
            .fix(format!("{look}{} `{}`.", need.lead(), need.command))
    };
    shown(&place.typed, state).into_iter().map(finding).collect()
}
