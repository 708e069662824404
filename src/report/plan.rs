//! The plan for people: a list of steps in their order.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::Style;

use super::baseline;
use super::plan_settings::{differences, most_common, settings, shared};
use super::text::{cut, plural, sanitise_line, width, wrap};
use super::theme::{self, BOLD, DIM, LIVE as ID, WARNING};
use crate::plan::{Plan, SkipReason, SkippedTask, Step};

/// How to show a plan, and what to show with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanView {
    /// Whether to use colours.
    pub color: bool,
    /// Whether to show all settings of each step, instead of one line a step.
    pub verbose: bool,
    /// Columns of the terminal; with `None`, no line is cut or wrapped.
    pub width: Option<usize>,
    /// Rendered errors and warnings of tasks.md, printed first; may be empty.
    pub diagnostics: String,
    /// What prompts ask for beside the task; may be empty.
    pub skills: String,
    /// Ids of steps with their expected times; may be empty.
    pub expected: Vec<(String, String)>,
    /// What the expected times are based on.
    pub expected_by: String,
    /// What the steps may use; may be empty.
    pub left: String,
}

/// Why a task does not run.
#[must_use]
pub fn why_skipped(reason: &SkipReason) -> String {
    match reason {
        SkipReason::Completed => "completed".to_owned(),
        SkipReason::Ticked => "its box was ticked before this run".to_owned(),
        SkipReason::Optional => "optional; use --include-optional".to_owned(),
        SkipReason::NotSelected => "not selected".to_owned(),
        SkipReason::Blocked { on } => format!("blocked: it depends on {}", list(on)),
        SkipReason::Failed => "failed in this run".to_owned(),
        SkipReason::Asks => "waits for your answer".to_owned(),
        SkipReason::Human => "for you: no agent gets it; mark it when it is done".to_owned(),
        SkipReason::Marked(why) => sanitise_line(why),
    }
}

/// Reasons that say nothing of one step alone: that it is open, and what most steps of a long plan have.
fn usual_reasons(plan: &Plan) -> HashSet<&String> {
    const FEW_STEPS: usize = 2;
    let mut times: HashMap<&String, usize> = HashMap::new();
    for why in plan.steps.iter().flat_map(|step| &step.reasons) {
        *times.entry(why).or_default() += 1;
    }
    let steps = plan.steps.len();
    let is_usual = |why: &str, count| why.ends_with("open") || steps > FEW_STEPS && 2 * count > steps;
    times.into_iter().filter(|(why, count)| is_usual(why, *count)).map(|(why, _)| why).collect()
}

/// Ids with commas; a long list is cut.
fn list(ids: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut shown: Vec<_> = ids.iter().take(SHOWN).map(|id| sanitise_line(id)).collect();
    if ids.len() > SHOWN {
        shown.push(format!("{} more", ids.len() - SHOWN));
    }
    shown.join(", ")
}

