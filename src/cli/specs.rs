//! `seqorch specs`: lists the specs of the project and their progress.

use std::io::{self, Write};

use anstyle::Style;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::global::{Global, stdout};
use super::project::Project;
use super::remote_view;
use super::when::{self, RunAtWork};
use crate::agent::sanitise::harmless;
use crate::error::{Error, ErrorKind, Result};
use crate::fleet::lease::Lease;
use crate::plan::{Selection, SkipReason};
use crate::project::SpecPlace;
use crate::project::current_plan::shown_plan;
use crate::project::discovery::FoundSpec;
use crate::report::needs::{self, NeedRecord};
use crate::report::text::{sanitise_line, width};
use crate::report::theme;
use crate::spec::{Severity, TaskFile};
use crate::state::next_start::NextStart;
use crate::state::{Run, SpecState, counts};

#[derive(Debug, Args)]
#[command(
    after_help = "Tasks are counted as in `seqorch status`: subtasks that an agent does together with their task are not \
                        counted. A task is done when a run completed it or its box is ticked."
)]
pub(super) struct SpecsArgs {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Only specs that a run can continue, now or at a time that is known: those that a matrix of jobs needs.
    #[arg(long)]
    open: bool,
    /// Take progress from a remote, where a run was there [default: remote.name, or origin].
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    remote: Option<String>,
}

/// What the list shows of a spec, and the JSON, too.
#[derive(Debug, Serialize)]
struct SpecSummary {
    name: String,
    /// Its folder, relative to the project.
    path: String,
    /// `None` where tasks.md cannot be read.
    dialect: Option<&'static str>,
    done: usize,
    total: usize,
    /// Optional tasks that a run leaves out.
    optional: usize,
    /// What a person must do.
    needs: Vec<NeedRecord>,
    #[serde(skip)]
    needed: Option<String>,
    /// When a run can continue: `now`, `later` or `never`; `None` where tasks.md cannot be read.
    start: Option<&'static str>,
    /// The time of `later`; `None`: it is not known.
    resume_at: Option<String>,
    /// The run that works on it now, where `later` waits for that.
    waits_for: Option<String>,
    /// Whether a run has ever begun it, or taken its lease.
    begun: bool,
    /// Who works on it, or did last; `None`: no remote was asked, or no run was ever there.
    lease: Option<Lease>,
    /// Errors in tasks.md. A spec that has any can't be run.
    errors: Vec<String>,
}

pub(super) fn specs(global: &Global, args: &SpecsArgs) -> Result<u8> {
    let project = Project::open_to_look(global, None)?;
    let all = project.specs();
    let has_specs = !all.is_empty();
    let remote = args.remote.as_deref();
    let summaries = all.into_iter().map(|found| summary(&project, found, remote));
    let mut specs = summaries.collect::<Result<Vec<SpecSummary>>>()?;
    let can_start =
        |spec: &SpecSummary| spec.errors.is_empty() && spec.start.is_some_and(|start| start != "never");
    specs.retain(|spec| !args.open || can_start(spec));
    let mut out = stdout();
    // a reader that is gone is a normal end
    if args.json {
        let json = format!("{:#}", serde_json::json!({ "schema": 1, "specs": specs }));
        let _ = writeln!(out, "{}", harmless(&json));
    } else if !has_specs {
        return Err(project.no_spec());
    } else {
        let _ = write(&mut out, &specs);
    }
    Ok(0)
}

