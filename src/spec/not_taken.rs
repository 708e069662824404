//! Warns of lines that could be work and are not taken as tasks.

use super::diagnostic_list::{DiagnosticList, MOST};
use super::lines::{LineKind, SourceLines};
use super::model::Diagnostic;
use super::section_texts::heading_text;
use super::sections::SectionMap;
use super::task_line::TaskLine;

/// Boxes that are not taken beside headings that are, where nothing says what they are.
pub(crate) fn left_out(lines: &SourceLines<'_>, boxes: &[usize]) -> Option<Diagnostic> {
    let (first, last) = (*boxes.first()?, *boxes.last()?);
    let message = match boxes.len() {
        1 => format!("the headings are the tasks of this file, so the box on line {} is none", first + 1),
        count => format!(
            "the headings are the tasks of this file, so {count} boxes are none: lines {} to {}",
            first + 1,
            last + 1
        ),
    };
    warning(lines, first, message, "tasks.dialect = \"plain\" takes the boxes, and not the headings")
}

/// One warning at a line.
fn warning(lines: &SourceLines<'_>, at: usize, message: String, hint: &str) -> Option<Diagnostic> {
    let mut out = DiagnosticList::new(lines);
    out.warn(out.span(at), message, "", hint);
    out.list.pop()
}

/// Headings with a number and text of their own that are not taken beside boxes that only check something.
pub(crate) fn passed_over(lines: &SourceLines<'_>, headings: &[usize]) -> Option<Diagnostic> {
    let (first, last) = (*headings.first()?, *headings.last()?);
    let message = format!(
        "only boxes that seem to check the work are taken, and no heading is: lines {} to {}",
        first + 1,
        last + 1
    );
    let hint = "tasks.dialect = \"headings\" takes the headings; a section called Tasks holds tasks";
    warning(lines, first, message, hint)
}

/// Open boxes beside a list of tasks that are not taken, in sections whose names do not say what they hold.
pub(crate) fn beside_tasks(lines: &SourceLines<'_>, map: &SectionMap, boxes: &[usize]) -> Option<Diagnostic> {
    let (first, last) = (*boxes.first()?, *boxes.last()?);
    let section = map.of(first).map_or("", |section| heading_text(lines, map.all[section].line));
    let message = match boxes.len() {
        1 => format!(
            "the open box below \"{section}\" is not a task, since the list of tasks stands elsewhere"
        ),
        count => format!(
            "{count} open boxes are not tasks, since the list of tasks stands elsewhere: lines {} to {}, the first below \"{section}\"",
            first + 1,
            last + 1
        ),
    };
    let hint = format!("if they are work, number them on, or call the section \"{section} tasks\"");
    warning(lines, first, message, &hint)
}

/// Entries that continue the numbers of a list of boxes and have no box.
pub(crate) fn entries_without_boxes(out: &mut DiagnosticList<'_>, found: &[TaskLine<'_>]) {
    let mut reported = 0;
    for (at, task) in found.iter().enumerate().filter(|(_, task)| task.mark.is_some() && task.level == 0) {
        let Ok(mut number) = task.id.parse::<u32>() else { continue };
        let end = found.get(at + 1).map_or(out.lines.all.len(), |next| next.line);
        for line in task.line + 1..end {
            let (kind, indent) = (out.lines.all[line].kind, out.lines.all[line].indent);
            if matches!(kind, LineKind::Blank | LineKind::Heading(_)) || reported == MOST {
                break;
            }
            let text = out.lines.text(line).trim_start_matches(['-', '*', '+', ' ', '\t']);
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let is_entry = indent == task.indent
                && text[digits..].starts_with(['.', ')'])
                && text[..digits].parse() == Ok(number + 1)
                && out.lines.item(line).is_none_or(|item| item.mark.is_none());
            if is_entry {
                number += 1;
                reported += 1;
                let message = format!("{number} has a number of this list and no box, so it is not a task");
                out.warn(out.span(line), message, "", "write `- [ ]` before it if it is work");
            }
        }
    }
}

/// Plain bullets among boxes, in a file where most entries of such lists have a box.
pub(crate) fn bullets_without_boxes(out: &mut DiagnosticList<'_>, found: &[TaskLine<'_>]) {
    let is_box = |task: &&TaskLine<'_>| task.mark.is_some() && task.level == 0;
    let mut bullets = Vec::new();
    for (at, task) in found.iter().enumerate().filter(|(_, task)| is_box(task)) {
        let next = found.get(at + 1);
        let sibling = next.filter(|next| is_box(next) && next.indent == task.indent);
        let mut below = Vec::new();
        // How many of them stand right below the box: those belong to its list, whatever follows.
        let mut adjacent = None;
        let mut reaches = sibling.is_some();
        for line in task.line + 1..next.map_or(out.lines.all.len(), |next| next.line) {
            match out.lines.all[line].kind {
                LineKind::Blank => {
                    adjacent.get_or_insert(below.len());
                }
                LineKind::Text if out.lines.all[line].indent == task.indent => {
                    match bullet(out.lines.text(line)) {
                        Some(true) => below.push(line),
                        Some(false) => {}
                        None => {
                            reaches = false;
                            break;
                        }
                    }
                }
                LineKind::Heading(_) => {
                    reaches = false;
                    break;
                }
                _ => {}
            }
        }
        if !reaches {
            below.truncate(adjacent.unwrap_or(below.len()));
        }
        bullets.append(&mut below);
    }
    if bullets.len() * 2 > found.iter().filter(is_box).count() {
        return;
    }
    for line in bullets.into_iter().take(MOST) {
        let message = "this entry stands among boxes and has none, so it is not a task".to_owned();
        out.warn(out.span(line), message, "", "write `- [ ]` before it if it is work");
    }
}

/// Whether the text of a bullet could be an entry, and not a field of the one above it; `None`: no bullet.
fn bullet(text: &str) -> Option<bool> {
    let text = text.trim_start();
    let said = ["- ", "* ", "+ "].iter().find_map(|sign| text.strip_prefix(sign))?.trim_start();
    let field = said.char_indices().take(40).any(|(_, c)| matches!(c, ':' | '：'));
    // numbered entries have a warning of their own
    Some(!field && !said.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '_' | '*' | '[')))
}
