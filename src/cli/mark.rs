//! `seqorch mark`: sets a task by hand.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Global;
use super::project::Project;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{self, Selection};
use crate::report::text::sanitise_line;
use crate::spec::{self, Task, TaskFile};
use crate::state::{SpecState, UnitStatus};
use crate::store::lock::{Holder, RunLock};
use crate::sys::files;

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
    mark: Option<Mark>,
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
        Error::new(ErrorKind::Usage, format!("{} has no task {}", place.tasks_path().display(), args.id))
            .hint("`seqorch plan` lists them.")
    })?;
    if let Some((unit, _)) = state.running().filter(|(unit, _)| family.iter().any(|id| id == unit)) {
        return Err(Error::new(ErrorKind::Locked, format!("an agent works on task {unit}"))
            .hint("`seqorch run` goes on with it; `seqorch stop --now` ends it."));
    }
    let mut told = Vec::new();
    if args.backend.is_some() || args.agent.is_some() || args.clear {
        told.push(assign(&mut state, &project.loaded.config, &tasks, args)?);
    }
    let Some(mark) = args.mark else {
        store.save(&state)?;
        tell(&told);
        return Ok(0);
    };
    let released = if mark == Mark::Done { Vec::new() } else { state.release(&family) };
    apply(&mut state, &args.id, &family, mark);
    store.save(&state)?;
    if mark != Mark::Skip && project.loaded.config.tasks.tick != crate::config::Tick::Off {
        let ids: Vec<&str> = family.iter().map(String::as_str).collect();
        let box_mark = if mark == Mark::Done { 'x' } else { ' ' };
        let (changed, _) = spec::tick_as(&text, place.dialect, &ids, box_mark);
        if changed != text {
            files::replace(&place.tasks_path(), changed.as_bytes(), 0o644)?;
        }
    }
    let word = match mark {
        Mark::Done => "done",
        Mark::Todo => "to do",
        Mark::Skip => "not to be done",
    };
    told.push(format!("{} of {}: {word}", family.join(", "), place.name));
    for unit in released {
        told.push(format!("what task {unit} changed stays in the files and is owed no commit any more"));
    }
    tell(&told);
    Ok(0)
}

fn tell(lines: &[String]) {
    for line in lines {
        let _ = writeln!(anstream::stdout(), "{}", sanitise_line(line));
    }
}

/// Keeps who does a unit; what is said of it.
fn assign(state: &mut SpecState, config: &Config, tasks: &TaskFile, args: &MarkArgs) -> Result<String> {
    let id = &args.id;
    let units = plan::units(tasks, config.run.granularity);
    if !units.iter().any(|unit| unit.id == *id) {
        let above = units.iter().find(|unit| unit.members.contains(id));
        let error = Error::new(ErrorKind::Usage, format!("task {id} is not given to an agent by itself"));
        return Err(match above {
            Some(unit) => error.hint(format!("It is done together with task {}; assign that.", unit.id)),
            None => error,
        });
    }
    if args.clear {
        return Ok(if state.unassign(id) {
            format!("{id}: it is forgotten who does it")
        } else {
            format!("{id}: nobody was chosen for it")
        });
    }
    let known = |what: &str, name: &String, names: Vec<&str>| {
        if names.contains(&name.as_str()) {
            return Ok(());
        }
        let error = Error::new(ErrorKind::Usage, format!("there is no {what} {name:?}"));
        Err(error.hint(if names.is_empty() {
            "[assign.owners] names none; --backend takes a backend's name.".to_owned()
        } else {
            format!("There are: {}.", names.join(", "))
        }))
    };
    if let Some(backend) = &args.backend {
        known("backend", backend, config.backends.keys().map(String::as_str).collect())?;
    }
    if let Some(owner) = &args.agent {
        known("owner", owner, config.assign.owners.keys().map(String::as_str).collect())?;
    }
    state.assign_by_hand(jiff::Timestamp::now(), id, args.agent.as_deref(), args.backend.as_deref());
    let name = args.backend.as_ref().or(args.agent.as_ref()).map_or("", String::as_str);
    Ok(format!("{id}: assigned to {name}"))
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
            for id in family {
                state.forget_answers(id);
            }
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
            unit.status = status.clone();
            unit.to_tick.clear();
        }
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
