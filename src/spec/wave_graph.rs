//! The waves below `## Task Dependency Graph`: an order that the spec's tool computed, as JSON in a fence.
//!
//! A wave is a list of ids (`[1, "2.1"]`), or an object with such a list under `tasks` and sometimes `dependsOn`, which
//! names what single tasks wait for. Ids are strings or numbers. A number keeps its digits, since `1.10` is not `1.1`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use serde_json::value::RawValue;

use super::bodies::TaskBodies;
use super::dependencies::DependencyEdge;
use super::id_index::IdIndex;
use super::id_order::compare_ids;
use super::lines::{FencedBlock, SourceLines};
use super::model::TaskGroup;
use super::section_names::SectionKind;

/// What the graph says.
#[derive(Debug, Default)]
pub(crate) struct WaveGraph {
    /// The ids as written, wave by wave.
    pub(crate) waves: Vec<Vec<String>>,
    /// Line of the fence, from 1; 0 if there is no graph.
    pub(crate) line: usize,
    /// The tasks with `dependsOn`, and what comes before each.
    pub(crate) edges: Vec<(usize, DependencyEdge)>,
    pub(crate) problems: Vec<GraphProblem>,
}

/// What is wrong with the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GraphProblem {
    /// It is not JSON, or its form is unknown.
    Unreadable { span: Range<usize>, why: String },
    /// No task has this id.
    UnknownId { span: Range<usize>, id: String },
}

impl GraphProblem {
    pub(crate) fn span(&self) -> Range<usize> {
        match self {
            GraphProblem::Unreadable { span, .. } | GraphProblem::UnknownId { span, .. } => span.clone(),
        }
    }
}

/// How many unknown ids are reported.
const MOST: usize = 50;

/// Looks for the graph: a fence with waves, in a section about order or outside of all tasks.
pub(crate) fn find(
    lines: &SourceLines<'_>,
    ids: &IdIndex<'_>,
    groups: &[TaskGroup],
    bodies: &TaskBodies,
    sections: &[SectionKind],
) -> WaveGraph {
    let known = KnownIds { ids, groups: groups.iter().map(|g| g.id.as_str()).collect() };
    for &fence in &lines.fences {
        let info = lines.text(fence.open).trim_start_matches([' ', '\t', '`', '~']).trim().to_lowercase();
        if !matches!(info.as_str(), "" | "json" | "jsonc" | "json5") || fence.close <= fence.open + 1 {
            continue;
        }
        let order = sections[fence.open] == SectionKind::Order;
        if !order && bodies.owner(fence.open).is_some() {
            continue;
        }
        let (start, end) = (lines.all[fence.open + 1].start, lines.all[fence.close].start);
        let body = &lines.source[start..end];
        if !body.contains("\"waves\"") {
            continue;
        }
        match read(body) {
            Ok(waves) => return graph(lines, &known, fence, start, waves),
            // A broken sample elsewhere is not reported.
            Err(why) if order => {
                let line = &lines.all[fence.open];
                let problems = vec![GraphProblem::Unreadable { span: line.start..line.end, why }];
                return WaveGraph { problems, ..WaveGraph::default() };
            }
            Err(_) => {}
        }
    }
    WaveGraph::default()
}

/// A wave as it is written: its ids, and what single tasks wait for.
#[derive(Debug, Default, PartialEq, Eq)]
struct WrittenWave {
    tasks: Vec<String>,
    depends_on: Vec<(String, Vec<String>)>,
}

fn read(body: &str) -> Result<Vec<WrittenWave>, String> {
    #[derive(serde::Deserialize)]
    struct GraphJson<'a> {
        #[serde(borrow)]
        waves: Vec<&'a RawValue>,
    }
    let root: GraphJson<'_> = serde_json::from_str(body).map_err(|e| e.to_string())?;
    root.waves.into_iter().map(|wave| read_wave(wave).map_err(|e| e.to_string())).collect()
}

fn read_wave(raw: &RawValue) -> serde_json::Result<WrittenWave> {
    if raw.get().starts_with('[') {
        return Ok(WrittenWave { tasks: list(raw)?, depends_on: Vec::new() });
    }
    let fields: HashMap<String, &RawValue> = serde_json::from_str(raw.get())?;
    let field = |names: &[&str]| names.iter().find_map(|n| fields.get(*n).copied());
    let tasks = field(&["tasks", "taskIds", "task_ids"]).map_or(Ok(Vec::new()), list)?;
    let depends_on = match field(&["dependsOn", "depends_on", "dependencies"]) {
        Some(map) if map.get().starts_with('{') => {
            let map: BTreeMap<String, &RawValue> = serde_json::from_str(map.get())?;
            map.into_iter().map(|(id, ids)| Ok((id, list(ids)?))).collect::<serde_json::Result<_>>()?
        }
        // A list names waves, which are in order anyway.
        _ => Vec::new(),
    };
    Ok(WrittenWave { tasks, depends_on })
}

/// The ids in a list: strings, numbers, or objects with an `id`.
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

fn graph(
    lines: &SourceLines<'_>,
    known: &KnownIds<'_>,
    fence: FencedBlock,
    start: usize,
    waves: Vec<WrittenWave>,
) -> WaveGraph {
    let body = &lines.source[start..lines.all[fence.close].start];
    let open = lines.all[fence.open].start..lines.all[fence.open].end;
    let mut out = WaveGraph { line: fence.open + 1, ..WaveGraph::default() };
    let mut unknown: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for wave in waves {
        for (id, befores) in wave.depends_on {
            let Some(task) = known.ids.task(&id) else {
                unknown.push(id);
                continue;
            };
            for before in befores {
                match known.ids.task(&before) {
                    Some(to) if seen.insert((task, to)) => {
                        out.edges.push((task, DependencyEdge { to, span: open.clone(), graph: true }));
                    }
                    Some(_) => {}
                    None => unknown.push(before),
                }
            }
        }
        unknown.extend(wave.tasks.iter().filter(|id| !known.contains(id)).cloned());
        out.waves.push(wave.tasks);
    }
    unknown.sort_by(|a, b| compare_ids(a, b));
    unknown.dedup();
    unknown.truncate(MOST);
    let place = |id: &str| {
        body.find(&format!("\"{id}\"")).map_or(open.clone(), |at| start + at + 1..start + at + 1 + id.len())
    };
    out.problems = unknown.into_iter().map(|id| GraphProblem::UnknownId { span: place(&id), id }).collect();
    out
}

/// The ids that a wave may name: those of tasks and of headings that make units.
struct KnownIds<'a> {
    ids: &'a IdIndex<'a>,
    groups: HashSet<&'a str>,
}

impl KnownIds<'_> {
    fn contains(&self, id: &str) -> bool {
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
    fn dependencies_of_single_tasks_are_read() {
        let json = r#"{"waves": [{"wave": 1, "name": "Base", "tasks": ["1", "4"], "parallel": true},
            {"wave": 2, "tasks": ["7"], "dependsOn": {"7": ["1", 4]}}, {"wave": 3, "tasks": [8], "dependsOn": [2]}]}"#;
        let waves = read(json).unwrap();
        assert_eq!(waves[1].depends_on, [("7".to_owned(), vec!["1".to_owned(), "4".to_owned()])]);
        assert!(waves[2].depends_on.is_empty());
    }

    #[test]
    fn other_forms_are_errors() {
        for text in
            ["", "{", "[]", r#"{"waves": 3}"#, r#"{"waves": ["1"]}"#, r#"{"waves": [{"tasks": "1"}]}"#]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
