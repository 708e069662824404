//! The end of a run: what is saved, and how the person, the files, the hooks and the tmux session learn of it.

use std::time::Duration;

use jiff::Timestamp;

use super::driver::settle;
use super::machine::{End, Event, Machine};
use super::resume::ResumeRequest;
use super::run_repository::RunRepository;
use super::run_texts;
use super::trust;
use super::world::RealWorld;
use crate::config::{Commit, Config};
use crate::error::{Error, ErrorKind, Result};
use crate::git::change::FileChange;
use crate::plan::Plan;
use crate::project::SpecPlace;
use crate::report::events::EventKind;
use crate::report::needs::shown;
use crate::report::run_end::RunEnd;
use crate::report::summary::{self, Summary, UnitLine};
use crate::state::{AttemptSums, SpecState, UnitState, counts, left};
use crate::store::spec_store::Store;
use crate::sys::signals;

/// A run that is about to end.
pub(super) struct RunEnding<'a> {
    pub(super) place: &'a SpecPlace,
    pub(super) config: &'a Config,
    pub(super) store: &'a Store,
    /// The plan that it began with.
    pub(super) plan: &'a Plan,
    /// Where snapshots are taken.
    pub(super) repository: Option<RunRepository>,
    /// The tree of all files when it began.
    pub(super) tree_at_start: Option<String>,
}

