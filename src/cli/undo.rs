//! `seqorch undo`: restores the files that a done task changed, and marks it to do.

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
    /// The task: its id, a range (3-5), a pattern (2.*) or a part of its title.
    id: String,
    /// Spec: its name, its folder or its tasks.md [default: the only spec].
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,
}

pub(super) fn undo(global: &Global, args: &UndoArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    let place = project.place(&project.spec(args.spec.as_deref())?, Selection::default())?;
    let undone = undo::undo(&place, &project.loaded.config, &args.id)?;
    let mut out = io::stdout().lock();
    for one in &undone {
        let what = if one.files.is_empty() { "nothing to restore" } else { "restored files:" };
        let _ = writeln!(out, "task {} is to do again; {what}", sanitise_line(&one.unit));
        for change in &one.files {
            let _ = writeln!(out, "  {}", sanitise_line(&change.path));
        }
        if let Some(commit) = &one.commit {
            let _ =
                writeln!(out, "its commit {commit:.9} stays in the history; commit the revert when you want");
        }
    }
    Ok(0)
}
