//! PURE. The summary at the end of a run.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use super::changes::{NO_FILES, changed_in};
use super::counts;
use super::end_text::end_words;
use super::limits::task_outcome;
use super::needs::{self, ShownNeed};
use super::spans::waited_lines;
use super::spent::{attempts, calls_line, spent_of, sums_line};
use super::task_lines::OPEN_FINDINGS;
use super::text::{plural, sanitise_line};
use super::times::{span, to_the_second};
use crate::agent::columns::cut;
use crate::git::FileChange;
use crate::plan::Plan;
use crate::state::standing::{WorkStanding, standings};
use crate::state::{
    AttemptRecord, AttemptSums, Changes, Counts, End, LeftOutPath, Outcome, SpecState, UnitState,
};

/// One unit of the summary: a unit that this run worked on.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitLine {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its last outcome.
    pub outcome: Outcome,
    /// The sums of its attempts in this run.
    pub sums: AttemptSums,
    /// The backends that worked on it in this run, each once.
    pub backends: Vec<String>,
    /// Calls of tools that were refused because no person was there to allow them.
    pub denied: Vec<String>,
    /// What it changed, also in earlier runs; `None` if git does not know.
    pub changes: Option<Changes>,
    /// It had attempts in earlier runs, too.
    pub had_earlier: bool,
    /// It is done although its review found something.
    pub open_findings: bool,
    /// A part of it is done, and the rest was not asked for or is for a person.
    pub in_part: bool,
}

impl UnitLine {
    /// The units that the last run worked on, in that order, without attempts that are not over.
    #[must_use]
    pub fn of_run(state: &SpecState, plan: &Plan) -> Vec<Self> {
        let Some(began) = state.run.began() else { return Vec::new() };
        let stands: BTreeMap<&str, WorkStanding> =
            standings(plan, state).map(|task| (task.id, task.stands)).collect();
        let of_unit = |(id, unit): (&str, &UnitState)| {
            let attempts = unit.attempts.iter().filter(|a| a.started_at >= began && a.outcome.is_some());
            let attempts: Vec<&AttemptRecord> = attempts.collect();
            let last = attempts.last()?;
            let each = |all: Vec<&String>| {
                let mut found: Vec<String> = Vec::new();
                for one in all {
                    if !found.contains(one) {
                        found.push(one.clone());
                    }
                }
                found
            };
            let line = Self {
                id: id.to_owned(),
                title: unit.title.clone(),
                outcome: last.outcome.clone()?,
                sums: AttemptSums::of(attempts.iter().copied(), last.started_at),
                backends: each(attempts.iter().map(|attempt| &attempt.backend).collect()),
                denied: each(attempts.iter().flat_map(|attempt| &attempt.learned.denied).collect()),
                changes: unit.changes.clone(),
                had_earlier: unit
                    .attempts
                    .iter()
                    .any(|attempt| attempt.started_at < began && attempt.number >= unit.since_attempt),
                open_findings: unit.has_open_findings(),
                in_part: stands.get(id).is_some_and(|stands| state.is_done_in_part(id, *stands)),
            };
            Some((attempts.first()?.started_at, line))
        };
        let mut lines: Vec<_> = state.units_by_id().into_iter().filter_map(of_unit).collect();
        lines.sort_by_key(|(first, _)| *first);
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// What it changed. The list of files has only what changed in this run.
    fn changed_words(&self) -> String {
        let when = if self.had_earlier { " in all runs" } else { "" };
        self.changes.as_ref().map_or_else(String::new, |changes| format!(", {}", changed_in(changes, when)))
    }

    /// Where the unit stands.
    fn words(&self) -> String {
        match self {
            _ if self.in_part => "done in part".to_owned(),
            _ if self.open_findings => OPEN_FINDINGS.to_owned(),
            _ => task_outcome(&self.outcome),
        }
    }
}

/// The data of the summary.
#[derive(Debug, Clone)]
pub struct Summary<'a> {
    /// The spec.
    pub spec: &'a str,
    /// What a person types for it.
    pub typed: &'a str,
    /// The remote that `--remote` named for the run.
    pub remote: Option<&'a str>,
    /// Why the run ended.
    pub end: &'a End,
    /// What you must do.
    pub needs: &'a [ShownNeed],
    /// Units that the run worked on, in that order.
    pub units: &'a [UnitLine],
    /// The sums of this run's calls that assigned tasks.
    pub calls: AttemptSums,
    /// The sums of this run.
    pub this_run: AttemptSums,
    /// The sums of all runs.
    pub all_runs: AttemptSums,
    /// The counts of the spec's tasks.
    pub counts: Counts,
    /// How long the run took.
    pub took: Duration,
    /// How long the run waited, by reason.
    pub waited: &'a BTreeMap<String, Duration>,
    /// Further lines: backends that are limited at the end, and hooks of git that no run executes yet.
    pub notes: &'a [String],
    /// Files that changed during the run; `None` outside a git repository.
    pub changes: Option<&'a [FileChange]>,
    /// What these units left that is in no snapshot and no commit.
    pub left_out: &'a [(String, LeftOutPath)],
}

