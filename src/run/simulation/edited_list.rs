//! A list of tasks that people and agents edit.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::scenario::settings;
use super::words::word;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::spec::{self, Dialect, TaskFile};
use crate::state::{SeenTasks, SpecState};
use crate::sys::dice::Dice;

/// What a list looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ListForm {
    /// `- [ ] 1. Text`
    Numbered,
    /// `- [ ] Text`, in two sections.
    Bare,
    /// `### Task 1: Text`
    WithoutBoxes,
}

/// One line of the list. `task` is who it is, whatever its text and number.
#[derive(Debug, Clone)]
pub(super) struct ListLine {
    pub(super) task: usize,
    pub(super) number: u32,
    pub(super) text: String,
    pub(super) ticked: bool,
    /// It was split from a task that an agent had been given, so it was worked on as a part of it.
    pub(super) was_part: bool,
}

/// A list of tasks that people and agents edit, and a run of it.
pub(super) struct EditedList {
    pub(super) dice: Dice,
    pub(super) config: Config,
    pub(super) form: ListForm,
    pub(super) lines: Vec<ListLine>,
    /// Before this line the second section begins.
    pub(super) section: usize,
    pub(super) disk: Option<String>,
    pub(super) tasks: usize,
    pub(super) number: u32,
    /// The texts that were given to agents, and whose they were.
    pub(super) dispatched: Vec<(usize, String)>,
    /// Tasks that a person opened again, by how often.
    pub(super) opened: BTreeMap<usize, usize>,
    pub(super) at_work: bool,
    /// When the last attempt was decided that an agent worked in.
    pub(super) reached: Option<Timestamp>,
    pub(super) killed: bool,
    pub(super) counts: BTreeMap<&'static str, usize>,
    pub(super) log: Vec<String>,
}

const VERBS: [&str; 6] = ["Write", "Draw", "Check", "Remove", "Measure", "Describe"];
const THINGS: [&str; 8] = ["parser", "icons", "cache", "login page", "index", "schema", "mailer", "queue"];
const PLACES: [&str; 6] = ["browser", "server", "archive", "worker", "terminal", "gateway"];

