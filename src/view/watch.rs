//! What is watched, and how watching ends.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::Config;
use crate::project::SpecPlace;
use crate::store::spec_store::Store;
use crate::sys::clock::Clock;

/// How often the files are read. Without a change, that takes a few system calls.
pub(super) const LOOK: Duration = Duration::from_millis(500);

/// What to watch, and how.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// The spec.
    pub place: &'a SpecPlace,
    /// The configuration of its run.
    pub config: &'a Config,
    /// The spec's state and run folders.
    pub store: &'a Store,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Whether to use colours.
    pub color: bool,
    /// The flags that each further start of this program gets.
    pub globals: &'a [OsString],
    /// The run whose window shows the view; `None` for `status --watch`.
    pub of_run: Option<WatchedRun>,
    /// Where the run of this window prints its errors, if its own terminal shows them nowhere.
    pub errors: Option<&'a Path>,
}

/// The run whose window shows the view.
#[derive(Debug, Clone, Copy)]
pub struct WatchedRun {
    /// Its process.
    pub pid: u32,
    /// When it took the lock of the spec, or shortly before that.
    pub since: Timestamp,
}

/// How watching ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchEnd {
    /// Someone left the view, or the run is over.
    Over,
    /// The terminal was closed.
    Gone,
}

/// Whether the live view can be drawn on a terminal with this `TERM`.
#[must_use]
pub fn can_draw(term: Option<&str>) -> bool {
    !matches!(term, None | Some("" | "dumb" | "unknown" | "emacs" | "cons25"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_without_a_cursor_gets_lines() {
        assert!(can_draw(Some("xterm-256color")) && can_draw(Some("screen")) && can_draw(Some("linux")));
        assert!(!can_draw(None) && !can_draw(Some("")) && !can_draw(Some("dumb")));
    }
}
