//! PURE. What a run came to, at its end.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use super::live::span;
use super::spent::{spent, spent_of};
use super::text::{logs_command, sanitise_line, sanitise_text, shell_word};
use crate::git::FileChange;
use crate::plan::{SkipReason, SkippedTask};
use crate::state::{Changes, End, Outcome, Spent};

/// One unit that this run worked on.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitLine {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its last outcome.
    pub outcome: Outcome,
    /// Attempts in this run.
    pub attempts: u32,
    /// Who worked on it in this run, each once.
    pub backends: Vec<String>,
    /// Time of all of them.
    pub took: Duration,
    /// What all of them used.
    pub spent: Spent,
    /// What it changed, where git knows.
    pub changes: Option<Changes>,
}

/// All that the summary tells.
#[derive(Debug, Clone)]
pub struct Summary<'a> {
    /// The spec.
    pub spec: &'a str,
    /// What a person types for it.
    pub typed: &'a str,
    /// Why the run is over.
    pub end: &'a End,
    /// What it worked on, in order.
    pub units: &'a [UnitLine],
    /// What the last plan left out.
    pub skipped: &'a [SkippedTask],
    /// Steps that are still in the plan.
    pub left: usize,
    /// How long the run took.
    pub took: Duration,
    /// Seconds that it waited for limits, by reason.
    pub waited: &'a BTreeMap<String, u64>,
    /// Who is limited at its end, a line each.
    pub limits: &'a [String],
    /// Changed files, where the work dir is a git repository.
    pub changes: Option<&'a [FileChange]>,
}

/// Files that are named one by one.
const FILES_SHOWN: usize = 20;

/// Writes the summary.
pub fn write(out: &mut dyn Write, s: &Summary<'_>) -> io::Result<()> {
    writeln!(out, "\n── {} ── {}", sanitise_line(s.spec), headline(s.end))?;
    let width = s.units.iter().map(|u| u.id.chars().count()).max().unwrap_or(0).min(20);
    let sum = Spent::sum(s.units.iter().map(|u| &u.spent));
    for unit in s.units {
        let tries =
            if unit.attempts == 1 { "1 attempt".to_owned() } else { format!("{} attempts", unit.attempts) };
        writeln!(
            out,
            "  {:width$}  {}: {}, {tries}{}, {}{}{}",
            sanitise_line(&unit.id),
            sanitise_line(&unit.title),
            sanitise_line(&unit.outcome.to_string()),
            if unit.backends.len() > 1 {
                format!(" by {}", sanitise_line(&unit.backends.join(", then ")))
            } else {
                String::new()
            },
            span(unit.took),
            spent_of(&unit.spent, &sum).map_or_else(String::new, |spent| format!(", {spent}")),
            unit.changes.as_ref().map_or_else(String::new, |changes| format!(", {}", changed(changes)))
        )?;
    }
    let done = s.units.iter().filter(|u| u.outcome == Outcome::Done).count();
    let failed = s.units.len() - done;
    let count = |wanted: fn(&SkipReason) -> bool| s.skipped.iter().filter(|k| wanted(&k.reason)).count();
    let mut parts = vec![format!("{done} done"), format!("{failed} not done"), format!("{} left", s.left)];
    let before = count(|r| matches!(r, SkipReason::Completed | SkipReason::Ticked)).saturating_sub(done);
    for (n, what) in [
        (before, "done before"),
        (count(|r| matches!(r, SkipReason::Optional)), "optional, skipped"),
        (count(|r| matches!(r, SkipReason::Blocked { .. })), "blocked"),
        (count(|r| matches!(r, SkipReason::NotSelected)), "not selected"),
    ] {
        if n > 0 {
            parts.push(format!("{n} {what}"));
        }
    }
    writeln!(out, "  {} in {}", parts.join(" · "), span(s.took))?;
    for limit in s.limits {
        writeln!(out, "  {limit}")?;
    }
    for (reason, seconds) in s.waited {
        writeln!(out, "  waited {} for {}", span(Duration::from_secs(*seconds)), sanitise_line(reason))?;
    }
    if let Some(used) = spent(&sum) {
        writeln!(out, "  {used}")?;
    }
    if let Some(changes) = s.changes.filter(|_| !s.units.is_empty()) {
        write_changes(out, changes)?;
    }
    write_way_out(out, s.typed, s.end)
}

/// What is told, to whoever watches, of a run that an error ended, `brief` in a line.
#[must_use]
pub fn of_error(spec: &str, typed: &str, brief: &str) -> String {
    format!(
        "\n── {} ── an error: a human is needed\n  {}\nMend it, then go on with: seqorch run {} --retry\n",
        sanitise_line(spec),
        sanitise_line(brief),
        sanitise_line(&shell_word(typed))
    )
}

/// What a unit changed: `2 files +3 -2, commit 9a86b0b20`.
pub(super) fn changed(changes: &Changes) -> String {
    let files = if changes.files == 1 { "1 file".to_owned() } else { format!("{} files", changes.files) };
    let commit =
        changes.commit.as_ref().map_or_else(String::new, |id| format!(", commit {:.9}", sanitise_line(id)));
    format!("{files} +{} -{}{commit}", changes.insertions, changes.deletions)
}

