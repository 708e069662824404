//! Publishes the events of a run: to the event log, to standard output with `--json`, and to hooks.
//!
//! The run waits for a hook only where `hooks.required` is set, because it ends where such a hook fails. Other hooks run in
//! the background, and their failures are reported as soon as they are known.

use std::io::Write;
use std::time::Duration;

use jiff::Timestamp;

use super::hook_queue::{HookCall, HookQueue};
use super::hooks::Caller;
use crate::error::{Error, ErrorKind, Result};
use crate::report::events::{EventKind, EventRecord};
use crate::report::text::plural;
use crate::report::times::span;
use crate::store::kept_log::KeptLog;

/// How long the end of a run waits for hooks before it says so.
const SOON: Duration = Duration::from_millis(500);

/// Publishes the events of a run to programs.
pub struct Chronicle {
    /// `events.jsonl`.
    log: KeptLog,
    /// Standard output, with `--json`.
    stream: Option<Box<dyn Write>>,
    caller: Caller,
    /// The background queue, once a hook was called.
    calls: Option<HookQueue>,
    /// Variables of the run for all hooks.
    facts: Vec<(&'static str, String)>,
    /// The user knows that the log cannot be written.
    log_failed: bool,
}

impl Chronicle {
    /// A publisher whose hooks all get `facts`.
    #[must_use]
    pub fn new(
        log: KeptLog,
        stream: Option<Box<dyn Write>>,
        caller: Caller,
        facts: Vec<(&'static str, String)>,
    ) -> Self {
        Self { log, stream, caller, calls: None, facts, log_failed: false }
    }

    /// Publishes an event and returns lines for the user about failures. A run continues without its log; the only error is
    /// a required hook that fails.
    pub fn publish(&mut self, at: Timestamp, what: EventKind) -> Result<Vec<String>> {
        let mut complaints = self.failures();
        let hook = what.hook().filter(|event| self.caller.wants(*event));
        let mut facts = self.facts.clone();
        if hook.is_some() {
            facts.extend(what.hook_variables());
        }
        let line = EventRecord::new(at, what).line();
        if let Err(error) = self.log.append("", &line)
            && !self.log_failed
        {
            self.log_failed = true;
            complaints.push(format!("! can't write the event log: {}", error.render().trim_end()));
        }
        if let Some(stream) = &mut self.stream {
            // a reader that is gone does not stop the run
            let _ = stream.write_all(line.as_bytes()).and_then(|()| stream.flush());
        }
        if let Some(event) = hook {
            self.call(HookCall { event, facts, json: line })?;
        }
        Ok(complaints)
    }

    fn call(&mut self, call: HookCall) -> Result<()> {
        if self.caller.hooks.required {
            return self.caller.call(call.event, &call.facts, &call.json).map_err(|why| {
                Error::new(ErrorKind::Hook, why)
                    .hint("Fix the hook, or set hooks.required = false; then run again.")
            });
        }
        let calls =
            match &mut self.calls {
                Some(calls) => calls,
                None => self.calls.insert(HookQueue::new(self.caller.clone()).map_err(|e| {
                    Error::new(ErrorKind::Internal, "starting the calls of hooks").caused_by(e)
                })?),
            };
        calls.add(call);
        Ok(())
    }

    fn failures(&self) -> Vec<String> {
        complaints(self.calls.as_ref().map_or_else(Vec::new, HookQueue::complaints))
    }

    /// A line for the user who waits for the last hooks; `None` where they end soon.
    pub fn waits_for(&mut self) -> Option<String> {
        let left = self.calls.as_mut().map_or(0, |calls| calls.left_after(SOON));
        let most = span(self.caller.hooks.timeout);
        (left > 0).then(|| {
            format!("… waiting for {} to end (each has {most}, hooks.timeout)", plural(left, "hook"))
        })
    }

    /// Waits until all hooks are over and returns lines for the user about failures.
    pub fn finish(&mut self) -> Vec<String> {
        complaints(self.calls.take().map_or_else(Vec::new, |mut calls| calls.finish()))
    }
}

fn complaints(failures: Vec<String>) -> Vec<String> {
    failures.into_iter().map(|why| format!("! {why}")).collect()
}
