//! The specs: whether they can be worked off, and whether somebody does right now.

use super::Patient;
use crate::config::Commit;
use crate::error::ErrorKind;
use crate::project::place::Place;
use crate::report::owed::{needed, owed};
use crate::report::text::command_line;
use crate::setup::findings::Finding;
use crate::spec::{Diagnostic, Severity};
use crate::state::SpecState;
use crate::store::attempt_folder;
use crate::store::lock;

/// Diagnostics of one kind that are shown per spec.
const SHOWN: usize = 5;

pub(super) fn tasks(patient: &Patient<'_>) -> Vec<Finding> {
    const TOPIC: &str = "specs";
    let Ok(loaded) = patient.loaded else { return Vec::new() };
    if patient.specs.is_empty() {
        let root = loaded.config.run.spec_root.display();
        return vec![Finding::warning(TOPIC, format!("there is no spec in {root}")).mend(
            "A spec is a folder with a tasks.md; set run.spec_root, or name its path: seqorch run PATH.",
        )];
    }
    let mut found = Vec::new();
    for spec in patient.specs {
        match spec {
            Ok((place, _)) => found.extend(one(TOPIC, patient, place)),
            Err(error) => found.push(Finding::error(TOPIC, error)),
        }
    }
    found
}

fn one(topic: &'static str, patient: &Patient<'_>, place: &Place) -> Vec<Finding> {
    let file = match place.read_tasks() {
        Ok((_, file)) => file,
        Err(error) => return vec![Finding::error(topic, &error)],
    };
    let path = place.tasks_path();
    let path = path.strip_prefix(patient.root).unwrap_or(&path).display().to_string();
    let of = |severity: Severity| {
        let lines: Vec<String> =
            file.diagnostics.iter().filter(|d| d.severity == severity).map(|d| line(&path, d)).collect();
        shortened(lines)
    };
    let mut found = Vec::new();
    if let Some(text) = of(Severity::Error) {
        found.push(Finding::problem(topic, ErrorKind::BadTasks, text).mend(format!(
            "`seqorch plan {} --dry-run` shows the lines and how to mend them.",
            typed(&place.typed)
        )));
    }
    if let Some(text) = of(Severity::Warning) {
        found.push(Finding::warning(topic, text));
    }
    if found.is_empty() {
        let tasks = file.tasks.len();
        let s = if tasks == 1 { "" } else { "s" };
        found.push(Finding::ok(topic, format!("{}: {tasks} task{s}", place.name)));
    }
    found
}

/// `.kiro/specs/login/tasks.md:3:7: the id 1 is used twice`
fn line(path: &str, d: &Diagnostic) -> String {
    format!("{path}:{}:{}: {}", d.line, d.column, d.message)
}

fn shortened(mut lines: Vec<String>) -> Option<String> {
    let more = lines.len().saturating_sub(SHOWN);
    if more > 0 {
        lines.truncate(SHOWN);
        lines.push(format!("and {more} more"));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A spec as one types it in a shell.
fn typed(spec: &str) -> String {
    command_line(&[spec.to_owned()])
}

/// What nobody works on, since a human must look at it first.
fn waits_for_a_human(topic: &'static str, spec: &str, state: &SpecState) -> Vec<Finding> {
    let mut found = Vec::new();
    let name = typed(spec);
    if state.halted {
        let task = state.halted_task.as_deref().unwrap_or("?");
        found.push(
            Finding::warning(topic, format!("{name}: task {task} waits for a human"))
                .mend(format!("See `seqorch status {name}`, then `seqorch resume {name}`.")),
        );
    }
    for owed in owed(spec, state) {
        let why = owed.why.replace('\n', "\n  ");
        found.push(
            Finding::warning(topic, format!("{name}: a human is needed. {}:\n  {why}", owed.what()))
                .mend(format!("Mend it, then go on with `{}`.", owed.command)),
        );
    }
    if let Some(needed) = needed(spec, state) {
        let why = needed.why.replace('\n', "\n  ");
        found.push(
            Finding::warning(topic, format!("{name}: a human is needed. {}:\n  {why}", needed.what()))
                .mend(format!("Mend it, then go on with `{}`.", needed.command)),
        );
    }
    found
}

pub(super) fn runs(patient: &Patient<'_>) -> Vec<Finding> {
    const TOPIC: &str = "runs";
    let mut found = Vec::new();
    for (place, store) in patient.specs.iter().flatten() {
        let mut state = match store.load() {
            Ok(state) => state,
            Err(error) => {
                found.push(Finding::error(TOPIC, &error));
                continue;
            }
        };
        if patient.loaded.is_ok_and(|loaded| loaded.config.git.commit == Commit::Off) {
            state.without_commits();
        }
        let name = typed(&place.typed);
        if let Some(holder) = lock::holder(&store.run_lock()) {
            let text = format!(
                "{name}: process {} on {} works on it since {}",
                holder.pid, holder.host, holder.started_at
            );
            found.push(
                Finding::warning(TOPIC, text)
                    .mend(format!("Watch it with `seqorch attach {name}`; a second run would end with 75.")),
            );
        } else if let Some((unit, attempt)) = state.running()
            && attempt_folder::alive(&store.attempt_dir(unit, attempt.number))
        {
            let text = format!("{name}: the agent of task {unit} works on, though its run is gone");
            found.push(Finding::warning(TOPIC, text).mend("The next `seqorch run` takes it over."));
        } else {
            found.extend(waits_for_a_human(TOPIC, &place.typed, &state));
        }
    }
    if found.is_empty() {
        found.push(Finding::ok(TOPIC, "none is active, none waits for a human"));
    }
    found
}
