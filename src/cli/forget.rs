//! `seqorch forget`: removes what is kept of a spec's runs.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;

use super::global::Global;
use super::project::Project;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Selection;
use crate::report::text::{plural, readable_bytes, sanitise_line};
use crate::run::forget::{KeptFiles, forget as remove, kept};

#[derive(Debug, Args)]
#[command(
    after_help = "Removed are the snapshots in git's folder, the results and logs of all attempts, and the copy of the state. \
`undo`, `diff` and `logs` then know nothing of these attempts. tasks.md, SEQUENTIAL_STATE.json, SEQUENTIAL_PROGRESS.md and all \
commits stay."
)]
pub(super) struct ForgetArgs {
    /// Spec: its name, its folder or its tasks.md.
    spec: PathBuf,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

pub(super) fn forget(global: &Global, args: &ForgetArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), Some(&args.spec))?;
    let place = project.place(&project.spec(Some(&args.spec))?, Selection::default())?;
    let name = sanitise_line(&place.name);
    let kept = kept(&place)?;
    if kept.folders.is_empty() {
        let _ = writeln!(anstream::stdout(), "{name}: nothing is kept");
        return Ok(0);
    }
    if !args.yes && !confirmed(&name, &kept)? {
        let _ = writeln!(anstream::stdout(), "{name}: nothing was removed");
        return Ok(0);
    }
    remove(&place)?;
    let _ = writeln!(anstream::stdout(), "{name}: removed {}", what(&kept));
    Ok(0)
}

fn what(kept: &KeptFiles) -> String {
    let attempts = plural(kept.attempts, "attempt");
    format!("snapshots, results and logs of {attempts} ({})", readable_bytes(kept.bytes))
}

/// Asks on the terminal.
fn confirmed(name: &str, kept: &KeptFiles) -> Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(Error::new(ErrorKind::Usage, "forget asks first, and standard input is not a terminal")
            .hint("Add --yes."));
    }
    let mut out = anstream::stderr();
    for folder in &kept.folders {
        let _ = writeln!(out, "  {}", folder.display());
    }
    if !kept.pending.is_empty() {
        let ids: Vec<String> = kept.pending.iter().map(|id| sanitise_line(id)).collect();
        let _ = writeln!(out, "! not committed yet, and will not be: task {}", ids.join(", "));
    }
    let _ = write!(out, "{name}: remove {}? [y/N] ", what(kept)).and_then(|()| out.flush());
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|e| Error::new(ErrorKind::Internal, "reading the answer").caused_by(e))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
