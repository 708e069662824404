//! Sets the marks in the checkboxes of tasks.md.

use super::world::RealWorld;
use crate::config::Tick;
use crate::state::SpecState;

impl RealWorld<'_> {
    /// Clears the marks that showed an agent at work.
    pub(super) fn clear_live_ticks(&mut self, ids: &[String]) {
        if !ids.is_empty()
            && let Some(known) = self.at_start.take()
        {
            self.set_marks(ids, ' ', &known);
        }
    }

    /// Sets this mark in the boxes of these tasks, wherever they are in tasks.md now. A task that is not there any more, or
    /// of which it is not sure which one it is, keeps its mark. Returns the ids, or none where that failed, which is printed.
    /// With `tasks.tick` off no box changes.
    pub(super) fn set_marks(&mut self, ids: &[String], mark: char, state: &SpecState) -> Vec<String> {
        if self.config.tasks.tick == Tick::Off {
            return ids.to_vec();
        }
        // a box below a heading says nothing of an agent at work, and a person may have ticked it
        match self.place.set_marks(state, ids, mark, mark == 'x') {
            Ok(missing) if missing.is_empty() => ids.to_vec(),
            Ok(missing) => {
                self.say(&format!(
                    "! {}: no such task in tasks.md any more, so its box was not changed",
                    missing.join(", ")
                ));
                ids.to_vec()
            }
            Err(e) => {
                let text = format!(
                    "! the boxes of {} could not be ticked:\n{}",
                    ids.join(", "),
                    e.render().trim_end()
                );
                self.say(&text);
                Vec::new()
            }
        }
    }
}
