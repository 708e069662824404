//! Where the changes of a unit lie: in its commits, or in the trees of its attempts.

use std::collections::BTreeSet;
use std::convert::Infallible;

use super::ownership::{changed_paths, count_within, counted, work_spans};
use super::run_repository::RunRepository;
use crate::config::{Commit, Config};
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::{GitError, Supervisor};
use crate::git::change::{FileChange, TreeChange};
use crate::git::diff::DiffLook;
use crate::git::path::RepoPath;
use crate::git::snapshot::Snapshots;
use crate::project::SpecPlace;
use crate::report::text::{sanitise_line, spec_command};
use crate::state::{AttemptRecord, SpecState, UnitState};

/// The changes of a unit: what lies between two trees or commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TaskSpan {
    pub(super) from: String,
    pub(super) to: String,
    /// The unit's paths; `None`: all that lies between.
    only: Option<BTreeSet<RepoPath>>,
    /// The trees are those of snapshots.
    kept: bool,
    /// Where in it the unit was worked on, if not all the time.
    spans: Vec<(String, String)>,
}

impl TaskSpan {
    /// The changes of a unit; `None` where none are known. They come from its commit, else from its snapshots.
    pub(super) fn of(trees: &Snapshots<'_>, unit: &UnitState) -> std::result::Result<Option<Self>, GitError> {
        let of_snapshots = || Self::of_snapshots(trees, unit);
        let Some(commits) = commits(unit) else { return of_snapshots() };
        match Self::of_commits(trees, &commits) {
            Ok(span) => Ok(Some(span)),
            Err(error) => of_snapshots().ok().flatten().map(Some).ok_or(error),
        }
    }

    fn of_commits(trees: &Snapshots<'_>, commits: &[&str]) -> std::result::Result<Self, GitError> {
        let (first, last) = (commits[0], commits[commits.len() - 1]);
        let from = trees.before_commit(first)?;
        let mut only = None;
        if commits.len() > 1 {
            let mut paths = BTreeSet::new();
            for commit in commits {
                let before = trees.before_commit(commit)?;
                paths.extend(trees.changes(&before, commit)?.into_iter().map(|change| change.path));
            }
            only = Some(paths);
        }
        let spans = commits.iter().filter(|_| commits.len() > 1);
        let spans = spans.map(|commit| Ok((trees.before_commit(commit)?, (*commit).to_owned())));
        let spans = spans.collect::<std::result::Result<Vec<_>, GitError>>()?;
        Ok(Self { from, to: last.to_owned(), only, kept: false, spans })
    }

    fn of_snapshots(trees: &Snapshots<'_>, unit: &UnitState) -> std::result::Result<Option<Self>, GitError> {
        let last = counted(unit).filter_map(|attempt| attempt.learned.after.as_ref()).last();
        let after = unit.changes.as_ref().map(|changes| &changes.after);
        let Some((from, to)) = unit.before.as_ref().zip(after.or(last.map(|record| &record.tree))) else {
            return Ok(None);
        };
        // between the attempts others worked, too
        let several = counted(unit).count() > 1;
        let only = if several { changed_paths(trees, unit)? } else { None };
        // an error where git does not have the trees any more
        trees.changes(from, to)?;
        Ok(Some(Self { from: from.clone(), to: to.clone(), only, kept: true, spans: work_spans(unit) }))
    }

    /// What lies in it, path by path.
    pub(super) fn changes(&self, trees: &Snapshots<'_>) -> std::result::Result<Vec<TreeChange>, GitError> {
        let mut list = trees.changes(&self.from, &self.to)?;
        list.retain(|change| self.has(&change.path));
        count_within(trees, &self.spans, &mut list)?;
        Ok(list)
    }

    /// The parts in which the unit was worked on, where others changed its files between them; else none.
    fn parts(&self, trees: &Snapshots<'_>) -> std::result::Result<&[(String, String)], GitError> {
        for pair in self.spans.windows(2) {
            let [(_, end), (next, _)] = pair else { continue };
            if trees.changes(end, next)?.iter().any(|change| self.has(&change.path)) {
                return Ok(&self.spans);
            }
        }
        Ok(&[])
    }

    /// Whether the path is the unit's.
    pub(super) fn has(&self, path: &RepoPath) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(path))
    }
}

/// The commits that have all changes of a unit, oldest first: those that its agent made, and its own.
fn commits(unit: &UnitState) -> Option<Vec<&str>> {
    let changes = unit.changes.as_ref().filter(|changes| !changes.commit_differs)?;
    let own = changes.commit.as_deref()?;
    let agents = counted(unit).flat_map(AttemptRecord::own_commits);
    Some(agents.map(|commit| commit.id.as_str()).chain([own]).collect())
}