impl EditedList {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let form =
            dice.pick(&[ListForm::Numbered, ListForm::Numbered, ListForm::Bare, ListForm::WithoutBoxes]);
        let mut list = Self {
            config: settings(|c| c.run.delay = std::time::Duration::ZERO),
            dice,
            form,
            lines: Vec::new(),
            section: 2,
            disk: None,
            tasks: 0,
            number: 0,
            dispatched: Vec::new(),
            opened: BTreeMap::new(),
            at_work: false,
            reached: None,
            killed: false,
            counts: BTreeMap::new(),
            log: Vec::new(),
        };
        for _ in 0..3 + list.dice.roll(5) {
            list.add(usize::MAX);
        }
        list
    }

    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn line(&mut self, text: String) -> ListLine {
        self.tasks += 1;
        self.number += 1;
        ListLine { task: self.tasks, number: self.number, text, ticked: false, was_part: false }
    }

    /// A new task with a text that no other one ever had.
    fn add(&mut self, at: usize) {
        let text = format!(
            "{} the {} of {} {}, then the {}",
            self.dice.pick(&VERBS),
            self.dice.pick(&THINGS),
            self.dice.pick(&PLACES),
            word(self.tasks),
            word(1000 + self.tasks),
        );
        let line = self.line(text);
        self.lines.insert(at.min(self.lines.len()), line);
    }

    fn text(&self) -> String {
        let mut text = String::from("# Plan\n\n## Tasks of the first week\n\n");
        for (at, line) in self.lines.iter().enumerate() {
            if self.form == ListForm::Bare && at == self.section {
                text.push_str("\n## Tasks of the second week\n\n");
            }
            let mark = if line.ticked { 'x' } else { ' ' };
            let line = match self.form {
                ListForm::Numbered => format!("- [{mark}] {}. {}\n", line.number, line.text),
                ListForm::Bare => format!("- [{mark}] {}\n", line.text),
                ListForm::WithoutBoxes => format!("### Task {}: {}\n\n", line.number, line.text),
            };
            text.push_str(&line);
        }
        text
    }

    pub(super) fn parsed(&self) -> TaskFile {
        let file =
            spec::parse_as(&self.text(), (self.form == ListForm::WithoutBoxes).then_some(Dialect::Headings));
        assert!(!file.has_errors() && file.tasks.len() == self.lines.len(), "{}\n{file:?}", self.text());
        file
    }

    pub(super) fn load(&self) -> SpecState {
        self.disk.as_ref().map_or_else(SpecState::default, |text| serde_json::from_str(text).unwrap())
    }

    fn renumber(&mut self) {
        for (line, number) in self.lines.iter_mut().zip(1..) {
            line.number = number;
        }
        self.number = u32::try_from(self.lines.len()).unwrap();
    }

    /// One edit by somebody.
    pub(super) fn edit(&mut self, by_person: bool) {
        let size = self.lines.len();
        if size == 0 {
            return self.add(0);
        }
        let at = self.dice.roll(u32::try_from(size).unwrap()) as usize;
        let (what, at) = (self.dice.roll(9), at);
        match what {
            0 => {
                self.count("inserted");
                self.add(at);
            }
            1 if size > 2 => {
                self.count("deleted");
                self.lines.remove(at);
            }
            2 => {
                self.count("swapped");
                let other = self.dice.roll(u32::try_from(size).unwrap()) as usize;
                self.lines.swap(at, other);
            }
            3 => {
                self.count("numbers swapped");
                let other = self.dice.roll(u32::try_from(size).unwrap()) as usize;
                let number = self.lines[at].number;
                self.lines[at].number = std::mem::replace(&mut self.lines[other].number, number);
            }
            4 => {
                self.count("reworded");
                let text = &mut self.lines[at].text;
                *text = match self.dice.roll(4) {
                    0 => format!("**{}**", text.replace("**", "")),
                    1 => text.to_uppercase(),
                    2 if text.len() < 140 => format!("{text} with great care"),
                    _ => format!("{}!", text.trim_end_matches('!')),
                };
            }
            5 => {
                // the first half keeps its box, and the second one is new work
                let Some((first, second)) = self.lines[at].text.split_once(", then the ") else { return };
                let (first, second) = (first.to_owned(), format!("Then the {second}"));
                self.count("split");
                self.lines[at].text = first;
                let was_part = self.dispatched.iter().any(|(task, _)| *task == self.lines[at].task);
                let line = ListLine { was_part, ..self.line(second) };
                self.lines.insert(at + 1, line);
            }
            6 if size > 2 => {
                // new work in the place of other work, and under its number
                self.count("replaced");
                let before = self.lines.remove(at);
                self.add(at);
                // work that says half of the same in the same place would be the same work in other words
                while about(&self.lines[at].text) == about(&before.text) {
                    self.lines.remove(at);
                    self.add(at);
                }
                self.lines[at].number = before.number;
            }
            7 if by_person && !self.at_work && self.lines[at].ticked => {
                self.count("opened again");
                self.lines[at].ticked = false;
                *self.opened.entry(self.lines[at].task).or_default() += 1;
            }
            _ => {
                self.count("renumbered");
                self.renumber();
            }
        }
        let who = if by_person { "a person" } else { "the agent" };
        self.log.push(format!("{who} edits ({what} at {at}):\n{}", self.text()));
    }

    pub(super) fn edits(&mut self, by_person: bool) {
        if self.tasks > 25 {
            return;
        }
        for _ in 0..self.dice.pick(&[0, 0, 1, 1, 2, 4]) {
            self.edit(by_person);
        }
        if self.dice.one_in(3) {
            self.renumber();
        }
    }

    pub(super) fn dies(&mut self) -> Result<()> {
        if self.dice.one_in(25) {
            self.killed = true;
            self.count("kills");
            self.log.push("the orchestrator is killed".to_owned());
            return Err(Error::new(ErrorKind::Internal, "killed"));
        }
        Ok(())
    }

    /// A person decides what a doubtful entry is, as `seqorch mark` does.
    pub(super) fn decide(&mut self, file: &TaskFile) {
        let mut state = self.load();
        let seen = SeenTasks::of(file, true);
        state.follow(&seen, state.running().is_some());
        let ids: Vec<String> = state.doubtful().iter().map(|task| task.id.clone()).collect();
        for id in ids {
            self.count("decided by a person");
            let at = file.tasks.iter().position(|task| task.id == id).unwrap();
            let was_done = self.dispatched.iter().any(|(task, _)| *task == self.lines[at].task);
            state.decided(std::slice::from_ref(&id), None);
            if !was_done {
                state.completed.retain(|done| *done != id);
            }
        }
        self.disk = Some(serde_json::to_string(&state).unwrap());
    }

    /// What must hold whenever the run ends or dies.
    pub(super) fn check(&self, complete: bool) {
        let fail = |what: String| -> ! {
            panic!("{what}\n{:?}\n{}\n{}\n{:#?}", self.form, self.log.join("\n"), self.text(), self.disk)
        };
        let mut times: BTreeMap<&(usize, String), usize> = BTreeMap::new();
        for one in &self.dispatched {
            *times.entry(one).or_default() += 1;
        }
        for ((task, text), times) in times {
            if times > 1 + self.opened.get(task).copied().unwrap_or(0) {
                fail(format!("{text:?} was given to an agent {times} times"));
            }
        }
        let worked: BTreeSet<usize> = self.dispatched.iter().map(|(task, _)| *task).collect();
        for line in &self.lines {
            let worked = |line: &ListLine| worked.contains(&line.task) || line.was_part;
            if line.ticked && !worked(line) {
                fail(format!("{:?} is ticked, and no agent worked on it", line.text));
            }
            if complete && !worked(line) {
                fail(format!("{:?} was never done", line.text));
            }
        }
    }
}

/// What a text is about: its verb and its thing.
fn about(text: &str) -> Option<String> {
    let text = text.to_lowercase().replace('*', "");
    text.split_once(" of ").map(|(about, _)| about.to_owned())
}
