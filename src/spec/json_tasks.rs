//! Task lists in JSON: the stories of a prd.json (`passes`), and Taskmaster's tasks.json (`status`, `subtasks`).

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use super::json_value::{self, JsonKind, JsonValue};
use super::model::{Diagnostic, Dialect, Severity, Task, TaskFile, TaskState};
use super::vocabulary;

/// The keys that hold the list.
const LISTS: [&str; 6] = ["userStories", "user_stories", "stories", "features", "tasks", "items"];

/// Reads a text as a task list in JSON; `None` if it is something else.
pub(crate) fn read(source: &str) -> Option<TaskFile> {
    let start = source.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']);
    if !start.starts_with(['{', '[']) {
        return None;
    }
    match json_value::parse(source) {
        Ok(value) => Some(tasks(source, &value)),
        // A text that begins with a link is no JSON, and neither is a template.
        Err(_) if !LISTS.iter().any(|key| source.contains(&format!("\"{key}\""))) => None,
        Err(at) => Some(broken(source, at)),
    }
}

fn broken(source: &str, at: usize) -> TaskFile {
    let message = "this is not valid JSON".to_owned();
    let found = diagnostic(
        source,
        Severity::Error,
        at,
        message,
        "read up to here",
        "correct the file; nothing was started",
    );
    TaskFile { diagnostics: vec![found], dialect_reason: "it is JSON".to_owned(), ..TaskFile::default() }
}

fn diagnostic(
    source: &str,
    severity: Severity,
    at: usize,
    message: String,
    label: &str,
    hint: &str,
) -> Diagnostic {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    let start = source[..at].rfind('\n').map_or(0, |n| n + 1);
    Diagnostic {
        severity,
        message,
        span: at..at,
        line: source[..at].matches('\n').count() + 1,
        column: source[start..at].chars().count() + 1,
        label: label.to_owned(),
        hint: hint.to_owned(),
    }
}

/// The list of a value, and the key or tag that holds it. Several tags without `master` are none: only a human knows which.
fn list(value: &JsonValue) -> Result<(String, &JsonValue), Vec<String>> {
    if let JsonKind::Array(_) = value.kind {
        return Ok(("the list".to_owned(), value));
    }
    let direct = |value: &JsonValue| {
        LISTS
            .iter()
            .find(|key| value.get(key).is_some_and(|list| matches!(list.kind, JsonKind::Array(_))))
            .copied()
    };
    if let Some(key) = direct(value) {
        return value.get(key).map(|list| (key.to_owned(), list)).ok_or_default();
    }
    let JsonKind::Object(all) = &value.kind else { return Err(Vec::new()) };
    let tags: Vec<&(String, JsonValue)> = all.iter().filter(|(_, tag)| direct(tag).is_some()).collect();
    let tag =
        tags.iter().find(|(name, _)| name == "master").or_else(|| tags.first().filter(|_| tags.len() == 1));
    match tag {
        Some((name, tag)) => {
            direct(tag).and_then(|key| Some((format!("{name}.{key}"), tag.get(key)?))).ok_or_default()
        }
        None => Err(tags.iter().map(|(name, _)| name.clone()).collect()),
    }
}

trait OrDefault<T> {
    fn ok_or_default(self) -> Result<T, Vec<String>>;
}

impl<T> OrDefault<T> for Option<T> {
    fn ok_or_default(self) -> Result<T, Vec<String>> {
        self.ok_or_else(Vec::new)
    }
}

