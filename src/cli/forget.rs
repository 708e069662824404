//! `seqorch forget`: removes what is kept of a spec's runs.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::global::{Global, complain, output, said_yes};
use super::project::Project;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Selection;
use crate::project::{SpecPlace, own_tree};
use crate::report::text::{plural, readable_bytes, sanitise_line, shell_word};
use crate::run::forget::{KeptFiles, forget as remove, forget_gone_spec, kept, kept_of_gone_spec};
use crate::run::leave_tree::LeftTree;
use crate::run::remote::view::RemoteSpec;

#[derive(Debug, Args)]
#[command(
    after_help = "Removed are the snapshots in git's folder, the results and logs of all attempts, and the copy of the state. \
`undo`, `diff` and `logs` then know nothing of these attempts. tasks.md, SEQUENTIAL_STATE.json, SEQUENTIAL_PROGRESS.md and all \
commits stay. Where the spec has a work tree of its own, it is removed with all that is in it; its branch goes only if your \
checkout has all of its commits, or after a question of its own."
)]
pub(super) struct ForgetArgs {
    /// Spec: its name, its folder or its tasks.md.
    spec: PathBuf,
    /// Remove what a remote has of the spec: lease, state, answers and kept commits [default: remote.name, or origin]. Its
    /// branch and what this clone has stay.
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    remote: Option<String>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

pub(super) fn forget(global: &Global, args: &ForgetArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), Some(&args.spec))?;
    let spec = match project.spec(Some(&args.spec)) {
        Err(error) if error.kind() == ErrorKind::NoSpec && args.remote.is_none() => {
            return forget_gone(&project, args).unwrap_or(Err(error));
        }
        found => found?,
    };
    let place = project.place(&spec, Selection::default())?;
    let name = sanitise_line(&place.name);
    if let Some(remote) = &args.remote {
        return forget_remote(&project, &place, remote, args.yes);
    }
    let kept = kept(&place)?;
    let tree = LeftTree::find(&place)?;
    let mut out = output();
    if kept.folders.is_empty() && tree.is_none() {
        let _ = writeln!(out, "{name}: nothing is kept");
        return Ok(0);
    }
    let (tree, shared) = match tree {
        Some(tree) if !tree.shared_with.is_empty() => (None, Some(tree)),
        tree => (tree, None),
    };
    if let Some(tree) = tree.as_ref().filter(|tree| args.yes && tree.would_lose()) {
        return Err(would_be_lost(tree));
    }
    if !args.yes && !confirmed(&name, &kept, tree.as_ref())? {
        let _ = writeln!(out, "{name}: nothing was removed");
        return Ok(0);
    }
    let with_branch = match &tree {
        Some(tree) if tree.unmerged > 0 => !args.yes && branch_confirmed(tree)?,
        _ => true,
    };
    remove(&place)?;
    print_removed(&name, &kept, args.yes);
    if let Some(tree) = shared {
        let (top, others) = (tree.top.display().to_string(), sanitise_line(&tree.shared_with.join(", ")));
        tree.leave()?;
        let _ = writeln!(out, "{name}: the work tree {top} stays, because {others} works in it, too");
    }
    if let Some(tree) = tree {
        let (top, branch) = (tree.top.display().to_string(), tree.branch.clone());
        tree.remove(&place, &project.loaded.config, with_branch)?;
        let _ = writeln!(out, "{name}: removed the work tree {top}");
        if let Some(branch) = branch {
            let word = shell_word(&branch);
            let _ = if with_branch {
                writeln!(out, "{name}: removed the branch {branch}")
            } else {
                writeln!(out, "{name}: the branch {branch} stays (git merge {word}; git branch -D {word})")
            };
        }
    }
    Ok(0)
}

/// Removes what is kept of a spec that is not there any more; `None`: nothing is.
fn forget_gone(project: &Project, args: &ForgetArgs) -> Option<Result<u8>> {
    let kept = kept_of_gone_spec(&project.root, &args.spec)?;
    let name = sanitise_line(&args.spec.display().to_string());
    complain(&format!("note: {name} is not in this work tree any more\n"));
    let forget = || {
        let mut out = output();
        if !args.yes && !confirmed(&name, &kept, None)? {
            let _ = writeln!(out, "{name}: nothing was removed");
            return Ok(0);
        }
        forget_gone_spec(&kept)?;
        print_removed(&name, &kept, args.yes);
        Ok(0)
    };
    Some(forget())
}

