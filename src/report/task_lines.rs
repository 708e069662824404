//! PURE. The lines of `seqorch status`: each task once, with its title and where it stands.

use std::collections::BTreeMap;

use super::limits::brief_outcome;
use super::plan::why_skipped;
use super::spent::spent_of;
use super::text::{plural, sanitise_line};
use super::theme::{DIM, paint, style_of_mark};
use super::view::TaskMark;
use crate::plan::{Plan, SkipReason, SkippedTask};
use crate::spec::{Task, compare_ids};
use crate::state::{Outcome, SpecState, Spent, UnitState, UnitStatus, WorkStanding};

/// From this many tasks on, those that are done and those far ahead are one line each.
const MANY: usize = 24;
/// Done tasks above, and tasks to do below the ones that matter now, that keep their lines.
const NEAR: usize = 3;

/// The line of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingLine {
    mark: TaskMark,
    /// Its id, as wide as the others; empty: the line stands for several tasks.
    id: String,
    text: String,
}

impl StandingLine {
    /// The line with the mark of the live view, in its colour.
    #[must_use]
    pub fn painted(&self) -> String {
        if self.id.is_empty() {
            return paint(DIM, &self.text);
        }
        let style = style_of_mark(self.mark);
        format!("{}  {}", paint(style, &format!("{} {}", self.mark.sign(), self.id)), self.text)
    }

    fn stands(&self) -> Option<&'static str> {
        let (_, stands) = self.text.rsplit_once(": ")?;
        let is_done = stands == "done" || stands.starts_with("done (");
        is_done.then_some("done").or((stands == "to do").then_some("to do"))
    }
}

/// One line per task, in the order of the ids; of very many, those that matter now. `plan` says what is still to do and what is
/// skipped.
#[must_use]
pub fn near_task_lines(state: &SpecState, plan: &Plan) -> Vec<StandingLine> {
    let lines = task_lines(state, plan);
    if lines.len() < MANY {
        return lines;
    }
    let mut shown = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let what = lines[at].stands();
        let same = lines[at..].iter().take_while(|line| what.is_some() && line.stands() == what).count();
        let hidden = same.saturating_sub(NEAR);
        let Some(what) = what.filter(|_| hidden > 1) else {
            shown.extend(lines[at..at + same.max(1)].iter().cloned());
            at += same.max(1);
            continue;
        };
        let text = format!("⋯  {}: {what}", plural(hidden, "more task"));
        let line = StandingLine { mark: TaskMark::Todo, id: String::new(), text };
        let (first, last) = (&lines[at..at + NEAR], &lines[at + same - NEAR..at + same]);
        if what == "done" {
            shown.push(line);
            shown.extend(last.iter().cloned());
        } else {
            shown.extend(first.iter().cloned());
            shown.push(line);
        }
        at += same;
    }
    shown
}

/// One line per task, in the order of the ids. `plan` says what is still to do and what is skipped.
#[must_use]
pub fn task_lines(state: &SpecState, plan: &Plan) -> Vec<StandingLine> {
    let mut lines: BTreeMap<&str, (TaskMark, String)> = BTreeMap::new();
    for step in &plan.steps {
        let stands = WorkStanding::of_step(state, step);
        let text = if state.is_done_in_part(&step.unit, stands) {
            format!("done in part, to do: {}", listed_ids(&step.open))
        } else if step.open.iter().any(|task| state.reopened.contains(&task.id)) {
            "to do, reopened".to_owned()
        } else {
            "to do".to_owned()
        };
        lines.insert(&step.unit, of_task(state, &step.unit, &step.title, stands, &text));
    }
    // a part of a unit that is done needs no line beside that of the unit
    let is_done = |reason: &SkipReason| matches!(reason, SkipReason::Completed | SkipReason::Ticked);
    for skipped in plan.skipped.iter().filter(|skipped| !(skipped.is_part() && is_done(&skipped.reason))) {
        let stands = WorkStanding::of_skipped(state, skipped);
        let text = match skipped.reason {
            SkipReason::Completed => "done".to_owned(),
            SkipReason::Ticked if state.units.get(&skipped.id).is_some_and(UnitState::is_done) => {
                "done".to_owned()
            }
            SkipReason::Ticked => format!("done ({})", why_skipped(&skipped.reason)),
            _ => why_left(state, skipped, stands),
        };
        let line = || of_task(state, &skipped.id, &skipped.title, stands, &text);
        lines.entry(&skipped.id).or_insert_with(line);
    }
    // what tasks.md does not have any more, and parts that were given to an agent by themselves
    for (id, unit) in state.units.iter().filter(|(_, unit)| !unit.attempts.is_empty()) {
        let was_removed = state.entries.iter().any(|task| task.id == *id && task.gone);
        let (stands, text) = match WorkStanding::of_unplanned(state, id) {
            _ if unit.is_done() => (WorkStanding::Done, "done"),
            stands @ (WorkStanding::Todo | WorkStanding::Done) if was_removed => {
                (if stands == WorkStanding::Todo { WorkStanding::Skipped } else { stands }, "not in tasks.md")
            }
            stands @ WorkStanding::Done => (stands, "done"),
            stands @ WorkStanding::Skipped => (stands, "skipped by you"),
            stands => (stands, "to do"),
        };
        lines.entry(id).or_insert_with(|| of_task(state, id, &unit.title, stands, text));
    }
    let width = lines.keys().map(|id| id.chars().count()).max().unwrap_or(0).min(20);
    let mut lines: Vec<_> = lines.into_iter().collect();
    lines.sort_by(|(a, _), (b, _)| compare_ids(a, b));
    let line = |(id, (mark, text))| StandingLine { mark, id: format!("{:width$}", sanitise_line(id)), text };
    lines.into_iter().map(line).collect()
}

