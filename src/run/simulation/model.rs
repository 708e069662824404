//! The world outside the orchestrator: time, disk, tasks.md, attempts, users.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

use jiff::Timestamp;

use super::acts::{Act, Attempt, Happening, Life, Refusal};
use super::git_model::GitModel;
use super::people::People;
use super::words::word;
use crate::config::Config;
use crate::plan::{self, Plan, SPEC_REVIEW, Selection, SpecInfo};
use crate::run::resume::ResumeRequest;
use crate::spec::{self, TaskFile, TaskState};
use crate::state::outcome::CancelledBy;
use crate::state::{Note, Outcome, SeenTasks, SpecState};
use crate::sys::interrupt::Interrupt;

/// Seconds of wall time at the beginning: 2026-01-01.
pub(super) const EPOCH: i64 = 1_767_225_600;

thread_local! {
    /// States by their text. Schedules begin alike, so most texts occur many times.
    static READ: RefCell<HashMap<String, SpecState>> = RefCell::default();
}

/// The state that a text holds; `None` where it holds none.
pub(super) fn read_state(text: &str) -> Option<SpecState> {
    if let Some(state) = READ.with_borrow(|read| read.get(text).cloned()) {
        return Some(state);
    }
    let state: SpecState = serde_json::from_str(text).ok()?;
    READ.with_borrow_mut(|read| {
        // bounds the memory; more are not in use at a time
        if read.len() >= 1000 {
            read.clear();
        }
        read.insert(text.to_owned(), state.clone());
    });
    Some(state)
}

#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) config: Config,
    pub(super) time: i64,
    offset: i64,
    pub(super) jumps: u32,
    /// `SEQUENTIAL_STATE.json`, as far as this spec goes.
    pub(super) disk: Option<String>,
    /// Numbers of the saves that fail.
    pub(super) full: BTreeSet<u32>,
    pub(super) saves: u32,
    /// Numbers of the starts that are refused by a hook that must succeed.
    pub(super) hook_fails: BTreeSet<u32>,
    pub(super) announced: u32,
    /// The user's answers, by unit, since the unit was last done.
    pub(super) decided: BTreeMap<String, Vec<String>>,
    pub(super) halts: u32,
    /// The box with notes of people.
    pub(super) note_box: Vec<Note>,
    /// How many notes people wrote.
    pub(super) notes: usize,
    /// How often a run looked into the box.
    pub(super) note_looks: usize,
    /// People are asked before each task.
    pub(super) asks: bool,
    /// How often a run looked at the configuration files.
    pub(super) config_looks: usize,
    /// What people asked of runs at work.
    pub(super) people: People,
    /// What a person asked of the next run.
    pub(super) resume: Option<ResumeRequest>,
    /// How often the checks before any agent began.
    pub(super) baselines: u32,
    /// Agents have sessions.
    pub(super) sessions: bool,
    pub(super) tasks: String,
    parsed: Option<Rc<TaskFile>>,
    /// tasks.md cannot be read.
    pub(super) broken: bool,
    pub(super) attempts: Vec<Attempt>,
    /// What the agents do, in the order of their start. All later ones are done in a minute.
    pub(super) script: VecDeque<Act>,
    /// What the reviewers do, in the order of their start. All later ones approve in half a minute.
    pub(super) reviews: VecDeque<Act>,
    pub(super) happenings: VecDeque<(i64, Happening)>,
    pub(super) alive: bool,
    pub(super) signals: VecDeque<Interrupt>,
    /// Boxes that a person ticked, before or during the runs.
    pub(super) ticked_by_human: BTreeSet<String>,
    pub(super) touched_by_human: BTreeSet<String>,
    /// The ticked boxes at the last look, and at the last look before a save.
    pub(super) seen: BTreeSet<String>,
    pub(super) kept: BTreeSet<String>,
    /// The last kill left an attempt behind.
    pub(super) killed_over: bool,
    /// Boxes that an agent ticked outside its own unit, and by which attempt.
    pub(super) foreign: Vec<(String, usize)>,
    pub(super) reported: BTreeSet<String>,
    /// Units whose changes were counted, and the numbers of the commits that fail.
    pub(super) kept_units: Vec<String>,
    pub(super) keep_fails: BTreeSet<usize>,
    /// The repository, where one is modelled.
    pub(super) git: Option<GitModel>,
    pub(super) run: u32,
    pub(super) numbers: BTreeSet<(String, u32)>,
    pub(super) wrong: Vec<String>,
    pub(super) log: Vec<String>,
}

