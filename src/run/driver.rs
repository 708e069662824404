//! Performs what [`decide`](super::machine) says, in its order.

use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;

use super::event::RunStart;
use super::machine::{Effect, End, Event, Machine, Notice, Pause};
use crate::error::Result;
use crate::plan::assign::Assigned;
use crate::plan::{Plan, Step};
use crate::state::outcome::CancelledBy;
use crate::state::{Changes, CommitRefused, Learned, Outcome, SpecState};

/// All that a run does to the world, and hears from it. `RealWorld` is the world; a
/// simulation is another.
pub trait World {
    /// The wall-clock time.
    fn now(&self) -> Timestamp;
    /// Hears of an effect before it is performed, for whoever wants to look on.
    fn trace(&mut self, _effect: &Effect) {}
    /// A random number between 0 and 1.
    fn random(&mut self) -> f64;
    /// Writes the state so that it survives a power cut.
    fn save(&mut self, state: &SpecState) -> Result<()>;
    /// Ids whose boxes are ticked in tasks.md now.
    fn ticked(&mut self) -> Result<BTreeSet<String>>;
    /// Reads tasks.md and makes the plan.
    fn plan(&mut self, machine: &Machine) -> Result<(Plan, BTreeSet<String>)>;
    /// Starts an attempt, or says how it ended before it began. Its end comes from [`World::next`].
    fn start(&mut self, step: &Step, attempt: u32, state: &SpecState) -> Result<Option<Ending>>;
    /// Looks for an attempt of an earlier run: waits for it (its end comes from [`World::next`]) or tells its end.
    fn recover(
        &mut self,
        unit: &str,
        attempt: u32,
        step: Option<&Step>,
        state: &SpecState,
    ) -> Result<Option<Ending>>;
    /// Asks an agent who does these units, or says at once that nobody can be asked. The answer comes from
    /// [`World::next`].
    fn assign(&mut self, units: &[String], state: &SpecState) -> Result<Option<Assigned>>;
    /// The tree of all files as it is now; `None` where none is kept.
    fn tree(&mut self) -> Option<String>;
    /// Looks at what a done unit changed, and commits it where that is wanted; an error says why it cannot.
    fn keep(&mut self, unit: &str, state: &SpecState) -> std::result::Result<Option<Changes>, CommitRefused>;
    /// Runs the commands that must succeed, or says why they cannot run; their end comes from [`World::next`].
    fn verify(&mut self, step: &Step, attempt: u32, state: &SpecState) -> Result<Option<Outcome>>;
    /// Ends the agent that works now.
    fn cancel(&mut self);
    /// Ticks boxes in tasks.md; gives those that need no further try.
    fn tick(&mut self, ids: &[String]) -> Vec<String>;
    /// Tells the person, and the logs.
    fn report(&mut self, report: &Notice, state: &SpecState) -> Result<()>;
    /// Waits for what happens next, at most until `pause` is over.
    fn next(&mut self, pause: Option<(Timestamp, &Pause)>) -> Event;
}

/// How an attempt ended, and what else is known of it.
pub type Ending = (Outcome, Learned);

/// Runs a machine to its end.
pub fn drive(machine: &mut Machine, world: &mut dyn World, start: RunStart) -> Result<End> {
    let mut events = VecDeque::from([Event::Begin { ticked: world.ticked()?, start }]);
    let mut pause: Option<(Timestamp, Pause)> = None;
    loop {
        let event = match events.pop_front() {
            Some(event) => event,
            None => world.next(pause.as_ref().map(|(until, why)| (*until, why))),
        };
        if matches!(event, Event::Woke) {
            pause = None;
        }
        let mut effects = machine.on(world.now(), event).into_iter();
        while let Some(effect) = effects.next() {
            world.trace(&effect);
            match effect {
                Effect::Save => world.save(&machine.state)?,
                Effect::Replan => {
                    // whoever plans does not sleep any more, though its time may not have come
                    pause = None;
                    let (plan, ticked) = world.plan(machine)?;
                    let (tree, share) = (world.tree(), world.random());
                    events.push_back(Event::Planned { plan: Box::new(plan), ticked, tree, share });
                }
                Effect::Recover { unit, attempt } => {
                    let (plan, _) = world.plan(machine)?;
                    let step = plan.steps.into_iter().find(|s| s.unit == unit).map(Box::new);
                    let over = world.recover(&unit, attempt, step.as_deref(), &machine.state)?;
                    machine.adopt(step);
                    events.extend(over.map(|ending| ended(world, ending)));
                }
                Effect::Start { step, attempt } => {
                    let over = world.start(&step, attempt, &machine.state)?;
                    events.extend(over.map(|ending| ended(world, ending)));
                }
                Effect::Assign(units) => {
                    let answer = world.assign(&units, &machine.state)?;
                    events.extend(answer.map(Event::Assigned));
                }
                Effect::Keep(unit) => {
                    let kept = world.keep(&unit, &machine.state);
                    if let Some(report) = machine.kept(world.now(), &unit, kept) {
                        world.save(&machine.state)?;
                        world.report(&report, &machine.state)?;
                    }
                }
                Effect::Verify { step, attempt } => {
                    let failure = world.verify(&step, attempt, &machine.state)?;
                    events.extend(failure.map(|failure| Event::Verified { failure: Some(failure) }));
                }
                Effect::Cancel => world.cancel(),
                Effect::Tick(ids) => {
                    let settled = world.tick(&ids);
                    machine.ticked(&settled);
                }
                Effect::Sleep { until, why } => pause = Some((until, why)),
                Effect::Report(report) => {
                    if let Err(error) = world.report(&report, &machine.state) {
                        if effects.as_slice().iter().any(|next| matches!(next, Effect::Start { .. })) {
                            never_started(machine, world);
                        }
                        return Err(error);
                    }
                }
                Effect::Finish(end) => return Ok(end),
            }
        }
    }
}

/// The state says that an attempt runs, and it will not be started: whoever looks must not take it for one at work. Where
/// that cannot be saved, the next run finds it out.
fn never_started(machine: &mut Machine, world: &mut dyn World) {
    let outcome = Outcome::Cancelled { by: CancelledBy::NoOrchestrator };
    let ended = Event::Ended { outcome, learned: Learned::default(), ticked: None };
    // the run ends with the error, so nothing else follows
    drop(machine.on(world.now(), ended));
    let _ = world.save(&machine.state);
}

fn ended(world: &mut dyn World, (outcome, learned): Ending) -> Event {
    // an end must be saved whether tasks.md can be read or not
    Event::Ended { outcome, learned, ticked: world.ticked().ok() }
}
