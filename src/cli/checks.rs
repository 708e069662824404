//! What is looked at before a run begins: the first hour of a night is a bad time to find out.

use std::collections::HashSet;
use std::path::Path;

use super::project::Project;
use crate::config::{Config, Dirty};
use crate::error::{Error, ErrorKind, Result};
use crate::git;
use crate::plan::Plan;
use crate::plan::prompt::{PreviousAttempt, PromptContext, QuestionAnswer, render};
use crate::run::prepare::template;
use crate::run::world::RealWorld;
use crate::state::{Changes, SpecState, UnitStatus};
use crate::store::spec_store::Store;
use crate::sys::programs;

/// What is dirty before a run begins is not ours to commit, but for what agents left there in units that are not done,
/// or not committed. A run that goes on after a kill, or takes over an agent at work, knows it already.
///
/// Gives the files over which no step may start, where a commit that is owed comes first: it needs none of them.
pub(super) fn note_dirty(project: &Project, state: &mut SpecState) -> Result<Vec<String>> {
    let root = &project.root;
    let Some(mut dirty) = git::uncommitted_files(root) else {
        return Err(Error::new(ErrorKind::Config, "git.commit = \"step\": this is no git repository")
            .hint("Run `git init`, or set git.commit = \"off\"."));
    };
    if state.open_run() || state.running().is_some() {
        return Ok(Vec::new());
    }
    let trees = state.left_as.as_deref().zip(git::snapshot(root));
    if let Some(since) = trees.and_then(|(left, now)| git::changes(root, left, &now)) {
        let since: HashSet<_> = since.into_iter().map(|change| change.path).collect();
        dirty.retain(|path| since.contains(path) || state.dirty_before.contains(path));
    }
    let owed = owed_files(root, state);
    dirty.retain(|path| !owed.contains(path) || state.dirty_before.contains(path));
    let refuse = !dirty.is_empty() && project.loaded.config.git.dirty == Dirty::Refuse;
    if !refuse || !state.to_keep().is_empty() {
        state.dirty_before = dirty.iter().cloned().collect();
        state.left_as = None;
        return Ok(if refuse { dirty } else { Vec::new() });
    }
    let shown: Vec<String> = dirty.iter().take(10).map(|path| format!("  {path}")).collect();
    let more = dirty.len() - shown.len();
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    Err(Error::new(
        ErrorKind::Human,
        "the work tree has changes, and git.commit = \"step\" would mix them with the agents'",
    )
    .detail(shown.join("\n") + &more)
    .hint("Commit or stash them, or set git.dirty = \"allow\": then they stay out of every commit."))
}

/// An older version kept of a refused commit only that it is owed. Its run was over with that, so the tree at the end of
/// that run is the one after the unit: what somebody wrote since is none of the unit's but for mends in its files.
pub(super) fn date_owed(state: &mut SpecState) {
    // the unit of a run that was killed may have ended after the tree that is known
    if state.open_run() || state.running().is_some() {
        return;
    }
    let Some(left) = &state.left_as else { return };
    for unit in state.units.values_mut().filter(|unit| unit.to_keep && unit.changes.is_none()) {
        unit.changes = Some(Changes { after: left.clone(), ..Changes::default() });
    }
}

/// Files that done units changed whose commit is owed.
fn owed_files(root: &Path, state: &SpecState) -> HashSet<String> {
    let owed = state.units.values().filter(|unit| unit.to_keep);
    let trees = owed.filter_map(|unit| Some((unit.before.as_ref()?, unit.changes.as_ref()?.own())));
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
    if left == now || state.open_run() || state.running().is_some() {
        return;
    }
    for unit in state.units.values_mut().filter(|unit| unit.status != UnitStatus::Done) {
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
    let mut error = Error::new(ErrorKind::Unavailable, "an agent's program is not there, or may not be run")
        .detail(missing.join("\n"))
        .hint("Install it, mend the PATH, or set `command` of the backend in seqorch.toml.");
    if !others.is_empty() {
        error = error
            .hint(format!("Backends that are installed: {} (run.backend, --backend).", others.join(", ")));
    }
    Err(error)
}