impl Model {
    pub(super) fn new(config: Config, tasks: &str) -> Self {
        let mut model = Self {
            config,
            time: 0,
            offset: 0,
            jumps: 0,
            disk: None,
            full: BTreeSet::new(),
            saves: 0,
            hook_fails: BTreeSet::new(),
            announced: 0,
            decided: BTreeMap::new(),
            halts: 0,
            note_box: Vec::new(),
            notes: 0,
            note_looks: 0,
            asks: false,
            config_looks: 0,
            people: People::default(),
            resume: None,
            baselines: 0,
            sessions: false,
            tasks: tasks.to_owned(),
            parsed: None,
            broken: false,
            attempts: Vec::new(),
            script: VecDeque::new(),
            reviews: VecDeque::new(),
            happenings: VecDeque::new(),
            alive: false,
            signals: VecDeque::new(),
            ticked_by_human: BTreeSet::new(),
            touched_by_human: BTreeSet::new(),
            seen: BTreeSet::new(),
            kept: BTreeSet::new(),
            killed_over: false,
            foreign: Vec::new(),
            reported: BTreeSet::new(),
            kept_units: Vec::new(),
            keep_fails: BTreeSet::new(),
            git: None,
            run: 0,
            numbers: BTreeSet::new(),
            wrong: Vec::new(),
            log: Vec::new(),
        };
        model.ticked_by_human = model.boxes();
        model
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_second(EPOCH + self.time + self.offset).unwrap()
    }

    pub(super) fn wrong(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.log.push(format!("WRONG: {what}"));
        self.wrong.push(what);
    }

    pub(super) fn note(&mut self, what: impl AsRef<str>) {
        self.log.push(format!("{:>6} {}", self.time, what.as_ref()));
    }

    /// Whether there are verify commands.
    pub(super) fn verifies(&self) -> bool {
        !self.config.verify.commands.is_empty()
    }

    /// Whether the attempt did its task, as far as an orchestrator can know.
    pub(super) fn did(&self, attempt: &Attempt) -> bool {
        let checked = attempt.verified || !self.verifies();
        let reviewed =
            attempt.approved || self.config.review.of_tasks().is_none() || attempt.unit == SPEC_REVIEW;
        attempt.wrote_done() && checked && reviewed && attempt.refusal != Refusal::Saved
    }

    pub(super) fn load(&self) -> SpecState {
        self.disk.as_ref().map_or_else(SpecState::default, |text| read_state(text).unwrap())
    }

    pub(super) fn parsed(&mut self) -> &TaskFile {
        self.parsed.get_or_insert_with(|| parse(&self.tasks))
    }

    fn write_tasks(&mut self, text: String) {
        self.tasks = text;
        self.parsed = None;
    }

    pub(super) fn boxes(&mut self) -> BTreeSet<String> {
        crate::project::progress::ticked(self.parsed())
    }

    /// An orchestrator looks at the boxes.
    pub(super) fn look(&mut self) -> SeenTasks {
        self.seen = self.boxes();
        SeenTasks::of(self.parsed(), true)
    }

    /// Sets the marks of those tasks that exist. Returns the ids whose marks changed.
    pub(super) fn mark(&mut self, ids: &[String], mark: char) -> Vec<String> {
        let is = |t: &spec::Task| (t.state == TaskState::Done) == (mark == 'x');
        let change: Vec<String> = self
            .parsed()
            .tasks
            .iter()
            .filter(|t| ids.contains(&t.id) && t.mark.is_some() && !is(t))
            .map(|t| t.id.clone())
            .collect();
        if !change.is_empty() {
            let ids: Vec<&str> = change.iter().map(String::as_str).collect();
            let (text, _) = spec::tick(&self.tasks, &ids, mark);
            self.write_tasks(text);
        }
        change
    }

    pub(super) fn plan(&mut self, progress: &plan::Progress) -> Plan {
        self.parsed();
        plan::build(&plan::PlanRequest {
            spec: SpecInfo {
                name: "demo",
                dir: "/project/specs/demo".as_ref(),
                tasks_path: "/project/specs/demo/tasks.md".as_ref(),
                root: "/project".as_ref(),
                inputs: &[],
            },
            tasks: self.parsed.as_ref().unwrap(),
            config: &self.config,
            progress,
            selection: &Selection::default(),
        })
    }

    /// Moves the time to the next thing that happens, at most to `limit`. `false`: nothing will ever happen.
    pub(super) fn step(&mut self, limit: i64) -> bool {
        let ends = self.attempts.iter().enumerate().filter_map(|(i, a)| match a.life {
            Life::Until(at, _) => Some((at, i)),
            _ => None,
        });
        let end = ends.min();
        let next = self.happenings.front().map(|(at, _)| *at);
        let first = [Some(limit), end.map(|(at, _)| at), next].into_iter().flatten().min().unwrap_or(limit);
        if first == i64::MAX {
            return false;
        }
        self.time = self.time.max(first);
        match end {
            Some((at, index)) if at == first => self.end(index),
            _ if next == Some(first) => {
                if let Some((_, happening)) = self.happenings.pop_front() {
                    self.happen(happening);
                }
            }
            _ => {}
        }
        true
    }

    pub(super) fn pass(&mut self, seconds: i64) {
        let until = self.time + seconds;
        while self.time < until {
            self.step(until);
        }
    }

