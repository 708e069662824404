//! Reports the ends of attempts to an orchestrator, and checks the pauses after them.

use super::acts::Attempt;
use super::git_model::moved_head;
use super::orchestrator::Orchestrator;
use crate::agent::AttemptRole;
use crate::plan::Step;
use crate::run::driver::World;
use crate::run::event::Event;
use crate::state::outcome::CancelledBy;
use crate::state::{Learned, Outcome, TreeRecord};

impl Orchestrator<'_> {
    /// Reports an end, and notes the pause that must follow it.
    pub(super) fn report_end(&mut self, index: Option<usize>, unit: &str, outcome: Outcome) -> Event {
        let free = match &outcome {
            Outcome::Unavailable { .. }
            | Outcome::Unchecked { .. }
            | Outcome::Limited { .. }
            | Outcome::Cancelled { by: CancelledBy::NoOrchestrator | CancelledBy::SessionEnd } => true,
            Outcome::Cancelled { by: CancelledBy::Terminate } if self.recovered => true,
            Outcome::Cancelled { .. } => self.cancelled,
            _ => false,
        };
        let attempt = index.map(|index| self.model.attempts[index].clone());
        let nudge = attempt.as_ref().is_some_and(Attempt::is_nudge);
        let mute = attempt.as_ref().is_some_and(|a| a.lost_its_session(&outcome));
        let limited = matches!(outcome, Outcome::Limited { .. });
        if let Some(index) = index {
            self.model.attempts[index].reported_end = Some((outcome.clone(), free));
        }
        let is_review = attempt.as_ref().is_some_and(|a| a.role == AttemptRole::Review);
        if is_review {
            self.model.note_verdict(unit, &outcome);
        }
        let run = &self.model.config.run;
        let retry = self.model.config.retry;
        let tries = self.model.tries(unit);
        let known = self.first.as_ref().is_some_and(|s| s.unit == unit);
        let pause = match outcome {
            _ if !known => std::time::Duration::ZERO,
            Outcome::Done if self.model.config.review.of_tasks().is_some() => std::time::Duration::ZERO,
            Outcome::Done | Outcome::Approved => run.delay,
            _ if free => std::time::Duration::ZERO,
            // a new session needs no pause, but after a nudge comes the pause of the attempt before it
            _ if mute && !nudge && tries < retry.attempts => std::time::Duration::ZERO,
            _ if tries < retry.attempts => crate::run::backoff::backoff(&retry, tries),
            _ => run.delay,
        };
        let pause = i64::try_from(pause.as_secs()).unwrap();
        // `check_start` checks limits: no step starts with a limited backend. A nudge depends on its session, which is
        // not known here
        let nudged = self.model.sessions && !nudge && matches!(outcome, Outcome::NoSignal);
        // what follows a review without approval depends on its round
        let undecided = is_review && outcome != Outcome::Approved;
        self.last = (!limited && !nudged && !undecided)
            .then(|| (unit.to_owned(), self.model.time, self.model.jumps, pause));
        let learned = self.learned(index);
        Event::Ended { outcome, learned, seen: self.look().ok() }
    }

    /// What is known of an attempt apart from its outcome.
    pub(super) fn learned(&self, index: Option<usize>) -> Learned {
        let attempt = index.map(|index| &self.model.attempts[index]).filter(|_| self.model.sessions);
        Learned {
            session: attempt.map(|a| format!("{} of {}", a.number, a.unit)),
            worked: attempt.is_some_and(|a| a.act.speaks),
            after: index.and_then(|index| self.tree_after(index)),
            ..Learned::default()
        }
    }

    /// The work tree after an attempt whose agent moved HEAD.
    fn tree_after(&self, index: usize) -> Option<TreeRecord> {
        let moved = self.model.git.is_some() && self.model.attempts[index].act.moves_head;
        moved.then(|| TreeRecord {
            tree: "moved".to_owned(),
            history: Some(moved_head()),
            ..TreeRecord::default()
        })
    }

    /// Reports the end of the verify commands, and with it that of their attempt.
    pub(super) fn verified(&mut self, index: usize, failure: Option<Outcome>) -> Event {
        self.model.attempts[index].verified = failure.is_none();
        let unit = self.model.attempts[index].unit.clone();
        self.report_end(Some(index), &unit, failure.clone().unwrap_or(Outcome::Done));
        Event::Verified { failure, after: None }
    }

    pub(super) fn check_pause(&mut self, step: &Step) {
        let Some((unit, since, jumps, pause)) = self.last.take() else { return };
        let delay = i64::try_from(self.model.config.run.delay.as_secs()).unwrap();
        let jitter = i64::try_from(self.model.config.run.jitter.as_secs()).unwrap();
        let waited = self.model.time - since;
        let least = if unit == step.unit { pause } else { pause.min(delay) };
        let most = pause.max(delay) + jitter;
        if jumps == self.model.jumps && !(least..=most).contains(&waited) {
            self.wrong(format!("{waited}s between {unit} and {}, not {least} to {most}", step.unit));
        }
    }
}
