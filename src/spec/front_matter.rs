//! The `todos:` in the head of a file, as Cursor and `CodeBuddy` write them: `id`, `content` and `status` of each.

use super::lines::SourceLines;
use super::model::{Dialect, Severity, TaskFile};
use super::placed_value::{PlacedValue, ValueKind};
use super::value_tasks::{ValueTasks, diagnostic};
use super::yaml_value;

/// The todos in the head of a file; an error is the place where the head is not YAML.
pub(crate) fn todos(lines: &SourceLines<'_>) -> Option<Result<PlacedValue, usize>> {
    let end = head(lines)?;
    if !(1..end).any(|i| lines.text(i).starts_with("todos:")) {
        return None;
    }
    let start = lines.all[1].start;
    match yaml_value::parse(&lines.source[start..lines.all[end].start], start) {
        Ok(value) => {
            let list = value.get("todos")?;
            let is_list = matches!(&list.kind, ValueKind::Array(all) if !all.is_empty());
            is_list.then(|| Ok(list.clone()))
        }
        Err(at) => Some(Err(at)),
    }
}

/// The line that closes the head, if the file has one.
pub(crate) fn head(lines: &SourceLines<'_>) -> Option<usize> {
    if lines.all.is_empty() || lines.text(0).trim_end() != "---" {
        return None;
    }
    (1..lines.all.len()).find(|&i| lines.text(i).trim_end() == "---")
}

/// A file whose tasks are its todos.
pub(crate) fn file(lines: &SourceLines<'_>, todos: &Result<PlacedValue, usize>) -> TaskFile {
    let mut file = TaskFile { dialect: Dialect::Todos, ..TaskFile::default() };
    match todos {
        Ok(list) => {
            let tasks = ValueTasks::of(lines.source, list.list());
            file.dialect_reason = {
                let todos = if tasks.len() == 1 { "todo" } else { "todos" };
                format!("{} {todos} in the head of the file", tasks.len())
            };
            tasks.finish(&mut file);
        }
        Err(at) => {
            "its head has `todos:`".clone_into(&mut file.dialect_reason);
            let message = "the head of this file is not valid YAML".to_owned();
            let hint = "correct the todos; nothing was started";
            let found = diagnostic(lines.source, Severity::Error, *at, message, "read up to here", hint);
            file.diagnostics.push(found);
        }
    }
    file
}
