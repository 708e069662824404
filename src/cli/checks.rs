//! What is looked at before a run begins: the first hour of a night is a bad time to find out.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use super::project::Project;
use crate::config::{Config, Dirty};
use crate::error::{Error, ErrorKind, Result};
use crate::git;
use crate::plan::Plan;
use crate::plan::prompt::{PreviousAttempt, PromptContext, QuestionAnswer, render};
use crate::run::prepare::template;
use crate::run::world::RealWorld;
use crate::state::SpecState;
use crate::store::spec_store::Store;
use crate::sys::programs;

/// Files with changes of others when a run begins.
pub(super) struct DirtyFiles {
    /// They stay out of commits; `None`: those that the state knows.
    pub(super) before: Option<BTreeSet<String>>,
    /// Those over which no step may start.
    pub(super) refused: Vec<String>,
    /// Whether the run may begin all the same: a pending commit comes first, which needs none of them.
    pub(super) may_begin: bool,
}

impl DirtyFiles {
    /// Nothing new.
    pub(super) fn none() -> Self {
        Self { before: None, refused: Vec::new(), may_begin: true }
    }

    /// The error of a run that may not begin.
    pub(super) fn refusal(&self) -> Error {
        let shown: Vec<String> = self.refused.iter().take(10).map(|path| format!("  {path}")).collect();
        let more = self.refused.len() - shown.len();
        let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
        Error::new(
            ErrorKind::Human,
            "the work tree has changes, and git.commit = \"step\" would mix them with the agents'",
        )
        .detail(shown.join("\n") + &more)
        .hint("Commit or stash them, or set git.dirty = \"allow\": then they stay out of every commit.")
    }
}

/// What is dirty before a run begins is not ours to commit, except what agents left there in units that are not done,
/// or not committed. A run that continues after a kill, or takes over a working agent, knows it already.
pub(super) fn dirty_files(project: &Project, state: &SpecState) -> Result<DirtyFiles> {
    let root = &project.root;
    let Some(mut dirty) = git::uncommitted_files(root) else {
        return Err(Error::new(ErrorKind::Config, "git.commit = \"step\": this is not a git repository")
            .hint("Run `git init`, or set git.commit = \"off\"."));
    };
    if state.run.is_open() || state.running().is_some() {
        return Ok(DirtyFiles::none());
    }
    let before = state.run.dirty_before();
    let trees = state.run.left_as().zip(git::snapshot(root));
    if let Some(since) = trees.and_then(|(left, now)| git::changes(root, left, &now)) {
        let since: HashSet<_> = since.into_iter().map(|change| change.path).collect();
        dirty.retain(|path| since.contains(path) || before.contains(path));
    }
    let pending = pending_files(root, state);
    dirty.retain(|path| !pending.contains(path) || before.contains(path));
    let refuse = !dirty.is_empty() && project.loaded.config.git.dirty == Dirty::Refuse;
    let may_begin = !refuse || !state.pending_commits().is_empty();
    let before = Some(dirty.iter().cloned().collect());
    Ok(DirtyFiles { before, refused: if refuse { dirty } else { Vec::new() }, may_begin })
}

/// Files that done units changed whose commit is pending.
fn pending_files(root: &Path, state: &SpecState) -> HashSet<String> {
    let pending = state.units.values().filter(|unit| unit.pending_commit.is_some());
    let trees = pending.filter_map(|unit| Some((unit.before.as_ref()?, unit.changes.as_ref()?.own())));
    trees
        .flat_map(|(before, after)| git::changes(root, before, after).unwrap_or_default())
        .map(|change| change.path)
        .collect()
}

/// Clears away the attempts that nobody needs any longer.
pub(super) fn expire(config: &Config, store: &Store, world: &mut RealWorld<'_>) -> Result<()> {
    if config.log.keep.is_zero() {
        return Ok(());
    }
    let span = jiff::SignedDuration::try_from(config.log.keep);
    // a span that reaches back before all time keeps everything
    let limit = span.ok().and_then(|span| jiff::Timestamp::now().checked_sub(span).ok());
    let Some(limit) = limit else { return Ok(()) };
    let (removed, complaints) = store.expire(limit)?;
    for complaint in complaints {
        world.say(&format!("! {complaint}"));
    }
    if removed > 0 {
        world.say_more(1, || format!("  {removed} old attempts were removed (log.keep)"));
    }
    Ok(())
}

/// A template of the user's own can be rendered for each step, also where an attempt follows a failed one or an answer.
pub(super) fn check_template(config: &Config, plan: &Plan) -> Result<()> {
    let Some(path) = &config.prompt.template else { return Ok(()) };
    let template = template(config)?;
    let previous =
        PreviousAttempt { attempt: 1, outcome: "failed".to_owned(), tail: "its last words".to_owned() };
    let answers = [QuestionAnswer { question: "A or B?".to_owned(), answer: "A".to_owned() }];
    for step in &plan.steps {
        let first = PromptContext::new(plan, step, &config.prompt);
        let again =
            PromptContext { previous: Some(&previous), ..PromptContext::new(plan, step, &config.prompt) };
        let answered = PromptContext { answers: &answers, ..PromptContext::new(plan, step, &config.prompt) };
        for context in [first, again, answered] {
            render(&context, &template).map_err(|e| {
                e.detail(format!("  prompt.template: {}, for task {}", path.display(), step.unit))
            })?;
        }
    }
    Ok(())
}

/// What others changed since the last run is no change of a unit that is not done yet, so the tree before it gets it,
/// too: neither its sums nor `undo` must take it for the agent's. `left` is the tree at the end of that run.
pub(super) fn leave_out_others(project: &Project, state: &mut SpecState, left: &str, now: &str) {
    if left == now || state.run.is_open() || state.running().is_some() {
        return;
    }
    for unit in state.units.values_mut().filter(|unit| !unit.is_done()) {
        if let Some(before) = &mut unit.before
            && let Some(tree) = git::overlay(&project.root, before, left, now)
        {
            *before = tree;
        }
    }
}

/// Every program that the plan needs is there; the first night hour is a bad time to find out.
pub(super) fn check_programs(config: &Config, plan: &Plan) -> Result<()> {
    let mut seen = HashSet::new();
    let mut missing = Vec::new();
    for step in &plan.steps {
        if !seen.insert((&step.settings.backend, &step.settings.cwd)) {
            continue;
        }
        if !step.settings.cwd.is_dir() {
            return Err(Error::new(
                ErrorKind::Config,
                format!("run.workdir: there is no folder {}", step.settings.cwd.display()),
            ));
        }
        let Some(program) = step.settings.argv.first() else { continue };
        if programs::find_in_path(program, &step.settings.cwd).is_none() {
            missing.push(format!("  backend `{}` of task {}: {program}", step.settings.backend, step.unit));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let others: Vec<_> = config
        .backends
        .iter()
        .filter(|(_, b)| programs::find_in_path(&b.command, Path::new("/")).is_some())
        .map(|(name, _)| name.as_str())
        .collect();
    let mut error =
        Error::new(ErrorKind::Unavailable, "an agent's program was not found, or is not executable")
            .detail(missing.join("\n"))
            .hint("Install it, add it to PATH, or set `command` of the backend in seqorch.toml.");
    if !others.is_empty() {
        error = error
            .hint(format!("Backends that are installed: {} (run.backend, --backend).", others.join(", ")));
    }
    Err(error)
}
