//! Names the dialect of a file, once its tasks are known.

use super::lines::SourceLines;
use super::model::Dialect;
use super::reading_rules::{ReadingRules, TaskForm};

/// Counts of the signs that distinguish the dialects.
#[derive(Debug, Default)]
pub(crate) struct DialectSigns {
    pub(crate) tasks: usize,
    /// Ids like `T001`, with three digits or more.
    pub(crate) speckit_ids: usize,
    /// Ids that are whole numbers.
    pub(crate) whole: usize,
    /// Dotted ids below a heading with their number.
    pub(crate) grouped: usize,
    /// Kiro's stars.
    pub(crate) stars: usize,
    /// Tasks with an italic pair about requirements.
    pub(crate) requirements: usize,
    /// `_Boundary:_`, `_Depends:_`, `(P)`.
    pub(crate) ccsdd: usize,
}

/// What the headings of a file say about the tool that wrote it.
fn by_headings(lines: &SourceLines<'_>, form: TaskForm) -> Option<(Dialect, &'static str)> {
    let names: Vec<String> = lines
        .heading_lines()
        .map(|line| lines.text(line).trim_start_matches(['#', ' ']).to_lowercase())
        .collect();
    let has = |name: &str| names.iter().any(|n| n == name);
    let starts = |name: &str| names.iter().filter(|n| n.starts_with(name)).count();
    let boxes = |text: &str| lines.source.contains(text);
    let listed = form == TaskForm::Listed;
    if starts("task group ") > 0 {
        return Some((Dialect::AgentOs, "headings name task groups"));
    }
    if has("tasks / subtasks") || has("dev agent record") {
        return Some((Dialect::Bmad, "\"Tasks / Subtasks\" or \"Dev Agent Record\""));
    }
    if has("phase details") || boxes("-PLAN.md") && starts("phase ") > 1 {
        return Some((Dialect::Gsd, "phases with plans, as in a roadmap"));
    }
    let living = has("surprises & discoveries") || has("decision log") || starts("purpose / big picture") > 0;
    if living || has("task breakdown") && starts("ep-") > 0 {
        return Some((Dialect::ExecPlan, "the headings of an ExecPlan"));
    }
    if listed && (has("checklist") || starts("step ") > 1) && boxes("] Step ") {
        return Some((Dialect::Pdd, "a checklist repeats the headings of the steps"));
    }
    if boxes("] Task: ") && starts("phase ") > 0 {
        return Some((Dialect::Conductor, "\"Task:\" below phases"));
    }
    if starts("code generation plan") > 0
        || has("inception")
        || has("construction")
        || boxes("INCEPTION") && boxes("CONSTRUCTION")
    {
        return Some((Dialect::AiDlc, "the stages of AI-DLC"));
    }
    if boxes("**Step 1") && starts("task ") > 0 {
        return Some((Dialect::Superpowers, "tasks with steps in bold"));
    }
    if starts("iteration ") > 1 && listed || has("validation commands") && starts("task ") > 0 {
        return Some((Dialect::Ralphex, "tasks or iterations over boxes, \"Validation Commands\""));
    }
    let columns =
        ["in progress", "up next", "todo", "to do", "doing", "now", "next", "в работе", "готово", "done"];
    if names
        .iter()
        .filter(|n| columns.iter().any(|c| n.trim_matches(|c: char| !c.is_alphanumeric()) == *c))
        .count()
        > 1
    {
        return Some((Dialect::Kanban, "its headings are the columns of a board"));
    }
    None
}