impl RunEnding<'_> {
    /// Reports the end that the machine decided. Fails only where a required hook fails.
    pub(super) fn end(&self, end: &End, machine: &mut Machine, world: &mut RealWorld<'_>) -> Result<()> {
        let (place, store) = (self.place, self.store);
        let not_pushed = world.push_at_end(&machine.state);
        let state = &machine.state;
        let changes = self.changed_files(state);
        let (began, took) = (began(world, state), took(world, state));
        // a halted spec is not planned
        let last_plan = world.plan.as_ref().unwrap_or(self.plan);
        let left = counts(last_plan, state).todo;
        let changes = changes.as_deref();
        let events = RunEnd {
            spec: &place.name,
            typed: &place.typed,
            end,
            left,
            took,
            changes,
            not_pushed: not_pushed.as_deref(),
        }
        .records(state);
        let needs = shown(&place.typed, state);
        let units = began.map_or_else(Vec::new, |_| UnitLine::of_run(state, last_plan));
        let now = Timestamp::now();
        let sums = |from: Timestamp| AttemptSums::since(state, from, now);
        let of_unit = |line: &UnitLine| {
            let left = state.units.get(&line.id).map(UnitState::left_out).unwrap_or_default();
            left.into_iter().map(|one| (line.id.clone(), one)).collect::<Vec<_>>()
        };
        let left_out: Vec<_> = units.iter().flat_map(of_unit).collect();
        let pending = run_texts::pending_commit_lines(state, self.config);
        let limits = run_texts::limit_lines(state, self.config);
        let not_pushed = not_pushed.map(|why| format!("not pushed: {why}")).into_iter().collect();
        let notes = [pending, limits, trust::git_lines(state), not_pushed].concat();
        let text = run_texts::summary_text(&Summary {
            spec: &place.name,
            typed: &place.typed,
            remote: state.run.remote(),
            end,
            needs: &needs,
            units: &units,
            calls: began.map(|from| AttemptSums::of_calls(state, from, now)).unwrap_or_default(),
            this_run: began.map(sums).unwrap_or_default(),
            all_runs: sums(Timestamp::MIN),
            counts: counts(last_plan, state),
            took,
            waited: &state.run.waited(),
            notes: &notes,
            changes,
            left_out: &left_out,
        });
        world.say(text.trim_end());
        world.announce_end(end, &needs, left);
        world.message_end(end, &needs, left, &machine.state);
        store.progress(&run_texts::end_entry(&text, end))?;
        self.store.write_summary(&text);
        let published = self.publish(events, &text, machine, world);
        world.finish_hooks();
        world.finish_messages();
        published
    }

    /// Publishes the end to programs; the person has read `text`. A required hook that fails is itself the end of the run,
    /// unless something else needs a person.
    fn publish(
        &self,
        events: Vec<EventKind>,
        text: &str,
        machine: &mut Machine,
        world: &mut RealWorld<'_>,
    ) -> Result<()> {
        let mut published = Ok(());
        for event in events {
            // after a hook that fails, the other events are still published
            published = published.and(world.publish(event));
        }
        if let Err(error) = &published
            && !matches!(self.settle(machine, Event::EndRefused { end: end_by(error) }), Ok(None))
        {
            let typed = &self.place.typed;
            let more = summary::of_error(&self.place.name, &shown(typed, &machine.state));
            self.store.write_summary(&format!("{text}{more}"));
        }
        published
    }

    /// Ends a run that an error ends. `unsaved` is the request that no save has yet.
    pub(super) fn end_with_error(
        &self,
        machine: &mut Machine,
        unsaved: Option<ResumeRequest>,
        world: &mut RealWorld<'_>,
        error: &Error,
    ) {
        let (place, store) = (self.place, self.store);
        let end = end_by(error);
        let saved = store.load().ok().map(|mut state| {
            place.fill_titles(&mut state);
            Box::new(state)
        });
        // the error is reported even if this cannot be saved
        let _ = self.settle(machine, Event::Failed { end: end.clone(), saved, unsaved });
        let state = &machine.state;
        let left = still_left(world.plan.as_ref().unwrap_or(self.plan), state);
        let needs = shown(&place.typed, state);
        self.store.write_summary(&summary::of_error(&place.name, &needs));
        let how = RunEnd {
            spec: &place.name,
            typed: &place.typed,
            end: &end,
            left,
            took: took(world, state),
            changes: None,
            not_pushed: None,
        };
        for event in how.records(state) {
            // the first error is the one to report
            let _ = world.publish(event);
        }
        world.announce_end(&end, &needs, left);
        world.message_end(&end, &needs, left, &machine.state);
        world.finish_hooks();
        world.finish_messages();
    }

    fn settle(&self, machine: &mut Machine, event: Event) -> Result<Option<End>> {
        settle(machine, Timestamp::now(), event, &|state| self.store.save(state))
    }

    /// What changed during the run. An agent that still works has the snapshots to itself.
    fn changed_files(&self, state: &SpecState) -> Option<Vec<FileChange>> {
        let repository = self.repository.as_ref().filter(|_| state.running().is_none())?;
        let boxes = repository.trees().path_of(&self.place.tasks_path());
        let (before, after) = (self.tree_at_start.as_ref()?, repository.look(boxes.as_ref()).ok()?);
        let list = repository.trees().changes(before, &after.tree).ok()?;
        // without commits, the changes of a task lack the tick of its box; so does their sum
        let ticked = boxes.filter(|_| self.config.git.commit == Commit::Off);
        let ticked = ticked
            .filter(|boxes| repository.trees().differs_in_marks(before, &after.tree, boxes).unwrap_or(false));
        let changes = list.iter().filter(|change| Some(&change.path) != ticked.as_ref());
        Some(changes.map(FileChange::from).collect())
    }
}

/// When the run began. A start that did not come to that leaves the last run in the state.
fn began(world: &RealWorld<'_>, state: &SpecState) -> Option<Timestamp> {
    state.run.began().filter(|_| world.worked)
}

/// How long the run took. One that was killed and continued took all the time since it began.
fn took(world: &RealWorld<'_>, state: &SpecState) -> Duration {
    let since = |from| Timestamp::now().duration_since(from).try_into().unwrap_or_default();
    began(world, state).map_or_else(|| world.began.elapsed(), since)
}

/// The end of a run that this error ends.
fn end_by(error: &Error) -> End {
    let reason = error.brief();
    match error.kind() {
        ErrorKind::Hook => End::HookFailed { reason },
        kind => End::Error { reason, exit_code: signals::exit_code(kind) },
    }
}

/// Tasks of a plan that are to do and were not done since it was made.
fn still_left(plan: &Plan, state: &SpecState) -> usize {
    let done = |unit: &str| state.units.get(unit).is_some_and(UnitState::is_done);
    left(plan, state).into_iter().filter(|unit| !done(unit)).count()
}
