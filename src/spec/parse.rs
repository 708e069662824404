//! Turns text into a [`TaskFile`]: all passes, in order.

use std::sync::Arc;

use super::bodies::{self, TaskBodies};
use super::collect::collect;
use super::dependencies::{self, Dependencies, DependencyEdge};
use super::dialect::{self, DialectSigns};
use super::grammar::IdShape;
use super::grammar_memo::MetadataMemo;
use super::headings_above::headings_above;
use super::hierarchy::{self, TaskHierarchy};
use super::id_index::IdIndex;
use super::lines::{self, LineKind, SourceLines};
use super::model::{Dialect, IgnoredLine, IgnoredReason, Task, TaskFile, TaskState};
use super::reading_rules::{ReadingRules, TaskForm, reading_rules};
use super::states::StateReader;
use super::task_line::{CollectedLines, TaskLine};
use super::{
    check, diagnostic_list, front_matter, json_tasks, not_taken, reading_summary, section_texts, states,
    title, unique_ids, vocabulary, wave_graph,
};

/// Parses a tasks.md of any dialect. It never refuses a file: [`TaskFile::diagnostics`] lists what is wrong with it,
/// [`TaskFile::ignored`] the lines that look like tasks and are not.
#[must_use]
pub fn parse(source: &str) -> TaskFile {
    parse_as(source, None)
}

/// Like [`parse`], but a given dialect decides instead of the evidence in the file.
#[must_use]
pub fn parse_as(source: &str, forced: Option<Dialect>) -> TaskFile {
    if let Some(file) = json_tasks::read(source) {
        return file;
    }
    let lines = lines::scan(source);
    let rules = reading_rules(&lines, forced);
    let mut collected = collect(&lines, &rules);
    if let Some(todos) = (rules.form == TaskForm::Todos).then(|| front_matter::todos(&lines)).flatten() {
        return with_ignored(front_matter::file(&lines, &todos), &lines, &rules, &collected);
    }
    let done = states::ticked(&lines, &collected.tasks);
    let counted = unique_ids::qualify(&lines, &rules.map, &mut collected.tasks, &done);
    let found = &collected.tasks;
    let ids = IdIndex::new(found);
    let tree = hierarchy::build(&lines, &rules.map, found, &ids);
    let mut bodies = bodies::assign(&lines, found);
    let mut deps = dependencies::find(&lines, found, &ids, &bodies, &rules, &tree.parent);
    if rules.form == TaskForm::Elements {
        wait_for_checkpoints(&lines, found, &mut deps);
    }
    section_texts::give_to_only_tasks(&lines, &rules.map, found, &tree.parent, &mut bodies);
    let graph = wave_graph::find(&lines, &ids, &tree.groups, &bodies, &rules.sections);
    for (task, edge) in &graph.edges {
        deps.edges[*task].push(edge.clone());
    }
    let around = section_texts::of_tasks(&lines, &rules.map, found, &bodies);
    let mut diagnostics = check::check(&lines, found, &ids, &tree, &deps, &graph, forced);

    let speckit_ids = found.iter().filter(|f| is_speckit_id(f)).count();
    let reader = TaskReader {
        lines: &lines,
        found,
        tree: &tree,
        bodies: &bodies,
        deps: &deps,
        sections: headings_above(&lines, found),
        speckit: speckit_ids * 2 > found.len() || forced == Some(Dialect::SpecKit),
        signs: DialectSigns { tasks: found.len(), speckit_ids, ..DialectSigns::default() },
        memo: MetadataMemo::default(),
    };
    let (mut tasks, signs) = reader.read();
    let (dialect, dialect_reason) = match forced {
        Some(dialect) => (dialect, "tasks.dialect says so".to_owned()),
        None => dialect::name(&lines, &rules, &signs),
    };
    let states = StateReader { lines: &lines, bodies: &bodies, collected: &collected, dialect };
    for (i, task) in tasks.iter_mut().enumerate() {
        task.state = states.of(i, &task.title);
        task.steps = states.steps(i, &task.title);
        task.around = Arc::clone(&around[i]);
    }
    let unknown: Vec<usize> = (0..tasks.len()).filter(|&i| states.is_unknown(&tasks[i], source)).collect();
    let more = check::done_over_open_boxes(&lines, found, &bodies, &tasks);
    diagnostics.extend(more.into_iter().chain(check::unknown_marks(&lines, &tasks, &unknown)));
    diagnostics.extend(check::counted_ids(&lines, found, &counted));
    diagnostics.extend(not_taken::left_out(&lines, &rules.left_out));
    diagnostics.extend(not_taken::passed_over(&lines, &rules.passed_over));
    let ignored = ignored(&lines, &collected, &bodies);
    let task_states: Vec<TaskState> = tasks.iter().map(|task| task.state).collect();
    let unused: Vec<usize> =
        collected.ignored.iter().map(|i| i.0).filter(|&line| lines.heading(line).is_some()).collect();
    let beside: Vec<usize> =
        ignored.iter().map(|i| i.0).filter(|line| rules.map.beside.binary_search(line).is_ok()).collect();
    diagnostics.extend(not_taken::beside_tasks(&lines, &rules.map, &beside));
    diagnostic_list::sort(&mut diagnostics);
    let reading = reading_summary::reading(&lines, &rules.map, found, &task_states, &ignored, &unused);
    TaskFile {
        tasks,
        ignored: ignored_lines(&lines, ignored),
        diagnostics,
        groups: tree.groups,
        dialect,
        dialect_reason,
        waves: graph.waves,
        waves_line: graph.line,
        reading,
        last_resort: rules.map.last_resort,
    }
}

