//! Text as a terminal shows it in the end: lines that were written again, erased or gone back over.

use std::collections::VecDeque;

use unicode_width::UnicodeWidthChar;

use super::escape::{EscapeParser, ScreenAct};
use super::sanitise::{nul_length, plain_length};
use super::utf8::CharJoiner;

/// The most lines that a program can go back over.
const MOST_ROWS: usize = 200;
/// A longer line leaves before its end, so that an endless one costs no memory. No program goes back so far.
const LONGEST_ROW: usize = 16 << 10;
/// A piece of output that is worth a look at all of its lines at once.
const LARGE_PIECE: usize = 4 << 10;
/// Lines that a program which remembers a place may have written since then.
const SAVED_ROWS: usize = 10;
/// An erased column. It is shown as a space, but for the end of a line.
const ERASED: char = '\u{0}';
/// The second column of a wide character.
const SECOND: char = '\u{1}';

/// Turns bytes, piece by piece, into the lines that a terminal would show.
#[derive(Debug, Default)]
pub struct ShownText {
    parser: EscapeParser,
    joiner: CharJoiner,
    /// The lines that may still change; there is always one.
    rows: VecDeque<Vec<char>>,
    /// The line and the column of the cursor.
    row: usize,
    column: usize,
    /// How many lines above the cursor's may still change.
    keep: usize,
    /// The line and the column that the program had remembered, as long as that line may still change.
    saved: Option<(usize, usize)>,
}

impl ShownText {
    /// Text that is read at its end: it keeps lines back as long as a program may go back over them. The default gives
    /// each line as soon as it ends, until a program goes back for the first time.
    #[must_use]
    pub fn whole() -> Self {
        Self { keep: MOST_ROWS, ..Self::default() }
    }

    /// Takes a piece and appends the lines that cannot change any more.
    pub fn feed(&mut self, piece: &[u8], out: &mut String) {
        let bytes = self.joiner.join(piece).into_owned();
        self.feed_chars(&bytes, out);
    }

    /// The last line, as far as it was printed.
    #[must_use]
    pub fn open_line(&self) -> String {
        let mut text = String::new();
        self.rows.get(self.row).into_iter().for_each(|row| push_row(row, &mut text));
        text
    }

    /// Appends the lines that are left. The last one has a line end only if it was printed.
    pub fn finish(&mut self, out: &mut String) {
        let rest = self.joiner.finish();
        self.feed_chars(&rest, out);
        let last = self.rows.len().saturating_sub(1);
        for (at, row) in std::mem::take(&mut self.rows).iter().enumerate() {
            push_row(row, out);
            if at < last {
                out.push('\n');
            }
        }
        (self.row, self.column) = (0, 0);
    }

    fn feed_chars(&mut self, bytes: &[u8], out: &mut String) {
        for chunk in bytes.utf8_chunks() {
            let mut rest = self.pass(chunk.valid(), out);
            while !rest.is_empty() {
                // most text is plain, at the end of the last line
                if self.parser.in_text() && self.is_at_end() {
                    let line = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
                    let plain = plain_length(&rest[..line]);
                    self.append(&rest[..plain], out);
                    rest = &rest[plain..];
                }
                if self.parser.in_text() {
                    rest = &rest[nul_length(rest)..];
                }
                if let Some(c) = rest.chars().next() {
                    self.take(c, out);
                    rest = &rest[c.len_utf8()..];
                }
            }
            if !chunk.invalid().is_empty() {
                self.take(char::REPLACEMENT_CHARACTER, out);
            }
        }
    }

