//! The runs: which are active, and which need you.

use super::subject::{DoctorSubject, typed};
use crate::config::Commit;
use crate::project::SpecPlace;
use crate::report::owed::{needed, owed};
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
    let mut state = match store.load() {
        Ok(state) => state,
        Err(error) => return vec![DoctorFinding::error(TOPIC, &error)],
    };
    if subject.loaded.is_ok_and(|loaded| loaded.config.git.commit == Commit::Off) {
        state.without_commits();
    }
    let name = typed(place);
    if let Some(holder) = lock::holder(&store.run_lock()) {
        let text = format!(
            "{name}: a run is active (process {} on {}, since {})",
            holder.pid, holder.host, holder.started_at
        );
        let fix =
            format!("Watch it with `seqorch attach {name}`. A second run would be refused (exit code 75).");
        return vec![DoctorFinding::warning(TOPIC, text).fix(fix)];
    }
    if let Some((unit, attempt)) = state.running()
        && attempt_folder::alive(&store.attempt_dir(unit, attempt.number))
    {
        let text = format!("{name}: the agent of task {unit} still works, but its run is gone");
        return vec![DoctorFinding::warning(TOPIC, text).fix("The next `seqorch run` takes it over.")];
    }
    needs(place, &state)
}

/// What the user must do before the spec can continue.
fn needs(place: &SpecPlace, state: &SpecState) -> Vec<DoctorFinding> {
    let name = typed(place);
    let mut found = Vec::new();
    if state.halted {
        let task = state.halted_task.as_deref().unwrap_or("?");
        found.push(
            DoctorFinding::warning(TOPIC, format!("{name}: needs you. Task {task} has a question"))
                .fix(format!("Read it with `seqorch status {name}`, then `seqorch resume {name}`.")),
        );
    }
    let commits = owed(&place.typed, state).into_iter().map(|one| (one.what(), one.why, one.command));
    let end = needed(&place.typed, state).map(|one| (one.what(), one.why, one.command));
    for (what, why, command) in commits.chain(end) {
        let text = format!("{name}: needs you. {what}:\n  {}", why.replace('\n', "\n  "));
        found.push(
            DoctorFinding::warning(TOPIC, text).fix(format!("Fix it, then continue with `{command}`.")),
        );
    }
    found
}
