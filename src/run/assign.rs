//! Asks an agent who does which unit. The call is started, watched and ended like an attempt.

use std::path::Path;

use jiff::Timestamp;

use super::child::{AssignmentCall, ChildJob};
use super::conclusion::conclusion;
use super::driver::World as _;
use super::launch;
use super::machine::{Assigned, Event, Notice};
use super::prepare::{AttemptInputs, PreparedAttempt};
use super::sandbox;
use super::verdict::judge;
use super::world::RealWorld;
use crate::agent::{AgentEvent, Format, StreamReader};
use crate::config::{Config, DoneSignal, ModelPrice};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::assign;
use crate::plan::{Plan, SpecInfo};
use crate::state::{AttemptRecord, Outcome, SpecState};
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_folder;
use crate::store::spec_store::Store;

/// Bytes at the end of the output that are searched for an answer.
const ANSWER_MAX: u64 = 4_000_000;

/// Has an agent assign units of a plan without a run, and saves the answer.
pub fn ask_outside_of_a_run(
    world: &mut RealWorld<'_>,
    store: &Store,
    plan: Plan,
    units: &[String],
) -> Result<()> {
    sandbox::check_sandbox(world.place, &world.config, &plan, &world.env)?;
    let mut state = store.load()?;
    settle_old_calls(&world.config, store, &mut state);
    // the plan has the ids of tasks.md now
    world.place.follow(&world.config, &world.place.good_tasks()?.1, &mut state);
    world.plan = Some(plan);
    let mut answer = world.ask(units, &state)?;
    let assigned = loop {
        if let Some(assigned) = answer.take() {
            break assigned;
        }
        match world.wait(None, None) {
            Event::Assigned { assigned, calls } => {
                state.count_calls(calls);
                break assigned;
            }
            Event::Asked(_) => {
                world.cancel();
                // waits for its end; a cancelled call is not repeated
                if let Event::Assigned { calls, .. } = world.wait(None, None) {
                    state.count_calls(calls);
                    store.save(&state)?;
                }
                return Err(Error::new(ErrorKind::Interrupted, "interrupted; nothing was assigned"));
            }
            _ => {}
        }
    };
    state.assign(world.now(), &assigned.by, assigned.entries(), &assigned.missing);
    store.save(&state)?;
    world.report(&Notice::Assigned(assigned), &state)
}

/// Ends the call of an earlier run, whose answer no run waits for, and counts what no state has yet of such calls.
pub fn settle_old_calls(config: &Config, store: &Store, state: &mut SpecState) {
    let last = store.last_call(assign::CALL);
    let dir = store.attempt_dir(assign::CALL, last);
    if last > 0 && attempt_folder::alive(&dir) {
        attempt_folder::end(&dir, launch::OLD_CHILD_GRACE);
    }
    state.count_calls(uncounted_calls(config, store, state, Timestamp::now()));
}

/// The number of the next call. Another machine may have made those that the state has.
fn next_call(store: &Store, state: &SpecState) -> u32 {
    store.next_call(assign::CALL).max(last_counted(state) + 1)
}

fn last_counted(state: &SpecState) -> u32 {
    state.calls.iter().map(|call| call.number).max().unwrap_or(0)
}

/// The calls that are over and that the state does not have, as far as an agent was started for them.
fn uncounted_calls(config: &Config, store: &Store, state: &SpecState, now: Timestamp) -> Vec<AttemptRecord> {
    let last = last_counted(state);
    let mut numbers: Vec<u32> = store.calls(assign::CALL).into_iter().filter(|n| *n > last).collect();
    numbers.sort_unstable();
    let prices = ModelPrice::table(&config.prices);
    let record = |number| {
        let dir = store.attempt_dir(assign::CALL, number);
        let file = attempt_folder::attempt(&dir).filter(|_| dir.lock().exists())?;
        let facts = attempt_folder::result(&dir);
        let (outcome, mut learned) = conclusion(config, &dir, facts.as_ref(), DoneSignal::Optional);
        let asked_model = config.backends.get(&file.backend).and_then(|backend| backend.model.clone());
        // each call begins a session, so its total is its own
        let model = learned.model.as_deref().or(asked_model.as_deref());
        learned.usage = learned.usage.map(|usage| prices.estimate(model, usage));
        let cwd = file.cwd.to_string_lossy().into_owned();
        Some(AttemptRecord {
            number,
            role: file.role,
            backend: file.backend,
            started_at: file.created_at,
            ended_at: Some(facts.map_or(now, |facts| facts.ended_at)),
            outcome: Some(outcome),
            completes: Vec::new(),
            counts: false,
            resumes: None,
            asked_model,
            cwd,
            before: None,
            learned,
        })
    };
    numbers.into_iter().filter_map(record).collect()
}

