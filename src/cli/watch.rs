//! The live view: for `status --watch`, and in the window `main` of a run.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::thread;

use clap::Args;
use jiff::Timestamp;

use super::flags::Work;
use super::global::{ColorChoice, Global, colored};
use super::project::Project;
use crate::error::Result;
use crate::project::SpecPlace;
use crate::run::background_run::BackgroundRun;
use crate::store::lock::Holder;
use crate::sys::clock::SystemClock;
use crate::view::{self, Watch, WatchEnd, WatchedRun};

/// The hidden verb that shows a run in its main window.
pub(super) const VERB: &str = "__view";

/// The arguments of the view in a main window.
#[derive(Debug, Args)]
pub(super) struct ViewArgs {
    spec: PathBuf,
    /// The id of the run's process; none: this view starts the run.
    #[arg(long)]
    run: Option<u32>,
    /// When the run took the lock, or a moment before that.
    #[arg(long)]
    since: Timestamp,
    #[command(flatten)]
    work: Work,
    /// The arguments of the run that is started.
    #[arg(last = true, allow_hyphen_values = true)]
    start: Vec<OsString>,
}

pub(super) fn view(global: &Global, args: &ViewArgs) -> Result<u8> {
    let project = Project::open_to_look_with(global, args.work.settings()?, Some(&args.spec))?;
    let place = project.place(&project.spec(Some(&args.spec))?, args.work.selection(&project))?;
    if let Some(pid) = args.run {
        watch(global, &project, &place, Some(WatchedRun { pid, since: args.since }), None, false)?;
        return Ok(0);
    }
    let store = place.store();
    let mut run = BackgroundRun::start(&store, &args.start)?;
    if !run.has_begun(&store) {
        return run.end(false);
    }
    let of_run = WatchedRun { pid: run.pid(), since: args.since };
    let (errors, hang_up) = (run.errors().to_owned(), run.hanging_up());
    // the view stays longer than the run, whose process must not
    let ended = thread::spawn(move || run.end(true));
    if watch(global, &project, &place, Some(of_run), Some(&errors), false)? == WatchEnd::Gone {
        hang_up();
        return Ok(0);
    }
    ended.join().unwrap_or(Ok(0))
}

/// Watches until it is left, or the run is over.
pub(super) fn watch(
    global: &Global,
    project: &Project,
    place: &SpecPlace,
    of_run: Option<WatchedRun>,
    errors: Option<&Path>,
    json: bool,
) -> Result<WatchEnd> {
    let store = place.store();
    let stdout = io::stdout();
    let globals = Global { color: ColorChoice::Never, ..global.clone() }.argv();
    let watch = Watch {
        place,
        config: &project.loaded.config,
        store: &store,
        clock: &SystemClock,
        color: colored(global, &stdout),
        globals: &globals,
        of_run,
        errors,
    };
    if !json && stdout.is_terminal() && view::can_draw(std::env::var("TERM").ok().as_deref()) {
        view::full_screen(watch)
    } else {
        view::lines(watch, json)
    }
}

/// The arguments of the view of a run that `holder` is.
pub(super) fn argv(global: &Global, work: &Work, place: &SpecPlace, holder: &Holder) -> Vec<OsString> {
    let mut argv = view_argv(global, work, place, holder.started_at);
    argv.extend(["--run".into(), holder.pid.to_string().into()]);
    argv
}

/// The arguments of a view that starts its run, with these arguments.
pub(super) fn starting_argv(
    global: &Global,
    work: &Work,
    place: &SpecPlace,
    run: impl IntoIterator<Item = OsString>,
) -> Vec<OsString> {
    let mut argv = view_argv(global, work, place, Timestamp::now());
    argv.push("--".into());
    argv.extend(run);
    argv
}

fn view_argv(global: &Global, work: &Work, place: &SpecPlace, since: Timestamp) -> Vec<OsString> {
    let mut argv = global.argv();
    argv.extend([VERB.into(), place.named_path().into_os_string()]);
    argv.extend(["--since".into(), since.to_string().into()]);
    argv.extend(work.argv());
    argv
}
