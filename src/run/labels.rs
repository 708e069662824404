//! What the summary and the windows of a run show about its steps.

use super::machine::{End, Next, Notice};
use super::world::RealWorld;
use crate::report::event_text;
use crate::report::needs::ShownNeed;
use crate::report::summary::UnitLine;
use crate::state::{AttemptRecord, Outcome, SpecState, Spent};

impl RealWorld<'_> {
    /// Adds an attempt to the unit's line of the summary.
    pub(super) fn note(&mut self, report: &Notice, state: &SpecState) {
        let Notice::Ended { unit, title, attempt, outcome, took, .. } = report else { return };
        let attempts = state.units.get(unit).map(|u| u.attempts.as_slice()).unwrap_or_default();
        let spent = Spent::of(attempts.iter().filter(|a| a.number == *attempt));
        let record = attempts.iter().find(|a| a.number == *attempt);
        let backend = record.map(|a| a.backend.clone());
        let denied = record.map(|record| record.learned.denied.clone()).unwrap_or_default();
        let tries = usize::from(record.is_some_and(AttemptRecord::is_try));
        match self.units.iter_mut().find(|u| u.id == *unit) {
            Some(line) => {
                line.outcome = outcome.clone();
                line.attempts += tries;
                line.backends.extend(backend.filter(|name| !line.backends.contains(name)));
                line.took += *took;
                line.denied.extend(
                    denied.into_iter().filter(|call| !line.denied.contains(call)).collect::<Vec<_>>(),
                );
                line.spent = Spent::sum([&line.spent, &spent]);
            }
            None => self.units.push(UnitLine {
                id: unit.clone(),
                title: title.clone(),
                outcome: outcome.clone(),
                attempts: tries,
                backends: backend.into_iter().collect(),
                took: *took,
                spent,
                denied,
                changes: None,
            }),
        }
    }

    /// Marks the window of an attempt that is over. The state is saved before.
    pub(super) fn label(&mut self, report: &Notice) {
        let Notice::Ended { unit, outcome, next, .. } = report else { return };
        self.launcher.finish(
            unit,
            event_text::mark(outcome),
            matches!(outcome, Outcome::Done | Outcome::Approved),
        );
        if *next == Next::Failed {
            self.launcher.announce(&event_text::failed_word(unit), true);
        }
    }

    /// Opens the side panes. The agent runs already, so it does not wait for them.
    pub(super) fn open_side_panes(&mut self, unit: &str, process: (i32, u64)) {
        let facts = [("SEQORCH_SPEC", self.place.name.clone()), ("SEQORCH_UNIT", unit.to_owned())];
        let complaint = self.launcher.open_side_panes(unit, process, &self.env, &facts);
        if let Some(text) = complaint {
            self.say(&text);
        }
    }

    /// Shows in the status line how the run ended.
    pub fn announce_end(&mut self, end: &End, needs: &[ShownNeed], left: usize) {
        let (word, bell) = event_text::last_word(end, needs, left);
        self.launcher.announce(&word, bell);
    }
}