impl RealWorld<'_> {
    fn spec_info<'a>(&'a self, tasks_path: &'a Path) -> SpecInfo<'a> {
        SpecInfo {
            name: &self.place.name,
            dir: &self.place.dir,
            tasks_path,
            root: &self.place.root,
            inputs: self.plan.as_ref().map_or(&[], |plan| &plan.inputs),
        }
    }

    fn owners(&self) -> Vec<&str> {
        self.config.assign.owners.keys().map(String::as_str).collect()
    }

    /// Reports and starts a call for these units. Returns the answer at once if no agent can be asked.
    pub(super) fn ask(&mut self, units: &[String], state: &SpecState) -> Result<Option<Assigned>> {
        let backend = self.config.assign.backend.clone();
        self.report(&Notice::Assigning { units: units.len(), backend }, state)?;
        self.call(&AssignmentCall { units: units.to_vec(), before: None, state: state.clone() }, &[])
    }

    fn call(&mut self, call: &AssignmentCall, complaints: &[String]) -> Result<Option<Assigned>> {
        let name = &self.config.assign.backend;
        let Some(backend) = self.config.backends.get(name) else {
            return Err(Error::new(
                ErrorKind::Config,
                format!("assign.backend: there is no backend {name:?}"),
            ));
        };
        let step = assign::step(&self.config, self.spec_info(&self.place.tasks_path()), backend);
        if let Some(why) = self.missing(&step) {
            return Ok(Some(self.no_answer(call, vec![why])));
        }
        let socket = self.launcher.socket()?;
        let Some(plan) = &self.plan else {
            return Err(Error::new(ErrorKind::Internal, "a call without a plan"));
        };
        let question = assign::question(
            self.spec_info(&self.place.tasks_path()),
            plan,
            &call.units,
            &self.owners(),
            complaints,
        )?;
        let number = next_call(self.store, &call.state);
        // it changes no file
        let inputs = AttemptInputs { repository: None, ..self.inputs(&step, number, &call.state, &socket)? };
        let prepared = PreparedAttempt::make_with(&inputs, &question)?;
        match self.dispatch(&step, prepared, ChildJob::Assignment(call.clone()))? {
            Ok(()) => Ok(None),
            Err(why) => Ok(Some(self.no_answer(call, vec![why]))),
        }
    }

    /// Reads the answer of a call that has ended. `None`: the answer was not usable, and the agent is asked once more.
    pub(super) fn call_ended(&mut self, dir: &AttemptDir, call: AssignmentCall) -> Option<Event> {
        let calls = uncounted_calls(&self.config, self.store, &call.state, self.now());
        let assigned = self.answer_of(dir, call)?;
        Some(Event::Assigned { assigned, calls })
    }

    fn answer_of(&mut self, dir: &AttemptDir, call: AssignmentCall) -> Option<Assigned> {
        let facts = attempt_folder::result(dir);
        let outcome = facts.as_ref().map_or(Outcome::Lost, |facts| judge(facts, DoneSignal::Optional));
        if matches!(outcome, Outcome::Cancelled { .. }) {
            return Some(self.no_answer(&call, vec![outcome.to_string()]));
        }
        // some CLIs fail after a good answer, so the answer is read in any case
        let assign::AssignmentReading { found: said, mut complaints } =
            assign::read(&self.answer(dir), &call.units, &self.owners());
        let again = call.before.is_some();
        let mut found = call.before.clone().unwrap_or_default();
        found.extend(said);
        if !complaints.is_empty() && !matches!(outcome, Outcome::Done | Outcome::NoSignal) {
            complaints.insert(0, format!("{} {outcome}", self.config.assign.backend));
        }
        if !complaints.is_empty() && !again {
            let text = format!(
                "! the assignment cannot be used, asking once more:\n    {}",
                complaints.join("\n    ")
            );
            self.say(&text);
            let again = AssignmentCall { before: Some(found.clone()), ..call.clone() };
            match self.call(&again, &complaints) {
                Ok(None) => return None,
                Ok(Some(assigned)) => return Some(assigned),
                Err(error) => complaints.push(error.to_string()),
            }
        }
        let missing = call.units.into_iter().filter(|id| !found.contains_key(id)).collect();
        let by = self.config.assign.backend.clone();
        Some(Assigned { by, found, missing, complaints })
    }

    /// The text that the agent wrote, from its output in any format.
    fn answer(&self, dir: &AttemptDir) -> String {
        let printed = attempt_folder::output_tail(dir, ANSWER_MAX);
        let output = self.config.backends.get(&self.config.assign.backend).map(|b| b.output);
        let format = output.unwrap_or(Format::Text);
        let mut words = String::new();
        let mut on = |event: AgentEvent| match event {
            AgentEvent::Text { text, continues } => {
                if !continues {
                    words.push('\n');
                }
                words.push_str(&text);
            }
            AgentEvent::End { text: Some(text), .. } => {
                words.push('\n');
                words.push_str(&text);
            }
            _ => {}
        };
        let mut reader = StreamReader::new(format);
        reader.feed(printed.as_bytes(), &mut on);
        reader.finish(&mut on);
        words
    }

    /// The result of a call without a usable answer: what the call before it gave.
    fn no_answer(&self, call: &AssignmentCall, complaints: Vec<String>) -> Assigned {
        let found = call.before.clone().unwrap_or_default();
        let missing = call.units.iter().filter(|id| !found.contains_key(*id)).cloned().collect();
        Assigned { by: self.config.assign.backend.clone(), found, missing, complaints }
    }
}
