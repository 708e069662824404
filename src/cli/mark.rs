//! `seqorch mark`: sets a task by hand.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Global;
use super::project::Project;
use crate::error::Result;
use crate::plan::Selection;
use crate::report::text::sanitise_line;
use crate::run::mark::{self, MarkRequest, OwnerMark, TaskMark};

#[derive(Debug, Args)]
#[command(
    after_help = "A mark goes for all tasks below the one that is named. Boxes in tasks.md follow, unless tasks.tick \
is \"off\". Who does a task is chosen by --backend or --agent, before the run; that beats rules, overrides and what an agent said."
)]
pub(super) struct MarkArgs {
    /// The task.
    id: String,
    /// What it is.
    #[arg(value_enum, required_unless_present_any = ["backend", "agent", "clear"])]
    mark: Option<MarkState>,
    /// This backend does it.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["agent", "clear"])]
    backend: Option<String>,
    /// This owner does it, a key of [assign.owners].
    #[arg(long, value_name = "NAME", conflicts_with = "clear")]
    agent: Option<String>,
    /// Forget who does it, whoever chose.
    #[arg(long)]
    clear: bool,
    /// The spec: a folder, a tasks.md, or a name. None: the only one there is.
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MarkState {
    /// Done, whoever did it.
    Done,
    /// Open: it is done (again) by the next run.
    Todo,
    /// Not to be done; what depends on it is blocked.
    Skip,
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
    let mark = args.mark.map(|mark| match mark {
        MarkState::Done => TaskMark::Done,
        MarkState::Todo => TaskMark::Todo,
        MarkState::Skip => TaskMark::Skip,
    });
    let request = MarkRequest { id: args.id.clone(), mark, owner: args.owner() };
    let marked = mark::mark(&place, &project.loaded.config, &request)?;
    let id = &args.id;
    match &request.owner {
        None => {}
        Some(OwnerMark::Clear) if marked.was_assigned => print(&format!("{id}: it is forgotten who does it")),
        Some(OwnerMark::Clear) => print(&format!("{id}: nobody was chosen for it")),
        Some(OwnerMark::By { backend, owner }) => {
            let name = backend.as_ref().or(owner.as_ref()).map_or("", String::as_str);
            print(&format!("{id}: assigned to {name}"));
        }
    }
    let word = match mark {
        None => return Ok(0),
        Some(TaskMark::Done) => "done",
        Some(TaskMark::Todo) => "to do",
        Some(TaskMark::Skip) => "not to be done",
    };
    print(&format!("{} of {}: {word}", marked.ids.join(", "), place.name));
    for unit in marked.released {
        print(&format!("what task {unit} changed stays in the files and is owed no commit any more"));
    }
    Ok(0)
}

fn print(line: &str) {
    let _ = writeln!(anstream::stdout(), "{}", sanitise_line(line));
}
