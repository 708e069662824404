//! The open standard input of an agent that gets what people say while it works.
//!
//! The agent gets its prompt as the first message. When its turn ends and no words wait, its input is closed, and it ends.

use std::io::{PipeWriter, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::screen::WindowScreen;
use crate::agent::sanitise::sanitise_line;
use crate::state::Note;
use crate::store::attempt_dir::AttemptDir;
use crate::store::said_box::SaidBox;

/// How long a turn that was asked for may take to begin. The agent may have heeded the words in the turn before.
const NEXT_TURN: Duration = Duration::from_secs(10);

/// What the feeder hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TurnEvent {
    /// People may have said something.
    Look,
    /// The agent begins a turn.
    Began,
    /// The agent ended a turn.
    Ended,
}

/// Writes to the agent in a thread of its own: an agent that does not read must not stop the others.
#[derive(Debug, Clone)]
pub(super) struct WordsFeeder(Sender<TurnEvent>);

impl WordsFeeder {
    /// Gives the agent its prompt, and then what people say.
    pub(super) fn start(stdin: PipeWriter, prompt: &str, dir: &AttemptDir, screen: WindowScreen) -> Self {
        let (sender, events) = channel();
        let mut input = AgentInput { stdin, said: SaidBox::of(dir), screen };
        let prompt = prompt.to_owned();
        thread::spawn(move || {
            if input.write(&prompt).is_some() {
                input.feed(&events);
            }
        });
        Self(sender)
    }

    /// Passes on what happened.
    pub(super) fn hear(&self, event: TurnEvent) {
        // it is over once the input is closed
        let _ = self.0.send(event);
    }
}

struct AgentInput {
    stdin: PipeWriter,
    said: SaidBox,
    screen: WindowScreen,
}

impl AgentInput {
    /// Until the agent is to end, or is gone.
    fn feed(&mut self, events: &Receiver<TurnEvent>) {
        // words that the turn which ends next may not have heeded
        let mut sent = false;
        let mut between = false;
        loop {
            let event = if between {
                events.recv_timeout(NEXT_TURN)
            } else {
                events.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            let Some(new) = self.pass_on() else { return };
            sent |= new;
            match event {
                Ok(TurnEvent::Look) => {}
                Ok(TurnEvent::Began) => (between, sent) = (false, new),
                Ok(TurnEvent::Ended) if sent => (between, sent) = (true, false),
                Err(RecvTimeoutError::Timeout) if new => {}
                Ok(TurnEvent::Ended) | Err(_) => return,
            }
        }
    }

    /// Gives the agent the words that wait. Returns whether there were any; `None`: the agent does not read any more.
    fn pass_on(&mut self) -> Option<bool> {
        let mut any = false;
        for words in self.said.waiting() {
            if self.said.take(&words.id) {
                if self.write(&message(&words)).is_none() {
                    self.said.give_back(&words.id);
                    return None;
                }
                any = true;
                let by = words.by.as_deref().unwrap_or("someone");
                self.screen.line(format!("✎ {} says: {}", sanitise_line(by), sanitise_line(&words.text)));
            }
        }
        Some(any)
    }

    fn write(&mut self, text: &str) -> Option<()> {
        let message = serde_json::json!({ "type": "user", "message": { "role": "user", "content": text } });
        self.stdin.write_all(format!("{message}\n").as_bytes()).ok()
    }
}

/// What the agent reads.
fn message(words: &Note) -> String {
    format!(
        "A person says this to you while you work:\n\n{}\n\nHeed it in your task, and end with your signal as you were asked to.",
        words.text
    )
}
