//! Runs what must succeed before a step counts as done: each command is dispatched, watched and ended like an attempt.

use super::driver::World as _;
use super::launch;
use super::machine::Event;
use super::prepare::{AttemptInputs, PreparedAttempt};
use super::test_count;
use super::verdict::failure;
use super::world::{Errand, RealWorld};
use crate::agent::Format;
use crate::config::{Done, DoneSignal, PromptBy, Timeouts};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Step, StepSettings};
use crate::report::text::command_line;
use crate::state::{Outcome, SpecState};
use crate::store::attempt_folder;
use crate::store::record::AttemptDir;

/// How much of a command's output is looked at, from its end.
const OUTPUT_MAX: u64 = 1_000_000;
/// Lines of it that go into the next prompt.
const TAIL_LINES: usize = 60;

/// A gate that is under way.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    step: Box<Step>,
    attempt: u32,
    /// The command that runs.
    index: usize,
    /// Tests that ran in those before it.
    tests: u64,
    state: SpecState,
}

impl RealWorld<'_> {
    /// Begins to verify an attempt; its end is an [`Event::Verified`].
    pub(super) fn begin_gate(
        &mut self,
        step: &Step,
        attempt: u32,
        state: &SpecState,
    ) -> Result<Option<Outcome>> {
        let gate = Gate { step: Box::new(step.clone()), attempt, index: 0, tests: 0, state: state.clone() };
        self.gate(gate)
    }

    fn gate(&mut self, gate: Gate) -> Result<Option<Outcome>> {
        let socket = self.launcher.socket()?;
        let Some(plan) = &self.plan else {
            return Err(Error::new(ErrorKind::Internal, "a gate without a plan"));
        };
        let own = &gate.step.settings;
        let settings = StepSettings {
            argv: own.verify[gate.index].clone(),
            resume_argv: None,
            prompt_by: PromptBy::Stdin,
            output: Format::Text,
            timeout: Timeouts {
                task: self.config.verify.timeout,
                idle: std::time::Duration::ZERO,
                first_output: std::time::Duration::ZERO,
                grace: own.timeout.grace,
            },
            done: Done { signal: DoneSignal::Optional, nudges: 0 },
            ..own.clone()
        };
        let step = Step { settings, ..(*gate.step).clone() };
        let dir = self.store.attempt_dir(&step.unit, gate.attempt).verify(gate.index + 1);
        let preparation = AttemptInputs {
            config: self.config,
            store: self.store,
            plan,
            step: &step,
            attempt: gate.attempt,
            state: &gate.state,
            socket: &socket,
            env: &self.env,
            now: self.now(),
        };
        let prepared = PreparedAttempt::make_in(&preparation, dir, "")?;
        let started = self.dispatch(&step, prepared, Vec::new(), Some(Errand::Gate(gate)))?;
        let command = command_line(&step.settings.argv);
        Ok(started.err().map(|tail| Outcome::VerifyFailed { command, tail }))
    }

    /// A command is over: what the gate came to, or nothing yet where there is another one.
    pub(super) fn gate_over(&mut self, dir: &AttemptDir, gate: Gate) -> Option<Event> {
        let facts = attempt_folder::result(dir);
        let command = command_line(&gate.step.settings.verify[gate.index]);
        let output = attempt_folder::said(dir, OUTPUT_MAX);
        if let Some(outcome) = failure(facts.as_ref()) {
            let failure = match outcome {
                Outcome::Cancelled { by } => Outcome::Cancelled { by },
                other => {
                    let tail = tail(&output, facts.as_ref().map_or("", |f| &f.stderr_tail));
                    Outcome::VerifyFailed { command, tail: format!("{other}\n{tail}") }
                }
            };
            return Some(Event::Verified { failure: Some(failure) });
        }
        let tests = gate.tests + test_count::count(&output, facts.as_ref().map_or("", |f| &f.stderr_tail));
        let next = gate.index + 1;
        if next < gate.step.settings.verify.len() {
            return match self.gate(Gate { index: next, tests, ..gate }) {
                Ok(None) => None,
                Ok(failure) => Some(Event::Verified { failure }),
                Err(error) => {
                    let failure = Outcome::VerifyFailed { command, tail: error.to_string() };
                    Some(Event::Verified { failure: Some(failure) })
                }
            };
        }
        let least = u64::from(self.config.verify.min_tests);
        let failure = (tests < least).then(|| Outcome::VerifyFailed {
            command,
            tail: format!("it ran {tests} tests, and verify.min_tests asks for {least}"),
        });
        Some(Event::Verified { failure })
    }
}

/// Ends what an earlier run verified and nobody waits for any more.
pub(super) fn end_old_gates(attempt: &AttemptDir) {
    for number in 1.. {
        let dir = attempt.verify(number);
        if !dir.path().exists() {
            break;
        }
        if attempt_folder::alive(&dir) {
            attempt_folder::end(&dir, launch::OLD_ERRAND);
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
