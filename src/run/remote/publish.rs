//! What a run publishes in its course: before each attempt the commit of the last step, the state, and what runs next.

use super::outcome::RemoteRun;
use super::packed::{head, saved};
use super::strayed::{TreeHead, tree_head};
use super::synced::{Synced, sync};
use crate::error::Result;
use crate::fleet::hold::{HoldAnswer, Publication};
use crate::plan::{Selection, Step};
use crate::project::current_plan::make_plan;
use crate::project::progress::progress;
use crate::report::text::sanitise_line;
use crate::run::driver::Ending;
use crate::run::inbox::InboxMessage;
use crate::run::machine::Event;
use crate::run::world::RealWorld;
use crate::spec::TaskState;
use crate::state::outcome::CancelledBy;
use crate::state::{Learned, Outcome, SeenTasks, SpecState};
use crate::sys::interrupt::Interrupt;

impl RealWorld<'_> {
    /// Publishes that an attempt is about to start. Returns how it ended where it must not start.
    pub(in crate::run) fn publish_start(&mut self, state: &SpecState) -> Result<Option<Ending>> {
        let Some(remote) = self.remote else { return Ok(None) };
        if self.publish_state(remote, state)? {
            return Ok(None);
        }
        let outcome = Outcome::Cancelled { by: CancelledBy::NoOrchestrator };
        Ok(Some((outcome, Learned::default())))
    }

    /// Publishes the state and the last commit; `false`: they are not there, and it is noted why.
    fn publish_state(&self, remote: &RemoteRun, state: &SpecState) -> Result<bool> {
        if remote.ends.is_raised() {
            // the last push of the run has it
            return Ok(false);
        }
        let mut kept = remote.keeper.kept();
        let head = match tree_head(&kept)? {
            TreeHead::OnTop(head) => head,
            TreeHead::Strayed(why) => {
                remote.divergence(&mut kept, &why);
                return Ok(false);
            }
        };
        let saved = saved(&mut kept, self.place, state, head.as_deref())?;
        let (commit, releases, patience) = (head, false, None);
        let answer = kept.publish(Publication { saved, commit, kept: None, releases, patience });
        match answer {
            HoldAnswer::Published => return Ok(true),
            HoldAnswer::BranchMoved(_) => remote.moved.set(true),
            HoldAnswer::Refused => {
                let words = sanitise_line(&kept.remote.words);
                let why = format!("{} refuses the push: {words}", kept.remote.name);
                remote.divergence(&mut kept, &why);
            }
            HoldAnswer::NoAnswer if remote.ends.is_raised() => {}
            HoldAnswer::Lost(_) | HoldAnswer::NoAnswer => {
                let _ = self.inbox.sender().send(InboxMessage::Asked(Interrupt::LeaseLost));
            }
        }
        Ok(false)
    }

    /// Takes in what people pushed to the branch, where a push found that. `is_end`: no step is left, so a last commit that is
    /// not there yet is published first: the end of the run is to say what became of it.
    pub(in crate::run) fn settle_moved_branch(
        &mut self,
        state: &SpecState,
        is_end: bool,
    ) -> Result<Option<Event>> {
        let Some(remote) = self.remote else { return Ok(None) };
        if remote.looks_for_unchecked.replace(false)
            && let Some(unit) = state.unchecked()
        {
            return Ok(Some(Event::Unchecked(self.step_of_done(unit, state)?)));
        }
        if is_end && !remote.has_all()? {
            self.publish_state(remote, state)?;
        }
        if let Some(reason) = remote.trouble.borrow().clone() {
            return Ok(Some(Event::Diverged { reason }));
        }
        if !remote.moved.get() {
            return Ok(None);
        }
        self.last_look = None;
        let mut kept = remote.keeper.kept();
        let synced = sync(&mut kept, self.place, &self.config)?;
        remote.moved.set(false);
        match synced {
            Synced::TakenIn(names) => {
                drop(kept);
                self.say("● people pushed to the branch; the run continues on top of that");
                let checked = remote.checked.borrow().clone().filter(|_| !names.is_empty());
                let again = match checked {
                    Some(checked) => Some(checked),
                    // an earlier run checked it, and had no time for its commit
                    None => match names.last().and_then(|(old, _)| state.unit_of_commit(old)) {
                        Some(unit) => self.step_of_done(unit, state)?,
                        None => None,
                    },
                };
                remote.checks_again.set(again.is_some());
                Ok(Some(Event::Renamed { names, again }))
            }
            Synced::Diverged(why) => {
                let reason = remote.divergence(&mut kept, &why);
                Ok(Some(Event::Diverged { reason }))
            }
        }
    }

    /// The step of a done unit, as it is planned where the unit is open, and the last attempt.
    fn step_of_done(&mut self, unit: &str, state: &SpecState) -> Result<Option<(Box<Step>, u32)>> {
        let (open, ids) = state.with_open(unit);
        let (_, mut tasks) = self.place.good_tasks()?;
        for task in tasks.tasks.iter_mut().filter(|task| ids.contains(&task.id)) {
            task.state = TaskState::Todo;
        }
        let seen = SeenTasks::of(&tasks, self.config.tasks.trust_checkboxes);
        let mut ticked = open.trusted_ticks(&seen.ticked());
        ticked.retain(|id| !ids.contains(id));
        let known = progress(&open, ticked, &self.config, self.clock.now());
        let all = Selection { include_optional: true, ..Selection::default() };
        let plan = make_plan(self.place, &self.config, &tasks, &known, &all);
        let attempt = state.next_attempt(unit).saturating_sub(1).max(1);
        let step = plan.step_of(unit).map(|step| (Box::new(step.clone()), attempt));
        self.plan = Some(plan);
        Ok(step)
    }

    /// What a check means that ran once more, on top of what people pushed: if it fails, a person must look at both.
    pub(in crate::run) fn judged_again(&self, event: Event) -> Event {
        let Some(remote) = self.remote.filter(|remote| remote.checks_again.replace(false)) else {
            return event;
        };
        match event {
            Event::Verified { failure: Some(failure), .. }
                if !matches!(failure, Outcome::Cancelled { .. }) =>
            {
                let why = format!(
                    "with what people pushed to the branch, the last task of {} is {failure}",
                    self.place.name
                );
                let reason = remote.divergence(&mut remote.keeper.kept(), &why);
                Event::Diverged { reason }
            }
            event => event,
        }
    }
}

impl RemoteRun {
    /// Whether the branch has the last commit, as far as this process knows.
    fn has_all(&self) -> Result<bool> {
        let kept = self.keeper.kept();
        Ok(self.trouble.borrow().is_some() || head(&kept)?.as_deref() == kept.hold.branch())
    }
}
