//! PURE. Draws a view into an area of any size.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::fold::{fitting, panel_lines};
use super::model::{KeptPart, PanelLine, Standing, View, VisibleRows};
use super::theme::Theme;
use super::ui::{Ui, UiMode};
use crate::report::text::{cut, width};

/// From this many columns on, panel and events stand to the right of the list.
const WIDE: u16 = 150;
/// From this many rows on, the last events are shown.
const TALL: u16 = 16;
/// From this many rows on, empty lines separate the parts.
const AIRY: u16 = 30;
/// From this many rows on, the last line shows the keys.
const KEYS: u16 = 8;

/// Draws the view. Writes only inside `area`, however small that is.
pub fn draw(view: &View, ui: &Ui, area: Rect, buffer: &mut Buffer) -> VisibleRows {
    let mut page = Page { buffer, theme: Theme { color: ui.color } };
    let area = area.intersection(page.buffer.area);
    let rows = view.rows.len();
    if area.is_empty() {
        return VisibleRows { rows, ..VisibleRows::default() };
    }
    let (mut rest, mut footer) = (area, Rect::ZERO);
    if area.height >= KEYS {
        footer = take_bottom(&mut rest, ui.footer_rows(area.width));
    }
    page.header(view, take_top(&mut rest, 1));
    if let UiMode::Text(text) = &ui.mode {
        let drawn = page.text_page(text, rest);
        page.footer(view, ui, footer);
        return drawn;
    }
    page.bar(view, take_top(&mut rest, 1));
    if area.height >= KEYS && !view.totals.is_empty() {
        let totals = take_top(&mut rest, 1);
        page.put(totals, &view.totals, page.theme.dim());
    }
    let airy = area.height >= AIRY;
    if airy {
        take_top(&mut rest, 1);
        take_bottom(&mut rest, 1);
    }
    let drawn = if area.width >= WIDE && area.height >= TALL {
        let side = take_right(&mut rest, (area.width / 2).max(60));
        take_right(&mut rest, 2);
        page.side(view, side);
        page.list(view, ui, rest)
    } else {
        page.stacked(view, ui, rest, airy)
    };
    page.footer(view, ui, footer);
    if ui.mode == UiMode::Help {
        page.help(view, ui, area);
    }
    drawn
}

/// The first two lines of the view as plain text, to print after the live view has ended.
#[must_use]
pub fn head_lines(view: &View, columns: u16) -> String {
    let area = Rect::new(0, 0, columns.clamp(20, 500), 2);
    let mut buffer = Buffer::empty(area);
    draw(view, &Ui::default(), area, &mut buffer);
    text_of(&buffer)
}

