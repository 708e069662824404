//! `seqorch note`: writes a note that the next prompt of a task has.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use super::Global;
use super::global::print_line;
use super::overview::{Unnamed, spec_for};
use super::project::{Project, refuse_lost_tree};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Selection;
use crate::project::SpecPlace;
use crate::report::text::sanitise_line;
use crate::run::notes::{NoteStanding, write_notes};
use crate::store::entry_box::NOTE_MAX;

#[derive(Debug, Args)]
#[command(
    after_help = "Each prompt of the task has the note until the task is done. A run that is active takes it before its \
next step; `seqorch status` says whether an agent has got it.",
    override_usage = "seqorch note [OPTIONS] <ID> <TEXT>\n       seqorch note [OPTIONS] <ID> --file <FILE>"
)]
pub(super) struct NoteArgs {
    #[command(flatten)]
    words: WordsArgs,
}

/// Words of a person for the agent of a task.
#[derive(Debug, Args)]
pub(super) struct WordsArgs {
    /// The task: its id, a range (3-5), a pattern (2.*) or a part of its title.
    pub(super) id: String,
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

impl WordsArgs {
    /// The words.
    pub(super) fn text(&self) -> Result<String> {
        match &self.file {
            Some(file) => read_words(file),
            None => Ok(self.text.clone().unwrap_or_default()),
        }
    }

    /// The project, and the spec that the task is in.
    pub(super) fn place(&self, global: &Global) -> Result<(Project, SpecPlace)> {
        let project = Project::open(global, Vec::new(), self.spec.as_deref())?;
        let spec = spec_for(&project, self.spec.as_deref(), Unnamed::Shows)?;
        let place = project.place(&spec, Selection::default())?;
        refuse_lost_tree(&place)?;
        Ok((project, place))
    }
}

pub(super) fn note(global: &Global, NoteArgs { words }: &NoteArgs) -> Result<u8> {
    let text = words.text()?;
    let (project, place) = words.place(global)?;
    for (unit, standing) in write_notes(&place, &project.loaded.config, &words.id, &text)? {
        print_standing(&unit, standing);
    }
    Ok(0)
}

/// Prints where a note stands.
pub(super) fn print_standing(unit: &str, standing: NoteStanding) {
    let unit = sanitise_line(unit);
    let text = match standing {
        NoteStanding::Pending => format!("task {unit}: the note is pending; its next prompt has it"),
        NoteStanding::AtWork => format!(
            "task {unit}: the note is pending; an agent works on the task now, and only a further attempt has it"
        ),
    };
    print_line(&text);
}

/// The words in a file, or on standard input; a little more than a note may have, so that the error can say so.
fn read_words(file: &Path) -> Result<String> {
    let most = NOTE_MAX as u64 + 1_000_000;
    let mut text = String::new();
    let read = if file == Path::new("-") {
        io::stdin().take(most).read_to_string(&mut text)
    } else {
        fs::File::open(file).and_then(|opened| opened.take(most).read_to_string(&mut text))
    };
    read.map_err(|e| {
        Error::new(ErrorKind::Usage, format!("reading the words from {}", file.display())).caused_by(e)
    })?;
    Ok(text)
}