/// Why there is no step for a task, or for the rest of it.
pub(super) fn why_left(state: &SpecState, skipped: &SkippedTask, stands: WorkStanding) -> String {
    let why = why_skipped(&skipped.reason);
    if state.is_done_in_part(&skipped.id, stands) { format!("done in part; {why}") } else { why }
}

fn listed_ids(tasks: &[Task]) -> String {
    let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    ids.join(", ")
}

/// The mark and the text of a task that stands like this; `text` says that where no attempt does.
fn of_task(state: &SpecState, id: &str, title: &str, stands: WorkStanding, text: &str) -> (TaskMark, String) {
    let known = state.units.get(id).filter(|unit| !unit.attempts.is_empty());
    let text = match known {
        Some(unit) => of_unit(unit, stands, text, &state.usage, state.run.is_open()),
        // a halt that another tool left has no attempt
        None if stands == WorkStanding::Asks => brief_outcome(&Outcome::Halted { question: String::new() }),
        None => text.to_owned(),
    };
    (mark_of(stands), line(title, &text))
}

/// The mark of a task that stands like this.
pub(super) fn mark_of(stands: WorkStanding) -> TaskMark {
    match stands {
        WorkStanding::Done => TaskMark::Done,
        WorkStanding::Running => TaskMark::Running,
        WorkStanding::Asks => TaskMark::Halted,
        WorkStanding::Failed => TaskMark::Failed,
        WorkStanding::Todo => TaskMark::Todo,
        WorkStanding::Deferred => TaskMark::Deferred,
        WorkStanding::Skipped => TaskMark::Skipped,
    }
}

fn line(title: &str, stands: &str) -> String {
    format!("{}: {stands}", sanitise_line(title))
}

/// A done unit whose review found something. Short, because a column of the report has it.
pub(super) const OPEN_FINDINGS: &str = "done, with open findings";

/// Says of a done unit that its commit is not made: git refused it, or it is still to come.
pub(super) fn commit_words(unit: &UnitState) -> Option<&'static str> {
    let pending = unit.pending_commit.as_ref()?;
    Some(if pending.refused.is_some() { "not committed" } else { "commit pending" })
}

/// Where a unit with attempts stands; `text` says it where they do not. `all` is what the whole spec used. `is_parked`: if it
/// asks, the run continues without it.
fn of_unit(unit: &UnitState, stands: WorkStanding, text: &str, all: &Spent, is_parked: bool) -> String {
    let last = unit.last_outcome();
    let outcome = last.map_or_else(String::new, brief_outcome);
    let mut stands = match (stands, &unit.status) {
        (WorkStanding::Running, _) => "running".to_owned(),
        (_, UnitStatus::Running) => "to do, its attempt ended while no run was there".to_owned(),
        (WorkStanding::Asks, _) if is_parked => "asks, parked until you answer".to_owned(),
        (WorkStanding::Asks, _) => outcome,
        (WorkStanding::Failed, UnitStatus::Failed { reason, .. }) => sanitise_line(reason),
        // after `undo` or `mark` its last attempt may be a done one
        (WorkStanding::Todo | WorkStanding::Deferred | WorkStanding::Skipped, _)
            if last.is_some_and(|outcome| *outcome != Outcome::Done) =>
        {
            format!("{text}, last attempt: {outcome}")
        }
        _ => text.to_owned(),
    };
    if let Some(commit) = commit_words(unit) {
        stands.push_str(", ");
        stands.push_str(commit);
    }
    if let Some(findings) = &unit.findings {
        let first = findings.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        stands.push_str(", open findings of its review: ");
        stands.push_str(&sanitise_line(first));
    }
    let tries = unit.shown_tries();
    if tries == 0 {
        return stands;
    }
    let reviews = unit.attempts.iter().filter(|a| !a.role.is_work() && a.is_try()).count();
    let reviews = if reviews > 0 { format!(", {}", plural(reviews, "review")) } else { String::new() };
    let spent = spent_of(&unit.usage, all).map_or_else(String::new, |spent| format!(", {spent}"));
    format!("{stands} ({}{reviews}{spent})", plural(tries, "attempt"))
}

