//! PURE. How a run ended, and what follows in a queue of specs, as `seqorch run a b c` has it.

use super::End;
use crate::state::needs::exit_code;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunResult {
    /// The exit code.
    pub exit_code: u8,
    /// Someone asked for its end, so no other spec is to be run after it.
    pub asked_to_stop: bool,
    /// The settings say that what stopped it stops no other spec.
    pub lets_others_run: bool,
}

/// The end of a queue before its last spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueEnd {
    /// Why, after the name of the spec that was run last.
    pub why: &'static str,
    /// The exit code of the queue.
    pub exit_code: u8,
}

impl RunResult {
    /// Of a run that was asked to stop before it began.
    pub(super) const STOPPED: Self = Self { exit_code: 0, asked_to_stop: true, lets_others_run: false };

    /// What this result means for the specs that are left in a queue. `None`: the next one is run.
    #[must_use]
    pub fn ends_queue(self) -> Option<QueueEnd> {
        if !self.asked_to_stop && self.lets_others_run {
            return None;
        }
        let why = match self.exit_code {
            _ if self.asked_to_stop => "was stopped",
            1 => "came to the end of its time or of its iterations",
            2 => "needs you",
            75 => "has to wait",
            _ => "did not end well",
        };
        // a run that was stopped after its last step ended well, and the queue did not
        let exit_code = if self.exit_code == 0 { exit_code(&End::Interrupted, &[]) } else { self.exit_code };
        Some(QueueEnd { why, exit_code })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_continues_only_where_the_settings_let_it() {
        let result = |exit_code, asked_to_stop, lets_others_run| {
            RunResult { exit_code, asked_to_stop, lets_others_run }.ends_queue()
        };
        let end = |why, exit_code| Some(QueueEnd { why, exit_code });
        for (ended, expected) in [
            (result(0, false, true), None),
            (result(2, false, true), None),
            (result(2, false, false), end("needs you", 2)),
            (result(75, false, false), end("has to wait", 75)),
            (result(0, true, true), end("was stopped", 130)),
            (result(143, true, false), end("was stopped", 143)),
        ] {
            assert_eq!(ended, expected);
        }
    }
}
