//! Checks before a run begins. A mistake must show now, not in the middle of the night.

use std::collections::{BTreeSet, HashSet};
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;

use super::dirty_tree::DirtyFiles;
use super::needed::{check_commands, missing_commands};
use super::prepare::{review_template, template};
use super::protected;
use super::resume::ResumeRequest;
use super::run_repository::RunRepository;
use super::undecided;
use crate::config::{Commit, Config, UnknownUsage};
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::Supervisor;
use crate::plan::budget::{BUDGET_REMEDY, uncounted};
use crate::plan::prompt::{PreviousAttempt, PromptContext, QuestionAnswer, render, render_review};
use crate::plan::unmatched::UnmatchedRule;
use crate::plan::{self, Plan, Step};
use crate::project::current_plan::current_plan;
use crate::project::unmatched::unmatched_rules;
use crate::project::{SpecPlace, prompt_inputs};
use crate::report::needs::shown;
use crate::report::text::spec_command;
use crate::state::SpecState;
use crate::store::spec_store::Store;
use crate::sys::{clock, programs};

/// A spec that can be run.
pub(super) struct CheckedSpec {
    pub(super) store: Store,
    /// The state with the resume request applied.
    pub(super) state: SpecState,
    pub(super) plan: Plan,
}

impl CheckedSpec {
    /// Checks tasks.md, the selection, the request, the agents' programs and the prompt template. It takes no lock and
    /// saves nothing.
    pub(super) fn check(place: &SpecPlace, config: &Config, resume: Option<&ResumeRequest>) -> Result<Self> {
        let (_, tasks) = place.good_tasks()?;
        plan::select(&tasks, config, &place.selection)?;
        prompt_inputs::check(place, config)?;
        check_zone(config)?;
        let store = place.store();
        let mut state = store.load()?;
        // what a person settled in tasks.md waits for no answer
        place.follow(config, &tasks, &mut state);
        // its plan says what the selection leaves out
        let state = resumed(place, state, resume, &BTreeSet::new())?;
        place.refuse_doubts(&state)?;
        let plan = current_plan(place, config, &tasks, &state, Timestamp::now());
        check_programs(config, &plan)?;
        check_commands(&missing_commands(place, config, &plan))?;
        check_template(config, &plan)?;
        check_budgets(config, &plan)?;
        Ok(Self { store, state, plan })
    }
}

/// Whether a run could begin now, and its plan. For callers that do something else first: open an editor, or a window.
pub fn preflight(place: &SpecPlace, config: &Config, resume: Option<&ResumeRequest>) -> Result<Plan> {
    let CheckedSpec { state, plan, .. } = CheckedSpec::check(place, config, resume)?;
    if config.git.commit == Commit::Step {
        let found = RunRepository::of_run(place, config, &Supervisor::default())?;
        let repository = found.ok_or_else(DirtyFiles::no_repository)?;
        protected::check(place, config, &repository)?;
        undecided::refuse(place, config, resume, &state, Some(&repository))?;
        // while a run is there, its snapshots are in use
        if !state.run.is_open() && state.running().is_none() {
            let dirty = DirtyFiles::find(&repository, &repository.begin()?, config.git.dirty, place, &state)?;
            if !dirty.may_begin {
                return Err(dirty.refusal());
            }
        }
    }
    Ok(plan)
}

/// Checks whether a run at work can continue with another configuration.
pub(super) fn check_config(place: &SpecPlace, config: &Config, state: &SpecState) -> Result<()> {
    // a tasks.md that cannot be read is an error of the plan that follows
    let Ok((_, tasks)) = place.good_tasks() else { return Ok(()) };
    prompt_inputs::check(place, config)?;
    check_zone(config)?;
    let mut state = state.clone();
    place.follow(config, &tasks, &mut state);
    let plan = current_plan(place, config, &tasks, &state, Timestamp::now());
    check_programs(config, &plan)?;
    check_commands(&missing_commands(place, config, &plan))?;
    check_template(config, &plan)?;
    check_budgets(config, &plan)
}

/// The state with the request applied, as [`ResumeRequest::apply`] does; an error where the state does not allow it.
pub(super) fn resumed(
    place: &SpecPlace,
    mut state: SpecState,
    resume: Option<&ResumeRequest>,
    left_out: &BTreeSet<String>,
) -> Result<SpecState> {
    if resume.is_some_and(|request| !request.apply(&mut state, left_out)) {
        return Err(not_halted(place, &state));
    }
    Ok(state)
}

