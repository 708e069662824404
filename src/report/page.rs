//! PURE. Renders the report as markdown for a terminal, or as HTML for a browser.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use super::run_report::{RunReport, TaskRow};
use super::spans::SpanKind;
use super::text::width;

/// The template of the page. It needs no script and no other file, so that the page can be mailed or archived.
const TEMPLATE: &str = include_str!("report.html.j2");
/// What the page has between its head and its end. Its style is in the sheet alone, so that a page may forbid any other.
const BODY: &str = include_str!("report_body.html.j2");
/// The style.
const STYLE: &str = include_str!("page.css.j2");

#[derive(Serialize)]
struct StyleContext {
    kinds: [SpanKind; 11],
}

#[derive(Serialize)]
struct HtmlContext<'a> {
    report: &'a RunReport,
    kinds: [SpanKind; 11],
    /// The kinds that occur, for the legend.
    seen: BTreeSet<SpanKind>,
}

/// The report as markdown. Its table is at most `columns` wide, where that is possible.
#[must_use]
pub fn markdown(report: &RunReport, columns: usize) -> String {
    let mut out = format!("# {}: {}\n\n{} to {}\n", report.spec, report.headline, report.from, report.until);
    if let Some(tree) = &report.work_tree {
        let _ = writeln!(out, "\nIts {tree}");
    }
    if !report.needs.is_empty() {
        out.push_str("\n## Needs you\n");
        for need in &report.needs {
            let title = if need.title.is_empty() { String::new() } else { format!(" ({})", need.title) };
            let _ = writeln!(out, "\n**{}{title}**\n", need.what);
            for line in need.why.lines() {
                let _ = writeln!(out, "> {line}");
            }
            let _ = writeln!(out);
            for command in need.look.iter().chain([&need.command]) {
                let _ = writeln!(out, "    {command}");
            }
        }
    }
    failed_before(&mut out, report);
    out.push_str("\n## Tasks\n\n");
    if !report.rows.is_empty() {
        let _ = writeln!(out, "{}\n", task_table(&report.rows, columns));
    }
    for (name, value) in &report.totals {
        let _ = writeln!(out, "- {name}: {value}");
    }
    reasons_and_left(&mut out, report);
    let changed: Vec<&TaskRow> = report.rows.iter().filter(|row| !row.files.is_empty()).collect();
    if !changed.is_empty() {
        out.push_str("\n## Changes\n");
        for row in changed {
            let _ = writeln!(out, "\n**{} {}**\n", row.id, row.title);
            for (path, lines) in &row.files {
                let _ = writeln!(out, "    {}", format!("{path}  {lines}").trim_end());
            }
            if !row.diff.is_empty() {
                let _ = writeln!(out, "\n    {}", row.diff);
            }
        }
    }
    if report.rows.iter().any(|row| !row.left_out.is_empty()) {
        out.push_str("\n## Left out of snapshots and commits\n\n");
        for row in &report.rows {
            for (path, reason) in &row.left_out {
                let _ = writeln!(out, "- {}: {path} ({reason})", row.id);
            }
        }
    }
    let with_commits: Vec<&TaskRow> = report.rows.iter().filter(|row| !row.own_commits.is_empty()).collect();
    if !with_commits.is_empty() {
        out.push_str("\n## Commits that agents made\n");
        for row in with_commits {
            let _ = writeln!(out, "\n**{} {}**\n", row.id, row.title);
            for commit in &row.own_commits {
                let _ = writeln!(out, "    {commit}");
            }
        }
    }
    if report.rows.iter().any(|row| !row.said.is_empty()) {
        out.push_str("\n## Decisions and notes of people\n");
        for row in &report.rows {
            for words in &row.said {
                let _ = writeln!(out, "\n**{} {}** ({})\n", row.id, row.title, words.about);
                for line in words.asked.lines() {
                    let _ = writeln!(out, "> {line}");
                }
                if !words.asked.is_empty() {
                    out.push('\n');
                }
                // a person may paste headings
                for line in words.said.lines() {
                    let _ = writeln!(out, "> {line}");
                }
            }
        }
    }
    let with_message: Vec<&TaskRow> = report.rows.iter().filter(|row| !row.words.is_empty()).collect();
    if !with_message.is_empty() {
        out.push_str("\n## Final messages\n");
        for row in with_message {
            let _ = writeln!(out, "\n**{} {}**\n", row.id, row.title);
            for line in row.words.lines() {
                let _ = writeln!(out, "> {line}");
            }
        }
    }
    out
}

/// Columns of a title that is read at a glance.
const TITLE: usize = 24;
/// Columns of an outcome, as far as it is longer.
const OUTCOME: usize = 20;

