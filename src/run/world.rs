//! The real world of a run: files, windows, processes, clock and signals.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use rustix::process::Signal;

use super::child::{Child, ChildJob};
use super::config_watch::ConfigWatch;
use super::driver::{Ending, Recovered, World};
use super::event::BaselineResult;
use super::event_log::Chronicle;
use super::inbox::{Inbox, InboxMessage};
use super::last_look::LastLook;
use super::launch::Launcher;
use super::machine::{Assigned, Effect, End, Event, Machine, Notice, Pause};
use super::prepare::PreparedAttempt;
use super::recorded_commits::{LostCommit, lost_commits};
use super::remote::outcome::RemoteRun;
use super::run_locks::RunLocks;
use super::run_repository::RunRepository;
use super::terminal_question::TerminalQuestion;
use super::trust::TrustWatch;
use crate::config::{Config, Tick};
use crate::error::Result;
use crate::notify::messenger::Messenger;
use crate::plan::{BaselineChecks, Plan, Step};
use crate::project::SpecPlace;
use crate::project::current_plan::make_plan;
use crate::project::progress::progress;
use crate::report::events::EventKind;
use crate::report::text::wrap_lines;
use crate::report::theme;
use crate::state::outcome::CancelledBy;
use crate::state::{
    AccountLimits, Changes, CommitRefused, Learned, Note, Outcome, PersonRequest, SeenTasks, SpecState,
    TreeRecord, WaitReason,
};
use crate::store::spec_store::Store;
use crate::sys::clock::Clock;
use crate::sys::interrupt::Interrupt;
use crate::sys::{process, random};

/// The real world of a run of one spec.
pub struct RealWorld<'a> {
    pub(super) place: &'a SpecPlace,
    /// As it was read last.
    pub(super) config: Arc<Config>,
    pub(super) store: &'a Store,
    pub(super) clock: &'a dyn Clock,
    pub(super) launcher: Launcher,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) out: Box<dyn Write>,
    pub(super) interactive: bool,
    pub(super) inbox: &'a Inbox,
    pub(super) child: Option<Child>,
    pub(super) plan: Option<Plan>,
    pub(super) began: Instant,
    /// Whether an attempt has ended in this run.
    pub(super) worked: bool,
    /// The unit whose attempt ended last in this run, under its eyes.
    pub(super) ended_unit: Option<String>,
    pub(super) chronicle: Option<Chronicle>,
    /// The end of the pause that was published last.
    pub(super) published_pause: Option<Timestamp>,
    /// The end of the wait that the progress file has.
    pub(super) noted_pause: Option<Timestamp>,
    /// The number of `-v`.
    pub(super) verbosity: u8,
    /// What was known when the attempt at work was started, where its boxes show that.
    pub(super) at_start: Option<Box<SpecState>>,
    /// Where snapshots are taken.
    pub(super) repository: Option<RunRepository>,
    /// The look with which the last attempt ended.
    pub(super) last_look: Option<LastLook>,
    /// Looks for what an agent adds that would be executed.
    pub(super) trust: Option<TrustWatch>,
    /// What `run --ask` asks.
    pub(super) question: TerminalQuestion,
    /// Reads configuration files again.
    pub(super) config_watch: Option<ConfigWatch>,
    /// A push failed, and none has succeeded since.
    pub(super) unpushed: bool,
    /// Recorded commits that were not in the history of HEAD when the run began.
    pub(super) lost_before: Vec<LostCommit>,
    /// Writes messages to a person.
    pub(super) messenger: Option<Messenger>,
    /// Requests of people that the state has.
    pub(super) taken_requests: BTreeSet<String>,
    /// What was read or written last of the accounts, by name.
    pub(super) known_accounts: BTreeMap<String, AccountLimits>,
    /// The accounts that could not be written, which was said.
    pub(super) unshared_accounts: BTreeSet<String>,
    /// The lease of the spec on a remote.
    pub(super) remote: Option<&'a RemoteRun>,
    locks: Option<RunLocks>,
    on_first_save: Option<Box<dyn FnOnce() + 'a>>,
}

impl<'a> RealWorld<'a> {
    /// A world that prints its lines to `out`.
    pub fn new(
        place: &'a SpecPlace,
        config: &Config,
        store: &'a Store,
        clock: &'a dyn Clock,
        launcher: Launcher,
        inbox: &'a Inbox,
        out: Box<dyn Write>,
    ) -> Self {
        Self {
            place,
            config: Arc::new(config.clone()),
            store,
            clock,
            launcher,
            env: std::env::vars_os().collect(),
            out,
            interactive: io::stdout().is_terminal(),
            inbox,
            child: None,
            plan: None,
            began: Instant::now(),
            worked: false,
            ended_unit: None,
            chronicle: None,
            published_pause: None,
            noted_pause: None,
            verbosity: 0,
            at_start: None,
            repository: None,
            last_look: None,
            trust: None,
            question: TerminalQuestion::default(),
            config_watch: None,
            unpushed: false,
            lost_before: Vec::new(),
            messenger: None,
            taken_requests: BTreeSet::new(),
            known_accounts: BTreeMap::new(),
            unshared_accounts: BTreeSet::new(),
            remote: None,
            locks: None,
            on_first_save: None,
        }
    }

