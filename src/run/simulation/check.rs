//! What must hold, checked from outside.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::acts::{Attempt, Refusal};
use super::model::Model;
use super::orchestrator::Orchestrator;
use crate::agent::AttemptRole;
use crate::config::{HaltOrSkip, OpenFindings};
use crate::plan::BaselineChecks;
use crate::plan::{SPEC_REVIEW, Step};
use crate::run::End;
use crate::spec::TaskState;
use crate::state::needs::{exit_code, needs};
use crate::state::{AttemptRecord, Outcome, SpecState, UnitStatus, who};
use crate::sys::interrupt::Interrupt;

/// Whether a task is this one or a part of it, by their numbers.
pub(super) fn is_within(part: &str, whole: &str) -> bool {
    part.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl Model {
    /// Counted attempts of the unit in this run since it was last done.
    pub(super) fn tries(&self, unit: &str) -> u32 {
        let mine = self.attempts.iter().rev().filter(|a| a.unit == unit && a.role == AttemptRole::Work);
        let was_done = |a: &Attempt| matches!(a.reported_end, Some((Outcome::Done, _))) && self.did(a);
        let of_run = |a: &Attempt| a.run == self.run || a.failed_in == Some(self.run);
        let since = mine.take_while(|a| of_run(a) && !was_done(a));
        let spent = since.filter(|a| matches!(a.reported_end, Some((_, false))) && !a.is_nudge());
        u32::try_from(spent.count()).unwrap()
    }

    /// Counted iterations of this run.
    pub(super) fn iterations(&self) -> u32 {
        let spent =
            self.attempts.iter().filter(|a| a.run == self.run && matches!(a.reported_end, Some((_, false))));
        u32::try_from(spent.count()).unwrap()
    }

    /// A review of a unit gives this verdict.
    pub(super) fn note_verdict(&mut self, unit: &str, outcome: &Outcome) {
        let kept = self.config.review.open == OpenFindings::Report && self.config.review.rounds == 1;
        let approved = match outcome {
            Outcome::Approved => true,
            Outcome::ChangesWanted { .. } => kept,
            _ => false,
        };
        let mut work =
            self.attempts.iter_mut().rev().filter(|a| a.unit == unit && a.role == AttemptRole::Work);
        let Some(last) = work.next() else { return };
        if approved {
            last.approved = true;
        } else if matches!(outcome, Outcome::ChangesWanted { .. }) {
            last.failed_in = Some(self.run);
        }
    }

    pub(super) fn check_save(&mut self, new: &SpecState) {
        let old = self.load();
        let mut wrong = Vec::new();
        let lost: Vec<&String> = old.completed.iter().filter(|id| !new.completed.contains(id)).collect();
        let run = self.run;
        let heard = self.attempts.iter_mut().filter(|a| a.refusal == Refusal::Heard);
        for refused in heard.filter(|a| a.completes.iter().any(|id| lost.contains(&id))) {
            (refused.refusal, refused.failed_in) = (Refusal::Saved, Some(run));
        }
        let was_refused = |id: &&&String| {
            self.attempts.iter().any(|a| a.refusal == Refusal::Saved && a.completes.contains(id))
        };
        if let Some(id) = lost.iter().find(|id| !self.may_open(id) && !was_refused(id)) {
            wrong.push(format!("{id} was completed, no human opened it, and it is not completed any more"));
        }
        let kept: Vec<String> = old.completed.iter().filter(|id| !lost.contains(id)).cloned().collect();
        if !new.completed.starts_with(&kept) {
            self.wrong(format!("completed was {:?} and becomes {:?}", old.completed, new.completed));
        }
        let unique: BTreeSet<_> = new.completed.iter().collect();
        if unique.len() != new.completed.len() {
            self.wrong(format!("twice in {:?}", new.completed));
        }
        for id in &new.completed {
            if !self.attempts.iter().any(|a| self.did(a) && a.completes.contains(id)) {
                self.wrong(format!("{id} is called completed, but no attempt did it"));
            }
        }
        for (id, unit) in &new.units {
            if unit.status == UnitStatus::Done {
                self.decided.remove(id);
            }
            let answers: Vec<&String> = new.answers_for(id).map(|answer| &answer.answer).collect();
            let decided: Vec<&String> = self.decided.get(id).into_iter().flatten().collect();
            if answers != decided {
                wrong.push(format!(
                    "{decided:?} was decided for {id}, and its next prompt would have {answers:?}"
                ));
            }
        }
        for what in wrong {
            self.wrong(what);
        }
        for (id, unit) in &old.units {
            let now = new.units.get(id).map_or(&[][..], |u| &u.attempts);
            let kept = unit.attempts.len() <= now.len()
                && unit.attempts.iter().zip(now).all(|(a, b)| {
                    let open = matches!(a.outcome, None | Some(Outcome::ForReview));
                    let refused = |one: &Attempt| {
                        (&one.unit, one.number, one.refusal) == (id, a.number, Refusal::Saved)
                    };
                    let open = open || self.attempts.iter().any(refused);
                    a.number == b.number && (open || a.outcome == b.outcome)
                });
            if !kept {
                self.wrong(format!("attempts of {id} are forgotten or changed"));
            }
        }
    }

    /// Whether a person set the box of this task, of a part of it, or of what it is a part of.
    fn may_open(&self, id: &str) -> bool {
        self.touched_by_human.iter().any(|touched| is_within(touched, id) || is_within(id, touched))
    }

    pub(super) fn check_alone(&mut self) {
        if self.attempts.iter().any(Attempt::works) {
            self.wrong("two agents at once");
        }
    }

    pub(super) fn check_start(&mut self, step: &Step, attempt: u32) {
        let disk = self.load();
        let running = disk.units.get(&step.unit).filter(|u| u.status == UnitStatus::Running);
        let record = running.and_then(|u| u.attempts.last());
        if !record.is_some_and(|a| a.number == attempt && a.outcome.is_none()) {
            self.wrong(format!("attempt {attempt} of {} starts, and the disk does not say so", step.unit));
        }
        let parks = self.config.run.on_halt == HaltOrSkip::Skip;
        if !parks && disk.is_halted() {
            self.wrong("starts while it is halted");
        }
        let now = self.now();
        if let Some((who, _)) = disk.held_back(&step.settings.backend, step.settings.model.as_deref(), now) {
            self.wrong(format!("{} starts with {}, and {who} is limited", step.unit, step.settings.backend));
        }
        self.check_pace(&disk, now);
        self.check_asked(step, &disk, now);
        if !self.numbers.insert((step.unit.clone(), attempt)) {
            self.wrong(format!("attempt {attempt} of {} a second time", step.unit));
        }
        self.check_alone();
        self.check_after_baseline(&disk);
        let mut wrong = Vec::new();
        let ids: Vec<String> = self.parsed().tasks.iter().map(|task| task.id.clone()).collect();
        // a part that was added is not done yet, so the whole is not either
        let has_part_left = |id: &str| {
            ids.iter().any(|part| part != id && is_within(part, id) && !disk.completed.contains(part))
        };
        for done in self.attempts.iter().filter(|a| self.did(a)) {
            let is_again = |id: &String| done.completes.contains(id) && !disk.reopened.contains(id);
            if let Some(again) = step.open.iter().find(|t| is_again(&t.id)) {
                wrong.push(format!("{} is dispatched though attempt {} did it", again.id, done.number));
            }
            // a person may have removed it from the file
            let is_lost = |id: &String| {
                ids.contains(id) && !disk.completed.contains(id) && !self.may_open(id) && !has_part_left(id)
            };
            if done.completes.iter().any(is_lost) {
                wrong.push(format!("what attempt {} of {} did is lost", done.number, done.unit));
            }
        }
        if let Some(lost) = self.attempts.iter().find(|a| a.agent && a.reported_end.is_none()) {
            wrong.push(format!("the end of attempt {} of {} was not asked for", lost.number, lost.unit));
        }
        let (used, most) = (self.iterations(), self.config.run.max_iterations);
        if used >= most {
            wrong.push(format!("iteration {} of {most}", used + 1));
        }
        let (tries, most) = (self.tries(&step.unit), self.config.retry.attempts);
        let mine = || {
            let all = self.attempts.iter().rev().filter(|a| a.unit == step.unit);
            // a review looks only at those before it of the same work
            all.skip_while(|a| step.role.is_work() && a.role != step.role)
                .take_while(move |a| a.role == step.role || step.role.is_work())
                .filter(|a| a.role == step.role)
        };
        if step.role == AttemptRole::Review && step.unit != SPEC_REVIEW {
            let work = self.attempts.iter().rfind(|a| a.unit == step.unit && a.role == AttemptRole::Work);
            let due = work.is_some_and(|a| a.wrote_done() && (a.verified || !self.verifies()) && !a.approved);
            if !due {
                wrong.push(format!("{} is reviewed, and its agent did not say that it is done", step.unit));
            }
        }
        // an answer gives it one more attempt, even in a run that a HALT could not end because tasks.md was unreadable
        let last = mine().filter_map(|a| a.reported_end.as_ref()).find(|(_, free)| !free);
        let answered = matches!(last, Some((Outcome::Halted { .. }, _)));
        let mute =
            |a: &Attempt| a.reported_end.as_ref().is_some_and(|(outcome, _)| a.lost_its_session(outcome));
        // a question to the agent does not count
        let question = record.is_some_and(AttemptRecord::is_question);
        let one_more = answered || question;
        if tries >= most && !one_more && step.role.is_work() {
            wrong.push(format!("try {} of {most} of {}", tries + 1, step.unit));
        }
        let resumes = record.is_some_and(|a| a.resumes.is_some());
        if resumes && mine().find(|a| a.agent).is_some_and(mute) {
            wrong.push(format!("{} resumes again, and there is no session", step.unit));
        }
        for what in wrong {
            self.wrong(what);
        }
    }

    /// The verify commands run after an attempt that reported success, and before it counts as done.
    pub(super) fn check_verify(&mut self, unit: &str, attempt: u32, index: Option<usize>) {
        let disk = self.load();
        let running = disk.running().is_some_and(|(id, record)| id == unit && record.number == attempt);
        if !running || !index.is_some_and(|i| self.attempts[i].wrote_done()) {
            self.wrong(format!("attempt {attempt} of {unit} is verified, and did not just report success"));
        }
        self.check_alone();
    }

    /// The checks of the untouched tree run once the disk says so, and beside no agent.
    pub(super) fn check_baseline(&mut self, checks: &BaselineChecks, state: &SpecState) {
        let disk = self.load();
        let at_work = disk.baseline.as_ref().is_some_and(|record| record.ended.is_none());
        if !at_work
            || disk.baseline != state.baseline
            || !self.config.verify.baseline
            || checks.checks.is_empty()
        {
            self.wrong("the checks before any agent begin, and the disk does not say so");
        }
        if disk.run.open().is_none_or(|run| run.iterations > 0) || disk.running().is_some() {
            self.wrong("the checks before any agent begin after an agent of the run");
        }
        self.check_alone();
    }

    /// The first agent of a run starts after the checks of the untouched tree, unless agents have left unfinished work.
    fn check_after_baseline(&mut self, disk: &SpecState) {
        let first = disk.run.open().filter(|run| run.iterations == 1);
        let Some(run) = first.filter(|_| self.config.verify.baseline && self.verifies()) else { return };
        let is_known =
            disk.baseline.as_ref().is_some_and(|record| record.run == run.began && record.ended.is_some());
        let is_done = |a: &Attempt| a.completes.iter().all(|id| disk.completed.contains(id));
        if !is_known && self.attempts.iter().filter(|a| a.agent).all(is_done) {
            self.wrong("an agent starts before the checks of the untouched tree are over");
        }
    }

    /// The changes of a unit are counted and committed only after the disk says that it is done.
    pub(super) fn check_keep(&mut self, unit: &str) {
        let due = self.load().units.get(unit).is_some_and(|u| u.is_done() && u.pending_commit.is_some());
        if !due {
            self.wrong(format!(
                "the changes of {unit} are committed, and the disk does not say that a commit is pending"
            ));
        }
    }

    /// A step starts inside the window, and not as one too many within the hour.
    fn check_pace(&mut self, disk: &SpecState, now: Timestamp) {
        if let Some(window) = self.config.pace.window {
            let time = now.to_zoned_datetime(TimeZone::UTC).time();
            let (after, before) = (time >= window.from, time < window.until);
            if !(if window.from < window.until { after && before } else { after || before }) {
                self.wrong(format!("starts at {time}, outside its window"));
            }
        }
        let hour_ago = now - SignedDuration::from_hours(1);
        let attempts = disk.units.values().flat_map(|unit| &unit.attempts);
        let worked = |outcome: &Outcome| !matches!(outcome, Outcome::Limited { .. });
        let started = attempts.filter(|a| a.outcome.as_ref().is_some_and(worked) && a.reached_agent());
        let within = started.filter(|a| a.started_at > hour_ago && a.started_at <= now).count();
        if let Some(most) = self.config.pace.tasks_per_hour
            && within >= most as usize
        {
            self.wrong(format!("starts after {within} starts within the hour, and {most} are allowed"));
        }
    }

    /// At an orderly end.
    pub(super) fn check_boxes(&mut self, complete: bool) {
        let disk = self.load();
        let boxes = self.boxes();
        let mut wrong = Vec::new();
        for (id, by) in &self.foreign {
            let known = self.reported.contains(id) || self.touched_by_human.contains(id);
            // if it is halted, or stays open because the boxes could not be read at its end, the next run reports it
            let unread = disk.run.over().is_some_and(|over| over.unread.is_some());
            let later = disk.is_halted() || disk.run.is_open() || unread;
            let due = self.attempts[*by].reported_end.is_some() && boxes.contains(id) && !later;
            if due && !known {
                wrong.push(format!("no report says that an agent ticked {id}"));
            }
        }
        if complete {
            self.check_commits();
        }
        if complete && self.config.git.snapshot {
            for (id, unit) in &disk.units {
                // a review of the whole spec that wants no changes has none
                let looked = self.kept_units.contains(id) || unit.work().next().is_none();
                if unit.is_done() && (unit.pending_commit.is_some() || !looked) {
                    wrong.push(format!("complete, and the changes of {id} were not counted"));
                }
            }
        }
        if complete {
            let file = self.parsed().clone();
            let parents: BTreeSet<_> = file.tasks.iter().filter_map(|t| t.parent.clone()).collect();
            for task in &file.tasks {
                let done = disk.completed.contains(&task.id);
                let leaf = !parents.contains(&task.id);
                let skipped = disk.skipped.iter().any(|skipped| is_within(&task.id, skipped));
                let out =
                    skipped || task.optional || matches!(task.state, TaskState::Blocked | TaskState::Skipped);
                if leaf && !out && !done && !self.ticked_by_human.contains(&task.id) {
                    wrong.push(format!("complete, but {} was never done", task.id));
                }
                if done && !boxes.contains(&task.id) && !self.touched_by_human.contains(&task.id) {
                    wrong.push(format!("{} is done and its box is open", task.id));
                }
            }
        }
        for what in wrong {
            self.wrong(what);
        }
    }
}

impl Orchestrator<'_> {
    /// What follows from a commit comes before everything else: the next run must not try it again.
    pub(super) fn check_commit_saved(&mut self) {
        if self.commit_unsaved {
            self.wrong("does something else before the result of a commit is saved");
        }
    }

    /// Whether the run may end in this way, now.
    pub(super) fn check_end(&mut self, end: &End, before: &SpecState) {
        let was = |what| self.asked.contains(&what);
        let disk = self.model.load();
        let last =
            self.model.attempts.iter().rev().find_map(|a| a.reported_end.clone()).map(|(outcome, _)| outcome);
        // a run whose boxes could not be read at its end stays open
        let run = if disk.run.is_open() { self.model.run } else { self.model.run.saturating_sub(1) };
        let spent = |unit: Option<&str>| {
            // the commit of an attempt of an earlier run may be refused in this one, and that spends an attempt
            let of_run = |a: &&Attempt| a.run == run || unit.is_some() && a.failed_in == Some(run);
            let of_run = self.model.attempts.iter().filter(of_run);
            let of_unit = of_run.filter(|a| unit.is_none_or(|unit| a.unit == unit));
            u32::try_from(of_unit.filter(|a| matches!(a.reported_end, Some((_, false)))).count()).unwrap()
        };
        let parks = self.model.config.run.on_halt == HaltOrSkip::Skip;
        // of a run that ended before its work did
        let cut_short = || {
            let keeps_back = disk.run.over().is_some_and(|over| !over.due.is_empty());
            let needs_person = disk.failed().next().is_some() || disk.is_halted() || keeps_back;
            if needs_person { 2 } else { 1 }
        };
        let (right, code) = match end {
            End::Complete => (true, 0),
            End::MaxIterations => (spent(None) == self.model.config.run.max_iterations, cut_short()),
            End::TimeUp => (self.rang || self.model.is_time_up(), cut_short()),
            End::Halted { unit } => {
                let asks = disk.questions().first().is_some_and(|asked| {
                    asked.unit == unit
                        && (parks
                            || matches!(&last, Some(Outcome::Halted { question }) if question == asked.text))
                });
                (asks && (parks || !before.is_halted() || self.starts == 0), 2)
            }
            End::NotCommitted { unit, .. } => (self.keep_failed && disk.is_refused(unit), 2),
            End::History { .. } => {
                (self.model.git.is_some() && self.model.attempts.iter().any(|a| a.act.moves_head), 2)
            }
            End::IndexBehind { .. } => {
                (self.model.git.as_ref().is_some_and(|git| git.index_behind.is_some()), 2)
            }
            // in this world history stays between runs, and there are no changes of others
            End::TakenOver => (false, 75),
            // and no remote
            End::Branch { .. }
            | End::CommitsLost { .. }
            | End::Human { .. }
            | End::Dirty { .. }
            | End::HookFailed { .. }
            | End::Error { .. }
            | End::SelectionComplete { .. } => (false, 2),
            // it may be the limit of an earlier run
            End::TryLater { until, .. } => (!self.model.config.limit.wait && *until > self.model.now(), 75),
            End::Limited { who: limited, .. } => {
                (disk.all_limits().any(|(of, model, _)| who(of, model) == *limited), 2)
            }
            End::Stuck { failed, .. } => {
                let attempts = self.model.config.retry.attempts;
                let by_review = |unit: &String| {
                    let last = self.model.attempts.iter().rfind(|a| a.unit == *unit);
                    last.is_some_and(|a| a.role == AttemptRole::Review)
                };
                (failed.iter().all(|unit| spent(Some(unit)) >= attempts || by_review(unit)), 2)
            }
            End::Unavailable { unit, .. } => {
                let last = self.model.attempts.iter().rfind(|a| a.unit == *unit);
                let ended = last.and_then(|a| a.reported_end.as_ref());
                let unchecked =
                    ended.is_some_and(|(outcome, _)| matches!(outcome, Outcome::Unchecked { .. }));
                ((self.starts > 0 || unchecked) && (parks || !disk.is_halted()), 69)
            }
            End::Interrupted => (was(Interrupt::Interrupt) || was(Interrupt::AfterStep), 130),
            End::Terminated => (was(Interrupt::Terminate), 143),
            End::HungUp => (was(Interrupt::HangUp), 143),
        };
        let exit_code = exit_code(end, &needs(&disk));
        if !right || exit_code != code {
            self.model.wrong(format!("ends with {end:?}, code {exit_code}"));
        }
        if self.current.is_some() || self.verifying.is_some() || self.baselining.is_some() {
            if *end != End::HungUp {
                self.model.wrong(format!("ends with {end:?} while an agent works"));
            }
        } else {
            if disk.running().is_some() || disk.run.is_open() {
                self.model.wrong(format!("after {end:?} the disk says that the run is open"));
            }
            let complete = *end == End::Complete;
            self.model.check_boxes(complete);
        }
    }
}
