//! PURE. Wraps the panel to a width and cuts it to a height.

use super::model::{KeptPart, PanelLine, View};
use crate::report::text::{cut, wrap};

/// All lines of the panel, wrapped to the width.
pub(super) fn panel_lines(view: &View, columns: usize) -> Vec<PanelLine> {
    fitting(view, columns, usize::MAX)
}

/// The panel's lines for a number of rows. If there are too many, the body is cut first, and `…` shows that.
pub(super) fn fitting(view: &View, columns: usize, rows: usize) -> Vec<PanelLine> {
    let panel = &view.panel;
    let fold = |line: &PanelLine| -> Vec<PanelLine> {
        wrap(&line.text, columns).into_iter().map(|text| PanelLine { tone: line.tone, text }).collect()
    };
    let head: Vec<PanelLine> = panel.head.iter().flat_map(fold).collect();
    let foot: Vec<PanelLine> = panel.foot.iter().flat_map(fold).collect();
    let indent = if columns > 20 { 2 } else { 0 };
    let indented = |texts: &[String]| -> Vec<PanelLine> {
        let parts = texts.iter().flat_map(|text| wrap(text, columns.saturating_sub(indent)));
        parts.map(|part| PanelLine::plain(format!("{}{part}", " ".repeat(indent)))).collect()
    };
    let mut body = indented(&panel.body);
    let room = rows.saturating_sub(head.len() + foot.len());
    if body.len() > room && !panel.brief.is_empty() {
        let whole = body.len();
        body = indented(&panel.brief);
        if body.len() < whole.min(room) {
            body.insert(0, PanelLine::plain(format!("{}…", " ".repeat(indent))));
        }
    }
    if body.len() > room {
        match panel.keeps {
            KeptPart::Latest => drop(body.drain(..body.len() - room)),
            KeptPart::End => {
                body.drain(..body.len() - room);
                // people must see that a question is cut
                if let Some(first) = body.first_mut().filter(|_| room > 1) {
                    *first = PanelLine::plain(format!("{}…", " ".repeat(indent)));
                }
            }
            KeptPart::Start => {
                body.truncate(room);
                if let Some(last) = body.last_mut() {
                    *last = PanelLine::plain(cut(&format!("{} …", last.text), columns));
                }
            }
        }
    }
    let mut all: Vec<PanelLine> = if rows < head.len() + foot.len() {
        // the command to type matters most
        foot.into_iter().chain(head).collect()
    } else {
        head.into_iter().chain(body).chain(foot).collect()
    };
    let room = rows.saturating_sub(all.len());
    all.extend(summary_lines(&panel.summary, columns, room));
    all.truncate(rows);
    all
}

/// The summary of a run in this many rows. Where it is longer, the names of its files go first; then only its first line, the
/// counts, and as many of the last lines as fit are shown, since before the counts is a line for each task, which the list
/// has too.
fn summary_lines(summary: &[String], columns: usize, room: usize) -> Vec<PanelLine> {
    let wrapped = |keeps: fn(&str) -> bool| -> Vec<String> {
        summary.iter().filter(|line| keeps(line)).flat_map(|line| wrap(line, columns)).collect()
    };
    let mut all = wrapped(|_| true);
    if all.len() > room {
        // those of files are indented more than others
        all = wrapped(|line| !line.starts_with("    "));
    }
    let is_count = |line: &String| line.contains(" tasks done") || line.contains(" task done");
    let lines = match (room, all.len()) {
        (0 | 1, 1..) => Vec::new(),
        (_, count) if count <= room => all,
        (_, count) => {
            let counts = all.iter().position(is_count).filter(|at| *at > 0 && count - at >= room);
            let kept: Vec<String> =
                all.first().into_iter().chain(counts.map(|at| &all[at])).cloned().collect();
            let last = all[count - (room - kept.len())..].iter().cloned();
            kept.into_iter().chain(last).collect()
        }
    };
    lines.into_iter().map(PanelLine::plain).collect()
}
