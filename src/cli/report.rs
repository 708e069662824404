//! `seqorch report`: what a night came to.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Global;
use super::project::Project;
use crate::error::{Error, ErrorKind, Result};
use crate::git;
use crate::plan::Selection;
use crate::report::morning::{Source, morning};
use crate::report::{events, page};
use crate::state::counts;
use crate::store::attempt_folder;
use crate::sys::files;

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The spec: a folder, a tasks.md, or a name under run.spec_root.
    spec: Option<PathBuf>,
    /// Write one self-contained HTML page instead of markdown; `-`: to standard output.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// All that is known, not the last night alone.
    #[arg(long)]
    all: bool,
}

pub(super) fn report(global: &Global, args: &ReportArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    let place = project.place(&project.spec(args.spec.as_deref())?, Selection::default())?;
    let store = project.store(&place);
    let mut state = store.load()?;
    super::telling::as_configured(&mut state, &project.loaded.config);
    let (_, tasks) = place.read_tasks()?;
    let plan = super::plan::current(&place, &project.loaded.config, &tasks, &state);
    let log = fs::read_to_string(store.events_path()).unwrap_or_default();
    let units: Vec<_> = tasks.tasks.iter().map(|task| (task.id.clone(), task.title.clone())).collect();
    let words = |unit: &str, attempt: u32| {
        let record = state.units.get(unit)?.attempts.iter().find(|a| a.number == attempt)?;
        let dir = store.attempt_dir(unit, attempt);
        let facts = attempt_folder::result(&dir).filter(|_| attempt_folder::is_of(&dir, record))?;
        Some(facts.last_words).filter(|text| !text.trim().is_empty())
    };
    let files = |unit: &str| {
        let unit = state.units.get(unit);
        let trees =
            unit.and_then(|unit| Some((unit.before.as_deref()?, unit.changes.as_ref()?.after.as_str())));
        trees.map_or_else(Vec::new, |(before, after)| {
            git::changes(&project.root, before, after).unwrap_or_default()
        })
    };
    let made = morning(&Source {
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
        all: args.all,
    });
    let mut out = anstream::stdout();
    let Some(made) = made else {
        let _ = writeln!(out, "{}: nothing was tried yet; `seqorch run` begins", place.name);
        return Ok(0);
    };
    let Some(path) = &args.html else {
        let columns = terminal_size::terminal_size().map_or(120, |(width, _)| usize::from(width.0));
        let _ = write!(out, "{}", page::markdown(&made, columns));
        return Ok(0);
    };
    let html =
        page::html(&made).map_err(|e| Error::new(ErrorKind::Internal, format!("making the page: {e}")))?;
    if path.as_os_str() == "-" {
        let _ = out.write_all(html.as_bytes());
        return Ok(0);
    }
    files::replace(path, html.as_bytes(), 0o644)?;
    let _ = writeln!(out, "{} is written; open it in a browser", path.display());
    Ok(0)
}