/// The dialect, and the evidence for it in words for users.
pub(crate) fn name(lines: &SourceLines<'_>, rules: &ReadingRules, s: &DialectSigns) -> (Dialect, String) {
    let of_tool = |other: (Dialect, String)| {
        by_headings(lines, rules.form).map_or(other, |(dialect, why)| (dialect, why.to_owned()))
    };
    match rules.form {
        TaskForm::Todos => (Dialect::Todos, "todos in the head of the file".to_owned()),
        TaskForm::Elements => (Dialect::Gsd, counted(s.tasks, "<task> element")),
        TaskForm::Listed if rules.trackers.is_empty() && !rules.by_fields => of_tool((
            Dialect::Milestones,
            format!("{} {} the work", counted(s.tasks, "heading"), verb(s.tasks, "count")),
        )),
        TaskForm::Headings | TaskForm::NumberedHeadings | TaskForm::Listed => of_tool((
            Dialect::Headings,
            format!("{} {} a task", counted(s.tasks, "heading"), verb(s.tasks, "name")),
        )),
        TaskForm::Table => (
            Dialect::Table,
            format!(
                "{} of a table {} an id",
                counted(s.tasks, "row"),
                if s.tasks == 1 { "carries" } else { "carry" }
            ),
        ),
        TaskForm::Numbered => (Dialect::Numbered, format!("no boxes, {}", counted(s.tasks, "numbered line"))),
        TaskForm::Trailing => {
            (Dialect::Plain, format!("{} with a box behind the title", counted(s.tasks, "line")))
        }
        TaskForm::Nothing => (Dialect::Plain, "nothing that looks like a task".to_owned()),
        TaskForm::Anonymous => {
            of_tool((Dialect::Plain, format!("{}, none with an id", counted_boxes(s.tasks))))
        }
        TaskForm::Boxes if s.speckit_ids * 2 > s.tasks => (
            Dialect::SpecKit,
            format!("{} of {} {} like T001", s.speckit_ids, counted(s.tasks, "id"), are(s.tasks)),
        ),
        TaskForm::Boxes if s.ccsdd > 0 => {
            (Dialect::CcSdd, format!("{} of cc-sdd: (P), _Boundary:_, _Depends:_", counted(s.ccsdd, "sign")))
        }
        TaskForm::Boxes if s.requirements > 0 || s.stars > 0 => (
            Dialect::Kiro,
            format!("{}, {}", counted(s.requirements, "requirement note"), counted(s.stars, "starred task")),
        ),
        TaskForm::Boxes if s.grouped > 0 && s.grouped >= s.whole => of_tool((
            Dialect::OpenSpec,
            format!(
                "{} {} numbered below a heading of that number",
                counted(s.grouped, "id"),
                are(s.grouped)
            ),
        )),
        TaskForm::Boxes if s.whole > 0 => {
            of_tool((Dialect::Kiro, format!("{} numbered with whole numbers", counted(s.whole, "task"))))
        }
        TaskForm::Boxes => {
            of_tool((Dialect::Plain, format!("{} with ids of their own form", counted_boxes(s.tasks))))
        }
    }
}

/// `1 row`, `2 rows`
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn counted_boxes(count: usize) -> String {
    if count == 1 { "1 box".to_owned() } else { format!("{count} boxes") }
}

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// A verb after so many things.
fn verb(count: usize, verb: &str) -> String {
    format!("{verb}{}", if count == 1 { "s" } else { "" })
}

#[cfg(test)]
mod tests {
    use crate::spec::parse;

    #[test]
    fn one_sign_is_named_in_the_singular() {
        for (text, reason) in [
            ("- [ ] 1. A\n", "1 task numbered with whole numbers"),
            ("- [ ]* 1. A\n", "0 requirement notes, 1 starred task"),
            ("- [ ] 1. A\n  - _Requirements: 1.1_\n", "1 requirement note, 0 starred tasks"),
            ("- [ ] 1. (P) A\n", "1 sign of cc-sdd: (P), _Boundary:_, _Depends:_"),
            ("- [ ] T001 A\n", "1 of 1 id is like T001"),
            ("- [ ] A\n", "1 box, none with an id"),
            ("- [ ] AB-1 A\n", "1 box with ids of their own form"),
            ("### Task 1: A\n\nDo it.\n\n- [ ] B\n", "1 heading names a task"),
            (
                "---\ntodos:\n  - id: a\n    content: A\n    status: pending\n---\n",
                "1 todo in the head of the file",
            ),
        ] {
            assert_eq!(parse(text).dialect_reason, reason, "{text}");
        }
    }
}
