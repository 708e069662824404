//! A run sees when a person talks to an agent in its session, and when they leave it.

use super::machine::Pause;
use super::world::RealWorld;
use crate::state::WaitReason;
use crate::store::talk_lock::talker;

impl RealWorld<'_> {
    /// The talk that holds back all steps, if there is one now.
    pub(super) fn talk_now(&self) -> Option<WaitReason> {
        let talker = talker(&self.store.talk_lock())?;
        Some(WaitReason::Talk { unit: talker.unit, by: talker.by })
    }

    /// Whether this pause ends, or another one begins, because of a talk.
    pub(super) fn is_talk_news(&self, why: &Pause) -> bool {
        match why {
            Pause::Wait(WaitReason::Talk { .. }) => self.talk_now().is_none(),
            Pause::Wait(_) => self.talk_now().is_some(),
            // its end plans again
            Pause::Delay | Pause::Backoff { .. } => false,
        }
    }
}
