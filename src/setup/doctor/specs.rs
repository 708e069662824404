//! The specs: whether their tasks.md can be run.

use super::subject::{DoctorSubject, typed};
use crate::config::Config;
use crate::error::ErrorKind;
use crate::plan::unmatched::UnmatchedRule;
use crate::plan::{Progress, Selection};
use crate::project::SpecPlace;
use crate::project::current_plan::make_plan;
use crate::project::unmatched::unmatched_rules;
use crate::report::text::plural;
use crate::setup::findings::DoctorFinding;
use crate::spec::{Diagnostic, Severity};
use crate::state::{SpecState, counts};

const TOPIC: &str = "specs";
const UNMATCHED: &str = "Correct it, or remove it: `seqorch plan --dry-run` shows ids and titles.";
/// How many diagnostics of one severity are shown for a spec.
const SHOWN_DIAGNOSTICS: usize = 5;

pub(super) fn check(subject: &DoctorSubject<'_>) -> Vec<DoctorFinding> {
    let Ok(loaded) = subject.loaded else { return Vec::new() };
    if subject.specs.is_empty() {
        let root = loaded.config.run.spec_root.display();
        let fix =
            "A spec is a folder with a tasks.md. Set run.spec_root, or name its path: seqorch run PATH.";
        return vec![DoctorFinding::warning(TOPIC, format!("no spec in {root}")).fix(fix)];
    }
    subject
        .specs
        .iter()
        .flat_map(|spec| match spec {
            Ok((place, _)) => check_tasks(subject, &loaded.config, place),
            Err(error) => vec![DoctorFinding::error(TOPIC, error)],
        })
        .chain(check_rules(subject, &loaded.config))
        .collect()
}

/// Overrides and rules that match no task of any spec.
fn check_rules(subject: &DoctorSubject<'_>, config: &Config) -> Vec<DoctorFinding> {
    let mut places = subject.specs.iter().filter_map(|spec| spec.as_ref().ok()).map(|(place, _)| place);
    // this one is compared with all others
    let Some(place) = places.find(|place| place.good_tasks().is_ok()) else { return Vec::new() };
    let finding = |rule: UnmatchedRule| {
        let text = format!("{} ({}) matches no task", rule.key, rule.wanted);
        DoctorFinding::warning(TOPIC, text).fix(UNMATCHED)
    };
    unmatched_rules(place, config).into_iter().map(finding).collect()
}

fn check_tasks(subject: &DoctorSubject<'_>, config: &Config, place: &SpecPlace) -> Vec<DoctorFinding> {
    let file = match place.read_tasks() {
        Ok((_, file)) => file,
        Err(error) => return vec![DoctorFinding::error(TOPIC, &error)],
    };
    let path = place.tasks_path();
    let path = path.strip_prefix(subject.root).unwrap_or(&path).display().to_string();
    let of = |severity: Severity| {
        let lines: Vec<String> = file
            .diagnostics
            .iter()
            .filter(|d| d.severity == severity)
            .map(|d| diagnostic_line(&path, d))
            .collect();
        shortened(lines)
    };
    let mut found = Vec::new();
    if let Some(text) = of(Severity::Error) {
        let fix = format!("`seqorch plan {} --dry-run` shows the lines and how to fix them.", typed(place));
        found.push(DoctorFinding::problem(TOPIC, ErrorKind::BadTasks, text).fix(fix));
    }
    if let Some(text) = of(Severity::Warning) {
        found.push(DoctorFinding::warning(TOPIC, text));
    }
    if found.is_empty() {
        // counted as everywhere else: subtasks that are done with their task are not
        let plan = make_plan(place, config, &file, &Progress::default(), &Selection::default());
        let tasks = plural(counts(&plan, &SpecState::default()).all, "task");
        found.push(DoctorFinding::ok(TOPIC, format!("{}: {tasks}", place.name)));
    }
    found
}

/// `.kiro/specs/login/tasks.md:3:7: the id 1 is used twice`
fn diagnostic_line(path: &str, d: &Diagnostic) -> String {
    format!("{path}:{}:{}: {}", d.line, d.column, d.message)
}

fn shortened(mut lines: Vec<String>) -> Option<String> {
    let more = lines.len().saturating_sub(SHOWN_DIAGNOSTICS);
    if more > 0 {
        lines.truncate(SHOWN_DIAGNOSTICS);
        lines.push(format!("and {more} more"));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}
