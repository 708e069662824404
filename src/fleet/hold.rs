//! PURE. The lease of one process: takes, renews and releases it, and publishes each step, one push at a time.
//!
//! [`Hold::on`] takes an event and the time and returns what to do next. After a push that failed or was not answered, it
//! reads until two reads agree, and judges by them.

use std::sync::Arc;
use std::time::Duration;

pub use super::hold_event::{HoldAnswer, HoldEffect, HoldEvent, HolderId, Publication};
use super::judge::{PushFate, judge};
use super::lease::{LEASE_SCHEMA, Lease, LeaseTiming, Moment};
use super::push::{BranchMove, Push, RefQuestion, SeenRefs};
use super::saved::SavedSpec;

/// How often a push is tried that the remote refuses.
const TRIES: u32 = 6;
/// Longest pause before a repeated push that takes the lease.
const TAKE_PAUSE: Duration = Duration::from_secs(4);
/// Shortest pause before something is tried again.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
/// Objects of this process that are remembered, for a push that comes late.
const REMEMBERED: usize = 16;

/// A push at work.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Flight {
    push: Push,
    /// When it was sent first.
    sent: Duration,
    /// It only renews the lease.
    renews: bool,
    /// What the last read saw; two must agree.
    seen: Option<SeenRefs>,
    stage: FlightStage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FlightStage {
    Sent,
    Reading,
    /// A pause before the next read.
    ToRead,
    /// A pause before the same push.
    ToRepeat,
}

/// The lease of one process.
#[derive(Debug, Clone)]
pub struct Hold {
    me: HolderId,
    timing: LeaseTiming,
    /// What the remote has, as far as this process knows.
    run: Option<String>,
    branch: Option<String>,
    epoch: u64,
    seq: u64,
    /// What landed last.
    saved: Option<Arc<SavedSpec>>,
    /// The objects that this process made.
    made: Vec<String>,
    /// When the last push that landed was sent.
    good: Duration,
    wanted: Option<Publication>,
    /// The objects of pushes that publish it.
    sent: Vec<String>,
    /// Since when that is wanted, and how often it did not land.
    since: Duration,
    tries: u32,
    flight: Option<Flight>,
    is_over: bool,
}

impl Hold {
    /// A process that is about to take the lease from what it saw. It publishes first what it takes.
    #[must_use]
    pub fn new(me: HolderId, timing: LeaseTiming, seen: &SeenRefs, now: Moment) -> Self {
        let run = seen.run.as_ref();
        Self {
            me,
            timing,
            run: run.map(|tip| tip.object.clone()),
            branch: seen.branch.clone(),
            epoch: run.map_or(0, |tip| tip.lease.epoch).saturating_add(1),
            seq: 0,
            saved: None,
            made: Vec::new(),
            good: now.boot,
            wanted: None,
            sent: Vec::new(),
            since: now.boot,
            tries: 0,
            flight: None,
            is_over: false,
        }
    }

