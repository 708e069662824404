//! `seqorch diff`: shows what a task changed, as git shows it.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;

use super::global::{ColorChoice, Global};
use super::overview::{Unnamed, spec_for};
use super::project::{Project, refuse_lost_tree};
use super::trust::required_of_git;
use crate::error::{Error, ErrorKind, Result};
use crate::git::diff::DiffLook;
use crate::plan::Selection;
use crate::report::text::sanitise_line;
use crate::run::task_changes::show_changes;

#[derive(Debug, Args)]
#[command(
    after_help = "The changes come from the commit of the task, or else from the snapshots before and after its attempts \
(git.snapshot). On a terminal they are paged and coloured as your git does it (core.pager, pager.diff, color.ui)."
)]
pub(super) struct DiffArgs {
    /// The task: its id, a range (3-5), a pattern (2.*) or a part of its title.
    id: String,
    /// Print only the files, with counts of lines.
    #[arg(long)]
    stat: bool,
    /// Spec: its name, its folder or its tasks.md [default: the only spec, or the one that runs or waits].
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,
}

pub(super) fn diff(global: &Global, args: &DiffArgs) -> Result<u8> {
    let project = Project::open_to_look(global, args.spec.as_deref())?;
    let spec = spec_for(&project, args.spec.as_deref(), Unnamed::ShowsWork)?;
    let place = project.place(&spec, Selection::default())?;
    refuse_lost_tree(&place)?;
    // git shows it in its own way, with whatever its settings say
    required_of_git(&project, |key| {
        ["core.pager", "pager.", "diff.", "interactive."].iter().any(|one| key.starts_with(one))
    })?;
    let color = match global.color {
        ColorChoice::Always => Some(true),
        ColorChoice::Never => Some(false),
        // a pipe gets plain text even where color.ui is "always"
        ColorChoice::Auto => (!std::io::stdout().is_terminal()).then_some(false),
    };
    let look = DiffLook { stat: args.stat, color };
    let state = project.state(&place)?;
    let units = place.units_named(&state, &args.id)?;
    let [unit] = units.as_slice() else {
        let text = format!("{} names {} tasks, and diff shows one", sanitise_line(&args.id), units.len());
        return Err(
            Error::new(ErrorKind::Usage, text).hint(format!("Name one of them: {}.", units.join(", ")))
        );
    };
    match show_changes(&place, &project.loaded.config, &state, unit, look)? {}
}
