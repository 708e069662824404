//! PURE. Whether a process may take the lease of a spec.

use std::time::Duration;

use jiff::Timestamp;

use super::lease::{Lease, Moment};
use super::push::RunTip;

/// What a process saw of the ref with the lease, and since when it has been the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    object: Option<String>,
    since: Duration,
}

/// Whether the lease may be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakeAnswer {
    /// Now.
    Free,
    /// Its end has come by the holder's clock, but clocks differ: look again at this time of the own clock.
    LookAgain(Duration),
    /// Another process has it.
    Held {
        /// Its lease.
        lease: Lease,
        /// When it ends by the holder's clock.
        until: Timestamp,
        /// When its whole length has passed by the own clock.
        certain: Duration,
    },
}

impl Watched {
    /// The first look.
    #[must_use]
    pub fn begin(tip: Option<&RunTip>, now: Moment) -> Self {
        Self { object: tip.map(|tip| tip.object.clone()), since: now.boot }
    }

    /// A further look.
    pub fn look(&mut self, tip: Option<&RunTip>, now: Moment) {
        if tip.map(|tip| &tip.object) != self.object.as_ref() {
            *self = Self::begin(tip, now);
        }
    }

    /// Whether the lease may be taken. `own`: objects that earlier processes of the same clone made; their lock is held, so
    /// they are dead. `at_once`: a person wants it.
    #[must_use]
    pub fn may_take(&self, tip: Option<&RunTip>, now: Moment, own: &[String], at_once: bool) -> TakeAnswer {
        let Some(tip) = tip else { return TakeAnswer::Free };
        if at_once || !tip.lease.is_held() || own.contains(&tip.object) {
            return TakeAnswer::Free;
        }
        let timing = tip.lease.timing();
        let seen = now.boot.saturating_sub(self.since);
        if seen >= timing.lease {
            return TakeAnswer::Free;
        }
        let enough = timing.renew.mul_f32(1.5);
        if now.wall < tip.lease.expires {
            let (lease, until) = (tip.lease.clone(), tip.lease.expires);
            return TakeAnswer::Held { lease, until, certain: self.since + timing.lease };
        }
        if seen >= enough { TakeAnswer::Free } else { TakeAnswer::LookAgain(self.since + enough) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lease::testing::lease;
    use super::*;

    fn at(boot: u64, wall: i64) -> Moment {
        Moment { boot: Duration::from_secs(boot), wall: Timestamp::from_second(wall).unwrap() }
    }

    /// A lease of a minute that ends at 1000 by the holder's clock.
    fn tip(holder: Option<&str>) -> RunTip {
        RunTip { object: "o".into(), lease: lease(holder) }
    }

    fn asked(watched: &Watched, tip: &RunTip, now: Moment) -> TakeAnswer {
        watched.may_take(Some(tip), now, &[], false)
    }

    #[test]
    fn what_is_free_released_or_of_the_same_clone_is_taken_at_once() {
        let now = at(5, 0);
        let watched = Watched::begin(Some(&tip(Some("a"))), now);
        assert_eq!(watched.may_take(None, now, &[], false), TakeAnswer::Free);
        assert_eq!(asked(&watched, &tip(None), now), TakeAnswer::Free);
        assert_eq!(watched.may_take(Some(&tip(Some("a"))), now, &["o".into()], false), TakeAnswer::Free);
        assert_eq!(watched.may_take(Some(&tip(Some("a"))), now, &[], true), TakeAnswer::Free);
        assert!(matches!(asked(&watched, &tip(Some("a")), now), TakeAnswer::Held { .. }));
    }

    #[test]
    fn a_wall_clock_alone_takes_nothing_over() {
        let held = tip(Some("a"));
        let watched = Watched::begin(Some(&held), at(5, 9999));
        assert_eq!(asked(&watched, &held, at(5, 9999)), TakeAnswer::LookAgain(Duration::from_secs(35)));
        assert_eq!(asked(&watched, &held, at(35, 9999)), TakeAnswer::Free);
    }

    #[test]
    fn the_same_object_for_the_whole_length_is_a_lease_that_ended() {
        let held = tip(Some("a"));
        let mut watched = Watched::begin(Some(&held), at(5, 0));
        let TakeAnswer::Held { certain, .. } = asked(&watched, &held, at(64, 0)) else { panic!() };
        assert_eq!(certain, Duration::from_secs(65));
        assert_eq!(asked(&watched, &held, at(65, 0)), TakeAnswer::Free);
        let renewed = RunTip { object: "p".into(), ..held };
        watched.look(Some(&renewed), at(66, 0));
        assert!(matches!(asked(&watched, &renewed, at(67, 0)), TakeAnswer::Held { .. }));
    }
}
