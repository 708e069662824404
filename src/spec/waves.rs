//! The waves below `## Task Dependency Graph`: an order that the spec's tool computed, as JSON in a fence.
//!
//! A wave is a list of ids (`[1, "2.1"]`) or an object with such a list under `tasks`, and maybe `dependsOn`, which says
//! of single tasks what they wait for. Ids are strings or numbers; a number is taken as written, since `1.10` is not `1.1`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use serde_json::value::RawValue;

use super::body::Bodies;
use super::deps::Edge;
use super::ids::Ids;
use super::lines::{Fence, Lines};
use super::model::Group;
use super::words::Section;

/// What the graph says.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// Ids as written, wave by wave.
    pub(crate) waves: Vec<Vec<String>>,
    /// Line of its fence, from 1; 0 where there is none.
    pub(crate) line: usize,
    /// What `dependsOn` adds: the task, and what comes before it.
    pub(crate) edges: Vec<(usize, Edge)>,
    pub(crate) problems: Vec<Problem>,
}

/// Something about it that a human should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// No JSON, or another form than those known.
    Unreadable { span: Range<usize>, why: String },
    /// An id that no task has.
    Unknown { span: Range<usize>, id: String },
}

impl Problem {
    pub(crate) fn span(&self) -> Range<usize> {
        match self {
            Problem::Unreadable { span, .. } | Problem::Unknown { span, .. } => span.clone(),
        }
    }
}

/// How many unknown ids are told.
const MOST: usize = 50;

/// Looks for the graph: a fence that holds waves, in a section on order or outside of all tasks.
pub(crate) fn find(
    lines: &Lines<'_>,
    ids: &Ids<'_>,
    groups: &[Group],
    bodies: &Bodies,
    sections: &[Section],
) -> Graph {
    let names = Names { ids, groups: groups.iter().map(|g| g.id.as_str()).collect() };
    for &fence in &lines.fences {
        let info = lines.text(fence.open).trim_start_matches([' ', '\t', '`', '~']).trim().to_lowercase();
        if !matches!(info.as_str(), "" | "json" | "jsonc" | "json5") || fence.close <= fence.open + 1 {
            continue;
        }
        let order = sections[fence.open] == Section::Order;
        if !order && bodies.owner(fence.open).is_some() {
            continue;
        }
        let (start, end) = (lines.all[fence.open + 1].start, lines.all[fence.close].start);
        let body = &lines.source[start..end];
        if !body.contains("\"waves\"") {
            continue;
        }
        match read(body) {
            Ok(said) => return graph(lines, &names, fence, start, said),
            // A broken sample somewhere else is nobody's business.
            Err(why) if order => {
                let line = &lines.all[fence.open];
                let problems = vec![Problem::Unreadable { span: line.start..line.end, why }];
                return Graph { problems, ..Graph::default() };
            }
            Err(_) => {}
        }
    }
    Graph::default()
}

/// A wave as it is written: its ids, and who waits for whom.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wave {
    tasks: Vec<String>,
    needs: Vec<(String, Vec<String>)>,
}

fn read(body: &str) -> Result<Vec<Wave>, String> {
    #[derive(serde::Deserialize)]
    struct Root<'a> {
        #[serde(borrow)]
        waves: Vec<&'a RawValue>,
    }
    let root: Root<'_> = serde_json::from_str(body).map_err(|e| e.to_string())?;
    root.waves.into_iter().map(|wave| read_wave(wave).map_err(|e| e.to_string())).collect()
}

fn read_wave(raw: &RawValue) -> serde_json::Result<Wave> {
    if raw.get().starts_with('[') {
        return Ok(Wave { tasks: list(raw)?, needs: Vec::new() });
    }
    let fields: HashMap<String, &RawValue> = serde_json::from_str(raw.get())?;
    let field = |names: &[&str]| names.iter().find_map(|n| fields.get(*n).copied());
    let tasks = field(&["tasks", "taskIds", "task_ids"]).map_or(Ok(Vec::new()), list)?;
    let needs = match field(&["dependsOn", "depends_on", "dependencies"]) {
        Some(map) if map.get().starts_with('{') => {
            let map: BTreeMap<String, &RawValue> = serde_json::from_str(map.get())?;
            map.into_iter().map(|(id, ids)| Ok((id, list(ids)?))).collect::<serde_json::Result<_>>()?
        }
        // A list names waves, and waves are in order anyway.
        _ => Vec::new(),
    };
    Ok(Wave { tasks, needs })
}

