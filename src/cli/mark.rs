//! `seqorch mark`: marks a task done, to do or skipped, or assigns it.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::Global;
use super::global::print_line;
use super::project::{Project, refuse_lost_tree};
use crate::config::Commit;
use crate::error::Result;
use crate::plan::Selection;
use crate::report::text::sanitise_line;
use crate::run::mark::{self, ManualState, MarkRequest, OwnerMark};

/// The heading of the flags that assign tasks in the help.
const ASSIGNMENT: &str = "Who does it";

#[derive(Debug, Args)]
#[command(
    after_help = "A mark also applies to all subtasks. The boxes in tasks.md change with it, unless tasks.tick is \"off\". \
--backend and --agent win over rules, overrides and the assignments of an agent.",
    override_usage = "seqorch mark [OPTIONS] <ID> <done|todo|skip>\n       seqorch mark [OPTIONS] <ID> --backend <NAME>"
)]
pub(super) struct MarkArgs {
    /// The task: its id, a range (3-5), a pattern (2.*) or a part of its title.
    id: String,
    /// Its new state: done; todo: the next run does it, even if it was done; skip: left out, and what depends on it is blocked.
    #[arg(value_enum, value_name = "done|todo|skip", hide_possible_values = true, required_unless_present_any = ["backend", "agent", "clear"])]
    mark: Option<ManualState>,
    /// Backend that does the task.
    #[arg(help_heading = ASSIGNMENT, long, value_name = "NAME", conflicts_with_all = ["agent", "clear"])]
    backend: Option<String>,
    /// Owner that does the task: a key of [assign.owners].
    #[arg(help_heading = ASSIGNMENT, long, value_name = "NAME", conflicts_with = "clear")]
    agent: Option<String>,
    /// Remove its assignment.
    #[arg(help_heading = ASSIGNMENT, long)]
    clear: bool,
    /// Spec: its name, its folder or its file [default: the only spec].
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,
}

impl ValueEnum for ManualState {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Done, Self::Todo, Self::Skip]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Done => PossibleValue::new("done").help("Done"),
            Self::Todo => {
                PossibleValue::new("todo").help("To do: the next run does it, even if it was done before")
            }
            Self::Skip => PossibleValue::new("skip").help("Left out. Tasks that depend on it are blocked"),
        })
    }
}

impl MarkArgs {
    fn owner(&self) -> Option<OwnerMark> {
        if self.clear {
            return Some(OwnerMark::Clear);
        }
        let is_given = self.backend.is_some() || self.agent.is_some();
        is_given.then(|| OwnerMark::By { backend: self.backend.clone(), owner: self.agent.clone() })
    }
}

pub(super) fn mark(global: &Global, args: &MarkArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    let place = project.place(&project.spec(args.spec.as_deref())?, Selection::default())?;
    refuse_lost_tree(&place)?;
    let request = MarkRequest { id: args.id.clone(), mark: args.mark, owner: args.owner() };
    let marked = mark::mark(&place, &project.loaded.config, &request)?;
    let id = marked.named.join(", ");
    match &request.owner {
        None => {}
        Some(OwnerMark::Clear) if marked.was_assigned => print(&format!("{id}: assignment removed")),
        Some(OwnerMark::Clear) => print(&format!("{id}: had no assignment")),
        Some(OwnerMark::By { backend, owner }) => {
            let name = backend.as_ref().or(owner.as_ref()).map_or("", String::as_str);
            print(&format!("{id}: assigned to {name}"));
        }
    }
    let word = match args.mark {
        None => return Ok(0),
        Some(ManualState::Done) => "done",
        Some(ManualState::Todo) => "to do",
        Some(ManualState::Skip) => "skipped",
    };
    let when = if marked.is_pending { ", before the next step of the run" } else { "" };
    print(&format!("{} of {}: {word}{when}", marked.ids.join(", "), place.name));
    if !marked.above.is_empty() {
        let why = if args.mark == Some(ManualState::Done) {
            "done, with all parts"
        } else {
            "to do, because a part is"
        };
        print(&format!("{} of {}: {why}", marked.above.join(", "), place.name));
    }
    if !marked.left.is_empty() {
        print(&format!("{} of {}: done, and stays done", marked.left.join(", "), place.name));
    }
    for unit in marked.released {
        print(&format!("task {unit}: its changes stay in the files, and its pending commit is dropped"));
    }
    for (unit, commit) in marked.commits {
        let commit: String = commit.chars().take(9).collect();
        print(&format!("task {unit}: its commit {commit} stays; its next attempt works on top of it"));
    }
    if marked.changed_boxes && project.loaded.config.git.commit != Commit::Off {
        let file = place.tasks_path();
        let file = file.strip_prefix(&place.root).unwrap_or(&file).display();
        print(&format!("{file} is changed and not committed; commit it when you want"));
    }
    Ok(0)
}

fn print(line: &str) {
    print_line(&sanitise_line(line));
}
