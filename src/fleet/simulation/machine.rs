//! One machine of the simulation: it looks, takes, works and publishes as a run does.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::remote::{ModelCommit, Remote, commit_name, number, take_of};
use crate::fleet::hold::{Hold, HoldAnswer, HolderId, Publication};
use crate::fleet::lease::{LeaseTiming, Moment};
use crate::fleet::push::SeenRefs;
use crate::fleet::saved::{RunningTask, SavedSpec, Standpoint};
use crate::fleet::take::{TakeAnswer, Watched};

/// Tasks of the spec.
pub(super) const TASKS: u32 = 6;
/// The lease, in milliseconds.
pub(super) const LEASE: u64 = 6000;

/// What a machine does.
#[derive(Debug)]
pub(super) enum Doing {
    /// It is off, or its process ended.
    Nothing,
    /// It looks whether the lease is free.
    Looks(Watched),
    /// It holds the lease, or is about to.
    Holds(Box<Hold>),
}

/// A machine.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) name: usize,
    /// One more with each start.
    pub(super) life: u64,
    pub(super) doing: Doing,
    /// Its wall clock minus the true time, in milliseconds.
    pub(super) skew: i64,
    /// The time since its start minus the true time.
    pub(super) boot: u64,
    /// It is stopped until then.
    pub(super) frozen: u64,
    /// Tasks that are done, as it knows.
    done: u32,
    /// Its commit that is not on the remote yet.
    pub(super) pending: Option<usize>,
    /// What is published next releases the lease.
    is_kept: bool,
    /// What it wants published, and the objects of the pushes that it sent for that.
    pub(super) wanted: Option<Publication>,
    pub(super) sent: Vec<usize>,
    /// An agent works.
    pub(super) works: bool,
    /// Who it is; the clone keeps the objects that it made.
    own: Vec<String>,
    pub(super) takeovers: u64,
    pub(super) finished: bool,
}

/// What becomes of a commit that is to be put on top of what people pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commits {
    /// It fits.
    Fit,
    /// It does not.
    Conflict,
    /// The machine cannot do it.
    Fail,
}

/// What a machine wants next.
#[derive(Debug, PartialEq)]
pub(super) enum Wish {
    Publish(Publication),
    /// An agent starts.
    Work,
    /// It looks again after so many milliseconds.
    LookAgain(u64),
    /// Its process ends; it is started again later.
    End,
}

impl Machine {
    pub(super) fn new(name: usize, skew: i64, boot: u64) -> Self {
        Self {
            name,
            life: 0,
            doing: Doing::Nothing,
            skew,
            boot,
            frozen: 0,
            done: 0,
            pending: None,
            is_kept: false,
            wanted: None,
            sent: Vec::new(),
            works: false,
            own: Vec::new(),
            takeovers: 0,
            finished: false,
        }
    }

    pub(super) fn now(&self, time: u64) -> Moment {
        let wall = 1_800_000_000_000 + i64::try_from(time).unwrap() + self.skew;
        Moment {
            boot: Duration::from_millis(time + self.boot),
            wall: Timestamp::from_millisecond(wall).unwrap(),
        }
    }

    /// Its process is gone, with its agent and what was not pushed.
    pub(super) fn end(&mut self) {
        (self.doing, self.works, self.pending) = (Doing::Nothing, false, None);
        (self.is_kept, self.wanted) = (false, None);
        self.life += 1;
    }

    pub(super) fn made(&mut self, object: &str) {
        self.own.push(object.to_owned());
    }

