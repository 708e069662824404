//! Where each spec of a project stands, and which of several a verb means that names none.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::Style;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::project::Project;
use super::typed_command;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Selection;
use crate::project::current_plan::shown_plan;
use crate::project::discovery::FoundSpec;
use crate::project::{SpecPlace, own_tree};
use crate::report::needs;
use crate::report::text::{plural, sanitise_line, shell_word, width};
use crate::report::theme::{BAD, BOLD, DIM, paint, style_of};
use crate::report::view::Standing;
use crate::state::{Counts, NeedKind, SpecState, counts};
use crate::store::activity::AtWork;
use crate::store::lock;

/// How many specs stand above the output of a verb that is not about all of them.
const SHOWN: usize = 10;

/// What a verb does to a spec that its command does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unnamed {
    /// Shows where it stands.
    Shows,
    /// Shows what its agents did.
    ShowsWork,
    /// Answers it and continues it.
    Answers,
    /// Makes it try at once.
    Retries,
    /// Ends its run.
    Stops,
}

/// How much a spec matters now. The first matters most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// An agent works on it.
    Runs,
    /// It waits for a person, for a limit, or for a run that continues it.
    Waits,
    /// It ran.
    Ran,
    /// It never ran, or can't be read.
    Rests,
}

/// A spec and where it stands.
pub(super) struct SpecLook {
    pub(super) place: Option<SpecPlace>,
    pub(super) found: FoundSpec,
    /// What a person types for it.
    pub(super) typed: String,
    /// `None` where the state can't be read, or a tasks.md that can't be run leaves it open.
    pub(super) standing: Option<Standing>,
    pub(super) urgency: Urgency,
    /// When its last run began.
    began: Option<Timestamp>,
    /// When its last attempt began.
    worked: Option<Timestamp>,
    pub(super) counts: Counts,
    asks: bool,
    pub(super) waits_for_person: bool,
    /// The command that resolves its first need.
    pub(super) command: Option<String>,
    /// Where it stands, in words.
    pub(super) words: String,
}

impl SpecLook {
    /// Looks at a spec. It changes nothing.
    pub(super) fn of(project: &Project, found: FoundSpec) -> Self {
        let place = project.place(&found.dir, Selection::default());
        let typed = place.as_ref().map_or_else(|_| found.shown.clone(), |place| place.typed.clone());
        let look = place.and_then(|place| {
            let (tasks, trouble) = place.shown_tasks()?;
            let mut state = project.state(&place)?;
            // an older version did not
            state.sum_up();
            Ok((place, tasks, trouble, state))
        });
        match look {
            Ok((place, tasks, trouble, state)) => {
                let plan = shown_plan(&place, &project.loaded.config, &tasks, &state, Timestamp::now());
                let store = place.store();
                let held = lock::holder(&store.run_lock()).is_some() || own_tree::maker(&place).is_some();
                let alive = state.running().is_some_and(|(unit, attempt)| {
                    let dir = store.attempt_dir(state.folder(unit), attempt.number);
                    AtWork::look(&dir, attempt) == AtWork::Agent
                });
                let standing = Standing::of(held, &state, &plan, alive);
                let counts = counts(&plan, &state);
                let needs = needs::shown(&place.typed, &state);
                let is_unclear = trouble.is_some() && standing.rests();
                let trouble = trouble.map(|trouble| format!("can't be run: {}", sanitise_line(&trouble)));
                let known = words(standing, &state, needs::headline(&needs), &counts);
                let words = match trouble {
                    Some(trouble) if is_unclear => trouble,
                    Some(trouble) => format!("{known}; {trouble}"),
                    None => known,
                };
                Self {
                    found,
                    typed,
                    standing: (!is_unclear).then_some(standing),
                    urgency: urgency(standing, &state),
                    began: state.run.began(),
                    worked: state.units.values().flat_map(|unit| &unit.attempts).map(|a| a.started_at).max(),
                    counts,
                    asks: needs.iter().any(|need| need.kind == NeedKind::Question),
                    waits_for_person: state.run.waits_for_person() || state.pause.is_some(),
                    command: needs.into_iter().next().map(|need| need.command),
                    words,
                    place: Some(place),
                }
            }
            Err(error) => Self {
                typed,
                words: format!("can't be run: {}", first_line(&error)),
                found,
                place: None,
                standing: None,
                urgency: Urgency::Rests,
                began: None,
                worked: None,
                counts: Counts::default(),
                asks: false,
                waits_for_person: false,
                command: None,
            },
        }
    }