    /// Passes on the plain lines at the beginning of a large piece that no program can go back to any more. Returns the rest.
    fn pass<'t>(&mut self, text: &'t str, out: &mut String) -> &'t str {
        if text.len() < LARGE_PIECE || !self.parser.in_text() || !self.is_at_end() {
            return text;
        }
        let plain = &text.as_bytes()[..plain_length(text)];
        let Some(end) = memchr::memrchr_iter(b'\n', plain).nth(self.keep) else { return text };
        while self.rows.len() > 1 {
            self.let_go(out);
        }
        if let Some(row) = self.rows.pop_front() {
            push_row(&row, out);
        }
        (self.row, self.column) = (0, 0);
        out.push_str(&text[..=end]);
        &text[end + 1..]
    }

    fn is_at_end(&self) -> bool {
        self.row + 1 >= self.rows.len() && self.column == self.rows.back().map_or(0, Vec::len)
    }

    fn append(&mut self, plain: &str, out: &mut String) {
        if plain.is_empty() {
            return;
        }
        let row = self.current();
        row.extend(plain.chars());
        self.column = row.len();
        self.shorten(out);
    }

    fn current(&mut self) -> &mut Vec<char> {
        while self.rows.len() <= self.row {
            self.rows.push_back(Vec::new());
        }
        &mut self.rows[self.row]
    }

    /// Lets go of an overlong line.
    fn shorten(&mut self, out: &mut String) {
        if self.current().len() < LONGEST_ROW {
            return;
        }
        while self.row > 0 {
            self.let_go(out);
        }
        let row = std::mem::take(self.current());
        push_row(&row, out);
        self.column = 0;
    }

    /// Lets go of the first line.
    fn let_go(&mut self, out: &mut String) {
        if let Some(row) = self.rows.pop_front() {
            push_row(&row, out);
            out.push('\n');
            self.row = self.row.saturating_sub(1);
            self.saved = self.saved.and_then(|(row, column)| Some((row.checked_sub(1)?, column)));
        }
    }

    fn take(&mut self, c: char, out: &mut String) {
        match self.parser.take(c) {
            ScreenAct::Show(c) => self.show(c, out),
            ScreenAct::LineEnd => self.line_end(out),
            ScreenAct::Return => self.column = 0,
            ScreenAct::Back => self.column = self.column.saturating_sub(1),
            ScreenAct::Control(name, numbers) => self.control(name, numbers, out),
            ScreenAct::SaveCursor => self.saved = Some((self.row, self.column)),
            ScreenAct::RestoreCursor => self.restore(out),
            // neither screen's text goes into a line of the other one
            ScreenAct::OtherScreen => self.leave(out),
            ScreenAct::Nothing => {}
        }
    }

    /// Goes back to the place that the program had remembered. Where its line has left, what follows is a line of its own.
    fn restore(&mut self, out: &mut String) {
        if let Some((row, column)) = self.saved {
            (self.row, self.column) = (row, column.min(LONGEST_ROW));
            return;
        }
        self.keep = self.keep.max(SAVED_ROWS);
        if !self.current().is_empty() {
            self.line_end(out);
        }
    }

    fn show(&mut self, c: char, out: &mut String) {
        let width = if c == '\t' { 1 } else { c.width().unwrap_or(0) };
        let column = self.column;
        let row = self.current();
        if row.len() < column {
            row.resize(column, ERASED);
        }
        if width == 0 {
            // it belongs to the character before it
            row.insert(column, c);
            self.column += 1;
            return;
        }
        for (at, c) in [c, SECOND].into_iter().take(width).enumerate() {
            match row.get_mut(column + at) {
                Some(cell) => *cell = c,
                None => row.push(c),
            }
        }
        self.column += width;
        self.shorten(out);
    }

    fn line_end(&mut self, out: &mut String) {
        self.current();
        self.row += 1;
        self.column = 0;
        self.current();
        while self.row > self.keep {
            self.let_go(out);
        }
    }

    fn control(&mut self, name: char, [first, second]: [u16; 2], out: &mut String) {
        let many = usize::from(first.max(1));
        let column = self.column;
        match name {
            'A' | 'F' => {
                self.keep = self.keep.max(many).min(MOST_ROWS);
                self.row = self.row.saturating_sub(many);
            }
            'B' | 'E' => self.row = (self.row + many).min(self.rows.len().saturating_sub(1)),
            'C' => self.column = (column + many).min(LONGEST_ROW),
            'D' => self.column = column.saturating_sub(many),
            'G' | '`' => self.column = (many - 1).min(LONGEST_ROW),
            'K' => {
                let row = self.current();
                match first {
                    0 => row.truncate(column),
                    1 => row.iter_mut().take(column + 1).for_each(|cell| *cell = ERASED),
                    _ => row.clear(),
                }
            }
            'X' => self.current().iter_mut().skip(column).take(many).for_each(|cell| *cell = ERASED),
            '@' => {
                let row = self.current();
                let at = column.min(row.len());
                row.splice(at..at, std::iter::repeat_n(ERASED, many.min(LONGEST_ROW)));
                self.shorten(out);
            }
            // the lines below move up
            'M' => {
                let end = (self.row + many).min(self.rows.len());
                self.rows.drain(self.row.min(end)..end);
                self.column = 0;
            }
            'P' => {
                let row = self.current();
                let end = (column + many).min(row.len());
                row.drain(column.min(end)..end);
            }
            'J' if first == 0 => {
                self.current().truncate(column);
                self.rows.truncate(self.row + 1);
            }
            // the screen is cleared, or the cursor goes to a place on it: what was shown is history
            'J' if first >= 2 => self.leave(out),
            'H' | 'f' => {
                self.leave(out);
                self.column = usize::from(second.max(1)) - 1;
            }
            _ => {}
        }
        if matches!(name, 'E' | 'F') {
            self.column = 0;
        }
    }

    /// Lets go of all lines.
    fn leave(&mut self, out: &mut String) {
        while self.rows.len() > 1 || self.rows.front().is_some_and(|row| !row.is_empty()) {
            self.let_go(out);
        }
        (self.row, self.column) = (0, 0);
    }
}

