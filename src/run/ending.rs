//! PURE. How a run ends: no step is left, or the user stops it.

use jiff::Timestamp;

use super::machine::{Effect, End, Machine, Notice, Phase, Stop};
use crate::plan::{SkipReason, SkippedTask};
use crate::sys::interrupt::Interrupt;

impl Machine {
    pub(super) fn not_committed(&self) -> Option<End> {
        self.state.refused_commit().map(|unit| End::NotCommitted { unit: unit.to_owned() })
    }

    /// The end of a run whose commits are not all in the history of HEAD any more.
    pub(super) fn lost_commits(&mut self) -> End {
        self.state.completed_at = None;
        let lost = std::mem::take(&mut self.lost).join(", ");
        End::History {
            unit: None,
            reason: format!("commits of tasks are no longer in the history of HEAD: {lost}"),
        }
    }

    pub(super) fn nothing_left(&mut self, now: Timestamp, skipped: &[SkippedTask]) -> End {
        let ids = |wanted: fn(&SkipReason) -> bool| -> Vec<String> {
            skipped.iter().filter(|s| wanted(&s.reason)).map(|s| s.id.clone()).collect()
        };
        let failed = ids(|r| matches!(r, SkipReason::Failed));
        let blocked = ids(|r| matches!(r, SkipReason::Blocked { .. }));
        let humans = ids(|r| matches!(r, SkipReason::Human));
        if failed.is_empty() && !humans.is_empty() {
            return End::Human { tasks: humans };
        }
        if !failed.is_empty() || !blocked.is_empty() {
            return End::Stuck { failed, blocked };
        }
        let left = skipped.iter().filter(|s| !s.is_part && s.reason == SkipReason::NotSelected).count();
        if left > 0 {
            return End::SelectionComplete { left };
        }
        self.state.completed_at.get_or_insert(now);
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
                return self.finish(now, End::HungUp);
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
            (false, Stop::Terminate) => self.finish(now, End::Terminated),
            (false, _) if self.phase == Phase::Sleeping => self.finish(now, End::Interrupted),
            (false, _) => Vec::new(),
            (true, Stop::AfterStep) if self.phase == Phase::Assigning => vec![Effect::Cancel],
            (true, Stop::AfterStep) => vec![Effect::Report(Notice::Stopping)],
            // the agent has its signal already
            (true, _) if before >= Stop::Now || before > Stop::No && self.phase == Phase::Assigning => {
                Vec::new()
            }
            (true, _) => vec![Effect::Report(Notice::Ending), Effect::Cancel],
        }
    }
}
