//! Prepares a new work tree: copies what git does not have, and runs the commands of `git.worktree_setup`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use jiff::Timestamp;

use super::inbox::Inbox;
use super::patience::{Turn, take_turn};
use super::run_locks;
use super::trust::RunTrust;
use crate::agent::redact::Redactor;
use crate::agent::sanitise::sanitise;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::Supervisor;
use crate::project::SpecPlace;
use crate::report::text::{last_lines, sanitise_line, shown_command};
use crate::store::busy_file::BusyFile;
use crate::store::lock::Holder;
use crate::store::spec_tree::{SpecTree, SpecTreeRecord, TreeStage};
use crate::sys::command::{self, CommandWatch, Finished, OutputLimit, Supervised, Unfinished};
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
    record: &SpecTreeRecord,
    (here, there): (&SpecPlace, &SpecPlace),
    tree: &SpecTree,
) -> Result<()> {
    let store = there.store().prepared()?;
    let stopped = |pause| request.supervisor.stop.as_ref().is_some_and(|stop| stop.raised_within(pause));
    // so that `stop` and `status` find this process
    let holder = Holder::listening(&there.path(), Timestamp::now());
    let _run = run_locks::spec_lock(&store.run_lock(), &holder, request.waits.is_some(), &stopped)?;
    let busy = BusyFile::new(&store.folder());
    let prepared = prepare_alone(request, record, (here, there), tree, &busy);
    busy.over();
    prepared
}

/// The same, while no other run can begin.
fn prepare_alone(
    request: &TreeRequest<'_>,
    record: &SpecTreeRecord,
    (here, there): (&SpecPlace, &SpecPlace),
    tree: &SpecTree,
    busy: &BusyFile,
) -> Result<()> {
    let stopped = |pause| request.supervisor.stop.as_ref().is_some_and(|stop| stop.raised_within(pause));
    let lock = take_turn(&stopped, || {
        let left = || {
            busy.slow("a command of git.worktree_setup of an earlier run");
            let who = "a command of git.worktree_setup".to_owned();
            Turn::Busy { who, does: "an earlier run that was killed left at work".to_owned() }
        };
        Ok(record.try_setup_lock()?.map_or_else(left, Turn::Ours))
    })?;
    for path in request.config.git.worktree_copy.iter().filter(|path| !tree.copied.contains(path)) {
        busy.slow(&format!("the copy of {path} to the work tree"));
        copy(Path::new(path), &here.root, &there.root, &|| stopped(Duration::ZERO))?;
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
    let log = there.store().folder().join("worktree-setup.log");
    let mut file = files::create_private_file(&log)?;
    setup.into_iter().try_for_each(|argv| {
        busy.slow(&format!("git.worktree_setup: {}", shown_command(argv)));
        run(request, there, (argv, lock.file()), &mut file, &log)
    })
}

/// Copies a file, or a folder with all that is in it.
fn copy(path: &Path, from: &Path, to: &Path, stopped: &dyn Fn() -> bool) -> Result<()> {
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
    copy_all(&paths::real(&source), &target, stopped).map_err(|e| match e.kind() {
        io::ErrorKind::Interrupted => {
            Error::new(ErrorKind::Interrupted, format!("stopped while {} was copied", source.display()))
        }
        _ => Error::io("copying to the work tree", &source, e).hint("No agent was started."),
    })
}

fn copy_all(from: &Path, to: &Path, stopped: &dyn Fn() -> bool) -> io::Result<()> {
    if stopped() {
        return Err(io::ErrorKind::Interrupted.into());
    }
    let data = fs::symlink_metadata(from)?;
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    // a link that is committed there leads nothing out of the tree
    if fs::symlink_metadata(to).is_ok_and(|there| there.is_symlink()) {
        fs::remove_file(to)?;
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
        copy_all(&entry.path(), &to.join(entry.file_name()), stopped)?;
    }
    fs::set_permissions(to, data.permissions())
}

fn run(
    request: &TreeRequest<'_>,
    there: &SpecPlace,
    (argv, lock): (&[String], &File),
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
        holds: Some(lock),
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
