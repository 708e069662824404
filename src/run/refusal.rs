//! A run that is refused before its first step. It leaves what a person must do, as a run that ended does: in the state, and for
//! hooks and messages.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;

use super::driver::settle;
use super::event::{Event, Policy};
use super::event_log::Chronicle;
use super::machine::{End, Machine};
use super::messages;
use super::resume::ResumeRequest;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::project::SpecPlace;
use crate::project::current_plan::current_plan;
use crate::report::needs::shown;
use crate::report::run_end::RunEnd;
use crate::report::summary;
use crate::state::counts;
use crate::store::lock::{Holder, RunLock};
use crate::store::spec_store::Store;

/// Why a run does not begin.
pub(super) struct RefusedRun {
    pub(super) error: Error,
    /// Files with changes of others, where these are the reason.
    pub(super) dirty: Vec<String>,
}

impl From<Error> for RefusedRun {
    fn from(error: Error) -> Self {
        Self { error, dirty: Vec::new() }
    }
}

impl RefusedRun {
    /// The end that says what a person must do; `None`: the error says that where the command was typed, and it is none that
    /// waits for them.
    fn end(&self) -> Option<End> {
        let kind = self.error.kind();
        match kind {
            _ if !self.dirty.is_empty() => Some(End::Dirty { files: self.dirty.clone() }),
            ErrorKind::Human | ErrorKind::Unavailable => {
                let more = self.error.details().iter().chain(self.error.hints());
                let lines: Vec<&str> = more.map(String::as_str).collect();
                let reason = format!("{}\n{}", self.error.brief(), lines.join("\n"));
                Some(End::Error { reason: reason.trim_end().to_owned(), exit_code: kind.exit_code() })
            }
            _ => None,
        }
    }
}

/// The run that is refused.
pub(super) struct RefusedPlace<'a> {
    pub(super) place: &'a SpecPlace,
    pub(super) config: &'a Config,
    /// The options that it was given.
    pub(super) options: &'a [String],
    /// How it resumes an earlier run, and the file that handed that over.
    pub(super) resume: Option<&'a ResumeRequest>,
    pub(super) resume_file: Option<&'a Path>,
    pub(super) policy: Policy,
}

impl RefusedPlace<'_> {
    /// Leaves what a person must do. The caller reports the error, also where this cannot be kept. `chronicle` makes what calls
    /// the hooks.
    pub(super) fn leave_need(self, refused: &RefusedRun, chronicle: impl FnOnce(&Store) -> Chronicle) {
        if let Some(end) = refused.end()
            && let Err(error) = self.leave(&end, chronicle)
            && error.kind() != ErrorKind::Locked
        {
            let _ = writeln!(io::stderr(), "note: that the run did not begin is not kept: {}", error.brief());
        }
    }

    fn leave(self, end: &End, chronicle: impl FnOnce(&Store) -> Chronicle) -> Result<()> {
        let (place, config, now) = (self.place, self.config, Timestamp::now());
        let store = place.store().prepared()?;
        let _lock = RunLock::take(&store.run_lock(), &Holder::me(&place.path(), now))?;
        let (_, tasks) = place.good_tasks()?;
        let mut state = store.load()?;
        place.fill_titles(&mut state);
        place.follow(config, &tasks, &mut state);
        if state.running().is_some() {
            // the agent of an earlier run is at work: that run is not over
            return Ok(());
        }
        let mut machine = Machine::new(state, self.policy);
        let (args, unsaved) = (self.options.to_vec(), self.resume.cloned());
        let event = Event::Refused { end: end.clone(), args, unsaved };
        if settle(&mut machine, now, event, &|state| store.save(state))?.is_none() {
            return Ok(());
        }
        self.resume_file.iter().for_each(|path| drop(fs::remove_file(path)));
        let state = &machine.state;
        let needs = shown(&place.typed, state);
        store.write_summary(&summary::of_error(&place.name, &needs));
        messages::write_refusal(place, config, &store, state);
        let left = counts(&current_plan(place, config, &tasks, state, now), state).todo;
        let ended = RunEnd {
            spec: &place.name,
            typed: &place.typed,
            end,
            left,
            took: std::time::Duration::ZERO,
            changes: None,
            not_pushed: None,
        };
        let mut chronicle = chronicle(&store);
        let mut lines = Vec::new();
        for event in ended.records(state) {
            match chronicle.publish(now, event) {
                Ok(more) => lines.extend(more),
                // the run does not begin in any case
                Err(error) => lines.push(format!("! {}", error.brief())),
            }
        }
        lines.extend(chronicle.finish());
        let _ = lines.iter().try_for_each(|line| writeln!(io::stderr(), "{line}"));
        Ok(())
    }
}
