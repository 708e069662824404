//! From text to [`TaskFile`]: the steps, in order.

use std::collections::HashMap;

use super::body::{self, Bodies};
use super::collect::{self, Collected, Found};
use super::deps::Deps;
use super::dialect::{self, Signs};
use super::grammar::Shape;
use super::ids::Ids;
use super::lines::{self, Kind, Lines};
use super::memo::MetaMemo;
use super::model::{Dialect, IgnoredLine, Task, TaskFile, TaskState};
use super::{check, deps, title, tree, waves, words};

/// Parses a tasks.md in whatever dialect it is written. It never refuses a file: what is wrong with it is said in
/// [`TaskFile::diagnostics`], what looked like a task and is none in [`TaskFile::ignored`].
#[must_use]
pub fn parse(source: &str) -> TaskFile {
    parse_as(source, None)
}

/// Like [`parse`], with the dialect given instead of told by evidence.
#[must_use]
pub fn parse_as(source: &str, dialect: Option<Dialect>) -> TaskFile {
    let lines = lines::scan(source);
    let verdict = dialect::judge(&lines, dialect);
    let collected = collect::collect(&lines, &verdict);
    let found = &collected.found;
    let ids = Ids::new(found);
    let tree = tree::build(&lines, found, &ids);
    let bodies = body::assign(&lines, found);
    let mut deps = deps::find(&lines, found, &ids, &bodies, &verdict.sections);
    let graph = waves::find(&lines, &ids, &tree.groups, &bodies, &verdict.sections);
    for (task, edge) in &graph.edges {
        deps.edges[*task].push(edge.clone());
    }
    let mut diagnostics = check::check(&lines, found, &ids, &tree, &deps, &graph, dialect);

    let speckit = found.iter().filter(|f| speckit_id(f)).count();
    let mut memo = MetaMemo::default();
    let mut tasks = Vec::with_capacity(found.len());
    let mut signs = Signs { tasks: found.len(), speckit_ids: speckit, ..Signs::default() };
    for (i, f) in found.iter().enumerate() {
        let line = &lines.all[f.line];
        let text = lines.text(f.line);
        let title = title::clean(
            text[f.title.clone()].trim_end_matches(if f.level > 0 { ['#', ' '] } else { [' ', ' '] }),
            f.open,
            speckit * 2 > found.len() || dialect == Some(Dialect::SpecKit),
        );
        let (details, metadata) = body::details(&lines, &bodies, i, &mut memo);
        let optional_by_text = !f.star && words::optional(&title.text);
        signs.whole += usize::from(f.shape == Some(Shape::Number));
        signs.grouped += usize::from(tree.group[i].is_some());
        signs.stars += usize::from(f.star);
        signs.requirements += usize::from(metadata.iter().any(|(k, _)| requirements(k)));
        signs.ccsdd += usize::from(
            title.parallel && speckit == 0 || metadata.iter().any(|(k, _)| k == "Boundary" || k == "Depends"),
        );
        tasks.push(Task {
            id: f.id.to_string(),
            title: title.text,
            state: TaskState::Todo,
            doubtful: false,
            optional: f.star,
            optional_by_text,
            parallel: title.parallel,
            parent: tree.parent[i].map(|p| found[p].id.to_string()),
            group: tree.group[i].map(|g| tree.groups[g].id.clone()),
            depends_on: first(&deps, found, i, false),
            after: first(&deps, found, i, true),
            metadata,
            details,
            line: f.line + 1,
            span: line.start..line.end,
            mark: f.mark.clone().map(|m| line.start + m.start..line.start + m.end),
        });
    }
    let (dialect, dialect_reason) = match dialect {
        Some(dialect) => (dialect, "tasks.dialect says so".to_owned()),
        None => dialect::name(verdict.mode, &signs),
    };
    let states = States { lines: &lines, bodies: &bodies, collected: &collected, dialect };
    for (i, task) in tasks.iter_mut().enumerate() {
        task.state = states.of(i, &task.title);
        task.doubtful = states.doubtful(task, source);
    }
    if let Some(ahead) = check::ahead(&lines, found, &bodies, &tasks) {
        let at = diagnostics.partition_point(|d| d.span.start <= ahead.span.start);
        diagnostics.insert(at, ahead);
    }
    TaskFile {
        tasks,
        ignored: ignored(&lines, &collected),
        diagnostics,
        groups: tree.groups,
        dialect,
        dialect_reason,
        waves: graph.waves,
        waves_line: graph.line,
    }
}

