//! PURE. Draws the list of units; the selected one stays visible.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::draw::{Page, take_right, take_top};
use super::model::{TaskMark, View, ViewRow, VisibleRows};
use super::ui::Ui;
use super::window::{ListWindow, collapsed};
use crate::report::text::{cut, plural, width};

/// From this many columns on, a row shows backend, model and usage.
const WHO: u16 = 90;

/// The widths of the columns that depend on the list; 0: the column is not shown.
#[derive(Debug, Clone, Copy)]
struct Columns {
    ids: usize,
    used: u16,
    who: u16,
}

impl Columns {
    /// Titles come first; the other columns are shown if they fit.
    fn of(rows: &[ViewRow], columns: u16) -> Self {
        let widest = |of: fn(&ViewRow) -> &str, most: usize| {
            rows.iter().map(|row| width(of(row))).max().unwrap_or(0).min(most)
        };
        let ids = widest(|row| &row.id, 12);
        let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        // title, sign and id, state, time
        let mut room = if columns < WHO { 0 } else { columns.saturating_sub(small(ids) + 66) };
        let mut take = |wanted: u16| {
            let fits = wanted > 0 && wanted < room;
            room -= if fits { wanted + 1 } else { 0 };
            if fits { wanted } else { 0 }
        };
        // one more space separates it from the title
        let who = widest(|row| &row.who, 28);
        let who = if who > 0 { take(small(who + 1)) } else { 0 };
        let used = take(small(widest(|row| &row.used, 16)));
        Self { ids, used, who }
    }
}

impl Page<'_> {
    pub(super) fn list(&mut self, view: &View, ui: &Ui, mut area: Rect) -> VisibleRows {
        let rows = view.rows.len();
        let focus = ui.index(view);
        let before = ui.selected.is_some().then_some(ui.top);
        let ListWindow { top, end } = ListWindow::around(rows, focus, usize::from(area.height), before);
        let has_lines = area.height >= 3;
        if top > 0 && has_lines {
            self.collapsed(&view.rows[..top], take_top(&mut area, 1));
        }
        let columns = Columns::of(&view.rows, area.width);
        for (index, row) in view.rows.iter().enumerate().take(end).skip(top) {
            let place = take_top(&mut area, 1);
            let is_selected = ui.selected.is_some() && index == focus;
            self.row(row, columns, is_selected, place);
        }
        if end < rows && has_lines {
            self.collapsed(&view.rows[end..], take_top(&mut area, 1));
        }
        VisibleRows { top, shown: end - top, rows }
    }

    /// The line that stands for rows that are not shown.
    fn collapsed(&mut self, rows: &[ViewRow], area: Rect) {
        let (text, bad) = collapsed(rows);
        let rest = self.put(area, " ⋯ ", self.theme.dim());
        self.put(rest, &text, if bad { self.theme.bad() } else { self.theme.dim() });
    }

    fn row(&mut self, row: &ViewRow, columns: Columns, is_selected: bool, area: Rect) {
        let ids = columns.ids;
        let style = self.theme.mark(row.mark);
        let mut rest = area;
        // from the right: time, usage, backend, state
        if area.width >= 36 {
            rest = self.column(rest, 9, &row.took, Style::new());
        }
        for (wide, text) in [(columns.used, &row.used), (columns.who, &row.who)] {
            if wide > 0 {
                rest = self.column(rest, wide, text, self.theme.dim());
            }
        }
        if area.width >= 50 {
            rest = self.column(rest, 11, row.mark.word(), style);
        }
        let gutter = if is_selected { "❯" } else { " " };
        rest = self.put(rest, gutter, self.theme.bold());
        let id = cut(&row.id, ids);
        let blank = " ".repeat(ids.saturating_sub(width(&id)));
        rest = self.put(rest, &format!("{} {id}{blank}  ", row.mark.sign()), style);
        let plain = if matches!(row.mark, TaskMark::Deferred | TaskMark::Skipped) {
            self.theme.dim()
        } else {
            Style::new()
        };
        let plain = if is_selected || row.mark == TaskMark::Running { self.theme.bold() } else { plain };
        // the remark matters more than the end of a long title
        let attempts = (row.tries > 1).then(|| plural(row.tries, "attempt"));
        let remarks =
            attempts.as_deref().into_iter().chain((!row.remark.is_empty()).then_some(row.remark.as_str()));
        let remarks = remarks.collect::<Vec<_>>().join(": ");
        let remark =
            if remarks.is_empty() { 0 } else { width(&remarks).min(usize::from(rest.width) / 2) + 3 };
        let title = cut(&row.title, usize::from(rest.width).saturating_sub(remark));
        rest = self.put(rest, &title, plain);
        if remark > 0 {
            self.put(rest, &format!(" ({remarks})"), self.theme.dim());
        }
    }

    /// Draws a right-aligned column at the right end; returns the area before it.
    fn column(&mut self, area: Rect, wide: u16, text: &str, style: Style) -> Rect {
        let mut left = area;
        let place = take_right(&mut left, wide);
        let text = cut(text, usize::from(wide));
        let from = wide.saturating_sub(u16::try_from(width(&text)).unwrap_or(wide)).min(place.width);
        self.put(Rect { x: place.x + from, width: place.width - from, ..place }, &text, style);
        take_right(&mut left, 1);
        left
    }
}
