//! Says in one sentence what was read as what.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::lines::SourceLines;
use super::model::{IgnoredReason, TaskState};
use super::section_texts::heading_text;
use super::sections::SectionMap;
use super::task_line::TaskLine;

/// How many kinds of ignored boxes the sentence names.
const MOST_PARTS: usize = 4;

/// "12 tasks from ## Tasks; 4 boxes under \"Acceptance\" are not tasks".
pub(crate) fn reading(
    lines: &SourceLines<'_>,
    map: &SectionMap,
    tasks: &[TaskLine<'_>],
    states: &[TaskState],
    ignored: &[(usize, IgnoredReason)],
    unused_headings: &[usize],
) -> String {
    let mut out = counted(tasks.len(), "task");
    let sections: Vec<Option<usize>> = tasks.iter().map(|task| top(map, task)).collect();
    let mut distinct: Vec<Option<usize>> = sections.clone();
    distinct.dedup();
    match distinct.as_slice() {
        [Some(only)] => {
            let section = &map.all[*only];
            let _ = write!(out, " from {} {}", "#".repeat(section.level), heading_text(lines, section.line));
        }
        [] | [_] => {}
        several => {
            let _ = write!(out, " from {} sections", several.len());
        }
    }
    if map.last_resort && !tasks.is_empty() {
        out.push_str("; no box stands elsewhere, so these are taken");
    }
    if let Some(task) = tasks.iter().find(|task| task.id.contains('/')) {
        let _ =
            write!(out, "; numbers come again in other sections, so ids name theirs, such as {}", task.id);
    }
    let struck =
        tasks.iter().zip(states).filter(|(task, state)| task.struck && **state == TaskState::Skipped).count();
    if struck > 0 {
        let _ = write!(
            out,
            "; {} struck out and dropped",
            if struck == 1 { "1 is".to_owned() } else { format!("{struck} are") }
        );
    }
    match unused_headings {
        [] => {}
        [line] => {
            let _ = write!(out, "; 1 heading names a task and is none: line {}", line + 1);
        }
        [line, ..] => {
            let count = unused_headings.len();
            let _ = write!(out, "; {count} headings name tasks and are none: line {} and below", line + 1);
        }
    }
    let mut parts: Vec<(String, usize)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for &(line, why) in ignored {
        let what = part(lines, map, line, why);
        let at = *known.entry(what.clone()).or_insert_with(|| {
            parts.push((what, 0));
            parts.len() - 1
        });
        parts[at].1 += 1;
    }
    for (what, count) in parts.iter().take(MOST_PARTS) {
        let are = if *count == 1 { "is not a task" } else { "are not tasks" };
        let boxes = if *count == 1 { "1 box".to_owned() } else { format!("{count} boxes") };
        let _ = write!(out, "; {boxes} {what} {are}");
    }
    let rest: usize = parts.iter().skip(MOST_PARTS).map(|(_, count)| count).sum();
    if rest > 0 {
        let _ = write!(out, "; {rest} more are none");
    }
    out
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The outermost section of a task below the title of the file.
fn top(map: &SectionMap, task: &TaskLine<'_>) -> Option<usize> {
    let own = map.of(task.line)?;
    let own = if task.level > 0 { map.all[own].parent? } else { own };
    map.upwards(own).filter(|&s| map.title != Some(map.all[s].line)).last()
}

/// Where ignored boxes stand, or what they are.
fn part(lines: &SourceLines<'_>, map: &SectionMap, line: usize, why: IgnoredReason) -> String {
    match why {
        IgnoredReason::Fence => "in code samples".to_owned(),
        IgnoredReason::Comment => "in comments".to_owned(),
        IgnoredReason::Quote => "in quotes".to_owned(),
        IgnoredReason::Legend => "of the legend".to_owned(),
        IgnoredReason::Tracker => "that repeat a task".to_owned(),
        _ => match map.of(line) {
            Some(section) => format!("under \"{}\"", heading_text(lines, map.all[section].line)),
            None => "elsewhere".to_owned(),
        },
    }
}