/// Listed calls that were refused, and how much of each is shown.
const DENIED_SHOWN: usize = 3;
const DENIED_WIDTH: usize = 100;
/// Listed files; the others are only counted.
const FILES_SHOWN: usize = 20;

/// How the first line of a summary begins.
const HEAD: &str = "── ";

/// Writes the summary.
pub fn write(out: &mut dyn Write, s: &Summary<'_>) -> io::Result<()> {
    writeln!(out, "\n{HEAD}{} ── {}", sanitise_line(s.spec), headline(s.end, s.needs))?;
    let width = s.units.iter().map(|u| u.id.chars().count()).max().unwrap_or(0).min(20);
    for unit in s.units {
        writeln!(
            out,
            "  {:width$}  {}: {}, {}{}, {}{}{}",
            sanitise_line(&unit.id),
            sanitise_line(&unit.title),
            unit.words(),
            attempts(&unit.sums),
            if unit.backends.len() > 1 {
                format!(" by {}", sanitise_line(&unit.backends.join(", then ")))
            } else {
                String::new()
            },
            span(unit.sums.worked),
            spent_of(&unit.sums.spent, &s.this_run.spent)
                .map_or_else(String::new, |spent| format!(", {spent}")),
            unit.changed_words()
        )?;
        for call in unit.denied.iter().take(DENIED_SHOWN) {
            writeln!(out, "  {:width$}  refused: {}", "", cut(&sanitise_line(call), DENIED_WIDTH))?;
        }
        if let Some(more) = unit.denied.len().checked_sub(DENIED_SHOWN).filter(|more| *more > 0) {
            writeln!(out, "  {:width$}  and {more} more refused", "")?;
        }
    }
    if let Some(line) = calls_line(&s.calls, &s.this_run.spent) {
        writeln!(out, "  {line}")?;
    }
    writeln!(out, "  {}, in {}", counts::line(&s.counts), span(s.took))?;
    for note in s.notes {
        writeln!(out, "  {note}")?;
    }
    for line in waited_lines(s.waited) {
        writeln!(out, "  {line}")?;
    }
    let all = (s.all_runs != s.this_run).then_some(("all runs", &s.all_runs));
    for (which, sums) in [("this run", &s.this_run)].into_iter().chain(all) {
        if let Some(line) = sums_line(sums) {
            writeln!(out, "  {which}: {line}")?;
        }
    }
    if let Some(changes) = s.changes.filter(|_| !s.units.is_empty()) {
        write_changes(out, changes)?;
    }
    for (unit, one) in s.left_out {
        let (path, why) = (sanitise_line(&one.path), sanitise_line(&one.why));
        writeln!(out, "  left out of task {}: {path} ({why})", sanitise_line(unit))?;
    }
    needs::write(out, s.needs)?;
    write_next(out, s)
}

