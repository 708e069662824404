//! Watches a spec: a live view on a terminal that can show one, a line per event elsewhere.
//!
//! What is shown is `report::watch`'s business; here are files, keys, signals and the clock. Nothing is written but to
//! the screen, and no lock is taken: whoever watches disturbs nobody.
//!
//! Keys are read here and not by the terminal library: its reader goes round for ever once its terminal is gone, which
//! a window of tmux may be at any time.

mod gather;
mod input;
mod lines;
mod screen;
mod tail;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::process::Signal;

use self::gather::Gatherer;
use self::input::{Input, Woken};
use self::screen::Screen;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::project::SpecPlace;
use crate::report::text::sanitise_text;
use crate::report::view::{Asked, Drawn, Ui, View, closing, head_lines, view};
use crate::store::spec_store::Store;
use crate::sys::clock::Clock;
use crate::sys::process;

pub use self::lines::lines;

/// How often files are looked at. A look is a handful of system calls.
const LOOK: Duration = Duration::from_millis(250);

/// What is watched, and how.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// The spec.
    pub place: &'a SpecPlace,
    /// The configuration that its run has.
    pub config: &'a Config,
    /// Where its files are.
    pub store: &'a Store,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// With colours.
    pub color: bool,
    /// The run whose window this is; `None`: somebody looks for themselves.
    pub of_run: Option<OfRun>,
}

/// The run whose window shows the view.
#[derive(Debug, Clone, Copy)]
pub struct OfRun {
    /// Its process.
    pub pid: u32,
    /// When it took the spec.
    pub since: Timestamp,
}

/// How watching came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Somebody left, or there is nothing to watch any more.
    Over,
    /// The terminal is gone.
    Gone,
}

/// So long a word on a key stays.
const NOTE: Duration = Duration::from_secs(5);

/// Whether a terminal of this name (`TERM`) can be drawn on; elsewhere lines are printed.
#[must_use]
pub fn can_draw(term: Option<&str>) -> bool {
    !matches!(term, None | Some("" | "dumb" | "unknown" | "emacs" | "cons25"))
}

/// The live view, until it is left; that of a run's window until the run is over, and what it left at work.
pub fn full_screen(watch: Watch<'_>) -> Result<Left> {
    let failed = |e| Error::new(ErrorKind::Internal, "drawing on the terminal").caused_by(e);
    let mut gatherer = Gatherer::new(watch);
    let mut input = Input::open().map_err(failed)?;
    let mut screen = Screen::open(watch.color).map_err(failed)?;
    let mut ui = Ui { color: watch.color, of_run: watch.of_run.is_some(), ..Ui::default() };
    let zone = TimeZone::system();
    let mut shown: Option<(View, Ui)> = None;
    let mut drawn = Drawn::default();
    let mut noted: Option<Instant> = None;
    let mut pid_seen =
        watch.of_run.map(|run| (run.pid.cast_signed(), process::start_time(run.pid.cast_signed())));
    let last = loop {
        let now = watch.clock.now();
        gatherer.look(now);
        let next = view(&gatherer.seen(now, &zone));
        if shown.as_ref().is_none_or(|(was, how)| *was != next || *how != ui) {
            let Ok(now) = screen.draw(&next, &ui) else {
                screen.abandon();
                return Ok(Left::Gone);
            };
            drawn = now;
            shown = Some((next.clone(), ui.clone()));
        }
        if watch.of_run.is_some() && gatherer.is_over() {
            break next;
        }
        if noted.is_some_and(|since| since.elapsed() >= NOTE) {
            (ui.note, noted) = (None, None);
        }
        let woken = input.wait(LOOK).map_err(failed)?;
        match woken {
            Woken::Gone => {
                screen.abandon();
                return Ok(Left::Gone);
            }
            Woken::Leave => break next,
            Woken::Resized => shown = None,
            Woken::Keys(keys) => {
                let mut leave = false;
                for key in keys {
                    match ui.on(key, drawn) {
                        Some(Asked::Leave) => leave = true,
                        Some(Asked::Redraw) => {
                            // if it fails, the next drawing does so, too
                            let _ = screen.clear();
                            shown = None;
                        }
                        Some(Asked::Stop) => ui.note = Some(ask_to_stop(&mut pid_seen)),
                        None => {}
                    }
                }
                if leave {
                    break next;
                }
                noted = ui.note.map(|_| Instant::now());
            }
            Woken::Nothing => {}
        }
    };
    let columns = screen.columns();
    drop(screen);
    let mut text = head_lines(&last, columns);
    match gatherer.summary().filter(|_| watch.of_run.is_some()) {
        Some(summary) => text.push_str(&sanitise_text(&summary)),
        None => text.push_str(&closing(&last)),
    }
    screen::print(&text);
    Ok(Left::Over)
}

/// What Ctrl-C is for in the window of a run.
fn ask_to_stop(run: &mut Option<(i32, u64)>) -> &'static str {
    let Some((pid, started)) = *run else { return "no run is at work" };
    if let Ok(true) = process::send_signal(pid, started, Signal::INT) {
        return "the run is asked to stop after this step; Ctrl-C once more ends the agent now";
    }
    *run = None;
    "the run is gone"
}

/// Where a run leaves its summary for those who watch it.
#[must_use]
pub fn summary_path(store: &Store) -> PathBuf {
    store.folder().join("summary.txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_without_a_name_or_a_cursor_gets_lines() {
        assert!(can_draw(Some("xterm-256color")) && can_draw(Some("screen")) && can_draw(Some("linux")));
        assert!(!can_draw(None) && !can_draw(Some("")) && !can_draw(Some("dumb")));
    }
}