    /// Holds the locks of the run, and publishes to a remote while that has the lease.
    pub(super) fn hold(&mut self, locks: RunLocks, remote: Option<&'a RemoteRun>) {
        self.locks = Some(locks);
        self.remote = remote;
    }

    /// Calls `act` once the state is saved for the first time: from then on it has the resume request.
    pub(super) fn on_first_save(&mut self, act: impl FnOnce() + 'a) {
        self.on_first_save = Some(Box::new(act));
    }

    /// Sets where snapshots are taken, and looks at the history that the run begins with.
    pub(super) fn watch_files(&mut self, repository: Option<RunRepository>, state: &SpecState) -> Result<()> {
        self.repository = repository;
        self.note_accounts(state);
        // a run that was killed judges what happened in it, and what an agent did stays undecided
        let undecided = state.run.is_open()
            || state
                .run
                .over()
                .is_some_and(|over| matches!(over.end, End::History { .. } | End::Branch { .. }));
        if let Some(repository) = self.repository.as_ref().filter(|_| !undecided) {
            self.lost_before = lost_commits(repository.repository(), state)?;
            // what a person does without was taken by an agent, and each end says so
            self.lost_before.retain(|one| !state.given_up.contains(&one.to_string()));
        }
        Ok(())
    }

    /// Sets who publishes the events of the run to programs.
    pub fn listen(&mut self, chronicle: Chronicle) {
        self.chronicle = Some(chronicle);
    }

    /// Publishes an event to the event log, to `--json` and to hooks. The only error is a required hook that fails.
    pub fn publish(&mut self, event: EventKind) -> Result<()> {
        let at = self.clock.now();
        let Some(chronicle) = &mut self.chronicle else { return Ok(()) };
        for complaint in chronicle.publish(at, event)? {
            self.say(&complaint);
        }
        Ok(())
    }

    /// Prints a line for the user. The run continues without a terminal.
    pub fn say(&mut self, text: &str) {
        let columns = terminal_size::terminal_size_of(io::stdout()).filter(|_| self.interactive);
        let fitting = columns.map(|(columns, _)| wrap_lines(text, usize::from(columns.0)));
        let text = fitting.as_deref().unwrap_or(text);
        let _ = writeln!(self.out, "{}", theme::text(text)).and_then(|()| self.out.flush());
    }

    pub(super) fn report_child_end(&self) -> impl FnOnce() + Send + 'static {
        let sender = self.inbox.sender();
        move || {
            let _ = sender.send(InboxMessage::Over);
        }
    }
}

