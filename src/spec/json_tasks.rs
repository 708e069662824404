//! Task lists in JSON: the stories of a prd.json (`passes`), and Taskmaster's tasks.json (`status`, `subtasks`).

use std::fmt::Write as _;

use super::json_value;
use super::model::{Dialect, Severity, TaskFile};
use super::placed_value::{PlacedValue, ValueKind};
use super::value_tasks::{ValueTasks, diagnostic};

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

/// A list of tasks in a file.
struct FoundList<'a> {
    /// The key or the tag that holds it.
    name: String,
    list: &'a PlacedValue,
    /// Further lists of the file, which are not read, with their sizes.
    others: Vec<(String, usize)>,
}

/// The list of a value. Several tags without `master` are none: only a person knows which.
fn list(value: &PlacedValue) -> Result<FoundList<'_>, Vec<String>> {
    if let ValueKind::Array(_) = value.kind {
        return Ok(FoundList { name: "the list".to_owned(), list: value, others: Vec::new() });
    }
    let lists = |value: &'_ PlacedValue| -> Vec<(&'static str, usize)> {
        let is_list =
            |key: &&str| value.get(key).is_some_and(|list| matches!(list.kind, ValueKind::Array(_)));
        let mut found: Vec<(&str, usize)> = LISTS
            .into_iter()
            .filter(is_list)
            .map(|key| (key, value.get(key).map_or(0, |list| list.list().len())))
            .collect();
        // a list that says what is done comes before one that does not
        found.sort_by_key(|(key, _)| value.get(key).is_none_or(|list| !list.list().iter().any(says_state)));
        found
    };
    let mut others = Vec::new();
    let direct = lists(value);
    let mut tags = Vec::new();
    if let ValueKind::Object(all) = &value.kind {
        tags = all.iter().filter(|(_, tag)| !lists(tag).is_empty()).collect::<Vec<_>>();
    }
    let sized = |prefix: &str, lists: &[(&str, usize)]| -> Vec<(String, usize)> {
        let full = lists.iter().filter(|(_, size)| *size > 0);
        full.map(|(key, size)| (format!("{prefix}{key}"), *size)).collect()
    };
    let (holder, prefix) = if direct.is_empty() {
        let master = tags.iter().position(|(name, _)| name == "master");
        let Some(at) = master.or((tags.len() == 1).then_some(0)) else {
            return Err(tags.iter().map(|(name, _)| name.clone()).collect());
        };
        let (name, tag) = tags.remove(at);
        (tag, format!("{name}."))
    } else {
        (value, String::new())
    };
    let own = lists(holder);
    others.extend(sized(&prefix, &own[1..]));
    for (name, tag) in tags {
        others.extend(sized(&format!("{name}."), &lists(tag)));
    }
    let key = own[0].0;
    let list = holder.get(key).ok_or_else(Vec::new)?;
    Ok(FoundList { name: format!("{prefix}{key}"), list, others })
}

fn counted(count: usize) -> String {
    if count == 1 { "1 task".to_owned() } else { format!("{count} tasks") }
}

fn says_state(entry: &PlacedValue) -> bool {
    entry.get("status").is_some() || entry.get("passes").is_some()
}

fn tasks(source: &str, value: &PlacedValue) -> TaskFile {
    let mut file = TaskFile::default();
    let refuse = |message: String, hint: &str| diagnostic(source, Severity::Error, 0, message, "", hint);
    match list(value) {
        Ok(found) => {
            let all = found.list.list();
            let tasks = ValueTasks::of(source, all);
            let passes = all.iter().any(|entry| entry.get("passes").is_some());
            file.dialect = if passes { Dialect::PrdJson } else { Dialect::Taskmaster };
            let what = if passes { "`passes`" } else { "`status`" };
            file.dialect_reason = format!("JSON with a list of tasks; {what} says what is done");
            let mut reading = format!("{} from {}", counted(tasks.len()), found.name);
            for (name, size) in found.others {
                let _ = write!(reading, "; {} of {name} not read", counted(size));
            }
            file.reading = reading;
            tasks.finish(&mut file);
        }
        Err(tags) if tags.len() > 1 => {
            let message = format!("this file has task lists for {} tags: {}", tags.len(), tags.join(", "));
            file.diagnostics.push(refuse(message, "keep one of them in the file, or call it \"master\""));
        }
        Err(_) => {}
    }
    if file.tasks.is_empty() && file.diagnostics.is_empty() {
        let hint = "seqorch reads `userStories` with `passes`, and `tasks` with `status`";
        file.diagnostics.push(refuse("no tasks found in this JSON".to_owned(), hint));
    }
    file
}
