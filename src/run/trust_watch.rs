//! What of a run's world is watched and masked: settings that an agent adds, and secrets in what is kept.

use std::sync::Arc;

use super::config_watch::ConfigWatch;
use super::event::{Event, Policy};
use super::machine::Machine;
use super::preflight::check_config;
use super::trust::{self, RunTrust, TrustWatch};
use super::world::RealWorld;
use crate::agent::redact::Redactor;
use crate::report::text::sanitise_line;
use crate::state::UntrustedChange;

impl RealWorld<'_> {
    /// Masks the secrets of the shell that typed the run.
    pub(super) fn redactor(&self) -> Redactor {
        Redactor::new(self.env.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?))))
    }

    /// Sets what was trusted before the run.
    pub(super) fn watch_trust(&mut self, trust: &RunTrust) {
        self.trust = Some(TrustWatch::new(trust));
        self.config_watch = ConfigWatch::new(trust, self.place, &self.config);
    }

    /// What came up that would be executed, with a line about it.
    pub(super) fn untrusted(&mut self, unit: &str) -> Vec<UntrustedChange> {
        let watch = self.config_watch.as_ref().zip(self.trust.as_ref());
        let trusted = watch.and_then(|(watch, trust)| watch.newly_trusted(&trust.trust)).unwrap_or_default();
        let found = self.trust.as_mut().map(|trust| trust.look(&trusted)).unwrap_or_default();
        for change in &found {
            self.say(&format!("! task {}: {}", sanitise_line(unit), trust::not_used(change)));
        }
        found
    }

    /// What became of configuration files that changed since the last look. From now on the run has what it takes of them.
    pub(super) fn read_config_again(&mut self, machine: &Machine) -> Option<Event> {
        let (watch, trust) = self.config_watch.as_mut().zip(self.trust.as_mut())?;
        let (place, state) = (self.place, &machine.state);
        let (config, became) = watch.look(trust, &|config| check_config(place, config, state))?;
        let policy = config.map(|config| {
            let policy = Policy::of(&config, machine.zone());
            self.config = Arc::new(config);
            Box::new(policy)
        });
        Some(Event::Configured { policy, became })
    }
}
