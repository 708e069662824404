//! PURE. The last line: what keys do now, a question, or a line to type; and the help.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::draw::{Page, take_bottom, take_top};
use super::model::{Standing, TaskMark, View};
use super::ui::{InputLine, Ui, UiMode, ViewCommand};
use crate::report::text::{cut_beginning, width, wrap};

impl Page<'_> {
    pub(super) fn footer(&mut self, view: &View, ui: &Ui, area: Rect) {
        if area.is_empty() {
            return;
        }
        let (text, style) = match (&ui.mode, &ui.note) {
            (UiMode::Confirm(command), _) => (question(view, command), self.theme.wait()),
            (UiMode::Input(line, typed), _) => (input(line, typed, area.width), self.theme.bold()),
            (_, Some(note)) => {
                let mut area = area;
                for line in wrap(note, usize::from(area.width)) {
                    let row = take_top(&mut area, 1);
                    self.put(row, &line, Style::new());
                }
                return;
            }
            _ if ui.busy => ("working …".to_owned(), Style::new()),
            (UiMode::Text(_), _) => {
                ("q back · j k scroll · Space b page · g G start, end".to_owned(), self.theme.dim())
            }
            _ => (hints(view, ui, usize::from(area.width)), self.theme.dim()),
        };
        self.put(area, &text, style);
    }

    pub(super) fn help(&mut self, view: &View, ui: &Ui, area: Rect) {
        let stop = match (ui.of_run, view.standing) {
            (true, Standing::Running) => "Ctrl-C       stop after this step; twice: end the agent now",
            (true, _) => "prefix d     leave tmux; this window stays",
            (false, _) => "q Ctrl-C     leave; a run continues",
        };
        let lines = [
            "Enter        the log of the selected task",
            "d            its diff",
            "a            answer its question",
            "n            write a note for its agent",
            "s            skip it",
            "p            pause before the next step; again: continue",
            "x            stop after this step; again: take that back",
            "/            find a task; / Enter: the next one",
            "j k ↓ ↑      select the next, previous task",
            "Space b      a page down, up, as PgDn PgUp",
            "g G          the first, last task, as Home End",
            "f Esc        follow the running task",
            "Ctrl-L       redraw",
            stop,
            "?            close this",
        ];
        let wide = lines.iter().map(|line| width(line)).max().unwrap_or(0) + 4;
        let wide = u16::try_from(wide).unwrap_or(u16::MAX).min(area.width);
        let high = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
        let mut place = Rect {
            x: area.x + (area.width - wide) / 2,
            y: area.y + (area.height - high) / 2,
            width: wide,
            height: high,
        };
        for y in place.top()..place.bottom() {
            let blank = " ".repeat(usize::from(wide));
            self.buffer.set_stringn(place.x, y, &blank, usize::from(wide), Style::reset());
        }
        let top = take_top(&mut place, 1);
        self.rule("keys", self.theme.bold(), top);
        let bottom = take_bottom(&mut place, 1);
        self.put_fill(bottom);
        for line in lines {
            let row = take_top(&mut place, 1);
            self.put(row, &format!("  {line}"), Style::new());
        }
    }
}

/// The keys that do something now, as many as fit.
fn hints(view: &View, ui: &Ui, columns: usize) -> String {
    let row = ui.row(view);
    let ran = row.is_some_and(|row| row.ran);
    let open = row.is_some_and(|row| !matches!(row.mark, TaskMark::Done | TaskMark::Skipped));
    let works = row.is_some_and(|row| row.mark == TaskMark::Running);
    let asks = row.is_some_and(|row| row.mark == TaskMark::Halted);
    let runs = view.standing == Standing::Running;
    let all = [
        (true, "? keys"),
        (asks, "a answer"),
        (ran, "Enter log"),
        (ran && !works, "d diff"),
        (open, "n note"),
        (open && !works, "s skip"),
        (runs && view.paused, "p continue"),
        (runs && !view.paused, "p pause"),
        (runs && view.stopping, "x don't stop"),
        (runs && view.stopping && ui.of_run, "Ctrl-C end the agent now"),
        (runs && !view.stopping, "x stop after this step"),
        (!ui.of_run, "q leave"),
        (true, "/ find"),
    ];
    let mut text = String::new();
    for (_, hint) in all.into_iter().filter(|(applies, _)| *applies) {
        let gap = if text.is_empty() { "" } else { " · " };
        if width(&text) + width(gap) + width(hint) <= columns {
            text.push_str(gap);
            text.push_str(hint);
        }
    }
    text
}

fn question(view: &View, command: &ViewCommand) -> String {
    match command {
        ViewCommand::Skip(unit) => {
            let title = view.rows.iter().find(|row| row.id == *unit).map_or("", |row| row.title.as_str());
            format!("skip task {unit}? y n   ({title})")
        }
        _ => "stop after this step? y n".to_owned(),
    }
}

/// The line with its cursor. Of a long one, the end is shown.
fn input(line: &InputLine, typed: &str, columns: u16) -> String {
    let lead = match line {
        InputLine::Find => "/".to_owned(),
        InputLine::Answer(unit) => format!("answer for task {unit}: "),
        InputLine::Note(unit) => format!("note for the agent of task {unit}: "),
    };
    let room = usize::from(columns).saturating_sub(width(&lead) + 1);
    format!("{lead}{}▏", cut_beginning(typed, room))
}