fn headline(end: &End) -> String {
    match end {
        End::Complete => "all complete".to_owned(),
        End::MaxIterations => "maximum of iterations reached, work is left".to_owned(),
        End::Halted { unit, .. } => format!("halted: task {} needs a human", sanitise_line(unit)),
        End::Stuck { failed, blocked } => {
            let mut text = String::from("a human is needed");
            if !failed.is_empty() {
                text.push_str(": failed for good: ");
                text.push_str(&sanitise_line(&failed.join(", ")));
            }
            if !blocked.is_empty() {
                text.push_str("; blocked: ");
                text.push_str(&sanitise_line(&blocked.join(", ")));
            }
            text
        }
        End::Unavailable { unit, why } => {
            format!("task {} could not start: {}", sanitise_line(unit), sanitise_line(why))
        }
        End::NotCommitted { unit, .. } => {
            format!("task {} is done, but not committed: a human is needed", sanitise_line(unit))
        }
        End::Dirty { .. } => "the work tree has changes: a human is needed".to_owned(),
        End::Limited { backend, .. } => format!("{} is limited: a human is needed", sanitise_line(backend)),
        End::Interrupted => "interrupted".to_owned(),
        End::Terminated => "terminated".to_owned(),
        End::HungUp => "the terminal is gone".to_owned(),
    }
}

fn write_changes(out: &mut dyn Write, changes: &[FileChange]) -> io::Result<()> {
    let insertions: u64 = changes.iter().filter_map(|c| c.insertions).sum();
    let deletions: u64 = changes.iter().filter_map(|c| c.deletions).sum();
    let files = if changes.len() == 1 { "1 file".to_owned() } else { format!("{} files", changes.len()) };
    writeln!(out, "  {files} changed, {insertions} insertions(+), {deletions} deletions(-)")?;
    for change in changes.iter().take(FILES_SHOWN) {
        match (change.insertions, change.deletions) {
            (Some(i), Some(d)) => writeln!(out, "    {}  +{i} -{d}", sanitise_line(&change.path))?,
            _ => writeln!(out, "    {}  binary", sanitise_line(&change.path))?,
        }
    }
    if changes.len() > FILES_SHOWN {
        writeln!(out, "    and {} more", changes.len() - FILES_SHOWN)?;
    }
    Ok(())
}

fn write_way_out(out: &mut dyn Write, typed: &str, end: &End) -> io::Result<()> {
    let spec = sanitise_line(&shell_word(typed));
    match end {
        End::Halted { unit, question } => {
            writeln!(out, "\nTask {} asks:", sanitise_line(unit))?;
            for line in sanitise_text(question).lines() {
                writeln!(out, "  {line}")?;
            }
            writeln!(out, "Go on with: seqorch resume {spec} --answer \"…\"")?;
            writeln!(out, "or try it once more without an answer: seqorch run {spec} --retry")
        }
        End::Stuck { failed, .. } if !failed.is_empty() => writeln!(
            out,
            "Read what happened with: {}; mend it, then go on with: seqorch run {spec} --retry (failed tasks are tried afresh).",
            logs_command(typed, &failed[0])
        ),
        End::NotCommitted { why, .. } => {
            for line in sanitise_text(why).lines() {
                writeln!(out, "  {line}")?;
            }
            writeln!(
                out,
                "Mend it, then go on with: seqorch run {spec} --retry (it tries the commit first)."
            )?;
            writeln!(out, "Or set git.commit = \"off\".")
        }
        End::Dirty { files } => {
            writeln!(out, "git.commit = \"step\" would mix these changes with the agents':")?;
            for file in files.iter().take(FILES_SHOWN) {
                writeln!(out, "  {}", sanitise_line(file))?;
            }
            if files.len() > FILES_SHOWN {
                writeln!(out, "  and {} more", files.len() - FILES_SHOWN)?;
            }
            writeln!(out, "Commit or stash them, then go on with: seqorch run {spec} --retry")?;
            writeln!(out, "Or set git.dirty = \"allow\": then they stay out of every commit.")
        }
        End::Limited { why, .. } => writeln!(out, "  {}", sanitise_line(why)),
        End::MaxIterations => {
            writeln!(out, "Run again to go on, or raise run.max_iterations (--max-iterations).")
        }
        End::HungUp => writeln!(out, "A working agent goes on by itself; the next run takes it over."),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Usage;

    #[test]
    fn the_summary_counts_and_names_what_changed() {
        let usage = Usage { input: Some(1500), output: Some(20), ..Usage::default() };
        let unit = |id: &str, outcome| UnitLine {
            id: id.into(),
            title: format!("Task {id}"),
            outcome,
            attempts: 2,
            backends: vec!["claude".into(), "codex".into()],
            changes: None,
            spent: Spent { attempts: 2, cost_untold: 2, usage, ..Spent::default() },
            took: Duration::from_secs(65),
        };
        let changes = [FileChange { path: "src/a.rs".into(), insertions: Some(3), deletions: Some(1) }];
        let mut text = Vec::new();
        let end = End::Stuck { failed: vec!["2".into()], blocked: vec!["3".into()] };
        let summary = Summary {
            spec: "login",
            typed: "login",
            end: &end,
            units: &[unit("1", Outcome::Done), unit("2", Outcome::Failed { code: 1, why: None })],
            skipped: &[],
            left: 0,
            waited: &BTreeMap::new(),
            limits: &["claude is limited: quota used up: w (until 03:00)".to_owned()],
            took: Duration::from_secs(130),
            changes: Some(&changes),
        };
        write(&mut text, &summary).unwrap();
        let text = String::from_utf8(text).unwrap();
        for part in [
            "failed for good: 2; blocked: 3",
            "  claude is limited: quota used up: w (until 03:00)\n",
            "1  Task 1: done, 2 attempts by claude, then codex, 1m 5s, 1500 tokens in, 20 out, cost unknown",
            "\n  3000 tokens in, 40 out, cost unknown\n",
            "1 done · 1 not done · 0 left in 2m 10s",
            "1 file changed, 3 insertions(+), 1 deletions(-)",
            "src/a.rs  +3 -1",
            "seqorch logs --spec login 2",
        ] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    }
}
