//! `seqorch logs`: what an agent printed.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::Global;
use super::project::Project;
use crate::agent::sanitise::Sanitiser;
use crate::engine::launch;
use crate::error::{Error, Kind, Result};
use crate::plan::Selection;

#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    /// The task; none: the one that runs, or ran last.
    id: Option<String>,
    /// The spec: a folder, a tasks.md, or a name under run.spec_root.
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,
    /// The attempt; none: the last.
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
    /// Go on printing until the attempt is over.
    #[arg(short, long)]
    follow: bool,
    /// The bytes as the agent wrote them, escape sequences included.
    #[arg(long)]
    raw: bool,
    /// What it wrote to stderr instead of stdout.
    #[arg(long)]
    stderr: bool,
    /// The prompt that it got instead of its output.
    #[arg(long, conflicts_with = "stderr")]
    prompt: bool,
}

pub(super) fn logs(global: &Global, args: &LogsArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    let place = project.place(&project.spec(args.spec.as_deref())?, Selection::default())?;
    let store = project.store(&place);
    let state = store.load()?;
    let none = |what: String| {
        let known: Vec<_> = state.units.keys().cloned().collect();
        let error = Error::new(Kind::Usage, what);
        if known.is_empty() { error } else { error.hint(format!("There are logs of: {}.", known.join(", "))) }
    };
    let last = || {
        let started = |id: &&String| state.units[*id].attempts.last().map(|a| a.started_at);
        state.units.keys().max_by_key(started).cloned()
    };
    let id = match &args.id {
        Some(id) => id.clone(),
        None => last().ok_or_else(|| none(format!("nothing of {} has run yet", place.name)))?,
    };
    let unit = state.units.get(&id).ok_or_else(|| none(format!("task {id} has not run yet")))?;
    let number = match args.attempt {
        Some(n) => n,
        None => unit.attempts.last().map_or(1, |a| a.number),
    };
    let dir = store.attempt_dir(&id, number);
    let path = match (args.prompt, args.stderr) {
        (true, _) => dir.prompt(),
        (_, true) => dir.stderr(),
        _ => dir.output(),
    };
    let file = File::open(&path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => none(format!("attempt {number} of task {id} has no log")),
        _ => Error::io("reading", &path, e),
    })?;
    copy(file, &path, args.raw, args.follow.then_some(&dir))
}

fn copy(
    mut file: File,
    path: &Path,
    raw: bool,
    follow: Option<&crate::attempt::record::AttemptDir>,
) -> Result<u8> {
    let mut out = io::stdout().lock();
    let mut sanitiser = Sanitiser::default();
    let mut piece = vec![0; 64 * 1024];
    let mut text = String::new();
    loop {
        let over = follow.is_none_or(|dir| !launch::alive(dir));
        loop {
            let n = file.read(&mut piece).map_err(|e| Error::io("reading", path, e))?;
            if n == 0 {
                break;
            }
            let written = if raw {
                out.write_all(&piece[..n])
            } else {
                text.clear();
                sanitiser.feed(&piece[..n], &mut text);
                out.write_all(text.as_bytes())
            };
            // a pager that was left is a normal end
            if written.is_err() {
                return Ok(0);
            }
        }
        if over || out.flush().is_err() {
            return Ok(0);
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}
