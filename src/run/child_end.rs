//! What follows from the end of the process that a run waits for.

use std::time::Duration;

use super::child::{Child, ChildJob};
use super::conclusion::conclusion;
use super::driver::World as _;
use super::machine::Event;
use super::world::RealWorld;
use crate::state::Outcome;
use crate::state::outcome::CancelledBy;
use crate::store::attempt_folder;

/// A window that is closed so soon after its birth was closed by its server, not by a person.
const WINDOW_BIRTH: Duration = Duration::from_secs(1);

impl RealWorld<'_> {
    /// What follows from the end of the child. `None`: another child was started in its place.
    pub(super) fn child_ended(&mut self) -> Option<Event> {
        let Some(Child { dir, job, unit, since, .. }) = self.child.take() else { return Some(Event::Woke) };
        match job {
            ChildJob::Assignment(call) => self.call_ended(&dir, call),
            ChildJob::Baseline(run) => self.baseline_check_ended(&dir, *run),
            ChildJob::Verification(run) => {
                self.verify_command_ended(&dir, run).map(|event| self.judged_again(event))
            }
            ChildJob::Attempt { signal, live_ticks, reviews } => {
                let facts = attempt_folder::result(&dir);
                let (mut outcome, mut learned) = conclusion(&self.config, &dir, facts.as_ref(), signal);
                let soon = since.is_some_and(|since| since.elapsed() < WINDOW_BIRTH);
                let hung_up = outcome == Outcome::Cancelled { by: CancelledBy::HangUp };
                let never_began = soon && hung_up && !learned.worked;
                if never_began {
                    outcome = Outcome::Cancelled { by: CancelledBy::NoOrchestrator };
                }
                let session_ended = hung_up && !never_began && self.launcher.has_lost_session();
                if session_ended {
                    outcome = Outcome::Cancelled { by: CancelledBy::SessionEnd };
                }
                self.launcher.count_closed(never_began || session_ended);
                learned.after = learned.after.or_else(|| self.look_after(&dir));
                // what a reviewer changed is put back
                self.remember_look(facts.as_ref().filter(|_| reviews.is_none()));
                self.undo_review(reviews.as_deref(), &mut learned);
                learned.untrusted = self.untrusted(&unit);
                self.record_words(&dir);
                self.ended_unit = Some(unit);
                if outcome != Outcome::Done {
                    self.clear_live_ticks(&live_ticks);
                }
                Some(Event::Ended { outcome, learned, seen: self.look().ok() })
            }
        }
    }
}