/// Ids of a list: strings, numbers, or objects with an `id`.
fn list(raw: &RawValue) -> serde_json::Result<Vec<String>> {
    let items: Vec<&RawValue> = serde_json::from_str(raw.get())?;
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let text = item.get();
        match text.as_bytes().first() {
            Some(b'"') => out.push(serde_json::from_str(text)?),
            Some(b'{') => {
                let fields: HashMap<String, &RawValue> = serde_json::from_str(text)?;
                if let Some(id) = fields.get("id") {
                    out.push(id.get().trim_matches('"').to_owned());
                }
            }
            Some(b'0'..=b'9') => out.push(text.to_owned()),
            _ => {}
        }
    }
    Ok(out)
}

fn graph(lines: &Lines<'_>, names: &Names<'_>, fence: Fence, start: usize, said: Vec<Wave>) -> Graph {
    let body = &lines.source[start..lines.all[fence.close].start];
    let open = lines.all[fence.open].start..lines.all[fence.open].end;
    let mut out = Graph { line: fence.open + 1, ..Graph::default() };
    let mut unknown: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for wave in said {
        for (id, needs) in wave.needs {
            let Some(task) = names.ids.task(&id) else {
                unknown.push(id);
                continue;
            };
            for need in needs {
                match names.ids.task(&need) {
                    Some(to) if seen.insert((task, to)) => {
                        out.edges.push((task, Edge { to, span: open.clone(), graph: true }));
                    }
                    Some(_) => {}
                    None => unknown.push(need),
                }
            }
        }
        unknown.extend(wave.tasks.iter().filter(|id| !names.know(id)).cloned());
        out.waves.push(wave.tasks);
    }
    unknown.sort();
    unknown.dedup();
    unknown.truncate(MOST);
    let place = |id: &str| {
        body.find(&format!("\"{id}\"")).map_or(open.clone(), |at| start + at + 1..start + at + 1 + id.len())
    };
    out.problems = unknown.into_iter().map(|id| Problem::Unknown { span: place(&id), id }).collect();
    out
}

/// What a wave may name: tasks, and headings that make units.
struct Names<'a> {
    ids: &'a Ids<'a>,
    groups: HashSet<&'a str>,
}

impl Names<'_> {
    fn know(&self, id: &str) -> bool {
        self.ids.task(id).is_some() || self.groups.contains(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(body: &str) -> Vec<Vec<String>> {
        read(body).unwrap().into_iter().map(|w| w.tasks).collect()
    }

    #[test]
    fn all_forms_of_waves_are_read_and_numbers_stay_as_written() {
        let expected = [vec!["1.1", "1.10"], vec!["2"]];
        assert_eq!(
            tasks(r#"{"waves": [{"id": 0, "tasks": ["1.1", "1.10"]}, {"id": 1, "tasks": ["2"]}]}"#),
            expected
        );
        assert_eq!(tasks(r#"{"waves": [[1.1, 1.10], [2]]}"#), expected);
        assert_eq!(
            tasks(r#"{"total": 3, "waves": [{"tasks": [{"id": "1.1"}, {"id": "1.10"}]}, {"tasks": [2]}]}"#),
            expected
        );
    }

    #[test]
    fn what_single_tasks_wait_for_is_kept() {
        let said = r#"{"waves": [{"wave": 1, "name": "Base", "tasks": ["1", "4"], "parallel": true},
            {"wave": 2, "tasks": ["7"], "dependsOn": {"7": ["1", 4]}}, {"wave": 3, "tasks": [8], "dependsOn": [2]}]}"#;
        let waves = read(said).unwrap();
        assert_eq!(waves[1].needs, [("7".to_owned(), vec!["1".to_owned(), "4".to_owned()])]);
        assert!(waves[2].needs.is_empty());
    }

    #[test]
    fn other_forms_are_refused_not_guessed() {
        for text in
            ["", "{", "[]", r#"{"waves": 3}"#, r#"{"waves": ["1"]}"#, r#"{"waves": [{"tasks": "1"}]}"#]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
