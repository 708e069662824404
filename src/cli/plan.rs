//! `seqorch plan`: shows what would run, in which order, and why.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::flags::Work;
use super::global::{Global, colored, raw_stdout, terminal_width};
use super::project::{Project, warn_of_lost_tree};
use super::trust::TrustFlag;
use crate::agent::sanitise::{harmless, sanitise};
use crate::config::{Config, ModelPrice, UnknownUsage};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::budget::uncounted;
use crate::plan::prompt::{PromptContext, render};
use crate::plan::{Plan, Selection, Step, TaskNames};
use crate::project::current_plan::current_plan;
use crate::project::discovery::FoundSpec;
use crate::project::unmatched::unmatched_rules;
use crate::project::{SpecPlace, prompt_inputs};
use crate::report::left_cost::{LeftCost, left_cost};
use crate::report::moves::add_moves;
use crate::report::text::sanitise_line;
use crate::report::timeline::lines;
use crate::report::wait_text::naming;
use crate::report::{plan as plan_text, plan_json};
use crate::run::needed::lacks;
use crate::run::prepare::template;
use crate::run::prompt_words::{decisions, known_failures, notes, other_decisions};
use crate::run::{forecast, preflight};
use crate::spec::{self, TaskFile};
use crate::state::{RunTimes, SpecState};
use crate::sys::nofollow::{self, WHOLE_MAX};

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Spec: its name, its folder or its file [default: the only spec].
    spec: Option<PathBuf>,
    /// Change nothing and start nothing, not even the agent that assigns tasks.
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object.
    #[arg(long, conflicts_with = "prompt")]
    json: bool,
    /// Print the prompt that the agent of this task would get.
    #[arg(long, value_name = "ID")]
    prompt: Option<String>,
    #[command(flatten)]
    trust: TrustFlag,
    #[command(flatten)]
    work: Work,
}

pub(super) fn plan(global: &Global, args: &PlanArgs) -> Result<u8> {
    let mut project = Project::open(global, args.work.settings()?, args.spec.as_deref())?;
    let mut place = project.place(&project.spec(args.spec.as_deref())?, args.work.selection(&project))?;
    project.follow(&place);
    let project = project;
    let config = &project.loaded.config;
    // a tasks.md that cannot be run is reported below, with the places of its mistakes
    place.select(config).or_else(|error| match error.kind() {
        ErrorKind::BadTasks => Ok(()),
        _ => Err(error),
    })?;
    warn_of_lost_tree(&place);
    if !args.dry_run && args.prompt.is_none() {
        super::assign::assign_missing(&project, &place, args.trust)?;
    }
    if let Some(id) = &args.prompt {
        return prompt(&project, &place, id);
    }
    if args.json {
        let tasks = match place.read_tasks() {
            Ok((_, tasks)) => tasks,
            // a program that reads this gets its object in any case
            Err(error) if error.kind() == ErrorKind::BadTasks => {
                return Ok(unreadable(&place, config, &error));
            }
            Err(error) => return Err(error),
        };
        let (plan, times, left) = if tasks.has_errors() {
            (None, None, None)
        } else {
            let (plan, state) = current_with_moves(&place, config, &tasks)?;
            let (now, zone) = (Timestamp::now(), TimeZone::system());
            let times =
                forecast::timeline(&plan, &state, config, asked_times(&args.work, &state, now)?, now, &zone);
            let left = what_is_left(&project, &place, &plan, &state);
            (Some(plan), times, left)
        };
        let mut value = plan_json::json(plan.as_ref(), &tasks, times.as_ref());
        value["left"] = serde_json::json!(left);
        for lack in plan.as_ref().map(|plan| lacks(&place, config, plan)).unwrap_or_default() {
            let message = format!("a run would end at once: {lack}");
            let warning = serde_json::json!({ "line": null, "column": null, "message": message });
            value["warnings"].as_array_mut().into_iter().for_each(|all| all.push(warning.clone()));
        }
        for rule in unmatched_rules(&place, config) {
            let message = format!("{} ({}) matches no task", rule.key, rule.wanted);
            let warning = serde_json::json!({ "line": null, "column": null, "message": message });
            value["warnings"].as_array_mut().into_iter().for_each(|all| all.push(warning.clone()));
        }
        value["uncounted_budgets"] =
            serde_json::json!(plan.map(|plan| uncounted(config, &plan)).unwrap_or_default());
        print_json(&place, config, value);
        return Ok(if tasks.has_errors() { ErrorKind::BadTasks.exit_code() } else { 0 });
    }
    show(global, &project, &place, &args.work)?;
    Ok(0)
}