/// Writes the plan.
pub fn write(out: &mut dyn Write, plan: &Plan, view: &PlanView) -> io::Result<()> {
    let mut page = PlanWriter { out, view };
    if !view.diagnostics.is_empty() {
        writeln!(page.out, "{}\n", view.diagnostics.trim_end())?;
    }
    let count = plan.steps.len();
    let spec = sanitise_line(&plan.spec);
    if count == 0 {
        page.line(BOLD, &format!("Plan of {spec}: nothing to run"))?;
    } else {
        page.line(BOLD, &format!("Plan of {spec}: {}", plural(count, "step")))?;
    }
    let reason = sanitise_line(&plan.dialect_reason);
    if !reason.is_empty() {
        page.line(DIM, &format!("Read as {}: {reason}", plan.dialect.name()))?;
    }
    let reading = sanitise_line(&plan.reading);
    // a bare count says no more than the line above
    if reading.contains([';']) || reading.contains(" from ") {
        let columns = page.columns();
        for line in wrap(&reading, columns) {
            page.line(DIM, &line)?;
        }
    }
    let digits = count.to_string().len();
    if let Some(checks) = plan.baseline.as_ref().filter(|_| count > 0) {
        for line in wrap(&sanitise_line(&baseline::plan_line(checks)), page.columns()) {
            writeln!(page.out, "{line}")?;
        }
    }
    if view.verbose {
        for (index, step) in plan.steps.iter().enumerate() {
            writeln!(page.out)?;
            page.step(index + 1, digits, step)?;
        }
    } else if count > 0 {
        page.short(plan)?;
    }
    if !view.expected.is_empty() && !view.verbose {
        for line in wrap(&view.expected_by, page.columns()) {
            page.line(DIM, &line)?;
        }
    } else if !view.expected.is_empty() {
        page.heading("Expected times")?;
        for (id, when) in &view.expected {
            page.entry(id, when)?;
        }
        for line in wrap(&view.expected_by, page.columns().saturating_sub(2)) {
            writeln!(page.out, "  {}", page.paint(DIM, &line))?;
        }
    }
    page.skipped(&plan.skipped)?;
    if !plan.ignored.is_empty() {
        page.heading("Boxes that are not tasks")?;
        for ignored in &plan.ignored {
            page.entry(&format!("line {}", ignored.line), &sanitise_line(&ignored.text))?;
        }
    }
    if !plan.notes.is_empty() {
        page.heading("Notes")?;
        for note in &plan.notes {
            page.entry(&format!("line {}", note.line), &sanitise_line(&note.message))?;
        }
    }
    page.total(plan)
}

struct PlanWriter<'a> {
    out: &'a mut dyn Write,
    view: &'a PlanView,
}

