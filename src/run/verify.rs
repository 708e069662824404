//! Runs the verify commands of a step. Each one is started, watched and ended like an attempt.

use std::path::Path;

use super::child::{ChildJob, Verification};
use super::launch;
use super::machine::Event;
use super::prepare::PreparedAttempt;
use super::test_count;
use super::verdict::failure;
use super::world::RealWorld;
use crate::error::Result;
use crate::plan::Step;
use crate::plan::argv::fill;
use crate::report::text::{sanitise_line, shown_command};
use crate::state::{CauseSearch, Outcome, SpecState};
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_folder;
use crate::store::attempt_result::AttemptResult;
use crate::sys::programs::is_of_machine;

/// Bytes at the end of a command's output that are read.
const OUTPUT_MAX: u64 = 1_000_000;
/// Lines of the output that the next prompt repeats.
const TAIL_LINES: usize = 60;

impl RealWorld<'_> {
    /// Starts the first verify command of an attempt, or returns why it cannot start.
    pub(super) fn begin_verification(
        &mut self,
        step: &Step,
        attempt: u32,
        state: &SpecState,
    ) -> Result<Option<Outcome>> {
        if let Some(remote) = self.remote {
            remote.note_checks(step, attempt);
        }
        let mut step = step.clone();
        let files = self.changed_files(&step, state);
        let values =
            [("{id}", step.unit.as_str()), ("{title}", step.title.as_str()), ("{spec}", &self.place.name)];
        step.settings.verify =
            step.settings.verify.iter().map(|command| filled(command, &values, &files)).collect();
        let run = Verification { step: Box::new(step), attempt, index: 0, tests: 0, state: state.clone() };
        self.start_command(run)
    }

    /// The files that the task of a step has changed, as its commands can name them, if one of them asks for that.
    fn changed_files(&mut self, step: &Step, state: &SpecState) -> Vec<String> {
        let asked = step.settings.verify.iter().flatten().any(|arg| arg == FILES);
        let Some(repository) = self.repository.clone().filter(|_| asked) else { return Vec::new() };
        let before = state.units.get(&step.unit).and_then(|unit| unit.before.as_deref());
        let Some((before, now)) = before.zip(self.look_again()) else { return Vec::new() };
        let trees = repository.trees();
        let tasks = trees.path_of(&self.place.tasks_path());
        let top = repository.top();
        // a file that is gone cannot be checked
        let changed = trees.changes(before, &now.tree).unwrap_or_default().into_iter();
        let there = changed.filter(|change| change.after.exists() && Some(&change.path) != tasks.as_ref());
        let cwd = std::fs::canonicalize(&step.settings.cwd).unwrap_or_else(|_| step.settings.cwd.clone());
        let mut names = Vec::new();
        for change in there {
            let path = top.join(change.path.as_path());
            match path.strip_prefix(&cwd).unwrap_or(&path).to_str() {
                // no name may be taken for an option
                Some(name) if name.starts_with('-') => names.push(format!("./{name}")),
                Some(name) => names.push(name.to_owned()),
                // what commands get is text, and another name would be another file
                None => self.say(&format!(
                    "! not in {FILES}, because its name is not UTF-8: {}",
                    sanitise_line(&change.path.to_string())
                )),
            }
        }
        names
    }

    fn start_command(&mut self, run: Verification) -> Result<Option<Outcome>> {
        let socket = self.launcher.socket()?;
        let own = &run.step.settings;
        let settings = own.for_check(own.verify[run.index].clone(), &self.config);
        let step = Step { settings, ..(*run.step).clone() };
        let dir = self.store.attempt_dir(run.state.folder(&step.unit), run.attempt).verify(run.index + 1);
        let inputs = self.inputs(&step, run.attempt, &run.state, &socket)?;
        let prepared = PreparedAttempt::make_in(&inputs, dir, "")?;
        let started = self.dispatch(&step, prepared, ChildJob::Verification(run))?;
        let command = shown_command(&step.settings.argv);
        Ok(started.err().map(|tail| Outcome::VerifyFailed { command, tail, cause: None }))
    }

    /// Judges a verify command that has ended. `None`: the next one was started.
    pub(super) fn verify_command_ended(&mut self, dir: &AttemptDir, run: Verification) -> Option<Event> {
        let facts = attempt_folder::result(dir);
        let after = facts.as_ref().and_then(|facts| facts.after.clone()).or_else(|| self.look_after(dir));
        self.remember_look(facts.as_ref());
        let command = shown_command(&run.step.settings.verify[run.index]);
        let output = self.redactor().redact(&attempt_folder::output_tail(dir, OUTPUT_MAX));
        if let Some(outcome) = failure(facts.as_ref()) {
            let (argv, cwd) = (&run.step.settings.verify[run.index], &run.step.settings.cwd);
            let path = std::env::var_os("PATH");
            let failure = match outcome {
                Outcome::Cancelled { by } => Outcome::Cancelled { by },
                Outcome::Unavailable { why } if is_of_machine(&argv[0], path.as_deref(), cwd) => {
                    Outcome::Unchecked { command, why }
                }
                other => {
                    let tail = self.tail_of_check(dir, facts.as_ref());
                    let cause = self.cause_of_failure(dir);
                    Outcome::VerifyFailed { command, tail: format!("{other}\n{tail}"), cause }
                }
            };
            return Some(Event::Verified { failure: Some(failure), after });
        }
        let tests = run.tests + test_count::count(&output, facts.as_ref().map_or("", |f| &f.stderr_tail));
        let next = run.index + 1;
        if next < run.step.settings.verify.len() {
            return match self.start_command(Verification { index: next, tests, ..run }) {
                Ok(None) => None,
                Ok(failure) => Some(Event::Verified { failure, after }),
                Err(error) => {
                    let failure = Outcome::VerifyFailed { command, tail: error.to_string(), cause: None };
                    Some(Event::Verified { failure: Some(failure), after })
                }
            };
        }
        let least = u64::from(self.config.verify.min_tests);
        let failure = (tests < least).then(|| Outcome::VerifyFailed {
            command,
            tail: format!("it ran {tests} tests, and verify.min_tests asks for {least}"),
            cause: None,
        });
        Some(Event::Verified { failure, after })
    }
}

