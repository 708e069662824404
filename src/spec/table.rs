//! Tables whose rows are tasks.

use std::borrow::Cow;
use std::ops::Range;

use super::collect::Found;
use super::grammar::{self, Shape};
use super::lines::{Kind, Lines};
use super::model::TaskState;
use super::words;

/// What the columns of a row say beside id and title.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cells {
    pub(crate) state: Option<TaskState>,
    /// The dependency cell, relative to the line.
    pub(crate) depends: Option<Range<usize>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Id,
    Title,
    Status,
    Depends,
    Other,
}

fn column(head: &str) -> Column {
    let lower = head.trim_matches(['*', '`', ' ']).to_lowercase();
    // "Dependencies (ids)", "Status / owner"
    let cut = lower.find(['(', '（', '/']).unwrap_or(lower.len());
    let name = if cut == 0 { lower.as_str() } else { lower[..cut].trim() };
    match name {
        "id" | "#" | "task id" | "task #" | "task no" | "task no." | "task number" | "no" | "no." | "nr"
        | "编号" | "编号id" | "任务id" | "任务编号" | "序号" | "番号" | "タスクid" | "タスク番号" => {
            Column::Id
        }
        "task" | "tasks" | "title" | "description" | "task description" | "name" | "task name"
        | "task title" | "任务" | "描述" | "任务描述" | "任务名称" | "任务名" | "タスク" | "タスク名"
        | "内容" | "作業内容" | "tarea" | "tarefa" | "aufgabe" | "tâche" | "작업" => Column::Title,
        "status" | "state" | "done" | "done?" | "progress" | "状态" | "ステータス" | "状態" | "完了"
        | "estado" | "상태" | "✓" | "✅" | "[ ]" => Column::Status,
        "depends" | "depends on" | "dependencies" | "dependency" | "deps" | "blocked by"
        | "prerequisites" | "依赖" | "依赖任务" | "依存" | "依存関係" | "前置任务" | "前提" => {
            Column::Depends
        }
        _ => Column::Other,
    }
}

/// All rows with an id, of tables that name a task or a state in their head.
pub(crate) fn rows<'a>(lines: &Lines<'a>) -> Vec<Found<'a>> {
    let mut out = Vec::new();
    let mut index = 0;
    while index < lines.all.len() {
        let len = (index..lines.all.len())
            .take_while(|&i| lines.all[i].kind == Kind::Row || i > index && conflict(lines.text(i)))
            .count();
        if len > 2 {
            table(lines, index, len, &mut out);
        }
        index += len.max(1);
    }
    out
}

/// A line of a merge that was not settled cuts no table in two; the file is refused for it anyway.
fn conflict(text: &str) -> bool {
    text == "=======" || text.starts_with("<<<<<<< ") || text.starts_with(">>>>>>> ")
}

/// The id at the start of a cell, as at the head of a list item: `**1.1**`, `T3`, `Task 4`.
fn cell_id(cell: &str) -> Option<(String, Shape)> {
    let probe = format!("- [ ] {cell}");
    let token = grammar::item(&probe)?.id?;
    (token.shape != Shape::Slug).then(|| (probe[token.span.clone()].to_owned(), token.shape))
}

fn table<'a>(lines: &Lines<'a>, first: usize, len: usize, out: &mut Vec<Found<'a>>) {
    let head = lines.text(first);
    let mut columns: Vec<Column> = grammar::row(head).into_iter().map(|c| column(&head[c])).collect();
    if !columns.iter().any(|c| matches!(c, Column::Title | Column::Status)) {
        return;
    }
    let rows: Vec<(usize, Vec<Range<usize>>)> =
        (first + 2..first + len).map(|i| (i, grammar::row(lines.text(i)))).collect();
    // Where no column is named so, the ids are where most cells start with one: `| Task | Description |`.
    if !columns.contains(&Column::Id) {
        let holds = |c: usize| {
            rows.iter()
                .filter(|(i, cells)| {
                    cells.get(c).is_some_and(|r| cell_id(&lines.text(*i)[r.clone()]).is_some())
                })
                .count()
        };
        match (0..columns.len().min(3)).find(|&c| holds(c) * 2 > rows.len()) {
            Some(c) => columns[c] = Column::Id,
            None => return,
        }
    }
    let position = |kind| columns.iter().position(|c| *c == kind);
    let Some(id_column) = position(Column::Id) else { return };
    let title_column = position(Column::Title).unwrap_or(id_column + 1);
    for (index, cells) in rows {
        let text = lines.text(index);
        let cell = |kind| position(kind).and_then(|i| cells.get(i));
        let (Some(id), Some(title)) = (cells.get(id_column), cells.get(title_column)) else { continue };
        let Some((id, shape)) = cell_id(&text[id.clone()]) else { continue };
        let status = cell(Column::Status).map(|c| (c.start, &text[c.clone()]));
        let mark = status.and_then(|(at, s)| {
            let open = s.find('[')?;
            let close = s[open..].find(']')? + open;
            (s[open + 1..close].chars().count() <= 2).then_some(at + open + 1..at + close)
        });
        out.push(Found {
            line: index,
            id: Cow::Owned(id),
            shape: Some(shape),
            title: title.clone(),
            open: false,
            mark,
            star: false,
            checked: false,
            dot: false,
            indent: 0,
            level: 0,
            odd: None,
            row: Some(Box::new(Cells {
                state: status.and_then(|s| words::state(s.1)),
                depends: cell(Column::Depends).cloned(),
            })),
        });
    }
}
