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
        TaskForm::Elements => (Dialect::Gsd, format!("{} <task> elements", s.tasks)),
        TaskForm::Listed if rules.trackers.is_empty() => {
            of_tool((Dialect::Milestones, format!("{} headings count the work", s.tasks)))
        }
        TaskForm::Headings | TaskForm::NumberedHeadings | TaskForm::Listed => {
            of_tool((Dialect::Headings, format!("{} headings name a task", s.tasks)))
        }
        TaskForm::Table => (Dialect::Table, format!("{} rows of a table carry an id", s.tasks)),
        TaskForm::Numbered => (Dialect::Numbered, format!("no boxes, {} numbered lines", s.tasks)),
        TaskForm::Trailing => (Dialect::Plain, format!("{} lines with a box behind the title", s.tasks)),
        TaskForm::Nothing => (Dialect::Plain, "nothing that looks like a task".to_owned()),
        TaskForm::Anonymous => of_tool((Dialect::Plain, format!("{} boxes, none with an id", s.tasks))),
        TaskForm::Boxes if s.speckit_ids * 2 > s.tasks => {
            (Dialect::SpecKit, format!("{} of {} ids are like T001", s.speckit_ids, s.tasks))
        }
        TaskForm::Boxes if s.ccsdd > 0 => {
            (Dialect::CcSdd, format!("{} signs of cc-sdd: (P), _Boundary:_, _Depends:_", s.ccsdd))
        }
        TaskForm::Boxes if s.requirements > 0 || s.stars > 0 => {
            (Dialect::Kiro, format!("{} requirement notes, {} starred tasks", s.requirements, s.stars))
        }
        TaskForm::Boxes if s.grouped > 0 && s.grouped >= s.whole => of_tool((
            Dialect::OpenSpec,
            format!("{} ids are numbered below a heading of that number", s.grouped),
        )),
        TaskForm::Boxes if s.whole > 0 => {
            of_tool((Dialect::Kiro, format!("{} tasks numbered with whole numbers", s.whole)))
        }
        TaskForm::Boxes => of_tool((Dialect::Plain, format!("{} boxes with ids of their own form", s.tasks))),
    }
}