    /// Its tasks and where it stands, in one line.
    pub(super) fn summary(&self) -> String {
        format!("{}/{} done, {}", self.counts.done, self.counts.all, self.words)
    }

    /// What a person types for it in the folder that the project was opened in.
    pub(super) fn name_there(&self, project: &Project) -> String {
        let leads = project.spec(Some(Path::new(&self.found.name))).is_ok_and(|dir| dir == self.found.dir);
        if leads { self.found.name.clone() } else { self.typed.clone() }
    }

    fn style(&self) -> Style {
        match self.standing {
            Some(Standing::Idle) if self.urgency != Urgency::Waits => Style::new(),
            standing => standing.map_or(BAD, style_of),
        }
    }

    /// The spec for programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "spec": self.found.name,
            "path": self.found.shown,
            "state": self.standing.map(Standing::word),
            "done": self.counts.done,
            "total": self.counts.all,
            "words": self.words,
        })
    }
}

fn first_line(error: &Error) -> String {
    sanitise_line(error.to_string().lines().next().unwrap_or_default())
}

fn urgency(standing: Standing, state: &SpecState) -> Urgency {
    match standing {
        Standing::Running | Standing::Orphaned => Urgency::Runs,
        _ if standing.needs_human() || state.run.is_open() || state.run.wait().is_some() => Urgency::Waits,
        _ if state.run.began().is_some() => Urgency::Ran,
        _ => Urgency::Rests,
    }
}

fn words(standing: Standing, state: &SpecState, needed: Option<String>, counts: &Counts) -> String {
    let waits = state.run.wait().map(|wait| format!("waits: {}", sanitise_line(&wait.reason.to_string())));
    match (standing, needed, waits) {
        (Standing::Running, Some(needed), _) => format!("running, {needed}"),
        (Standing::Running, None, Some(waits)) => format!("running, {waits}"),
        (Standing::Orphaned, ..) => "an agent works without a run".to_owned(),
        (_, Some(needed), _) => needed,
        (Standing::Idle, _, Some(waits)) => format!("{waits}; no run is active"),
        (Standing::Idle, ..) if state.run.is_open() => "its run was ended from outside".to_owned(),
        (Standing::Idle, ..) if state.run.began().is_none() && counts.done == 0 => "not started".to_owned(),
        (Standing::Idle, ..) => format!("{} to do", plural(counts.todo, "task")),
        _ => standing.label().to_owned(),
    }
}

/// All specs of a project.
pub(super) struct Overview {
    pub(super) specs: Vec<SpecLook>,
}

impl Overview {
    /// Looks at the specs of a project where a verb names none and there are several; `None` otherwise.
    pub(super) fn unnamed(project: &Project, asked: Option<&Path>) -> Option<Self> {
        if asked.is_some() || project.works_in_a_spec() {
            return None;
        }
        let found = project.specs();
        (found.len() > 1).then(|| Self::of(project, found))
    }

    /// Looks at these specs.
    pub(super) fn of(project: &Project, found: Vec<FoundSpec>) -> Self {
        Self { specs: found.into_iter().map(|found| SpecLook::of(project, found)).collect() }
    }

    /// What a person types for the first spec.
    pub(super) fn example(&self) -> String {
        sanitise_line(&shell_word(&self.specs[0].typed))
    }

    /// All specs for programs.
    pub(super) fn json(&self) -> Value {
        self.specs.iter().map(SpecLook::json).collect()
    }

    /// The spec that matters most now; `None` where none ever ran.
    pub(super) fn first(&self) -> Option<&SpecLook> {
        self.first_of(&|look| look.urgency < Urgency::Rests)
    }

    fn first_of(&self, fits: &dyn Fn(&SpecLook) -> bool) -> Option<&SpecLook> {
        let fitting = self.specs.iter().filter(|look| fits(look));
        fitting.min_by_key(|look| (look.urgency, std::cmp::Reverse(look.began)))
    }