#[cfg(test)]
mod tests {
    use super::super::theme::BAD;
    use super::*;
    use crate::plan::testing::PlanCase;
    use crate::state::testing::{at, attempt, limited};
    use crate::state::{OpenRun, Run, counts};

    fn plain(lines: &[StandingLine]) -> Vec<String> {
        lines.iter().map(|line| anstream::adapter::strip_str(&line.painted()).to_string()).collect()
    }

    #[test]
    fn of_many_tasks_those_that_matter_now_are_shown() {
        let ids: Vec<String> = (1..=60).map(|n| n.to_string()).collect();
        let done: Vec<&str> = ids[..30].iter().map(String::as_str).collect();
        let case = PlanCase::new(&ids.join("\n")).completed(&done);
        let mut state = SpecState::default();
        let unit = state.units.entry("31".into()).or_default();
        (unit.title, unit.status) = ("Do 31".into(), UnitStatus::Running);
        unit.attempts = vec![attempt(1, None)];
        let lines = plain(&near_task_lines(&state, &case.plan()));
        assert_eq!(
            lines,
            [
                "⋯  27 more tasks: done",
                "✓ 28  Do 28: done",
                "✓ 29  Do 29: done",
                "✓ 30  Do 30: done",
                "▶ 31  Do 31: running (1 attempt)",
                "· 32  Do 32: to do",
                "· 33  Do 33: to do",
                "· 34  Do 34: to do",
                "⋯  26 more tasks: to do",
            ]
        );
    }

    #[test]
    fn each_task_has_one_line_whatever_became_of_it() {
        let case = PlanCase::new("1\n2\n3\n4\n5\n6 *\n10\n11 <3").completed(&["1"]);
        let mut state = SpecState::default();
        let failed = || Outcome::Failed { code: 3, why: None };
        state.completed = vec!["1".into()];
        let mut tried = |id: &str, status: UnitStatus, outcomes: &[Option<Outcome>]| {
            let unit = state.units.entry(id.into()).or_default();
            unit.title = format!("Do {id}");
            unit.status = status;
            unit.attempts =
                (1..).zip(outcomes).map(|(number, outcome)| attempt(number, outcome.clone())).collect();
        };
        tried("1", UnitStatus::Done, &[Some(failed()), Some(Outcome::Done)]);
        tried("2", UnitStatus::Todo, &[Some(limited())]);
        let reason = failed().to_string();
        tried("3", UnitStatus::Failed { at: at(0), reason }, &[Some(failed())]);
        tried("4", UnitStatus::Running, &[None]);
        tried("5", UnitStatus::Todo, &[Some(failed())]);
        let asks = || Outcome::Halted { question: "Which one?".into() };
        tried("10", UnitStatus::Halted { at: at(0), question: "Which one?".into() }, &[Some(asks())]);
        let plan = case.plan();
        let all = task_lines(&state, &plan);
        let lines = plain(&all);
        assert_eq!(
            lines,
            [
                "✓ 1   Do 1: done (2 attempts)",
                "· 2   Do 2: to do, last attempt: rate limited: later",
                "✗ 3   Do 3: failed with exit code 3 (1 attempt)",
                "▶ 4   Do 4: running (1 attempt)",
                "· 5   Do 5: to do, last attempt: failed with exit code 3 (1 attempt)",
                "– 6   Do 6: optional; use --include-optional",
                "‖ 10  Do 10: halted with a question (1 attempt)",
                "· 11  Do 11: to do",
            ]
        );
        state.run = Run::Open(OpenRun::new(at(0), [].into()));
        assert_eq!(
            plain(&task_lines(&state, &plan))[6],
            "‖ 10  Do 10: asks, parked until you answer (1 attempt)"
        );
        assert_eq!(counts(&plan, &state).all, lines.len());
        assert_eq!(
            all[2].painted(),
            format!("{}  Do 3: failed with exit code 3 (1 attempt)", paint(BAD, "✗ 3 "))
        );
    }
}