/// The table of the tasks, without columns that say nothing. Titles and outcomes wrap between words; what is copied or
/// compared stays whole. Where that has no room, columns go that are also elsewhere in the report or say least.
fn task_table(rows: &[TaskRow], columns: usize) -> String {
    let cells = |of: fn(&TaskRow) -> String| rows.iter().map(of).collect::<Vec<String>>();
    let mut found: Vec<(&str, Vec<String>)> = vec![
        ("task", cells(|row| format!("{} {}", row.id, row.title).replace('|', "\\|"))),
        ("outcome", cells(|row| row.outcome.replace('|', "\\|"))),
        ("attempts", cells(|row| row.attempts.to_string())),
        ("time", cells(|row| row.took.clone())),
        ("tokens", cells(|row| row.tokens.clone())),
        ("cost", cells(|row| row.cost.clone())),
        ("changes", cells(|row| row.changes.clone())),
        ("commit", cells(|row| row.commit.clone())),
    ];
    found.retain(|(_, cells)| cells.iter().any(|cell| !matches!(cell.as_str(), "" | "unknown")));
    let widest = |(name, cells): &(&str, Vec<String>)| {
        cells.iter().map(|cell| width(cell)).max().unwrap_or(0).max(width(name))
    };
    let wanted = |found: &[(&str, Vec<String>)]| {
        let column = |column: &(&str, Vec<String>)| match column.0 {
            "task" => widest(column).min(TITLE),
            "outcome" => widest(column).min(OUTCOME),
            _ => widest(column),
        };
        found.iter().map(|one| column(one) + 3).sum::<usize>() + 1
    };
    for name in ["changes", "tokens", "attempts", "cost", "time"] {
        if wanted(&found) <= columns {
            break;
        }
        found.retain(|column| column.0 != name);
    }
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(columns).unwrap_or(u16::MAX));
    table.set_header(found.iter().map(|(name, _)| *name));
    for at in 0..rows.len() {
        table.add_row(found.iter().map(|(_, cells)| cells[at].clone()));
    }
    for (at, (name, _)) in found.iter().enumerate() {
        if let Some(column) = table.column_mut(at).filter(|_| !matches!(*name, "task" | "outcome")) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.trim_fmt()
}

fn failed_before(out: &mut String, report: &RunReport) {
    if !report.failed_before.is_empty() {
        out.push_str("\n## Failed before any agent worked\n");
        for check in &report.failed_before {
            let _ = writeln!(out, "\n- `{}` {}; {}\n", check.command, check.how, check.since);
            for line in check.printed.lines() {
                let _ = writeln!(out, "> {line}");
            }
        }
    }
}

fn reasons_and_left(out: &mut String, report: &RunReport) {
    let with_reasons: Vec<&TaskRow> = report.rows.iter().filter(|row| !row.reasons.is_empty()).collect();
    if !with_reasons.is_empty() {
        out.push_str("\n## Why attempts failed\n");
        for row in with_reasons {
            let _ = writeln!(out, "\n**{} {}**\n", row.id, row.title);
            for reason in &row.reasons {
                let _ = writeln!(out, "- {reason}");
            }
            let _ = writeln!(out, "\n    {}", row.log);
        }
    }
    if !report.left.is_empty() {
        out.push_str("\n## Left\n\n");
        for (id, title) in &report.left {
            let _ = writeln!(out, "- {id} {title}");
        }
    }
}

/// The report as one HTML page, light or dark like the reader's system.
pub fn html(report: &RunReport) -> Result<String, minijinja::Error> {
    let mut templates = page_templates()?;
    templates.add_template("report", TEMPLATE)?;
    templates.get_template("report")?.render(Serde(&HtmlContext::of(report)))
}

/// The report as the content of a page that has a heading and a style of its own.
pub fn html_body(report: &RunReport) -> Result<String, minijinja::Error> {
    page_templates()?.get_template("report_body")?.render(Serde(&HtmlContext::of(report)))
}

/// The style of all pages.
pub fn style() -> Result<String, minijinja::Error> {
    page_templates()?.get_template("css")?.render(Serde(&StyleContext { kinds: SpanKind::ALL }))
}

/// Templates that escape all text, with what the pages share.
pub fn page_templates() -> Result<Environment<'static>, minijinja::Error> {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.add_filter("percent", |share: f64| format!("{:.3}%", share * 100.0));
    templates.add_template("css", STYLE)?;
    templates.add_template("report_body", BODY)?;
    Ok(templates)
}

impl<'a> HtmlContext<'a> {
    fn of(report: &'a RunReport) -> Self {
        let bars = report.rows.iter().flat_map(|row| &row.bars).chain(&report.pauses);
        Self { report, kinds: SpanKind::ALL, seen: bars.map(|bar| bar.kind).collect() }
    }
}
