//! PURE. A window's mark and a run's message, shown in the status line that the user has configured.
//!
//! A window keeps its name `task-{id}`, because people and programs select it by name. tmux finds a name only by itself or
//! by a prefix that no other name has, so with the mark in the name `task-1 ✓` would hide `task-1` beside `task-1.1 ✓` and
//! `task-10 ✓`. Therefore the mark is an option of the window, and the window shows it by the user's own format with the mark
//! added behind the name.

use super::command_line::CommandLine;

/// The option with a window's mark (`✓`).
pub const MARK_OPTION: &str = "@seqorch_mark";
/// The option with a run's message.
const MESSAGE_OPTION: &str = "@seqorch_status";

/// Columns of the longest message.
const MESSAGE_MAX: usize = 28;
/// What our session adds to the length of the right side of the user's status line.
const ADDED_LENGTH: usize = MESSAGE_MAX + 2;

/// The left side of a status line of tmux itself, in new and in old versions of tmux.
const PLAIN_LEFT: &[&str] = &["[#{session_name}]", "[#S]"];

/// The user's status line, with our mark and message added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusLine {
    /// `window-status-format` with the mark.
    format: String,
    /// `window-status-current-format` with the mark.
    current_format: String,
    /// `status-right` with the message.
    right: String,
    /// `status-right-length` with room for the message.
    right_length: String,
    /// Whether our session still has the last two from an earlier run.
    left_over: bool,
    /// Whether the left side is tmux's own, which cuts the name of our sessions.
    is_left_plain: bool,
}

impl StatusLine {
    /// Asks for the user's settings, and removes the message of an earlier run.
    #[must_use]
    pub fn query(session: &str) -> CommandLine {
        let mut line = CommandLine::of(["set-option", "-q", "-u", "-t", session, MESSAGE_OPTION]);
        line.then(["show-options", "-gwv", "window-status-format"]);
        line.then(["show-options", "-gwv", "window-status-current-format"]);
        line.then(["show-options", "-gv", "status-right"]);
        line.then(["show-options", "-gv", "status-right-length"]);
        line.then(["show-options", "-gv", "status-left"]);
        line.then(["show-options", "-qv", "-t", session, "status-right"]);
        line
    }

    /// Reads what [`StatusLine::query`] printed: the global settings, then our session's `status-right` if it has one.
    #[must_use]
    pub fn parse(printed: &str) -> Option<Self> {
        let lines: Vec<&str> = printed.lines().collect();
        let (format, current, right, length, left, own) = match lines.as_slice() {
            [format, current, right, length, left] => (format, current, right, length, left, None),
            [format, current, right, length, left, own] => (format, current, right, length, left, Some(own)),
            _ => return None,
        };
        let left_over = own.is_some_and(|own| own.contains(MESSAGE_OPTION));
        let right = own.filter(|_| !left_over).unwrap_or(right);
        let length = length.parse::<usize>().ok()?;
        Some(Self {
            format: with_mark(format),
            current_format: with_mark(current),
            right: format!("#{{?{MESSAGE_OPTION},#{{{MESSAGE_OPTION}}}  ,}}{right}"),
            right_length: (length + ADDED_LENGTH).to_string(),
            left_over,
            is_left_plain: PLAIN_LEFT.contains(&left.trim()),
        })
    }

    /// Makes a window show its mark.
    pub fn show_mark(&self, line: &mut CommandLine, target: &str) {
        line.window_option(target, "window-status-format", &self.format);
        line.window_option(target, "window-status-current-format", &self.current_format);
    }

    /// Gives the session the user's status line back, if an earlier run changed it.
    #[must_use]
    pub fn restore(&self, session: &str) -> CommandLine {
        let mut line = CommandLine::default();
        if self.left_over {
            for option in ["status-right", "status-right-length"] {
                line.then(["set-option", "-q", "-u", "-t", session, option]);
            }
        }
        line
    }

