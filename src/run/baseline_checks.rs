//! Runs the checks on the untouched tree, one after another, and puts back what they change. Each one is started, watched
//! and ended like an attempt.

use std::io::{self, Write};

use super::child::{BaselineRun, ChildJob};
use super::event::BaselineResult;
use super::machine::Event;
use super::prepare::PreparedAttempt;
use super::reviewed_files::put_back;
use super::run_repository::RunRepository;
use super::verdict::failure;
use super::verify;
use super::world::RealWorld;
use crate::error::Result;
use crate::plan::BaselineChecks;
use crate::plan::Step;
use crate::plan::baseline::BASELINE;
use crate::project::SpecPlace;
use crate::report::text::{sanitise_line, shown_command};
use crate::state::outcome::CancelledBy;
use crate::state::{FailedCheck, LeftOutCheck, Outcome, SpecState};
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_folder;
use crate::store::spec_store::Store;

impl RealWorld<'_> {
    /// Starts the first check, or returns what came of all of them if none could start.
    pub(super) fn begin_baseline(
        &mut self,
        checks: &BaselineChecks,
        state: &SpecState,
    ) -> Result<Option<BaselineResult>> {
        self.start_baseline_check(BaselineRun {
            checks: checks.checks.clone(),
            number: self.store.next_call(BASELINE),
            index: 0,
            result: BaselineResult::default(),
            state: Box::new(state.clone()),
        })
    }

    /// Starts the check that is next. Returns what came of all of them after the last one.
    fn start_baseline_check(&mut self, mut run: BaselineRun) -> Result<Option<BaselineResult>> {
        while let Some(step) = run.checks.get(run.index).filter(|_| !run.result.cancelled).cloned() {
            let socket = self.launcher.socket()?;
            let inputs = self.inputs(&step, run.number, &run.state, &socket)?;
            let dir = self.store.attempt_dir(BASELINE, run.number).verify(run.index + 1);
            let prepared = PreparedAttempt::make_in(&inputs, dir, "")?;
            let next = BaselineRun { index: run.index + 1, ..run.clone() };
            match self.dispatch(&step, prepared, ChildJob::Baseline(Box::new(run)))? {
                Ok(()) => return Ok(None),
                Err(why) => run = next.without(&step, why),
            }
        }
        self.undo_baseline(&run.state, &mut run.result);
        Ok(Some(run.result))
    }

    /// Judges a check that has ended. `None`: the next one was started.
    pub(super) fn baseline_check_ended(&mut self, dir: &AttemptDir, run: BaselineRun) -> Option<Event> {
        let facts = attempt_folder::result(dir);
        let step = run.checks[run.index].clone();
        let mut run = BaselineRun { index: run.index + 1, ..run };
        match failure(facts.as_ref()) {
            None => {}
            Some(outcome @ Outcome::Cancelled { by: CancelledBy::HangUp | CancelledBy::NoOrchestrator }) => {
                run = run.without(&step, outcome.to_string());
            }
            Some(outcome @ Outcome::Cancelled { .. }) => {
                run = run.without(&step, outcome.to_string());
                run.result.cancelled = true;
            }
            Some(outcome) => {
                let tail = self.tail_of_check(dir, facts.as_ref());
                run.result.failed.push(FailedCheck {
                    argv: step.settings.verify[0].clone(),
                    command: shown_command(&step.settings.argv),
                    how: outcome.to_string(),
                    cause: self.cause_of_failure(dir),
                    tail: tail.trim_end().to_owned(),
                    fixed_by: None,
                });
            }
        }
        let failed = run.result.clone();
        match self.start_baseline_check(run) {
            Ok(result) => result.map(Event::Baselined),
            Err(error) => {
                self.say(error.render().trim_end());
                Some(Event::Baselined(failed))
            }
        }
    }

    /// Puts back what the checks changed: no task asks for it.
    fn undo_baseline(&mut self, state: &SpecState, result: &mut BaselineResult) {
        let before = state.baseline.as_ref().and_then(|baseline| baseline.before.as_deref());
        let Some((before, repository)) = before.zip(self.repository.as_ref()) else { return };
        let Some(after) = self.look_again() else {
            result.unknown_changes = true;
            return;
        };
        match put_back(repository, &self.place.tasks_path(), before, &after.tree) {
            Ok(undone) => result.undone = undone,
            Err(why) => self.say(&format!("! what the checks changed stays: {why}")),
        }
    }
}

impl BaselineRun {
    fn without(mut self, step: &Step, why: String) -> Self {
        self.result.left_out.push(LeftOutCheck { command: shown_command(&step.settings.argv), why });
        self
    }
}

/// Ends the checks of an earlier run that was killed in its baseline, and puts back what they changed, as far as nothing has
/// changed since.
pub(super) fn settle_old_checks(
    place: &SpecPlace,
    store: &Store,
    repository: Option<&RunRepository>,
    state: &SpecState,
) {
    let folder = last_baseline(store);
    verify::end_old_verification(&folder);
    let stopped = state.baseline.as_ref().filter(|baseline| baseline.ended.is_none());
    let before = stopped.and_then(|baseline| baseline.before.as_deref());
    let results = (1..).map(|number| folder.verify(number)).take_while(|dir| dir.path().exists());
    let after = || results.filter_map(|dir| attempt_folder::result(&dir)).last()?.after;
    let Some((repository, before)) = repository.zip(before) else { return };
    let Some(after) = after() else { return };
    let line = match put_back(repository, &place.tasks_path(), before, &after.tree) {
        Ok(undone) if undone.is_empty() => return,
        Ok(undone) => {
            format!(
                "note: checks of the last run were stopped, and what they changed was put back: {}",
                undone.join(", ")
            )
        }
        Err(why) => format!("! what the checks of the last run changed stays: {why}"),
    };
    let _ = writeln!(io::stderr(), "{}", sanitise_line(&line));
}

/// The folder of the checks that ran last.
fn last_baseline(store: &Store) -> AttemptDir {
    store.attempt_dir(BASELINE, store.last_call(BASELINE))
}
