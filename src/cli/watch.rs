//! The live view: of whoever asks (`status --watch`), and in the window of a run.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use rustix::process::Signal;

use super::flags::Work;
use super::global::{Global, colored};
use super::project::Project;
use crate::agent::sanitise::sanitise;
use crate::attempt::window::WindowProgram;
use crate::error::{Error, ErrorKind, Result};
use crate::project::SpecPlace;
use crate::store::lock::{self, Holder};
use crate::store::spec_store::Store;
use crate::sys::clock::SystemClock;
use crate::sys::handoff::Handoff;
use crate::sys::socket::{self, Listener};
use crate::sys::{files, process, programs};
use crate::view::{self, Watch, WatchEnd, WatchedRun};

/// The hidden verb that shows a run in its main window.
pub(super) const VERB: &str = "__view";
/// Names the main window's program at its socket.
pub(super) const MAIN: &str = "main";

/// What the main window of a run shows.
#[derive(Debug, Args)]
pub(super) struct ViewArgs {
    spec: PathBuf,
    /// The run's process; none: it is to be started.
    #[arg(long)]
    run: Option<u32>,
    /// When it took the spec, or a moment before that.
    #[arg(long)]
    since: Timestamp,
    #[command(flatten)]
    work: Work,
    /// The arguments of the run that is started.
    #[arg(last = true, allow_hyphen_values = true)]
    start: Vec<OsString>,
}

pub(super) fn view(global: &Global, args: &ViewArgs) -> Result<u8> {
    let project = Project::open(global, args.work.settings()?, Some(&args.spec))?;
    let place = project.place(&project.spec(Some(&args.spec))?, args.work.selection(&project))?;
    if let Some(pid) = args.run {
        watch(global, &project, &place, Some(WatchedRun { pid, since: args.since }), false)?;
        return Ok(0);
    }
    let store = project.store(&place);
    let mut run = Started::start(&store, args)?;
    if run.has_begun(&store) {
        let of_run = WatchedRun { pid: run.child.id(), since: args.since };
        if watch(global, &project, &place, Some(of_run), false)? == WatchEnd::Gone {
            run.hang_up();
            return Ok(0);
        }
        run.shown = true;
    }
    run.end()
}

/// A run in the background of the window that shows it: the view is the window's own process, so that it is still there
/// to tell when the run was killed.
struct Started {
    child: Child,
    since_boot: u64,
    /// What it prints, and what it has to say beside its events.
    logs: [PathBuf; 2],
    /// The view showed what it did.
    shown: bool,
}

impl Started {
    fn start(store: &Store, args: &ViewArgs) -> Result<Self> {
        let program = programs::own_program()?;
        let logs = ["run.log", "run.err"].map(|name| store.folder().join(name));
        let failed = |e| Error::io("starting", &program, e);
        let child = Command::new(&program)
            .args(&args.start)
            .stdin(Stdio::null())
            .stdout(files::create_private_file(&logs[0])?)
            .stderr(files::create_private_file(&logs[1])?)
            // what is typed here is for the view
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let since_boot = process::start_time(child.id().cast_signed());
        Ok(Self { child, since_boot, logs, shown: false })
    }

    /// Waits until it has the spec; `false` where it ended before.
    fn has_begun(&mut self, store: &Store) -> bool {
        let pid = self.child.id();
        while lock::holder(&store.run_lock()).is_none_or(|holder| holder.pid != pid) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    /// The window is gone: to a run that is what the end of its terminal is.
    fn hang_up(&self) {
        let _ = process::send_signal(self.child.id().cast_signed(), self.since_boot, Signal::HUP);
    }

    /// Waits for its end, tells what it had to say, and gives its exit code.
    fn end(mut self) -> Result<u8> {
        let status = self
            .child
            .wait()
            .map_err(|e| Error::new(ErrorKind::Internal, "waiting for the run").caused_by(e))?;
        for log in &self.logs[usize::from(self.shown)..] {
            let said = std::fs::read(log).unwrap_or_default();
            let _ = io::stderr().write_all(sanitise(&said).as_bytes());
        }
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Ok(u8::try_from(code).unwrap_or(ErrorKind::Internal.exit_code()))
    }
}

/// Watches until it is left, or the run is over.
pub(super) fn watch(
    global: &Global,
    project: &Project,
    place: &SpecPlace,
    of_run: Option<WatchedRun>,
    json: bool,
) -> Result<WatchEnd> {
    let store = project.store(place);
    let stdout = io::stdout();
    let watch = Watch {
        place,
        config: &project.loaded.config,
        store: &store,
        clock: &SystemClock,
        color: colored(global, &stdout),
        of_run,
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
    argv.extend([VERB.into(), place.dir.clone().into_os_string()]);
    argv.extend(["--since".into(), since.to_string().into()]);
    argv.extend(work.argv());
    argv
}

/// Answers the main window, which asks for the view's arguments and for this shell's environment. It asks again if a
/// person closed it and the run reopens it.
pub(super) struct Host {
    listener: Listener,
}

/// The message that makes the main window run this program with `argv`.
pub(super) fn handoff(argv: Vec<OsString>) -> Result<Handoff> {
    let mut whole: Vec<OsString> = vec![programs::own_program()?.into()];
    whole.extend(argv);
    Ok(Handoff { argv: whole, env: std::env::vars_os().collect() })
}

/// The main window's command line: it asks at `socket` for its program.
pub(super) fn window_argv(socket: &Path, cwd: &Path) -> Result<Vec<OsString>> {
    let (socket, token, cwd) = (socket.to_owned(), MAIN.to_owned(), cwd.to_owned());
    let program = WindowProgram { socket, token, cwd, attempt: None, every: None };
    Ok(program.argv(&programs::own_program()?))
}

impl Host {
    pub(super) fn open(store: &Store, argv: Vec<OsString>) -> Result<Self> {
        let failed = |e| Error::new(ErrorKind::Internal, "opening a socket for the window").caused_by(e);
        let listener = Listener::bind(&store.folder()).map_err(failed)?;
        let socket = listener.get().try_clone().map_err(failed)?;
        let handoff = handoff(argv)?;
        std::thread::spawn(move || {
            loop {
                let answered = socket::accept(&socket, Duration::MAX).and_then(|stream| match stream {
                    Some(stream) => Handoff::answer(&stream, |token| (token == MAIN).then_some(&handoff)),
                    None => Ok(None),
                });
                if answered.is_err() {
                    // the window is gone, or descriptors are short: wait, so that a retry costs no CPU
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        });
        Ok(Self { listener })
    }

    /// What the window runs, in the folder `cwd`.
    pub(super) fn window_argv(&self, cwd: &Path) -> Result<Vec<OsString>> {
        window_argv(self.listener.path(), cwd)
    }
}
