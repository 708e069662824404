//! Whether a sandbox works here: tried with the command line that an agent would get.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::container;
use super::places::SandboxSubject;
use super::used::ContainerEngine;
use crate::agent::sanitise::sanitise;
use crate::config::{Sandbox, SandboxMode};
use crate::error::{Error, ErrorKind};
use crate::sys::command::{OutputLimit, Supervised, Unfinished, run};
use crate::sys::paths::leads_out;
use crate::sys::programs::find_program;
use crate::sys::random;

/// How long the trial may take. An engine may be slow to begin.
const PATIENCE: Duration = Duration::from_secs(60);
/// The exit code of the trial where the sandbox works and has no such program.
const NO_PROGRAM: i32 = 99;
/// The exit codes of engines where the image lacks what is to be started.
const NO_SHELL: [i32; 2] = [126, 127];
/// Lines of an error that are shown.
const SHOWN_LINES: usize = 3;

/// Why a sandbox does not work here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxTrouble {
    /// What does not work.
    pub what: String,
    /// What to do.
    pub fix: String,
}

impl From<SandboxTrouble> for Error {
    fn from(trouble: SandboxTrouble) -> Self {
        Self::new(ErrorKind::Unavailable, trouble.what).hint(trouble.fix)
    }
}

/// How to install what a mode needs.
fn install(mode: SandboxMode) -> &'static str {
    match mode {
        SandboxMode::Bwrap => {
            "Install bubblewrap with your package manager (`apt install bubblewrap`, `dnf install bubblewrap`). It runs on \
             Linux only."
        }
        SandboxMode::Podman => {
            "Install podman with your package manager (`apt install podman`, `brew install podman`)."
        }
        SandboxMode::Docker => "Install docker, and start it.",
        SandboxMode::Command => "Correct sandbox.command.",
        SandboxMode::Off => "",
    }
}

/// The program of the mode.
fn program_of(settings: &Sandbox) -> &str {
    match settings.mode {
        SandboxMode::Command => settings.command.first().map_or("", String::as_str),
        mode => mode.name(),
    }
}

/// Tries the sandbox with each of these programs of agents, which must be in it. With `is_only_looking`, nothing of the
/// project is executed: no program in it, and no image that it names.
pub fn check(
    subject: &SandboxSubject<'_>,
    programs: &[&str],
    is_only_looking: bool,
) -> Result<(), SandboxTrouble> {
    let settings = subject.settings;
    if !settings.is_on() {
        return Ok(());
    }
    let mode = settings.mode.name();
    let program = program_of(settings);
    let path = subject.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    let found = find_program(program.as_ref(), path, subject.root);
    // the modes name programs of the person's, not files of the project
    let found = found.filter(|found| {
        (settings.mode == SandboxMode::Command && !is_only_looking) || leads_out(subject.root, found)
    });
    if found.is_none() {
        return Err(SandboxTrouble {
            what: format!("sandbox.mode = \"{mode}\" does not work here: {program} is not installed"),
            fix: install(settings.mode).to_owned(),
        });
    }
    limits_work(settings, path, subject.root)?;
    match settings.mode {
        SandboxMode::Podman | SandboxMode::Docker => has_image(subject, settings, is_only_looking)?,
        SandboxMode::Command if is_only_looking => return Ok(()),
        _ => {}
    }
    if is_only_looking && settings.mode.is_container() {
        return Ok(());
    }
    let mut programs = programs.to_vec();
    programs.sort_unstable();
    programs.dedup();
    if programs.is_empty() {
        programs.push("sh");
    }
    programs.into_iter().try_for_each(|program| try_out(subject, program))
}

/// Only systemd can limit what runs in bubblewrap.
fn limits_work(
    settings: &Sandbox,
    path: Option<&std::ffi::OsStr>,
    root: &Path,
) -> Result<(), SandboxTrouble> {
    let wanted = settings.memory.map(|_| "memory").or(settings.processes.map(|_| "processes"));
    let Some(key) = wanted.filter(|_| settings.mode == SandboxMode::Bwrap) else { return Ok(()) };
    let is_there = find_program("systemd-run".as_ref(), path, root)
        .is_some_and(|found| leads_out(root, &found))
        && Path::new("/run/systemd/system").is_dir();
    if is_there {
        return Ok(());
    }
    Err(SandboxTrouble {
        what: format!(
            "sandbox.{key} does not work here with mode = \"bwrap\": it needs systemd, which does not run"
        ),
        fix: "Unset it, or use mode = \"podman\" or \"docker\".".to_owned(),
    })
}

