//! Performs the effects of the [`Machine`] in their order. What is saved or reported is the machine's decision, not the
//! driver's.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::event::{BaselineResult, RunStart};
use super::machine::{Effect, End, Event, Machine, Notice, Pause};
use crate::agent::limit::LimitKind;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::BaselineChecks;
use crate::plan::assign::Assigned;
use crate::plan::{Plan, Step};
use crate::state::{
    Changes, CommitRefused, Learned, Note, Outcome, PersonRequest, SeenTasks, SpecState, TreeRecord,
    WaitReason,
};
use crate::sys::interrupt::Interrupt;

/// What a run does to the world, and learns from it. There is the real one and that of the simulation.
pub trait World {
    /// The wall-clock time.
    fn now(&self) -> Timestamp;
    /// Called before each effect, for `-vv`.
    fn trace(&mut self, _effect: &Effect) {}
    /// A random number between 0 and 1.
    fn random(&mut self) -> f64;
    /// Writes the state so that it survives a power cut.
    fn save(&mut self, state: &SpecState) -> Result<()>;
    /// What tasks.md says now.
    fn look(&mut self) -> Result<SeenTasks>;
    /// Reads tasks.md and makes the plan for the state that follows it.
    fn plan(&mut self, machine: &Machine) -> Result<(Plan, SeenTasks)>;
    /// The notes that people wrote for tasks while the run is at work.
    fn notes(&mut self) -> Vec<Note> {
        Vec::new()
    }
    /// The talk of a person with an agent in its session, if there is one now.
    fn talk(&mut self) -> Option<WaitReason> {
        None
    }
    /// What people ask of the run, and no state has yet.
    fn requests(&mut self) -> Vec<PersonRequest>;
    /// Forgets requests with these names, since the state has them.
    fn forget_requests(&mut self, taken: &[String]);
    /// Takes in what people pushed to the branch of the spec, where a push found that. `is_end`: no step is left, so what is
    /// not pushed yet is pushed first.
    fn settle_branch(&mut self, _state: &SpecState, _is_end: bool) -> Result<Option<Event>> {
        Ok(None)
    }
    /// What other runs with the same logins saw of their limits, where it is news.
    fn seen_limits(&mut self, _state: &SpecState) -> Option<Event> {
        None
    }
    /// Looks whether configuration files have changed since the last look. Plans follow what it takes of them:
    /// [`Event::Configured`].
    fn configure(&mut self, _machine: &Machine) -> Option<Event> {
        None
    }
    /// Starts an attempt, or returns how it ended before it began. Its end comes from [`World::next`].
    fn start(&mut self, step: &Step, attempt: u32, state: &SpecState) -> Result<Option<Ending>>;
    /// Looks for an attempt of an earlier run, and for its step in the plan as it is now.
    fn recover(&mut self, unit: &str, attempt: u32, machine: &Machine) -> Result<Recovered>;
    /// Asks an agent who does these units. Returns the answer at once if the agent cannot be asked; else it comes from
    /// [`World::next`].
    fn assign(&mut self, units: &[String], state: &SpecState) -> Result<Option<Assigned>>;
    /// Runs the checks on the untouched tree. Returns what came of them at once if none can start; else that comes from
    /// [`World::next`].
    fn baseline(&mut self, checks: &BaselineChecks, state: &SpecState) -> Result<Option<BaselineResult>>;
    /// A snapshot of all files as they are now; `None` if the configuration asks for none, or there is no repository.
    fn tree(&mut self) -> Result<Option<TreeRecord>>;
    /// Whether nothing but tasks.md differs between two trees.
    fn is_unchanged(&mut self, before: &str, after: &str) -> bool;
    /// Whether a call with the login of this backend succeeded within the last day, in any spec of the project.
    fn login_worked(&self, _backend: &str, _state: &SpecState) -> bool {
        false
    }
    /// Commits of tasks that are not in the history of HEAD any more, as people read them.
    fn lost_commits(&mut self, state: &SpecState) -> Result<Vec<String>>;
    /// Brings the user's index up to date with the commits that it does not have yet. What is missing, and what to do.
    fn catch_up_index(&mut self) -> Result<Option<String>>;
    /// Counts what a done unit changed, and commits it if the configuration says so. The error says why git refused.
    fn keep(&mut self, unit: &str, state: &SpecState) -> std::result::Result<Option<Changes>, CommitRefused>;
    /// Runs the verify commands, or returns why they cannot run; their end comes from [`World::next`].
    fn verify(&mut self, step: &Step, attempt: u32, state: &SpecState) -> Result<Option<Outcome>>;
    /// Ends the agent that works now.
    fn cancel(&mut self);
    /// Ticks the boxes of these tasks in tasks.md, wherever they are there now, and returns those that need no further try.
    fn tick(&mut self, ids: &[String], state: &SpecState) -> Vec<String>;
    /// Opens boxes of these tasks in tasks.md again.
    fn untick(&mut self, ids: &[String], state: &SpecState);
    /// Prints a notice and writes it to the logs.
    fn report(&mut self, report: &Notice, state: &SpecState) -> Result<()>;
    /// A signal that came while the run was at work itself, for instance during a commit.
    fn asked(&mut self) -> Option<Interrupt>;
    /// Waits for what happens next, at most until `pause` is over or the time of `alarm` has come. A pause without an end is
    /// ended by a person.
    fn next(&mut self, pause: Option<(Option<Timestamp>, &Pause)>, alarm: Option<Timestamp>) -> Event;
}

