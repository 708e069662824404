//! tmux and git.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use super::Patient;
use crate::config::{self, Commit, Dirty, TmuxMode};
use crate::error::ErrorKind;
use crate::git::{self, repository};
use crate::setup::findings::Finding;
use crate::sys::programs;
use crate::tmux::{TmuxServer, find_tmux, parse};

/// The oldest tmux that seqorch was tried with.
const TRIED: (u32, u32) = (3, 3);
/// Files that are named of a dirty tree.
const SHOWN: usize = 5;

pub(super) fn tmux(patient: &Patient<'_>) -> Vec<Finding> {
    const TOPIC: &str = "tmux";
    let settings = patient.loaded.ok().map(|loaded| &loaded.config.tmux);
    let mode = settings.map_or(TmuxMode::Auto, |t| t.mode);
    if mode == TmuxMode::Off {
        return vec![Finding::ok(TOPIC, "turned off; agents print to the terminal")];
    }
    let env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let Some(program) = find_tmux(&env) else {
        let text = "tmux is not on the search path";
        return vec![if mode == TmuxMode::On {
            Finding::problem(TOPIC, ErrorKind::Unavailable, format!("{text}, and tmux.mode is \"on\""))
                .mend("Install tmux, or set tmux.mode = \"auto\".")
        } else {
            Finding::warning(TOPIC, format!("{text}; agents will print to the terminal"))
                .mend("Install tmux to watch them, or set tmux.mode = \"off\".")
        }];
    };
    let shown = program.display().to_string();
    let version = match TmuxServer::new(program, settings.and_then(|t| t.socket.clone()), &env).version() {
        Ok(version) => version,
        Err(error) => return vec![Finding::error(TOPIC, &error)],
    };
    let mut found = match parse::version(&version) {
        Some(number) if number < TRIED => vec![
            Finding::warning(
                TOPIC,
                format!("tmux {version} is older than any that seqorch was tried with (3.3a)"),
            )
            .mend("Update it, or set tmux.mode = \"off\" if windows do not open."),
        ],
        _ => vec![Finding::ok(TOPIC, format!("tmux {version}, {shown}"))],
    };
    found.extend(socket_folder(TOPIC));
    if let Some(settings) = settings {
        found.extend(beside(TOPIC, settings, &version, &env));
    }
    found
}

/// What stands beside the agents: a run goes on without it, so whoever wants to see it should hear of it before.
fn beside(
    topic: &'static str,
    settings: &config::Tmux,
    version: &str,
    env: &[(OsString, OsString)],
) -> Vec<Finding> {
    let path = env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    let panes = settings.panes.iter().map(|pane| ("a side pane", &pane.command, &pane.cwd));
    let windows = settings.windows.iter().map(|window| ("a window", &window.command, &window.cwd));
    let mut found = Vec::new();
    for (what, command, cwd) in panes.chain(windows) {
        if programs::find_program(OsStr::new(&command[0]), path, cwd).is_none() {
            let text = format!("{}, which {what} runs, is not there", command[0]);
            found.push(Finding::warning(topic, text).mend("Install it, or change [tmux] in seqorch.toml."));
        }
    }
    let layout = settings.layout.filter(|layout| *layout != layout.known_everywhere());
    if let Some(layout) = layout.filter(|_| !parse::has_mirrored_layouts(version)) {
        let (name, plain) = (layout.name(), layout.known_everywhere().name());
        let text = format!("this tmux does not know the layout {name} and will use {plain}");
        found.push(Finding::warning(topic, text).mend("Update it to 3.5, or set another tmux.layout."));
    }
    found
}

