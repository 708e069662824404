//! `seqorch say`: says something to the agent of a task while it works.

use std::io::Write;

use clap::Args;

use super::global::{Global, output};
use super::note::{WordsArgs, print_standing};
use crate::error::Result;
use crate::report::text::sanitise_line;
use crate::run::saying::{SaidStanding, say as say_to};

#[derive(Debug, Args)]
#[command(
    after_help = "The words reach an agent whose backend has live_input = true (Claude Code can have it), and begin another \
turn of it. Where no such agent works on the task, they are a note: the next prompt has them.",
    override_usage = "seqorch say [OPTIONS] <ID> <TEXT>\n       seqorch say [OPTIONS] <ID> --file <FILE>"
)]
pub(super) struct SayArgs {
    #[command(flatten)]
    words: WordsArgs,
}

pub(super) fn say(global: &Global, SayArgs { words }: &SayArgs) -> Result<u8> {
    let text = words.text()?;
    let (project, place) = words.place(global)?;
    for (unit, standing) in say_to(&place, &project.loaded.config, &words.id, &text)? {
        let task = sanitise_line(&unit);
        match standing {
            SaidStanding::Heard(attempt) => {
                let _ = writeln!(output(), "task {task}: its agent has it (attempt {attempt})");
            }
            SaidStanding::Noted(at, why) => {
                let why = sanitise_line(&why);
                let _ = writeln!(output(), "task {task}: {why}, so this is a note");
                print_standing(&unit, at);
            }
        }
    }
    Ok(0)
}
