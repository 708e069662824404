//! Keeps the lease of a spec while a run works: one place that pushes, and a thread that renews.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;

use super::spec_remote::SpecRemote;
use crate::fleet::hold::{Hold, HoldAnswer, HoldEffect, HoldEvent, Publication};
use crate::fleet::lease::{Lease, Moment};
use crate::fleet::saved::Standpoint;
use crate::run::inbox::InboxMessage;
use crate::sys::clock::boot_time;
use crate::sys::interrupt::Interrupt;
use crate::sys::stop_flag::StopFlag;

/// Longest time between two looks of the thread at the clock: a machine may have slept.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Longest sleep before another look whether somebody waits.
const NAP: Duration = Duration::from_millis(50);

/// The clocks now.
pub(super) fn moment() -> Moment {
    Moment { boot: boot_time(), wall: Timestamp::now() }
}

/// The lease and the remote, which one thread uses at a time.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) hold: Hold,
    pub(super) remote: SpecRemote,
    /// Where the spec stands, as it was published last.
    pub(super) at: Standpoint,
    /// The lease is lost.
    pub(super) is_lost: bool,
    /// Who has it, if that is known.
    pub(super) lost_to: Option<Lease>,
    stopped: bool,
}

#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    /// Wakes the thread.
    wake: Condvar,
    /// The run wants to publish, so a renewal that waits gives way.
    wanted: AtomicBool,
}

/// The keeper of a lease.
#[derive(Debug)]
pub(super) struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Kept {
    pub(super) fn new(hold: Hold, remote: SpecRemote, at: Standpoint) -> Self {
        Self { hold, remote, at, is_lost: false, lost_to: None, stopped: false }
    }

    /// Has the lease handle an event, and does what follows, until it says something. `gives_way`: instead of waiting, it
    /// returns where that is true.
    fn settle(&mut self, event: HoldEvent, gives_way: &dyn Fn() -> bool) -> Option<HoldAnswer> {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.hold.on(moment(), event) {
                match effect {
                    HoldEffect::Read(question) => {
                        events.push_back(HoldEvent::Read(self.remote.read(&question)));
                    }
                    HoldEffect::Push(push) => {
                        let (object, landed) = self.remote.push(&push);
                        let event = if landed { HoldEvent::Pushed } else { HoldEvent::PushFailed };
                        events.push_back(event(object));
                    }
                    HoldEffect::Wait(until) => {
                        if !sleep_until(until, gives_way) {
                            return None;
                        }
                        events.push_back(HoldEvent::Time);
                    }
                    HoldEffect::Say(answer) => {
                        if let HoldAnswer::Lost(lease) = &answer {
                            self.is_lost = true;
                            self.lost_to = self.lost_to.take().or_else(|| lease.clone());
                        }
                        return Some(answer);
                    }
                }
            }
        }
        None
    }

    /// Publishes, and waits for what becomes of it. Where the process is to end, only what is published in a hurry is waited for.
    pub(super) fn publish(&mut self, publication: Publication) -> HoldAnswer {
        let mut event = HoldEvent::Publish(publication);
        let ends = self.remote.ends();
        let is_to_end = || ends.as_ref().is_some_and(StopFlag::is_raised);
        loop {
            if let Some(answer) = self.settle(event, &is_to_end) {
                return answer;
            }
            if is_to_end() {
                self.hold.leave();
                return HoldAnswer::NoAnswer;
            }
            // a renewal was at work, which gave way
            event = HoldEvent::Time;
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Sleeps; `false` where it gives way before that time.
fn sleep_until(until: Duration, gives_way: &dyn Fn() -> bool) -> bool {
    loop {
        if gives_way() {
            return false;
        }
        let left = until.saturating_sub(boot_time());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(NAP));
    }
}

impl Keeper {
    /// Renews the lease from now on. Where it is lost, the inbox of the run gets a message. `ends`: raised where the process is
    /// to end.
    pub(super) fn start(mut kept: Kept, inbox: Sender<InboxMessage>, ends: StopFlag) -> Self {
        kept.remote.end_calls_with(ends);
        let shared =
            Arc::new(Shared { kept: Mutex::new(kept), wake: Condvar::new(), wanted: AtomicBool::new(false) });
        let of_thread = Arc::clone(&shared);
        let thread = thread::spawn(move || of_thread.renew(&inbox));
        Self { shared, thread: Some(thread) }
    }

    /// The process ends within this time: nothing renews the lease any more, and no call to the remote takes longer.
    pub(super) fn hurry(&self, longest: Duration) {
        let mut kept = self.kept();
        kept.stopped = true;
        kept.remote.hurry(longest);
    }

    /// The lease and the remote. A renewal that waits gives way.
    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.shared.wanted.store(true, Ordering::SeqCst);
        let kept = self.shared.lock();
        self.shared.wanted.store(false, Ordering::SeqCst);
        kept
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.kept().stopped = true;
        self.shared.wake.notify_all();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renew(&self, inbox: &Sender<InboxMessage>) {
        let mut kept = self.lock();
        while !kept.stopped {
            let Some(due) = kept.hold.renews_at() else { return };
            let pause = due.saturating_sub(boot_time());
            if !pause.is_zero() || self.wanted.load(Ordering::SeqCst) {
                let pause = pause.clamp(Duration::from_millis(20), LOOK_AGAIN);
                kept = self.wake.wait_timeout(kept, pause).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let answer = kept.settle(HoldEvent::Time, &|| self.wanted.load(Ordering::SeqCst));
            if matches!(answer, Some(HoldAnswer::Lost(_))) {
                let _ = inbox.send(InboxMessage::Asked(Interrupt::LeaseLost));
            }
        }
    }
}
