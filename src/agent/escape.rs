//! Splits text into what a terminal shows and what it acts on (ECMA-48).
//!
//! This is own code because no crate at hand knows the 8-bit introducers, keeps its state across pieces, and lets an
//! unterminated string hide only its own line.

/// What a terminal does at one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScreenAct {
    /// It shows the character.
    Show(char),
    /// It goes to the beginning of the next line.
    LineEnd,
    /// It goes to the beginning of this line.
    Return,
    /// It goes one column to the left.
    Back,
    /// It performs a control sequence with this final byte and first two numbers; 0 stands for a number that is missing.
    Control(char, [u16; 2]),
    /// It remembers where the cursor is.
    SaveCursor,
    /// It puts the cursor where it was remembered.
    RestoreCursor,
    /// It changes between its two screens.
    OtherScreen,
    /// It shows nothing.
    Nothing,
}

/// The position inside an escape sequence, and the numbers of a control sequence so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct EscapeParser {
    state: EscapeState,
    numbers: [u16; 2],
    /// Which number is being read. A private sequence (`ESC [ >`) has none.
    at: usize,
    /// Whether the sequence switches modes (`ESC [ ?`).
    modes: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum EscapeState {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and intermediate bytes.
    Intermediate,
    /// Parameters and intermediates of a control sequence.
    Sequence,
    /// A command string (title, clipboard, …) up to its terminator.
    String,
    /// After an ESC inside a string, which may begin its terminator.
    StringEscape,
}

impl EscapeParser {
    /// Whether the next character stands for itself.
    pub(super) fn in_text(&self) -> bool {
        self.state == EscapeState::Text
    }

    /// What the terminal does at the next character.
    #[expect(clippy::match_same_arms, reason = "the arms follow the states, and their order matters")]
    pub(super) fn take(&mut self, c: char) -> ScreenAct {
        use EscapeState::{Escape, Intermediate, Sequence, String, StringEscape, Text};
        let (next, act) = match (self.state, c) {
            // a line end ends every sequence, so that none can hide more than its line
            (_, '\r') => (Text, ScreenAct::Return),
            (_, '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}') => (Text, ScreenAct::LineEnd),
            (StringEscape, '\\') => (Text, ScreenAct::Nothing),
            (String, '\u{1b}') => (StringEscape, ScreenAct::Nothing),
            (String, '\u{7}' | '\u{9c}') => (Text, ScreenAct::Nothing),
            (String, _) => (String, ScreenAct::Nothing),
            (_, '\u{1b}') => (Escape, ScreenAct::Nothing),
            (_, '\u{9b}') | (Escape | StringEscape, '[') => {
                (self.numbers, self.at, self.modes) = ([0; 2], 0, false);
                (Sequence, ScreenAct::Nothing)
            }
            (_, '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}')
            // `ESC k` is the title of a window of screen and tmux
            | (Escape | StringEscape, ']' | 'P' | 'X' | '^' | '_' | 'k') => (String, ScreenAct::Nothing),
            // the previous line, and a reset of the whole screen
            (Escape | StringEscape, 'M') => (Text, ScreenAct::Control('A', [1, 0])),
            (Escape | StringEscape, 'c') => (Text, ScreenAct::Control('J', [2, 0])),
            (Escape | StringEscape, '7') => (Text, ScreenAct::SaveCursor),
            (Escape | StringEscape, '8') => (Text, ScreenAct::RestoreCursor),
            (Escape | StringEscape | Intermediate, ' '..='/') => (Intermediate, ScreenAct::Nothing),
            (Escape | StringEscape | Intermediate, '0'..='~') => (Text, ScreenAct::Nothing),
            (Sequence, '0'..='9') => {
                if let Some(number) = self.numbers.get_mut(self.at) {
                    let digit = c.to_digit(10).unwrap_or(0);
                    *number = number.saturating_mul(10).saturating_add(u16::try_from(digit).unwrap_or(0));
                }
                (Sequence, ScreenAct::Nothing)
            }
            (Sequence, ';' | ':') => {
                self.at += 1;
                (Sequence, ScreenAct::Nothing)
            }
            (Sequence, '?') => {
                self.modes = true;
                (Sequence, ScreenAct::Nothing)
            }
            (Sequence, ' '..='?') => {
                self.at = usize::MAX / 2;
                (Sequence, ScreenAct::Nothing)
            }
            (Sequence, 'h' | 'l') if self.modes && self.numbers.iter().any(|n| matches!(n, 47 | 1047 | 1049)) => {
                (Text, ScreenAct::OtherScreen)
            }
            (Sequence, '@'..='~') if self.modes => (Text, ScreenAct::Nothing),
            (Sequence, 's') if self.at < 100 => (Text, ScreenAct::SaveCursor),
            (Sequence, 'u') if self.at < 100 => (Text, ScreenAct::RestoreCursor),
            (Sequence, '@'..='~') if self.at < 100 => (Text, ScreenAct::Control(c, self.numbers)),
            (Sequence, '@'..='~') => (Text, ScreenAct::Nothing),
            (_, '\u{8}') => (Text, ScreenAct::Back),
            _ => (Text, if is_visible(c) { ScreenAct::Show(c) } else { ScreenAct::Nothing }),
        };
        self.state = next;
        act
    }
}

/// Control characters act on the terminal, direction marks can make a line look like another one, and the others have no
/// width at all.
fn is_visible(c: char) -> bool {
    c == '\t'
        || !(c.is_control()
            || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
            || matches!(c, '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'))
}
