//! Tables whose rows are tasks.

use std::borrow::Cow;

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
    pub(crate) depends: Option<std::ops::Range<usize>>,
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
    match lower.as_str() {
        "id" | "#" | "task id" | "no" | "no." | "nr" | "编号" | "任务id" | "序号" | "番号" | "タスクid" => {
            Column::Id
        }
        "task" | "title" | "description" | "name" | "任务" | "描述" | "任务名称" | "タスク" | "タスク名"
        | "内容" | "tarea" | "tarefa" | "aufgabe" | "tâche" => Column::Title,
        "status" | "state" | "done" | "状态" | "ステータス" | "状態" | "完了" | "estado" | "✓" | "✅"
        | "[ ]" => Column::Status,
        "depends" | "depends on" | "dependencies" | "dependency" | "deps" | "blocked by" | "依赖"
        | "依存" | "依存関係" | "前置任务" => Column::Depends,
        _ => Column::Other,
    }
}

/// All rows with an id, below heads that name an id and a title.
pub(crate) fn rows<'a>(lines: &Lines<'a>) -> Vec<Found<'a>> {
    let mut out = Vec::new();
    let mut columns: Vec<Column> = Vec::new();
    let mut before = false;
    for index in 0..lines.all.len() {
        let row = lines.all[index].kind == Kind::Row;
        if !row {
            columns.clear();
            before = false;
            continue;
        }
        let text = lines.text(index);
        let cells = grammar::row(text);
        if !before {
            before = true;
            columns = cells.iter().map(|c| column(&text[c.clone()])).collect();
            // "Task" alone may be the id column: `| Task | Description |`.
            if !columns.contains(&Column::Id)
                && columns.iter().filter(|c| **c == Column::Title).count() > 1
                && let Some(first) = columns.iter_mut().find(|c| **c == Column::Title)
            {
                *first = Column::Id;
            }
            continue;
        }
        let cell = |kind| columns.iter().position(|c| *c == kind).and_then(|i| cells.get(i));
        let (Some(id), Some(title)) = (cell(Column::Id), cell(Column::Title)) else { continue };
        // The same head as in lists: `**1.1**`, `T3`, `Task 4`.
        let probe = format!("- [ ] {}", &text[id.clone()]);
        let Some(token) = grammar::item(&probe).and_then(|i| i.id) else { continue };
        let status = cell(Column::Status).map(|c| &text[c.clone()]);
        let mark = status.filter(|s| s.starts_with('[') && s.ends_with(']')).map(|s| {
            let at = cell(Column::Status).map_or(0, |c| c.start);
            at + 1..at + s.len() - 1
        });
        out.push(Found {
            line: index,
            id: Cow::Owned(probe[token.span.clone()].to_owned()),
            shape: Some(token.shape),
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
                state: status.and_then(words::state),
                depends: cell(Column::Depends).cloned(),
            })),
        });
    }
    out.retain(|f| f.shape != Some(Shape::Slug));
    out
}
