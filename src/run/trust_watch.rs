//! What of a run's world is watched and masked: settings that an agent adds, and secrets in what is kept.

use super::trust::{self, RunTrust, TrustWatch};
use super::world::RealWorld;
use crate::agent::redact::Redactor;
use crate::report::text::sanitise_line;
use crate::state::UntrustedChange;

impl<'a> RealWorld<'a> {
    /// Masks the secrets of the shell that typed the run.
    pub(super) fn redactor(&self) -> Redactor {
        Redactor::new(self.env.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?))))
    }

    /// Sets what was trusted before the run.
    pub(super) fn watch_trust(&mut self, trust: &'a RunTrust) {
        self.trust = Some(TrustWatch::new(trust));
    }

    /// What came up that would be executed, with a line about it.
    pub(super) fn untrusted(&mut self, unit: &str) -> Vec<UntrustedChange> {
        let found = self.trust.as_mut().map(TrustWatch::look).unwrap_or_default();
        for change in &found {
            self.say(&format!("! task {}: {}", sanitise_line(unit), trust::not_used(change)));
        }
        found
    }
}