fn tasks(source: &str, value: &JsonValue) -> TaskFile {
    let mut reader =
        JsonTasks { starts: line_starts(source), source, tasks: Vec::new(), priorities: Vec::new() };
    let mut file = TaskFile::default();
    let refuse = |message: String, hint: &str| diagnostic(source, Severity::Error, 0, message, "", hint);
    match list(value) {
        Ok((name, list)) => {
            for (at, entry) in list.list().iter().enumerate() {
                reader.entry(entry, at + 1, None);
            }
            let passes = list.list().iter().any(|entry| entry.get("passes").is_some());
            file.dialect = if passes { Dialect::PrdJson } else { Dialect::Taskmaster };
            let what = if passes { "`passes`" } else { "`status`" };
            file.dialect_reason = format!("JSON with a list of tasks; {what} says what is done");
            file.reading = format!("{} tasks from {name}", reader.tasks.len());
        }
        Err(tags) if tags.len() > 1 => {
            let message = format!("this file has task lists for {} tags: {}", tags.len(), tags.join(", "));
            file.diagnostics.push(refuse(message, "keep one of them in the file, or call it \"master\""));
        }
        Err(_) => {}
    }
    reader.finish(&mut file);
    if file.tasks.is_empty() && file.diagnostics.is_empty() {
        let hint = "seqorch reads `userStories` with `passes`, and `tasks` with `status`";
        file.diagnostics.push(refuse("no tasks found in this JSON".to_owned(), hint));
    }
    file
}

fn line_starts(source: &str) -> Vec<usize> {
    std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

struct JsonTasks<'a> {
    source: &'a str,
    starts: Vec<usize>,
    tasks: Vec<Task>,
    /// The priorities of the topmost tasks.
    priorities: Vec<Option<f64>>,
}

impl JsonTasks<'_> {
    /// Takes an entry and its subtasks.
    fn entry(&mut self, entry: &JsonValue, number: usize, parent: Option<&str>) {
        let JsonKind::Object(_) = entry.kind else { return };
        let id = entry.get("id").and_then(JsonValue::id).map_or_else(|| number.to_string(), str::to_owned);
        let id = match parent {
            Some(parent) if !id.contains('.') => format!("{parent}.{id}"),
            _ => id,
        };
        let named = ["title", "name", "description", "story"].iter().find_map(|key| entry.get(key));
        let title = named.and_then(JsonValue::text).unwrap_or_default();
        let place = named.map_or(entry.span.start, |value| value.span.start);
        let line = self.starts.partition_point(|&start| start <= place);
        let start = self.starts[line - 1];
        let end = self.starts.get(line).map_or(self.source.len(), |next| next - 1);
        let end = start + self.source[start..end].trim_end_matches('\r').len();
        let (state, mark) = state(entry);
        let subtasks = entry.get("subtasks").map_or(&[][..], JsonValue::list);
        if parent.is_none() {
            let priority = entry.get("priority").filter(|p| matches!(p.kind, JsonKind::Number(_)));
            self.priorities.push(priority.and_then(JsonValue::id).and_then(|text| text.parse().ok()));
        }
        self.tasks.push(Task {
            title: title.lines().next().unwrap_or_default().trim().to_owned(),
            state,
            parent: parent.map(str::to_owned),
            depends_on: dependencies(entry, parent),
            details: details(entry, title),
            line,
            span: start..end,
            mark,
            human: vocabulary::human(title),
            id: id.clone(),
            ..Task::default()
        });
        for (at, subtask) in subtasks.iter().enumerate() {
            // Subtasks of subtasks are details of no known tool.
            if parent.is_none() {
                self.entry(subtask, at + 1, Some(&id));
            }
        }
    }

    /// Checks ids and dependencies, and puts stories with priorities in their order.
    fn finish(self, file: &mut TaskFile) {
        let source = self.source;
        let mut seen = HashSet::new();
        for task in &self.tasks {
            if !seen.insert(task.id.as_str()) {
                let message = format!("task id {} is used twice", task.id);
                let hint = "give one of the tasks another id";
                file.diagnostics.push(diagnostic(
                    source,
                    Severity::Error,
                    task.span.start,
                    message,
                    "again here",
                    hint,
                ));
            }
        }
        let mut tasks = self.tasks.clone();
        for task in &mut tasks {
            task.depends_on.retain(|other| {
                let known = seen.contains(other.as_str()) && *other != task.id;
                if !known {
                    let message =
                        format!("task {} depends on \"{other}\", which is not a task of this file", task.id);
                    let hint = "correct the id, or leave it: it does not change the order";
                    let place = task.span.start;
                    file.diagnostics.push(diagnostic(
                        source,
                        Severity::Warning,
                        place,
                        message,
                        "no such task",
                        hint,
                    ));
                }
                known
            });
        }
        let ordered = self.priorities.windows(2).all(|pair| pair[0] <= pair[1]);
        if !ordered && self.priorities.iter().all(Option::is_some) {
            let mut waves: BTreeMap<u64, Vec<String>> = BTreeMap::new();
            let tops = tasks.iter().filter(|task| task.parent.is_none());
            let mut values: Vec<f64> = self.priorities.iter().flatten().copied().collect();
            values.sort_by(f64::total_cmp);
            for (task, priority) in tops.zip(self.priorities.iter().flatten()) {
                let rank = values.partition_point(|other| other < priority) as u64;
                waves.entry(rank).or_default().push(task.id.clone());
            }
            file.waves = waves.into_values().collect();
            file.waves_line = tasks.first().map_or(1, |task| task.line);
        }
        file.tasks = tasks;
    }
}

