//! Names that tmux takes as they are.

/// What a name is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A session: tmux itself turns `.` into `_` here, and would then not be found under the name that was given.
    Session,
    /// A window; a dot may stay.
    Window,
}

/// Longest name, in characters.
const MAX_CHARS: usize = 100;

/// Makes a name of any text: no control characters, no whitespace, no `:` (it ends a session in a target), no `#` (tmux
/// expands `#{…}` in a name and runs `#(…)` as a shell command), at most 100 characters, never empty.
#[must_use]
pub fn sanitise(text: &str, kind: Kind, fallback: &str) -> String {
    let mut name = String::new();
    let mut chars = 0;
    for c in text.chars() {
        let c = match c {
            c if c.is_whitespace() => '-',
            c if c.is_control() => continue,
            ':' | '#' => '_',
            '.' if kind == Kind::Session => '_',
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

/// The session's name from its pattern (`sequential-{spec}`).
#[must_use]
pub fn session(pattern: &str, spec: &str) -> String {
    sanitise(&pattern.replace("{spec}", spec), Kind::Session, "seqorch")
}

/// A window's name from its pattern (`task-{id}`).
#[must_use]
pub fn window(pattern: &str, id: &str) -> String {
    sanitise(&pattern.replace("{id}", id), Kind::Window, "task")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_window_keeps_its_dot_and_a_session_does_not() {
        assert_eq!(window("task-{id}", "1.1"), "task-1.1");
        assert_eq!(session("sequential-{spec}", "auth.v2:x"), "sequential-auth_v2_x");
    }

    #[test]
    fn whitespace_becomes_a_dash_and_nothing_becomes_the_fallback() {
        assert_eq!(sanitise("  my  spec\n", Kind::Window, "x"), "my-spec");
        assert_eq!(sanitise("\u{1b}\u{7}", Kind::Window, "x"), "x");
        assert_eq!(session("{spec}", ""), "seqorch");
    }

    #[test]
    fn tmux_finds_nothing_to_expand_or_run_in_a_name() {
        assert_eq!(window("task-{id}", "#(rm -rf x)#{pid}"), "task-_(rm-rf-x)_{pid}");
    }

    #[test]
    fn a_long_name_is_cut_at_whole_characters() {
        assert_eq!(sanitise(&"é".repeat(300), Kind::Window, "x"), "é".repeat(100));
    }

    proptest! {
        #[test]
        fn any_text_makes_a_name_that_tmux_takes(text in any::<String>()) {
            let name = sanitise(&text, Kind::Session, "x");
            let fine = |c: char| !c.is_control() && !c.is_whitespace() && !":.#".contains(c);
            prop_assert!(!name.is_empty() && name.chars().count() <= 100 && name.chars().all(fine));
        }
    }
}
