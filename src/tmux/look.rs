//! PURE. How the outcome of a window and the word of a run are shown, inside the look that the user has.
//!
//! A window keeps the name `task-{id}`: it is what people and programs select by, and tmux finds a name only by itself
//! or by a beginning that no other has, so that `task-1 ✓` would hide `task-1` beside `task-1.1 ✓` and `task-10 ✓`. So the
//! mark is an option of the window, and the user's own format, with the mark behind the name, one of that window only.

use super::line::Line;
use super::{UNIT_OPTION, Window};

/// The option with a window's mark.
pub const MARK: &str = "@seqorch_mark";
/// The option with the word of a run.
pub const WORD: &str = "@seqorch_status";

/// Columns of the longest word.
const WORD_MAX: usize = 60;
/// What the session shows of a status line's right side beside the user's own.
const ROOM: usize = WORD_MAX + 2;

/// What the user's status line looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// `window-status-format`, with the mark.
    label: String,
    /// `window-status-current-format`, with the mark.
    current: String,
    /// `status-right`, with the word.
    right: String,
    /// `status-right-length`, with room for it.
    length: String,
    /// Our session has the last two from an earlier run.
    left_over: bool,
}

impl Look {
    /// What [`Look::ask`] printed: the global settings, and our session's `status-right` where it has one.
    #[must_use]
    pub fn read(printed: &str) -> Option<Self> {
        let lines: Vec<&str> = printed.lines().collect();
        let (label, current, right, length, own) = match lines.as_slice() {
            [label, current, right, length] => (label, current, right, length, None),
            [label, current, right, length, own] => (label, current, right, length, Some(own)),
            _ => return None,
        };
        let left_over = own.is_some_and(|own| own.contains(WORD));
        let right = own.filter(|_| !left_over).unwrap_or(right);
        let length = length.parse::<usize>().ok()?;
        Some(Self {
            label: with_mark(label),
            current: with_mark(current),
            right: format!("#{{?{WORD},#{{{WORD}}}  ,}}{right}"),
            length: (length + ROOM).to_string(),
            left_over,
        })
    }

    /// Asks for them, and takes back the word of an earlier run.
    #[must_use]
    pub fn ask(session: &str) -> Line {
        let mut line = Line::of(["set-option", "-q", "-u", "-t", session, WORD]);
        line.then(["show-options", "-gwv", "window-status-format"]);
        line.then(["show-options", "-gwv", "window-status-current-format"]);
        line.then(["show-options", "-gv", "status-right"]);
        line.then(["show-options", "-gv", "status-right-length"]);
        line.then(["show-options", "-qv", "-t", session, "status-right"]);
        line
    }

    /// Makes a window show its mark.
    pub fn label(&self, line: &mut Line, target: &str) {
        line.window_option(target, "window-status-format", &self.label);
        line.window_option(target, "window-status-current-format", &self.current);
    }

    /// Gives the session the user's look back, where an earlier run changed it.
    #[must_use]
    pub fn restored(&self, session: &str) -> Line {
        let mut line = Line::default();
        if self.left_over {
            for option in ["status-right", "status-right-length"] {
                line.then(["set-option", "-q", "-u", "-t", session, option]);
            }
        }
        line
    }

    /// Shows a word on the right of our session's status line.
    #[must_use]
    pub fn tell(&self, session: &str, word: &str) -> Line {
        let mut line = Line::default();
        line.session_option(session, WORD, &harmless(word));
        line.session_option(session, "status-right", &self.right);
        line.session_option(session, "status-right-length", &self.length);
        line
    }
}

/// A format with the mark behind the window's name, or at its end.
fn with_mark(format: &str) -> String {
    let mark = format!("#{{?{MARK}, #{{{MARK}}},}}");
    let bytes = format.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &format[at..];
        let name = ["#W", "#{window_name}"].into_iter().find(|name| rest.starts_with(name));
        if let Some(name) = name {
            let (before, after) = format.split_at(at + name.len());
            // inside a condition or a modifier a comma or a brace would mean something else
            return if depth(before) == 0 {
                format!("{before}{mark}{after}")
            } else {
                format!("{format}{mark}")
            };
        }
        // `##` is a `#`, and what follows it is text
        at += if rest.starts_with("##") { 2 } else { rest.chars().next().map_or(1, char::len_utf8) };
    }
    format!("{format}{mark}")
}

/// How many `#{` are open at the end of a text.
fn depth(text: &str) -> usize {
    let opened = text.matches("#{").count();
    opened.saturating_sub(text.matches('}').count())
}

/// A text that tmux shows as it is, however often it is expanded: without control characters, and with another `#`.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut kept = String::new();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (at, c) in words.chars().filter(|c| !c.is_control()).enumerate() {
        if at == WORD_MAX - 1 && words.chars().count() > WORD_MAX {
            kept.push('…');
            break;
        }
        kept.push(if c == '#' { '＃' } else { c });
    }
    kept
}

/// Closes windows of ours that are still there, and never the last one: its session would go with it.
#[must_use]
pub fn close<'a>(windows: impl IntoIterator<Item = &'a Window>) -> Line {
    let mut line = Line::default();
    for Window { id, .. } in windows {
        let there = format!("#{{&&:#{{{UNIT_OPTION}}},#{{!=:#{{session_windows}},1}}}}");
        line.then(["if-shell", "-F", "-t", id, &there, &format!("kill-window -t {id}")]);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_behind_the_name_in_whatever_format_the_user_has() {
        let mark = "#{?@seqorch_mark, #{@seqorch_mark},}";
        for (format, marked) in [
            ("#I:#W#F", format!("#I:#W{mark}#F")),
            (" #{window_index} #{window_name} |", format!(" #{{window_index}} #{{window_name}}{mark} |")),
            ("##W #I", format!("##W #I{mark}")),
            ("#{?window_active,#W,-}", format!("#{{?window_active,#W,-}}{mark}")),
            ("é#W", format!("é#W{mark}")),
            ("", mark.to_owned()),
        ] {
            assert_eq!(with_mark(format), marked);
        }
    }

    #[test]
    fn the_users_status_line_is_kept_and_ours_is_not_taken_for_it() {
        let look = Look::read("#I:#W\n#I:#W*\n%H:%M\n40\n").unwrap();
        assert_eq!(look.right, "#{?@seqorch_status,#{@seqorch_status}  ,}%H:%M");
        assert_eq!(look.length, "102");
        assert!(look.restored("$1").is_empty());
        let again = Look::read(&format!("#I:#W\n#I:#W*\n%H\n40\n{}\n", look.right)).unwrap();
        assert_eq!(again.right, "#{?@seqorch_status,#{@seqorch_status}  ,}%H");
        assert!(!again.restored("$1").is_empty());
        let own = Look::read("#I:#W\n#I:#W*\n%H\n40\nmine\n").unwrap();
        assert!(own.right.ends_with(",}mine") && own.restored("$1").is_empty());
        assert_eq!(Look::read("a\nb\n"), None);
    }

    #[test]
    fn a_word_has_nothing_that_tmux_expands_and_one_line() {
        assert_eq!(harmless("3 asks:\n #(touch x)\u{1b} #[fg=red]"), "3 asks: ＃(touch x) ＃[fg=red]");
        let long = harmless(&"é".repeat(100));
        assert_eq!((long.chars().count(), long.chars().last()), (WORD_MAX, Some('…')));
    }
}
