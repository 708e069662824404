//! Prints and writes what a run reports.

use jiff::tz::TimeZone;

use super::machine::Notice;
use super::world::RealWorld;
use crate::error::Result;
use crate::report::text::logs_command;
use crate::report::wait_text::naming;
use crate::report::{event_text, notice_event};
use crate::state::outcome::CancelledBy;
use crate::state::{AttemptRecord, Outcome, SpecState, UnitState};

impl RealWorld<'_> {
    /// Prints a notice, and writes it to the logs.
    pub(super) fn report_notice(&mut self, report: &Notice, state: &SpecState) -> Result<()> {
        self.worked |= matches!(report, Notice::Ended { .. });
        let what = notice_event::of_notice(report, state);
        let line = event_text::line(&what, Some(self.config.run.max_iterations), &TimeZone::system());
        self.say(&naming(&line, &self.place.typed));
        self.label(report);
        // without an agent there is no output
        let silent = Outcome::Cancelled { by: CancelledBy::NoOrchestrator };
        if let Notice::Ended { unit, attempt, outcome, .. } = report
            && !outcome.needs_no_look()
            && !outcome.is_refused_commit()
            && *outcome != silent
        {
            // the agent reported success, so the reason is in the output of the check
            let check = if matches!(outcome, Outcome::VerifyFailed { .. }) { " --verify" } else { "" };
            let command = logs_command(&self.place.typed, unit);
            // the start of it was said without those before that met a limit, and it is the last one
            let tries = state.units.get(unit).map_or(0, UnitState::shown_tries);
            let is_try = state.attempt(unit, *attempt).is_some_and(AttemptRecord::is_try);
            let said = tries + usize::from(!is_try);
            let is_same = usize::try_from(*attempt).is_ok_and(|number| number == said);
            let which = if is_same { format!(" --attempt {attempt}") } else { String::new() };
            self.say(&format!("  its output: {command}{which}{check}"));
        }
        if let Notice::Ended { unit, attempt, .. } = report {
            self.say_files(state, unit, *attempt);
        }
        let changes = report.unit().and_then(|unit| state.units.get(unit)?.changes.as_ref());
        let own = match report {
            Notice::Ended { unit, attempt, .. } => state.attempt(unit, *attempt),
            _ => None,
        };
        let own = own.map_or(&[][..], AttemptRecord::own_commits);
        let entry = event_text::progress_entry(report, changes, own, self.clock.now(), &TimeZone::system());
        if let Some(entry) = entry {
            self.store.progress(&entry)?;
        }
        self.publish(what)
    }
}