    /// Shows the spec on the left of our session's status line, unless the user has a left side of their own.
    #[must_use]
    pub fn show_spec(&self, session: &str, spec: &str) -> CommandLine {
        let mut line = CommandLine::default();
        if self.is_left_plain {
            line.session_option(session, "status-left", &format!("[{}] ", literal(spec)));
            line.session_option(session, "status-left-length", &(MESSAGE_MAX + 3).to_string());
        }
        line
    }

    /// Shows a message on the right of our session's status line.
    #[must_use]
    pub fn show_message(&self, session: &str, message: &str) -> CommandLine {
        let mut line = CommandLine::default();
        line.session_option(session, MESSAGE_OPTION, &literal(message));
        line.session_option(session, "status-right", &self.right);
        line.session_option(session, "status-right-length", &self.right_length);
        line
    }
}

/// Adds the mark to a format: behind the window's name, or at the end if it has no name.
fn with_mark(format: &str) -> String {
    let mark = format!("#{{?{MARK_OPTION}, #{{{MARK_OPTION}}},}}");
    let bytes = format.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &format[at..];
        let name = ["#W", "#{window_name}"].into_iter().find(|name| rest.starts_with(name));
        if let Some(name) = name {
            let (before, after) = format.split_at(at + name.len());
            // inside a condition or a modifier the mark's commas and braces would change the meaning
            return if depth(before) == 0 {
                format!("{before}{mark}{after}")
            } else {
                format!("{format}{mark}")
            };
        }
        // `##` is a literal `#`, and what follows is text
        at += if rest.starts_with("##") { 2 } else { rest.chars().next().map_or(1, char::len_utf8) };
    }
    format!("{format}{mark}")
}

/// How many `#{` are open at the end of a format.
fn depth(text: &str) -> usize {
    let opened = text.matches("#{").count();
    opened.saturating_sub(text.matches('}').count())
}

/// Makes a text that tmux shows literally, however often it expands it: one line, no control characters, no `#`.
#[must_use]
fn literal(text: &str) -> String {
    let mut kept = String::new();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (at, c) in words.chars().filter(|c| !c.is_control()).enumerate() {
        if at == MESSAGE_MAX - 1 && words.chars().count() > MESSAGE_MAX {
            kept.push('…');
            break;
        }
        kept.push(if c == '#' { '＃' } else { c });
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_added_behind_the_name_in_the_users_format() {
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
    fn the_users_status_line_is_kept_and_not_mixed_up_with_ours() {
        let line = StatusLine::parse("#I:#W\n#I:#W*\n%H:%M\n40\n[#{session_name}] \n").unwrap();
        assert_eq!(line.right, "#{?@seqorch_status,#{@seqorch_status}  ,}%H:%M");
        assert_eq!(line.right_length, "70");
        assert!(!line.show_spec("$1", "login").is_empty());
        assert!(line.restore("$1").is_empty());
        let again = StatusLine::parse(&format!("#I:#W\n#I:#W*\n%H\n40\nmine\n{}\n", line.right)).unwrap();
        assert_eq!(again.right, "#{?@seqorch_status,#{@seqorch_status}  ,}%H");
        assert!(!again.restore("$1").is_empty() && again.show_spec("$1", "login").is_empty());
        let own = StatusLine::parse("#I:#W\n#I:#W*\n%H\n40\n\nmine\n").unwrap();
        assert!(own.right.ends_with(",}mine") && own.restore("$1").is_empty());
        assert_eq!(StatusLine::parse("a\nb\n"), None);
    }

    #[test]
    fn a_message_is_one_line_and_holds_nothing_that_tmux_expands() {
        assert_eq!(literal("3 asks:\n #(touch x)\u{1b} #[fg=a]"), "3 asks: ＃(touch x) ＃[fg=a]");
        let long = literal(&"é".repeat(100));
        assert_eq!((long.chars().count(), long.chars().last()), (MESSAGE_MAX, Some('…')));
    }
}
