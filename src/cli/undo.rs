//! `seqorch undo`: takes back what a done task changed, in the files only.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::Global;
use super::project::Project;
use crate::error::{Error, ErrorKind, Result};
use crate::git;
use crate::plan::{self, Selection};
use crate::state::UnitStatus;
use crate::store::lock::{Holder, RunLock};
use crate::sys::files;

#[derive(Debug, Args)]
pub(super) struct UndoArgs {
    /// The task.
    id: String,
    /// The spec: a folder, a tasks.md, or a name. None: the only one there is.
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,
}

pub(super) fn undo(global: &Global, args: &UndoArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    let place = project.place(&project.spec(args.spec.as_deref())?, Selection::default())?;
    let store = project.store(&place);
    store.prepare()?;
    let _lock = RunLock::take(&store.run_lock(), &Holder::me(&place.dir, jiff::Timestamp::now()))?;
    let mut state = store.load()?;
    let known = state.units.get(&args.id);
    let trees = known.and_then(|unit| Some((unit.before.clone()?, unit.changes.clone()?)));
    let Some((before, changes)) = trees else {
        let untold = known.is_some_and(|unit| unit.pending_commit.is_some());
        let with = state.units.iter().filter(|(_, unit)| unit.changes.is_some());
        let ids: Vec<_> = with.map(|(id, _)| id.as_str()).collect();
        return Err(Error::new(
            ErrorKind::Usage,
            format!("nothing is known of what task {} changed", args.id),
        )
        .hint(if untold {
            "It is done, and the next `seqorch run` looks at that first.".to_owned()
        } else if ids.is_empty() {
            "It takes a git repository, git.snapshot = true, and a task that is done.".to_owned()
        } else {
            format!("Tasks that can be taken back: {}.", ids.join(", "))
        }));
    };
    let (text, tasks) = place.good_tasks()?;
    let list = git::undo(&project.root, &before, &changes.after, &place.tasks_path())?;
    let units = plan::units(&tasks, project.loaded.config.run.granularity);
    let members =
        units.into_iter().find(|unit| unit.id == args.id).map_or_else(Vec::new, |unit| unit.members);
    state.completed.retain(|id| !members.contains(id) && *id != args.id);
    state.completed_at = None;
    if let Some(unit) = state.units.get_mut(&args.id) {
        unit.pending_commit = None;
        unit.status = UnitStatus::Todo;
        unit.to_tick.clear();
        unit.before = None;
        unit.changes = None;
    }
    store.save(&state)?;
    let open: Vec<&str> = members.iter().map(String::as_str).collect();
    // the boxes went back with the files where tasks.md is in git
    let text = place.read_tasks().map_or(text, |(now, _)| now);
    let (unticked, _) = crate::spec::tick_as(&text, place.dialect, &open, ' ');
    if unticked != text {
        files::replace(&place.tasks_path(), unticked.as_bytes(), 0o644)?;
    }
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "task {} is open again; taken back in the files:", args.id);
    for change in &list {
        let _ = writeln!(out, "  {}", crate::report::text::sanitise_line(&change.path));
    }
    if let Some(commit) = &changes.commit {
        let _ = writeln!(out, "its commit {commit:.9} stays in the history; commit the way back as you like");
    }
    Ok(0)
}
