//! Asks an agent who does which unit: a call that is dispatched, watched and ended like an attempt.

use std::collections::BTreeMap;
use std::fs;

use super::driver::World as _;
use super::launch;
use super::machine::{Assigned, Event, Notice};
use super::prepare::{AttemptInputs, PreparedAttempt};
use super::verdict::judge;
use super::world::{Current, Errand, RealWorld};
use crate::agent::{AgentEvent, Format, Reader};
use crate::config::DoneSignal;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::assign::{self, Assignment};
use crate::plan::{Plan, SpecInfo};
use crate::state::{Outcome, SpecState};
use crate::store::attempt_folder;
use crate::store::record::AttemptDir;
use crate::store::spec_store::Store;

/// How much of an answer is looked at, from its end.
const ANSWER_MAX: u64 = 4_000_000;
/// Calls whose folders are kept.
const KEPT: u32 = 20;

/// A call that is under way.
#[derive(Debug, Clone)]
pub(super) struct Call {
    units: Vec<String>,
    /// It is the second one: what was wrong with the first was said, and this of it could be used.
    before: Option<BTreeMap<String, Assignment>>,
    state: SpecState,
}

/// Asks about units of a plan while nothing runs, and saves the answer.
pub fn ask_outside_of_a_run(
    world: &mut RealWorld<'_>,
    store: &Store,
    plan: Plan,
    units: &[String],
) -> Result<()> {
    let mut state = store.load()?;
    world.plan = Some(plan);
    let mut answer = world.ask(units, &state)?;
    let assigned = loop {
        if let Some(assigned) = answer.take() {
            break assigned;
        }
        match world.wait(None) {
            Event::Assigned(assigned) => break assigned,
            Event::Asked(_) => {
                world.cancel();
                // its end comes, and then nothing is asked again
                let _ = world.wait(None);
                return Err(Error::new(ErrorKind::Interrupted, "interrupted; nothing was assigned"));
            }
            _ => {}
        }
    };
    state.assign(world.now(), &assigned.by, assigned.entries(), &assigned.missing);
    store.save(&state)?;
    world.report(&Notice::Assigned(assigned), &state)
}

impl RealWorld<'_> {
    fn spec_info(&self) -> SpecInfo<'_> {
        SpecInfo {
            name: &self.place.name,
            dir: &self.place.dir,
            root: &self.place.root,
            inputs: self.plan.as_ref().map_or(&[], |plan| &plan.inputs),
        }
    }

    fn owners(&self) -> Vec<&str> {
        self.config.assign.owners.keys().map(String::as_str).collect()
    }

    /// Starts a call for these units.
    pub(super) fn ask(&mut self, units: &[String], state: &SpecState) -> Result<Option<Assigned>> {
        let backend = self.config.assign.backend.clone();
        self.report(&Notice::Assigning { units: units.len(), backend }, state)?;
        self.call(&Call { units: units.to_vec(), before: None, state: state.clone() }, &[])
    }

    fn call(&mut self, call: &Call, complaints: &[String]) -> Result<Option<Assigned>> {
        let name = &self.config.assign.backend;
        let Some(backend) = self.config.backends.get(name) else {
            return Err(Error::new(
                ErrorKind::Config,
                format!("assign.backend: there is no backend {name:?}"),
            ));
        };
        let step = assign::step(self.config, self.spec_info(), backend);
        if let Some(why) = self.missing(&step) {
            return Ok(Some(self.nothing(call, vec![why])));
        }
        let socket = self.launcher.socket()?;
        let Some(plan) = &self.plan else {
            return Err(Error::new(ErrorKind::Internal, "a call without a plan"));
        };
        let question = assign::question(self.spec_info(), plan, &call.units, &self.owners(), complaints)?;
        let number = self.next_call();
        let preparation = AttemptInputs {
            config: self.config,
            store: self.store,
            plan,
            step: &step,
            attempt: number,
            state: &call.state,
            socket: &socket,
            env: &self.env,
            now: self.now(),
        };
        let prepared = PreparedAttempt::make_with(&preparation, &question)?;
        match self.dispatch(&step, prepared, Vec::new(), Some(Errand::Call(call.clone())))? {
            Ok(()) => Ok(None),
            Err(why) => Ok(Some(self.nothing(call, vec![why]))),
        }
    }

    /// Calls are numbered on and on; the oldest folders go.
    fn next_call(&self) -> u32 {
        let number = |n: u32| self.store.attempt_dir(assign::CALL, n);
        let folder = number(1).path().parent().map(ToOwned::to_owned);
        let names = folder.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
        let numbers: Vec<u32> = names.filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
        let last = numbers.iter().copied().max().unwrap_or(0);
        for old in numbers.iter().copied().filter(|n| n + KEPT <= last) {
            let _ = fs::remove_dir_all(number(old).path());
        }
        last + 1
    }

    /// Ends what an earlier run asked and nobody waits for any more.
    pub fn end_old_calls(&self) {
        let last = self.next_call().saturating_sub(1);
        let dir = self.store.attempt_dir(assign::CALL, last);
        if last > 0 && attempt_folder::alive(&dir) {
            attempt_folder::end(&dir, launch::OLD_ERRAND);
        }
    }

    /// A call is over: what it came to, or nothing yet where it was asked once more.
    pub(super) fn called(&mut self, dir: &AttemptDir, call: Call) -> Option<Event> {
        let facts = attempt_folder::result(dir);
        let outcome = facts.as_ref().map_or(Outcome::Lost, |facts| judge(facts, DoneSignal::Optional));
        if matches!(outcome, Outcome::Cancelled { .. }) {
            return Some(Event::Assigned(self.nothing(&call, vec![outcome.to_string()])));
        }
        // some CLIs fail after a good answer, so it is looked at in any case
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
            let again = Call { before: Some(found.clone()), ..call.clone() };
            match self.call(&again, &complaints) {
                Ok(None) => return None,
                Ok(Some(nothing)) => return Some(Event::Assigned(nothing)),
                Err(error) => complaints.push(error.to_string()),
            }
        }
        let missing = call.units.into_iter().filter(|id| !found.contains_key(id)).collect();
        let by = self.config.assign.backend.clone();
        Some(Event::Assigned(Assigned { by, found, missing, complaints }))
    }

    /// The agent's own words, whatever its output's format is.
    fn answer(&self, dir: &AttemptDir) -> String {
        let printed = attempt_folder::said(dir, ANSWER_MAX);
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
        let mut reader = Reader::new(format);
        reader.feed(printed.as_bytes(), &mut on);
        reader.finish(&mut on);
        words
    }

    /// What there is when this call comes to nothing.
    fn nothing(&self, call: &Call, complaints: Vec<String>) -> Assigned {
        let found = call.before.clone().unwrap_or_default();
        let missing = call.units.iter().filter(|id| !found.contains_key(*id)).cloned().collect();
        Assigned { by: self.config.assign.backend.clone(), found, missing, complaints }
    }

    /// The errand that is under way, if any.
    pub(super) fn take_errand(&mut self) -> Option<(AttemptDir, Errand)> {
        let errand = self.current.as_mut()?.errand.take()?;
        self.current.take().map(|Current { dir, .. }| (dir, errand))
    }
}
