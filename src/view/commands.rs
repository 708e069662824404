//! The commands of keys. Each is a run of this program, as a person would type it: the view itself takes no lock and writes
//! no file.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use super::watch::Watch;
use crate::config::TmuxMode;
use crate::report::text::{sanitise_line, sanitise_text};
use crate::report::times::span;
use crate::report::view::{TextPage, View, ViewCommand};
use crate::sys::command::{self, OutputLimit, Supervised, Unfinished};
use crate::sys::programs;

/// How long a command may take.
const DEADLINE: Duration = Duration::from_secs(120);
/// How much of a log or a diff is shown: its last bytes.
const SHOWN: usize = 4_000_000;

/// What a command came to.
pub(super) enum CommandResult {
    /// A text to read.
    Text(TextPage),
    /// A sentence.
    Note(String),
}

/// A command that runs in the background.
pub(super) struct RunningCommand {
    receiver: Receiver<CommandResult>,
}

impl RunningCommand {
    /// Starts it.
    pub(super) fn start(watch: &Watch<'_>, view: &View, command: &ViewCommand) -> Self {
        let (sender, receiver) = channel();
        let (argv, stdin) = argv(watch, command);
        let page = match command {
            ViewCommand::Log(unit) => Some((heading(view, "log of task", unit), false)),
            ViewCommand::Diff(unit) => Some((heading(view, "changes of task", unit), true)),
            _ => None,
        };
        thread::spawn(move || {
            // the view may be gone by now
            let _ = sender.send(run(&argv, stdin.as_bytes(), page));
        });
        Self { receiver }
    }

    /// Its result, once it has one.
    pub(super) fn result(&self) -> Option<CommandResult> {
        match self.receiver.try_recv() {
            Ok(result) => Some(result),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(CommandResult::Note("the command was lost".to_owned())),
        }
    }
}

/// Runs a command that needs the terminal, such as an editor. Returns whether it succeeded.
pub(super) fn in_terminal(watch: &Watch<'_>, command: &ViewCommand) -> std::io::Result<bool> {
    let (argv, _) = argv(watch, command);
    let program = programs::own_program().map_err(std::io::Error::other)?;
    Ok(Command::new(program).args(argv).stdin(Stdio::inherit()).status()?.success())
}

fn heading(view: &View, what: &str, unit: &str) -> String {
    let title = view.rows.iter().find(|row| row.id == unit).map_or("", |row| row.title.as_str());
    sanitise_line(&format!("{what} {unit} {title}"))
}

/// The arguments of this program, and what it reads.
fn argv(watch: &Watch<'_>, command: &ViewCommand) -> (Vec<OsString>, String) {
    let spec: OsString = watch.place.named_path().into_os_string();
    let mut argv: Vec<OsString> = watch.globals.to_vec();
    let mut stdin = String::new();
    let of_spec = |verb: &str| vec![OsString::from(verb), "--spec".into(), spec.clone(), "--".into()];
    match command {
        ViewCommand::Log(unit) => argv.extend([of_spec("logs"), vec![unit.into()]].concat()),
        ViewCommand::Diff(unit) => argv.extend([of_spec("diff"), vec![unit.into()]].concat()),
        ViewCommand::Skip(unit) => {
            argv.extend([of_spec("mark"), vec![unit.into(), "skip".into()]].concat());
        }
        ViewCommand::Note(unit, text) => {
            let note = vec!["note".into(), "--spec".into(), spec, "--file".into(), "-".into(), "--".into()];
            argv.extend([note, vec![unit.into()]].concat());
            stdin.clone_from(text);
        }
        ViewCommand::Pause => argv.extend(["pause".into(), "--".into(), spec]),
        ViewCommand::Resume => {
            argv.extend(["resume".into(), "--now".into()]);
            if watch.config.tmux.mode != TmuxMode::Off {
                argv.push("--detach".into());
            }
            argv.extend(["--".into(), spec]);
        }
        ViewCommand::Answer(unit) | ViewCommand::AnswerWith(unit, _) => {
            argv.push("resume".into());
            // the run gets windows of its own, and this view shows it
            if watch.config.tmux.mode != TmuxMode::Off {
                argv.push("--detach".into());
            }
            if let ViewCommand::AnswerWith(_, text) = command {
                argv.extend(["--answer-file".into(), "-".into()]);
                stdin.clone_from(text);
            }
            argv.extend(["--".into(), spec, unit.into()]);
        }
        // signals of the view itself
        ViewCommand::Stop | ViewCommand::KeepRunning => {}
    }
    (argv, stdin)
}

fn run(argv: &[OsString], stdin: &[u8], page: Option<(String, bool)>) -> CommandResult {
    let program = match programs::own_program() {
        Ok(program) => program,
        Err(error) => return CommandResult::Note(error.to_string()),
    };
    let mut command = Command::new(program);
    command.args(argv).env("NO_COLOR", "1");
    let call = Supervised {
        command,
        stdin,
        holds: None,
        deadline: DEADLINE,
        keep: OutputLimit::End(SHOWN),
        shown: "seqorch",
    };
    let done = match command::run(call, None, None) {
        Ok(done) => done,
        Err(Unfinished::TimedOut(_)) => {
            return CommandResult::Note(format!("the command took longer than {}", span(DEADLINE)));
        }
        Err(error) => return CommandResult::Note(sanitise_line(&format!("the command failed: {error:?}"))),
    };
    let text = |bytes: &[u8]| sanitise_text(&String::from_utf8_lossy(bytes));
    let (stdout, stderr) = (text(&done.stdout), text(&done.stderr));
    match page {
        Some((title, is_diff)) if done.status.success() && !stdout.trim().is_empty() => {
            let cut = if done.stdout.len() >= SHOWN { " (its end)" } else { "" };
            CommandResult::Text(TextPage::new(format!("{title}{cut}"), &stdout, is_diff))
        }
        _ => {
            let all = if done.status.success() { stdout + &stderr } else { stderr + &stdout };
            let lines: Vec<&str> = all.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            CommandResult::Note(if lines.is_empty() {
                "there is nothing to show".to_owned()
            } else {
                lines.join(" · ")
            })
        }
    }
}