fn summary(project: &Project, found: FoundSpec, remote: Option<&str>) -> Result<SpecSummary> {
    let mut summary = SpecSummary {
        name: found.name,
        path: found.shown,
        dialect: None,
        done: 0,
        total: 0,
        optional: 0,
        needs: Vec::new(),
        needed: None,
        start: None,
        resume_at: None,
        waits_for: None,
        begun: false,
        lease: None,
        errors: Vec::new(),
    };
    let place = project.place(&found.dir, Selection::default());
    let shown = match (remote, &place) {
        (Some(remote), Ok(place)) => match remote_view::look_if_readable(project, place, remote) {
            Err(error) if error.kind() == ErrorKind::NoSpec => None,
            // the others can be started all the same
            Ok(Err(error)) => {
                let error = first_line(&error);
                let _ = writeln!(io::stderr(), "warning: {}: {error}", sanitise_line(&summary.name));
                summary.errors.push(error);
                return Ok(summary);
            }
            shown => Some(shown??),
        },
        _ => None,
    };
    summary.lease = shown.as_ref().map(|shown| shown.lease.clone());
    let read = || -> Result<(TaskFile, SpecState, SpecPlace, NextStart, Option<RunAtWork>)> {
        let place = match &shown {
            Some(shown) => &shown.place,
            None => &place?,
        };
        let (_, tasks) = place.read_tasks()?;
        let state = project.state_of(place, shown.as_ref().map(|shown| &shown.lease))?;
        let at_work = RunAtWork::find(place, shown.as_ref().map(|shown| &shown.lease));
        let next = when::next_start(project, place, &tasks, &state, at_work.as_ref());
        Ok((tasks, state, place.clone(), next, at_work))
    };
    match read() {
        Ok((tasks, state, place, next, at_work)) => {
            let (start, resume_at, _) = when::words(next);
            (summary.start, summary.resume_at) = (Some(start), resume_at);
            summary.waits_for = at_work.filter(|_| start == "later").map(|run| run.who);
            summary.begun = state.run != Run::Never || summary.lease.is_some();
            summary.needs = needs::records(&place.typed, &state);
            summary.needed = needs::headline(&needs::shown(&place.typed, &state));
            count(&mut summary, project, &place, &tasks, &state);
        }
        Err(error) => summary.errors.push(first_line(&error)),
    }
    Ok(summary)
}

fn count(
    summary: &mut SpecSummary,
    project: &Project,
    place: &SpecPlace,
    file: &TaskFile,
    state: &SpecState,
) {
    summary.dialect = Some(file.dialect.name());
    let plan = shown_plan(place, &project.loaded.config, file, state, Timestamp::now());
    let counts = counts(&plan, state);
    (summary.done, summary.total) = (counts.done, counts.all);
    let is_optional = |reason: &SkipReason| *reason == SkipReason::Optional;
    summary.optional =
        plan.skipped.iter().filter(|skipped| !skipped.is_part() && is_optional(&skipped.reason)).count();
    let errors = file.diagnostics.iter().filter(|d| d.severity == Severity::Error);
    summary.errors.extend(errors.map(|d| format!("tasks.md:{}:{}: {}", d.line, d.column, d.message)));
}

fn first_line(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

fn write(out: &mut dyn Write, specs: &[SpecSummary]) -> std::io::Result<()> {
    let cells: Vec<[String; 3]> = specs
        .iter()
        .map(|spec| {
            let done = format!("{}/{}", spec.done, spec.total);
            [sanitise_line(&spec.name), spec.dialect.unwrap_or("?").to_owned(), done]
        })
        .collect();
    let widest = |column: usize| cells.iter().map(|row| width(&row[column])).max().unwrap_or(0);
    let widths = [widest(0), widest(1), widest(2)];
    for (spec, [name, dialect, done]) in specs.iter().zip(&cells) {
        let pad = |text: &str, to: usize| " ".repeat(to.saturating_sub(width(text)));
        let is_done = spec.done == spec.total && spec.errors.is_empty();
        writeln!(
            out,
            "{}{}  {dialect}{}  {}{}  {}",
            theme::paint(theme::BOLD, name),
            pad(name, widths[0]),
            pad(dialect, widths[1]),
            pad(done, widths[2]),
            theme::paint(if is_done { theme::GOOD } else { Style::new() }, &format!("{done} done")),
            theme::paint(theme::DIM, &sanitise_line(&spec.path)),
        )?;
        if let Some(needed) = &spec.needed {
            writeln!(out, "  {}", theme::paint(theme::BAD, needed))?;
        }
        if spec.optional > 0 {
            writeln!(out, "  {} of the open tasks optional", spec.optional)?;
        }
        for error in spec.errors.iter().take(3) {
            writeln!(out, "  {} {}", theme::paint(theme::BAD, "can't be run:"), sanitise_line(error))?;
        }
    }
    Ok(())
}