fn has_image(
    subject: &SandboxSubject<'_>,
    settings: &Sandbox,
    is_only_looking: bool,
) -> Result<(), SandboxTrouble> {
    let mode = settings.mode.name();
    let image = settings.image.as_deref().unwrap_or_default();
    let mut argv = vec![mode.to_owned()];
    // arguments of the project may be anything
    argv.extend(settings.engine_args.iter().filter(|_| !is_only_looking).cloned());
    argv.extend(["image", "inspect", "--format", "found", "--", image].map(str::to_owned));
    let (code, words) = call(subject, &argv, None)?;
    if code == Some(0) {
        return Ok(());
    }
    let lower = words.to_lowercase();
    let is_missing = ["no such image", "not known", "no such object", "image not known"]
        .iter()
        .any(|text| lower.contains(text));
    if is_missing {
        return Err(SandboxTrouble {
            what: format!("sandbox.image: {mode} has no image {image:?} here, and seqorch fetches none"),
            fix: format!(
                "Build it, or get it with `{mode} pull {image}`. The agent's program must be in it."
            ),
        });
    }
    Err(SandboxTrouble {
        what: format!("sandbox.mode = \"{mode}\" does not work here: {words}"),
        fix: format!("Try `{mode} info`."),
    })
}

/// Starts a shell in the sandbox, which looks for the program.
fn try_out(subject: &SandboxSubject<'_>, program: &str) -> Result<(), SandboxTrouble> {
    let script = format!("command -v -- \"$0\" >/dev/null 2>&1 || exit {NO_PROGRAM}");
    let settings = subject.settings;
    // PATH may lead into the project
    let shell = if settings.mode == SandboxMode::Bwrap { "/bin/sh" } else { "sh" };
    let argv = [shell, "-c", &script, program].map(str::to_owned);
    let mode = settings.mode.name();
    let drawn = random::bits().unwrap_or_default();
    let name = container::name(&format!("{drawn:016x}"));
    // the places are those of the program
    let Some(wrapped) = subject.wrap_as(&argv, program, &name) else { return Ok(()) };
    let engine = wrapped.used.container().map(|(engine, _)| engine);
    let result = call(subject, &wrapped.argv, engine.map(|engine| (engine, name.as_str())));
    let (code, words) = result?;
    match code {
        Some(0) => Ok(()),
        Some(code) if settings.mode.is_container() && NO_SHELL.contains(&code) => Ok(()),
        Some(NO_PROGRAM) => Err(SandboxTrouble {
            what: format!("in the sandbox there is no program {program}"),
            fix: match settings.mode {
                SandboxMode::Bwrap => "Name its folder in sandbox.read.".to_owned(),
                _ => "Use an image that has it, or the name that it has there.".to_owned(),
            },
        }),
        _ => {
            let words = if words.is_empty() { "it says nothing".to_owned() } else { words };
            Err(SandboxTrouble {
                what: format!("sandbox.mode = \"{mode}\" does not work here: {words}"),
                fix: match settings.mode {
                    SandboxMode::Bwrap => "Allow unprivileged user namespaces (kernel.unprivileged_userns_clone, \
                                           kernel.apparmor_restrict_unprivileged_userns), or use another mode."
                        .to_owned(),
                    SandboxMode::Command => install(SandboxMode::Command).to_owned(),
                    _ => format!("Try `{mode} run` by hand; sandbox.args and sandbox.engine_args add arguments."),
                },
            })
        }
    }
}

/// Runs a command line to its end: the exit code, and its last words.
fn call(
    subject: &SandboxSubject<'_>,
    argv: &[String],
    container: Option<(ContainerEngine, &str)>,
) -> Result<(Option<i32>, String), SandboxTrouble> {
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).current_dir(subject.cwd).env_clear();
    command.envs(subject.env.iter().map(|(name, value)| (name, value)));
    let shown = argv[0].clone();
    let call = Supervised {
        command,
        stdin: &[],
        holds: None,
        deadline: PATIENCE,
        keep: OutputLimit::End(4096),
        shown: &shown,
    };
    let mode = subject.settings.mode.name();
    let trouble = |why: String| SandboxTrouble {
        what: format!("sandbox.mode = \"{mode}\" does not work here: {why}"),
        fix: install(subject.settings.mode).to_owned(),
    };
    let ended = run(call, None, None);
    if ended.is_err()
        && let Some((engine, name)) = container
    {
        container::remove(engine, name);
    }
    match ended {
        Ok(done) => {
            let all = sanitise(&done.stderr);
            let lines: Vec<&str> = all.lines().filter(|line| !line.trim().is_empty()).collect();
            let words = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("; ");
            Ok((done.status.code(), words))
        }
        Err(Unfinished::TimedOut(_)) => {
            Err(trouble(format!("{shown} gives no answer within {} s", PATIENCE.as_secs())))
        }
        Err(Unfinished::NotStarted(error) | Unfinished::Broken(error)) => {
            Err(trouble(format!("{shown} cannot be started: {error}")))
        }
        Err(Unfinished::Stopped) => Err(trouble(format!("{shown} was ended"))),
    }
}