    /// Writes a line for each spec, in their order; at most `most`, of which the urgent ones stay. An arrow marks `chosen`.
    pub(super) fn write(
        &self,
        out: &mut dyn Write,
        chosen: Option<&SpecLook>,
        most: usize,
    ) -> io::Result<()> {
        let mut shown: Vec<usize> = (0..self.specs.len()).collect();
        shown.sort_by_key(|at| (self.specs[*at].urgency, *at));
        shown.truncate(most);
        shown.sort_unstable();
        let looks: Vec<&SpecLook> = shown.into_iter().map(|at| &self.specs[at]).collect();
        let name = |look: &SpecLook| sanitise_line(&look.typed);
        let count = |look: &SpecLook| format!("{}/{}", look.counts.done, look.counts.all);
        let names = looks.iter().map(|look| width(&name(look))).max().unwrap_or(0);
        let digits = looks.iter().map(|look| count(look).len()).max().unwrap_or(0);
        for look in &looks {
            let (name, count) = (name(look), count(look));
            let arrow = if chosen.is_some_and(|one| one.found == look.found) { ">" } else { " " };
            let gap = " ".repeat(names - width(&name));
            let words = paint(look.style(), &look.words);
            writeln!(out, "{arrow} {}{gap}  {count:>digits$} done  {words}", paint(BOLD, &name))?;
        }
        if looks.len() < self.specs.len() {
            let more = format!("  and {} more: seqorch specs", self.specs.len() - looks.len());
            writeln!(out, "{}", paint(DIM, &more))?;
        }
        Ok(())
    }

    /// The spec that a verb which does this means.
    fn chosen(&self, act: Unnamed) -> Result<&SpecLook> {
        let fitting = |fits: &dyn Fn(&&SpecLook) -> bool| -> Vec<&SpecLook> {
            self.specs.iter().filter(|look| fits(look)).collect()
        };
        let (found, what) = match act {
            Unnamed::Shows => (self.first().into_iter().collect(), "none of them ever ran"),
            // a run that was refused left nothing to read
            Unnamed::ShowsWork => {
                (self.first_of(&|look| look.worked.is_some()).into_iter().collect(), "none of them ever ran")
            }
            Unnamed::Answers => (fitting(&|look| look.asks), "none of them asks a question"),
            Unnamed::Retries => {
                (fitting(&|look| look.waits_for_person), "none of them waits for a limit, a pause or a time")
            }
            Unnamed::Stops => (fitting(&|look| look.urgency == Urgency::Runs), "none of them runs"),
        };
        if let [only] = found.as_slice() {
            return Ok(only);
        }
        let several = match act {
            Unnamed::Shows | Unnamed::ShowsWork | Unnamed::Answers => "ask a question",
            Unnamed::Retries => "wait for a limit",
            Unnamed::Stops => "run",
        };
        let text = if found.is_empty() {
            format!("there are {} specs, and {what}; name one", self.specs.len())
        } else {
            format!("{} of {} specs {several}; name one", found.len(), self.specs.len())
        };
        let example = match (found.first(), act) {
            (Some(look), _) => Some(typed_command::with_spec(&look.typed)),
            (None, Unnamed::Shows | Unnamed::ShowsWork) => {
                Some(typed_command::with_spec(&self.specs[0].typed))
            }
            // the command that was typed does nothing for any of them
            (None, Unnamed::Answers | Unnamed::Retries) => {
                self.first_of(&|look| look.command.is_some()).and_then(|look| look.command.clone())
            }
            (None, Unnamed::Stops) => None,
        };
        let mut lines = Vec::new();
        let _ = self.write(&mut lines, None, SHOWN);
        let lines = anstream::adapter::strip_str(&String::from_utf8_lossy(&lines)).to_string();
        let error = Error::new(ErrorKind::NoSpec, text).detail(lines.trim_end());
        Err(example.into_iter().fold(error, |error, example| error.hint(format!("For example: {example}"))))
    }
}

/// The spec of a verb: the one that is asked for, the only one, or of several the one that runs or waits. Then all of them
/// are listed on standard error.
pub(super) fn spec_for(project: &Project, asked: Option<&Path>, act: Unnamed) -> Result<PathBuf> {
    let Some(overview) = Overview::unnamed(project, asked) else { return project.spec(asked) };
    let chosen = overview.chosen(act)?;
    let mut err = anstream::stderr();
    let _ = overview.write(&mut err, Some(chosen), SHOWN).and_then(|()| writeln!(err));
    Ok(chosen.found.dir.clone())
}
