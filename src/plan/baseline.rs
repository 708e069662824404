//! The checks on the untouched tree: which commands of `[verify]` say something before any agent works.

use super::request::SpecInfo;
use super::step::{BaselineChecks, Step, StepSettings};
use super::tmux_names;
use crate::config::Config;

/// The id of these checks among the units. No task has it, since ids begin with a letter or a digit.
pub const BASELINE: &str = "@baseline";

impl BaselineChecks {
    /// The different commands of these steps. One that many steps have runs once, with the settings of the first of them.
    pub(super) fn of<'a>(
        config: &Config,
        spec: &SpecInfo<'_>,
        steps: impl Iterator<Item = &'a Step>,
    ) -> Self {
        let mut found = Self::default();
        for step in steps {
            for command in &step.settings.verify {
                if is_of_a_task(command) {
                    if !found.left_out.contains(command) {
                        found.left_out.push(command.clone());
                    }
                } else if !found.checks.iter().any(|check| check.settings.verify[0] == *command) {
                    found.checks.push(check(config, spec, &step.settings, command));
                }
            }
        }
        found
    }
}

/// Whether a command names the task that it checks, or its files.
fn is_of_a_task(command: &[String]) -> bool {
    command.iter().any(|arg| arg == "{files}" || arg.contains("{id}") || arg.contains("{title}"))
}

fn check(config: &Config, spec: &SpecInfo<'_>, settings: &StepSettings, command: &[String]) -> Step {
    let settings = StepSettings {
        verify: vec![command.to_vec()],
        review: None,
        ..settings.for_check(command.iter().map(|arg| arg.replace("{spec}", spec.name)).collect(), config)
    };
    let window = tmux_names::window(&config.tmux.window, "baseline");
    Step::without_task(BASELINE, "the checks before any agent works", settings, window)
}
