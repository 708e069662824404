//! PURE. A run takes configuration files that changed, before its next step.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::event::Policy;
use super::machine::{Effect, Machine, Notice};
use crate::state::{ConfigNote, ConfigOutcome};

impl Machine {
    /// The local time zone of the run.
    pub(super) fn zone(&self) -> TimeZone {
        self.policy.zone.clone()
    }

    /// Configuration files changed. The state has what became of it before the next step starts.
    pub(super) fn configured(
        &mut self,
        now: Timestamp,
        policy: Option<Policy>,
        became: ConfigOutcome,
    ) -> Vec<Effect> {
        if let Some(policy) = policy {
            self.policy = Policy { ask: self.policy.ask, ..policy };
        }
        // a run takes only what a person trusts, and what says again what it has changes nothing
        if matches!(became, ConfigOutcome::Taken { .. } | ConfigOutcome::Restored) {
            self.state.trust_settings();
        }
        if let Some(open) = self.state.run.open_mut() {
            let note = ConfigNote { at: now, became: became.clone() };
            open.config = Some(note).filter(|note| note.became != ConfigOutcome::Restored);
        }
        let mut effects = vec![Effect::Save, Effect::Report(Notice::ConfigChanged(became))];
        effects.extend(self.replan());
        effects
    }
}