impl RealWorld<'_> {
    /// The last lines that a check printed.
    pub(super) fn tail_of_check(&self, dir: &AttemptDir, facts: Option<&AttemptResult>) -> String {
        let output = self.redactor().redact(&attempt_folder::output_tail(dir, OUTPUT_MAX));
        tail(&output, facts.map_or("", |facts| &facts.stderr_tail))
    }

    /// The line that names why a check failed, in all that it printed.
    pub(super) fn cause_of_failure(&self, dir: &AttemptDir) -> Option<String> {
        let search = |log: &Path| {
            let mut search = CauseSearch::default();
            // what cannot be read names no cause
            let _ = attempt_folder::each_line(log, |line| search.add(line));
            search
        };
        search(&dir.output()).cause(search(&dir.stderr()), &self.redactor())
    }
}

/// The argument that stands for the files that a task changed.
const FILES: &str = "{files}";

/// A command with the values of its task. Each value is filled in once, so that what looks like a placeholder inside a
/// title stays.
fn filled(command: &[String], values: &[(&str, &str)], files: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    for arg in command {
        if arg == FILES {
            all.extend(files.iter().cloned());
        } else {
            all.push(fill(arg, values));
        }
    }
    all
}

/// Ends the verify commands of an earlier run, whose results no run waits for.
pub(super) fn end_old_verification(attempt: &AttemptDir) {
    for number in 1.. {
        let dir = attempt.verify(number);
        if !dir.path().exists() {
            break;
        }
        if attempt_folder::alive(&dir) {
            attempt_folder::end(&dir, launch::OLD_CHILD_GRACE);
        }
    }
}

/// The last lines of stdout and stderr.
fn tail(output: &str, stderr: &str) -> String {
    let last = |text: &str, lines: usize| {
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    };
    let both = [last(output, TAIL_LINES), last(stderr, TAIL_LINES / 2)];
    both.into_iter().filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join("\n")
}
