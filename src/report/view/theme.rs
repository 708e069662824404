//! PURE. The colours of the view. Signs and words say the same without them.

use ratatui::style::{Color, Modifier, Style};

use super::model::{Standing, TaskMark, Tone};

/// The styles of the parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Theme {
    pub(super) color: bool,
}

impl Theme {
    fn of(self, style: Style) -> Style {
        if self.color { style } else { Style::new() }
    }
    pub(super) fn dim(self) -> Style {
        self.of(Style::new().add_modifier(Modifier::DIM))
    }
    pub(super) fn bold(self) -> Style {
        self.of(Style::new().add_modifier(Modifier::BOLD))
    }
    pub(super) fn good(self) -> Style {
        self.of(Style::new().fg(Color::Green))
    }
    pub(super) fn live(self) -> Style {
        self.of(Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD))
    }
    pub(super) fn wait(self) -> Style {
        self.of(Style::new().fg(Color::Yellow))
    }
    pub(super) fn bad(self) -> Style {
        self.of(Style::new().fg(Color::Red).add_modifier(Modifier::BOLD))
    }

    pub(super) fn mark(self, mark: TaskMark) -> Style {
        match mark {
            TaskMark::Done => self.good(),
            TaskMark::Running => self.live(),
            TaskMark::Waiting => self.wait(),
            TaskMark::Halted | TaskMark::Failed => self.bad(),
            TaskMark::Next => self.bold(),
            TaskMark::Todo => Style::new(),
            TaskMark::Deferred | TaskMark::Skipped => self.dim(),
        }
    }

    pub(super) fn standing(self, standing: Standing) -> Style {
        match standing {
            Standing::Running => self.live(),
            Standing::Complete => self.good(),
            Standing::Halted
            | Standing::Uncommitted
            | Standing::NeedsHuman
            | Standing::CommitsLost
            | Standing::Orphaned => self.bad(),
            Standing::Idle => self.wait(),
        }
    }

    pub(super) fn tone(self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => Style::new(),
            Tone::Command => self.bold(),
            Tone::Warning => self.bad(),
        }
    }
}
