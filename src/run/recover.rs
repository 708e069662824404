//! Looks for the attempt that an earlier run left: it still works, has ended, or is lost.

use super::child::{Child, ChildJob};
use super::conclusion::conclusion;
use super::driver::Ending;
use super::prepare::set_aside;
use super::verify;
use super::world::RealWorld;
use crate::error::Result;
use crate::plan::Step;
use crate::state::outcome::CancelledBy;
use crate::state::work_tree::HistoryChange;
use crate::state::{Learned, Outcome, SpecState, TreeRecord};
use crate::store::activity::last_sign;
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_folder;

impl RealWorld<'_> {
    /// Returns the end of the attempt, or `None` if it still works; then its end is a later event.
    pub(super) fn recover_attempt(
        &mut self,
        unit: &str,
        attempt: u32,
        step: Option<&Step>,
        state: &SpecState,
    ) -> Result<Option<Ending>> {
        let dir = self.store.attempt_dir(state.folder(unit), attempt);
        let never_started =
            || Some((Outcome::Cancelled { by: CancelledBy::NoOrchestrator }, Learned::default()));
        if state.attempt(unit, attempt).is_some_and(|record| !attempt_folder::is_of(&dir, record)) {
            // the folder is of another attempt; set it aside, so that its log is not shown for this one
            set_aside(dir.path())?;
            return Ok(never_started());
        }
        verify::end_old_verification(&dir);
        let signal = step.map_or(self.config.done, |s| s.settings.done).signal;
        if attempt_folder::alive(&dir) {
            self.say(&format!(
                "● task {unit}, attempt {attempt}, of an earlier run still works: taking it over"
            ));
            let process = attempt_folder::holder(&dir).map(|h| (h.pid, h.started));
            let reviews = state.reviewed_tree(unit, attempt);
            let job = ChildJob::Attempt { signal, live_ticks: Vec::new(), reviews };
            self.child = Some(Child { unit: unit.to_owned(), dir: dir.clone(), process, since: None, job });
            attempt_folder::wait_for_adopted(&dir, self.report_child_end());
            return Ok(None);
        }
        let over_at = state.attempt(unit, attempt).map(|record| last_sign(&dir, record));
        let mut facts = attempt_folder::result(&dir);
        match facts {
            Some(_) => {
                self.say(&format!(
                    "● task {unit}, attempt {attempt}, ended while there was no run: taking its result"
                ));
            }
            // `__attempt` makes the lock first, so it never ran; unless the folder was removed while its agent works
            None if !dir.lock().exists() && attempt_folder::remains(&dir).is_empty() => {
                return Ok(never_started());
            }
            None => {
                attempt_folder::settle(&dir);
                facts = attempt_folder::result(&dir);
            }
        }
        let (outcome, mut learned) = conclusion(&self.config, &dir, facts.as_ref(), signal);
        learned.over_at = over_at;
        learned.after = learned.after.or_else(|| self.look_after_kill(&dir));
        self.undo_review(state.reviewed_tree(unit, attempt).as_deref(), &mut learned);
        self.record_words(&dir);
        Ok(Some((outcome, learned)))
    }

    /// The work tree after an attempt that was killed with its run. Commits on the same branch may be a person's since; but
    /// where the branch is another one, or was rewritten, a person has to say what counts.
    fn look_after_kill(&self, dir: &AttemptDir) -> Option<TreeRecord> {
        let mut after = self.look_after(dir)?;
        // a run with a remote has moved HEAD itself
        let is_known = self.remote.is_none() && !matches!(after.history, Some(HistoryChange::Commits { .. }));
        after.history = after.history.filter(|_| is_known);
        Some(after)
    }
}
