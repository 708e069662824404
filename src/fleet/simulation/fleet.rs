//! The schedule of the simulation: what happens when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Chance;
use super::machine::{Commits, Doing, LEASE, Machine, TASKS, Wish};
use super::remote::{Moves, Remote, commit_name, name, take_of};
use crate::fleet::hold::{HoldAnswer, HoldEffect, HoldEvent};
use crate::fleet::push::{Push, RefQuestion};

/// Longest true time of a schedule, in milliseconds.
const LONGEST: u64 = 40 * 60 * 1000;

/// Something that happens.
#[derive(Debug)]
enum Happening {
    /// A machine starts, or looks again.
    Look,
    /// A machine's lease hears this.
    Hold(HoldEvent),
    /// A machine reads the remote, and asks this.
    Read(RefQuestion),
    /// A push reaches the remote; the machine hears later whether it landed, if it still has the life that pushed.
    Arrives { push: Push, object: usize, moves: Moves, answers: bool, life: u64 },
    /// Its agent is done.
    Worked,
    /// The machine is killed, stopped, or a person pushes.
    Trouble,
}

/// What happened in a schedule.
#[derive(Debug, Default, Clone)]
pub(super) struct FleetCounts {
    pushes: u64,
    landed: u64,
    unanswered: u64,
    refused: u64,
    kills: u64,
    stops: u64,
    people: u64,
    takeovers: u64,
    kept: u64,
    torn: u64,
    /// Torn pushes that were to keep a commit.
    torn_kept: u64,
    /// Releases whose answer was lost, and that another machine followed.
    followed: u64,
    /// Machines that could not take in what people pushed.
    failed: u64,
    late: u64,
    /// Publications that a machine stopped to wait for.
    left: u64,
}

impl FleetCounts {
    pub(super) fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.pushes, other.pushes),
            (&mut self.landed, other.landed),
            (&mut self.unanswered, other.unanswered),
            (&mut self.refused, other.refused),
            (&mut self.kills, other.kills),
            (&mut self.stops, other.stops),
            (&mut self.people, other.people),
            (&mut self.takeovers, other.takeovers),
            (&mut self.kept, other.kept),
            (&mut self.torn, other.torn),
            (&mut self.torn_kept, other.torn_kept),
            (&mut self.followed, other.followed),
            (&mut self.failed, other.failed),
            (&mut self.late, other.late),
            (&mut self.left, other.left),
        ] {
            *sum += more;
        }
    }

    pub(super) fn is_wild(&self, runs: u64) -> bool {
        let each = [self.unanswered, self.refused, self.kills, self.stops, self.people, self.takeovers];
        let rare = [self.kept, self.torn, self.torn_kept, self.followed, self.failed, self.late, self.left];
        each.iter().all(|count| *count > runs / 4) && rare.iter().all(|count| *count > 0)
    }
}

/// Machines, their remote, and what is to happen.
pub(super) struct Fleet {
    pub(super) remote: Remote,
    machines: Vec<Machine>,
    /// Time, number, machine and its life.
    queue: BinaryHeap<Reverse<(u64, u64, usize, u64)>>,
    happenings: Vec<Option<Happening>>,
    time: u64,
    /// How often calls fail, in percent.
    trouble: u64,
    chance: Chance,
    counts: FleetCounts,
}

impl Fleet {
    pub(super) fn new(mut chance: Chance) -> Self {
        let number = 2 + usize::try_from(chance.below(4)).unwrap();
        let skew = |chance: &mut Chance| i64::try_from(chance.below(600_000)).unwrap() - 300_000;
        let machines =
            (0..number).map(|at| Machine::new(at, skew(&mut chance), chance.below(90_000_000))).collect();
        let trouble = [0, 5, 15, 30][usize::try_from(chance.below(4)).unwrap()];
        let (remote, queue, happenings) = (Remote::default(), BinaryHeap::new(), Vec::new());
        let counts = FleetCounts::default();
        let mut fleet = Self { remote, machines, queue, happenings, time: 0, trouble, chance, counts };
        for at in 0..number {
            let first = fleet.chance.below(3000);
            fleet.after(first, at, Happening::Look);
            let trouble = fleet.chance.below(20_000);
            fleet.after(trouble, at, Happening::Trouble);
        }
        fleet
    }

    pub(super) fn counts(&self) -> FleetCounts {
        let takeovers = self.machines.iter().map(|machine| machine.takeovers).sum();
        let kept = self.remote.kept.len() as u64;
        FleetCounts { takeovers, kept, landed: self.remote.landed, ..self.counts.clone() }
    }

    fn after(&mut self, pause: u64, machine: usize, what: Happening) {
        let life = match what {
            // these do not end with the process
            Happening::Arrives { .. } | Happening::Trouble => u64::MAX,
            _ => self.machines[machine].life,
        };
        self.queue.push(Reverse((self.time + pause, self.happenings.len() as u64, machine, life)));
        self.happenings.push(Some(what));
    }

