//! `seqorch plan`: shows what would run, in which order, and why.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::flags::Work;
use super::global::{Global, colored, terminal_width};
use super::project::Project;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::prompt::{PromptContext, render};
use crate::plan::{self, Plan, Step};
use crate::project::SpecPlace;
use crate::project::current_plan::current_plan;
use crate::report::text::sanitise_line;
use crate::report::timeline::lines;
use crate::report::{plan as plan_text, plan_json};
use crate::run::needed::lacks;
use crate::run::prepare::{decisions, template};
use crate::run::{forecast, preflight};
use crate::spec::{self, TaskFile};
use crate::state::SpecState;

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
    work: Work,
}

pub(super) fn plan(global: &Global, args: &PlanArgs) -> Result<u8> {
    let project = Project::open(global, args.work.settings()?, args.spec.as_deref())?;
    let place = project.place(&project.spec(args.spec.as_deref())?, args.work.selection(&project))?;
    let config = &project.loaded.config;
    if !args.dry_run && args.prompt.is_none() {
        super::assign::assign_missing(&project, &place)?;
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
        let (plan, times) = if tasks.has_errors() {
            (None, None)
        } else {
            plan::check_selection(&tasks, config, &place.selection)?;
            let state = place.store().load()?;
            let plan = current(&place, config, &tasks, &state);
            let times = forecast::timeline(&plan, &state, config, Timestamp::now(), &TimeZone::system());
            (Some(plan), times)
        };
        print_json(&place, config, plan_json::json(plan.as_ref(), &tasks, times.as_ref()));
        return Ok(if tasks.has_errors() { ErrorKind::BadTasks.exit_code() } else { 0 });
    }
    show(global, &project, &place)?;
    Ok(0)
}

fn print_json(place: &SpecPlace, config: &Config, mut value: serde_json::Value) {
    value["spec"] = place.name.clone().into();
    value["max_iterations"] = config.run.max_iterations.into();
    // standard output alone is written line by line
    let mut out = BufWriter::new(io::stdout().lock());
    // a reader that is gone is a normal end
    let _ = writeln!(out, "{value:#}").and_then(|()| out.flush());
}

/// Prints the object for a tasks.md that is not text.
fn unreadable(place: &SpecPlace, config: &Config, error: &Error) -> u8 {
    let line =
        std::fs::read(place.tasks_path()).ok().and_then(|bytes| Some(spec::decode(&bytes).err()?.line));
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

/// Prints the plan for a person.
pub(super) fn show(global: &Global, project: &Project, place: &SpecPlace) -> Result<()> {
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
    plan::check_selection(&tasks, config, &place.selection)?;
    let state = place.store().load()?;
    let plan = current(place, config, &tasks, &state);
    preflight::check_template(config, &plan)?;
    preflight::note_unmatched_inputs(place, config);
    for lack in lacks(place, config, &plan) {
        let _ = writeln!(io::stderr(), "warning: a run would end at once: {lack}");
    }
    let (now, zone) = (Timestamp::now(), TimeZone::system());
    let times = forecast::timeline(&plan, &state, config, now, &zone);
    let (expected, expected_by) = times.map(|times| lines(&times, now, &zone)).unwrap_or_default();
    let width = terminal_width();
    let view = plan_text::PlanView { color, width, diagnostics, expected, expected_by };
    let mut out = BufWriter::new(stdout.lock());
    let _ = plan_text::write(&mut out, &plan, &view).and_then(|()| out.flush());
    Ok(())
}

fn prompt(project: &Project, place: &SpecPlace, id: &str) -> Result<u8> {
    let config = &project.loaded.config;
    let (_, tasks) = place.good_tasks()?;
    let state = place.store().load()?;
    let plan = current(place, config, &tasks, &state);
    let does = |step: &&Step| step.unit == id || step.open.iter().any(|task| task.id == id);
    let step = plan.steps.iter().find(does).ok_or_else(|| no_step(&plan, id))?;
    let answers = decisions(&state, &step.unit);
    let mut context = PromptContext::new(&plan, step, &config.prompt);
    context.answers = &answers;
    let text = render(&context, &template(config)?)?;
    let _ = io::stdout().write_all(text.as_bytes());
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
