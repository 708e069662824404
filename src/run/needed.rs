//! What a run needs around it: programs of checks and hooks, folders that can be written, a committer. Looked for before
//! the first agent is paid.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::protected;
use super::run_repository::RunRepository;
use crate::config::{Commit, Config, HookEvent, Tick};
use crate::error::{Error, ErrorKind, Result};
use crate::git::operation::GitOperation;
use crate::git::repository::Repository;
use crate::plan::Plan;
use crate::project::SpecPlace;
use crate::report::text::sanitise_line;
use crate::store::work_tree_folders::WorkTreeFolders;
use crate::sys::{files, programs};

/// Programs of hooks and checks that are not there or not executable, each with the setting that names it.
pub(super) fn missing_commands(place: &SpecPlace, config: &Config, plan: &Plan) -> Vec<String> {
    let mut missing = Vec::new();
    if plan.steps.is_empty() {
        return missing;
    }
    for event in HookEvent::ALL {
        let program = config.hooks.argv(event).and_then(|argv| argv.first());
        if let Some((program, why)) = program.and_then(|one| Some((one, cannot_start(one, &place.root)?))) {
            missing.push(format!("hooks.{}: {} {why}", event.name(), sanitise_line(program)));
        }
    }
    let mut seen = HashSet::new();
    // those of an image are tried in it
    let is_here = !config.sandbox.verify || config.sandbox.has_programs_of_this_machine();
    for step in plan.steps.iter().filter(|_| is_here) {
        let cwd = &step.settings.cwd;
        for program in step.settings.verify.iter().filter_map(|argv| argv.first()) {
            if seen.insert((program, cwd))
                && let Some(why) = cannot_start(program, cwd)
            {
                let unit = sanitise_line(&step.unit);
                missing.push(format!("verify of task {unit}: {} {why}", sanitise_line(program)));
            }
        }
    }
    missing
}

/// Why a program cannot be started, as the end of a sentence about it.
pub(super) fn cannot_start(program: &str, base: &Path) -> Option<String> {
    match programs::find_in_path(program, base) {
        None => Some("was not found, or is not executable".to_owned()),
        Some(found) => {
            let why = programs::missing_interpreter(&found, base)?;
            Some(format!("cannot start: {}", sanitise_line(&why)))
        }
    }
}

/// The error of a run that would need missing programs.
pub(super) fn check_commands(missing: &[String]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = missing.iter().map(|line| format!("  {line}")).collect();
    Err(Error::new(
        ErrorKind::Unavailable,
        "the program of a hook or a check is missing, or cannot be started",
    )
    .detail(lines.join("\n"))
    .hint("Install it, make it executable (chmod +x), or correct the command in seqorch.toml. No agent was started."))
}

/// The folders that a run writes to, each with what it writes there.
fn folders(place: &SpecPlace, config: &Config) -> BTreeMap<PathBuf, &'static str> {
    let store = place.store();
    let mut all = BTreeMap::new();
    all.insert(store.folder(), "results and logs");
    all.insert(store.state_path().parent().unwrap_or(&place.dir).to_owned(), "state and progress");
    if config.tasks.tick != Tick::Off {
        all.insert(place.dir.clone(), "tasks.md");
    }
    all.insert(std::env::temp_dir(), "temporary files, TMPDIR");
    if place.keeps_in_git
        && let Some(git) = WorkTreeFolders::find(&place.root)
    {
        all.extend(git.written(config.git.commit == Commit::Step));
    }
    all
}