    /// Looks at the remote, and takes the lease if it is free.
    pub(super) fn look(&mut self, time: u64, remote: &mut Remote, seen: &SeenRefs) -> Wish {
        let now = self.now(time);
        let tip = seen.run.as_ref();
        let mut watched = match std::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Looks(watched) => watched,
            _ => Watched::begin(tip, now),
        };
        watched.look(tip, now);
        match watched.may_take(tip, now, &self.own, false) {
            TakeAnswer::Free => self.take(time, remote, seen),
            TakeAnswer::LookAgain(_) | TakeAnswer::Held { .. } => {
                self.doing = Doing::Looks(watched);
                Wish::LookAgain(LEASE / 8)
            }
        }
    }

    fn take(&mut self, time: u64, remote: &mut Remote, seen: &SeenRefs) -> Wish {
        let before = seen.run.as_ref().map(|tip| Arc::clone(&remote.objects[number(&tip.object)].saved));
        let known = before.as_ref().and_then(|saved| saved.state.parse().ok()).unwrap_or(0);
        // the branch is the truth: a server may have been killed before it moved one of the refs
        let branch = seen.branch.as_deref().map(number);
        let tip = before.as_ref().and_then(|saved| saved.at.tip.as_deref()).map(number);
        let is_torn = tip.is_some_and(|tip| !remote.history(branch).contains(&tip));
        // or before it kept a commit, and then the machine: its task is open on the branch
        let keeps = before.as_ref().is_some_and(|saved| saved.at.running.is_none())
            && seen.run.as_ref().is_some_and(|tip| tip.lease.is_held());
        let is_cut_off = keeps && !remote.kept_tasks().any(|task| task + 1 == known);
        let known = known - u32::from(is_torn || is_cut_off);
        let on_branch = remote.history(branch).iter().filter_map(|at| remote.commits[*at].task).max();
        self.done = on_branch.map_or(0, |task| task + 1).max(known);
        let tip = seen.run.as_ref();
        if let Some(tip) = tip.filter(|tip| tip.lease.is_held()) {
            self.takeovers += 1;
            remote.log.push(format!("{time} machine {} takes over from {}", self.name, take_of(&tip.lease)));
        }
        let me = HolderId { id: format!("m{}l{}", self.name, self.life), host: format!("host{}", self.name) };
        let timing = LeaseTiming::of(Duration::from_millis(LEASE));
        self.doing = Doing::Holds(Box::new(Hold::new(me, timing, seen, self.now(time))));
        Wish::Publish(self.publication(self.done >= TASKS))
    }

    fn saved(&self) -> Arc<SavedSpec> {
        let running = (self.done < TASKS).then(|| RunningTask { task: self.done.to_string(), attempt: 1 });
        let at = Standpoint { tip: self.pending.map(commit_name), running, ..Standpoint::default() };
        Arc::new(SavedSpec { at, state: self.done.to_string(), progress: String::new() })
    }

    fn publication(&self, releases: bool) -> Publication {
        let commit = self.pending.map(commit_name);
        // the end of a run does not wait for ever
        let patience = releases.then_some(Duration::from_millis(LEASE / 2));
        Publication { saved: self.saved(), commit, kept: None, releases, patience }
    }

    /// Its agent has done the task.
    pub(super) fn worked(&mut self, remote: &mut Remote) -> Wish {
        let Doing::Holds(hold) = &self.doing else { return Wish::End };
        let parent = hold.branch().map(number);
        self.works = false;
        self.commit_on(parent, self.done, remote);
        self.done += 1;
        Wish::Publish(self.publication(self.done >= TASKS))
    }

    fn commit_on(&mut self, parent: Option<usize>, task: u32, remote: &mut Remote) {
        let Doing::Holds(hold) = &self.doing else { return };
        let by = format!("m{}l{}/{}", self.name, self.life, hold.epoch());
        remote.commits.push(ModelCommit { parent, task: Some(task), by });
        self.pending = Some(remote.commits.len() - 1);
    }

    /// It hears what became of what it wanted.
    pub(super) fn hear(&mut self, answer: HoldAnswer, commits: Commits, remote: &mut Remote) -> Wish {
        let was_pending = self.pending;
        match answer {
            HoldAnswer::Published => {
                self.pending = None;
                let Doing::Holds(hold) = &self.doing else { return Wish::End };
                if hold.is_over() {
                    self.finished = self.done >= TASKS;
                    return Wish::End;
                }
                if std::mem::take(&mut self.is_kept) {
                    let mut last = self.publication(true);
                    Arc::make_mut(&mut last.saved).at.running = None;
                    return Wish::Publish(last);
                }
                self.works = true;
                Wish::Work
            }
            HoldAnswer::BranchMoved(to) => {
                let Some(commit) = was_pending else { return Wish::Publish(self.publication(false)) };
                let to = to.as_deref().map(number);
                // a push of its own may have landed late, or in part
                if remote.history(to).contains(&commit) {
                    self.pending = to;
                    return Wish::Publish(self.publication(self.done >= TASKS));
                }
                let parent = remote.commits[commit].parent;
                let is_rewritten = parent.is_some() && !remote.history(to).contains(&parent.unwrap_or(0));
                match commits {
                    // its process ends with an error, and the lease with its time
                    Commits::Fail => return Wish::End,
                    Commits::Conflict => return self.keep(commit),
                    Commits::Fit if is_rewritten => return self.keep(commit),
                    Commits::Fit => {}
                }
                self.commit_on(to, self.done - 1, remote);
                Wish::Publish(self.publication(self.done >= TASKS))
            }
            HoldAnswer::Refused => match was_pending {
                Some(commit) => self.keep(commit),
                None => Wish::End,
            },
            HoldAnswer::Lost(lease) => {
                let who = lease.map_or_else(|| "none".to_owned(), |lease| take_of(&lease));
                remote.log.push(format!("machine {} lost the lease to {who}", self.name));
                Wish::End
            }
            HoldAnswer::NoAnswer => Wish::End,
        }
    }

    /// A person is needed: the commit is kept under a ref of its own, and then the lease is released.
    fn keep(&mut self, commit: usize) -> Wish {
        self.pending = None;
        let Doing::Holds(hold) = &self.doing else { return Wish::End };
        let kept = Some((hold.next_number(), commit_name(commit)));
        self.is_kept = true;
        let mut saved = (*self.saved()).clone();
        saved.at.running = None;
        let saved = Arc::new(saved);
        Wish::Publish(Publication { saved, commit: None, kept, releases: false, patience: None })
    }
}
