//! `seqorch attach`: show the windows of a run in this terminal.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use clap::Args;

use super::Global;
use super::project::Project;
use crate::error::{Error, Kind, Result};
use crate::plan::{Selection, names};
use crate::tmux::{self, Tmux};

#[derive(Debug, Args)]
pub(super) struct AttachArgs {
    /// The spec: a folder, a tasks.md, or a name under run.spec_root, .kiro/specs, specs or openspec/changes.
    spec: Option<PathBuf>,
    /// The task whose window to show.
    id: Option<String>,
}

pub(super) fn attach(global: &Global, args: &AttachArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    // `attach 1.1`: with one spec there is no need to name it
    let (dir, id) = match (project.spec(args.spec.as_deref()), &args.spec) {
        (Ok(dir), _) => (dir, args.id.clone()),
        (Err(_), Some(id)) if args.id.is_none() && project.spec(None).is_ok() => {
            (project.spec(None)?, Some(id.display().to_string()))
        }
        (Err(error), _) => return Err(error),
    };
    let place = project.place(&dir, Selection::default())?;
    let config = &project.loaded.config.tmux;
    let env: Vec<_> = std::env::vars_os().collect();
    let program = tmux::find(&env).ok_or_else(|| {
        Error::new(Kind::Unavailable, "tmux is not on the search path")
            .hint("Read outputs with `seqorch logs`.")
    })?;
    let tmux = Tmux::new(program, config.socket.clone(), &env);
    let name = names::session(&config.session, &place.name);
    let session = tmux.session(&name).ok_or_else(|| {
        Error::new(Kind::NoSpec, format!("there is no tmux session {name}"))
            .hint("Start one with `seqorch run`.")
    })?;
    let window = match &id {
        None => None,
        Some(id) => {
            let windows = tmux.windows(&session)?;
            let known: Vec<_> = windows.iter().map(|(mark, _)| mark.clone()).collect();
            let (_, window) = windows.into_iter().find(|(mark, _)| mark == id).ok_or_else(|| {
                Error::new(Kind::Usage, format!("task {id} has no window"))
                    .hint(format!("There are: {}.", known.join(", ")))
            })?;
            Some(window.id)
        }
    };
    let command = tmux.attach_argv(&session, window.as_deref(), std::env::var_os("TMUX").is_some());
    let error = Command::new(&command[0]).args(&command[1..]).exec();
    Err(Error::new(Kind::Unavailable, "starting tmux").caused_by(error))
}