/// Writes a file to each folder that a run needs.
pub(super) fn check_folders(
    place: &SpecPlace,
    config: &Config,
    repository: Option<&RunRepository>,
) -> Result<()> {
    let mut all = folders(place, config);
    if let Some(repository) = repository.filter(|_| config.git.commit == Commit::Step) {
        all.insert(repository.repository().objects.clone(), "objects of git");
    }
    let refused = |error: Error, what: &str| {
        let hint = if what.ends_with("TMPDIR") {
            "Set TMPDIR to a folder that can be written, or make room there."
        } else {
            "Change its owner or mode (chown, chmod), or make room there."
        };
        error.detail(format!("  a run keeps there: {what}")).hint(hint).hint("No agent was started.")
    };
    for (folder, what) in all {
        files::probe(&folder).map_err(|error| refused(error, what))?;
    }
    match closed_to_commits(place, config).into_iter().next() {
        Some((path, what)) => Err(refused(Error::io("writing to", &path, Errno::ACCESS.into()), what)),
        None => Ok(()),
    }
}

/// What git has to write for a commit, and cannot.
fn closed_to_commits(place: &SpecPlace, config: &Config) -> Vec<(PathBuf, &'static str)> {
    let found = WorkTreeFolders::find(&place.root).filter(|_| config.git.commit == Commit::Step);
    found.map_or_else(Vec::new, |git| git.closed_to_commits())
}

/// What a run would miss, as far as that is known without running a program or writing anything.
#[must_use]
pub fn lacks(place: &SpecPlace, config: &Config, plan: &Plan) -> Vec<String> {
    let mut lacks: Vec<String> = missing_commands(place, config, plan);
    if !plan.steps.is_empty() {
        if config.git.commit == Commit::Step {
            let operation = place.store().git_dir().and_then(|dir| GitOperation::in_folder(&dir));
            lacks.extend(operation.map(in_progress));
            lacks.extend(protected::foreseen(place, config));
        }
        for (folder, what) in folders(place, config) {
            // a folder of ours is made when it is needed
            let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(&folder);
            let is_ours = folder.ends_with(Path::new(".seqorch")) || what == "results and logs";
            let wanted = if is_ours { there } else { &folder };
            if access(wanted, Access::WRITE_OK | Access::EXEC_OK).is_err() {
                lacks.push(format!("{} cannot be written ({what})", wanted.display()));
            }
        }
        let closed = closed_to_commits(place, config);
        lacks.extend(
            closed.iter().map(|(path, what)| format!("{} cannot be written ({what})", path.display())),
        );
    }
    lacks
}

fn in_progress(operation: GitOperation) -> String {
    format!("a {} is in progress, and commits of tasks would be mixed with it", operation.name())
}

/// Checks what snapshots and commits need: all steps work in the work tree of the project, and a committer is known.
pub(super) fn check_repository(
    place: &SpecPlace,
    config: &Config,
    plan: &Plan,
    repository: Option<&RunRepository>,
) -> Result<()> {
    let Some(repository) = repository.map(RunRepository::repository) else { return Ok(()) };
    let commits = config.git.commit == Commit::Step;
    if commits && let Some(operation) = repository.operation()? {
        return Err(Error::new(ErrorKind::Human, in_progress(operation))
            .hint(format!("Finish it, or abort it: git {}. No agent was started.", operation.abort())));
    }
    if commits && let Err(error) = repository.identity() {
        return Err(Error::new(ErrorKind::Config, "git has no name and address to commit with")
            .detail(format!("  {}", error.words().replace('\n', "\n  ")))
            .hint("Run: git config user.name NAME; git config user.email ADDRESS"));
    }
    let folders: HashSet<&Path> = plan.steps.iter().map(|step| step.settings.cwd.as_path()).collect();
    for folder in folders.into_iter().filter(|folder| *folder != place.root) {
        let found = Repository::find(folder, &repository.supervisor)?;
        if found.is_some_and(|found| found.top == repository.top) {
            continue;
        }
        let text = format!("{} is not in the git work tree of the project", folder.display());
        if commits {
            return Err(Error::new(ErrorKind::Config, text)
                .hint("Agents work there, and seqorch would commit nothing of it.")
                .hint("Run seqorch in that work tree, or set git.commit = \"off\"."));
        }
        let _ = writeln!(
            io::stderr(),
            "note: {text}, so `diff` and `undo` know nothing of what agents change there"
        );
    }
    Ok(())
}