/// The summary of a run that an error ended.
#[must_use]
pub fn of_error(spec: &str, needs: &[ShownNeed]) -> String {
    let mut text = Vec::new();
    let head = needs::headline(needs).unwrap_or_default();
    // writing to a vector cannot fail
    let _ = writeln!(text, "\n{HEAD}{} ── {head}", sanitise_line(spec));
    let _ = needs::write(&mut text, needs);
    String::from_utf8_lossy(&text).into_owned()
}

/// The lines of a summary before its needs. Once a person has settled something since, without the two that say where the spec
/// stands: the first one and the counts. `counts` and `needs` are those of now.
pub(super) fn lasting_lines(text: &str, counts: &Counts, needs: &[ShownNeed]) -> Vec<String> {
    let counted = format!("{}, in ", counts::line(counts));
    let has_old_counts = |line: &str| counts::is_line(line) && !line.trim_start().starts_with(&counted);
    let is_old = !needs::names(text, needs) || text.lines().any(has_old_counts);
    let says_where = |line: &&str| line.starts_with(HEAD) || counts::is_line(line);
    let lines = needs::without_needs(text).filter(|line| !(is_old && says_where(line)));
    lines.filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

fn headline(end: &End, needs: &[ShownNeed]) -> String {
    if let Some(needed) = needs::headline(needs).filter(|_| !end.is_by_hand()) {
        return match end {
            End::Stuck { failed, blocked } if !failed.is_empty() && !blocked.is_empty() => {
                format!("{needed}; blocked: {}", sanitise_line(&blocked.join(", ")))
            }
            _ => needed,
        };
    }
    let why = match end {
        End::SelectionComplete { left } => format!("selection complete, {} left", plural(*left, "task")),
        End::CommitsLost { lost } => {
            format!("{}: {}", end_words(end.kind(), &[]), sanitise_line(&lost.join(", ")))
        }
        End::MaxIterations => "iteration limit reached, tasks are left".to_owned(),
        End::TryLater { reason, .. } => format!("stopped instead of waiting for {}", sanitise_line(reason)),
        End::TimeUp => "the time is up, tasks are left".to_owned(),
        _ => end_words(end.kind(), &[]),
    };
    needs::headline(needs).map_or(why.clone(), |needed| format!("{why}; {needed}"))
}

fn write_changes(out: &mut dyn Write, changes: &[FileChange]) -> io::Result<()> {
    if changes.is_empty() {
        return writeln!(out, "  {NO_FILES}");
    }
    let insertions: u64 = changes.iter().filter_map(|c| c.insertions).sum();
    let deletions: u64 = changes.iter().filter_map(|c| c.deletions).sum();
    writeln!(out, "  {} changed: +{insertions} -{deletions} lines", plural(changes.len(), "file"))?;
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

fn write_next(out: &mut dyn Write, s: &Summary<'_>) -> io::Result<()> {
    // another clone does not know the remote
    let command = s.remote.map(|_| needs::again_command(s.typed, s.remote, ""));
    match s.end {
        End::MaxIterations => {
            let again = command.map_or_else(String::new, |command| format!(" ({command})"));
            writeln!(out, "Run again to continue{again}, or raise run.max_iterations (--max-iterations).")
        }
        End::TryLater { until, .. } => {
            command.map_or(Ok(()), |command| writeln!(out, "Continue with: {command}"))?;
            writeln!(out, "Run again at {}.", to_the_second(*until))
        }
        End::HungUp => writeln!(out, "A working agent continues; the next run takes it over."),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::agent::Usage;
    use crate::plan::testing::PlanCase;
    use crate::report::needs::shown;
    use crate::state::testing::at;
    use crate::state::{OpenRun, Run, Spent, UnitStatus};

    #[test]
    fn a_reviewed_task_and_a_review_of_the_spec_are_done_in_whole() {
        let attempt = |kind: &str| {
            serde_json::json!({"number": 1, "backend": "fake", "started_at": at(1), "ended_at": at(2),
                "outcome": {"kind": kind}})
        };
        let unit =
            |kind: &str| serde_json::json!({"title": "T", "status": "done", "attempts": [attempt(kind)]});
        let mut review = unit("for_review");
        review["findings"] = "the wall is red".into();
        let state = serde_json::json!({"completed": ["1"], "units": {"1": unit("approved"), "2": unit("done"), "@review": review}});
        let mut state: SpecState = serde_json::from_value(state).unwrap();
        state.run = Run::Open(OpenRun::new(at(0), BTreeSet::new()));
        let plan = PlanCase::new("1\n2\n  2.1\n  2.2").completed(&["1", "2.1"]).plan();
        let units = UnitLine::of_run(&state, &plan);
        let found: Vec<_> = units.iter().map(|line| (line.id.as_str(), line.words())).collect();
        let words = [("1", "done"), ("2", "done in part"), ("@review", OPEN_FINDINGS)];
        assert_eq!(found, words.map(|(id, words)| (id, words.to_owned())));
    }

    #[test]
    fn the_summary_counts_and_names_what_changed() {
        let usage = Usage { input: Some(1500), output: Some(20), ..Usage::default() };
        let sums = |times: u32| AttemptSums {
            tries: 2 * times as usize,
            reviews: 0,
            calls: 0,
            worked: Duration::from_secs(65) * times,
            spent: Spent::sum(vec![
                &Spent { attempts: 2, cost_unknown: 2, usage, ..Spent::default() };
                times as usize
            ]),
        };
        let (this_run, all_runs, sums) = (sums(2), sums(3), sums(1));
        let unit = |id: &str, outcome| UnitLine {
            id: id.into(),
            title: format!("Task {id}"),
            outcome,
            sums,
            backends: vec!["claude".into(), "codex".into()],
            denied: Vec::new(),
            changes: None,
            had_earlier: false,
            open_findings: false,
            in_part: false,
        };
        let changes = [FileChange { path: "src/a.rs".into(), insertions: Some(3), deletions: Some(1) }];
        let mut text = Vec::new();
        let end = End::Stuck { failed: vec!["2".into()], blocked: vec!["3".into()] };
        let mut state = SpecState::default();
        state.units.entry("2".into()).or_default().status =
            UnitStatus::Failed { at: at(0), reason: "failed with exit code 1".into() };
        let needs = shown("login", &state);
        let summary = Summary {
            spec: "login",
            typed: "login",
            remote: None,
            end: &end,
            units: &[unit("1", Outcome::Done), unit("2", Outcome::Failed { code: 1, why: None })],
            calls: AttemptSums { tries: 0, calls: 1, ..sums },
            needs: &needs,
            this_run,
            all_runs,
            counts: Counts { all: 3, done: 1, failed: 1, todo: 1, ..Counts::default() },
            waited: &[("fake".to_owned(), Duration::from_millis(2600))].into(),
            notes: &["claude is limited: quota used up: w (until 03:00)".to_owned()],
            took: Duration::from_secs(130),
            changes: Some(&changes),
            left_out: &[("1".into(), LeftOutPath { path: "app".into(), why: "a repository".into() })],
        };
        write(&mut text, &summary).unwrap();
        let text = String::from_utf8(text).unwrap();
        for part in [
            "── login ── needs you: task 2 failed, no attempts left; blocked: 3\n",
            "  claude is limited: quota used up: w (until 03:00)\n",
            "1  Task 1: done, 2 attempts by claude, then codex, 1m 5s, 1500 tokens in, 20 out, cost unknown",
            "\n  this run: 4 attempts, worked 2m 10s, 3000 tokens in, 40 out, cost unknown\n",
            "\n  waited 3s for fake\n",
            "\n  all runs: 6 attempts, worked 3m 15s, 4500 tokens in, 60 out, cost unknown\n",
            "\n  assigning tasks: 1 call, 1m 5s, 1500 tokens in, 20 out, cost unknown\n",
            "1 of 3 tasks done · 1 failed · 1 to do, in 2m 10s",
            "1 file changed: +3 -1 lines",
            "src/a.rs  +3 -1",
            "  left out of task 1: app (a repository)\n",
            "  failed with exit code 1\nSee what happened: seqorch logs --spec login 2\n",
            "Fix it, then continue with: seqorch run login --retry\n",
        ] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    }
}
