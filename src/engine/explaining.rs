//! Says more of what a run does.

use super::chronicle::Chronicle;
use super::world::RealWorld;

impl RealWorld<'_> {
    /// Waits for the end of the hooks that were called, and says what they complain of.
    pub fn hear_hooks_out(&mut self) {
        for complaint in self.chronicle.as_mut().map_or_else(Vec::new, Chronicle::finish) {
            self.say(&complaint);
        }
    }
}
