//! Words of a person for an agent at work. Where they cannot reach it, they become a note.

use std::thread;
use std::time::{Duration, Instant};

use super::notes::{self, NoteStanding, note, units, write_notes};
use super::world::RealWorld;
use crate::config::Config;
use crate::error::Result;
use crate::project::SpecPlace;
use crate::project::current_plan::current_plan;
use crate::state::{AttemptRecord, Note, SpecState};
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_folder;
use crate::store::said_box::SaidBox;
use crate::store::spec_store::Store;
use crate::sys::{process, signals};

/// How long the process of an attempt may take to take words.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What became of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaidStanding {
    /// The agent of this attempt has them.
    Heard(u32),
    /// They are a note, for this reason.
    Noted(NoteStanding, String),
}

/// Says something to the agents of the tasks that `named` names.
pub fn say(
    place: &SpecPlace,
    config: &Config,
    named: &str,
    text: &str,
) -> Result<Vec<(String, SaidStanding)>> {
    let text = notes::checked(text)?;
    let (_, tasks) = place.good_tasks()?;
    let store = place.store();
    let mut state = store.load()?;
    place.follow(config, &tasks, &mut state);
    let mut said = Vec::new();
    for unit in units(config, &tasks, named)? {
        let why = match listener(&store, &state, &unit) {
            Err(why) => why,
            Ok((dir, attempt)) => {
                let plan = current_plan(place, config, &tasks, &state, jiff::Timestamp::now());
                let words = Note { given: Some(attempt), said: true, ..note(&tasks, &plan, &unit, &text)? };
                if is_heard(&dir, &words)? {
                    // the run records them before its next step, too; this one shows them at once
                    store.note_box().put(&words)?;
                    said.push((unit, SaidStanding::Heard(attempt)));
                    continue;
                }
                "its agent has just ended its turn".to_owned()
            }
        };
        let written = write_notes(place, config, &unit, &text)?;
        said.extend(written.into_iter().map(|(unit, at)| (unit, SaidStanding::Noted(at, why.clone()))));
    }
    Ok(said)
}

/// The folder of the attempt whose agent can hear now, and its number; or why there is none.
fn listener(store: &Store, state: &SpecState, unit: &str) -> std::result::Result<(AttemptDir, u32), String> {
    let running = state.running().filter(|(running, _)| *running == unit);
    let alive = |attempt: &AttemptRecord| {
        let dir = store.attempt_dir(state.folder(unit), attempt.number);
        attempt_folder::alive(&dir).then_some(dir)
    };
    let Some((attempt, dir)) = running.and_then(|(_, attempt)| Some((attempt, alive(attempt)?))) else {
        return Err("no agent works on it now".to_owned());
    };
    if !attempt.role.is_work() {
        return Err("a reviewer looks at it now".to_owned());
    }
    if !attempt_folder::attempt(&dir).is_some_and(|file| file.takes_words) {
        let name = &attempt.backend;
        return Err(format!("{name} takes no words while it works (backend.{name}.live_input)"));
    }
    Ok((dir, attempt.number))
}

/// Gives words to an attempt. `false`: its agent does not get them.
fn is_heard(dir: &AttemptDir, words: &Note) -> Result<bool> {
    let said = SaidBox::of(dir);
    said.put(words)?;
    let start = Instant::now();
    while start.elapsed() < PATIENCE && attempt_folder::alive(dir) && !said.has_taken(&words.id) {
        if let Some(holder) = attempt_folder::holder(dir) {
            // it may not catch signals yet, so it gets more than one
            let _ = process::send_signal(holder.pid, holder.started, signals::LOOK);
        }
        thread::sleep(LOOK_AGAIN);
    }
    Ok(said.has_taken(&words.id) || !said.withdraw(&words.id))
}

impl RealWorld<'_> {
    /// Records what people said to the agent of an attempt that is over, and makes notes of what it did not get.
    pub(super) fn record_words(&mut self, dir: &AttemptDir) {
        let said = SaidBox::of(dir);
        let left = said.waiting().into_iter().filter(|words| said.withdraw(&words.id));
        let left = left.map(|words| Note { given: None, said: false, ..words });
        let all: Vec<Note> = said.taken_words().into_iter().chain(left).collect();
        for words in all {
            if let Err(error) = self.store.note_box().put(&words) {
                self.say(error.render().trim_end());
            }
        }
    }
}
