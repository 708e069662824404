//! Tables whose rows are tasks.

use std::borrow::Cow;
use std::ops::Range;

use super::grammar::{self, IdShape};
use super::lines::{LineKind, SourceLines};
use super::task_line::{RowCells, TaskLine};
use super::vocabulary;

#[derive(Clone, Copy, PartialEq, Eq)]
enum ColumnKind {
    Id,
    Title,
    Status,
    Depends,
    Other,
}

fn column(head: &str) -> ColumnKind {
    let lower = head.trim_matches(['*', '`', ' ']).to_lowercase();
    // "Dependencies (ids)", "Status / owner"
    let cut = lower.find(['(', '（', '/']).unwrap_or(lower.len());
    let name = if cut == 0 { lower.as_str() } else { lower[..cut].trim() };
    match name {
        "id" | "#" | "task id" | "task #" | "task no" | "task no." | "task number" | "no" | "no." | "nr"
        | "编号" | "编号id" | "任务id" | "任务编号" | "序号" | "番号" | "タスクid" | "タスク番号" => {
            ColumnKind::Id
        }
        "task" | "tasks" | "title" | "description" | "task description" | "name" | "task name"
        | "task title" | "任务" | "描述" | "任务描述" | "任务名称" | "任务名" | "タスク" | "タスク名"
        | "内容" | "作業内容" | "tarea" | "tarefa" | "aufgabe" | "tâche" | "작업" => {
            ColumnKind::Title
        }
        "status" | "state" | "done" | "done?" | "progress" | "状态" | "ステータス" | "状態" | "完了"
        | "estado" | "상태" | "✓" | "✅" | "[ ]" => ColumnKind::Status,
        "depends" | "depends on" | "dependencies" | "dependency" | "deps" | "blocked by"
        | "prerequisites" | "依赖" | "依赖任务" | "依存" | "依存関係" | "前置任务" | "前提" => {
            ColumnKind::Depends
        }
        _ => ColumnKind::Other,
    }
}

/// All rows with an id, from tables whose head names a task or a state.
pub(crate) fn rows<'a>(lines: &SourceLines<'a>) -> Vec<TaskLine<'a>> {
    let mut out = Vec::new();
    let mut index = 0;
    while index < lines.all.len() {
        let len = (index..lines.all.len())
            .take_while(|&i| lines.all[i].kind == LineKind::Row || i > index && conflict(lines.text(i)))
            .count();
        if len > 2 {
            table(lines, index, len, &mut out);
        }
        index += len.max(1);
    }
    out
}

/// Whether the line marks a merge conflict. It does not end a table: the conflict is reported anyway, and the rows after it
/// are tasks.
fn conflict(text: &str) -> bool {
    text == "=======" || text.starts_with("<<<<<<< ") || text.starts_with(">>>>>>> ")
}

/// The id at the start of a cell, written as at the head of a list item: `**1.1**`, `T3`, `Task 4`.
fn cell_id(cell: &str) -> Option<(String, IdShape)> {
    let probe = format!("- [ ] {cell}");
    let token = grammar::item(&probe)?.id?;
    (token.shape != IdShape::Slug).then(|| (probe[token.span.clone()].to_owned(), token.shape))
}

fn table<'a>(lines: &SourceLines<'a>, first: usize, len: usize, out: &mut Vec<TaskLine<'a>>) {
    let head = lines.text(first);
    let mut columns: Vec<ColumnKind> = grammar::row(head).into_iter().map(|c| column(&head[c])).collect();
    if !columns.iter().any(|c| matches!(c, ColumnKind::Title | ColumnKind::Status)) {
        return;
    }
    let rows: Vec<(usize, Vec<Range<usize>>)> =
        (first + 2..first + len).map(|i| (i, grammar::row(lines.text(i)))).collect();
    // If no column is named so, the ids are in the column where most cells start with one: `| Task | Description |`.
    if !columns.contains(&ColumnKind::Id) {
        let holds = |c: usize| {
            rows.iter()
                .filter(|(i, cells)| {
                    cells.get(c).is_some_and(|r| cell_id(&lines.text(*i)[r.clone()]).is_some())
                })
                .count()
        };
        match (0..columns.len().min(3)).find(|&c| holds(c) * 2 > rows.len()) {
            Some(c) => columns[c] = ColumnKind::Id,
            None => return,
        }
    }
    let position = |kind| columns.iter().position(|c| *c == kind);
    let Some(id_column) = position(ColumnKind::Id) else { return };
    let title_column = position(ColumnKind::Title).unwrap_or(id_column + 1);
    for (index, cells) in rows {
        let text = lines.text(index);
        let cell = |kind| position(kind).and_then(|i| cells.get(i));
        let (Some(id), Some(title)) = (cells.get(id_column), cells.get(title_column)) else { continue };
        let Some((id, shape)) = cell_id(&text[id.clone()]) else { continue };
        let status = cell(ColumnKind::Status).map(|c| (c.start, &text[c.clone()]));
        let mark = status.and_then(|(at, s)| {
            let open = s.find('[')?;
            let close = s[open..].find(']')? + open;
            (s[open + 1..close].chars().count() <= 2).then_some(at + open + 1..at + close)
        });
        out.push(TaskLine {
            line: index,
            id: Cow::Owned(id),
            shape: Some(shape),
            title: title.clone(),
            mark,
            row: Some(Box::new(RowCells {
                state: status.and_then(|s| vocabulary::state(s.1)),
                depends: cell(ColumnKind::Depends).cloned(),
            })),
            ..TaskLine::at(index)
        });
    }
}