    pub(super) fn run(&mut self) {
        while let Some(Reverse((time, number, machine, life))) = self.queue.pop() {
            self.time = self.time.max(time);
            if self.time > LONGEST {
                self.remote.wrong.push("it never ends".to_owned());
            }
            if !self.remote.wrong.is_empty() || self.machines.iter().any(|machine| machine.finished) {
                break;
            }
            let Some(what) = self.happenings[usize::try_from(number).unwrap()].take() else { continue };
            let is_remote = matches!(what, Happening::Arrives { .. });
            let frozen = self.machines[machine].frozen;
            if !is_remote && frozen > self.time {
                let pause = frozen - self.time;
                if life == u64::MAX || life == self.machines[machine].life {
                    self.after(pause, machine, what);
                }
            } else if life == u64::MAX || life == self.machines[machine].life {
                self.happens(machine, what);
            }
        }
        let mut done = self.remote.tasks();
        done.extend(self.remote.kept_tasks());
        done.sort_unstable();
        // a machine may be lost after its commit was kept, and before the state says so: then the task is done again
        done.dedup();
        if self.remote.wrong.is_empty() && done != (0..TASKS).collect::<Vec<_>>() {
            self.remote.wrong.push(format!("at the end these tasks are done: {done:?}"));
        }
    }

    fn happens(&mut self, at: usize, what: Happening) {
        let now = self.machines[at].now(self.time);
        match what {
            Happening::Look => {
                if self.chance.percent(self.trouble) {
                    return self.after(700, at, Happening::Look);
                }
                let seen = self.remote.seen(&RefQuestion::default());
                let wish = self.machines[at].look(self.time, &mut self.remote, &seen);
                self.grant(at, wish);
            }
            Happening::Hold(event) => {
                let Doing::Holds(hold) = &mut self.machines[at].doing else { return };
                let effects = hold.on(now, event);
                self.perform(at, effects);
            }
            Happening::Read(question) => {
                let seen = (!self.chance.percent(self.trouble)).then(|| self.remote.seen(&question));
                let pause = 20 + self.chance.below(200);
                self.after(pause, at, Happening::Hold(HoldEvent::Read(seen)));
            }
            Happening::Arrives { push, object, moves, answers, life } => {
                let torn = moves != Moves::ALL;
                let landed = self.remote.land(&push, object, moves);
                let event =
                    if landed && answers && !torn { HoldEvent::Pushed } else { HoldEvent::PushFailed };
                if (answers || torn) && life == self.machines[at].life {
                    self.after(30, at, Happening::Hold(event(name(object))));
                }
            }
            Happening::Worked => {
                if self.machines[at].works {
                    let wish = self.machines[at].worked(&mut self.remote);
                    self.grant(at, wish);
                }
            }
            Happening::Trouble => self.trouble(at),
        }
    }

    fn trouble(&mut self, at: usize) {
        let next = 4000 + self.chance.below(60_000);
        self.after(next, at, Happening::Trouble);
        match self.chance.below(5) {
            0 => {
                self.counts.kills += 1;
                self.remote.log.push(format!("{} machine {at} is killed", self.time));
                self.machines[at].end();
                let again = self.chance.below(3 * LEASE);
                self.after(again, at, Happening::Look);
            }
            1 => {
                self.counts.stops += 1;
                self.machines[at].frozen = self.time + self.chance.below(3 * LEASE);
            }
            2 => self.counts.people += u64::from(self.remote.person_pushes()),
            3 => self.leave(at),
            _ => self.counts.people += u64::from(self.remote.person_rewrites()),
        }
    }

    /// A machine stops to wait for what it publishes, and then publishes once more.
    fn leave(&mut self, at: usize) {
        let now = self.machines[at].now(self.time);
        let machine = &mut self.machines[at];
        let wanted = machine.wanted.clone().filter(|wanted| !wanted.releases && wanted.kept.is_none());
        let Doing::Holds(hold) = &mut machine.doing else { return };
        let Some(wanted) = wanted.filter(|_| !machine.works && hold.leave()) else { return };
        let effects = hold.on(now, HoldEvent::Publish(wanted));
        self.counts.left += 1;
        self.perform(at, effects);
    }

    fn grant(&mut self, at: usize, wish: Wish) {
        match wish {
            Wish::Publish(publication) => {
                self.machines[at].wanted = Some(publication.clone());
                self.machines[at].sent.clear();
                self.after(5, at, Happening::Hold(HoldEvent::Publish(publication)));
            }
            Wish::Work => {
                let long = 200 + self.chance.below(3 * LEASE);
                self.after(long, at, Happening::Worked);
                self.renew_later(at);
            }
            Wish::LookAgain(pause) => self.after(pause, at, Happening::Look),
            Wish::End => {
                self.machines[at].end();
                let again = 100 + self.chance.below(2 * LEASE);
                self.after(again, at, Happening::Look);
            }
        }
    }

