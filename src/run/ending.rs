//! PURE. How a run ends: because nothing is left, or because somebody asks.

use jiff::Timestamp;

use super::machine::{Effect, End, Machine, Notice, Phase, Stop};
use crate::plan::{SkipReason, SkippedTask};
use crate::sys::interrupt::Interrupt;

impl Machine {
    /// Starts no step over changes in these files: only what is owed is done.
    pub fn start_nothing_over(&mut self, files: Vec<String>) {
        self.dirty = files;
    }

    pub(super) fn not_committed(&mut self) -> Option<End> {
        self.uncommitted.take().map(|(unit, why)| End::NotCommitted { unit, why })
    }

    pub(super) fn nothing_left(&mut self, now: Timestamp, skipped: &[SkippedTask]) -> End {
        let ids = |wanted: fn(&SkipReason) -> bool| -> Vec<String> {
            skipped.iter().filter(|s| wanted(&s.reason)).map(|s| s.id.clone()).collect()
        };
        let failed = ids(|r| matches!(r, SkipReason::Failed));
        let blocked = ids(|r| matches!(r, SkipReason::Blocked { .. }));
        if !failed.is_empty() || !blocked.is_empty() {
            return End::Stuck { failed, blocked };
        }
        if ids(|r| matches!(r, SkipReason::NotSelected)).is_empty() {
            self.state.completed_at.get_or_insert(now);
        }
        End::Complete
    }

    pub(super) fn asked(&mut self, now: Timestamp, what: Interrupt) -> Vec<Effect> {
        let running =
            matches!(self.phase, Phase::Running { .. } | Phase::Verifying { .. } | Phase::Assigning);
        let asked = match what {
            Interrupt::HangUp if running => {
                self.phase = Phase::Over;
                return vec![Effect::Save, Effect::Finish(End::HungUp)];
            }
            Interrupt::HangUp => {
                self.count_wait(now);
                return self.finish(End::HungUp);
            }
            Interrupt::Terminate => Stop::Terminate,
            Interrupt::AfterStep => Stop::AfterStep,
            Interrupt::TryNow => return Vec::new(),
            Interrupt::Interrupt if self.stop == Stop::No => Stop::AfterStep,
            Interrupt::Interrupt => Stop::Now,
        };
        if asked <= self.stop {
            return Vec::new();
        }
        let before = std::mem::replace(&mut self.stop, asked);
        if !running {
            self.count_wait(now);
        }
        match (running, asked) {
            (false, Stop::Terminate) => self.finish(End::Terminated),
            (false, _) if self.phase == Phase::Sleeping => self.finish(End::Interrupted),
            (false, _) => Vec::new(),
            (true, Stop::AfterStep) if self.phase == Phase::Assigning => vec![Effect::Cancel],
            (true, Stop::AfterStep) => vec![Effect::Report(Notice::Stopping)],
            // the agent was told to end already
            (true, _) if before >= Stop::Now || before > Stop::No && self.phase == Phase::Assigning => {
                Vec::new()
            }
            (true, _) => vec![Effect::Report(Notice::Ending), Effect::Cancel],
        }
    }
}
