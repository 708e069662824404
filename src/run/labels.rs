//! What the windows of a run show about its steps.

use super::machine::{End, Next, Notice};
use super::world::RealWorld;
use crate::report::event_text;
use crate::report::needs::ShownNeed;
use crate::state::Outcome;

impl RealWorld<'_> {
    /// Marks the window of an attempt that is over. The state is saved before.
    pub(super) fn label(&mut self, report: &Notice) {
        let Notice::Ended { unit, outcome, next, .. } = report else { return };
        self.launcher.finish(
            unit,
            event_text::mark(outcome),
            matches!(outcome, Outcome::Done | Outcome::Approved),
        );
        match next {
            Next::Failed => self.launcher.announce(&event_text::failed_word(unit), true),
            Next::Parked => self.launcher.announce(&event_text::parked_word(unit), true),
            _ => {}
        }
    }

    /// Opens the side panes. The agent runs already, so it does not wait for them.
    pub(super) fn open_side_panes(&mut self, unit: &str, process: (i32, u64)) {
        let facts = [("SEQORCH_SPEC", self.place.name.clone()), ("SEQORCH_UNIT", unit.to_owned())];
        let complaint = self.launcher.open_side_panes(unit, process, &self.env, &facts);
        if let Some(text) = complaint {
            self.say(&text);
        }
    }

    /// Shows in the status line how the run ended.
    pub fn announce_end(&mut self, end: &End, needs: &[ShownNeed], left: usize) {
        let (word, bell) = event_text::last_word(end, needs, left);
        self.launcher.announce(&word, bell);
    }
}
