//! PURE. Keys, and what they do to the view.

use super::model::VisibleRows;

/// A key of the live view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Scroll one row down.
    Down,
    /// Scroll one row up.
    Up,
    /// Scroll one page down.
    PageDown,
    /// Scroll one page up.
    PageUp,
    /// Go to the first row.
    First,
    /// Go to the last row.
    Last,
    /// Follow the running task again.
    Follow,
    /// Show the keys, or hide them.
    Help,
    /// Leave.
    Quit,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-L: redraw the screen.
    Redraw,
}

/// The keys in the bytes of a terminal, and how many bytes were used. An incomplete sequence at the end is not used: more of
/// it may come.
#[must_use]
pub fn keys(bytes: &[u8]) -> (Vec<Key>, usize) {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at + 1..];
        let mut length = 1;
        let key = match byte {
            b'j' => Some(Key::Down),
            b'k' => Some(Key::Up),
            b' ' | 0x06 => Some(Key::PageDown),
            b'b' | 0x02 => Some(Key::PageUp),
            b'g' => Some(Key::First),
            b'G' => Some(Key::Last),
            b'f' => Some(Key::Follow),
            b'?' | b'h' => Some(Key::Help),
            b'q' => Some(Key::Quit),
            0x03 => Some(Key::Interrupt),
            0x0c => Some(Key::Redraw),
            // the rest of a sequence may come
            0x1b if rest.is_empty() => return (found, at),
            0x1b if matches!(rest.first(), Some(b'[' | b'O')) => {
                let Some(end) = rest[1..].iter().position(|b| (0x40..=0x7e).contains(b)) else {
                    // a sequence is not that long
                    return (found, if rest.len() > 32 { bytes.len() } else { at });
                };
                length = end + 3;
                sequence(&rest[1..=end], rest[end + 1])
            }
            _ => None,
        };
        found.extend(key);
        at += length;
    }
    (found, at)
}

fn sequence(parameters: &[u8], last: u8) -> Option<Key> {
    Some(match (parameters, last) {
        (_, b'A') => Key::Up,
        (_, b'B') => Key::Down,
        (_, b'H') | (b"1" | b"7", b'~') => Key::First,
        (_, b'F') | (b"4" | b"8", b'~') => Key::Last,
        (b"5", b'~') => Key::PageUp,
        (b"6", b'~') => Key::PageDown,
        _ => return None,
    })
}

/// How the view is shown: scroll position, help, colours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ui {
    /// The first row that is shown; `None`: the running task stays visible.
    pub top: Option<usize>,
    /// Whether the help is shown.
    pub help: bool,
    /// Whether to use colours.
    pub color: bool,
    /// Whether it is the window of a run: then it stays open, and Ctrl-C stops the run.
    pub of_run: bool,
    /// A message about the last key.
    pub note: Option<&'static str>,
}

/// What a key asks of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UiRequest {
    /// Leave the view.
    Leave,
    /// Stop the run, or end its agent.
    Stop,
    /// Redraw the screen.
    Redraw,
}

impl Ui {
    /// Handles a key. `drawn` are the rows that were on the screen.
    pub fn on(&mut self, key: Key, drawn: VisibleRows) -> Option<UiRequest> {
        self.note = None;
        let most = drawn.rows.saturating_sub(drawn.shown);
        let page = drawn.shown.saturating_sub(1).max(1);
        let to = match key {
            Key::Down => drawn.top + 1,
            Key::Up => drawn.top.saturating_sub(1),
            Key::PageDown => drawn.top + page,
            Key::PageUp => drawn.top.saturating_sub(page),
            Key::First => 0,
            Key::Last => most,
            Key::Follow => {
                self.top = None;
                return None;
            }
            Key::Help => {
                self.help = !self.help;
                return None;
            }
            Key::Quit if self.help => {
                self.help = false;
                return None;
            }
            Key::Quit if self.of_run => {
                self.note = Some("this window stays with the run; leave tmux with its prefix and d");
                return None;
            }
            Key::Interrupt if self.of_run => return Some(UiRequest::Stop),
            Key::Quit | Key::Interrupt => return Some(UiRequest::Leave),
            Key::Redraw => return Some(UiRequest::Redraw),
        };
        self.top = Some(to.min(most));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_recognised_wherever_the_input_is_cut() {
        let all = b"jk\x1b[A\x1bOB\x1b[5~\x1b[6~gG\x1b[H\x1b[1;5F\x1b[200~?q\x03x";
        let wanted = [
            Key::Down,
            Key::Up,
            Key::Up,
            Key::Down,
            Key::PageUp,
            Key::PageDown,
            Key::First,
            Key::Last,
            Key::First,
            Key::Last,
            Key::Help,
            Key::Quit,
            Key::Interrupt,
        ];
        for cut in 0..=all.len() {
            let (mut found, read) = keys(&all[..cut]);
            let (more, end) = keys(&all[read..]);
            found.extend(more);
            assert_eq!((found.as_slice(), read + end), (&wanted[..], all.len()), "cut at {cut}");
        }
        assert_eq!(keys(&[b"\x1b[".as_slice(), &[b'1'; 100]].concat()), (Vec::new(), 102), "no end in sight");
    }

    #[test]
    fn scrolling_stops_at_the_first_and_last_row() {
        let drawn = VisibleRows { top: 5, shown: 10, rows: 17 };
        let mut ui = Ui::default();
        for (key, top) in [
            (Key::Down, 6),
            (Key::Up, 4),
            (Key::PageDown, 7),
            (Key::PageUp, 0),
            (Key::First, 0),
            (Key::Last, 7),
        ] {
            assert_eq!(ui.on(key, drawn), None);
            assert_eq!(ui.top, Some(top), "{key:?}");
        }
        ui.on(Key::Follow, drawn);
        assert_eq!(ui.top, None);
        ui.on(Key::Down, VisibleRows { top: 0, shown: 10, rows: 3 });
        assert_eq!(ui.top, Some(0), "all are shown");
    }

    #[test]
    fn in_the_window_of_a_run_q_stays_and_ctrl_c_stops_the_run() {
        let drawn = VisibleRows::default();
        let mut own = Ui::default();
        assert_eq!(own.on(Key::Quit, drawn), Some(UiRequest::Leave));
        assert_eq!(own.on(Key::Interrupt, drawn), Some(UiRequest::Leave));
        let mut window = Ui { of_run: true, ..Ui::default() };
        assert_eq!(window.on(Key::Quit, drawn), None);
        assert!(window.note.is_some());
        assert_eq!(window.on(Key::Interrupt, drawn), Some(UiRequest::Stop));
        assert_eq!(window.note, None);
    }
}
