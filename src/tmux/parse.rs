//! PURE. Reads what tmux prints.

use std::path::PathBuf;

use super::session::{TmuxSession, TmuxWindow};

/// Reads lines of `#{session_id} #{@option} #{session_name}`: sessions with the option's value, which may be empty.
#[must_use]
pub fn sessions(list: &str) -> Vec<(String, TmuxSession)> {
    list.lines()
        .filter_map(|line| {
            let mut words = line.splitn(3, ' ');
            let (id, option, name) = (words.next()?, words.next()?, words.next()?);
            Some((option.to_owned(), TmuxSession { id: id.to_owned(), name: name.to_owned() }))
        })
        .collect()
}

/// The format that [`opened`] reads.
pub(super) const OPENED: &str = "#{session_id} #{window_id} #{pane_id} #{pane_tty} \
    #{window_width}x#{window_height} #{session_attached} #{session_name}";

/// What a command opened.
#[derive(Debug, PartialEq, Eq)]
pub struct OpenedWindow {
    /// The session that it is in.
    pub session: TmuxSession,
    /// The window, or the pane.
    pub window: TmuxWindow,
    /// Columns and rows of the window, as tmux writes them: `80x24`.
    pub size: String,
    /// Whether a client shows the session.
    pub is_attached: bool,
}

/// Reads the session and the window that a command opened, from the last line that it printed.
#[must_use]
pub fn opened(printed: &str) -> Option<OpenedWindow> {
    let line = printed.lines().next_back()?;
    let mut words = line.splitn(7, ' ');
    let id = words.next().filter(|w| w.starts_with('$'))?.to_owned();
    let window = words.next().filter(|w| w.starts_with('@'))?.to_owned();
    let pane = words.next().filter(|w| w.starts_with('%'))?.to_owned();
    let tty = PathBuf::from(words.next()?);
    let size = words.next()?.to_owned();
    let is_attached = words.next()? != "0";
    let name = words.next()?.to_owned();
    Some(OpenedWindow {
        session: TmuxSession { id, name },
        window: TmuxWindow { id: window, pane, tty },
        size,
        is_attached,
    })
}

/// Reads lines of `#{window_id} #{pane_id} #{pane_tty} #{@spec} #{@purpose}`: this spec's windows with their purposes.
/// Windows without a purpose are not ours. Windows without a spec are from an older version.
#[must_use]
pub fn windows(list: &str, spec: &str) -> Vec<(String, TmuxWindow)> {
    list.lines()
        .filter_map(|line| {
            let mut words = line.splitn(5, ' ');
            let window = TmuxWindow {
                id: words.next()?.to_owned(),
                pane: words.next()?.to_owned(),
                tty: PathBuf::from(words.next()?),
            };
            words.next().filter(|owner| owner.is_empty() || *owner == spec)?;
            let purpose = words.next().filter(|purpose| !purpose.is_empty())?;
            Some((purpose.to_owned(), window))
        })
        .collect()
}

/// Reads the numbers of a version: `3.3a`, `next-3.6`. Others (`openbsd-7.5`, `master`) have no number of tmux's own.
#[must_use]
pub fn version(name: &str) -> Option<(u32, u32)> {
    let (major, minor) = name.strip_prefix("next-").unwrap_or(name).split_once('.')?;
    let minor: String = minor.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether the tmux of this version knows the layouts `main-horizontal-mirrored` and `main-vertical-mirrored`. An older one
/// must not be asked for them: 3.3a reads the name as a layout description and crashes with all its sessions.
#[must_use]
pub fn has_mirrored_layouts(version_name: &str) -> bool {
    version(version_name) >= Some((3, 5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_if_they_are_numbers_of_tmux() {
        assert_eq!(version("3.3a"), Some((3, 3)));
        assert_eq!(version("next-3.6"), Some((3, 6)));
        assert_eq!((version("openbsd-7.5"), version("master")), (None, None));
        assert!(version("2.9a") < version("3.3"));
        let knows = ["3.3a", "3.4", "3.5", "next-3.6", "master"].map(has_mirrored_layouts);
        assert_eq!(knows, [false, false, true, true, false]);
    }

    #[test]
    fn ids_are_read_and_names_may_hold_spaces() {
        let opened_now = opened("$1 @22 %333 /dev/pts/4 80x24 0 my session\n").unwrap();
        let OpenedWindow { session, window, size, is_attached } = opened_now;
        assert_eq!((session.id.as_str(), session.name.as_str()), ("$1", "my session"));
        assert_eq!((window.id.as_str(), window.pane.as_str()), ("@22", "%333"));
        assert_eq!((size.as_str(), is_attached), ("80x24", false));
        assert_eq!(opened("no server running"), None);
    }

    #[test]
    fn a_window_without_a_purpose_or_of_another_spec_is_not_ours() {
        let list = "@1 %1 /dev/pts/1 abc main\n@2 %2 /dev/pts/2  \n@3 %3 /dev/pts/3  1.1\n@4 %4 /dev/pts/4 def 1.2\n";
        let purposes: Vec<_> = windows(list, "abc").into_iter().map(|(purpose, _)| purpose).collect();
        assert_eq!(purposes, ["main", "1.1"]);
    }

    #[test]
    fn sessions_are_read_with_their_projects() {
        let of = |(project, session): (String, TmuxSession)| (project, session.id, session.name);
        let found: Vec<_> = sessions("$1 abc my night\n$2  other\n").into_iter().map(of).collect();
        let wanted = [("abc", "$1", "my night"), ("", "$2", "other")];
        assert_eq!(found, wanted.map(|(p, i, n)| (p.to_owned(), i.to_owned(), n.to_owned())));
    }
}
