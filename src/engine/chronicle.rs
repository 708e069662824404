//! Writes down what happens, and tells it to those who asked for it: a log for programs, standard output, hooks.

use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;

use super::hooks::Caller;
use crate::error::{Error, Kind, Result};
use crate::report::events::{Record, What};
use crate::sys::files;

/// Everybody who hears of a run, apart from the person.
pub struct Chronicle<'a> {
    /// `events.jsonl`
    path: PathBuf,
    /// Where `--json` wants it, too.
    stream: Option<Box<dyn Write>>,
    caller: Caller<'a>,
    /// Facts of the run for every hook.
    facts: Vec<(&'static str, String)>,
    /// The log cannot be written, and that was told.
    mute: bool,
}

impl<'a> Chronicle<'a> {
    /// `facts` go to every hook.
    #[must_use]
    pub fn new(
        path: PathBuf,
        stream: Option<Box<dyn Write>>,
        caller: Caller<'a>,
        facts: Vec<(&'static str, String)>,
    ) -> Self {
        Self { path, stream, caller, facts, mute: false }
    }

    /// Tells all of them; gives what a person should know of it. The log is for reading, so a run goes on without it; a hook
    /// that must succeed and does not is the one error.
    pub fn tell(&mut self, at: Timestamp, what: What) -> Result<Vec<String>> {
        let mut complaints = Vec::new();
        let hook = what.hook();
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
        if let Some(event) = hook
            && let Err(why) = self.caller.call(event, &facts, &line)
        {
            if self.caller.hooks.required {
                return Err(Error::new(Kind::Human, why)
                    .hint("Mend the hook, or set hooks.required = false; then run again."));
            }
            complaints.push(format!("! {why}"));
        }
        Ok(complaints)
    }
}
