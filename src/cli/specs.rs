//! `seqorch specs`: the specs that the project has, and how far each is.

use std::collections::BTreeSet;
use std::io::Write;

use clap::Args;
use serde::Serialize;

use super::Global;
use super::project::Project;
use crate::error::{Error, Result};
use crate::plan::Selection;
use crate::project::discovery::FoundSpec;
use crate::report::needs::{self, NeedRecord};
use crate::report::text::{sanitise_line, width};
use crate::spec::{Severity, TaskFile, TaskState};
use crate::state::SpecState;

#[derive(Debug, Args)]
#[command(after_help = "Tasks with subtasks are not counted, their subtasks are. A task is done when a run \
                        completed it or its box is ticked.")]
pub(super) struct SpecsArgs {
    /// Print one JSON object instead.
    #[arg(long)]
    json: bool,
}

/// What is said of a spec.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    /// Its folder, relative to the project.
    path: String,
    /// None: its tasks.md could not be read.
    dialect: Option<&'static str>,
    done: usize,
    total: usize,
    /// Optional tasks among them that are not done.
    optional: usize,
    /// What a human must do.
    needs: Vec<NeedRecord>,
    #[serde(skip)]
    needed: Option<String>,
    /// Mistakes that keep it from being run.
    errors: Vec<String>,
}

pub(super) fn specs(global: &Global, args: &SpecsArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), None)?;
    let rows: Vec<Row> = project.specs().into_iter().map(|found| row(&project, found)).collect();
    let mut out = anstream::stdout();
    // a pager that was left is a normal end
    if args.json {
        let _ = writeln!(out, "{:#}", serde_json::json!({ "schema": 1, "specs": rows }));
    } else if rows.is_empty() {
        return Err(project.no_spec());
    } else {
        let _ = write(&mut out, &rows);
    }
    Ok(0)
}

fn row(project: &Project, found: FoundSpec) -> Row {
    let mut row = Row {
        name: found.name,
        path: found.shown,
        dialect: None,
        done: 0,
        total: 0,
        optional: 0,
        needs: Vec::new(),
        needed: None,
        errors: Vec::new(),
    };
    let read = || -> Result<(TaskFile, SpecState, String)> {
        let place = project.place(&found.dir, Selection::default())?;
        let (_, tasks) = place.read_tasks()?;
        let mut state = project.store(&place).load()?;
        super::telling::as_configured(&mut state, &project.loaded.config);
        Ok((tasks, state, place.typed))
    };
    match read() {
        Ok((tasks, state, typed)) => {
            row.needs = needs::records(&typed, &state);
            row.needed = needs::headline(&needs::shown(&typed, &state));
            count(&mut row, &tasks, &state.completed.into_iter().collect());
        }
        Err(error) => row.errors.push(first_line(&error)),
    }
    row
}

fn count(row: &mut Row, file: &TaskFile, completed: &BTreeSet<String>) {
    row.dialect = Some(file.dialect.name());
    let parents: BTreeSet<&str> = file.tasks.iter().filter_map(|t| t.parent.as_deref()).collect();
    for task in file.tasks.iter().filter(|t| !parents.contains(t.id.as_str())) {
        row.total += 1;
        if completed.contains(&task.id) || matches!(task.state, TaskState::Done) {
            row.done += 1;
        } else if task.optional {
            row.optional += 1;
        }
    }
    let errors = file.diagnostics.iter().filter(|d| d.severity == Severity::Error);
    row.errors.extend(errors.map(|d| format!("tasks.md:{}:{}: {}", d.line, d.column, d.message)));
}

fn first_line(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

fn write(out: &mut dyn Write, rows: &[Row]) -> std::io::Result<()> {
    let cells: Vec<[String; 3]> = rows
        .iter()
        .map(|row| {
            let done = format!("{}/{}", row.done, row.total);
            [sanitise_line(&row.name), row.dialect.unwrap_or("?").to_owned(), done]
        })
        .collect();
    let widest = |column: usize| cells.iter().map(|row| width(&row[column])).max().unwrap_or(0);
    let widths = [widest(0), widest(1), widest(2)];
    for (row, [name, dialect, done]) in rows.iter().zip(&cells) {
        let pad = |text: &str, to: usize| " ".repeat(to.saturating_sub(width(text)));
        writeln!(
            out,
            "{name}{}  {dialect}{}  {}{done} done  {}",
            pad(name, widths[0]),
            pad(dialect, widths[1]),
            pad(done, widths[2]),
            sanitise_line(&row.path),
        )?;
        if let Some(needed) = &row.needed {
            writeln!(out, "  {needed}")?;
        }
        if row.optional > 0 {
            writeln!(out, "  {} of the open ones optional", row.optional)?;
        }
        for error in row.errors.iter().take(3) {
            writeln!(out, "  can't be run: {}", sanitise_line(error))?;
        }
    }
    Ok(())
}
