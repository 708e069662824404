//! The loop of the live view: reads files, keys and the clock, and draws screens.

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use rustix::process::Signal;

use super::commands::{self, CommandResult, RunningCommand};
use super::gather::Gatherer;
use super::input::{TerminalInput, WakeReason};
use super::screen::{self, TerminalScreen};
use super::watch::{LOOK, Watch, WatchEnd};
use crate::error::{Error, ErrorKind, Result};
use crate::report::text::{sanitise_text, wrap_lines};
use crate::report::view::{
    Key, Ui, UiMode, UiRequest, View, ViewCommand, VisibleRows, closing, head_lines, view,
};
use crate::store::lock;
use crate::sys::{person, process, signals};

/// How long a message about a key stays on the screen.
const NOTE: Duration = Duration::from_secs(6);
/// How often the files are read while no run is active: then nothing changes by the second.
const LOOK_IDLE: Duration = Duration::from_secs(1);
/// How often a command of a key is looked at.
const LOOK_BUSY: Duration = Duration::from_millis(30);

/// Shows the live view until someone leaves it. In a run's window it stays after the run, too.
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
    command: Option<RunningCommand>,
}

impl<'a> LiveView<'a> {
    fn new(watch: Watch<'a>) -> Result<Self> {
        Ok(Self {
            watch,
            gatherer: Gatherer::new(watch),
            input: TerminalInput::open().map_err(failed)?,
            zone: TimeZone::system(),
            ui: Ui::new(watch.color, watch.of_run.is_some(), person::editor().is_some()),
            shown: None,
            drawn: VisibleRows::default(),
            noted: None,
            command: None,
        })
    }

    /// Shows the view until it ends, and returns the last one; `None` if the terminal was closed.
    fn show(&mut self, screen: &mut TerminalScreen) -> Result<Option<View>> {
        loop {
            let now = self.watch.clock.now();
            self.gatherer.look(now);
            let next = view(&self.gatherer.source(now, &self.zone));
            self.take_result();
            if self.draw(screen, &next).is_err() {
                return Ok(None);
            }
            if self.noted.is_some_and(|since| since.elapsed() >= NOTE) {
                (self.ui.note, self.noted) = (None, None);
                self.ui.instead_of_text = false;
            }
            let limit = match (&self.command, self.gatherer.is_still()) {
                (Some(_), _) => LOOK_BUSY,
                (None, true) => LOOK_IDLE,
                (None, false) => LOOK,
            };
            match self.input.wait(limit).map_err(failed)? {
                WakeReason::Gone => return Ok(None),
                WakeReason::Leave => return Ok(Some(next)),
                WakeReason::Resized => self.shown = None,
                WakeReason::Keys(keys) => match self.handle(&keys, &next, screen) {
                    Ok(false) => {}
                    Ok(true) => return Ok(Some(next)),
                    Err(_) => return Ok(None),
                },
                WakeReason::Timeout => {}
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
    fn handle(&mut self, keys: &[Key], view: &View, screen: &mut TerminalScreen) -> std::io::Result<bool> {
        for key in keys {
            match self.ui.on(*key, view, self.drawn) {
                Some(UiRequest::Leave) => return Ok(true),
                Some(UiRequest::Redraw) => {
                    // if this fails, the next drawing fails, too
                    let _ = screen.clear();
                    self.shown = None;
                }
                Some(UiRequest::Forget) => {
                    self.command = None;
                    (self.ui.busy, self.ui.opens) = (false, false);
                }
                Some(UiRequest::Interrupt) => self.note(self.interrupt()),
                Some(UiRequest::Do(command)) => self.act(&command, view, screen)?,
                None => {}
            }
            // the next key moves from where this one led
            self.draw(screen, view)?;
        }
        self.noted = self.ui.note.as_ref().map(|_| Instant::now());
        Ok(false)
    }

    fn note(&mut self, text: impl Into<String>) {
        self.ui.note = Some(text.into());
        self.noted = Some(Instant::now());
    }

    fn act(
        &mut self,
        command: &ViewCommand,
        view: &View,
        screen: &mut TerminalScreen,
    ) -> std::io::Result<()> {
        match command {
            ViewCommand::Stop => {
                let asked = self.signal(signals::AFTER_STEP);
                self.note(if asked {
                    "the run stops after this step; x takes that back"
                } else {
                    "no run is active"
                });
            }
            ViewCommand::KeepRunning => {
                let asked = self.signal(signals::KEEP_RUNNING);
                self.note(if asked { "the run continues after this step" } else { "no run is active" });
            }
            ViewCommand::Answer(_) => self.in_terminal(command, screen)?,
            _ if self.command.is_some() => self.note("the last command has not ended yet"),
            _ => {
                self.command = Some(RunningCommand::start(&self.watch, view, command));
                self.ui.busy = true;
                self.ui.opens = matches!(command, ViewCommand::Log(_) | ViewCommand::Diff(_));
            }
        }
        Ok(())
    }

    /// Leaves the terminal to a command, and comes back after it.
    fn in_terminal(&mut self, command: &ViewCommand, screen: &mut TerminalScreen) -> std::io::Result<()> {
        screen::leave();
        let done = commands::in_terminal(&self.watch, command);
        // what a person typed there, such as Ctrl-C, was for the command
        self.input.forget_signals();
        let failed = !matches!(done, Ok(true));
        if let Err(error) = done {
            screen::print(&format!("{error}\n"));
        }
        if failed {
            screen::print("\nPress a key to return to the live view.\n");
        }
        screen::take()?;
        if failed {
            screen::normal_until(|| {
                self.input.wait(Duration::from_secs(3600)).is_ok_and(|woken| woken == WakeReason::Timeout)
            })?;
        }
        self.shown = None;
        screen.clear()
    }

    /// Takes the result of a command of a key that has ended.
    fn take_result(&mut self) {
        let Some(result) = self.command.as_ref().and_then(RunningCommand::result) else { return };
        self.command = None;
        self.ui.busy = false;
        let opens = std::mem::take(&mut self.ui.opens);
        match result {
            CommandResult::Text(page) => self.ui.mode = UiMode::Text(page),
            CommandResult::Note(text) => {
                self.note(text);
                self.ui.instead_of_text = opens;
            }
        }
    }

    /// Sends a signal to the run that works now. `false`: there is none.
    fn signal(&self, signal: Signal) -> bool {
        let holder = lock::holder(&self.watch.store.run_lock());
        holder.is_some_and(|holder| {
            let listens = holder.listens.filter(|_| holder.host == lock::host());
            let pid = holder.pid.cast_signed();
            listens.is_some_and(|since| process::send_signal(pid, since, signal).unwrap_or(false))
        })
    }

    /// Passes Ctrl-C on to the run, and returns a message about it.
    fn interrupt(&self) -> &'static str {
        if self.signal(Signal::INT) {
            "the run stops after this step; press Ctrl-C again to end the agent now"
        } else {
            "no run is active"
        }
    }

    /// The text that stays on the normal screen.
    fn closing_text(&self, last: &View, columns: u16) -> String {
        let mut text = head_lines(last, columns);
        match self.gatherer.summary().filter(|_| self.watch.of_run.is_some()) {
            Some(summary) => {
                text.push_str(&wrap_lines(&sanitise_text(summary), usize::from(columns)));
            }
            None => text.push_str(&closing(last)),
        }
        text
    }
}
