//! PURE. Which hook an event calls, and the environment variables of the hook.

use super::event_text;
use super::events::EventKind;
use super::notice::PauseKind;
use super::text::sanitise_line;
use crate::config::HookEvent;
use crate::state::Outcome;

impl EventKind {
    /// The hook that the event calls.
    #[must_use]
    pub fn hook(&self) -> Option<HookEvent> {
        match self {
            Self::RunStarted { .. } => Some(HookEvent::RunStart),
            Self::StepStarted { .. } => Some(HookEvent::StepStart),
            Self::StepEnded { .. } => Some(HookEvent::StepEnd),
            Self::Waiting { why: PauseKind::Limit, .. } => Some(HookEvent::Limit),
            Self::Halted { .. } | Self::NeedsHuman { .. } => Some(HookEvent::Halt),
            Self::RunEnded { .. } => Some(HookEvent::RunEnd),
            _ => None,
        }
    }

    /// Environment variables for the hook, without escape sequences and line ends. Other events have none.
    #[must_use]
    pub fn hook_variables(&self) -> Vec<(&'static str, String)> {
        let mut variables: Vec<(&'static str, String)> = match self {
            Self::StepStarted { unit, title, attempt, backend, .. } => vec![
                ("SEQORCH_UNIT", unit.clone()),
                ("SEQORCH_TITLE", title.clone()),
                ("SEQORCH_ATTEMPT", attempt.to_string()),
                ("SEQORCH_BACKEND", backend.clone().unwrap_or_default()),
            ],
            Self::StepEnded { unit, title, attempt, backend, outcome, says, .. } => vec![
                ("SEQORCH_UNIT", unit.clone()),
                ("SEQORCH_TITLE", title.clone()),
                ("SEQORCH_ATTEMPT", attempt.to_string()),
                ("SEQORCH_BACKEND", backend.clone().unwrap_or_default()),
                ("SEQORCH_OUTCOME", word_of(outcome)),
                ("SEQORCH_MESSAGE", format!("{unit} {says}")),
            ],
            Self::Waiting { reason, until, .. } => {
                let until = until.map(|until| until.to_string()).unwrap_or_default();
                vec![
                    ("SEQORCH_REASON", reason.clone()),
                    ("SEQORCH_MESSAGE", format!("{reason}; waiting until {until}")),
                    ("SEQORCH_UNTIL", until),
                ]
            }
            Self::Halted { unit, question, .. } => vec![
                ("SEQORCH_UNIT", unit.clone()),
                ("SEQORCH_OUTCOME", "halted".to_owned()),
                ("SEQORCH_REASON", question.clone()),
                ("SEQORCH_MESSAGE", question.clone()),
            ],
            Self::NeedsHuman { unit, why, reason, needs } => vec![
                ("SEQORCH_UNIT", unit.clone().unwrap_or_default()),
                ("SEQORCH_OUTCOME", why.word().to_owned()),
                ("SEQORCH_REASON", reason.clone()),
                ("SEQORCH_MESSAGE", event_text::need(needs, reason)),
            ],
            Self::RunEnded { why, exit_code, left, unit, reason, .. } => vec![
                ("SEQORCH_UNIT", unit.clone().unwrap_or_default()),
                ("SEQORCH_REASON", reason.clone().unwrap_or_default()),
                ("SEQORCH_OUTCOME", why.word().to_owned()),
                ("SEQORCH_EXIT_CODE", exit_code.to_string()),
                ("SEQORCH_MESSAGE", format!("{}, {left} left", why.label())),
            ],
            _ => Vec::new(),
        };
        for (_, value) in &mut variables {
            *value = sanitise_line(value);
        }
        variables
    }
}

/// The word for an outcome in JSON: `done`, `failed`, …
fn word_of(outcome: &Outcome) -> String {
    let value = serde_json::to_value(outcome).unwrap_or_default();
    value["kind"].as_str().unwrap_or_default().to_owned()
}
