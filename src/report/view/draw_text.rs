//! PURE. Draws a long text that fills the view.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::draw::{Page, take_top};
use super::model::VisibleRows;
use super::text_page::TextPage;
use crate::report::text::wrap;

impl Page<'_> {
    /// Draws the text below its title. The last line is at the bottom, at the latest.
    pub(super) fn text_page(&mut self, page: &TextPage, mut area: Rect) -> VisibleRows {
        let title = take_top(&mut area, 1);
        self.rule(&page.title, self.theme.bold(), title);
        let (columns, height) = (usize::from(area.width), usize::from(area.height));
        let rows = page.lines.len();
        let mut most = rows;
        let mut used = 0;
        while most > 0 {
            used += wrap(&page.lines[most - 1], columns).len();
            if used > height {
                break;
            }
            most -= 1;
        }
        // a line that is longer than the screen is shown from its start
        let most = most.min(rows.saturating_sub(1));
        let top = page.top.min(most);
        let mut shown = 0;
        for line in &page.lines[top..] {
            if area.is_empty() {
                break;
            }
            shown += 1;
            let style = if page.is_diff { self.diff_style(line) } else { Style::new() };
            for part in wrap(line, columns) {
                let place = take_top(&mut area, 1);
                self.put(place, &part, style);
            }
        }
        VisibleRows { top, shown, rows: if top == most { top + shown } else { rows } }
    }

    fn diff_style(&self, line: &str) -> Style {
        match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => self.theme.bold(),
            [b'+', ..] => self.theme.good(),
            [b'-', ..] => self.theme.bad(),
            [b'@', b'@', ..] => self.theme.live(),
            _ if line.starts_with("diff ") => self.theme.bold(),
            _ => Style::new(),
        }
    }
}