/// The state of an entry, and the value that says it.
fn state(entry: &JsonValue) -> (TaskState, Option<std::ops::Range<usize>>) {
    if let Some(value) = entry.get("passes") {
        return match value.kind {
            JsonKind::Bool(true) => (TaskState::Done, Some(value.span.clone())),
            JsonKind::Bool(false) => (TaskState::Todo, Some(value.span.clone())),
            _ => (TaskState::Todo, None),
        };
    }
    let Some(value) = entry.get("status") else { return (TaskState::Todo, None) };
    let Some(word) = value.text() else { return (TaskState::Todo, None) };
    let state = if matches!(word, "review" | "in-review") {
        TaskState::Blocked
    } else {
        vocabulary::state(word).unwrap_or(TaskState::Todo)
    };
    (state, Some(value.span.start + 1..value.span.end - 1))
}

/// The ids in `dependencies`. A subtask names its siblings by their last number.
fn dependencies(entry: &JsonValue, parent: Option<&str>) -> Vec<String> {
    let lists =
        ["dependencies", "dependsOn", "depends_on", "blockedBy"].iter().find_map(|key| entry.get(key));
    let ids = lists.map_or(&[][..], JsonValue::list).iter().filter_map(JsonValue::id);
    let own = |id: &str| match parent {
        Some(parent) if !id.contains('.') => format!("{parent}.{id}"),
        _ => id.to_owned(),
    };
    ids.map(own).collect()
}

/// What an entry says besides its title, as text.
fn details(entry: &JsonValue, title: &str) -> String {
    let mut out = String::new();
    let named = [
        ("description", ""),
        ("details", ""),
        ("acceptanceCriteria", "Acceptance criteria:"),
        ("acceptance_criteria", "Acceptance criteria:"),
        ("steps", "Steps:"),
        ("testStrategy", "Test strategy:"),
        ("notes", "Notes:"),
    ];
    for (key, label) in named {
        let Some(value) = entry.get(key) else { continue };
        let text = match &value.kind {
            JsonKind::Text(text) if text != title && !text.trim().is_empty() => text.trim().to_owned(),
            JsonKind::Array(all) if !all.is_empty() => {
                let lines: Vec<String> =
                    all.iter().filter_map(JsonValue::id).map(|text| format!("- {text}")).collect();
                lines.join("\n")
            }
            _ => continue,
        };
        let gap = if out.is_empty() { "" } else { "\n\n" };
        let label = if label.is_empty() { String::new() } else { format!("{label}\n") };
        let _ = write!(out, "{gap}{label}{text}");
    }
    out
}
