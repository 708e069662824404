//! The state of each task, from its mark, its signs or its boxes.

use std::collections::HashMap;

use super::bodies::TaskBodies;
use super::lines::{LineKind, SourceLines};
use super::model::{Dialect, Task, TaskState};
use super::task_line::CollectedLines;
use super::vocabulary;

/// Reads the states of tasks from their marks, signs and boxes.
pub(crate) struct StateReader<'a> {
    pub(crate) lines: &'a SourceLines<'a>,
    pub(crate) bodies: &'a TaskBodies,
    pub(crate) collected: &'a CollectedLines<'a>,
    pub(crate) dialect: Dialect,
}

impl StateReader<'_> {
    /// The state of a task with this title.
    pub(crate) fn of(&self, task: usize, title: &str) -> TaskState {
        let f = &self.collected.tasks[task];
        if let Some(mark) = &f.mark {
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
        let text = self.lines.text(f.line);
        let id = self.lines.heading(f.line).and_then(|h| h.id.as_ref()).map_or(0, |id| id.span.start);
        vocabulary::signs(&text[..id], title).unwrap_or_else(|| self.heading(task))
    }

    /// Whether only the author knows what the mark means.
    pub(crate) fn doubtful(&self, task: &Task, source: &str) -> bool {
        task.state == TaskState::InProgress
            && task.mark.as_ref().is_some_and(|m| source[m.clone()].trim() == "~")
            && !self.collected.legend.contains_key("~")
    }

    fn mark(&self, mark: &str, title: &str) -> TaskState {
        let mark = mark.trim();
        if let Some(&state) = self.collected.legend.get(mark) {
            return state;
        }
        match mark.trim_end_matches('\u{FE0F}') {
            "x" | "X" | "✓" | "✔" | "✅" | "☑" | "√" => TaskState::Done,
            "~" if vocabulary::given_up(title) => TaskState::Skipped,
            "~" if matches!(self.dialect, Dialect::Kiro | Dialect::CcSdd) => TaskState::Queued,
            "~" | "-" | "/" | "🔄" => TaskState::InProgress,
            "!" | "❌" => TaskState::Blocked,
            _ => TaskState::Todo,
        }
    }

    /// The state of a heading without a box: from its status line, else from all its boxes.
    fn heading(&self, task: usize) -> TaskState {
        let mut counts: HashMap<TaskState, usize> = HashMap::new();
        let mut total = 0;
        for index in self.bodies.lines(task) {
            match self.lines.all[index].kind {
                LineKind::Text => {
                    if let Some(state) = self.status_line(self.lines.text(index)) {
                        return state;
                    }
                }
                LineKind::Item(i) => {
                    if let Some(mark) = &self.lines.items[i as usize].mark {
                        *counts.entry(self.mark(&self.lines.text(index)[mark.clone()], "")).or_default() += 1;
                        total += 1;
                    }
                }
                _ => {}
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