/// When steps may start: as it is asked for now, or as the run that is open was asked.
fn asked_times(work: &Work, state: &SpecState, now: Timestamp) -> Result<RunTimes> {
    let mut work = work.clone();
    work.fix_times(now, &TimeZone::system())?;
    Ok(Some(work.times()).filter(|times| !times.is_free()).unwrap_or_else(|| state.run.times()))
}

/// What the steps of a plan may use, judged by what is done: of this spec, or else of the project's other specs.
fn what_is_left(project: &Project, place: &SpecPlace, plan: &Plan, state: &SpecState) -> Option<LeftCost> {
    let prices = ModelPrice::table(&project.loaded.config.prices);
    left_cost(plan, std::slice::from_ref(state), &prices, false).or_else(|| {
        let others = project.specs().into_iter().filter(|spec| spec.dir != place.path());
        // a spec that cannot be read says nothing
        let state =
            |spec: FoundSpec| project.place(&spec.dir, Selection::default()).ok()?.store().load().ok();
        left_cost(plan, &others.filter_map(state).collect::<Vec<_>>(), &prices, true)
    })
}

fn print_json(place: &SpecPlace, config: &Config, mut value: serde_json::Value) {
    value["spec"] = place.name.clone().into();
    value["max_iterations"] = config.run.max_iterations.into();
    // standard output alone is written line by line
    let mut out = BufWriter::new(raw_stdout());
    // a reader that is gone is a normal end
    let _ = writeln!(out, "{}", harmless(&format!("{value:#}"))).and_then(|()| out.flush());
}

/// Prints the object for a tasks.md that is not text.
fn unreadable(place: &SpecPlace, config: &Config, error: &Error) -> u8 {
    let bytes = place.tasks_file().ok().and_then(|file| nofollow::read(&file, WHOLE_MAX).ok());
    let line = bytes.and_then(|bytes| Some(spec::decode(&bytes).err()?.line));
    let mut value = plan_json::json(None, &spec::parse_as("", place.dialect), None);
    value["errors"] =
        serde_json::json!([{ "line": line.unwrap_or(1), "column": 1, "message": error.to_string() }]);
    print_json(place, config, value);
    error.kind().exit_code()
}

/// The plan as of now; changes nothing.
pub(super) fn current(place: &SpecPlace, config: &Config, tasks: &TaskFile, state: &SpecState) -> Plan {
    current_plan(place, config, tasks, state, Timestamp::now())
}

/// The plan as of now, with what became of the tasks since tasks.md was read last; and the state that it follows from.
fn current_with_moves(place: &SpecPlace, config: &Config, tasks: &TaskFile) -> Result<(Plan, SpecState)> {
    let mut state = place.store().load()?;
    let moves = place.follow(config, tasks, &mut state);
    for request in place.store().request_box().entries() {
        state.take_request(&request);
    }
    let mut plan = current(place, config, tasks, &state);
    add_moves(&mut plan, &moves, &state, tasks, &place.typed);
    Ok((plan, state))
}