/// The error for an answer that no question waits for. Its hints say what the spec needs instead.
#[must_use]
pub fn not_halted(place: &SpecPlace, state: &SpecState) -> Error {
    let text = if state.is_halted() {
        format!("that question is not open any more; {} asks another one now", place.name)
    } else {
        format!("{} is not halted, so there is nothing to resume", place.name)
    };
    let error = Error::new(ErrorKind::Usage, text);
    let needs = shown(&place.typed, state);
    if needs.is_empty() {
        let run = spec_command("run", &place.typed, "");
        return error
            .hint(format!("Continue with `{run}`; with --retry it keeps the options of the last run."));
    }
    needs.iter().fold(error, |error, need| {
        error.hint(format!("It needs you: {}. {} `{}`.", need.what, need.lead(), need.command))
    })
}

/// Checks that the folder of each step exists, and that the program of each backend in the plan is installed.
fn check_programs(config: &Config, plan: &Plan) -> Result<()> {
    let mut seen = HashSet::new();
    let mut missing = Vec::new();
    for (unit, settings) in plan.all_settings().filter(|_| !plan.steps.is_empty()) {
        if !seen.insert((&settings.backend, &settings.cwd)) {
            continue;
        }
        if !settings.cwd.is_dir() {
            return Err(Error::new(
                ErrorKind::Config,
                format!("run.workdir: there is no folder {}", settings.cwd.display()),
            ));
        }
        let Some(program) = settings.argv.first() else { continue };
        let is_here = config.sandbox.has_programs_of_this_machine();
        if is_here && programs::find_in_path(program, &settings.cwd).is_none() {
            missing.push(format!("  backend `{}` of task {unit}: {program}", settings.backend));
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

/// Refuses a budget that would not count what a backend uses, unless the configuration allows it; then it is only noted.
fn check_budgets(config: &Config, plan: &Plan) -> Result<()> {
    let found = uncounted(config, plan);
    if found.is_empty() {
        return Ok(());
    }
    if config.pace.unknown_usage == UnknownUsage::Allow {
        let _ = found.iter().try_for_each(|one| writeln!(io::stderr(), "note: {one}"));
        return Ok(());
    }
    let lines: Vec<String> = found.iter().map(|one| format!("  {one}")).collect();
    Err(Error::new(ErrorKind::Config, "a budget is set that cannot be kept")
        .detail(lines.join("\n"))
        .hint(BUDGET_REMEDY))
}

/// Renders the user's own prompt template for each step: for a first attempt, for one after a failed one, and for one
/// after an answer.
pub fn check_template(config: &Config, plan: &Plan) -> Result<()> {
    if let Some(path) = &config.review.template {
        let template = review_template(config)?;
        for step in plan.steps.iter().filter_map(Step::for_review) {
            let context = PromptContext::new(plan, &step, &config.prompt);
            render_review(&context, &template, Some("a"), None).map_err(|e| {
                e.detail(format!("  review.template: {}, for task {}", path.display(), step.unit))
            })?;
        }
    }
    let Some(path) = &config.prompt.template else { return Ok(()) };
    let template = template(config)?;
    let previous = PreviousAttempt {
        attempt: 1,
        outcome: "failed".to_owned(),
        tail: "its last words".to_owned(),
        denied: Vec::new(),
    };
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

/// Refuses rules about the time of day where the local time is not known; elsewhere it is only noted.
pub fn check_zone(config: &Config) -> Result<()> {
    let Some(problem) = clock::zone_problem() else { return Ok(()) };
    if config.pace.window.is_some() {
        return Err(Error::new(ErrorKind::Config, problem)
            .hint("pace.window is about local time. Set TZ to a name like Europe/Berlin, or unset it."));
    }
    let _ = writeln!(io::stderr(), "note: {problem}; times are those of UTC");
    Ok(())
}

/// Prints a note for each entry of `prompt.inputs` that matches no file: it may be a typo, or a file that a task is to
/// write. Overrides and rules that match no task are a warning.
pub fn note_unmatched_inputs(place: &SpecPlace, config: &Config) {
    for pattern in prompt_inputs::unmatched(place, config) {
        let _ = writeln!(io::stderr(), "note: prompt.inputs: there is no file {pattern:?} now");
    }
    for UnmatchedRule { key, wanted } in unmatched_rules(place, config) {
        let _ = writeln!(io::stderr(), "warning: {key} ({wanted}) matches no task");
    }
}
