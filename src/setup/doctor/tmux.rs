//! tmux: the program, its socket folder, and the panes and windows that the user wants.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use super::folders::is_writable;
use super::subject::DoctorSubject;
use crate::config::{self, TmuxMode};
use crate::error::ErrorKind;
use crate::setup::findings::DoctorFinding;
use crate::sys::programs;
use crate::tmux::{TmuxServer, find_tmux, parse};

const TOPIC: &str = "tmux";
/// The oldest tmux that seqorch is tested with.
const OLDEST: (u32, u32) = (3, 3);

pub(super) fn check(subject: &DoctorSubject<'_>) -> Vec<DoctorFinding> {
    let settings = subject.loaded.ok().map(|loaded| &loaded.config.tmux);
    let mode = settings.map_or(TmuxMode::Auto, |t| t.mode);
    if mode == TmuxMode::Off {
        return vec![DoctorFinding::ok(TOPIC, "off: agents print to the terminal")];
    }
    let env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let Some(program) = find_tmux(&env, subject.root) else { return vec![not_found(mode)] };
    let path = program.display().to_string();
    let socket = settings.and_then(|t| t.socket.clone());
    let server = TmuxServer::new(program, socket, &env);
    let version = match server.version() {
        Ok(version) => version,
        Err(error) => return vec![DoctorFinding::error(TOPIC, &error.into())],
    };
    let mut found = match parse::version(&version) {
        Some(number) if number < OLDEST => {
            let text = format!("tmux {version} is older than 3.3a, the oldest that seqorch is tested with");
            vec![
                DoctorFinding::warning(TOPIC, text)
                    .fix("Update it, or set tmux.mode = \"off\" if windows do not open."),
            ]
        }
        _ => vec![DoctorFinding::ok(TOPIC, format!("tmux {version}, {path}"))],
    };
    if let Err(error) = server.socket_path() {
        found = vec![DoctorFinding::error(TOPIC, &error.into())];
    }
    found.extend(check_socket_folder());
    if let Some(settings) = settings {
        found.extend(check_programs(settings, &env));
        found.extend(check_layout(settings, &version));
    }
    found
}

fn not_found(mode: TmuxMode) -> DoctorFinding {
    if mode == TmuxMode::On {
        let text = "tmux is not in PATH, and tmux.mode is \"on\"";
        DoctorFinding::problem(TOPIC, ErrorKind::Unavailable, text)
            .fix("Install tmux, or set tmux.mode = \"auto\".")
    } else {
        DoctorFinding::warning(TOPIC, "tmux is not in PATH, so agents will print to the terminal")
            .fix("Install tmux to watch them, or set tmux.mode = \"off\".")
    }
}

/// The programs of side panes and extra windows. A run does without them, so the user should know before.
fn check_programs(settings: &config::Tmux, env: &[(OsString, OsString)]) -> Vec<DoctorFinding> {
    let path = env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    let panes = settings.panes.iter().map(|pane| ("a side pane", &pane.command[0], &pane.cwd));
    let windows = settings.windows.iter().map(|window| ("a window", &window.command[0], &window.cwd));
    panes
        .chain(windows)
        .filter(|(_, program, cwd)| programs::find_program(OsStr::new(program), path, cwd).is_none())
        .map(|(place, program, _)| {
            let text = format!("{program}, which {place} runs, was not found");
            DoctorFinding::warning(TOPIC, text).fix("Install it, or change [tmux] in seqorch.toml.")
        })
        .collect()
}

fn check_layout(settings: &config::Tmux, version: &str) -> Option<DoctorFinding> {
    let layout = settings.layout.filter(|layout| *layout != layout.known_everywhere())?;
    if parse::has_mirrored_layouts(version) {
        return None;
    }
    let (name, fallback) = (layout.name(), layout.known_everywhere().name());
    let text = format!("tmux {version} does not know the layout {name} and will use {fallback}");
    Some(DoctorFinding::warning(TOPIC, text).fix("Update tmux to 3.5, or set another tmux.layout."))
}

/// tmux refuses a socket folder that other users may enter or own.
fn check_socket_folder() -> Option<DoctorFinding> {
    let base = std::env::var_os("TMUX_TMPDIR").filter(|v| !v.is_empty()).map_or("/tmp".into(), PathBuf::from);
    let uid = rustix::process::geteuid().as_raw();
    let folder = base.join(format!("tmux-{uid}"));
    let (text, fix) = match std::fs::symlink_metadata(&folder) {
        Ok(meta) if !meta.is_dir() || meta.uid() != uid => (
            format!("{} is not a folder that you own, so tmux cannot start its server", folder.display()),
            "Remove it, or set TMUX_TMPDIR to a folder of your own.".to_owned(),
        ),
        Ok(meta) if meta.permissions().mode() & 0o007 != 0 => (
            format!("other users may enter {}, so tmux refuses to use it", folder.display()),
            format!("chmod 700 {}", folder.display()),
        ),
        Ok(_) => return None,
        Err(_) if is_writable(&base) => return None,
        Err(_) => (
            format!("{} is not writable, so tmux cannot start its server", base.display()),
            "Make it writable, or set TMUX_TMPDIR to a folder of your own.".to_owned(),
        ),
    };
    Some(DoctorFinding::problem(TOPIC, ErrorKind::Internal, text).fix(fix))
}
