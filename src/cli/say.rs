//! `seqorch say`: says something to the agent of a task while it works.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::Global;
use super::note::{print_standing, read_words};
use super::overview::{Unnamed, spec_for};
use super::project::Project;
use crate::error::Result;
use crate::plan::Selection;
use crate::report::text::sanitise_line;
use crate::run::saying::{SaidStanding, say as say_to};

#[derive(Debug, Args)]
#[command(
    after_help = "The words reach an agent whose backend has live_input = true (Claude Code can have it), and begin another \
turn of it. Where no such agent works on the task, they are a note: the next prompt has them."
)]
pub(super) struct SayArgs {
    /// The task: its id, a range (3-5), a pattern (2.*) or a part of its title.
    id: String,
    /// What its agent should know or do.
    #[arg(required_unless_present = "file")]
    text: Option<String>,
    /// Read the words from this file; - reads standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    file: Option<PathBuf>,
    /// Spec: its name, its folder or its file [default: the only spec, or the one that runs or waits].
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,
}

pub(super) fn say(global: &Global, args: &SayArgs) -> Result<u8> {
    let text = match &args.file {
        Some(file) => read_words(file)?,
        None => args.text.clone().unwrap_or_default(),
    };
    let project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    let spec = spec_for(&project, args.spec.as_deref(), "say", Unnamed::Shows)?;
    let place = project.place(&spec, Selection::default())?;
    for (unit, standing) in say_to(&place, &project.loaded.config, &args.id, &text)? {
        let task = sanitise_line(&unit);
        match standing {
            SaidStanding::Heard(attempt) => {
                let _ = writeln!(anstream::stdout(), "task {task}: its agent has it (attempt {attempt})");
            }
            SaidStanding::Noted(at, why) => {
                let why = sanitise_line(&why);
                let _ = writeln!(anstream::stdout(), "task {task}: {why}, so this is a note");
                print_standing(&unit, at);
            }
        }
    }
    Ok(0)
}
