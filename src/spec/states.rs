//! The state of each task, from its mark, its signs or its boxes.

use std::collections::HashMap;
use std::ops::Range;

use super::bodies::TaskBodies;
use super::lines::{LineKind, SourceLines};
use super::model::{Dialect, Task, TaskState};
use super::task_line::{CollectedLines, TaskLine};
use super::vocabulary;

/// Reads the states of tasks from their marks, signs and boxes.
pub(crate) struct StateReader<'a> {
    pub(crate) lines: &'a SourceLines<'a>,
    pub(crate) bodies: &'a TaskBodies,
    pub(crate) collected: &'a CollectedLines<'a>,
    pub(crate) dialect: Dialect,
}

/// Whether a mark means done, where no legend says otherwise.
pub(crate) fn is_done_mark(mark: &str) -> bool {
    matches!(mark.trim().trim_end_matches('\u{FE0F}'), "x" | "X" | "✓" | "✔" | "✅" | "☑" | "√")
}

/// Per task: whether its own box is ticked, or all boxes below a heading without one.
pub(crate) fn ticked(lines: &SourceLines<'_>, tasks: &[TaskLine<'_>]) -> Vec<bool> {
    let is_ticked = |line: usize, mark: &Range<usize>| is_done_mark(&lines.text(line)[mark.clone()]);
    let of = |at: usize| {
        let task = &tasks[at];
        if let Some(mark) = &task.mark {
            return is_ticked(task.mark_line, mark);
        }
        let end = tasks.get(at + 1).map_or(lines.all.len(), |next| next.line);
        let boxes = (task.line + 1..end).filter_map(|i| Some((i, lines.item(i)?.mark.as_ref()?)));
        let mut all = boxes.peekable();
        task.checked
            || task.level > 0 && all.peek().is_some() && all.all(|(line, mark)| is_ticked(line, mark))
    };
    (0..tasks.len()).map(of).collect()
}

impl StateReader<'_> {
    /// The state of a task with this title.
    pub(crate) fn of(&self, task: usize, title: &str) -> TaskState {
        let f = &self.collected.tasks[task];
        if let Some(mark) = &f.mark {
            let text = &self.lines.text(f.mark_line)[mark.clone()];
            if f.struck && !is_done_mark(text) {
                return TaskState::Skipped;
            }
            let state = self.mark(&self.lines.text(f.mark_line)[mark.clone()], title);
            // A list that repeats the tasks may be stale.
            let all_done = || f.mark_line != f.line && self.heading(task) == TaskState::Done;
            return if state == TaskState::Todo && all_done() { TaskState::Done } else { state };
        }
        if let Some(state) = f.row.as_ref().and_then(|r| r.state) {
            return state;
        }
        if f.checked {
            return TaskState::Done;
        }
        if f.level == 0 {
            return TaskState::Todo;
        }
        self.signs(task, title).unwrap_or_else(|| self.heading(task))
    }

    /// The marks of the boxes below a heading, where they alone say whether it is done.
    pub(crate) fn steps(&self, task: usize, title: &str) -> Vec<Range<usize>> {
        let f = &self.collected.tasks[task];
        let says_otherwise = f.level == 0 || f.mark.is_some() || f.checked || f.row.is_some();
        if says_otherwise || self.signs(task, title).is_some() || self.status(task).is_some() {
            return Vec::new();
        }
        let mark = |line: usize| {
            let mark = self.lines.item(line)?.mark.as_ref()?;
            let start = self.lines.all[line].start;
            let dropped = self.mark(&self.lines.text(line)[mark.clone()], "") == TaskState::Skipped;
            (!dropped).then_some(start + mark.start..start + mark.end)
        };
        self.bodies.lines(task).filter_map(mark).collect()
    }

    /// What signs around the title of a heading say.
    fn signs(&self, task: usize, title: &str) -> Option<TaskState> {
        let line = self.collected.tasks[task].line;
        let id = self.lines.heading(line).and_then(|h| h.id.as_ref()).map_or(0, |id| id.span.start);
        vocabulary::signs(&self.lines.text(line)[..id], title)
    }

    /// What a status line of a heading says.
    fn status(&self, task: usize) -> Option<TaskState> {
        let text = |line: &usize| self.lines.all[*line].kind == LineKind::Text;
        self.bodies.lines(task).filter(text).find_map(|line| self.status_line(self.lines.text(line)))
    }

    /// Whether the meaning of the mark is unknown: neither the file nor any known habit.
    pub(crate) fn is_unknown(&self, task: &Task, source: &str) -> bool {
        let known = |mark: &str| {
            let mark = mark.trim();
            self.collected.legend.contains_key(mark)
                || is_done_mark(mark)
                || matches!(mark.trim_end_matches('\u{FE0F}'), "" | "~" | "-" | "/" | "🔄" | "!" | "❌")
                || vocabulary::state(mark).is_some()
        };
        task.mark.as_ref().is_some_and(|m| !known(&source[m.clone()]))
    }

    fn mark(&self, mark: &str, title: &str) -> TaskState {
        let mark = mark.trim();
        if let Some(&state) = self.collected.legend.get(mark) {
            return state;
        }
        match mark.trim_end_matches('\u{FE0F}') {
            done if is_done_mark(done) => TaskState::Done,
            "~" | "-" if vocabulary::given_up(title) => TaskState::Skipped,
            "" if self.dialect == Dialect::AiDlc && vocabulary::left_out_stage(title) => TaskState::Skipped,
            "~" if matches!(self.dialect, Dialect::Kiro | Dialect::CcSdd) => TaskState::Queued,
            "~" | "-" | "/" | "🔄" => TaskState::InProgress,
            "!" | "❌" => TaskState::Blocked,
            word => vocabulary::state(word).unwrap_or_default(),
        }
    }

    /// The state of a heading without a box: from its status line, else from all its boxes.
    fn heading(&self, task: usize) -> TaskState {
        if let Some(state) = self.status(task) {
            return state;
        }
        let mut counts: HashMap<TaskState, usize> = HashMap::new();
        let mut total = 0;
        for index in self.bodies.lines(task) {
            if let Some(mark) = self.lines.item(index).and_then(|item| item.mark.as_ref()) {
                let state = self.mark(&self.lines.text(index)[mark.clone()], "");
                *counts.entry(state).or_default() += 1;
                // what was dropped keeps nothing open
                total += usize::from(state != TaskState::Skipped);
            }
        }
        match counts.get(&TaskState::Done) {
            Some(&done) if done == total => TaskState::Done,
            _ if total > 0 && counts.keys().any(|s| matches!(s, TaskState::Done | TaskState::InProgress)) => {
                TaskState::InProgress
            }
            _ => TaskState::Todo,
        }
    }

    /// The state in a line like `- **Status**: [x]` or `**Status:** done`.
    fn status_line(&self, text: &str) -> Option<TaskState> {
        let body = text.trim_start_matches([' ', '\t', '-', '*', '+', '_']);
        let rest = ["Status", "State", "状态", "ステータス", "状態", "Estado"]
            .iter()
            .find_map(|w| body.strip_prefix(w))?;
        let rest = rest.trim_start_matches(['*', '_', ' ']).strip_prefix([':', '：'])?;
        let rest = rest.trim_matches(['*', '_', ' ', '`']);
        match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
            Some((mark, _)) => Some(self.mark(mark, "")),
            None => vocabulary::state(rest),
        }
    }
}