/// tmux refuses a socket folder that others may enter or that is not its user's.
fn socket_folder(topic: &'static str) -> Option<Finding> {
    let base = std::env::var_os("TMUX_TMPDIR").filter(|v| !v.is_empty()).map_or("/tmp".into(), PathBuf::from);
    let uid = rustix::process::geteuid().as_raw();
    let folder = base.join(format!("tmux-{uid}"));
    let (text, mend) = match std::fs::symlink_metadata(&folder) {
        Ok(meta) if !meta.is_dir() || meta.uid() != uid => (
            format!("{} is not a folder of yours, so tmux starts no server", folder.display()),
            "Remove it, or set TMUX_TMPDIR to a folder of your own.".to_owned(),
        ),
        Ok(meta) if meta.permissions().mode() & 0o007 != 0 => (
            format!("others may enter {}, so tmux refuses it", folder.display()),
            format!("chmod 700 {}", folder.display()),
        ),
        Ok(_) => return None,
        Err(_) if super::places::writable(&base) => return None,
        Err(_) => (
            format!("{} cannot be written to, so tmux starts no server", base.display()),
            "Make it writable, or set TMUX_TMPDIR to a folder of your own.".to_owned(),
        ),
    };
    Some(Finding::problem(topic, ErrorKind::Internal, text).mend(mend))
}

pub(super) fn git(patient: &Patient<'_>) -> Vec<Finding> {
    const TOPIC: &str = "git";
    let settings = patient.loaded.ok().map(|loaded| &loaded.config.git);
    let commits = settings.is_some_and(|git| git.commit == Commit::Step);
    let lacking = |kind: ErrorKind, text: String| {
        if commits {
            Finding::problem(TOPIC, kind, format!("{text}, and git.commit is \"step\""))
        } else {
            Finding::warning(TOPIC, format!("{text}: changes will not be told"))
        }
    };
    let Some(version) = repository::version() else {
        let finding = lacking(ErrorKind::Unavailable, "git is not on the search path".to_owned());
        return vec![finding.mend("Install git.")];
    };
    let tree = match repository::work_tree(patient.root) {
        Ok(tree) => tree,
        Err(why) => {
            return vec![
                lacking(ErrorKind::Internal, why)
                    .mend("`git init`, so that what agents do can be seen and undone."),
            ];
        }
    };
    let mut found = vec![Finding::ok(TOPIC, format!("git {version}, repository {}", tree.display()))];
    match git::uncommitted_files(patient.root) {
        Some(files) if !files.is_empty() => {
            let mut names: Vec<&str> = files.iter().take(SHOWN).map(String::as_str).collect();
            if files.len() > SHOWN {
                names.push("…");
            }
            let text = format!("changes that are not committed: {} ({})", files.len(), names.join(", "));
            // a done task's own changes: nobody refuses them, and in a stash they would be lost to its commit
            let owed = patient
                .specs
                .iter()
                .flatten()
                .any(|(_, store)| store.load().is_ok_and(|state| state.uncommitted().next().is_some()));
            found.push(match settings.map(|git| git.dirty) {
                _ if commits && owed => Finding::warning(TOPIC, text)
                    .mend("A done task could not be committed yet, see below; do not stash what it changed."),
                Some(Dirty::Refuse) if commits => Finding::problem(TOPIC, ErrorKind::Internal, text)
                    .mend("Commit or stash them, or set git.dirty = \"allow\"."),
                _ => Finding::warning(TOPIC, text)
                    .mend("Commit them first, so that an agent's work can be told from yours and undone."),
            });
        }
        Some(_) => found.push(Finding::ok(TOPIC, "nothing is uncommitted")),
        None => found
            .push(Finding::warning(TOPIC, "git cannot tell what is uncommitted").mend("Try `git status`.")),
    }
    if commits && !repository::has_identity(patient.root) {
        found.push(
            Finding::problem(TOPIC, ErrorKind::Internal, "git does not know in whose name to commit")
                .mend("git config user.name NAME; git config user.email ADDRESS"),
        );
    }
    let local = "seqorch.local.toml";
    if patient.root.join(local).exists() && repository::is_ignored(patient.root, local) == Some(false) {
        found.push(
            Finding::warning(TOPIC, format!("{local} is meant for you alone, and git does not ignore it"))
                .mend(format!("Add {local} to .gitignore.")),
        );
    }
    found
}
