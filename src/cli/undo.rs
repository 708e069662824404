//! `seqorch undo`: takes back what a done task changed, in the files only.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::Global;
use super::project::Project;
use crate::error::Result;
use crate::plan::Selection;
use crate::report::text::sanitise_line;
use crate::run::undo;

#[derive(Debug, Args)]
pub(super) struct UndoArgs {
    /// The task.
    id: String,
    /// The spec: a folder, a tasks.md, or a name. None: the only one there is.
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,
}

pub(super) fn undo(global: &Global, args: &UndoArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    let place = project.place(&project.spec(args.spec.as_deref())?, Selection::default())?;
    let undone = undo::undo(&place, &project.loaded.config, &args.id)?;
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "task {} is open again; taken back in the files:", args.id);
    for change in &undone.files {
        let _ = writeln!(out, "  {}", sanitise_line(&change.path));
    }
    if let Some(commit) = &undone.commit {
        let _ = writeln!(out, "its commit {commit:.9} stays in the history; commit the way back as you like");
    }
    Ok(0)
}
