//! `seqorch mark`: sets a task by hand.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Global;
use super::project::Project;
use crate::error::{Error, Kind, Result};
use crate::plan::Selection;
use crate::spec::{self, Task};
use crate::state::lock::{Holder, RunLock};
use crate::state::{SpecState, UnitStatus};
use crate::sys::files;

#[derive(Debug, Args)]
#[command(
    after_help = "A mark goes for all tasks below the one that is named. Boxes in tasks.md follow, unless tasks.tick \
is \"off\"."
)]
pub(super) struct MarkArgs {
    /// The task.
    id: String,
    /// What it is.
    #[arg(value_enum)]
    mark: Mark,
    /// The spec: a folder, a tasks.md, or a name. None: the only one there is.
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mark {
    /// Done, whoever did it.
    Done,
    /// Open: it is done (again) by the next run.
    Todo,
    /// Not to be done; what depends on it is blocked.
    Skip,
}

pub(super) fn mark(global: &Global, args: &MarkArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    let place = project.place(&project.spec(args.spec.as_deref())?, Selection::default())?;
    let store = project.store(&place);
    store.prepare()?;
    let _lock = RunLock::take(&store.run_lock(), &Holder::me(&place.dir, jiff::Timestamp::now()))?;
    let mut state = store.load()?;
    let (text, tasks) = place.good_tasks()?;
    let family = family(&tasks.tasks, &args.id).ok_or_else(|| {
        Error::new(Kind::Usage, format!("{} has no task {}", place.tasks_path().display(), args.id))
            .hint("`seqorch plan` lists them.")
    })?;
    if let Some((unit, _)) = state.running().filter(|(unit, _)| family.iter().any(|id| id == unit)) {
        return Err(Error::new(Kind::Locked, format!("an agent works on task {unit}"))
            .hint("`seqorch run` goes on with it; `seqorch stop --now` ends it."));
    }
    apply(&mut state, &args.id, &family, args.mark);
    store.save(&state)?;
    if args.mark != Mark::Skip && project.loaded.config.tasks.tick != crate::config::Tick::Off {
        let ids: Vec<&str> = family.iter().map(String::as_str).collect();
        let box_mark = if args.mark == Mark::Done { 'x' } else { ' ' };
        let (changed, _) = spec::tick_as(&text, place.dialect, &ids, box_mark);
        if changed != text {
            files::replace(&place.tasks_path(), changed.as_bytes(), 0o644)?;
        }
    }
    let word = match args.mark {
        Mark::Done => "done",
        Mark::Todo => "to do",
        Mark::Skip => "not to be done",
    };
    let _ = writeln!(anstream::stdout(), "{} of {}: {word}", family.join(", "), place.name);
    Ok(0)
}

fn apply(state: &mut SpecState, id: &str, family: &[String], mark: Mark) {
    for id in family {
        state.skipped.remove(id);
        state.unconfirmed.remove(id);
    }
    state.completed.retain(|done| !family.contains(done));
    let status = match mark {
        Mark::Done => {
            state.complete(family);
            UnitStatus::Done
        }
        Mark::Todo => {
            state.completed_at = None;
            UnitStatus::Todo
        }
        Mark::Skip => {
            state.skipped.insert(id.to_owned());
            UnitStatus::Todo
        }
    };
    for id in family {
        if let Some(unit) = state.units.get_mut(id) {
            unit.status = status;
            unit.to_tick.clear();
        }
    }
    if state.halted_task.as_ref().is_some_and(|unit| family.contains(unit)) {
        state.halted = false;
        state.halted_at = None;
        state.halted_task = None;
        state.question = None;
    }
}

/// The task and all below it, in the order of tasks.md.
fn family(tasks: &[Task], id: &str) -> Option<Vec<String>> {
    tasks.iter().find(|task| task.id == id)?;
    let mut ids = HashSet::from([id]);
    // a child may stand before its parent
    loop {
        let before = ids.len();
        let below = tasks.iter().filter(|t| t.parent.as_deref().is_some_and(|up| ids.contains(up)));
        let below: Vec<&str> = below.map(|t| t.id.as_str()).collect();
        ids.extend(below);
        if ids.len() == before {
            break;
        }
    }
    Some(tasks.iter().filter(|t| ids.contains(t.id.as_str())).map(|t| t.id.clone()).collect())
}