/// What follows a checkpoint waits until a person has looked.
fn wait_for_checkpoints(lines: &SourceLines<'_>, found: &[TaskLine<'_>], deps: &mut Dependencies) {
    let mut last = None;
    for (at, task) in found.iter().enumerate() {
        if let Some(to) = last {
            let line = &lines.all[task.line];
            deps.edges[at].push(DependencyEdge { to, span: line.start..line.end, graph: true });
        }
        if task.human {
            last = Some(at);
        }
    }
}

/// A file whose tasks stand in its head: no box below it is a task.
fn with_ignored(
    mut file: TaskFile,
    lines: &SourceLines<'_>,
    rules: &ReadingRules,
    collected: &CollectedLines<'_>,
) -> TaskFile {
    let ignored = ignored(lines, collected, &bodies::assign(lines, &[]));
    let found: Vec<TaskLine<'_>> = file.tasks.iter().map(|task| TaskLine::at(task.line - 1)).collect();
    let states: Vec<TaskState> = file.tasks.iter().map(|task| task.state).collect();
    file.reading = reading_summary::reading(lines, &rules.map, &found, &states, &ignored, &[]);
    file.ignored = ignored_lines(lines, ignored);
    file
}

fn ignored_lines(lines: &SourceLines<'_>, ignored: Vec<(usize, IgnoredReason)>) -> Vec<IgnoredLine> {
    let line = |(index, why)| IgnoredLine { line: index + 1, text: lines.text(index).to_owned(), why };
    ignored.into_iter().map(line).collect()
}

/// Builds the tasks from all that the passes found, and counts the signs of the dialect on the way.
struct TaskReader<'a> {
    lines: &'a SourceLines<'a>,
    found: &'a [TaskLine<'a>],
    tree: &'a TaskHierarchy,
    bodies: &'a TaskBodies,
    deps: &'a Dependencies,
    sections: Vec<Arc<str>>,
    /// The ids are those of spec-kit.
    speckit: bool,
    signs: DialectSigns,
    memo: MetadataMemo<'a>,
}

impl TaskReader<'_> {
    /// All tasks. Their states are still to come, since those depend on the dialect.
    fn read(mut self) -> (Vec<Task>, DialectSigns) {
        let mut tasks = Vec::with_capacity(self.found.len());
        for index in 0..self.found.len() {
            tasks.push(self.task(index));
        }
        (tasks, self.signs)
    }

    fn task(&mut self, i: usize) -> Task {
        let f = &self.found[i];
        let line = &self.lines.all[f.line];
        let text = self.lines.text(f.line);
        let raw = text[f.title.clone()].trim_end_matches(if f.level > 0 { ['#', ' '] } else { [' ', ' '] });
        let mut title = title::clean(raw, f.bold_open, self.speckit);
        if f.until.is_some() {
            title.text = title::unescaped(&title.text);
        }
        let (details, metadata) = bodies::details(self.lines, self.bodies, i, &mut self.memo);
        let signs = &mut self.signs;
        signs.whole += usize::from(f.shape == Some(IdShape::Number));
        signs.grouped += usize::from(self.tree.group[i].is_some());
        signs.stars += usize::from(f.star);
        signs.requirements += usize::from(metadata.iter().any(|(k, _)| names_requirements(k)));
        signs.ccsdd += usize::from(
            title.parallel && signs.speckit_ids == 0
                || metadata.iter().any(|(k, _)| k == "Boundary" || k == "Depends"),
        );
        Task {
            id: f.id.to_string(),
            placed_id: f.placed_id,
            section: self.sections[i].clone(),
            optional_by_text: !f.star && vocabulary::optional(&title.text),
            title: title.text,
            state: TaskState::Todo,
            optional: f.star,
            parallel: title.parallel,
            parent: self.tree.parent[i].map(|p| self.found[p].id.to_string()),
            group: self.tree.group[i].map(|g| self.tree.groups[g].id.clone()),
            depends_on: self.predecessors(i, false),
            after: self.predecessors(i, true),
            metadata,
            details,
            line: f.line + 1,
            span: line.start..line.end,
            mark: f.mark.clone().map(|m| {
                let start = self.lines.all[f.mark_line].start;
                start + m.start..start + m.end
            }),
            human: f.human || vocabulary::human(&text[f.title.clone()]),
            around: Arc::from(""),
            steps: Vec::new(),
        }
    }

    /// The ids that come before a task: those that the task names, or with `graph` those that the dependency graph names.
    fn predecessors(&self, task: usize, graph: bool) -> Vec<String> {
        let edges = self.deps.edges[task].iter().filter(|e| e.graph == graph);
        edges.map(|e| self.found[e.to].id.to_string()).collect()
    }
}

/// Whether an id is like `T001`.
fn is_speckit_id(f: &TaskLine<'_>) -> bool {
    f.shape == Some(IdShape::LetterT) && f.id.bytes().skip(1).take_while(u8::is_ascii_digit).count() >= 3
}

/// Whether a metadata key names requirements, in the languages that real files use.
fn names_requirements(key: &str) -> bool {
    ["Requirement", "Requirements", "需求", "要件", "Requisitos", "요구사항", "Req"].contains(&key)
}

/// The boxes that could be work and are not taken. Those in the body of a task are shown with it.
fn ignored(
    lines: &SourceLines<'_>,
    collected: &CollectedLines<'_>,
    bodies: &TaskBodies,
) -> Vec<(usize, IgnoredReason)> {
    let boxed = |line: usize| match lines.all[line].kind {
        LineKind::Item(_) => lines.item(line).is_some_and(|item| item.mark.is_some()),
        LineKind::Opaque(_) => true,
        _ => false,
    };
    collected
        .ignored
        .iter()
        .copied()
        .filter(|&(line, _)| boxed(line) && bodies.owner(line).is_none())
        .collect()
}