/// Removes what a remote has of the spec.
fn forget_remote(project: &Project, place: &SpecPlace, remote: &str, yes: bool) -> Result<u8> {
    let named = Some(remote).filter(|name| !name.is_empty());
    let spec = RemoteSpec::find(place, &project.loaded.config, named)?;
    let name = sanitise_line(&place.name);
    let mut out = output();
    // from now on a run without --remote works here alone
    let work_alone = || own_tree::note_remote(place, None);
    let Some(tip) = spec.tip()? else {
        work_alone()?;
        let _ = writeln!(out, "{name}: {} has nothing of it", spec.name);
        return Ok(0);
    };
    let holder = tip.lease.as_ref().filter(|lease| lease.holds_until(Timestamp::now()).is_some());
    if let Some(lease) = holder {
        let who = sanitise_line(&lease.who());
        return Err(Error::new(ErrorKind::Locked, format!("{who} works on {name}"))
            .hint("Stop that run first, or wait until its lease has ended."));
    }
    if !yes && !io::stdin().is_terminal() {
        return Err(no_terminal());
    }
    let state = tip.done.map_or_else(|| "unreadable".to_owned(), |done| plural(done, "done task"));
    let lease = if tip.lease.is_some() { "lease" } else { "lease (unreadable)" };
    let question =
        format!("{name}: remove {lease}, state ({state}), answers and kept commits from {}?", spec.name);
    if !yes && !ask(&question)? {
        let _ = writeln!(out, "{name}: nothing was removed");
        return Ok(0);
    }
    let refs = plural(spec.forget(&tip)?, "ref");
    work_alone()?;
    let _ =
        writeln!(out, "{name}: removed {refs} from {}; its branch {} stays", spec.name, spec.names.branch);
    Ok(0)
}

fn no_terminal() -> Error {
    Error::new(ErrorKind::Usage, "forget asks first, and standard input is not a terminal").hint("Add --yes.")
}

fn would_be_lost(tree: &LeftTree) -> Error {
    let top = tree.top.display();
    let (text, hint) = if !tree.uncommitted.is_empty() {
        let files = plural(tree.uncommitted.len(), "file");
        (format!("{top} has {files} not committed"), "Commit them there".to_owned())
    } else if tree.nameless > 0 {
        let (commits, word) = (plural(tree.nameless, "commit"), shell_word(&top.to_string()));
        (
            format!("{top} has {commits} that no branch has (detached HEAD)"),
            format!("Keep them on a branch (git -C {word} branch NAME)"),
        )
    } else {
        (format!("{top} has submodules with commits of their own"), "Push them from there".to_owned())
    };
    Error::new(ErrorKind::Human, text)
        .detail(shown_losses(tree))
        .hint(format!("{hint}, or remove them with it: type forget without --yes, which asks."))
}

/// The first files of a work tree that are not committed, its commits without a branch, and its submodules with commits of their own, a line each.
fn shown_losses(tree: &LeftTree) -> String {
    let mut lines: Vec<String> =
        tree.uncommitted.iter().take(10).map(|path| format!("  {}", sanitise_line(path))).collect();
    if tree.uncommitted.len() > lines.len() {
        lines.push(format!("  and {} more", tree.uncommitted.len() - lines.len()));
    }
    if tree.nameless > 0 {
        lines.push(format!("  {} that no branch has (detached HEAD)", plural(tree.nameless, "commit")));
    }
    lines.extend(tree.unpushed.iter().map(|one| format!("  {}", sanitise_line(one))));
    lines.join("\n")
}

fn what(kept: &KeptFiles) -> String {
    let attempts = plural(kept.attempts, "attempt");
    format!("snapshots, results and logs of {attempts} ({})", readable_bytes(kept.bytes))
}

/// `unasked`: no question has named the commits that are pending.
fn print_removed(name: &str, kept: &KeptFiles, unasked: bool) {
    let _ = writeln!(output(), "{name}: removed {}", what(kept));
    if unasked && !kept.pending.is_empty() {
        complain(&format!("{}\n", not_committed(kept)));
    }
}

fn not_committed(kept: &KeptFiles) -> String {
    let ids: Vec<String> = kept.pending.iter().map(|id| sanitise_line(id)).collect();
    format!("! not committed yet, and will not be: task {}", ids.join(", "))
}

/// Asks on the terminal, and names what would be lost.
fn confirmed(name: &str, kept: &KeptFiles, tree: Option<&LeftTree>) -> Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(no_terminal());
    }
    for folder in &kept.folders {
        complain(&format!("  {}\n", folder.display()));
    }
    if !kept.pending.is_empty() {
        complain(&format!("{}\n", not_committed(kept)));
    }
    let Some(tree) = tree else { return ask(&format!("{name}: remove {}?", what(kept))) };
    complain(&format!("  {}\n", tree.top.display()));
    if tree.would_lose() {
        complain(&format!("! only in the work tree, and will be lost:\n{}\n", shown_losses(tree)));
    }
    ask(&format!("{name}: remove {}, and the work tree?", what(kept)))
}

fn branch_confirmed(tree: &LeftTree) -> Result<bool> {
    let branch = tree.branch.as_deref().unwrap_or_default();
    let commits = plural(tree.unmerged, "commit");
    ask(&format!("Delete the branch {branch}, too, with {commits} that your checkout lacks?"))
}

/// The answer of the person at the terminal.
fn ask(question: &str) -> Result<bool> {
    said_yes(question).map_err(|e| Error::new(ErrorKind::Internal, "reading the answer").caused_by(e))
}
