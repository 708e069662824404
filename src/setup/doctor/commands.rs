//! The programs of the project that a run starts: checks and hooks.

use super::subject::DoctorSubject;
use crate::config::{Config, HookEvent};
use crate::error::ErrorKind;
use crate::setup::backend_list::workdir;
use crate::setup::findings::DoctorFinding;
use crate::sys::programs;

const TOPIC: &str = "commands";

/// A command in the configuration.
#[derive(PartialEq)]
struct ConfiguredCommand {
    program: String,
    /// The setting that names it.
    setting: String,
}

pub(super) fn check(subject: &DoctorSubject<'_>) -> Vec<DoctorFinding> {
    let Ok(loaded) = subject.loaded else { return Vec::new() };
    let cwd = workdir(&loaded.config, subject.root);
    let all = commands(&loaded.config);
    let (found, missing): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|command| programs::find_in_path(&command.program, &cwd).is_some());
    let mut names: Vec<String> = found.into_iter().map(|command| command.program).collect();
    names.sort();
    names.dedup();
    let ok = (!names.is_empty()).then(|| DoctorFinding::ok(TOPIC, format!("found: {}", names.join(", "))));
    ok.into_iter().chain(missing.iter().map(not_found)).collect()
}

fn not_found(command: &ConfiguredCommand) -> DoctorFinding {
    let text = format!("{}: {} was not found, or is not executable", command.setting, command.program);
    DoctorFinding::problem(TOPIC, ErrorKind::Unavailable, text).fix("Install it, or correct the command.")
}

fn commands(config: &Config) -> Vec<ConfiguredCommand> {
    let mut found = Vec::new();
    let mut add = |argv: &[String], setting: String| {
        found.extend(argv.first().map(|program| ConfiguredCommand { program: program.clone(), setting }));
    };
    for argv in &config.verify.commands {
        add(argv, "verify.commands".to_owned());
    }
    for (index, one) in config.overrides.iter().enumerate() {
        for argv in one.verify.iter().flatten() {
            add(argv, format!("override[{index}].verify"));
        }
    }
    for event in HookEvent::ALL {
        let argv = config.hooks.argv(event).unwrap_or_default();
        add(argv, format!("hooks.{}", event.name()));
    }
    found.dedup();
    found
}
