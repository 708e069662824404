//! Looks for the attempt that an earlier run left: it still works, it ended meanwhile, or it is lost.

use super::child::{Child, ChildJob};
use super::conclude::conclusion;
use super::driver::Ending;
use super::prepare::set_aside;
use super::verify;
use super::world::RealWorld;
use crate::error::Result;
use crate::plan::Step;
use crate::state::outcome::CancelledBy;
use crate::state::{Learned, Outcome, SpecState};
use crate::store::attempt_folder;

impl RealWorld<'_> {
    /// Waits for it (its end is the next event), or tells its end.
    pub(super) fn recover_attempt(
        &mut self,
        unit: &str,
        attempt: u32,
        step: Option<&Step>,
        state: &SpecState,
    ) -> Result<Option<Ending>> {
        let dir = self.store.attempt_dir(unit, attempt);
        let never_started =
            || Some((Outcome::Cancelled { by: CancelledBy::NoOrchestrator }, Learned::default()));
        if state.attempt(unit, attempt).is_some_and(|record| !attempt_folder::is_of(&dir, record)) {
            // whatever its result says, it is of another attempt, and nobody must take its log for this one's
            set_aside(dir.path())?;
            return Ok(never_started());
        }
        verify::end_old_verification(&dir);
        let signal = step.map_or(self.config.done, |s| s.settings.done).signal;
        if attempt_folder::alive(&dir) {
            self.say(&format!(
                "● task {unit}, attempt {attempt}, of an earlier run is still at work: taking it over"
            ));
            let process = attempt_folder::holder(&dir).map(|h| (h.pid, h.started));
            let job = ChildJob::Attempt { signal, live_ticks: Vec::new() };
            self.child = Some(Child { unit: unit.to_owned(), dir: dir.clone(), process, job });
            attempt_folder::wait_for_adopted(&dir, self.watch_over());
            return Ok(None);
        }
        match attempt_folder::result(&dir) {
            Some(_) => {
                self.say(&format!(
                    "● task {unit}, attempt {attempt}, ended while no run was there: taking its result"
                ));
            }
            // the lock is made by `__attempt` as its first act; or the whole folder was removed over a working agent
            None if !dir.lock().exists() && attempt_folder::remains(&dir).is_empty() => {
                return Ok(never_started());
            }
            None => attempt_folder::settle(&dir),
        }
        Ok(Some(conclusion(self.config, &dir, signal)))
    }
}
