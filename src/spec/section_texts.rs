//! What the section of a task says besides its tasks.

use std::collections::HashMap;
use std::sync::Arc;

use super::bodies::TaskBodies;
use super::lines::{LineKind, SourceLines};
use super::sections::SectionMap;
use super::task_line::TaskLine;

/// How much of a section's own text a prompt can use.
const MOST_LINES: usize = 40;
const MOST_BYTES: usize = 4000;

/// Per section: its lines that belong to no task, without its heading.
fn free_lines(lines: &SourceLines<'_>, map: &SectionMap, bodies: &TaskBodies) -> Vec<Vec<usize>> {
    let mut free: Vec<Vec<usize>> = vec![Vec::new(); map.all.len()];
    for line in 0..lines.all.len() {
        if let Some(section) = map.of(line)
            && map.all[section].line != line
            && bodies.owner(line).is_none()
            && lines.all[line].kind != LineKind::Blank
        {
            free[section].push(line);
        }
    }
    free
}

/// Gives the free lines of a section to its task, where it has only one at its top: the criteria of a group are those of
/// its task.
pub(crate) fn give_to_only_tasks(
    lines: &SourceLines<'_>,
    map: &SectionMap,
    tasks: &[TaskLine<'_>],
    parents: &[Option<usize>],
    bodies: &mut TaskBodies,
) {
    let mut tops: HashMap<usize, Vec<usize>> = HashMap::new();
    for (i, task) in tasks.iter().enumerate() {
        if parents[i].is_none()
            && task.level == 0
            && task.row.is_none()
            && task.until.is_none()
            && let Some(section) = map.of(task.line)
            && map.title != Some(map.all[section].line)
        {
            tops.entry(section).or_default().push(i);
        }
    }
    let free = free_lines(lines, map, bodies);
    let mut only: Vec<(usize, usize)> = tops
        .into_iter()
        .filter(|(_, tasks)| tasks.len() == 1)
        .map(|(section, tasks)| (tasks[0], section))
        .collect();
    only.sort_unstable();
    for (task, section) in only {
        bodies.take(task, free[section].iter().copied());
    }
    bodies.sort();
}

/// What the section of each task says, shared by all tasks in it.
pub(crate) fn of_tasks(
    lines: &SourceLines<'_>,
    map: &SectionMap,
    tasks: &[TaskLine<'_>],
    bodies: &TaskBodies,
) -> Vec<Arc<str>> {
    let free = free_lines(lines, map, bodies);
    let mut made: HashMap<usize, Arc<str>> = HashMap::new();
    let home = |task: &TaskLine<'_>| {
        let own = map.of(task.line)?;
        if task.level > 0 { map.all[own].parent } else { Some(own) }
    };
    let mut of = |section: usize| {
        let made = made.entry(section).or_insert_with(|| Arc::from(text(lines, &free[section])));
        Arc::clone(made)
    };
    tasks
        .iter()
        .map(|task| {
            let section = home(task).filter(|&s| map.title != Some(map.all[s].line));
            section.map_or_else(|| Arc::from(""), &mut of)
        })
        .collect()
}

fn text(lines: &SourceLines<'_>, free: &[usize]) -> String {
    let mut around = String::new();
    let mut last = None;
    for &line in free.iter().take(MOST_LINES) {
        let text = lines.text(line).trim_end();
        if around.len() + text.len() > MOST_BYTES {
            break;
        }
        if !around.is_empty() {
            // a gap stays a gap
            around.push_str(if last == Some(line - 1) { "\n" } else { "\n\n" });
        }
        around.push_str(text);
        last = Some(line);
    }
    around
}

/// The text of a heading without its signs.
pub(crate) fn heading_text<'a>(lines: &SourceLines<'a>, line: usize) -> &'a str {
    lines.text(line).trim_start_matches([' ', '#']).trim_end_matches([' ', '#']).trim_matches('*')
}
