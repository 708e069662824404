//! Writes down what happens, and tells it to those who asked for it: a log for programs, standard output, hooks.
//!
//! A hook that must succeed is waited for, since the run may have to end. Any other is called beside the run, in its turn;
//! what it complains of is told as soon as it is known.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::hook_queue::{Call, Calls};
use super::hooks::Caller;
use crate::error::{Error, ErrorKind, Result};
use crate::report::events::{Record, What};
use crate::report::live::span;
use crate::report::text::plural;
use crate::sys::files;

/// How long hooks may hold up the end of a run without a word.
const SOON: Duration = Duration::from_millis(500);

/// Everybody who hears of a run, apart from the person.
pub struct Chronicle {
    /// `events.jsonl`
    path: PathBuf,
    /// Where `--json` wants it, too.
    stream: Option<Box<dyn Write>>,
    caller: Caller,
    /// Calls of hooks beside the run, once there was one.
    calls: Option<Calls>,
    /// Facts of the run for every hook.
    facts: Vec<(&'static str, String)>,
    /// The log cannot be written, and that was told.
    mute: bool,
}

impl Chronicle {
    /// `facts` go to every hook.
    #[must_use]
    pub fn new(
        path: PathBuf,
        stream: Option<Box<dyn Write>>,
        caller: Caller,
        facts: Vec<(&'static str, String)>,
    ) -> Self {
        Self { path, stream, caller, calls: None, facts, mute: false }
    }

    /// Tells all of them; gives what a person should know of it. The log is for reading, so a run goes on without it; a hook
    /// that must succeed and does not is the one error.
    pub fn tell(&mut self, at: Timestamp, what: What) -> Result<Vec<String>> {
        let mut complaints = self.heard();
        let hook = what.hook().filter(|event| self.caller.wants(*event));
        let mut facts = self.facts.clone();
        if hook.is_some() {
            facts.extend(what.facts());
        }
        let line = Record::new(at, what).line();
        if let Err(error) = files::append(&self.path, line.as_bytes(), 0o600)
            && !self.mute
        {
            self.mute = true;
            complaints.push(format!("! events are not kept: {}", error.render().trim_end()));
        }
        if let Some(stream) = &mut self.stream {
            // a reader that is gone is no reason to stop
            let _ = stream.write_all(line.as_bytes()).and_then(|()| stream.flush());
        }
        if let Some(event) = hook {
            self.call(Call { event, facts, json: line })?;
        }
        Ok(complaints)
    }

    fn call(&mut self, call: Call) -> Result<()> {
        if self.caller.hooks.required {
            return self.caller.call(call.event, &call.facts, &call.json).map_err(|why| {
                Error::new(ErrorKind::Hook, why)
                    .hint("Mend the hook, or set hooks.required = false; then run again.")
            });
        }
        let calls =
            match &mut self.calls {
                Some(calls) => calls,
                None => self.calls.insert(Calls::new(self.caller.clone()).map_err(|e| {
                    Error::new(ErrorKind::Internal, "starting the calls of hooks").caused_by(e)
                })?),
            };
        calls.add(call);
        Ok(())
    }

    fn heard(&self) -> Vec<String> {
        complaints(self.calls.as_ref().map_or_else(Vec::new, Calls::complaints))
    }

    /// What to tell a person who waits for the last hooks; nothing where they are over soon.
    pub fn waits_for(&mut self) -> Option<String> {
        let left = self.calls.as_mut().map_or(0, |calls| calls.left_after(SOON));
        let most = span(self.caller.hooks.timeout);
        (left > 0).then(|| {
            format!("… waiting for the end of {}, {most} each at most (hooks.timeout)", plural(left, "hook"))
        })
    }

    /// Waits until every hook that was called is over; gives what a person should know of it.
    pub fn finish(&mut self) -> Vec<String> {
        complaints(self.calls.take().map_or_else(Vec::new, |mut calls| calls.finish()))
    }
}

fn complaints(of_hooks: Vec<String>) -> Vec<String> {
    of_hooks.into_iter().map(|why| format!("! {why}")).collect()
}