/// The ids that come before a task, by the task's own words or by the graph's.
fn first(deps: &Deps, found: &[Found<'_>], task: usize, graph: bool) -> Vec<String> {
    deps.edges[task].iter().filter(|e| e.graph == graph).map(|e| found[e.to].id.to_string()).collect()
}

/// `T001`
fn speckit_id(f: &Found<'_>) -> bool {
    f.shape == Some(Shape::LetterT) && f.id.bytes().skip(1).take_while(u8::is_ascii_digit).count() >= 3
}

/// `_Requirements: 1.1_` in the languages seen.
fn requirements(key: &str) -> bool {
    ["Requirement", "Requirements", "需求", "要件", "Requisitos", "요구사항", "Req"].contains(&key)
}

fn ignored(lines: &Lines<'_>, collected: &Collected<'_>) -> Vec<IgnoredLine> {
    collected
        .ignored
        .iter()
        .map(|&(index, why)| IgnoredLine { line: index + 1, text: lines.text(index).to_owned(), why })
        .collect()
}

/// What the marks of a file mean.
struct States<'a> {
    lines: &'a Lines<'a>,
    bodies: &'a Bodies,
    collected: &'a Collected<'a>,
    dialect: Dialect,
}

impl States<'_> {
    fn of(&self, task: usize, title: &str) -> TaskState {
        let f = &self.collected.found[task];
        if let Some(mark) = &f.mark {
            return self.mark(&self.lines.text(f.line)[mark.clone()], title);
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
        words::signs(&text[..id], title).unwrap_or_else(|| self.heading(task))
    }

    /// Whether nobody but the author knows what the mark means.
    fn doubtful(&self, task: &Task, source: &str) -> bool {
        task.state == TaskState::InProgress
            && task.mark.as_ref().is_some_and(|m| source[m.clone()].trim() == "~")
            && !self.collected.legend.contains_key("~")
    }

    /// One mark.
    fn mark(&self, mark: &str, title: &str) -> TaskState {
        let mark = mark.trim();
        if let Some(&state) = self.collected.legend.get(mark) {
            return state;
        }
        match mark.trim_end_matches('\u{FE0F}') {
            "x" | "X" | "✓" | "✔" | "✅" | "☑" | "√" => TaskState::Done,
            "~" if words::given_up(title) => TaskState::Skipped,
            "~" if matches!(self.dialect, Dialect::Kiro | Dialect::CcSdd) => TaskState::Queued,
            "~" | "-" | "/" | "🔄" => TaskState::InProgress,
            "!" | "❌" => TaskState::Blocked,
            _ => TaskState::Todo,
        }
    }

    /// A heading without box: its status line, else what its boxes say together.
    fn heading(&self, task: usize) -> TaskState {
        let mut counts: HashMap<TaskState, usize> = HashMap::new();
        let mut total = 0;
        for index in self.bodies.lines(task) {
            match self.lines.all[index].kind {
                Kind::Text => {
                    if let Some(state) = self.status_line(self.lines.text(index)) {
                        return state;
                    }
                }
                Kind::Item(i) => {
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

    /// `- **Status**: [x]`, `**Status:** done`.
    fn status_line(&self, text: &str) -> Option<TaskState> {
        let body = text.trim_start_matches([' ', '\t', '-', '*', '+', '_']);
        let rest = ["Status", "State", "状态", "ステータス", "状態", "Estado"]
            .iter()
            .find_map(|w| body.strip_prefix(w))?;
        let rest = rest.trim_start_matches(['*', '_', ' ']).strip_prefix([':', '：'])?;
        let rest = rest.trim_matches(['*', '_', ' ', '`']);
        match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
            Some((mark, _)) => Some(self.mark(mark, "")),
            None => words::state(rest),
        }
    }
}
