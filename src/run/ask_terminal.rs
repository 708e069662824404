//! `run --ask`: asks on the terminal whether to run a task, and opens the editor with its prompt.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::machine::Event;
use super::requests::request;
use super::terminal_question::typed_line;
use super::world::RealWorld;
use crate::error::{Error, Result};
use crate::plan::Step;
use crate::report::text::sanitise_line;
use crate::state::{AskedChange, AskedTask, PersonRequest};
use crate::sys::interrupt::Interrupt;
use crate::sys::person;

/// What a person can answer.
const ANSWERS: &str = "y run it, s skip it, e edit its prompt and run it, q stop";

impl RealWorld<'_> {
    /// Asks whether to run a unit, once, and returns what follows from an answer that was typed since.
    pub(super) fn ask_on_terminal(&mut self, unit: &str, title: &str) -> Option<Event> {
        if self.question.unit.as_deref() != Some(unit) {
            self.question.unit = Some(unit.to_owned());
            self.put_question(unit, title);
        }
        let line = match typed_line(&mut self.question.typed) {
            Ok(None) => return None,
            Ok(Some(line)) => line,
            // the terminal is gone, or its user ended the input
            Err(_) => return Some(self.answered(Event::Asked(Interrupt::Interrupt))),
        };
        match line.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Some(self.answered(Event::Confirmed { unit: unit.to_owned() })),
            "e" | "edit" => {
                self.question.edits = Some(unit.to_owned());
                Some(self.answered(Event::Confirmed { unit: unit.to_owned() }))
            }
            "q" | "quit" | "stop" => Some(self.answered(Event::Asked(Interrupt::Interrupt))),
            "s" | "skip" => match self.skip_request(unit, title) {
                Ok(skip) => Some(self.answered(Event::Requested(vec![skip]))),
                Err(error) => {
                    self.say(error.render().trim_end());
                    self.put_question(unit, title);
                    None
                }
            },
            _ => {
                self.put_question(unit, title);
                None
            }
        }
    }

    /// The next question is asked again.
    fn answered(&mut self, event: Event) -> Event {
        self.question.unit = None;
        event
    }

    fn put_question(&mut self, unit: &str, title: &str) {
        let step = self.plan.as_ref().and_then(|plan| plan.step_of(unit));
        let who = step.map_or_else(String::new, |step| {
            let model = step.settings.model.as_ref().map_or_else(String::new, |model| format!(" {model}"));
            format!(" with {}{model}", step.settings.backend)
        });
        let text = sanitise_line(&format!("? run task {unit} {title}{who}"));
        let _ = write!(self.out, "{text} ({ANSWERS}): ").and_then(|()| self.out.flush());
    }

    fn skip_request(&self, unit: &str, title: &str) -> Result<PersonRequest> {
        let named = AskedTask { id: unit.to_owned(), title: title.to_owned(), named: true };
        let step = self.plan.as_ref().and_then(|plan| plan.step_of(unit));
        let below = step.into_iter().flat_map(|step| &step.open).filter(|task| task.id != unit);
        let below =
            below.map(|task| AskedTask { id: task.id.clone(), title: task.title.clone(), named: false });
        request(AskedChange::Skip { tasks: std::iter::once(named).chain(below).collect() })
    }

    /// Lets the person edit the prompt of a step, where they asked for that. `false`: the step is not to start.
    pub(super) fn edit_prompt(&mut self, step: &Step, prompt: &Path) -> Result<bool> {
        if self.question.edits.take().as_ref() != Some(&step.unit) {
            return Ok(true);
        }
        let Some(editor) = person::editor() else {
            self.say("! there is no editor: set VISUAL or EDITOR");
            return Ok(false);
        };
        let status =
            person::edit(&editor, prompt).map_err(|e| Error::io("starting", Path::new(&editor), e))?;
        let is_empty = fs::read_to_string(prompt).map_or(true, |text| text.trim().is_empty());
        if !status.success() || is_empty {
            let why = if is_empty { "the prompt is empty" } else { "the editor ended with an error" };
            self.say(&format!("! {why}, so task {} does not start", sanitise_line(&step.unit)));
            return Ok(false);
        }
        Ok(true)
    }
}