/// All of `bytes` as a terminal shows them in the end.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    let (mut screen, mut text) = (ShownText::whole(), String::new());
    screen.feed(bytes, &mut text);
    screen.finish(&mut text);
    text
}

fn push_row(row: &[char], out: &mut String) {
    let end = row.iter().rposition(|c| !matches!(*c, ERASED | SECOND)).map_or(0, |at| at + 1);
    out.extend(row[..end].iter().filter(|c| **c != SECOND).map(|c| if *c == ERASED { ' ' } else { *c }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_screen(text: &str) -> String {
        let whole = shown(text.as_bytes());
        // one byte at a time, so that every cut is tried
        let mut pieces = String::new();
        let mut screen = ShownText::whole();
        for byte in text.as_bytes() {
            screen.feed(std::slice::from_ref(byte), &mut pieces);
        }
        screen.finish(&mut pieces);
        assert_eq!(whole, pieces);
        whole
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        for text in ["", "a", "a\n", "\n\na\n  b\t c\n\n", "grüße \u{1F600}e\u{301} €\nx"] {
            assert_eq!(on_screen(text), text);
        }
    }

    #[test]
    fn a_line_that_is_written_again_replaces_what_it_covers() {
        assert_eq!(on_screen("1%\r22%\r333%\r\nend"), "333%\nend");
        assert_eq!(on_screen("loading...\rdone\n"), "doneing...\n");
        assert_eq!(on_screen("loading...\r\u{1b}[Kdone\n"), "done\n");
        assert_eq!(on_screen("loading...\u{1b}[2K\u{1b}[1Gdone\n"), "done\n");
        assert_eq!(on_screen("loading...\u{1b}[1K\rdone\n"), "done\n");
        assert_eq!(on_screen("abc\u{8}\u{8}X\n"), "aXc\n");
        assert_eq!(on_screen("wide \u{1F600}\rWIDE \u{1F600}!\n"), "WIDE \u{1F600}!\n");
        assert_eq!(on_screen("ab\u{1b}[5Cx\n"), "ab     x\n");
    }

    #[test]
    fn lines_above_can_be_written_again() {
        assert_eq!(on_screen("frame 1\nmore 1\n\u{1b}[2A\u{1b}[Jframe 2\n"), "frame 2\n");
        assert_eq!(on_screen("frame 1\n\u{1b}[1A\u{1b}[2Kframe 2\n\u{1b}[F\u{1b}[2Kend\n"), "end\n");
    }

    #[test]
    fn a_remembered_place_is_gone_back_to() {
        assert_eq!(on_screen("\u{1b}7spinning\u{1b}8\u{1b}[Kdone\n"), "done\n");
        assert_eq!(on_screen("\u{1b}[sspinning\u{1b}[udone....\n"), "done....\n");
        assert_eq!(on_screen("a\n\u{1b}7one\ntwo\u{1b}8\u{1b}[Jend\n"), "a\nend\n");
        assert_eq!(on_screen("one\u{1b}8two\n"), "one\ntwo\n", "no place was remembered");
        let (mut screen, mut out) = (ShownText::default(), String::new());
        screen.feed(b"\x1b7one\ntwo\x1b8end\n", &mut out);
        screen.finish(&mut out);
        assert_eq!(out, "one\ntwo\nend\n", "its line has left");
    }

    #[test]
    fn the_two_screens_share_no_line() {
        assert_eq!(on_screen("a\u{1b}[?1049hmenu\u{1b}[?1049lend\n"), "a\nmenu\nend\n");
        assert_eq!(on_screen("\u{1b}[?25;47hmenu\u{1b}[?47lend\n"), "menu\nend\n");
        assert_eq!(on_screen("a\u{1b}[?2004hb\u{1b}[?25lc\u{1b}[<u\u{1b}[>1s\n"), "abc\n");
    }

    #[test]
    fn columns_and_lines_are_put_in_and_taken_out() {
        assert_eq!(on_screen("bc\r\u{1b}[1@a\n"), "abc\n");
        assert_eq!(on_screen("one\ntwo\n\u{1b}[2A\u{1b}[2Mend\n"), "end\n");
    }

    #[test]
    fn what_a_clear_screen_removes_stays_as_history() {
        assert_eq!(on_screen("old\u{1b}[2J\u{1b}[Hnew\n"), "old\nnew\n");
        assert_eq!(on_screen("old\n\u{1b}[3J\u{1b}cnew"), "old\nnew");
    }

    #[test]
    fn nothing_that_only_acts_is_shown() {
        let acts =
            "\u{feff}\u{1b}]0;title\u{7}\u{1b}]2;t\u{1b}\\\u{1b}ktitle\u{1b}\\\u{7}\u{1b}[1m\u{1b}Pq\u{1b}\\";
        let link = "\u{1b}]8;;http://a\u{7}here\u{1b}]8;;\u{7}";
        assert_eq!(on_screen(&format!("{acts}{link}\u{1b}[?25l\u{200b}\n")), "here\n");
    }

    #[test]
    fn lines_leave_as_soon_as_they_end() {
        let (mut screen, mut out) = (ShownText::default(), String::new());
        screen.feed(b"a\nb", &mut out);
        assert_eq!(out, "a\n");
        // the first time comes too late, from then on it waits
        screen.feed(b"\n\x1b[1A\x1b[2Kc\n\x1b[1A\x1b[2Kd", &mut out);
        screen.finish(&mut out);
        assert_eq!(out, "a\nb\nd\n");
    }

    #[test]
    fn large_pieces_of_plain_lines_pass_through() {
        let lines: Vec<String> = (0..2000).map(|n| format!("line {n}")).collect();
        let text = format!("before {}", lines.join("\n"));
        assert_eq!(shown(text.as_bytes()), text);
        let back = format!("{text}\n\u{1b}[2A\u{1b}[Jend\n");
        assert_eq!(shown(back.as_bytes()), format!("before {}\nend\n", lines[..1998].join("\n")));
    }

    #[test]
    fn an_endless_line_costs_no_memory() {
        let (mut screen, mut out) = (ShownText::whole(), String::new());
        screen.feed(b"x\n", &mut out);
        for _ in 0..100 {
            screen.feed(&[b'y'; 10_000], &mut out);
            assert!(screen.rows.iter().map(Vec::capacity).sum::<usize>() < 4 * LONGEST_ROW);
        }
        screen.finish(&mut out);
        assert_eq!(out, format!("x\n{}", "y".repeat(1_000_000)));
    }
}
