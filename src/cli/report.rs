//! `seqorch report`: summarises the last run, as text or as an HTML page.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::global::{Global, terminal_width};
use super::overview::{Unnamed, spec_for};
use super::project::Project;
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::Supervisor;
use crate::plan::Selection;
use crate::project::SpecPlace;
use crate::project::current_plan::current_plan;
use crate::report::run_report::{ReportSource, RunReport, run_report};
use crate::report::{events, page, theme};
use crate::run::run_repository::RunRepository;
use crate::run::task_changes::changed_files;
use crate::state::counts;
use crate::store::attempt_folder;
use crate::sys::nofollow::{self, WHOLE_MAX};
use crate::sys::{files, paths};

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Spec: its name, its folder or its file [default: the only spec, or the one that runs or waits].
    spec: Option<PathBuf>,
    /// Write an HTML page to this file; - prints it.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Report on all runs, not only the last one.
    #[arg(long)]
    all: bool,
}

pub(super) fn report(global: &Global, args: &ReportArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    let spec = spec_for(&project, args.spec.as_deref(), "report", Unnamed::Shows)?;
    let place = project.place(&spec, Selection::default())?;
    let made = spec_report(&project, &place, args.all)?;
    let mut out = anstream::stdout();
    let Some(made) = made else {
        let _ = writeln!(out, "{}: nothing has run yet; start with `seqorch run`", place.name);
        return Ok(0);
    };
    let Some(path) = &args.html else {
        let columns = terminal_width().unwrap_or(120);
        let _ = write!(out, "{}", theme::text(&page::markdown(&made, columns)));
        return Ok(0);
    };
    let html =
        page::html(&made).map_err(|e| Error::new(ErrorKind::Internal, format!("rendering the page: {e}")))?;
    if path.as_os_str() == "-" {
        let _ = out.write_all(html.as_bytes());
        return Ok(0);
    }
    // the person named it, and may mean what a link leads to
    files::replace(&paths::real(path), html.as_bytes(), 0o644)?;
    let _ = writeln!(out, "wrote {}; open it in a browser", path.display());
    Ok(0)
}

/// The report on the spec's last run, or on all of its runs; `None`: nothing has run.
pub(super) fn spec_report(project: &Project, place: &SpecPlace, all: bool) -> Result<Option<RunReport>> {
    let store = place.store();
    let state = project.state(place)?;
    let (_, tasks) = place.read_tasks()?;
    let plan = current_plan(place, &project.loaded.config, &tasks, &state, Timestamp::now());
    let log = nofollow::read(&store.events_path(), WHOLE_MAX).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let units: Vec<_> = tasks.tasks.iter().map(|task| (task.id.clone(), task.title.clone())).collect();
    let words = |unit: &str, attempt: u32| {
        let record = state.units.get(unit)?.attempts.iter().find(|a| a.number == attempt)?;
        let dir = store.attempt_dir(state.folder(unit), attempt);
        let facts = attempt_folder::result(&dir).filter(|_| attempt_folder::is_of(&dir, record))?;
        Some(facts.last_words).filter(|text| !text.trim().is_empty())
    };
    // without git the report has no files
    let repository = RunRepository::find(place, &project.loaded.config, &Supervisor::default())
        .ok()
        .flatten()
        .map(RunRepository::only_to_look);
    let files = |unit: &str| {
        let found = repository.as_ref().zip(state.units.get(unit));
        found.map_or_else(Vec::new, |(repository, unit)| {
            changed_files(&repository.trees(), unit).unwrap_or_default()
        })
    };
    Ok(run_report(&ReportSource {
        spec: &place.name,
        typed: &place.typed,
        state: &state,
        units: &units,
        counts: counts(&plan, &state),
        events: &events::read(&log),
        words: &words,
        files: &files,
        now: Timestamp::now(),
        zone: &TimeZone::system(),
        all,
    }))
}
