//! People pause a run, end the pause, and skip tasks, whether a run is there or not.

use jiff::{SignedDuration, Timestamp};

use super::check::is_within;
use super::model::Model;
use super::orchestrator::Orchestrator;
use crate::plan::Step;
use crate::run::event::{Event, RunStart, WorkStart};
use crate::run::resume::ResumeRequest;
use crate::state::{AskedChange, AskedTask, PersonRequest, ResumeReason, RunTimes, SpecState};
use crate::sys::interrupt::Interrupt;

impl Model {
    /// A person asks something: of the run, or where there is none of the state.
    fn ask(&mut self, asks: AskedChange) {
        self.people.asked += 1;
        let request =
            PersonRequest { id: format!("request {}", self.people.asked), at: self.now(), by: None, asks };
        self.people.request_box.push(request);
        if !self.alive {
            let waiting = std::mem::take(&mut self.people.request_box);
            self.edit_state(|state| waiting.iter().for_each(|one| drop(state.take_request(one))));
        }
    }

    /// As a verb does that has the lock.
    fn edit_state(&mut self, edit: impl FnOnce(&mut SpecState)) {
        let mut state = self.load();
        edit(&mut state);
        self.disk = Some(serde_json::to_string(&state).unwrap());
    }

    pub(super) fn pause(&mut self, seconds: Option<i64>) {
        self.people.resumed = false;
        let until = seconds.map(|seconds| self.now() + SignedDuration::from_secs(seconds));
        self.ask(AskedChange::Pause { until });
    }

    /// Whether a signal to the run follows.
    pub(super) fn end_pause(&mut self) -> bool {
        self.people.resumed = true;
        self.people.request_box.retain(|request| !matches!(request.asks, AskedChange::Pause { .. }));
        if !self.alive {
            self.resume_later();
        }
        self.alive
    }

    /// A person asks again for the end of a pause that a run was killed before it ended.
    pub(super) fn resume_later(&mut self) {
        if !self.people.resumed || self.load().pause.is_none() {
            return;
        }
        match self.resume {
            Some(_) => self.edit_state(|state| state.pause = None),
            None => self.resume = Some(ResumeRequest::ForgetLimits),
        }
    }

    pub(super) fn skip(&mut self, id: &str) {
        // the verb refuses it
        let at_work = |state: &SpecState| state.running().is_some_and(|(unit, _)| is_within(unit, id));
        if self.broken || at_work(&self.load()) {
            return;
        }
        let tasks = self.parsed().tasks.iter().filter(|task| is_within(&task.id, id));
        let target = |task: &crate::spec::Task| AskedTask {
            id: task.id.clone(),
            title: task.title.clone(),
            named: task.id == id,
        };
        let tasks: Vec<AskedTask> = tasks.map(target).collect();
        if tasks.iter().any(|task| task.named) {
            self.ask(AskedChange::Skip { tasks });
        }
    }

    /// A person wants skipped tasks done after all, where nothing else is left.
    pub(super) fn unskip(&mut self) {
        if !self.load().skipped.is_empty() {
            self.note("a person wants the skipped tasks done");
            self.edit_state(|state| state.skipped.clear());
        }
    }

    /// What the next run is given. One that was killed continues with the times that it had.
    pub(super) fn run_start(&mut self, resume: Option<ResumeRequest>) -> RunStart {
        let start = RunStart { resume, ..RunStart::default() };
        let Some((begins, lasts)) = self.people.hours else { return start };
        if !self.load().run.is_open() {
            let not_before = self.now() + SignedDuration::from_secs(begins);
            let until = not_before + SignedDuration::from_secs(lasts);
            self.people.times = RunTimes { not_before: Some(not_before), until: Some(until) };
        }
        let work = WorkStart { args: Vec::new(), times: self.people.times };
        RunStart { work: Some(work), ..start }
    }

    /// Whether the time of the run is up.
    pub(super) fn is_time_up(&self) -> bool {
        self.people.hours.is_some() && self.people.times.is_up(self.now())
    }

    /// A step starts: no person holds it back.
    pub(super) fn check_asked(&mut self, step: &Step, disk: &SpecState, now: Timestamp) {
        if let Some(request) = self.people.request_box.first() {
            self.wrong(format!("starts while {} waits", request.id));
        }
        if disk.pause.as_ref().is_some_and(|pause| pause.holds(now)) {
            self.wrong("starts in a pause");
        }
        let times = disk.run.times();
        if times.is_up(now) || times.not_before.is_some_and(|at| at > now) {
            self.wrong(format!("starts at {now}, and may at {times:?}"));
        }
        let skipped = |id: &str| disk.skipped.iter().any(|skipped| is_within(id, skipped));
        if step.role.is_work() && (skipped(&step.unit) || step.open.iter().any(|task| skipped(&task.id))) {
            self.wrong(format!("{} starts, and is skipped", step.unit));
        }
    }
}

impl Orchestrator<'_> {
    /// A person says whether to run a unit. Now and then they stop, or want it skipped.
    pub(super) fn answer(&mut self, unit: &str) -> Event {
        self.model.people.answers += 1;
        self.model.pass(20);
        match self.model.people.answers % 11 {
            4 => {
                self.asked.push(Interrupt::Interrupt);
                Event::Asked(Interrupt::Interrupt)
            }
            7 => {
                self.model.skip(unit);
                if self.model.people.request_box.is_empty() {
                    self.asked.push(Interrupt::Interrupt);
                    return Event::Asked(Interrupt::Interrupt);
                }
                Event::Requested(self.model.people.request_box.clone())
            }
            _ => {
                self.confirmed = Some(unit.to_owned());
                Event::Confirmed { unit: unit.to_owned() }
            }
        }
    }

    /// An agent starts: where people are asked, they wanted that, unless it only continues.
    pub(super) fn check_confirmed(&mut self, step: &Step, state: &SpecState) {
        use ResumeReason as R;
        let reason = state.running().and_then(|(_, record)| Some(record.resumes.as_ref()?.reason));
        let continues = matches!(reason, Some(R::Nudge | R::Unchanged | R::Limit));
        let confirmed = self.confirmed.take();
        if self.model.asks && step.role.is_work() && !continues && confirmed.as_ref() != Some(&step.unit) {
            self.wrong(format!("{} starts, and a person wanted {confirmed:?}", step.unit));
        }
    }

    /// Requests are forgotten: the disk has the last pause among them.
    pub(super) fn check_taken(&mut self, taken: &[String]) {
        let mut of_people = self.model.people.request_box.iter().rev();
        let is_pause =
            |one: &&PersonRequest| taken.contains(&one.id) && matches!(one.asks, AskedChange::Pause { .. });
        let Some(last) = of_people.find(is_pause).cloned() else { return };
        if !self.model.load().take_request(&last).is_empty() {
            self.wrong(format!("{} is forgotten, and not saved", last.id));
        }
    }
}