impl World for RealWorld<'_> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn random(&mut self) -> f64 {
        random::fraction()
    }

    fn trace(&mut self, effect: &Effect) {
        self.explain_effect(effect);
    }

    fn save(&mut self, state: &SpecState) -> Result<()> {
        self.store.save(state)?;
        self.store.note_box().remove(state.notes.iter().map(|note| note.id.as_str()));
        self.locks.as_mut().map_or(Ok(()), RunLocks::renew)?;
        self.share_accounts(state);
        self.on_first_save.take().into_iter().for_each(|act| act());
        self.message_needs(state);
        Ok(())
    }

    fn look(&mut self) -> Result<SeenTasks> {
        let (_, tasks) = self.place.good_tasks()?;
        Ok(SeenTasks::of(&tasks, self.config.tasks.trust_checkboxes))
    }

    fn plan(&mut self, machine: &Machine) -> Result<(Plan, SeenTasks)> {
        let (_, tasks) = self.place.good_tasks()?;
        let seen = SeenTasks::of(&tasks, self.config.tasks.trust_checkboxes);
        let mut state = machine.state.clone();
        state.follow(&seen, true);
        self.place.refuse_doubts(&state)?;
        let selection = state.run.selection(&self.place.selection);
        let trusted = state.trusted_ticks(&seen.ticked());
        let known = progress(&state, trusted, &self.config, self.clock.now());
        let plan = make_plan(self.place, &self.config, &tasks, &known, &selection);
        self.plan = Some(plan.clone());
        Ok((plan, seen))
    }

    fn notes(&mut self) -> Vec<Note> {
        self.store.note_box().entries()
    }

    fn talk(&mut self) -> Option<WaitReason> {
        self.talk_now()
    }

    fn requests(&mut self) -> Vec<PersonRequest> {
        self.new_requests()
    }

    fn forget_requests(&mut self, taken: &[String]) {
        self.store.request_box().remove(taken.iter().map(String::as_str));
        self.taken_requests.extend(taken.iter().cloned());
    }

    fn start(&mut self, step: &Step, attempt: u32, state: &SpecState) -> Result<Option<Ending>> {
        if let Some(why) = self.missing(step) {
            return Ok(Some((Outcome::Unavailable { why }, Learned::default())));
        }
        if let Some(refused) = self.refused_by_its_cli(step) {
            return Ok(Some((refused, Learned::default())));
        }
        if let Some(ending) = self.publish_start(state)? {
            return Ok(Some(ending));
        }
        let socket = self.launcher.socket()?;
        let prepared = PreparedAttempt::make(&self.inputs(step, attempt, state, &socket)?)?;
        if !self.edit_prompt(step, &prepared.dir.prompt())? {
            let outcome = Outcome::Cancelled { by: CancelledBy::NoOrchestrator };
            return Ok(Some((outcome, Learned::default())));
        }
        self.explain_start(step, &prepared.dir);
        let live_ticks: Vec<String> = match self.config.tasks.tick {
            Tick::Live => step.open.iter().map(|t| t.id.clone()).collect(),
            Tick::Done | Tick::Off => Vec::new(),
        };
        if !live_ticks.is_empty() {
            self.set_marks(&live_ticks, '-', state);
            self.at_start = Some(Box::new(state.clone()));
        }
        let reviews = state.reviewed_tree(&step.unit, attempt);
        let job = ChildJob::Attempt { signal: step.settings.done.signal, live_ticks, reviews };
        if let Err(why) = self.dispatch(step, prepared, job)? {
            self.say(&format!("! the attempt did not start: {why}"));
            let outcome = Outcome::Cancelled { by: CancelledBy::NoOrchestrator };
            return Ok(Some((outcome, Learned::default())));
        }
        Ok(None)
    }

    fn recover(&mut self, unit: &str, attempt: u32, machine: &Machine) -> Result<Recovered> {
        let (plan, _) = self.plan(machine)?;
        let step = plan.step_of(unit).cloned().map(Box::new);
        let ending = self.recover_attempt(unit, attempt, step.as_deref(), &machine.state)?;
        Ok(Recovered { step, ending })
    }

    fn assign(&mut self, units: &[String], state: &SpecState) -> Result<Option<Assigned>> {
        self.ask(units, state)
    }

    fn verify(&mut self, step: &Step, attempt: u32, state: &SpecState) -> Result<Option<Outcome>> {
        self.begin_verification(step, attempt, state)
    }

    fn baseline(&mut self, checks: &BaselineChecks, state: &SpecState) -> Result<Option<BaselineResult>> {
        self.begin_baseline(checks, state)
    }

    fn tree(&mut self) -> Result<Option<TreeRecord>> {
        self.look_before_step()
    }

    fn is_unchanged(&mut self, before: &str, after: &str) -> bool {
        self.has_same_files(before, after)
    }

    fn login_worked(&self, backend: &str, state: &SpecState) -> bool {
        self.has_worked_with_login(backend, state)
    }

    fn catch_up_index(&mut self) -> Result<Option<String>> {
        self.bring_index_up_to_date()
    }

    fn lost_commits(&mut self, state: &SpecState) -> Result<Vec<String>> {
        self.find_lost_commits(state)
    }

    fn keep(&mut self, unit: &str, state: &SpecState) -> std::result::Result<Option<Changes>, CommitRefused> {
        // hooks of git may take minutes
        self.launcher.flush();
        self.keep_changes(unit, state)
    }

    fn cancel(&mut self) {
        if let Some((pid, started)) = self.child.as_ref().and_then(|child| child.process) {
            let _ = process::send_signal(pid, started, Signal::TERM);
            // a stopped process handles TERM only after CONT
            let _ = process::send_signal(pid, started, Signal::CONT);
        }
    }

    fn tick(&mut self, ids: &[String], state: &SpecState) -> Vec<String> {
        self.set_marks(ids, 'x', state)
    }

    fn untick(&mut self, ids: &[String], state: &SpecState) {
        self.set_marks(ids, ' ', state);
    }

    fn report(&mut self, report: &Notice, state: &SpecState) -> Result<()> {
        self.report_notice(report, state)
    }

    fn settle_branch(&mut self, state: &SpecState, is_end: bool) -> Result<Option<Event>> {
        self.settle_moved_branch(state, is_end)
    }

    fn seen_limits(&mut self, state: &SpecState) -> Option<Event> {
        self.seen_limits(state)
    }

    fn configure(&mut self, machine: &Machine) -> Option<Event> {
        self.read_config_again(machine)
    }

    fn asked(&mut self) -> Option<Interrupt> {
        self.inbox.asked()
    }

    fn next(&mut self, pause: Option<(Option<Timestamp>, &Pause)>, alarm: Option<Timestamp>) -> Event {
        self.launcher.flush();
        self.wait(pause, alarm)
    }
}