impl PlanWriter<'_> {
    fn columns(&self) -> usize {
        self.view.width.unwrap_or(usize::MAX).max(20)
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.view.color { theme::paint(style, text) } else { text.to_owned() }
    }

    /// A line, cut to fit.
    fn line(&mut self, style: Style, text: &str) -> io::Result<()> {
        let text = self.paint(style, &cut(text, self.columns()));
        writeln!(self.out, "{text}")
    }

    fn heading(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out)?;
        self.line(BOLD, text)
    }

    /// A label and its text; further lines of the text start below its first.
    fn field(&mut self, indent: usize, label: &str, text: &str) -> io::Result<()> {
        const LABEL: usize = 9;
        let left = indent + LABEL.max(width(label) + 1);
        for (index, line) in wrap(text, self.columns().saturating_sub(left)).iter().enumerate() {
            let shown = if index == 0 { label } else { "" };
            let gap = " ".repeat(left - indent - width(shown));
            writeln!(self.out, "{:indent$}{}{gap}{line}", "", self.paint(DIM, shown))?;
        }
        Ok(())
    }

    fn step(&mut self, number: usize, digits: usize, step: &Step) -> io::Result<()> {
        let (id, title) = (sanitise_line(&step.unit), sanitise_line(&step.title));
        let lead = format!("{number:>digits$}. ");
        let indent = lead.len();
        let id = cut(&id, self.columns() / 2);
        let room = self.columns().saturating_sub(indent + width(&id) + 2);
        let (id, title) = (self.paint(ID, &id), self.paint(BOLD, &cut(&title, room)));
        writeln!(self.out, "{lead}{id}  {title}")?;
        let subtasks: Vec<_> =
            step.open.iter().map(|task| &task.id).filter(|open| **open != step.unit).collect();
        if !subtasks.is_empty() {
            let ids: Vec<_> = subtasks.iter().map(|&id| id.clone()).collect();
            self.field(indent, "does", &format!("{}: {}", plural(ids.len(), "subtask"), list(&ids)))?;
        }
        self.field(
            indent,
            "why",
            &step.reasons.iter().map(|why| sanitise_line(why)).collect::<Vec<_>>().join("; "),
        )?;
        for (label, text) in settings(step) {
            self.field(indent, &label, &text)?;
        }
        Ok(())
    }

    /// What all steps share, and then one line for each; under it what is different there.
    fn short(&mut self, plan: &Plan) -> io::Result<()> {
        let all: Vec<Vec<(String, String)>> = plan.steps.iter().map(|step| shared(settings(step))).collect();
        let common = most_common(&all);
        writeln!(self.out)?;
        self.line(BOLD, if plan.steps.len() == 1 { "How it runs" } else { "How each runs" })?;
        for (label, text) in &common {
            self.field(2, label, text)?;
        }
        if !self.view.skills.is_empty() {
            let skills = &self.view.skills;
            let text = format!("asks for {skills} (prompt.skills = [] turns it off)");
            self.field(2, "prompt", &text)?;
        }
        writeln!(self.out)?;
        let digits = plan.steps.len().to_string().len();
        let widest = plan.steps.iter().map(|step| width(&sanitise_line(&step.unit))).max().unwrap_or(0);
        let widest = widest.min(self.columns() / 4);
        let usual = usual_reasons(plan);
        for ((index, step), own) in plan.steps.iter().enumerate().zip(&all) {
            let number = index + 1;
            let id = cut(&sanitise_line(&step.unit), self.columns() / 2);
            let mut notes = Vec::new();
            let below = step.open.iter().filter(|task| task.id != step.unit).count();
            if below > 0 {
                notes.push(plural(below, "subtask"));
            }
            let when = self.view.expected.iter().find(|(unit, _)| sanitise_line(unit) == id);
            notes.extend(when.map(|(_, when)| when.clone()));
            let notes = if notes.is_empty() { String::new() } else { format!("  {}", notes.join(", ")) };
            let gap = " ".repeat(widest.saturating_sub(width(&id)));
            let lead = format!("{number:>digits$}. ");
            let room = self.columns().saturating_sub(lead.len() + width(&id).max(widest) + 2);
            let title =
                cut(&sanitise_line(&step.title), room.saturating_sub(width(&notes)).max(room.min(24)));
            let notes = cut(&notes, room.saturating_sub(width(&title)));
            let (shown_id, notes) = (self.paint(ID, &id), self.paint(DIM, &notes));
            writeln!(self.out, "{lead}{shown_id}{gap}  {title}{notes}")?;
            let why = step.reasons.iter().filter(|why| !usual.contains(*why)).map(|why| sanitise_line(why));
            let why = why.collect::<Vec<_>>().join("; ");
            if !why.is_empty() {
                self.field(lead.len() + 2, "why", &why)?;
            }
            for (label, text) in differences(own, &common) {
                self.field(lead.len() + 2, &label, &text)?;
            }
        }
        writeln!(self.out)?;
        self.line(DIM, "-v shows the reasons and all settings of each task.")
    }

    fn skipped(&mut self, skipped: &[SkippedTask]) -> io::Result<()> {
        if skipped.is_empty() {
            return Ok(());
        }
        self.heading("Skipped")?;
        for one in skipped {
            let (id, title) = (sanitise_line(&one.id), sanitise_line(&one.title));
            let why = why_skipped(&one.reason);
            let room = self.columns().saturating_sub(width(&id) + 8);
            let title = cut(&title, room.saturating_sub(width(&why)).max(room.min(24)));
            self.entry(&id, &format!("{title} ({why})"))?;
        }
        Ok(())
    }

    /// An entry of a list; further lines of the text start below its first.
    fn entry(&mut self, label: &str, text: &str) -> io::Result<()> {
        let label = cut(label, self.columns() / 2);
        let left = 2 + width(&label) + 2;
        for (index, line) in wrap(text, self.columns().saturating_sub(left)).iter().enumerate() {
            if index == 0 {
                writeln!(self.out, "  {}  {line}", self.paint(DIM, &label))?;
            } else {
                writeln!(self.out, "{:left$}{line}", "")?;
            }
        }
        Ok(())
    }

    fn total(&mut self, plan: &Plan) -> io::Result<()> {
        writeln!(self.out)?;
        let count = plan.steps.len();
        // a review takes an iteration, too
        let each = |step: &Step| 1 + u64::from(step.settings.review.is_some());
        let at_end = u64::from(plan.spec_review.is_some() && count > 0);
        let least = plan.steps.iter().map(each).sum::<u64>() + at_end;
        let most = plan.steps.iter().map(|step| u64::from(step.settings.retry.attempts.max(1)) * each(step));
        let (most, limit) = (most.sum::<u64>() + 2 * at_end, plan.max_iterations);
        let least = usize::try_from(least).unwrap_or(usize::MAX);
        let mut text = plural(count, "step");
        if least > 0 {
            let _ = write!(text, ": at least {}", plural(least, "iteration"));
            if most > least as u64 {
                let _ = write!(text, ", up to {most} with retries");
            }
            let _ = write!(text, "; limit {limit}");
        }
        let columns = self.columns();
        for line in wrap(&text, columns) {
            writeln!(self.out, "{line}")?;
        }
        for line in wrap(&self.view.left, columns).iter().filter(|line| !line.is_empty()) {
            writeln!(self.out, "{line}")?;
        }
        if least as u64 > u64::from(limit) {
            let text = format!(
                "the run will stop after {limit} iterations with exit code 1; raise run.max_iterations or --max-iterations"
            );
            for (index, line) in wrap(&text, columns.saturating_sub(9)).iter().enumerate() {
                let label = if index == 0 { self.paint(WARNING, "warning:") } else { " ".repeat(8) };
                writeln!(self.out, "{label} {line}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::PlanCase;
    use crate::spec::IgnoredLine;

    fn shown(plan: &Plan, view: &PlanView) -> String {
        let mut out = Vec::new();
        write(&mut out, plan, view).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn narrow(columns: usize) -> PlanView {
        PlanView { width: Some(columns), verbose: true, ..PlanView::default() }
    }

    #[test]
    fn what_steps_share_is_said_once_and_each_has_a_line() {
        let list: Vec<String> = (1..=60).map(|number| number.to_string()).collect();
        let mut plan = PlanCase::new(&list.join("\n")).plan();
        plan.steps[6].settings.backend = "other".to_owned();
        let view = PlanView { verbose: false, skills: "tests first".to_owned(), ..narrow(80) };
        let text = shown(&plan, &view);
        assert!(text.lines().count() <= 80, "two screens of 40 lines: {text}");
        assert_eq!(text.matches("first output").count(), 1, "{text}");
        assert!(
            text.contains("\n 6. 6   Do 6\n 7. 7   Do 7\n      other    agent -p < prompt\n 8. 8   Do 8\n"),
            "{text}"
        );
        assert!(text.contains("tests first (prompt.skills = [] turns it off)"), "{text}");
        assert!(text.lines().all(|line| width(line) <= 80), "{text}");
    }

    #[test]
    fn the_plan_lists_steps_and_what_is_left_out() {
        let mut case = PlanCase::new("1\n  1.1 x\n  1.2\n2 <4\n3 *\n4\n5 x\n  5.1");
        case.tasks.ignored.push(IgnoredLine {
            line: 9,
            text: "- [] broken".into(),
            why: crate::spec::IgnoredReason::Section,
        });
        let expected = "\
Plan of demo: 4 steps

1. 1  Do 1
   does     1 subtask: 1.2
   why      1 of 2 subtasks open
   agent    agent -p < prompt
   in       window task-1, /project
   limits   task 2h, idle 30m, first output 10m; 3 attempts (backoff 30s to
            10m); delay 15s

2. 4  Do 4
   why      open
   agent    agent -p < prompt
   in       window task-4, /project
   limits   task 2h, idle 30m, first output 10m; 3 attempts (backoff 30s to
            10m); delay 15s

3. 2  Do 2
   why      open; moved after 4: depends on it
   agent    agent -p < prompt
   in       window task-2, /project
   limits   task 2h, idle 30m, first output 10m; 3 attempts (backoff 30s to
            10m); delay 15s

4. 5  Do 5
   does     1 subtask: 5.1
   why      1 of 1 subtask open
   agent    agent -p < prompt
   in       window task-5, /project
   limits   task 2h, idle 30m, first output 10m; 3 attempts (backoff 30s to
            10m); delay 15s

Skipped
  3  Do 3 (optional; use --include-optional)

Boxes that are not tasks
  line 9  - [] broken

Notes
  line 7  5 is ticked, but 5.1 below it is not done

4 steps: at least 4 iterations, up to 12 with retries; limit 50
";
        assert_eq!(shown(&case.plan(), &narrow(78)), expected);
    }

    #[test]
    fn a_plan_without_steps_says_why() {
        let text = shown(&PlanCase::new("1 x\n2 !\n3 <2").plan(), &narrow(80));
        assert_eq!(
            text,
            "Plan of demo: nothing to run\n\nSkipped\n  1  Do 1 (its box was ticked before this run)\n  \
             2  Do 2 (2 is marked `[!]`)\n  3  Do 3 (blocked: it depends on 2)\n\n0 steps\n"
        );
    }

    #[test]
    fn more_steps_than_max_iterations_give_a_warning() {
        let mut case = PlanCase::new("1\n2\n3");
        case.config.run.max_iterations = 2;
        let text = shown(&case.plan(), &PlanView::default());
        assert!(
            text.contains("; limit 2\nwarning: the run will stop after 2 iterations with exit code 1"),
            "{text}"
        );
        case.config.run.max_iterations = 3;
        assert!(!shown(&case.plan(), &PlanView::default()).contains("warning"));
    }

    #[test]
    fn no_line_of_the_plan_is_wider_than_the_terminal() {
        let mut case = PlanCase::new("1\n  1.1\n  1.2 *\n2 !\n3 <2\n4 x\n  4.1");
        let long = "日本語 ".repeat(60);
        for task in &mut case.tasks.tasks {
            task.title.clone_from(&long);
        }
        case.tasks.ignored.push(IgnoredLine {
            line: 9,
            text: "x".repeat(300),
            why: crate::spec::IgnoredReason::Section,
        });
        case.root = format!("/{}", "deep/".repeat(50)).into();
        for columns in [20, 40, 80, 200] {
            for line in shown(&case.plan(), &narrow(columns)).lines() {
                assert!(width(line) <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn escape_sequences_in_a_title_never_reach_the_terminal() {
        let mut case = PlanCase::new("1\n2 !");
        for task in &mut case.tasks.tasks {
            task.title = "a\u{1b}]0;pwned\u{7}\u{1b}[2J\u{9b}1mb\nc".into();
        }
        case.tasks.ignored.push(IgnoredLine {
            line: 9,
            text: "\u{1b}[31m- [] x".into(),
            why: crate::spec::IgnoredReason::Section,
        });
        let text = shown(&case.plan(), &narrow(80));
        assert!(text.contains("1. 1  ab c\n") && text.contains("line 9  - [] x"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{7}']));
    }

    #[test]
    fn colour_changes_no_text_of_the_plan() {
        let plan = PlanCase::new("1\n2 *").plan();
        let colored = shown(&plan, &PlanView { color: true, ..narrow(80) });
        assert!(colored.contains("\u{1b}["));
        assert_eq!(crate::report::text::sanitise_text(&colored), shown(&plan, &narrow(80)));
    }

    #[test]
    fn diagnostics_come_before_the_plan() {
        let view = PlanView { diagnostics: "warning: odd\n".into(), ..narrow(80) };
        assert!(
            shown(&PlanCase::new("1").plan(), &view).starts_with("warning: odd\n\nPlan of demo: 1 step\n")
        );
    }
}
