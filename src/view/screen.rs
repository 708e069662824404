//! The terminal that the live view draws on.

use std::io::{self, Stdout, Write, stdout};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::style::force_color_output;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use crate::report::view::{Ui, View, VisibleRows, draw};

/// The terminal in raw mode, on its alternate screen. Dropping this restores it, also after a panic.
pub(super) struct TerminalScreen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl TerminalScreen {
    pub(super) fn open(color: bool) -> io::Result<Self> {
        // --color and the environment have already decided about colours
        force_color_output(color);
        let terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
        let screen = Self { terminal };
        take()?;
        Ok(screen)
    }

    pub(super) fn draw(&mut self, view: &View, ui: &Ui) -> io::Result<VisibleRows> {
        let mut drawn = VisibleRows::default();
        self.terminal.draw(|frame| {
            let area = frame.area();
            drawn = draw(view, ui, area, frame.buffer_mut());
        })?;
        Ok(drawn)
    }

    /// Clears the terminal, so that everything is drawn again.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    pub(super) fn columns(&self) -> u16 {
        self.terminal.size().map_or(80, |size| size.width)
    }

    /// Drops a terminal that was closed without restoring it: the library would panic when it cannot print its error.
    pub(super) fn abandon(self) {
        std::mem::forget(self);
    }
}

/// Takes the terminal.
pub(super) fn take() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, Hide)
}

/// Leaves the terminal to another program.
pub(super) fn leave() {
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// Shows the normal screen, with what another program left there, while `wait` says so.
pub(super) fn normal_until(mut wait: impl FnMut() -> bool) -> io::Result<()> {
    execute!(stdout(), LeaveAlternateScreen)?;
    while wait() {}
    execute!(stdout(), EnterAlternateScreen)
}

impl Drop for TerminalScreen {
    fn drop(&mut self) {
        leave();
    }
}

/// Prints on the normal screen.
pub(super) fn print(text: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
