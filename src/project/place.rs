//! Where a spec is, what its tasks.md says now, and the plan that follows.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;

use super::inputs;
use super::progress::{progress, ticked};
use crate::config::{Config, TasksDialect};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{self, Plan, Progress, Selection, SpecInfo};
use crate::spec::{self, Dialect, TaskFile};
use crate::state::SpecState;

/// Where the spec is, and which of its tasks to run.
#[derive(Debug, Clone)]
pub struct Place {
    /// The spec's name.
    pub name: String,
    /// What a person types for it: its name, or its path where the name alone does not lead to it.
    pub typed: String,
    /// Its folder.
    pub dir: PathBuf,
    /// The project.
    pub root: PathBuf,
    /// The dialect of its tasks.md where the configuration says one.
    pub dialect: Option<Dialect>,
    /// What was asked for.
    pub selection: Selection,
}

impl Place {
    /// The spec's `tasks.md`.
    #[must_use]
    pub fn tasks_path(&self) -> PathBuf {
        self.dir.join("tasks.md")
    }

    /// Reads and parses tasks.md; an error where it is missing or not text. Its diagnostics are the caller's.
    pub fn read_tasks(&self) -> Result<(String, TaskFile)> {
        let path = self.tasks_path();
        let bytes = fs::read(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => {
                Error::new(ErrorKind::NoSpec, format!("there is no {}", path.display()))
            }
            _ => Error::new(ErrorKind::BadTasks, format!("reading {}", path.display())).caused_by(e),
        })?;
        let text = spec::decode(&bytes)
            .map_err(|e| Error::new(ErrorKind::BadTasks, format!("{} can't be run: {e}", path.display())))?;
        let tasks = spec::parse_as(text, self.dialect);
        Ok((text.to_owned(), tasks))
    }

    /// As [`Place::read_tasks`], with diagnostics that are errors turned into one.
    pub fn good_tasks(&self) -> Result<(String, TaskFile)> {
        let (text, tasks) = self.read_tasks()?;
        if tasks.has_errors() {
            let path = self.tasks_path();
            let shown =
                spec::diagnose::render(&path.display().to_string(), &text, &tasks.diagnostics, false, 100);
            return Err(
                Error::new(ErrorKind::BadTasks, format!("{} can't be run", path.display())).detail(shown)
            );
        }
        Ok((text, tasks))
    }
}

/// The dialect that `tasks.dialect` forces, if it does.
#[must_use]
pub fn forced_dialect(config: &Config) -> Option<Dialect> {
    match config.tasks.dialect {
        TasksDialect::Auto => None,
        TasksDialect::Kiro => Some(Dialect::Kiro),
        TasksDialect::CcSdd => Some(Dialect::CcSdd),
        TasksDialect::SpecKit => Some(Dialect::SpecKit),
        TasksDialect::OpenSpec => Some(Dialect::OpenSpec),
        TasksDialect::Headings => Some(Dialect::Headings),
        TasksDialect::Table => Some(Dialect::Table),
        TasksDialect::Numbered => Some(Dialect::Numbered),
        TasksDialect::Plain => Some(Dialect::Plain),
    }
}

/// The plan as things stand, changing nothing.
#[must_use]
pub fn current(place: &Place, config: &Config, tasks: &TaskFile, state: &SpecState, now: Timestamp) -> Plan {
    let boxes = if config.tasks.trust_checkboxes { ticked(tasks) } else { BTreeSet::new() };
    // a run that was killed goes on with what it believed, and without what failed in it
    let trusted = state.trusted_ticks(&boxes);
    let known = progress(state, trusted, &state.failed_in_run(), config, now);
    make_plan(place, config, tasks, &known)
}

/// Makes the plan of a place.
#[must_use]
pub fn make_plan(place: &Place, config: &Config, tasks: &TaskFile, progress: &Progress) -> Plan {
    let inputs = inputs::find(place, config, tasks.dialect);
    plan::build(&plan::Request {
        spec: SpecInfo { name: &place.name, dir: &place.dir, root: &place.root, inputs: &inputs },
        tasks,
        config,
        progress,
        selection: &place.selection,
    })
}
