//! PURE. What tmux prints, and names for it.

use std::path::PathBuf;

use super::{Session, Window};

/// Lines of `#{session_id} #{session_name}`.
#[must_use]
pub fn sessions(list: &str) -> Vec<Session> {
    list.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(id, name)| Session { id: id.to_owned(), name: name.to_owned() })
        .collect()
}

/// `#{session_id} #{window_id} #{pane_id} #{pane_tty} #{session_name}`
#[must_use]
pub fn opened(line: &str) -> Option<(Session, Window)> {
    let line = line.lines().next_back()?;
    let mut words = line.splitn(5, ' ');
    let id = words.next().filter(|w| w.starts_with('$'))?.to_owned();
    let window = words.next().filter(|w| w.starts_with('@'))?.to_owned();
    let pane = words.next().filter(|w| w.starts_with('%'))?.to_owned();
    let tty = PathBuf::from(words.next()?);
    let name = words.next()?.to_owned();
    Some((Session { id, name }, Window { id: window, pane, tty }))
}

/// Lines of `#{window_id} #{pane_id} #{pane_tty} #{@mark}`; windows without a mark are not ours.
#[must_use]
pub fn windows(list: &str) -> Vec<(String, Window)> {
    list.lines()
        .filter_map(|line| {
            let mut words = line.splitn(4, ' ');
            let window = Window {
                id: words.next()?.to_owned(),
                pane: words.next()?.to_owned(),
                tty: PathBuf::from(words.next()?),
            };
            let mark = words.next().filter(|m| !m.is_empty())?;
            Some((mark.to_owned(), window))
        })
        .collect()
}

/// `3.3a`, `next-3.6`; others (`openbsd-7.5`, `master`) have no number of tmux's own.
#[must_use]
pub fn version(said: &str) -> Option<(u32, u32)> {
    let (major, minor) = said.strip_prefix("next-").unwrap_or(said).split_once('.')?;
    let minor: String = minor.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether the tmux that calls itself so knows `main-horizontal-mirrored` and `main-vertical-mirrored`. One that does not
/// must not be asked for them: 3.3a takes the name for a description of a layout, and dies of it with all its sessions.
#[must_use]
pub fn has_mirrored_layouts(said: &str) -> bool {
    version(said) >= Some((3, 5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_far_as_they_are_numbers() {
        assert_eq!(version("3.3a"), Some((3, 3)));
        assert_eq!(version("next-3.6"), Some((3, 6)));
        assert_eq!((version("openbsd-7.5"), version("master")), (None, None));
        assert!(version("2.9a") < version("3.3"));
        let knows = ["3.3a", "3.4", "3.5", "next-3.6", "master"].map(has_mirrored_layouts);
        assert_eq!(knows, [false, false, true, true, false]);
    }

    #[test]
    fn ids_are_read_and_names_may_hold_spaces() {
        let (session, window) = opened("$1 @22 %333 /dev/pts/4 my session\n").unwrap();
        assert_eq!((session.id.as_str(), session.name.as_str()), ("$1", "my session"));
        assert_eq!((window.id.as_str(), window.pane.as_str()), ("@22", "%333"));
        assert_eq!(opened("no server running"), None);
    }

    #[test]
    fn a_window_without_our_mark_is_not_ours() {
        let found = windows("@1 %1 /dev/pts/1 main\n@2 %2 /dev/pts/2 \n@3 %3 /dev/pts/3 1.1\n");
        let marks: Vec<_> = found.iter().map(|(mark, _)| mark.as_str()).collect();
        assert_eq!(marks, ["main", "1.1"]);
    }
}