/// The panel as plain text, to print after the live view has ended without the summary of a run.
#[must_use]
pub fn closing(view: &View) -> String {
    let panel = &view.panel;
    let mut text = format!("{}\n", panel.title);
    // what a working agent printed last is outdated in a moment
    let body = if panel.keeps == KeptPart::Latest { &[][..] } else { &panel.body };
    let texts = |lines: &'_ [PanelLine]| lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
    for line in texts(&panel.head).iter().chain(body).chain(&texts(&panel.foot)) {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// The text of a buffer, without spaces at the ends of lines.
#[must_use]
pub(super) fn text_of(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut line = String::new();
        let mut x = buffer.area.left();
        while x < buffer.area.right() {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            // a wide character takes the next cell, too
            x += u16::try_from(width(symbol)).unwrap_or(1).max(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

pub(super) fn take_top(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    let taken = Rect { height, ..*rest };
    rest.y += height;
    rest.height -= height;
    taken
}

pub(super) fn take_bottom(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    rest.height -= height;
    Rect { y: rest.y + rest.height, height, ..*rest }
}

pub(super) fn take_right(rest: &mut Rect, width: u16) -> Rect {
    let width = width.min(rest.width);
    rest.width -= width;
    Rect { x: rest.x + rest.width, width, ..*rest }
}

/// The buffer to draw into, and the colours.
pub(super) struct Page<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) theme: Theme,
}

impl Page<'_> {
    /// Writes a text at the start of an area, cut to its width; returns the rest of the area.
    pub(super) fn put(&mut self, area: Rect, text: &str, style: Style) -> Rect {
        if area.is_empty() {
            return Rect { width: 0, ..area };
        }
        let text = cut(text, usize::from(area.width));
        let (x, _) = self.buffer.set_stringn(area.x, area.y, &text, usize::from(area.width), style);
        let used = (x - area.x).min(area.width);
        Rect { x: area.x + used, width: area.width - used, ..area }
    }

    /// Writes a text at the end of an area if it fits; returns the area before it.
    fn put_right(&mut self, area: Rect, text: &str, style: Style) -> Rect {
        let wide = u16::try_from(width(text)).unwrap_or(u16::MAX);
        if wide == 0 || wide >= area.width {
            return area;
        }
        let mut left = area;
        let place = take_right(&mut left, wide);
        self.put(place, text, style);
        take_right(&mut left, 1);
        left
    }

    fn header(&mut self, view: &View, area: Rect) {
        let short = area.width < 40;
        let mut rest = area;
        if !short {
            rest = self.put(rest, "seqorch · ", self.theme.dim());
        }
        let wanted = width(&view.spec) + width(&view.word) + 3 + width(&view.clock) + 1;
        if wanted < usize::from(rest.width) {
            rest = self.put_right(rest, &view.clock, self.theme.dim());
        }
        rest = self.put(rest, &view.spec, self.theme.bold());
        rest = self.put(rest, " · ", self.theme.dim());
        self.put(rest, &view.word, self.theme.standing(view.standing));
    }

    fn bar(&mut self, view: &View, area: Rect) {
        if area.is_empty() {
            return;
        }
        let counts = format!("{} of {} done", view.done, view.total);
        let short = format!("{}/{}", view.done, view.total);
        let all = view.estimate.as_ref().map(|estimate| format!("{counts} · {estimate}"));
        // the bar gets at least a third of the line
        let room = usize::from(area.width - area.width / 3);
        let words = all.filter(|t| width(t) < room).unwrap_or(counts);
        let words = if width(&words) < room { words } else { short };
        let length = usize::from(area.width).saturating_sub(width(&words) + 1).min(60);
        let full = (length * view.done).checked_div(view.total).unwrap_or(0);
        let rest = self.put(area, &"█".repeat(full), self.theme.good());
        let rest = self.put(rest, &"░".repeat(length - full), self.theme.dim());
        self.put(rest, &format!(" {words}"), Style::new());
    }

    /// Draws list, panel and events below each other. The agent gets the room: of a long list, only the rows around the
    /// running task are shown.
    fn stacked(&mut self, view: &View, ui: &Ui, mut rest: Rect, airy: bool) -> VisibleRows {
        let small = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let rows = small(view.rows.len());
        let wanted = small(panel_lines(view, usize::from(rest.width)).len() + 1);
        let gap = u16::from(airy);
        let height = rest.height.saturating_sub(2 * gap);
        // what you must do matters more than the list, and what a person looks for more than the agent
        let share = match view.standing {
            Standing::Halted | Standing::Uncommitted | Standing::NeedsHuman => height / 4,
            _ if ui.selected.is_some() => height / 2,
            _ => height * 3 / 10,
        };
        let events =
            if height + gap + 4 >= TALL && !view.recent.is_empty() { (height / 5).max(4) } else { 0 };
        let events = events.min(small(view.recent.len() + 1));
        let least = if view.standing.needs_human() { 1 } else { 4 };
        let list = rows.min(share.max(least)).min(height.saturating_sub(1)).max(1);
        let panel = wanted.min(height.saturating_sub(list + events)).max(1);
        // what the panel leaves free goes to the list, and then to the events
        let list = rows.min(height.saturating_sub(panel + events)).max(list);
        let drawn = self.list(view, ui, take_top(&mut rest, list));
        take_top(&mut rest, gap);
        let panel = take_top(&mut rest, panel);
        self.panel(view, panel);
        take_top(&mut rest, gap);
        if rest.height >= 2 {
            self.recent(view, rest);
        }
        drawn
    }

    /// Draws panel and events to the right of the list.
    fn side(&mut self, view: &View, mut rest: Rect) {
        let wanted = panel_lines(view, usize::from(rest.width)).len() + 1;
        let height = u16::try_from(wanted).unwrap_or(u16::MAX).min(rest.height * 3 / 4);
        let panel = take_top(&mut rest, height.max(1));
        self.panel(view, panel);
        take_top(&mut rest, 1);
        self.recent(view, rest);
    }

    pub(super) fn rule(&mut self, title: &str, style: Style, area: Rect) {
        let rest = self.put(area, "── ", self.theme.dim());
        let rest = self.put(rest, title, style);
        let rest = self.put(rest, " ", Style::new());
        self.put_fill(rest);
    }

    pub(super) fn put_fill(&mut self, area: Rect) {
        let line = "─".repeat(usize::from(area.width));
        self.put(area, &line, self.theme.dim());
    }

    fn panel(&mut self, view: &View, mut area: Rect) {
        let style = match view.standing {
            Standing::Halted
            | Standing::Uncommitted
            | Standing::NeedsHuman
            | Standing::CommitsLost
            | Standing::Orphaned => self.theme.bad(),
            Standing::Complete => self.theme.good(),
            _ if view.waits => self.theme.wait(),
            Standing::Running => self.theme.live(),
            Standing::Idle => self.theme.bold(),
        };
        let title = take_top(&mut area, 1);
        self.rule(&view.panel.title, style, title);
        for line in fitting(view, usize::from(area.width), usize::from(area.height)) {
            let place = take_top(&mut area, 1);
            self.put(place, &line.text, self.theme.tone(line.tone));
        }
    }

    fn recent(&mut self, view: &View, mut area: Rect) {
        if view.recent.is_empty() {
            return;
        }
        let title = take_top(&mut area, 1);
        self.rule("what happened", self.theme.bold(), title);
        let height = usize::from(area.height);
        let from = view.recent.len().saturating_sub(height);
        for (time, text) in &view.recent[from..] {
            let place = take_top(&mut area, 1);
            self.put(place, time, self.theme.dim());
            let rest = Rect { x: place.x + 9, width: place.width.saturating_sub(9), ..place };
            self.put(rest, text, Style::new());
        }
    }
}
