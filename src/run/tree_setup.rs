//! Prepares a new work tree: copies what git does not have, and runs the commands of `git.worktree_setup`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use super::inbox::Inbox;
use super::trust::RunTrust;
use crate::agent::redact::Redactor;
use crate::agent::sanitise::sanitise;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::Supervisor;
use crate::project::SpecPlace;
use crate::report::text::{last_lines, sanitise_line, shown_command};
use crate::store::spec_tree::{SpecTree, TreeStage};
use crate::sys::command::{self, Finished, OutputLimit, Supervised, Unfinished};
use crate::sys::variables::text_variables;
use crate::sys::{files, paths, programs};

/// What a work tree is made from.
#[derive(Debug, Clone, Copy)]
pub struct TreeRequest<'a> {
    /// The spec in the checkout in which a person names it, or in its own tree.
    pub place: &'a SpecPlace,
    /// The configuration.
    pub config: &'a Config,
    /// What was trusted.
    pub trust: &'a RunTrust,
    /// Who may end what takes long.
    pub supervisor: &'a Supervisor,
    /// Where a person ends the wait while another run makes the tree; `None`: that is an error.
    pub waits: Option<&'a Inbox>,
}

/// Bytes that are kept of what one command prints to standard output.
const KEPT: usize = 1_000_000;
/// Lines of a command that failed that an error shows.
const SHOWN: usize = 15;

/// Copies and runs what the settings say, as far as `tree` does not have it yet. `here`: the spec in the person's checkout,
/// `there`: in the tree.
pub(super) fn prepare(
    request: &TreeRequest<'_>,
    here: &SpecPlace,
    there: &SpecPlace,
    tree: &SpecTree,
) -> Result<()> {
    for path in request.config.git.worktree_copy.iter().filter(|path| !tree.copied.contains(path)) {
        copy(Path::new(path), &here.root, &there.root)?;
    }
    let all = &request.config.git.worktree_setup;
    let setup: Vec<_> = all.iter().filter(|argv| !tree.commands.contains(argv)).collect();
    if setup.is_empty() {
        let is_new = tree.stage != TreeStage::Ready;
        if is_new && all.is_empty() && there.root.join(".gitmodules").exists() {
            let _ = writeln!(
                io::stderr(),
                "note: submodules are empty in the work tree; git.worktree_setup = [[\"git\", \"submodule\", \"update\", \"--init\"]] fills them"
            );
        }
        return Ok(());
    }
    let store = there.store().prepared()?;
    let log = store.folder().join("worktree-setup.log");
    let mut file = files::create_private_file(&log)?;
    setup.into_iter().try_for_each(|argv| run(request, there, argv, &mut file, &log))
}

/// Copies a file, or a folder with all that is in it.
fn copy(path: &Path, from: &Path, to: &Path) -> Result<()> {
    let (source, target) = (from.join(path), to.join(path));
    if paths::leads_out(to, &target) {
        let text = format!("git.worktree_copy: {} would lead out of the work tree", path.display());
        return Err(Error::new(ErrorKind::Config, text));
    }
    if fs::symlink_metadata(&source).is_err() {
        let _ = writeln!(io::stderr(), "warning: git.worktree_copy: there is no {}", source.display());
        return Ok(());
    }
    // a link that an agent made must not bring a secret of the person into the tree
    if paths::leads_out(from, &source) {
        let text = format!("git.worktree_copy: {} leads out of the project", source.display());
        return Err(
            Error::new(ErrorKind::Config, text).hint("Name a file of the project. No agent was started.")
        );
    }
    copy_all(&paths::real(&source), &target)
        .map_err(|e| Error::io("copying to the work tree", &source, e).hint("No agent was started."))
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    let data = fs::symlink_metadata(from)?;
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    if data.is_symlink() {
        let _ = fs::remove_file(to);
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    if !data.is_dir() {
        // a pipe would never end
        return if data.is_file() { fs::copy(from, to).map(drop) } else { Ok(()) };
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy_all(&entry.path(), &to.join(entry.file_name()))?;
    }
    fs::set_permissions(to, data.permissions())
}

fn run(
    request: &TreeRequest<'_>,
    there: &SpecPlace,
    argv: &[String],
    log: &mut File,
    log_path: &Path,
) -> Result<()> {
    let shown = sanitise_line(&shown_command(argv));
    let failed = |why: &str| {
        Error::new(ErrorKind::Unavailable, format!("git.worktree_setup: `{shown}` {why}"))
            .hint("No agent was started. The next run prepares the work tree again.")
    };
    let Some((program, rest)) = argv.split_first() else { return Ok(()) };
    let found: PathBuf = programs::find_in_path(program, &there.root)
        .ok_or_else(|| failed("was not found, or is not executable"))?;
    let _ = writeln!(io::stderr(), "note: preparing the work tree: {shown}");
    let mut command = Command::new(found);
    command.args(rest).current_dir(&there.root);
    command.env("SEQORCH_SPEC", &there.name).env("SEQORCH_ROOT", &there.root);
    let call = Supervised {
        command,
        stdin: b"",
        holds: None,
        deadline: request.config.verify.timeout,
        keep: OutputLimit::End(KEPT),
        shown: &shown,
    };
    let (printed, why) = match command::run(call, request.supervisor.stop.as_ref(), None) {
        Ok(Finished { status, stdout, stderr }) => ([stdout, stderr].concat(), end_of(status)),
        Err(Unfinished::TimedOut(printed)) => {
            let limit = humantime::format_duration(request.config.verify.timeout);
            (printed, Some(format!("took longer than {limit} and was ended (verify.timeout)")))
        }
        Err(Unfinished::Stopped) => {
            return Err(Error::new(ErrorKind::Interrupted, format!("stopped during `{shown}`")));
        }
        Err(Unfinished::NotStarted(error)) => return Err(failed("could not be started").caused_by(error)),
        Err(Unfinished::Broken(error)) => return Err(failed("could not be read").caused_by(error)),
    };
    let variables = text_variables();
    let secrets = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let text = Redactor::new(secrets).redact(&sanitise(&printed));
    // a log that cannot be written is no reason to end
    let _ = write!(log, "$ {shown}\n{text}\n");
    match why {
        None => Ok(()),
        Some(why) => Err(failed(&why)
            .detail(format!("  {}", last_lines(&text, SHOWN).replace('\n', "\n  ")))
            .hint(format!("All of its output: {}", log_path.display()))),
    }
}

/// How a command ended that did not succeed.
fn end_of(status: ExitStatus) -> Option<String> {
    if status.success() {
        return None;
    }
    Some(match (status.code(), status.signal()) {
        (Some(code), _) => format!("failed (exit code {code})"),
        (None, signal) => format!("was ended by signal {}", signal.unwrap_or_default()),
    })
}
