//! What a run publishes in its course: before each attempt the commit of the last step, the state, and what runs next.

use super::packed::{head, saved};
use super::synced::{Synced, sync};
use crate::error::Result;
use crate::fleet::hold::{HoldAnswer, Publication};
use crate::report::text::sanitise_line;
use crate::run::driver::Ending;
use crate::run::inbox::InboxMessage;
use crate::run::machine::Event;
use crate::run::world::RealWorld;
use crate::state::outcome::CancelledBy;
use crate::state::{Learned, Outcome, SpecState};
use crate::sys::interrupt::Interrupt;

impl RealWorld<'_> {
    /// Publishes that an attempt is about to start. Returns how it ended where it must not start.
    pub(in crate::run) fn publish_start(&mut self, state: &SpecState) -> Result<Option<Ending>> {
        let Some(remote) = self.remote else { return Ok(None) };
        let mut kept = remote.keeper.kept();
        let head = head(&kept)?;
        let saved = saved(&mut kept, self.place, state, head.as_deref())?;
        let (commit, releases, patience) = (head, false, None);
        let answer = kept.publish(Publication { saved, commit, kept: None, releases, patience });
        match answer {
            HoldAnswer::Published => return Ok(None),
            HoldAnswer::BranchMoved(_) => remote.moved.set(true),
            HoldAnswer::Refused => {
                let words = sanitise_line(&kept.remote.words);
                let why = format!("{} refuses the push: {words}", kept.remote.name);
                remote.divergence(&mut kept, &why);
            }
            HoldAnswer::Lost(_) | HoldAnswer::NoAnswer => {
                let _ = self.inbox.sender().send(InboxMessage::Asked(Interrupt::LeaseLost));
            }
        }
        let outcome = Outcome::Cancelled { by: CancelledBy::NoOrchestrator };
        Ok(Some((outcome, Learned::default())))
    }

    /// Takes in what people pushed to the branch, where a push found that.
    pub(in crate::run) fn take_in_moved_branch(&mut self) -> Result<Option<Event>> {
        let Some(remote) = self.remote else { return Ok(None) };
        if let Some(reason) = remote.trouble.borrow().clone() {
            return Ok(Some(Event::Diverged { reason }));
        }
        if !remote.moved.replace(false) {
            return Ok(None);
        }
        let mut kept = remote.keeper.kept();
        match sync(&mut kept, self.place, &self.config)? {
            Synced::TakenIn(names) => {
                drop(kept);
                self.say("● people pushed to the branch; the run continues on top of that");
                Ok(Some(Event::Renamed { names }))
            }
            Synced::Diverged(why) => {
                let reason = remote.divergence(&mut kept, &why);
                Ok(Some(Event::Diverged { reason }))
            }
        }
    }
}
