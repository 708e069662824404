//! `seqorch report`: summarises the last run, as text or as an HTML page.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::global::{Global, check_output_file, stdout, terminal_width};
use super::overview::{Unnamed, spec_for};
use super::project::{Project, warn_of_lost_tree, warn_of_tasks};
use super::remote_view;
use crate::error::{Error, ErrorKind, Result};
use crate::fleet::lease::Lease;
use crate::git::call::Supervisor;
use crate::plan::Selection;
use crate::project::current_plan::shown_plan;
use crate::project::{SpecPlace, own_tree};
use crate::report::run_report::{ReportSource, RunReport, run_report};
use crate::report::text::{spec_command, wrap_lines};
use crate::report::work_tree::ShownTree;
use crate::report::{events, page, theme};
use crate::run::run_repository::RunRepository;
use crate::run::task_changes::{changed_files, patch};
use crate::state::counts;
use crate::state::standing::standings;
use crate::store::attempt_folder;
use crate::store::spec_tree::SpecTree;
use crate::sys::nofollow::{self, WHOLE_MAX};
use crate::sys::{files, paths, programs};

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Spec: its name, its folder or its file [default: the only spec, or the one that runs or waits].
    spec: Option<PathBuf>,
    /// Write an HTML page to this file; - prints it.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the HTML page and open it in a browser.
    #[arg(long)]
    open: bool,
    /// Print the report as JSON.
    #[arg(long, conflicts_with_all = ["html", "open"])]
    json: bool,
    /// Report on what a remote has of the spec [default: remote.name, or origin].
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    remote: Option<String>,
    /// Report on all runs, not only the last one.
    #[arg(long)]
    all: bool,
}

pub(super) fn report(global: &Global, args: &ReportArgs) -> Result<u8> {
    let project = Project::open_to_look(global, args.spec.as_deref())?;
    let spec = spec_for(&project, args.spec.as_deref(), Unnamed::ShowsWork)?;
    let place = project.place(&spec, Selection::default())?;
    warn_of_lost_tree(&place);
    let is_page = args.open || args.html.is_some();
    let shown = args.remote.as_ref().map(|remote| remote_view::look(&project, &place, remote)).transpose()?;
    let seen = shown.as_ref().map_or(&place, |shown| &shown.place);
    if let (_, Some(trouble)) = seen.shown_tasks()? {
        warn_of_tasks(&trouble);
    }
    // programs get what the page shows
    let lease = shown.as_ref().map(|shown| &shown.lease);
    let found = spec_report(&project, (seen, lease), args.all, is_page || args.json)?;
    let mut out = stdout();
    if args.json {
        let text = serde_json::to_string_pretty(&found)
            .map_err(|e| Error::new(ErrorKind::Internal, "writing the report").caused_by(e))?;
        let _ = writeln!(out, "{text}");
        return Ok(0);
    }
    let Some(found) = found else {
        let _ = writeln!(
            out,
            "{}: nothing has run yet; start with `{}`",
            place.name,
            spec_command("run", &place.typed, "")
        );
        return Ok(0);
    };
    if !is_page {
        let columns = terminal_width();
        let text = page::markdown(&found, columns.unwrap_or(120));
        let text = columns.map_or_else(|| text.clone(), |columns| wrap_lines(&text, columns));
        let _ = write!(out, "{}", theme::text(&text));
        return Ok(0);
    }
    let html = page::html(&found)
        .map_err(|e| Error::new(ErrorKind::Internal, format!("rendering the page: {e}")))?;
    let path = match &args.html {
        Some(path) if path.as_os_str() == "-" && !args.open => {
            let _ = out.write_all(html.as_bytes());
            return Ok(0);
        }
        // the person named it, and may mean what a link leads to
        Some(path) => paths::real(&project.cwd.join(path)),
        None => place.store().prepared()?.folder().join("report.html"),
    };
    check_output_file(&path, "--html")?;
    // the page of a private folder is private, too
    let mode = if args.html.is_some() { 0o644 } else { 0o600 };
    files::replace(&path, html.as_bytes(), mode)?;
    let shown = args.html.as_ref().unwrap_or(&path).display();
    if args.open {
        open_in_browser(&path)?;
        let _ = writeln!(out, "wrote {shown} and opened it");
    } else {
        let _ = writeln!(out, "wrote {shown}; open it in a browser");
    }
    Ok(0)
}

/// How long a program that opens pages may take to say that it can't. One that works longer is the browser itself.
const OPENER: Duration = Duration::from_secs(3);

/// Opens a file with the person's browser, and does not wait for its end.
fn open_in_browser(page: &Path) -> Result<()> {
    let own = std::env::var("BROWSER").unwrap_or_default();
    let mut names = own.split(':').filter(|name| !name.is_empty()).chain(["xdg-open", "open", "wslview"]);
    let path = std::env::var_os("PATH");
    let folder = page.parent().unwrap_or(page);
    let found = names.find_map(|name| programs::find_tool(name, path.as_deref(), folder));
    let hint = || format!("Open it yourself: {}", page.display());
    let Some(program) = found else {
        let text = "no program opens a page here: neither BROWSER, xdg-open nor open";
        return Err(Error::new(ErrorKind::Unavailable, text).hint(hint()));
    };
    let started = duct::cmd(&program, [page]).stdin_null().stdout_null().stderr_null().unchecked().start();
    let failed =
        |how: String| Error::new(ErrorKind::Unavailable, format!("{} {how}", program.display())).hint(hint());
    let started = started.map_err(|e| failed(format!("cannot be started: {e}")))?;
    match started.wait_timeout(OPENER) {
        Ok(Some(ended)) if !ended.status.success() => {
            Err(failed(format!("did not open the page: {}", ended.status)))
        }
        _ => Ok(()),
    }
}

/// The work tree that the spec has for itself.
pub(super) fn shown_tree(place: &SpecPlace) -> Option<ShownTree> {
    let shown = |tree: SpecTree| {
        ShownTree::new(&tree.top.to_string_lossy(), tree.branch_now().as_deref(), &tree.branch)
    };
    own_tree::tree_of(place).map(shown)
}

/// The report on the spec's last run, or on all of its runs, with or without the changes line by line; `None`: nothing has
/// run.
pub(super) fn spec_report(
    project: &Project,
    (place, lease): (&SpecPlace, Option<&Lease>),
    all: bool,
    with_patches: bool,
) -> Result<Option<RunReport>> {
    let store = place.store();
    let state = project.state_of(place, lease)?;
    let (tasks, _) = place.shown_tasks()?;
    let plan = shown_plan(place, &project.loaded.config, &tasks, &state, Timestamp::now());
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
    let patches = |unit: &str| {
        let (repository, unit) = repository.as_ref().filter(|_| with_patches).zip(state.units.get(unit))?;
        patch(&repository.trees(), unit).ok().flatten()
    };
    let standings: Vec<_> = standings(&plan, &state).collect();
    Ok(run_report(&ReportSource {
        spec: &place.name,
        typed: &place.typed,
        state: &state,
        units: &units,
        counts: counts(&plan, &state),
        events: &events::read(&log),
        words: &words,
        files: &files,
        standings: &standings,
        patch: &patches,
        now: Timestamp::now(),
        zone: &TimeZone::system(),
        work_tree: shown_tree(place),
        all,
    }))
}