    fn end(&mut self, index: usize) {
        let Life::Until(_, outcome) = self.attempts[index].life.clone() else { return };
        let Attempt { act, completes, agent, .. } = self.attempts[index].clone();
        if agent {
            let foreign: Vec<_> = act.ticks.iter().filter(|id| !completes.contains(id)).cloned().collect();
            let changed = self.mark(&foreign, 'x');
            for id in changed {
                // if a person opens a box and an agent ticks it between two looks, no orchestrator can see that
                if self.kept.contains(&id) {
                    self.ticked_by_human.insert(id);
                } else {
                    self.foreign.push((id, index));
                }
            }
            if act.ticks_own {
                self.mark(&completes, 'x');
            }
        }
        let attempt = &mut self.attempts[index];
        let text = format!("attempt {} of {} ends: {outcome}", attempt.number, attempt.unit);
        attempt.life = Life::Over((outcome != Outcome::Lost).then_some(outcome));
        self.note(text);
    }

    /// TERM for the attempt.
    pub(super) fn terminate(&mut self, index: usize, grace: i64) {
        let by_then = self.time + grace;
        let attempt = &mut self.attempts[index];
        if let Life::Until(at, outcome) = &mut attempt.life
            && *at > by_then
        {
            *at = by_then;
            let cancelled = Outcome::Cancelled { by: CancelledBy::Terminate };
            let good = if attempt.role.is_work() { Outcome::Done } else { Outcome::Approved };
            *outcome = if attempt.act.finishes { good } else { cancelled };
        }
    }

    fn happen(&mut self, happening: Happening) {
        self.note(format!("{happening:?}"));
        match happening {
            Happening::Signal(signal) if self.alive => self.signals.push_back(signal),
            Happening::Signal(_) => {}
            Happening::Jump(by) => {
                self.offset += by;
                self.jumps += 1;
            }
            Happening::Add(id) => {
                self.touched_by_human.insert(id.clone());
                let text = format!("{}- [ ] {id}. {}\n", self.tasks, added(&id));
                self.write_tasks(text);
            }
            Happening::AddBelow(parent, id) => {
                let line = format!("- [ ] {id} {}\n", added(&id));
                let mut text = String::new();
                for old in self.tasks.split_inclusive('\n') {
                    text.push_str(old);
                    if is_of(old, &parent) {
                        let indent = old.len() - old.trim_start().len();
                        text.push_str(&" ".repeat(indent + 2));
                        text.push_str(&line);
                    }
                }
                self.write_tasks(text);
            }
            Happening::Remove(id) => {
                let mut text = String::new();
                let mut below = None;
                for old in self.tasks.split_inclusive('\n') {
                    let indent = old.len() - old.trim_start().len();
                    below = below.filter(|above| indent > *above);
                    if below.is_none() && is_of(old, &id) {
                        below = Some(indent);
                    }
                    if below.is_none() {
                        text.push_str(old);
                    }
                }
                // a file without a task is another error
                if text.contains("- [") {
                    self.write_tasks(text);
                }
            }
            Happening::Pause(seconds) => self.pause(seconds),
            Happening::Resume => {
                if self.end_pause() {
                    self.signals.push_back(Interrupt::TryNow);
                }
            }
            Happening::Talk(seconds) => self.people.talk_until = self.time + seconds,
            Happening::Skip(id) => self.skip(&id),
            Happening::Break => self.broken = true,
            Happening::Fix => self.broken = false,
            Happening::Tick(id) => {
                self.touched_by_human.insert(id.clone());
                self.ticked_by_human.insert(id.clone());
                self.mark(&[id], 'x');
            }
            Happening::Untick(id) => {
                self.touched_by_human.insert(id.clone());
                self.ticked_by_human.remove(&id);
                self.mark(&[id], ' ');
            }
        }
    }
}

thread_local! {
    /// Parsed files by their text. The schedules have only a few different texts.
    static PARSED: RefCell<HashMap<String, Rc<TaskFile>>> = RefCell::default();
}

fn parse(text: &str) -> Rc<TaskFile> {
    let known = PARSED.with_borrow(|parsed| parsed.get(text).cloned());
    known.unwrap_or_else(|| {
        let file = Rc::new(spec::parse(text));
        PARSED.with_borrow_mut(|parsed| parsed.insert(text.to_owned(), file.clone()));
        file
    })
}

/// The title of a task that a person adds. Each is another one: here a task is known by its id.
fn added(id: &str) -> String {
    let number = id.bytes().fold(7, |number, byte| number * 31 + usize::from(byte));
    format!("Added {} {}", word(number), word(number + 1))
}

/// Whether the line holds this task.
fn is_of(line: &str, id: &str) -> bool {
    let rest = line.trim_start().get(6..).unwrap_or_default();
    rest.strip_prefix(id).is_some_and(|rest| rest.starts_with([' ']) || rest.starts_with(". "))
}
