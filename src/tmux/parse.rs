//! PURE. What tmux prints, and names for it.

use std::path::PathBuf;

use super::{Session, Window};

/// Lines of `#{session_id} #{@project} #{session_name}`: sessions with their projects, which are empty where nobody said.
#[must_use]
pub fn sessions(list: &str) -> Vec<(String, Session)> {
    list.lines()
        .filter_map(|line| {
            let mut words = line.splitn(3, ' ');
            let (id, project, name) = (words.next()?, words.next()?, words.next()?);
            Some((project.to_owned(), Session { id: id.to_owned(), name: name.to_owned() }))
        })
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

/// Lines of `#{window_id} #{pane_id} #{pane_tty} #{@owner} #{@mark}`; windows without a mark are not ours, and those of
/// another owner are not this run's.
#[must_use]
pub fn windows(list: &str, ours: &str) -> Vec<(String, Window)> {
    list.lines()
        .filter_map(|line| {
            let mut words = line.splitn(5, ' ');
            let window = Window {
                id: words.next()?.to_owned(),
                pane: words.next()?.to_owned(),
                tty: PathBuf::from(words.next()?),
            };
            words.next().filter(|owner| owner.is_empty() || *owner == ours)?;
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
    fn a_window_without_our_mark_or_of_another_owner_is_not_ours() {
        let list = "@1 %1 /dev/pts/1 abc main\n@2 %2 /dev/pts/2  \n@3 %3 /dev/pts/3  1.1\n@4 %4 /dev/pts/4 def 1.2\n";
        let marks: Vec<_> = windows(list, "abc").into_iter().map(|(mark, _)| mark).collect();
        assert_eq!(marks, ["main", "1.1"]);
    }

    #[test]
    fn sessions_tell_whose_they_are_where_that_is_known() {
        let of = |(project, session): (String, Session)| (project, session.id, session.name);
        let found: Vec<_> = sessions("$1 abc my night\n$2  other\n").into_iter().map(of).collect();
        let wanted = [("abc", "$1", "my night"), ("", "$2", "other")];
        assert_eq!(found, wanted.map(|(p, i, n)| (p.to_owned(), i.to_owned(), n.to_owned())));
    }
}
