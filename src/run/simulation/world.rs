//! The model as the world of an orchestrator.

use jiff::Timestamp;

use super::acts::{Act, Attempt, Does, Life, Refusal};
use super::model::read_state;
use super::orchestrator::Orchestrator;
use crate::agent::AttemptRole;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::BaselineChecks;
use crate::plan::{Plan, SPEC_REVIEW, Step};
use crate::project::progress;
use crate::run::Machine;
use crate::run::driver::{Ending, Recovered, World};
use crate::run::event::{BaselineResult, Event};
use crate::run::machine::{Assigned, Notice, Pause};
use crate::state::outcome::CancelledBy;
use crate::state::{
    Changes, CommitRefused, FailedCheck, Learned, Note, Outcome, PersonRequest, SeenTasks, SpecState,
    TreeRecord, UnitState, WaitReason,
};
use crate::sys::interrupt::Interrupt;

/// An attempt without an orchestrator gives up after this many seconds.
const HANDSHAKE: i64 = 5;

/// Seconds that verify commands take.
const VERIFYING: i64 = 30;

impl World for Orchestrator<'_> {
    fn now(&self) -> Timestamp {
        self.model.now()
    }

    fn random(&mut self) -> f64 {
        self.random += 1;
        f64::from(self.random % 4) / 4.0
    }

    fn save(&mut self, state: &SpecState) -> Result<()> {
        self.point()?;
        if self.save_failed {
            self.wrong("saved after a save that failed");
        }
        if self.refused && state.running().is_some() {
            self.wrong("the state says that an attempt runs whose start was refused");
        }
        self.model.saves += 1;
        if self.model.full.contains(&self.model.saves) {
            self.save_failed = true;
            return Err(self.excused("disk full"));
        }
        self.model.check_save(state);
        let text = serde_json::to_string(state).unwrap();
        let mut kept = state.clone();
        for attempt in kept.units.values_mut().flat_map(|unit| &mut unit.attempts) {
            // it is only needed to judge the attempt, and not saved
            attempt.learned.worked = false;
            attempt.learned.unchanged = false;
        }
        if read_state(&text) != Some(kept) {
            self.wrong("the state changes on its way through the file");
        }
        self.model.disk = Some(text);
        self.model.note_box.retain(|note| !state.notes.iter().any(|known| known.id == note.id));
        self.commit_unsaved = false;
        self.model.kept = self.model.seen.clone();
        if !state.run.is_open() && !self.over {
            self.over = true;
            self.model.run += 1;
        }
        self.point()
    }

    fn look(&mut self) -> Result<SeenTasks> {
        self.point()?;
        if self.model.broken {
            return Err(self.excused("tasks.md cannot be read"));
        }
        Ok(self.model.look())
    }

    fn plan(&mut self, machine: &Machine) -> Result<(Plan, SeenTasks)> {
        self.point()?;
        self.check_commit_saved();
        if self.model.broken {
            return Err(self.excused("tasks.md cannot be read"));
        }
        let seen = self.model.look();
        let mut state = machine.state.clone();
        state.follow(&seen, true);
        let trusted = state.trusted_ticks(&seen.ticked());
        let now = self.model.now();
        let plan = self.model.plan(&progress::progress(&state, trusted, &self.model.config, now));
        let due = |step: &&Step| state.units.get(&step.unit).is_some_and(UnitState::awaits_review);
        let review = plan.steps.iter().find(due).and_then(Step::for_review);
        self.first = review.or_else(|| plan.steps.first().cloned());
        Ok((plan, seen))
    }

    fn notes(&mut self) -> Vec<Note> {
        self.model.note_looks += 1;
        // people write now and then, also for a task that is done
        if self.model.note_looks % 3 == 2 {
            let unit = ["1", "2", "3"][self.model.notes % 3];
            self.model.write_note(unit);
        }
        self.model.note_box.clone()
    }

    fn talk(&mut self) -> Option<WaitReason> {
        let talks = self.model.people.talk_until > self.model.time;
        self.talk_seen = talks;
        talks.then(|| WaitReason::Talk { unit: "2".to_owned(), by: None })
    }

    fn configure(&mut self, _: &Machine) -> Option<Event> {
        self.reconfigure()
    }

    fn requests(&mut self) -> Vec<PersonRequest> {
        self.model.people.request_box.clone()
    }

    fn forget_requests(&mut self, taken: &[String]) {
        if self.lives() {
            self.check_taken(taken);
            self.model.people.request_box.retain(|one| !taken.contains(&one.id));
            self.lives();
        }
    }

    fn start(&mut self, step: &Step, attempt: u32, state: &SpecState) -> Result<Option<Ending>> {
        self.point()?;
        self.starts += 1;
        if self.first.as_ref() != Some(step) && (step.unit != SPEC_REVIEW || self.first.is_some()) {
            self.wrong(format!("{} is not the first step of the plan", step.unit));
        }
        if self.save_failed || self.over {
            self.wrong("started after a save that failed, or after the end");
        }
        self.model.check_start(step, attempt);
        self.model.check_notes(step);
        self.check_config(step);
        self.check_confirmed(step, state);
        if self.talk_seen {
            self.wrong("starts while a person talks to an agent");
        }
        if self.model.git.as_ref().is_some_and(|git| git.index_behind.is_some()) {
            self.wrong("starts an agent while the index lacks a commit");
        }
        self.check_pause(step);
        self.recovered = false;
        self.model.note(format!("dispatch of {}, attempt {attempt}", step.unit));
        let act = match step.role {
            AttemptRole::Work => self.model.script.pop_front().unwrap_or_else(|| Act::ends(Outcome::Done)),
            AttemptRole::Review => {
                let approves = || Act::of(Does::Ends(Outcome::Approved), 30);
                self.model.reviews.pop_front().unwrap_or_else(approves)
            }
        };
        if matches!(act.does, Does::NotThere) {
            let Event::Ended { outcome, .. } =
                self.report_end(None, &step.unit, Outcome::Unavailable { why: "gone".to_owned() })
            else {
                unreachable!()
            };
            return Ok(Some((outcome, Learned::default())));
        }
        let index = self.model.attempts.len();
        self.model.attempts.push(Attempt {
            unit: step.unit.clone(),
            role: step.role,
            number: attempt,
            completes: step.completes.clone(),
            act: act.clone(),
            life: Life::Folder,
            agent: false,
            run: self.model.run,
            reason: state.running().and_then(|(_, record)| Some(record.resumes.as_ref()?.reason)),
            reported_end: None,
            verified: false,
            approved: false,
            failed_in: None,
            refusal: Refusal::No,
        });
        self.point()?;
        let outcome = match act.does {
            Does::Ends(outcome) => outcome,
            Does::NoHandshake | Does::NotThere => return Err(self.excused("no handshake")),
            Does::LateHandshake => Outcome::Cancelled { by: CancelledBy::NoOrchestrator },
        };
        let gives_up = Outcome::Cancelled { by: CancelledBy::NoOrchestrator };
        self.model.attempts[index].life = Life::Until(self.model.time + HANDSHAKE, gives_up.clone());
        self.point()?;
        if outcome == gives_up {
            if act.after > 100 {
                return Err(self.excused("no handshake in time"));
            }
        } else {
            self.model.check_alone();
            self.model.attempts[index].agent = true;
            self.model.attempts[index].life = Life::Until(self.model.time + act.after, outcome);
        }
        self.current = Some(index);
        self.point()?;
        Ok(None)
    }

    fn recover(&mut self, unit: &str, attempt: u32, machine: &Machine) -> Result<Recovered> {
        let (plan, _) = self.plan(machine)?;
        let step = plan.step_of(unit).cloned().map(Box::new);
        let ending = self.look_for(unit, attempt, step.as_deref())?;
        Ok(Recovered { step, ending })
    }

    fn assign(&mut self, units: &[String], _: &SpecState) -> Result<Option<Assigned>> {
        self.point()?;
        let assigned = Assigned { missing: units.to_vec(), ..Assigned::default() };
        self.point()?;
        Ok(Some(assigned))
    }

    fn verify(&mut self, step: &Step, attempt: u32, _: &SpecState) -> Result<Option<Outcome>> {
        self.point()?;
        let index = self.model.attempts.iter().position(|a| a.unit == step.unit && a.number == attempt);
        self.model.check_verify(&step.unit, attempt, index);
        let index = index.ok_or_else(|| Error::new(ErrorKind::Internal, "nothing to verify"))?;
        // the attempt has no end before its verify commands have
        self.model.attempts[index].reported_end = None;
        let failure = (!self.model.attempts[index].act.passes).then(|| Outcome::VerifyFailed {
            command: "make test".to_owned(),
            // different each time, because three equal failures would be a question to the user
            tail: format!("failure {attempt}"),
            cause: None,
        });
        self.verifying = Some((index, self.model.time + VERIFYING, failure));
        self.model.note(format!("verifies attempt {attempt} of {}", step.unit));
        self.point()?;
        Ok(None)
    }

    fn baseline(&mut self, checks: &BaselineChecks, state: &SpecState) -> Result<Option<BaselineResult>> {
        self.point()?;
        self.model.check_baseline(checks, state);
        self.model.baselines += 1;
        let fails = |check: &Step| FailedCheck {
            argv: check.settings.verify[0].clone(),
            command: "make test".to_owned(),
            how: "failed with exit code 2".to_owned(),
            cause: None,
            tail: String::new(),
            fixed_by: None,
        };
        let failed = checks.checks.iter().filter(|_| self.model.baselines % 2 == 1).map(fails).collect();
        let result = BaselineResult { failed, ..BaselineResult::default() };
        // each second time they are quick
        let takes = if self.model.baselines % 2 == 1 { VERIFYING } else { 5 };
        self.baselining = Some((self.model.time + takes, result));
        self.model.note("the checks before any agent begin");
        self.point()?;
        Ok(None)
    }

    fn tree(&mut self) -> Result<Option<TreeRecord>> {
        self.look_at_tree()
    }

    fn is_unchanged(&mut self, before: &str, after: &str) -> bool {
        before == after
    }

    fn lost_commits(&mut self, _: &SpecState) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn catch_up_index(&mut self) -> Result<Option<String>> {
        self.point()?;
        Ok(self.index_in_model())
    }

    fn keep(&mut self, unit: &str, state: &SpecState) -> std::result::Result<Option<Changes>, CommitRefused> {
        let refused = |why: &str| {
            Err(CommitRefused {
                why: why.to_owned(),
                changes: Some(Box::default()),
                ..CommitRefused::default()
            })
        };
        if !self.lives() {
            return refused("killed");
        }
        self.model.check_keep(unit);
        self.model.kept_units.push(unit.to_owned());
        self.check_commit_saved();
        self.commit_unsaved = true;
        if self.model.keep_fails.contains(&self.model.kept_units.len()) {
            self.keep_failed = true;
            self.model.note(format!("the changes of {unit} cannot be committed"));
            return refused("a hook of git refused it");
        }
        if self.lives() { self.commit_in_model(unit, state) } else { refused("killed") }
    }

    fn cancel(&mut self) {
        if self.lives() {
            let times = |what| self.asked.iter().filter(|a| **a == what).count();
            let (ctrl_c, after) = (times(Interrupt::Interrupt), times(Interrupt::AfterStep));
            let hard_stop = self.rang && self.model.config.run.hard_stop;
            let between = self.baselining.is_some();
            if !between
                && times(Interrupt::Terminate) == 0
                && ctrl_c < if self.model.config.is_job() { 1 } else { 2 }
                && (ctrl_c == 0 || after == 0)
                && !hard_stop
            {
                self.wrong("ends an agent that should finish its step");
            }
            self.cancelled = true;
            if let Some((_, until, failure)) = &mut self.verifying
                && *until > self.model.time + 3
            {
                *until = self.model.time + 3;
                *failure = Some(Outcome::Cancelled { by: CancelledBy::Terminate });
            }
            if let Some((until, result)) = &mut self.baselining {
                *until = (*until).min(self.model.time + 3);
                result.cancelled = true;
            }
            if let Some(index) = self.current {
                self.model.terminate(index, 3);
            }
            self.lives();
        }
    }

    fn tick(&mut self, ids: &[String], _: &SpecState) -> Vec<String> {
        if !self.lives() {
            return Vec::new();
        }
        let done = self.model.load().completed;
        if let Some(id) = ids.iter().find(|id| !done.contains(id)) {
            self.wrong(format!("ticks {id}, which is not saved as completed"));
        }
        self.model.mark(ids, 'x');
        self.lives();
        ids.to_vec()
    }

    fn untick(&mut self, ids: &[String], _: &SpecState) {
        if self.lives() {
            self.model.mark(ids, ' ');
            self.lives();
        }
    }

    fn report(&mut self, report: &Notice, _: &SpecState) -> Result<()> {
        self.point()?;
        self.check_commit_saved();
        if let Notice::ForeignTicks(ids) | Notice::Unconfirmed(ids) = report {
            self.model.note(format!("{report:?}"));
            self.model.reported.extend(ids.iter().cloned());
        }
        if let Notice::Started { unit, .. } = report {
            self.model.announced += 1;
            if self.model.hook_fails.contains(&self.model.announced) {
                self.refused = true;
                return Err(self.excused(&format!("a hook refuses the start of {unit}")));
            }
        }
        self.point()
    }

    fn asked(&mut self) -> Option<Interrupt> {
        None
    }

    fn next(&mut self, pause: Option<(Option<Timestamp>, &Pause)>, alarm: Option<Timestamp>) -> Event {
        if matches!(pause, Some((_, Pause::Wait(_)))) {
            // the length of a wait is not that of the delay
            self.last = None;
        }
        loop {
            if !self.lives() {
                return Event::Asked(Interrupt::HangUp);
            }
            if let Some(signal) = self.model.signals.pop_front() {
                self.asked.push(signal);
                let asked = |what| self.asked.iter().filter(|a| **a == what).count();
                if signal == Interrupt::KeepRunning && asked(Interrupt::Interrupt) < 2 {
                    self.asked.retain(|what| !matches!(what, Interrupt::Interrupt | Interrupt::AfterStep));
                }
                return Event::Asked(signal);
            }
            if let Some(index) = self.current
                && let Life::Over(result) = self.model.attempts[index].life.clone()
            {
                self.current = None;
                let unit = self.model.attempts[index].unit.clone();
                return self.report_end(Some(index), &unit, result.unwrap_or(Outcome::Lost));
            }
            if let Some((index, until, failure)) = self.verifying.clone()
                && until <= self.model.time
            {
                self.verifying = None;
                return self.verified(index, failure);
            }
            if let Some((until, result)) = self.baselining.clone()
                && until <= self.model.time
            {
                self.baselining = None;
                return Event::Baselined(result);
            }
            let now = self.model.now().as_second();
            let rings = alarm.map(|at| at.as_second() - now);
            if rings.is_some_and(|left| left <= 0) {
                self.rang = true;
                return Event::TimeUp;
            }
            if pause.is_some() && !self.model.people.request_box.is_empty() {
                return Event::Requested(self.model.people.request_box.clone());
            }
            let talk_until = self.model.people.talk_until;
            let waits_for_talk = matches!(pause, Some((_, Pause::Wait(WaitReason::Talk { .. }))));
            if waits_for_talk && talk_until <= self.model.time {
                return Event::Woke;
            }
            if let Some((None, Pause::Wait(WaitReason::Ask { unit, .. }))) = pause {
                return self.answer(unit);
            }
            let left = pause.and_then(|(until, _)| until).map(|until| until.as_second() - now);
            if left.is_some_and(|left| left <= 0) {
                return Event::Woke;
            }
            let ends = [left, rings].into_iter().flatten().map(|left| self.model.time + left);
            let verified_at = self.verifying.as_ref().map(|(_, until, _)| *until);
            let tried_at = self.baselining.as_ref().map(|(until, _)| *until);
            let verified_at = verified_at.or(tried_at);
            let talked = waits_for_talk.then_some(talk_until);
            if !self.model.step(ends.chain(verified_at).chain(talked).min().unwrap_or(i64::MAX)) {
                self.wrong("waits for ever");
                self.dead = true;
            }
        }
    }
}

impl Orchestrator<'_> {
    fn look_for(&mut self, unit: &str, attempt: u32, step: Option<&Step>) -> Result<Option<Ending>> {
        self.point()?;
        self.recovered = true;
        self.first = step.cloned();
        let index = self.model.attempts.iter().position(|a| a.unit == unit && a.number == attempt);
        let life = index.map(|i| self.model.attempts[i].life.clone());
        if let (Some(index), None) = (index, step) {
            // its task was removed from tasks.md, so its verify commands and its review are unknown
            self.model.attempts[index].verified = true;
            self.model.attempts[index].approved = true;
        }
        let outcome = match life {
            None | Some(Life::Folder) => Outcome::Cancelled { by: CancelledBy::NoOrchestrator },
            Some(Life::Until(..)) => {
                self.model.note(format!("adopts attempt {attempt} of {unit}"));
                self.current = index;
                self.point()?;
                return Ok(None);
            }
            Some(Life::Over(result)) => result.unwrap_or(Outcome::Lost),
        };
        self.model.note(format!("recovers attempt {attempt} of {unit}: {outcome}"));
        self.report_end(index, unit, outcome.clone());
        self.point()?;
        let learned = self.learned(index);
        Ok(Some((outcome, learned)))
    }
}
