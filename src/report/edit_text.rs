//! PURE. What people, or agents, changed in files while a run was at work: the configuration and tasks.md.

use super::notice::{NamedTask, TaskEdits};
use super::text::{cut, sanitise_line, sanitise_text};
use crate::config::ChangedSetting;
use crate::state::{ConfigOutcome, SpecState};

/// Settings and tasks that one line names; of more, it says how many there are.
const NAMED: usize = 6;
/// Columns of one value.
const VALUE: usize = 60;

/// The lines about configuration files that changed; the first one begins with a sign.
pub(super) fn config_lines(became: &ConfigOutcome) -> Vec<String> {
    match became {
        ConfigOutcome::Taken { settings } => {
            let (later, now): (Vec<_>, Vec<_>) = settings.iter().partition(|one| one.waits);
            let head = [
                (now, "↻ the configuration changed, from the next step on"),
                (later, "↻ the configuration changed, for the next run"),
            ];
            let lines = head.into_iter().filter(|(settings, _)| !settings.is_empty());
            lines.map(|(settings, head)| format!("{head}: {}", listed(&settings, changed))).collect()
        }
        ConfigOutcome::Restored => vec!["↻ the configuration says again what the run has".to_owned()],
        ConfigOutcome::NotTrusted { settings, command } => {
            let settings: Vec<&String> = settings.iter().collect();
            vec![format!(
                "! the configuration changed, and the run keeps what it had: not trusted are {}; `{}` trusts them, then \
                 the next step has them",
                listed(&settings, |one| sanitise_line(one)),
                sanitise_line(command)
            )]
        }
        ConfigOutcome::Broken { problems } => {
            let mut lines =
                vec!["! the configuration changed and is broken; the run keeps what it had:".to_owned()];
            // a caret stands below its column
            lines.extend(problems.iter().take(12).map(|line| format!("    {}", sanitise_text(line))));
            lines
        }
    }
}

/// The line about a tasks.md that changed.
pub(super) fn tasks_line(edits: &TaskEdits) -> String {
    let parts = [("new", &edits.added), ("removed", &edits.removed), ("reworded", &edits.reworded)];
    let part = |(word, tasks): (&str, &Vec<NamedTask>)| {
        let tasks: Vec<&NamedTask> = tasks.iter().collect();
        let named = |one: &NamedTask| {
            cut(&sanitise_line(&format!("{} {}", one.id, one.title)), VALUE).trim().to_owned()
        };
        format!("{word}: {}", listed(&tasks, named))
    };
    let parts = parts.into_iter().filter(|(_, tasks)| !tasks.is_empty());
    format!("↻ tasks.md changed; {}", parts.map(part).collect::<Vec<_>>().join("; "))
}

/// What became of configuration files that changed since the open run began, for `status`.
#[must_use]
pub fn config_note_lines(state: &SpecState) -> Vec<String> {
    let note = state.run.open().and_then(|open| open.config.as_ref());
    note.map(|note| config_lines(&note.became)).unwrap_or_default()
}

fn changed(one: &ChangedSetting) -> String {
    let value = |value: &Option<String>| {
        value.as_ref().map_or_else(|| "not set".to_owned(), |text| cut(&sanitise_line(text), VALUE))
    };
    let place =
        if one.place.is_empty() { String::new() } else { format!(" ({})", sanitise_line(&one.place)) };
    format!("{} {} → {}{place}", sanitise_line(&one.key), value(&one.was), value(&one.now))
}

fn listed<T>(all: &[&T], line: impl Fn(&T) -> String) -> String {
    let mut lines: Vec<String> = all.iter().take(NAMED).map(|one| line(one)).collect();
    if all.len() > NAMED {
        lines.push(format!("and {} more", all.len() - NAMED));
    }
    lines.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(key: &str, waits: bool) -> ChangedSetting {
        ChangedSetting {
            key: key.into(),
            was: Some("\"a\"".into()),
            now: None,
            place: "seqorch.toml:3\x1b[1m".into(),
            waits,
        }
    }

    #[test]
    fn what_waits_for_the_next_run_has_a_line_of_its_own() {
        let settings = vec![setting("run.model", false), setting("git.commit", true)];
        assert_eq!(
            config_lines(&ConfigOutcome::Taken { settings }),
            [
                "↻ the configuration changed, from the next step on: run.model \"a\" → not set (seqorch.toml:3)",
                "↻ the configuration changed, for the next run: git.commit \"a\" → not set (seqorch.toml:3)"
            ]
        );
    }

    #[test]
    fn of_many_tasks_a_few_are_named() {
        let named = |n: u32| NamedTask { id: n.to_string(), title: "Do\nit".into() };
        let edits = TaskEdits {
            added: (1..=9).map(named).collect(),
            reworded: vec![named(10)],
            ..TaskEdits::default()
        };
        assert_eq!(
            tasks_line(&edits),
            "↻ tasks.md changed; new: 1 Do it, 2 Do it, 3 Do it, 4 Do it, 5 Do it, 6 Do it, and 3 more; reworded: 10 Do it"
        );
    }
}
