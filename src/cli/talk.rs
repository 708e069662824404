//! `seqorch talk`: opens the session of a task's agent for a person.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use super::Global;
use super::attach::is_inside;
use super::global::stdout;
use super::overview::{Unnamed, spec_for};
use super::project::{Project, refuse_lost_tree};
use super::trust::{TrustFlag, required};
use crate::config::TmuxMode;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Selection;
use crate::project::SpecPlace;
use crate::report::text::{command_line, sanitise_line, spec_command};
use crate::run::talk_window::{TalkWindow, open_talk_window};
use crate::run::talking::{TalkSession, TalkTrees};
use crate::store::talk_lock::talker;
use crate::sys::{programs, signals};

/// How long a new window may take to begin.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
#[command(
    after_help = "A run starts no step before you leave the session; then it continues in it, without you. Claude Code, Codex, \
Gemini, OpenCode, Qwen Code and Kilo can open a session (backend.NAME.talk_args)."
)]
pub(super) struct TalkArgs {
    /// The task: its id, or a part of its title.
    id: String,
    /// Open the session in this terminal, and not in a window of the run's tmux session.
    #[arg(long)]
    here: bool,
    /// Spec: its name, its folder or its file [default: the only spec, or the one that runs or waits].
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustFlag,
}

pub(super) fn talk(global: &Global, args: &TalkArgs) -> Result<u8> {
    let mut project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    let spec = spec_for(&project, args.spec.as_deref(), Unnamed::ShowsWork)?;
    let place = project.place(&spec, Selection::default())?;
    refuse_lost_tree(&place)?;
    required(&project, &place.root, args.trust)?;
    project.follow(&place);
    let config = &project.loaded.config;
    let state = project.state(&place)?;
    let session = TalkSession::find(&place, config, &state, &args.id)?;
    if !args.here && config.tmux.mode != TmuxMode::Off {
        let command = argv_in_window(global, &place, &session)?;
        if let Some(window) = open_talk_window(&place, config, &place.store(), &session.unit, command)? {
            return show(&window, &place);
        }
    }
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(Error::new(ErrorKind::Usage, "talk needs a terminal, or tmux").hint(
            "`seqorch note ID \"…\"` puts words into the next prompt of the task, without a terminal.",
        ));
    }
    here(&project, &place, &session)
}

/// The same command for a window of its own.
fn argv_in_window(global: &Global, place: &SpecPlace, session: &TalkSession) -> Result<Vec<OsString>> {
    let mut argv: Vec<OsString> = vec![programs::own_program()?.into()];
    argv.extend(global.argv());
    argv.extend(["talk", "--here", "--spec"].map(OsString::from));
    argv.extend([place.named_path().into_os_string(), "--".into(), session.unit.clone().into()]);
    Ok(argv)
}

/// Shows the window to the person at this terminal, or says where it is.
fn show(window: &TalkWindow, place: &SpecPlace) -> Result<u8> {
    let TalkWindow { tmux, session, window } = window;
    let inside = is_inside(tmux, session)?;
    let attach = || -> Result<u8> {
        let command = tmux.attach_argv(session, Some(window), inside, tmux.is_attached(session)?);
        let status = Command::new(&command[0]).args(&command[1..]).status();
        let status = status.map_err(|e| Error::new(ErrorKind::Unavailable, "starting tmux").caused_by(e))?;
        Ok(u8::from(!status.success()))
    };
    if inside {
        let code = attach()?;
        wait_for_window(place);
        return Ok(code);
    }
    if io::stdin().is_terminal() {
        // this process stays until the person detaches
        return attach();
    }
    wait_for_window(place);
    let _ = writeln!(stdout(), "attach with: {}", tmux.attach_command(&session.name));
    Ok(0)
}

/// Waits until the program in the new window has begun: it gets its environment from this process.
fn wait_for_window(place: &SpecPlace) {
    let (began, lock) = (Instant::now(), place.store().talk_lock());
    while talker(&lock).is_none() && began.elapsed() < PATIENCE {
        thread::sleep(LOOK_AGAIN);
    }
}

/// Opens the session in this terminal.
fn here(project: &Project, place: &SpecPlace, session: &TalkSession) -> Result<u8> {
    let (store, config) = (place.store(), &project.loaded.config);
    let mut err = io::stderr();
    let task = sanitise_line(&session.unit);
    let lock = session.hold(&store, &|unit| {
        let what = match unit {
            "" => "the run".to_owned(),
            unit => format!("the agent of task {}", sanitise_line(unit)),
        };
        let _ = writeln!(io::stderr(), "waiting for the end of this step: {what} (Ctrl-C gives up)");
    })?;
    let trees = TalkTrees::before(place, config)?;
    session.note(place, config)?;
    if session.was_sandboxed {
        let _ = writeln!(err, "note: this session is not in the sandbox of the attempts");
    }
    let _ =
        writeln!(err, "task {task}: {} (no step starts before you leave it)", command_line(&session.argv));
    // what the person types belongs to the program
    signals::watch(|_| ()).map_err(|e| Error::new(ErrorKind::Internal, "catching signals").caused_by(e))?;
    let ended = session.open(&lock);
    let well = ended.as_ref().is_ok_and(ExitStatus::success);
    if !well {
        session.withdraw_note(place)?;
    }
    let ended = ended.map_err(|e| Error::io("starting", Path::new(&session.argv[0]), e))?;
    let answered = session.asks(place)? && was_answered(ended);
    let continues = session.leave(place, lock, trees, answered)?;
    let next = match (continues, session.asks(place)?) {
        (true, _) => "the run continues".to_owned(),
        (false, true) => {
            format!("its question is still open (`{}`)", spec_command("resume", &place.typed, ""))
        }
        (false, false) => {
            format!("`{}` continues in this session", spec_command("run", &place.typed, ""))
        }
    };
    let _ = writeln!(err, "task {task}: {next}");
    Ok(u8::from(!well))
}

/// Asks whether the question of the task was answered in the session. A closed window says no.
fn was_answered(ended: ExitStatus) -> bool {
    let mut err = io::stderr();
    let well = ended.success();
    if !well {
        let _ = write!(err, "the session ended with {ended}. ");
    }
    let choice = if well { "[Y/n]" } else { "[y/N]" };
    let _ = write!(err, "Did you answer the question of the task there? {choice} ");
    let mut line = String::new();
    match io::stdin().read_line(&mut line) {
        Ok(read) if read > 0 => match line.trim().to_lowercase().as_str() {
            "" => well,
            typed => matches!(typed, "y" | "yes"),
        },
        _ => false,
    }
}