/// Prints the plan for a person.
pub(super) fn show(global: &Global, project: &Project, place: &SpecPlace, work: &Work) -> Result<()> {
    let config = &project.loaded.config;
    let (text, tasks) = place.read_tasks()?;
    let stdout = io::stdout();
    let color = colored(global, &stdout);
    let path = place.tasks_path();
    let shown = path.strip_prefix(&project.cwd).unwrap_or(&path).display().to_string();
    let diagnostics =
        spec::render_diagnostics(&shown, &text, &tasks.diagnostics, color, terminal_width().unwrap_or(100));
    if tasks.has_errors() {
        return Err(Error::new(ErrorKind::BadTasks, format!("{shown} can't be run")).detail(diagnostics));
    }
    let (plan, state) = current_with_moves(place, config, &tasks)?;
    prompt_inputs::check(place, config)?;
    preflight::check_template(config, &plan)?;
    preflight::check_zone(config)?;
    preflight::note_unmatched_inputs(place, config);
    for lack in lacks(place, config, &plan) {
        let _ = writeln!(io::stderr(), "warning: a run would end at once: {lack}");
    }
    let refuses = config.pace.unknown_usage == UnknownUsage::Refuse;
    for one in uncounted(config, &plan) {
        let lead = if refuses { "warning: a run would end at once" } else { "note" };
        let _ = writeln!(io::stderr(), "{lead}: {one}");
    }
    let (now, zone) = (Timestamp::now(), TimeZone::system());
    let times = forecast::timeline(&plan, &state, config, asked_times(work, &state, now)?, now, &zone);
    let (expected, expected_by) = times.map(|times| lines(&times, now, &zone)).unwrap_or_default();
    let expected = expected.into_iter().map(|(id, line)| (id, naming(&line, &place.typed))).collect();
    let width = terminal_width();
    let left = what_is_left(project, place, &plan, &state).map(|left| left.to_string()).unwrap_or_default();
    let skills: Vec<String> =
        config.prompt.skills.iter().map(|skill| format!("{} for {}", skill.name, skill.when)).collect();
    let skills = sanitise_line(&skills.join(", "));
    let view = plan_text::PlanView {
        color,
        verbose: project.verbosity > 0,
        width,
        diagnostics,
        skills,
        expected,
        expected_by,
        left,
    };
    let mut out = BufWriter::new(raw_stdout());
    let _ = plan_text::write(&mut out, &plan, &view).and_then(|()| out.flush());
    Ok(())
}

fn prompt(project: &Project, place: &SpecPlace, id: &str) -> Result<u8> {
    let config = &project.loaded.config;
    let (_, tasks) = place.good_tasks()?;
    let (plan, mut state) = current_with_moves(place, config, &tasks)?;
    state.take_notes(place.store().note_box().entries());
    let names = TaskNames::of(&tasks);
    let ids = names.find("--prompt: ", id)?;
    let below: BTreeSet<String> = ids.iter().flat_map(|id| names.with_all_below(id)).collect();
    let does =
        |step: &&Step| ids.contains(&step.unit) || step.open.iter().any(|task| below.contains(&task.id));
    let steps: Vec<&Step> = plan.steps.iter().filter(does).collect();
    if steps.is_empty() {
        return Err(no_step(&plan, ids.first().map_or(id, String::as_str)));
    }
    let mut out = raw_stdout();
    for (index, step) in steps.into_iter().enumerate() {
        let answers = decisions(&state, &step.unit);
        let mut context = PromptContext::new(&plan, step, &config.prompt);
        context.answers = &answers;
        let notes = notes(&state, &step.unit);
        context.notes = &notes;
        let decided =
            if config.prompt.decisions { other_decisions(&state, &tasks, step) } else { Vec::new() };
        context.decisions = &decided;
        let known = known_failures(&state, step);
        context.known_failures = &known;
        let text = render(&context, &template(config)?)?;
        let between = if index == 0 { "" } else { "\n" };
        let _ = write!(out, "{between}{}", sanitise(text.as_bytes()));
    }
    Ok(0)
}

/// The error for a task that will not run, with the reason where it is skipped.
fn no_step(plan: &Plan, id: &str) -> Error {
    let skipped = plan.skipped.iter().find(|skipped| skipped.id == id);
    let why =
        skipped.map_or_else(String::new, |skipped| format!(": {}", plan_text::why_skipped(&skipped.reason)));
    let error = Error::new(ErrorKind::Usage, format!("task {} is not in the plan{why}", sanitise_line(id)));
    let known: Vec<_> = plan.steps.iter().map(|step| sanitise_line(&step.unit)).collect();
    error.hint(if known.is_empty() {
        "No task would run; see `seqorch plan`.".to_owned()
    } else {
        format!("Tasks in the plan: {}.", known.join(", "))
    })
}
