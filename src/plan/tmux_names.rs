//! Names that tmux accepts unchanged.

/// What a name is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TmuxNameKind {
    /// A session: tmux changes `.` to `_` there, and then does not find the session by the name it was given.
    Session,
    /// A window: a dot may stay.
    Window,
}

/// Longest name, in characters.
const MAX_CHARS: usize = 100;

/// Makes a name of any text. The name is not empty, has at most 100 characters and no control characters, no whitespace,
/// no `:` (it ends a session in a target) and no `#` (tmux expands `#{…}` in a name and runs `#(…)` as a command).
fn sanitise(text: &str, kind: TmuxNameKind, fallback: &str) -> String {
    let mut name = String::new();
    let mut chars = 0;
    for c in text.chars() {
        let c = match c {
            c if c.is_whitespace() => '-',
            c if c.is_control() => continue,
            ':' | '#' => '_',
            '.' if kind == TmuxNameKind::Session => '_',
            c => c,
        };
        if c == '-' && name.ends_with('-') {
            continue;
        }
        if chars == MAX_CHARS {
            break;
        }
        name.push(c);
        chars += 1;
    }
    let name = name.trim_matches('-');
    if name.is_empty() { fallback.to_owned() } else { name.to_owned() }
}

/// The name of a session, from its pattern (`sequential-{spec}`).
#[must_use]
pub fn session(pattern: &str, spec: &str) -> String {
    sanitise(&pattern.replace("{spec}", spec), TmuxNameKind::Session, "seqorch")
}

/// The name of a window, from its pattern (`task-{id}`).
#[must_use]
pub fn window(pattern: &str, id: &str) -> String {
    sanitise(&pattern.replace("{id}", id), TmuxNameKind::Window, "task")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_window_name_keeps_its_dot_and_a_session_name_does_not() {
        assert_eq!(window("task-{id}", "1.1"), "task-1.1");
        assert_eq!(session("sequential-{spec}", "auth.v2:x"), "sequential-auth_v2_x");
    }

    #[test]
    fn whitespace_becomes_a_dash_and_an_empty_name_the_fallback() {
        assert_eq!(sanitise("  my  spec\n", TmuxNameKind::Window, "x"), "my-spec");
        assert_eq!(sanitise("\u{1b}\u{7}", TmuxNameKind::Window, "x"), "x");
        assert_eq!(session("{spec}", ""), "seqorch");
    }

    #[test]
    fn tmux_expands_and_runs_nothing_in_a_name() {
        assert_eq!(window("task-{id}", "#(rm -rf x)#{pid}"), "task-_(rm-rf-x)_{pid}");
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(sanitise(&"é".repeat(300), TmuxNameKind::Window, "x"), "é".repeat(100));
    }

    proptest! {
        #[test]
        fn any_text_makes_a_name_that_tmux_accepts(text in any::<String>()) {
            let name = sanitise(&text, TmuxNameKind::Session, "x");
            let fine = |c: char| !c.is_control() && !c.is_whitespace() && !":.#".contains(c);
            prop_assert!(!name.is_empty() && name.chars().count() <= 100 && name.chars().all(fine));
        }
    }
}