    /// The commit of the branch that is known to be on the remote.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.branch.as_deref()
    }

    /// The object of the ref with the lease that is known to be on the remote.
    #[must_use]
    pub fn object(&self) -> Option<&str> {
        self.run.as_deref()
    }

    /// The number of this take.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// A number that no earlier push of this take had.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.seq
    }

    /// What landed last.
    #[must_use]
    pub fn saved(&self) -> Option<&Arc<SavedSpec>> {
        self.saved.as_ref()
    }

    /// Whether the lease was released or lost.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// When the lease is to be renewed; `None`: never again.
    #[must_use]
    pub fn renews_at(&self) -> Option<Duration> {
        (!self.is_over && self.saved.is_some()).then(|| self.good + self.timing.renew)
    }

    /// Handles an event.
    pub fn on(&mut self, now: Moment, event: HoldEvent) -> Vec<HoldEffect> {
        match event {
            HoldEvent::Publish(publication) => {
                if self.is_over {
                    return vec![HoldEffect::Say(HoldAnswer::Lost(None))];
                }
                (self.wanted, self.since, self.tries) = (Some(publication), now.boot, 0);
                self.sent.clear();
                if self.flight.is_some() { Vec::new() } else { self.send_next(now) }
            }
            HoldEvent::Time => self.time(now),
            HoldEvent::Pushed(object) => self.landed(now, object),
            HoldEvent::PushFailed(object) => {
                let Some(flight) = &mut self.flight else { return Vec::new() };
                for known in std::iter::once(&mut self.made).chain((!flight.renews).then_some(&mut self.sent))
                {
                    if !known.contains(&object) {
                        known.push(object.clone());
                    }
                }
                flight.push.object = Some(object);
                (flight.seen, flight.stage) = (None, FlightStage::Reading);
                vec![HoldEffect::Read(self.question())]
            }
            HoldEvent::Read(seen) => self.read(now, seen),
        }
    }

    fn time(&mut self, now: Moment) -> Vec<HoldEffect> {
        let Some(flight) = &mut self.flight else {
            let is_due = self.renews_at().is_some_and(|at| at <= now.boot);
            return if self.wanted.is_some() || is_due { self.send_next(now) } else { Vec::new() };
        };
        match flight.stage {
            FlightStage::Sent | FlightStage::Reading => Vec::new(),
            FlightStage::ToRead => {
                flight.stage = FlightStage::Reading;
                vec![HoldEffect::Read(self.question())]
            }
            FlightStage::ToRepeat if flight.renews && self.wanted.is_some() => {
                // what is wanted renews it, too
                self.flight = None;
                self.send(now, false)
            }
            FlightStage::ToRepeat => {
                let is_due = now.boot >= self.good + self.timing.renew;
                if !flight.renews && is_due && self.saved.is_some() {
                    // a step that is refused must not cost the lease
                    self.flight = None;
                    return self.send(now, true);
                }
                (flight.stage, flight.sent) = (FlightStage::Sent, now.boot);
                vec![HoldEffect::Push(flight.push.clone())]
            }
        }
    }

    /// Sends what is wanted, or else a renewal.
    fn send_next(&mut self, now: Moment) -> Vec<HoldEffect> {
        let renews = self.wanted.is_none();
        self.send(now, renews)
    }

    fn send(&mut self, now: Moment, renews: bool) -> Vec<HoldEffect> {
        let wanted = self.wanted.as_ref().filter(|_| !renews);
        let Some(saved) = wanted.map(|wanted| &wanted.saved).or(self.saved.as_ref()).cloned() else {
            return Vec::new();
        };
        let commit = wanted.and_then(|wanted| wanted.commit.clone());
        let branch = commit.filter(|commit| self.branch.as_ref() != Some(commit));
        let branch = branch.map(|to| BranchMove { from: self.branch.clone(), to });
        let kept = wanted.and_then(|wanted| wanted.kept.clone());
        let lease = Lease {
            schema: LEASE_SCHEMA,
            holder: (!wanted.is_some_and(|wanted| wanted.releases)).then(|| self.me.id.clone()),
            host: self.me.host.clone(),
            epoch: self.epoch,
            seq: self.seq,
            lease_ms: millis(self.timing.lease),
            renew_ms: millis(self.timing.renew),
            expires: now.wall.saturating_add(self.timing.lease).unwrap_or(now.wall),
            nonce: format!("{}-{}", self.me.id, self.seq),
        };
        self.seq += 1;
        let push = Push { parent: self.run.clone(), lease, saved, object: None, branch, kept };
        let (sent, seen, stage) = (now.boot, None, FlightStage::Sent);
        self.flight = Some(Flight { push: push.clone(), sent, renews, seen, stage });
        vec![HoldEffect::Push(push)]
    }

    fn landed(&mut self, now: Moment, object: String) -> Vec<HoldEffect> {
        let Some(flight) = self.flight.take() else { return Vec::new() };
        self.remember(object.clone());
        self.run = Some(object);
        if let Some(moved) = flight.push.branch {
            self.branch = Some(moved.to);
        }
        self.saved = Some(flight.push.saved);
        self.good = flight.sent;
        if flight.renews {
            return if self.wanted.is_some() { self.send(now, false) } else { Vec::new() };
        }
        self.is_over |= flight.push.lease.holder.is_none();
        self.wanted = None;
        vec![HoldEffect::Say(HoldAnswer::Published)]
    }

    fn read(&mut self, now: Moment, seen: Option<SeenRefs>) -> Vec<HoldEffect> {
        let end = self.good + self.timing.lease;
        let patience = self.wanted.as_ref().and_then(|wanted| wanted.patience);
        let patience = patience.map(|patience| self.since + patience);
        let again = now.boot + self.pause();
        let again = patience.map_or(again, |end| again.min(end.max(now.boot + SHORTEST_PAUSE)));
        let Some(flight) = &mut self.flight else { return Vec::new() };
        if flight.stage != FlightStage::Reading {
            return Vec::new();
        }
        let Some(seen) = seen else {
            if patience.is_some_and(|at| at <= now.boot) {
                return self.give_up(HoldAnswer::NoAnswer);
            }
            // before a first push that landed there is nothing to lose
            if end <= now.boot {
                return self.lose(None);
            }
            flight.stage = FlightStage::ToRead;
            return vec![HoldEffect::Wait(again)];
        };
        if flight.seen.as_ref() != Some(&seen) {
            flight.seen = Some(seen);
            return vec![HoldEffect::Read(self.question())];
        }
        let Some(object) = flight.push.object.clone() else { return Vec::new() };
        for kept in [Some(&mut flight.push.kept), self.wanted.as_mut().map(|wanted| &mut wanted.kept)] {
            // its ref must not exist before, so it is pushed once
            if let Some(kept) =
                kept.filter(|kept| kept.as_ref().map(|(_, commit)| commit) == seen.kept.as_ref())
            {
                *kept = None;
            }
        }
        let releases = self.wanted.as_ref().is_some_and(|wanted| wanted.releases && wanted.kept.is_none());
        match judge(&flight.push, &object, &seen, &self.made, releases) {
            PushFate::Landed => self.landed(now, object),
            PushFate::Torn => {
                // the lease is this one's, and only what is missing is pushed again
                (self.run, self.good) = (Some(object), flight.sent);
                if flight.push.branch.as_ref().is_some_and(|moved| seen.branch.as_ref() == Some(&moved.to)) {
                    self.branch = seen.branch;
                }
                self.flight = None;
                self.send(now, false)
            }
            PushFate::CameLate(tip) => {
                self.run = Some(tip.object);
                // the next commit is not on top of what people pushed, so a push from there would remove theirs
                let commit = self.wanted.as_ref().and_then(|wanted| wanted.commit.as_ref());
                if commit.is_some() && commit == seen.branch.as_ref() {
                    self.branch = seen.branch;
                }
                self.flight = None;
                self.send_next(now)
            }
            PushFate::Overtaken => {
                (self.run, self.good) = (Some(object), flight.sent);
                self.branch.clone_from(&seen.branch);
                self.give_up(HoldAnswer::BranchMoved(seen.branch))
            }
            PushFate::BranchMoved => {
                self.branch.clone_from(&seen.branch);
                self.give_up(HoldAnswer::BranchMoved(seen.branch))
            }
            PushFate::Released => {
                self.is_over = true;
                self.give_up(HoldAnswer::Published)
            }
            PushFate::Lost(lease) => self.lose(lease),
            PushFate::NotLanded => {
                let renews = flight.renews;
                if end <= now.boot && (renews || self.saved.is_some()) {
                    return self.lose(None);
                }
                if patience.is_some_and(|at| at <= now.boot) {
                    return self.give_up(HoldAnswer::NoAnswer);
                }
                if renews && self.wanted.is_some() {
                    // what is wanted renews it, too, and does not wait for that
                    self.flight = None;
                    return self.send(now, false);
                }
                if !renews {
                    self.tries += 1;
                    if self.tries >= TRIES {
                        return self.give_up(HoldAnswer::Refused);
                    }
                }
                if let Some(flight) = &mut self.flight {
                    flight.stage = FlightStage::ToRepeat;
                }
                vec![HoldEffect::Wait(again)]
            }
        }
    }

    /// What a read is to find out beside where the refs lead.
    fn question(&self) -> RefQuestion {
        let Some(wanted) = &self.wanted else { return RefQuestion::default() };
        let kept = wanted.kept.as_ref().map(|(number, _)| (self.epoch, *number));
        if !wanted.releases {
            return RefQuestion { kept, ..RefQuestion::default() };
        }
        // others may continue from what was released
        RefQuestion { objects: self.sent.clone(), commit: wanted.commit.clone(), kept }
    }

    /// The run does not wait any more for what it wanted published. What is on its way may land, as a renewal does; `false`:
    /// nothing is.
    pub fn leave(&mut self) -> bool {
        self.wanted = None;
        self.flight.as_mut().map(|flight| flight.renews = true).is_some()
    }

    /// Nothing is wanted any more: it is published, or it is not and the lease holds.
    fn give_up(&mut self, answer: HoldAnswer) -> Vec<HoldEffect> {
        (self.flight, self.wanted) = (None, None);
        vec![HoldEffect::Say(answer)]
    }

    fn lose(&mut self, lease: Option<Lease>) -> Vec<HoldEffect> {
        self.is_over = true;
        self.give_up(HoldAnswer::Lost(lease))
    }

    /// The pause before the next try, which grows.
    fn pause(&self) -> Duration {
        // before the first push, no lease can be lost, and a person may wait
        let longest = self.timing.renew / 4;
        let longest = if self.saved.is_none() { longest.min(TAKE_PAUSE) } else { longest };
        let patience = self.wanted.as_ref().and_then(|wanted| wanted.patience);
        let longest = patience.map_or(longest, |patience| longest.min(patience / 2));
        (longest / 16 * 2_u32.saturating_pow(self.tries.min(4))).max(SHORTEST_PAUSE)
    }

    fn remember(&mut self, object: String) {
        if !self.made.contains(&object) {
            self.made.push(object);
        }
        if self.made.len() > REMEMBERED {
            self.made.remove(0);
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
