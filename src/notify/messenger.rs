//! What of a run becomes a message: each need once, and the end of a run that worked.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::address::Addresses;
use super::delivery;
use super::message::{Message, MessageEvent, MessageFrame};
use super::outbox::{Outbox, Posted};
use crate::agent::redact::Redactor;
use crate::config::Notify;
use crate::report::needs::{ShownNeed, shown};
use crate::report::spent::spent;
use crate::report::text::plural;
use crate::state::needs::{Need, NeedKind, needs};
use crate::state::{AttemptSums, SpecState};
use crate::sys::digest::digest;
use crate::sys::programs;

/// How long the end of a run waits for its last message, where a machine may be taken away with the run.
const SOON: Duration = Duration::from_millis(800);

/// Writes the messages of a spec, and starts their delivery.
#[derive(Debug)]
pub struct Messenger {
    outbox: Outbox,
    project: String,
    spec: String,
    typed: String,
    redactor: Redactor,
    /// The needs that a person knows of; `None`: not read yet.
    known: Option<BTreeSet<String>>,
    /// The attempts when the run began, or when a message was written last.
    attempts: usize,
}

impl Messenger {
    /// The messages about `spec`, which a person types as `typed`, of a run that begins with `state`.
    #[must_use]
    pub fn new(
        outbox: Outbox,
        project: &str,
        spec: (&str, &str),
        redactor: Redactor,
        state: &SpecState,
    ) -> Self {
        Self {
            outbox,
            project: project.to_owned(),
            spec: spec.0.to_owned(),
            typed: spec.1.to_owned(),
            redactor,
            known: None,
            attempts: attempts(state),
        }
    }

    /// Starts to deliver what an earlier run left, and returns a line for each message that never arrived.
    pub fn begin(&mut self, notify: &Notify) -> Vec<String> {
        let mut lines = self.lost();
        if !notify.is_off() && !self.outbox.waiting().is_empty() {
            lines.extend(self.start(notify));
        }
        lines
    }

    /// Writes a message for each need that is new in `state`. Returns lines about failures: a run continues without them.
    pub fn write_needs(&mut self, notify: &Notify, state: &SpecState, now: Timestamp) -> Vec<String> {
        if notify.is_off() {
            return Vec::new();
        }
        let known = self.known.get_or_insert_with(|| self.outbox.known());
        let all = needs(state);
        let keys: BTreeSet<String> = all.iter().map(key).collect();
        if keys == *known {
            return Vec::new();
        }
        let is_new = all.iter().map(|need| !known.contains(&key(need)));
        let shown = shown(&self.typed, state);
        let new: Vec<(ShownNeed, String)> = shown
            .into_iter()
            .zip(all.iter().map(key))
            .zip(is_new)
            .filter_map(|(one, is_new)| is_new.then_some(one))
            .collect();
        let frame = self.frame(notify, state, now);
        let messages: Vec<(Message, String)> =
            new.iter().map(|(need, key)| (frame.of_need(need), key.clone())).collect();
        if !messages.is_empty() {
            self.attempts = attempts(state);
        }
        let mut lines = self.send(notify, messages);
        if let Err(error) = self.outbox.set_known(&keys) {
            lines.push(format!("! cannot write which needs are known: {}", error.brief()));
        }
        self.known = Some(keys);
        lines
    }

    /// Writes a message that the run is over, unless nothing was tried since the last message. With how it ended, and how many
    /// tasks are to do.
    pub fn write_end(
        &mut self,
        notify: &Notify,
        state: &SpecState,
        now: Timestamp,
        (word, left): (&str, usize),
    ) -> Vec<String> {
        if notify.is_off() || attempts(state) == self.attempts {
            return Vec::new();
        }
        self.attempts = attempts(state);
        let mut message =
            self.frame(notify, state, now).empty(MessageEvent::RunEnded, &format!("run over: {word}"));
        message.reason = format!("{} to do", plural(left, "task"));
        self.send(notify, vec![(message, format!("end {now}"))])
    }

    /// Gives the last messages a moment, and returns lines about those that did not arrive.
    pub fn finish(&self, notify: &Notify) -> Vec<String> {
        if notify.is_off() {
            return Vec::new();
        }
        let until = Instant::now() + SOON;
        let mut waiting = self.outbox.waiting();
        while !waiting.is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
            waiting = self.outbox.waiting();
        }
        let mut lines = self.lost();
        if let Some(first) = waiting.first() {
            let why = first.failure.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
            let count = plural(waiting.len(), "message");
            lines.push(format!(
                "… {count} on the way{why}: tried again for up to 12 hours; `seqorch doctor` says more"
            ));
        }
        lines
    }

    /// A line for each message that was given up, and the end of it.
    fn lost(&self) -> Vec<String> {
        let lost = self.outbox.messages().into_iter().filter(|posted| posted.given_up);
        let line = |posted: Posted| {
            self.outbox.remove(&posted.id);
            let why = posted.failure.unwrap_or_default();
            let (channel, heading) = (posted.channel.name(), posted.message.heading());
            format!("! a message was not delivered, notify.{channel}: {why}\n    {heading}")
        };
        lost.map(line).collect()
    }

    fn frame<'a>(&'a self, notify: &'a Notify, state: &SpecState, now: Timestamp) -> MessageFrame<'a> {
        let sums = state.run.began().map(|began| AttemptSums::since(state, began, now));
        MessageFrame {
            at: now,
            project: &self.project,
            spec: &self.spec,
            typed: &self.typed,
            spent: sums.and_then(|sums| spent(&sums.spent)),
            page: notify.page.as_deref(),
            redactor: &self.redactor,
        }
    }

    fn send(&self, notify: &Notify, messages: Vec<(Message, String)>) -> Vec<String> {
        if messages.is_empty() {
            return Vec::new();
        }
        let mut lines = Vec::new();
        for (message, key) in messages {
            for channel in Addresses::from(notify).channels() {
                let id = digest(format!("{key} {}", channel.name()).as_bytes());
                let message = message.clone();
                let posted = Posted { id, channel, message, tries: 0, failure: None, given_up: false };
                if let Err(error) = self.outbox.put(&posted) {
                    lines.push(format!("! a message cannot be written: {}", error.brief()));
                }
            }
        }
        lines.extend(self.start(notify));
        lines
    }

    fn start(&self, notify: &Notify) -> Option<String> {
        let exe = programs::own_program().ok()?;
        let started = delivery::start(&exe, &self.outbox, &Addresses::from(notify));
        started.err().map(|error| format!("! messages are not delivered: {error}"))
    }
}

fn attempts(state: &SpecState) -> usize {
    state.units.values().map(|unit| unit.attempts.len()).sum()
}

/// What makes a need another one than the last: a task that asks again, or fails again, has a new one.
fn key(need: &Need) -> String {
    let task = need.task.as_deref().unwrap_or_default();
    let since = match need.kind {
        NeedKind::Question | NeedKind::FailedTask => need.since.to_string(),
        _ => String::new(),
    };
    format!("{} {task} {since}", need.kind.word())
}
