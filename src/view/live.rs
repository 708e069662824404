//! The loop of the live view: reads files, keys and the clock, and draws screens.

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use rustix::process::Signal;

use super::gather::Gatherer;
use super::input::{TerminalInput, WakeReason};
use super::screen::{self, TerminalScreen};
use super::watch::{LOOK, Watch, WatchEnd};
use crate::error::{Error, ErrorKind, Result};
use crate::report::text::sanitise_text;
use crate::report::view::{Key, Ui, UiRequest, View, VisibleRows, closing, head_lines, view};
use crate::sys::process;

/// How long a message about a key stays on the screen.
const NOTE: Duration = Duration::from_secs(5);

/// Shows the live view until someone leaves it. In a run's window it also ends with the run and its agent.
pub fn full_screen(watch: Watch<'_>) -> Result<WatchEnd> {
    let mut live = LiveView::new(watch)?;
    let mut screen = TerminalScreen::open(watch.color).map_err(failed)?;
    match live.show(&mut screen)? {
        None => {
            screen.abandon();
            Ok(WatchEnd::Gone)
        }
        Some(last) => {
            let columns = screen.columns();
            drop(screen);
            screen::print(&live.closing_text(&last, columns));
            Ok(WatchEnd::Over)
        }
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, "drawing on the terminal").caused_by(error)
}

struct LiveView<'a> {
    watch: Watch<'a>,
    gatherer: Gatherer<'a>,
    input: TerminalInput,
    zone: TimeZone,
    ui: Ui,
    /// What the screen shows; `None`: it must be drawn again.
    shown: Option<(View, Ui)>,
    drawn: VisibleRows,
    noted: Option<Instant>,
    /// Process id and start time of the run of this window, while Ctrl-C can stop it.
    run: Option<(i32, u64)>,
}

impl<'a> LiveView<'a> {
    fn new(watch: Watch<'a>) -> Result<Self> {
        let run = watch.of_run.map(|run| run.pid.cast_signed());
        Ok(Self {
            watch,
            gatherer: Gatherer::new(watch),
            input: TerminalInput::open().map_err(failed)?,
            zone: TimeZone::system(),
            ui: Ui { color: watch.color, of_run: run.is_some(), ..Ui::default() },
            shown: None,
            drawn: VisibleRows::default(),
            noted: None,
            run: run.map(|pid| (pid, process::start_time(pid))),
        })
    }

    /// Shows the view until it ends, and returns the last one; `None` if the terminal was closed.
    fn show(&mut self, screen: &mut TerminalScreen) -> Result<Option<View>> {
        loop {
            let now = self.watch.clock.now();
            self.gatherer.look(now);
            let next = view(&self.gatherer.source(now, &self.zone));
            if self.draw(screen, &next).is_err() {
                return Ok(None);
            }
            if self.watch.of_run.is_some() && self.gatherer.is_over() {
                return Ok(Some(next));
            }
            if self.noted.is_some_and(|since| since.elapsed() >= NOTE) {
                (self.ui.note, self.noted) = (None, None);
            }
            match self.input.wait(LOOK).map_err(failed)? {
                WakeReason::Gone => return Ok(None),
                WakeReason::Leave => return Ok(Some(next)),
                WakeReason::Resized => self.shown = None,
                WakeReason::Keys(keys) if self.handle(&keys, screen) => return Ok(Some(next)),
                WakeReason::Keys(_) | WakeReason::Timeout => {}
            }
        }
    }

    /// Draws if something has changed.
    fn draw(&mut self, screen: &mut TerminalScreen, next: &View) -> std::io::Result<()> {
        if self.shown.as_ref().is_none_or(|(view, ui)| view != next || *ui != self.ui) {
            self.drawn = screen.draw(next, &self.ui)?;
            self.shown = Some((next.clone(), self.ui.clone()));
        }
        Ok(())
    }

    /// Handles keys; returns whether to leave.
    fn handle(&mut self, keys: &[Key], screen: &mut TerminalScreen) -> bool {
        let mut leave = false;
        for key in keys {
            match self.ui.on(*key, self.drawn) {
                Some(UiRequest::Leave) => leave = true,
                Some(UiRequest::Redraw) => {
                    // if this fails, the next drawing fails, too
                    let _ = screen.clear();
                    self.shown = None;
                }
                Some(UiRequest::Stop) => self.ui.note = Some(self.ask_to_stop()),
                None => {}
            }
        }
        self.noted = self.ui.note.map(|_| Instant::now());
        leave
    }

    /// Passes Ctrl-C on to the run, and returns a message about it.
    fn ask_to_stop(&mut self) -> &'static str {
        let Some((pid, started)) = self.run else { return "no run is active" };
        if let Ok(true) = process::send_signal(pid, started, Signal::INT) {
            return "the run stops after this step; press Ctrl-C again to end the agent now";
        }
        self.run = None;
        "the run has ended"
    }

    /// The text that stays on the normal screen.
    fn closing_text(&self, last: &View, columns: u16) -> String {
        let mut text = head_lines(last, columns);
        match self.gatherer.summary().filter(|_| self.watch.of_run.is_some()) {
            Some(summary) => text.push_str(&sanitise_text(&summary)),
            None => text.push_str(&closing(last)),
        }
        text
    }
}