    /// As the thread does that renews the lease while an agent works.
    fn renew_later(&mut self, at: usize) {
        let Doing::Holds(hold) = &self.machines[at].doing else { return };
        let boot = self.machines[at].now(self.time).boot;
        if let Some(due) = hold.renews_at() {
            let pause = u64::try_from(due.saturating_sub(boot).as_millis()).unwrap();
            self.after(pause.max(50), at, Happening::Hold(HoldEvent::Time));
        }
    }

    fn perform(&mut self, at: usize, effects: Vec<HoldEffect>) {
        if effects.is_empty() && self.machines[at].works {
            self.renew_later(at);
        }
        for effect in effects {
            match effect {
                HoldEffect::Read(question) => self.after(1, at, Happening::Read(question)),
                HoldEffect::Wait(until) => {
                    let boot = self.machines[at].now(self.time).boot;
                    let pause = u64::try_from(until.saturating_sub(boot).as_millis()).unwrap();
                    self.after(pause, at, Happening::Hold(HoldEvent::Time));
                }
                HoldEffect::Push(push) => self.push(at, push),
                HoldEffect::Say(answer) => {
                    self.check_answer(at, &answer);
                    let commits = match self.chance.below(20) {
                        0..4 => Commits::Conflict,
                        4 => Commits::Fail,
                        _ => Commits::Fit,
                    };
                    let is_moved = matches!(answer, HoldAnswer::BranchMoved(_));
                    self.counts.failed += u64::from(is_moved && commits == Commits::Fail);
                    let wish = self.machines[at].hear(answer, commits, &mut self.remote);
                    self.grant(at, wish);
                }
            }
        }
    }

    /// A machine hears that it has lost the lease only where something of what it released is missing, and is not refused for
    /// ever what is there.
    fn check_answer(&mut self, at: usize, answer: &HoldAnswer) {
        let machine = &self.machines[at];
        let kept = machine.wanted.as_ref().and_then(|wanted| wanted.kept.as_ref());
        if *answer == HoldAnswer::Refused
            && kept.is_some_and(|(_, commit)| self.remote.kept.values().any(|at| commit_name(*at) == *commit))
        {
            self.remote.wrong.push(format!("machine {at} pushes a kept commit once more, which is refused"));
            return;
        }
        let Some(wanted) = machine.wanted.as_ref().filter(|wanted| wanted.releases) else { return };
        let mut sent = machine.sent.iter();
        let is_there = sent.any(|object| self.remote.has_object(*object))
            && machine.pending.is_none_or(|commit| self.remote.has_commit(commit))
            && wanted.kept.is_none();
        let of_another = self.remote.run.is_some_and(|run| {
            let take = take_of(&self.remote.objects[run].lease);
            machine.sent.last().is_some_and(|sent| take != take_of(&self.remote.objects[*sent].lease))
        });
        match answer {
            HoldAnswer::Published => self.counts.followed += u64::from(is_there && of_another),
            HoldAnswer::Lost(Some(_)) if is_there => {
                self.remote.wrong.push(format!("machine {at} hears of a loss after it released all"));
            }
            _ => {}
        }
    }

    fn push(&mut self, at: usize, push: Push) {
        self.counts.pushes += 1;
        let object = self.remote.object(&push);
        self.machines[at].made(&name(object));
        if push.lease.holder.is_none() {
            self.machines[at].sent.push(object);
        }
        let timed_out = LEASE / 6;
        let life = self.machines[at].life;
        let has_parts = push.branch.is_some() || push.kept.is_some();
        // few pushes keep a commit
        let often = if push.kept.is_some() { self.trouble } else { self.trouble / 5 };
        if has_parts && self.chance.percent(often) {
            self.counts.torn += 1;
            self.counts.torn_kept += u64::from(push.kept.is_some());
            let run = self.chance.percent(70);
            let moves = Moves { run, branch: !run, kept: !run };
            return self.after(40, at, Happening::Arrives { push, object, moves, answers: true, life });
        }
        let moves = Moves::ALL;
        if !self.chance.percent(self.trouble) {
            return self.after(40, at, Happening::Arrives { push, object, moves, answers: true, life });
        }
        let failed = Happening::Hold(HoldEvent::PushFailed(name(object)));
        match self.chance.below(3) {
            0 => {
                self.counts.refused += 1;
                self.after(50, at, failed);
            }
            1 => {
                self.counts.unanswered += 1;
                self.after(40, at, Happening::Arrives { push, object, moves, answers: false, life });
                self.after(timed_out, at, failed);
            }
            _ => {
                self.counts.late += 1;
                let late = self.chance.below(4 * timed_out);
                self.after(late, at, Happening::Arrives { push, object, moves, answers: false, life });
                self.after(timed_out, at, failed);
            }
        }
    }
}
