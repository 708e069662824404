//! PURE. What a command of `[verify]` runs with: it has no prompt, no session and no signal.

use std::time::Duration;

use super::step::StepSettings;
use crate::agent::Format;
use crate::config::{Config, Done, DoneSignal, PrintsWhen, PromptBy, Timeouts, UnchangedRule};

impl StepSettings {
    /// What a command that checks a step with these settings runs with.
    #[must_use]
    pub fn for_check(&self, argv: Vec<String>, config: &Config) -> Self {
        let none = Duration::ZERO;
        let timeout =
            Timeouts { task: config.verify.timeout, idle: none, first_output: none, ..self.timeout };
        Self {
            argv,
            resume_argv: None,
            prompt_by: PromptBy::Stdin,
            takes_words: false,
            output: Format::Text,
            prints: PrintsWhen::Live,
            timeout,
            done: Done { signal: DoneSignal::Optional, nudges: 0, unchanged: UnchangedRule::Accept },
            ..self.clone()
        }
    }
}
