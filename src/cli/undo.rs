//! `seqorch undo`: restores the files that a done task changed, and marks it to do.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::global::{Global, output};
use super::project::{Project, refuse_lost_tree, refuse_other_branch};
use super::trust::required_of_git;
use crate::agent::shell::command_line;
use crate::error::Result;
use crate::plan::Selection;
use crate::report::text::{sanitise_line, shell_word};
use crate::run::undo::{self, LeftSubmodule, UndoRequest, Undone};

#[derive(Debug, Args)]
pub(super) struct UndoArgs {
    /// The task: its id, a range (3-5), a pattern (2.*) or a part of its title.
    id: String,
    /// Commit the revert. Also after an undo without it.
    #[arg(long)]
    commit: bool,
    /// If another run works in the work tree, wait for its end.
    #[arg(long)]
    wait: bool,
    /// Spec: its name, its folder or its file [default: the only spec].
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,
}

pub(super) fn undo(global: &Global, args: &UndoArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    let place = project.place(&project.spec(args.spec.as_deref())?, Selection::default())?;
    refuse_lost_tree(&place)?;
    if args.commit {
        refuse_other_branch(&place)?;
    }
    required_of_git(&project, |key| key.starts_with("filter."))?;
    let state = project.state(&place)?;
    let mut units = place.units_named(&state, &args.id)?;
    // what was done last is undone first
    let ended = |id: &String| state.units.get(id)?.attempts.last()?.ended_at;
    units.sort_by_key(|id| std::cmp::Reverse(ended(id)));
    for id in units {
        let request = UndoRequest { id: &id, commit: args.commit, wait: args.wait };
        let undone = undo::undo(&place, &project.loaded.config, request)?;
        print(args, &id, &undone);
    }
    Ok(0)
}

fn print(args: &UndoArgs, id: &str, undone: &Undone) {
    let mut out = output();
    let id = sanitise_line(id);
    let what = if undone.files.is_empty() { "nothing to restore" } else { "restored files:" };
    let _ = writeln!(out, "task {id} is to do again; {what}");
    for change in &undone.files {
        let _ = writeln!(out, "  {}", sanitise_line(&change.path));
    }
    for LeftSubmodule { path, was_at } in &undone.submodules {
        let back = was_at.as_ref().map(|commit| {
            let words = ["git", "-C", path, "checkout", &format!("{commit:.9}")];
            format!(" (back: {})", command_line(&words.map(str::to_owned)))
        });
        let path = sanitise_line(path);
        let _ = writeln!(out, "not restored, because it is a submodule: {path}{}", back.unwrap_or_default());
    }
    if let Some(commit) = &undone.commit {
        let _ = writeln!(out, "its commit {commit:.9} stays in the history");
    }
    if let Some(revert) = &undone.revert {
        let _ = writeln!(out, "the revert is commit {revert:.9}");
    } else if args.commit {
        let _ = writeln!(out, "nothing to commit");
    }
    if !undone.left.is_empty() {
        let _ =
            writeln!(out, "others committed these files since; as they are now, they stay yours to commit:");
        for path in &undone.left {
            let _ = writeln!(out, "  {}", sanitise_line(path));
        }
    }
    if !undone.to_commit.is_empty() {
        let again = match &args.spec {
            Some(spec) => format!(" --spec {}", shell_word(&spec.display().to_string())),
            None => String::new(),
        };
        let _ = writeln!(
            out,
            "commit these files, or let `seqorch undo {} --commit{again}` do it:",
            shell_word(&id)
        );
        for path in &undone.to_commit {
            let _ = writeln!(out, "  {}", sanitise_line(path));
        }
    }
}
