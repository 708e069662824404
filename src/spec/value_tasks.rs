//! Tasks from a list of values, in JSON or YAML: ids, titles, states, dependencies and subtasks.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::ops::Range;

use super::model::{Diagnostic, Severity, Task, TaskFile, TaskState};
use super::placed_value::{PlacedValue, ValueKind};
use super::vocabulary;

/// The keys that name a task.
const NAMES: [&str; 7] = ["title", "name", "content", "task", "text", "description", "story"];
/// The keys that say with true or false whether a task is done.
pub(crate) const FLAGS: [&str; 3] = ["passes", "done", "completed"];
/// How deep subtasks may be nested.
const DEEPEST: usize = 8;

/// A diagnostic at an offset.
pub(crate) fn diagnostic(
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

/// A word or a flag that says whether a task is done.
struct SaidState {
    state: TaskState,
    /// The bytes that say it.
    mark: Option<Range<usize>>,
    /// What is not understood of it.
    unknown: Option<(String, &'static str)>,
}

/// The tasks of a list.
pub(crate) struct ValueTasks<'a> {
    source: &'a str,
    starts: Vec<usize>,
    tasks: Vec<Task>,
    /// The priorities of the topmost tasks.
    priorities: Vec<Option<f64>>,
    problems: Vec<Diagnostic>,
}

impl<'a> ValueTasks<'a> {
    /// Reads a list of values of this text.
    pub(crate) fn of(source: &'a str, list: &[PlacedValue]) -> Self {
        let starts = std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut all =
            Self { source, starts, tasks: Vec::new(), priorities: Vec::new(), problems: Vec::new() };
        for (at, entry) in list.iter().enumerate() {
            all.entry(entry, at + 1, None, 0);
        }
        all
    }

    /// Takes an entry and its subtasks.
    fn entry(&mut self, entry: &PlacedValue, number: usize, parent: Option<&str>, depth: usize) {
        let own = entry.get("id").and_then(PlacedValue::id).filter(|id| !id.is_empty());
        let placed_id = own.is_none();
        let id = own.map_or_else(|| number.to_string(), str::to_owned);
        let id = match parent {
            Some(parent) if !id.starts_with(&format!("{parent}.")) => format!("{parent}.{id}"),
            _ => id,
        };
        let key = NAMES.iter().find(|key| entry.get(key).and_then(PlacedValue::text).is_some());
        let named = match entry.kind {
            ValueKind::Object(_) => key.and_then(|key| entry.get(key)),
            // a list of texts
            ValueKind::Text(_) => Some(entry),
            _ => {
                let what = format!("entry {number} of the list is not a task");
                let hint = "write a text, or an object with a title";
                self.problems.push(self.at(Severity::Warning, entry.span.start, what, "", hint));
                return;
            }
        };
        let title = named.and_then(PlacedValue::text).unwrap_or_default();
        let place = named.map_or(entry.span.start, |value| value.span.start);
        let line = self.starts.partition_point(|&start| start <= place);
        let start = self.starts[line - 1];
        let end = self.starts.get(line).map_or(self.source.len(), |next| next - 1);
        let end = start + self.source[start..end].trim_end_matches('\r').len();
        let said = said_state(self.source, entry);
        if let Some((what, hint)) = said.unknown {
            let at = said.mark.as_ref().map_or(place, |mark| mark.start);
            let message = format!("{what} of task {id} is not known, so the task is open");
            self.problems.push(self.at(Severity::Warning, at, message, "", hint));
        }
        if parent.is_none() {
            let priority = entry.get("priority").filter(|p| matches!(p.kind, ValueKind::Number(_)));
            self.priorities.push(priority.and_then(PlacedValue::id).and_then(|text| text.parse().ok()));
        }
        let first = title.trim().lines().next().map(str::trim).filter(|title| !title.is_empty());
        self.tasks.push(Task {
            title: first.unwrap_or(&id).to_owned(),
            placed_id,
            state: said.state,
            parent: parent.map(str::to_owned),
            depends_on: dependencies(entry, parent),
            details: details(entry, key, title),
            line,
            span: start..end,
            mark: said.mark,
            human: vocabulary::human(title),
            id: id.clone(),
            ..Task::default()
        });
        let subtasks = entry.get("subtasks").map_or(&[][..], PlacedValue::list);
        if depth == DEEPEST && !subtasks.is_empty() {
            let what = format!("the subtasks of task {id} are nested too deep, and are not read");
            self.problems.push(self.at(Severity::Warning, place, what, "", "put them a level higher"));
            return;
        }
        for (at, subtask) in subtasks.iter().enumerate() {
            self.entry(subtask, at + 1, Some(&id), depth + 1);
        }
    }

    fn at(&self, severity: Severity, at: usize, message: String, label: &str, hint: &str) -> Diagnostic {
        diagnostic(self.source, severity, at, message, label, hint)
    }

    /// The number of tasks.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Checks ids and dependencies, and puts stories with priorities in their order.
    pub(crate) fn finish(mut self, file: &mut TaskFile) {
        file.diagnostics.append(&mut self.problems);
        let mut seen = HashSet::new();
        for task in &self.tasks {
            if !seen.insert(task.id.as_str()) {
                let message = format!("task id {} is used twice", task.id);
                let hint = "give one of the tasks another id";
                file.diagnostics.push(self.at(Severity::Error, task.span.start, message, "again here", hint));
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
                    file.diagnostics.push(self.at(Severity::Warning, place, message, "no such task", hint));
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
fn said_state(source: &str, entry: &PlacedValue) -> SaidState {
    let flag = FLAGS.iter().find_map(|key| Some((key, entry.get(key)?)));
    let status = entry.get("status");
    let mark =
        |value: &PlacedValue| Some(without_quotes(source, &value.span)).filter(|mark| !mark.is_empty());
    let said = |state, value| SaidState { state, mark: mark(value), unknown: None };
    match (flag, status) {
        (Some((_, value)), None | Some(_)) if truth(value).is_some() => {
            said(if truth(value) == Some(true) { TaskState::Done } else { TaskState::Todo }, value)
        }
        // a date, or nothing yet, beside a status
        (_, Some(value)) => match value.text() {
            Some("review" | "in-review" | "in_review") => said(TaskState::Blocked, value),
            Some(word) if vocabulary::state(word).is_some() => {
                said(vocabulary::state(word).unwrap_or_default(), value)
            }
            _ => SaidState {
                unknown: Some((
                    format!("the status `{}`", shown(&source[value.span.clone()])),
                    "write pending, in progress or done, as the file writes them",
                )),
                ..said(TaskState::Todo, value)
            },
        },
        (Some((key, value)), None) => SaidState {
            unknown: Some((
                format!("the value `{}` of \"{key}\"", shown(&source[value.span.clone()])),
                "write true or false",
            )),
            ..said(TaskState::Todo, value)
        },
        (None, None) => SaidState { state: TaskState::Todo, mark: None, unknown: None },
    }
}

fn truth(value: &PlacedValue) -> Option<bool> {
    match (&value.kind, value.text()) {
        (ValueKind::Bool(truth), _) => Some(*truth),
        (_, Some("true")) => Some(true),
        (_, Some("false")) => Some(false),
        _ => None,
    }
}

/// A value for a message: one line, not long.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(40).collect()
}

fn without_quotes(source: &str, span: &Range<usize>) -> Range<usize> {
    let text = &source[span.clone()];
    let is_quoted = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
    if is_quoted { span.start + 1..span.end - 1 } else { span.clone() }
}

/// The keys of dependencies.
const DEPENDENCIES: [&str; 5] = ["dependencies", "dependsOn", "depends_on", "blockedBy", "blocked_by"];

/// The ids in `dependencies`: a list, or a text with commas. A subtask names its siblings by their last number.
fn dependencies(entry: &PlacedValue, parent: Option<&str>) -> Vec<String> {
    let Some(value) = DEPENDENCIES.iter().find_map(|key| entry.get(key)) else { return Vec::new() };
    let own = |id: &str| match parent {
        Some(parent) if !id.contains('.') => format!("{parent}.{id}"),
        _ => id.to_owned(),
    };
    let id = |value: &PlacedValue| value.id().or_else(|| value.get("id")?.id()).map(str::to_owned);
    let ids: Vec<String> = match value.id() {
        Some(text) => text.split(',').map(|id| id.trim().to_owned()).collect(),
        None => value.list().iter().filter_map(id).collect(),
    };
    ids.iter().filter(|id| !id.is_empty()).map(|id| own(id)).collect()
}

/// What an entry says besides its title, as text.
fn details(entry: &PlacedValue, name: Option<&&str>, title: &str) -> String {
    let named = [
        ("description", ""),
        ("details", ""),
        ("acceptanceCriteria", "Acceptance criteria:"),
        ("acceptance_criteria", "Acceptance criteria:"),
        ("steps", "Steps:"),
        ("testStrategy", "Test strategy:"),
        ("notes", "Notes:"),
    ];
    let mut parts: Vec<String> = Vec::new();
    let more = title.trim().split_once('\n').map_or("", |(_, more)| more.trim());
    parts.extend((!more.is_empty()).then(|| more.to_owned()));
    for (key, label) in named.into_iter().filter(|(key, _)| Some(key) != name) {
        let Some(text) = entry.get(key).and_then(|value| written(value, title)) else { continue };
        let label = if label.is_empty() { String::new() } else { format!("{label}\n") };
        parts.push(format!("{label}{text}"));
    }
    let known = |key: &str| {
        named.iter().any(|(known, _)| *known == key)
            || FLAGS.contains(&key)
            || DEPENDENCIES.contains(&key)
            || Some(&key) == name
            || ["id", "status", "priority", "subtasks", "activeForm"].contains(&key)
    };
    if let ValueKind::Object(all) = &entry.kind {
        for (key, value) in all.iter().filter(|(key, _)| !known(key)) {
            let Some(text) = written(value, title) else { continue };
            let gap = if text.contains('\n') { '\n' } else { ' ' };
            parts.push(format!("{key}:{gap}{text}"));
        }
    }
    parts.join("\n\n")
}

/// A text, or a list of texts, that says something.
fn written(value: &PlacedValue, title: &str) -> Option<String> {
    match &value.kind {
        ValueKind::Text(text) if text != title && !text.trim().is_empty() => Some(text.trim().to_owned()),
        ValueKind::Array(all) if !all.is_empty() => {
            let mut lines = String::new();
            for text in all.iter().filter_map(PlacedValue::id) {
                let _ = write!(lines, "{}- {text}", if lines.is_empty() { "" } else { "\n" });
            }
            Some(lines).filter(|lines| !lines.is_empty())
        }
        _ => None,
    }
}
