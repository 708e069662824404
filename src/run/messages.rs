//! Messages to a person, as a run writes them.

use std::io::{self, Write};

use super::machine::End;
use super::world::RealWorld;
use crate::agent::redact::Redactor;
use crate::config::Config;
use crate::notify::messenger::Messenger;
use crate::notify::outbox::Outbox;
use crate::project::SpecPlace;
use crate::report::event_text;
use crate::report::needs::ShownNeed;
use crate::state::SpecState;
use crate::store::spec_store::Store;
use crate::sys::clock::{Clock, SystemClock};
use crate::sys::variables::text_variables;

/// Who writes the messages of a run that begins with `state`.
fn messenger(place: &SpecPlace, store: &Store, state: &SpecState) -> Messenger {
    let project = place.root.file_name().unwrap_or_default().to_string_lossy();
    let outbox = Outbox::of_spec(&store.folder());
    Messenger::new(outbox, &project, (&place.name, &place.typed), Redactor::new(text_variables()), state)
}

/// Writes the messages about a run that was refused.
pub(super) fn write_refusal(place: &SpecPlace, config: &Config, store: &Store, state: &SpecState) {
    let notify = &config.notify;
    let mut messenger = messenger(place, store, state);
    let mut lines = messenger.write_needs(notify, state, SystemClock.now());
    lines.extend(messenger.finish(notify));
    for line in lines {
        let _ = writeln!(io::stderr(), "{line}");
    }
}

impl RealWorld<'_> {
    /// Sets who writes messages, and has those delivered that an earlier run left.
    pub(super) fn send_messages(&mut self, state: &SpecState) {
        let mut messenger = messenger(self.place, self.store, state);
        let lines = messenger.begin(&self.config.notify);
        self.messenger = Some(messenger);
        self.say_all(&lines);
    }

    /// Writes a message for each need that came up.
    pub(super) fn message_needs(&mut self, state: &SpecState) {
        let now = self.clock.now();
        let Some(messenger) = &mut self.messenger else { return };
        let lines = messenger.write_needs(&self.config.notify, state, now);
        self.say_all(&lines);
    }

    /// Writes the last messages of the run.
    pub(super) fn message_end(&mut self, end: &End, needs: &[ShownNeed], left: usize, state: &SpecState) {
        self.message_needs(state);
        let now = self.clock.now();
        let Some(messenger) = &mut self.messenger else { return };
        if !end.is_by_hand() {
            let (word, _) = event_text::last_word(end, needs, left);
            let lines = messenger.write_end(&self.config.notify, state, now, (&word, left));
            self.say_all(&lines);
        }
    }

    /// Gives the last messages a moment to arrive.
    pub(super) fn finish_messages(&mut self) {
        let lines = self.messenger.take().map(|messenger| messenger.finish(&self.config.notify));
        self.say_all(&lines.unwrap_or_default());
    }

    fn say_all(&mut self, lines: &[String]) {
        for line in lines {
            self.say(line);
        }
    }
}
