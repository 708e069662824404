//! What a person asks of a spec whether a run works on it or not: a pause, and tasks to be skipped. A run takes it before its
//! next step; else the state has it at once.

use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::active_run::ActiveRun;
use super::preflight::not_halted;
use super::resume::GivenAnswer;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::project::SpecPlace;
use crate::state::{AskedChange, AskedTask, PersonRequest, SpecState, TakenRequest};
use crate::store::lock::{Holder, RunLock};
use crate::store::spec_store::Store;
use crate::sys::{person, random};

/// How long a run may take to take a request while no agent works.
const TAKEN_WITHIN: Duration = Duration::from_secs(3);
/// Pause between two looks whether it did.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestStanding {
    /// The state has it.
    Taken(Vec<TakenRequest>),
    /// The run that works takes it before its next step. An agent works on this task until then, if one does.
    Pending(Option<String>),
}

/// Asks for a pause. `until`: `None` lasts until a person ends it.
pub fn pause(place: &SpecPlace, until: Option<Timestamp>) -> Result<RequestStanding> {
    ask(place, &request(AskedChange::Pause { until })?)
}

/// Asks a run that works to skip tasks: those that were named, and all below them.
pub fn skip(place: &SpecPlace, config: &Config, named: &[String], ids: &[String]) -> Result<RequestStanding> {
    let (_, tasks) = place.good_tasks()?;
    let mut state = place.store().load()?;
    place.follow(config, &tasks, &mut state);
    if let Some((unit, _)) = state.running().filter(|(unit, _)| ids.iter().any(|id| id == unit)) {
        return Err(Error::new(ErrorKind::Locked, format!("an agent works on task {unit}"))
            .hint("`seqorch stop --now` ends it; then it can be skipped."));
    }
    let target = |id: &String| AskedTask {
        id: id.clone(),
        title: tasks.task(id).map(|task| task.title.clone()).unwrap_or_default(),
        named: named.contains(id),
    };
    ask(place, &request(AskedChange::Skip { tasks: ids.iter().map(target).collect() })?)
}

/// Answers the question of a unit. A run at work has the answer before its next step.
pub fn answer(place: &SpecPlace, given: &GivenAnswer) -> Result<RequestStanding> {
    let GivenAnswer { unit, question, text, .. } = given.clone();
    let state = place.store().load()?;
    if !state.asks(&unit, question.as_deref()) {
        return Err(not_halted(place, &state));
    }
    if place.store().request_box().entries().iter().any(|waiting| waiting.answers(&unit)) {
        let text = format!("task {unit} has an answer already, and the run has not taken it yet");
        return Err(Error::new(ErrorKind::Usage, text).hint("Add to it with `seqorch note`."));
    }
    let title = state.units.get(&unit).map(|known| known.title.clone()).unwrap_or_default();
    let task = AskedTask { id: unit, title, named: true };
    let asked = request(AskedChange::Answered { task, record: None, question, answer: Some(text) })?;
    let standing = ask(place, &asked)?;
    if standing == RequestStanding::Pending(None) {
        wait_until_taken(&place.store(), &asked);
    }
    let store = place.store();
    let state = store.load()?;
    let waits = store.request_box().entries().iter().any(|waiting| waiting.id == asked.id);
    if waits || state.has_answer(&asked) { Ok(standing) } else { Err(not_halted(place, &state)) }
}

/// Waits for a run that begins, or is between two steps: it takes requests within a moment.
fn wait_until_taken(store: &Store, request: &PersonRequest) {
    let begin = Instant::now();
    while begin.elapsed() < TAKEN_WITHIN
        && store.request_box().entries().iter().any(|waiting| waiting.id == request.id)
    {
        thread::sleep(LOOK_AGAIN);
    }
}

/// A request of the person at the keyboard.
pub(super) fn request(asks: AskedChange) -> Result<PersonRequest> {
    let id = random::bits()
        .map_err(|e| Error::new(ErrorKind::Internal, "drawing a random number").caused_by(e))?;
    Ok(PersonRequest { id: format!("{id:016x}"), at: Timestamp::now(), by: Some(person::name()), asks })
}

/// Saves a request, or puts it where the run that works finds it.
pub(super) fn ask(place: &SpecPlace, request: &PersonRequest) -> Result<RequestStanding> {
    let store = place.store();
    store.prepare()?;
    match RunLock::take(&store.run_lock(), &Holder::me(&place.path(), Timestamp::now())) {
        Ok(_lock) => {
            let mut state = store.load()?;
            take_waiting(&store, &mut state);
            let taken = state.take_request(request);
            store.save(&state)?;
            forget_waiting(&store);
            Ok(RequestStanding::Taken(taken))
        }
        Err(error) if error.kind() == ErrorKind::Locked => {
            store.request_box().put(request)?;
            if let Some(run) = ActiveRun::find(&store, "pause")? {
                run.look()?;
            }
            let state = store.load()?;
            Ok(RequestStanding::Pending(state.running().map(|(unit, _)| unit.to_owned())))
        }
        Err(error) => Err(error),
    }
}

/// Takes the requests that no run took. The lock of the spec is held.
pub(super) fn take_waiting(store: &Store, state: &mut SpecState) {
    for request in store.request_box().entries() {
        state.take_request(&request);
    }
}

/// Forgets the requests that the saved state has. The lock of the spec is held.
pub(super) fn forget_waiting(store: &Store) {
    let taken = store.request_box().entries();
    store.request_box().remove(taken.iter().map(|request| request.id.as_str()));
}
