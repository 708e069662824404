//! PURE. The checks on the untouched tree, before any agent of a run works: when they run, and what follows.

use jiff::Timestamp;

use super::event::BaselineResult;
use super::machine::{Effect, Machine, Notice, Phase, Stop};
use crate::plan::Plan;
use crate::report::text::shown_command;
use crate::state::{BaselineRecord, LeftOutCheck};

impl Machine {
    /// The effects of the checks that come before the first step, where they are still to run.
    pub(super) fn begin_baseline(&mut self, now: Timestamp, plan: &Plan) -> Option<Vec<Effect>> {
        let checks = plan.baseline.as_ref().filter(|_| self.state.needs_baseline())?;
        let run = self.state.run.open()?.began;
        if checks.checks.is_empty() && checks.left_out.is_empty() {
            return None;
        }
        let of_task = |command: &Vec<String>| LeftOutCheck {
            command: shown_command(command),
            why: "it is about a task".to_owned(),
        };
        self.state.baseline = Some(BaselineRecord {
            run,
            began: now,
            ended: None,
            before: self.tree.as_ref().map(|record| record.tree.clone()),
            commands: checks.checks.len(),
            failed: Vec::new(),
            left_out: checks.left_out.iter().map(of_task).collect(),
            undone: Vec::new(),
        });
        if checks.checks.is_empty() {
            return Some(self.baseline_is_known(now));
        }
        self.phase = Phase::Baselining;
        let report = Notice::Baselining { commands: checks.checks.len() };
        Some(vec![Effect::Save, Effect::Report(report), Effect::Baseline(Box::new(checks.clone()))])
    }

    /// The checks on the untouched tree are over. Where the run was asked to end meanwhile, the next run begins them again.
    pub(super) fn baselined(&mut self, now: Timestamp, result: BaselineResult) -> Vec<Effect> {
        if self.phase != Phase::Baselining {
            return Vec::new();
        }
        if result.cancelled && (self.stop != Stop::No || self.time_up) {
            if !result.unknown_changes {
                // else the next run puts back what they changed
                self.state.baseline = None;
            }
            return self.replan();
        }
        if let Some(baseline) = &mut self.state.baseline {
            baseline.commands = baseline.commands.saturating_sub(result.left_out.len());
            baseline.failed = result.failed;
            baseline.left_out.extend(result.left_out);
            baseline.undone = result.undone;
        }
        self.baseline_is_known(now)
    }

    fn baseline_is_known(&mut self, now: Timestamp) -> Vec<Effect> {
        let Some(baseline) = &mut self.state.baseline else { return self.replan() };
        baseline.ended = Some(now);
        let report = Notice::Baseline(Box::new(baseline.clone()));
        [Effect::Save, Effect::Report(report)].into_iter().chain(self.replan()).collect()
    }
}