/// How an attempt ended, and what else is known of it.
pub type Ending = (Outcome, Learned);

/// An attempt of an earlier run.
#[derive(Debug)]
pub struct Recovered {
    /// Its step, if the plan still has it.
    pub step: Option<Box<Step>>,
    /// How it ended; `None` if it still works: then its end comes from [`World::next`].
    pub ending: Option<Ending>,
}

/// What is left to do. What follows from an entry comes before all others, so an event is handled as soon as an effect
/// gives it, and its effects are performed before the remaining effects of the same list.
#[derive(Debug, Default)]
struct Agenda(VecDeque<AgendaEntry>);

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the list has only a few entries")]
enum AgendaEntry {
    /// The machine has to hear of it.
    Event(Event),
    /// The world has to do it.
    Effect(Effect),
}

impl Agenda {
    /// Puts these entries, in their order, before all others.
    fn put_first(&mut self, entries: impl DoubleEndedIterator<Item = AgendaEntry>) {
        for entry in entries.rev() {
            self.0.push_front(entry);
        }
    }

    /// Whether a plan comes next, which may start a step.
    fn is_before_a_step(&self) -> bool {
        matches!(
            self.0.front(),
            Some(AgendaEntry::Effect(Effect::Replan) | AgendaEntry::Event(Event::Planned { .. }))
        )
    }
}

/// Runs a machine to its end.
pub fn drive(machine: &mut Machine, world: &mut dyn World, start: RunStart) -> Result<End> {
    let begin = Event::Begin { seen: world.look()?, start };
    let mut driver = Driver { machine, world, pause: None, alarm: None, failed: None };
    let mut agenda = Agenda(VecDeque::from([AgendaEntry::Event(begin)]));
    loop {
        // a stop that is asked for during a commit starts no further agent
        if agenda.is_before_a_step()
            && let Some(what) = driver.world.asked()
        {
            agenda.0.push_front(AgendaEntry::Event(Event::Asked(what)));
        }
        match agenda.0.pop_front() {
            Some(AgendaEntry::Event(mut event)) => {
                driver.look_around(&mut event);
                let effects = driver.machine.on(driver.world.now(), event);
                agenda.put_first(effects.into_iter().map(AgendaEntry::Effect));
            }
            Some(AgendaEntry::Effect(Effect::Finish(end))) => {
                driver.world.trace(&Effect::Finish(end.clone()));
                return Ok(end);
            }
            Some(AgendaEntry::Effect(effect)) => {
                driver.world.trace(&effect);
                let events = match driver.perform(effect) {
                    Ok(events) => events,
                    Err(error) => return Err(driver.failed.unwrap_or(error)),
                };
                if driver.failed.is_some() {
                    agenda.0.clear();
                }
                agenda.put_first(events.into_iter().map(AgendaEntry::Event));
            }
            None => match driver.failed {
                Some(error) => return Err(error),
                None => agenda.0.push_back(AgendaEntry::Event(driver.wait())),
            },
        }
    }
}

/// Handles an event that comes while no world is there: before the run has begun, or after it has ended.
pub fn settle(
    machine: &mut Machine,
    now: Timestamp,
    event: Event,
    save: &dyn Fn(&SpecState) -> Result<()>,
) -> Result<Option<End>> {
    let mut end = None;
    for effect in machine.on(now, event) {
        match effect {
            Effect::Save => save(&machine.state)?,
            Effect::Finish(decided) => end = Some(decided),
            other => unreachable!("{other:?} needs a world"),
        }
    }
    Ok(end)
}

struct Driver<'a> {
    machine: &'a mut Machine,
    world: &'a mut dyn World,
    /// The pause that the run is in, with its end.
    pause: Option<(Option<Timestamp>, Pause)>,
    /// When the machine wants to hear that its time is up.
    alarm: Option<Timestamp>,
    /// The error of a report. It ends the run after what the machine still wants to save.
    failed: Option<Error>,
}