/// What a unit changed, file by file.
pub fn changed_files(
    trees: &Snapshots<'_>,
    unit: &UnitState,
) -> std::result::Result<Vec<FileChange>, GitError> {
    let Some(span) = TaskSpan::of(trees, unit)? else { return Ok(Vec::new()) };
    Ok(span.changes(trees)?.iter().map(FileChange::from).collect())
}

/// What a unit changed, as git prints it; `None` where nothing is known.
pub fn patch(trees: &Snapshots<'_>, unit: &UnitState) -> std::result::Result<Option<String>, GitError> {
    let Some(span) = TaskSpan::of(trees, unit)? else { return Ok(None) };
    let changes = span.changes(trees)?;
    let paths: Vec<&RepoPath> = changes.iter().map(|change| &change.path).collect();
    if paths.is_empty() {
        return Ok(None);
    }
    match span.parts(trees)? {
        [] => trees.patch(&span.from, &span.to, &paths).map(Some),
        parts => parts
            .iter()
            .map(|(from, to)| trees.patch(from, to, &paths))
            .collect::<std::result::Result<_, _>>()
            .map(Some),
    }
}

/// Shows what a task changed, as git shows it: git takes the place of this process.
pub fn show_changes(
    place: &SpecPlace,
    config: &Config,
    state: &SpecState,
    id: &str,
    look: DiffLook,
) -> Result<Infallible> {
    let of = state.unit_of(id).ok_or_else(|| unknown(place, config, state, id))?;
    let unit = &state.units[of];
    let gone = |why: &str| {
        Error::new(ErrorKind::Human, format!("git no longer has the changes of task {}", sanitise_line(id)))
            .detail(format!("  {}", why.replace('\n', "\n  ")))
    };
    let found = RunRepository::find(place, config, &Supervisor::default())?;
    let repository = found.ok_or_else(|| gone("there is no git repository here"))?;
    let trees = repository.trees();
    let span = TaskSpan::of(&trees, unit).map_err(|error| gone(&error.words()))?;
    let span = span.ok_or_else(|| unknown(place, config, state, id))?;
    let parts = span.parts(&trees)?;
    if !parts.is_empty() {
        return Err(trees.diffs_call(parts, look)?.exec().into());
    }
    let all = trees.changes(&span.from, &span.to)?;
    let own = span.changes(&trees)?;
    if own.len() == all.len() {
        return Err(trees.diff_call((&span.from, &span.to), span.kept, look).exec().into());
    }
    let alone = trees.tree_with(&span.from, &own)?;
    Err(trees.diff_call((&span.from, &alone), true, look).exec().into())
}

/// Why changes of tasks are not kept here at all, and how that is changed; `None`: they are kept.
pub(super) fn not_kept(place: &SpecPlace, config: &Config) -> Option<&'static str> {
    if place.store().git_dir().is_none() {
        return Some("Changes are kept by git, and there is no git repository here: `git init` makes one.");
    }
    let is_off = !config.git.snapshot && config.git.commit == Commit::Off;
    is_off.then_some("git.snapshot and git.commit are off, so no changes are kept; set git.snapshot = true.")
}

/// What has to be there before a task can have changes.
pub(super) fn not_done_yet(place: &SpecPlace, id: &str) -> String {
    format!("Task {id} is not done yet; `{}` runs what is to do.", spec_command("run", &place.typed, ""))
}

fn unknown(place: &SpecPlace, config: &Config, state: &SpecState, id: &str) -> Error {
    let has_run = state.units.get(id).is_some_and(|unit| !unit.attempts.is_empty());
    let id = sanitise_line(id);
    let known = |unit: &UnitState| unit.changes.is_some() || counted(unit).any(|a| a.learned.after.is_some());
    let ids: Vec<_> = state.units_by_id().into_iter().filter(|(_, unit)| known(unit)).collect();
    let ids: Vec<String> = ids.into_iter().map(|(id, _)| sanitise_line(id)).collect();
    let works = state.running().is_some_and(|(unit, _)| unit == id);
    let text = if works {
        format!("task {id} is at work; its changes are known when its attempt ends")
    } else {
        format!("the changes of task {id} are not known")
    };
    let hint = match not_kept(place, config) {
        Some(why) => why.to_owned(),
        None if !ids.is_empty() => format!("Tasks with known changes: {}.", ids.join(", ")),
        None if !has_run => not_done_yet(place, &id),
        None => "No snapshot was taken of what it changed; later runs take them.".to_owned(),
    };
    Error::new(ErrorKind::Usage, text).hint(hint)
}
