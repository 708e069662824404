//! People change the configuration while a run is at work: each step starts with what it says then.

use std::time::Duration;

use super::orchestrator::Orchestrator;
use crate::plan::Step;
use crate::run::event::Event;
use crate::state::ConfigOutcome;

impl Orchestrator<'_> {
    /// Before each fourth step or so, a person has changed a setting, or broken the file.
    pub(super) fn reconfigure(&mut self) -> Option<Event> {
        self.model.config_looks += 1;
        let became = match self.model.config_looks % 8 {
            3 => {
                self.model.config.timeout.idle += Duration::from_secs(1);
                ConfigOutcome::Taken { settings: Vec::new() }
            }
            6 => ConfigOutcome::Broken { problems: vec!["seqorch.toml:1:1".to_owned()] },
            _ => return None,
        };
        let is_taken = matches!(became, ConfigOutcome::Taken { .. });
        self.model.note(format!("the configuration is changed: {became:?}"));
        self.became = Some(became.clone());
        let policy = is_taken.then(|| Box::new(self.model.policy()));
        Some(Event::Configured { policy, became })
    }

    /// An agent starts: its step has the settings of now, and the disk says what became of the last change.
    pub(super) fn check_config(&mut self, step: &Step) {
        let idle = self.model.config.timeout.idle;
        if step.settings.timeout.idle != idle {
            self.wrong(format!("{} starts with another timeout than {idle:?}", step.unit));
        }
        let disk = self.model.load();
        let noted = disk.run.open().and_then(|open| open.config.as_ref()).map(|note| note.became.clone());
        if self.became.is_some() && noted != self.became {
            self.wrong(format!("{} starts, and the disk says {noted:?} of the configuration", step.unit));
        }
    }
}