impl Driver<'_> {
    /// The plan of now, and what is known of the work tree; or first what people ask, or changed in the configuration.
    fn replan(&mut self) -> Result<Event> {
        // the machine may plan before the end of a pause
        self.pause = None;
        if let Some(event) = self.world.settle_branch(&self.machine.state, false)? {
            return Ok(event);
        }
        let requests = self.world.requests();
        if !requests.is_empty() {
            return Ok(Event::Requested(requests));
        }
        if let Some(configured) = self.world.configure(self.machine) {
            return Ok(configured);
        }
        if let Some(seen) = self.world.seen_limits(&self.machine.state) {
            return Ok(seen);
        }
        let (plan, seen) = self.world.plan(self.machine)?;
        let behind = self.world.catch_up_index()?;
        let (tree, share) = (self.world.tree()?, self.world.random());
        let is_end = plan.steps.is_empty();
        if is_end && let Some(event) = self.world.settle_branch(&self.machine.state, true)? {
            return Ok(event);
        }
        let lost = if is_end { self.world.lost_commits(&self.machine.state)? } else { Vec::new() };
        let (notes, talk) = (self.world.notes(), self.world.talk());
        Ok(Event::Planned { plan: Box::new(plan), seen, tree, lost, behind, talk, share, notes })
    }

    /// Performs an effect and returns the events that it gives at once.
    fn perform(&mut self, effect: Effect) -> Result<Vec<Event>> {
        let state = &self.machine.state;
        let event = match effect {
            Effect::Save => {
                self.world.save(state)?;
                None
            }
            Effect::Replan => match self.replan() {
                // nothing is planned without what git was asked for
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    let asked = std::iter::from_fn(|| self.world.asked()).map(Event::Asked);
                    return Ok(asked.chain([Event::LookStopped]).collect());
                }
                planned => Some(planned?),
            },
            Effect::Recover { unit, attempt } => {
                let Recovered { step, ending } = self.world.recover(&unit, attempt, self.machine)?;
                let mut events = vec![Event::Recovered { step }];
                events.extend(ending.map(|ending| self.ended(ending)));
                return Ok(events);
            }
            Effect::Start { step, attempt } => {
                let over = self.world.start(&step, attempt, state)?;
                over.map(|ending| self.ended(ending))
            }
            Effect::Assign(units) => {
                let assigned = self.world.assign(&units, state)?;
                assigned.map(|assigned| Event::Assigned { assigned, calls: Vec::new() })
            }
            Effect::Baseline(checks) => self.world.baseline(&checks, state)?.map(Event::Baselined),
            Effect::Keep(unit) => {
                let kept = self.world.keep(&unit, state);
                Some(Event::Kept { unit, kept })
            }
            Effect::Verify { step, attempt } => {
                let failure = self.world.verify(&step, attempt, state)?;
                failure.map(|failure| Event::Verified { failure: Some(failure), after: None })
            }
            Effect::Cancel => {
                self.world.cancel();
                None
            }
            Effect::Tick(ids) => Some(Event::Ticked(self.world.tick(&ids, state))),
            Effect::Untick { unit, ids, words } => {
                self.world.untick(&ids, state);
                Some(Event::Unticked { unit, words })
            }
            Effect::Sleep { until, why } => {
                self.pause = Some((until, why));
                None
            }
            Effect::Alarm(at) => {
                self.alarm = Some(at);
                None
            }
            Effect::Taken(ids) => {
                self.world.forget_requests(&ids);
                None
            }
            Effect::Report(notice) => match self.world.report(&notice, state) {
                Ok(()) => None,
                Err(error) => {
                    self.failed = Some(error);
                    Some(Event::ReportFailed(notice))
                }
            },
            // the loop returns before
            Effect::Finish(_) => None,
        };
        Ok(event.into_iter().collect())
    }

    /// Notes what only the world can say of an end: whether a task that is said to be done has changed anything, and whether
    /// a login that is refused has worked.
    fn look_around(&mut self, event: &mut Event) {
        let Event::Ended { outcome, learned, .. } = event else { return };
        let state = &self.machine.state;
        let Some((unit, attempt)) = state.running() else { return };
        match outcome {
            Outcome::Done => {
                let before = state.units.get(unit).and_then(|unit| unit.before.as_deref());
                let after = learned.after.as_ref().map(|after| after.tree.as_str());
                if let Some((before, after)) = before.zip(after) {
                    learned.unchanged = self.world.is_unchanged(before, after);
                }
            }
            Outcome::Limited { limit: LimitKind::Auth, .. } => {
                learned.login_worked = self.world.login_worked(&attempt.backend, state);
            }
            _ => {}
        }
    }

    fn wait(&mut self) -> Event {
        let event = self.world.next(self.pause.as_ref().map(|(until, why)| (*until, why)), self.alarm);
        match event {
            Event::Woke => self.pause = None,
            Event::TimeUp => self.alarm = None,
            _ => {}
        }
        event
    }

    fn ended(&mut self, (outcome, learned): Ending) -> Event {
        // an end must be saved whether tasks.md can be read or not
        Event::Ended { outcome, learned, seen: self.world.look().ok() }
    }
}
