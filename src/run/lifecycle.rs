//! The life of a run: take the lock, load the state, check it, begin, drive the machine, end, free the lock.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::assign;
use super::baseline_checks;
use super::branch;
use super::dirty_tree::DirtyFiles;
use super::driver::drive;
use super::event::{Policy, RunStart, WorkStart};
use super::event_log::Chronicle;
use super::hooks::{self, Caller};
use super::inbox::Inbox;
use super::launch::Launcher;
use super::machine::{End, Machine};
use super::needed;
use super::old_attempts;
use super::preflight::{self, CheckedSpec};
use super::protected;
use super::recorded_commits;
use super::refusal::{RefusedPlace, RefusedRun};
use super::remote::outcome::RemoteRun;
use super::resume::ResumeRequest;
use super::run_end::RunEnding;
use super::run_locks::{self, OwnedWorkTree, RunLocks};
use super::run_repository::{RunRepository, first_look};
use super::run_result::RunResult;
use super::run_texts;
use super::sandbox;
use super::tmux_session::RunSession;
use super::trust::RunTrust;
use super::undecided;
use super::windows::RunWindows;
use super::work_tree;
use super::world::RealWorld;
use crate::config::{Commit, Config, HaltOrSkip, TmuxMode};
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::Supervisor;
use crate::plan::{Plan, SkipReason};
use crate::project::SpecPlace;
use crate::report::events::EventKind;
use crate::report::text::spec_command;
use crate::state::needs::{exit_code, needs};
use crate::state::{RunTimes, SpecState, TreeRecord};
use crate::store::busy_file::BusyFile;
use crate::store::lock::Holder;
use crate::store::spec_store::Store;
use crate::sys::awake::Awake;
use crate::sys::clock::SystemClock;
use crate::sys::command::CommandWatch;
use crate::sys::interrupt::Interrupt;
use crate::sys::{programs, socket};
use crate::tmux::server::TmuxCaller;

/// The arguments of the live view of a run that this process is.
pub type ViewArgv<'a> = &'a dyn Fn(&Holder) -> Vec<OsString>;

/// What a run of one spec is asked for.
#[derive(Clone, Copy)]
pub struct RunRequest<'a> {
    /// The spec and the selected tasks.
    pub place: &'a SpecPlace,
    /// The configuration.
    pub config: &'a Config,
    /// The options of the run, as a later run gets them that resumes it.
    pub options: &'a [String],
    /// The options of the last run, where `options` has some of them.
    pub last_options: Option<&'a [String]>,
    /// When its steps may start.
    pub times: RunTimes,
    /// How it resumes an earlier run.
    pub resume: Option<&'a ResumeRequest>,
    /// The file that handed over `resume`. It is removed once the state has the request.
    pub resume_file: Option<&'a Path>,
    /// What was trusted before it begins.
    pub trust: &'a RunTrust,
    /// How often `-v` is given.
    pub verbosity: u8,
    /// Wait until the run ends that has the work tree.
    pub wait: bool,
    /// A person is asked before each task.
    pub ask: bool,
    /// Standard output is for events alone.
    pub json: bool,
    /// The live view for the window `main`; `None`: this process runs in that window.
    pub view_argv: Option<ViewArgv<'a>>,
    /// The lease of the spec on a remote, where it is kept there.
    pub remote: Option<&'a RemoteRun>,
    /// The socket to connect to when the run has begun.
    pub ready: Option<&'a Path>,
}

/// Runs one spec to the end of the run.
pub fn run(request: &RunRequest<'_>, inbox: &Inbox) -> Result<RunResult> {
    let store = request.place.store();
    let result = match prepare(request, inbox) {
        Ok(prepared) => work(request, inbox, prepared),
        Err(refused) => {
            let place = RefusedPlace {
                place: request.place,
                config: request.config,
                options: request.options,
                resume: request.resume,
                resume_file: request.resume_file,
                policy: policy(request),
            };
            place.leave_need(&refused, |store| chronicle(request, store));
            Err(refused.error)
        }
    };
    store.leave_removed_repository();
    result
}

/// A run that may begin.
struct PreparedRun {
    store: Store,
    plan: Plan,
    /// A step may start, or an agent is at work.
    has_work: bool,
    locks: RunLocks,
    repository: Option<RunRepository>,
    /// The work tree as it is before the run.
    before: Option<TreeRecord>,
    machine: Machine,
    start: RunStart,
    caller: TmuxCaller,
    /// Held until the run is over.
    awake: Option<Awake>,
}

/// Goes to the branch, takes the locks, loads the state, and checks everything that could keep a run from beginning.
fn prepare(request: &RunRequest<'_>, inbox: &Inbox) -> Result<PreparedRun, RefusedRun> {
    let RunRequest { place, config, .. } = *request;
    if request.remote.is_none() {
        // else its tree is on the branch already
        branch::enter(place, config, request.trust, request.resume, inbox, request.wait)?;
    }
    let CheckedSpec { store, plan, .. } = CheckedSpec::check(place, config, request.resume)?;
    let store = store.prepared()?;
    let holder = Holder::listening(&place.path(), Timestamp::now());
    let path = store.run_lock();
    let stopped = |pause| inbox.stop_flag().raised_within(pause) || inbox.has_stop_request();
    let spec = run_locks::spec_lock(&path, &holder, request.wait, &stopped)?;
    store.sweep();
    // another run may have changed it before the lock was taken
    let mut state = store.load()?;
    place.fill_titles(&mut state);
    check_last_options(request, &state)?;
    let left_out = left_out(&plan);
    let mut followed = state.clone();
    place.follow(config, &place.good_tasks()?.1, &mut followed);
    let mut resumed = preflight::resumed(place, followed, request.resume, &left_out)?;
    old_attempts::refuse_unknown_agent(&store, &resumed)?;
    let checks_again = request.remote.is_some() && resumed.unchecked().is_some();
    let has_work = has_work(config, &resumed, &plan) || checks_again;
    let busy: Arc<dyn CommandWatch + Send + Sync> = Arc::new(BusyFile::new(&store.folder()));
    busy.over();
    let supervisor = Supervisor { stop: Some(inbox.stop_flag()), watch: Some(Arc::clone(&busy)) };
    let caller = TmuxCaller { stop: Some(inbox.stop_flag()), watch: Some(busy) };
    let repository = repository(request, &supervisor)?;
    if request.remote.is_none() {
        undecided::refuse(place, config, request.resume, &state, repository.as_ref())?;
    }
    let is_behind = repository.as_ref().is_some_and(RunRepository::has_index_behind);
    let needs_files = has_work || is_behind || !resumed.pending_commits().is_empty();
    let owned = repository.as_ref().filter(|_| needs_files);
    owned.map(|repository| protected::check(place, config, repository)).transpose()?;
    let own = |repository: &RunRepository| {
        let lock = work_tree::lock(&place.typed, request.wait, repository, &stopped)?;
        Ok::<_, Error>(OwnedWorkTree { lock, repository: repository.clone(), typed: place.typed.clone() })
    };
    // held until the run is over
    let locks = RunLocks { spec, path, holder, work_tree: owned.map(own).transpose()? };
    if has_work {
        needed::check_folders(place, config, repository.as_ref())?;
        needed::check_repository(place, config, &plan, repository.as_ref())?;
        let env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
        sandbox::check_sandbox(place, config, &plan, &env)?;
    }
    baseline_checks::settle_old_checks(place, &store, owned, &resumed);
    let before = first_look(owned, [&mut state, &mut resumed])?;
    let awake = has_work.then(|| keep_awake(request)).flatten();
    owned.filter(|_| has_work).map(RunRepository::start_helpers).transpose().map_err(Error::from)?;
    let mut start = RunStart {
        tree: before.as_ref().map(|now| now.tree.clone()),
        only: place.selection.only.clone(),
        from: place.selection.from.clone(),
        left_out,
        resume: request.resume.cloned(),
        ..RunStart::default()
    };
    if has_work {
        let dirty = dirty_files(request, repository.as_ref(), before.as_ref(), &resumed)?;
        if !dirty.may_begin {
            return Err(RefusedRun { error: dirty.refusal(), dirty: dirty.refused });
        }
        start.work = Some(WorkStart { args: request.options.to_vec(), times: request.times });
        start.dirty = dirty.refused;
    }
    let given_up = repository.as_ref().map(|found| recorded_commits::given_up(found, &state, request.resume));
    start.given_up = given_up.transpose().map_err(Error::from)?.unwrap_or_default();
    let machine = Machine::new(state, policy(request));
    Ok(PreparedRun { store, plan, has_work, locks, repository, before, machine, start, caller, awake })
}

/// Opens the session, drives the machine, and reports the end.
fn work(request: &RunRequest<'_>, inbox: &Inbox, prepared: PreparedRun) -> Result<RunResult> {
    let RunRequest { place, config, .. } = *request;
    let PreparedRun {
        store, plan, has_work, mut locks, repository, before, mut machine, start, caller, ..
    } = prepared;
    let _awake_until_return = prepared.awake;
    // a viewer must not take the summary of an earlier run for this one's; a run that was refused leaves it
    let _ = fs::remove_file(store.summary_path());
    let session =
        if has_work { open_session(request, &store, &locks.holder, caller)? } else { RunSession::default() };
    let RunSession { screen, main: _main } = session;
    locks.holder.session = screen.as_ref().map(|s| s.name().to_owned());
    locks.note()?;
    let attach = screen.as_ref().map(RunWindows::attach_command);
    let launcher = Launcher::new(programs::own_program()?, &store.folder(), screen)?;
    let launcher = launcher.without_windows_if(config.tmux.mode == TmuxMode::Auto);
    let launcher = if request.json { launcher.silent() } else { launcher };
    if let Some(end) = end_before_start(inbox) {
        return Ok(RunResult { exit_code: exit_code(&end, &[]), ..RunResult::STOPPED });
    }
    let has_request = Cell::new(false);
    let continues = machine.state.run.is_open();
    assign::settle_old_calls(config, &store, &mut machine.state);
    let known = machine.state.clone();
    let out: Box<dyn Write> = if request.json { Box::new(io::sink()) } else { Box::new(anstream::stdout()) };
    let mut world = RealWorld::new(place, config, &store, &SystemClock, launcher, inbox, out);
    world.set_verbosity(request.verbosity);
    world.hold(locks, request.remote);
    world.watch_files(repository.clone(), &known)?;
    world.watch_trust(request.trust);
    world.send_messages(&known);
    world.on_first_save(|| {
        has_request.set(true);
        request.resume_file.iter().for_each(|path| drop(fs::remove_file(path)));
    });
    world.listen(chronicle(request, &store));
    let tree_at_start = known.run.open().and_then(|open| open.tree.clone()).or_else(|| start.tree.clone());
    let began = announce(request, &store, &plan, attach.as_deref(), continues, before.as_ref(), &mut world);
    let ending = RunEnding { place, config, store: &store, plan: &plan, repository, tree_at_start };
    let end = began.and_then(|()| drive(&mut machine, &mut world, start)).inspect_err(|error| {
        // an answer must not be lost because the run could not begin
        let unsaved = request.resume.filter(|_| !has_request.get()).cloned();
        ending.end_with_error(&mut machine, unsaved, &mut world, error);
    })?;
    ending.end(&end, &mut machine, &mut world)?;
    Ok(RunResult {
        exit_code: exit_code(&end, &needs(&machine.state)),
        asked_to_stop: machine.asked_to_stop(),
        lets_others_run: lets_others_run(&end, config),
    })
}

fn policy(request: &RunRequest<'_>) -> Policy {
    Policy { ask: request.ask, ..Policy::of(request.config, TimeZone::system()) }
}

/// The units of a plan that its selection leaves out.
fn left_out(plan: &Plan) -> BTreeSet<String> {
    let units = plan.skipped.iter().filter(|one| !one.is_part() && one.reason == SkipReason::NotSelected);
    units.map(|one| one.id.clone()).collect()
}

/// Whether a step may start, or an agent is at work.
fn has_work(config: &Config, state: &SpecState, plan: &Plan) -> bool {
    let waits_for_answer = config.run.on_halt == HaltOrSkip::Halt && state.is_halted();
    !waits_for_answer && (!plan.steps.is_empty() || state.running().is_some())
}

fn keep_awake(request: &RunRequest<'_>) -> Option<Awake> {
    request.config.run.keep_awake.then(|| Awake::begin(&request.place.root)).flatten()
}

fn lets_others_run(end: &End, config: &Config) -> bool {
    match end {
        End::Complete | End::SelectionComplete { .. } => true,
        End::Halted { .. } => config.run.on_halt == HaltOrSkip::Skip,
        End::Stuck { .. } | End::Human { .. } => config.run.on_failure == HaltOrSkip::Skip,
        _ => false,
    }
}

/// Clears what earlier runs left, and reports that the run begins.
fn announce(
    request: &RunRequest<'_>,
    store: &Store,
    plan: &Plan,
    attach: Option<&str>,
    continues: bool,
    before: Option<&TreeRecord>,
    world: &mut RealWorld<'_>,
) -> Result<()> {
    let RunRequest { place, config, .. } = *request;
    store.watch_logs(continues);
    old_attempts::expire(config, store, before, world)?;
    if let Some(ready) = request.ready {
        // the run continues even if the process that waits there is gone
        let _ = socket::connect(ready);
    }
    preflight::note_unmatched_inputs(place, config);
    world.say(&run_texts::first_line(place, plan, attach));
    world.say_unseen(before)?;
    store.progress(&run_texts::start_entry(place))?;
    let steps = plan.steps.iter().map(|step| step.unit.clone()).collect();
    world.publish(EventKind::RunStarted { spec: place.name.clone(), pid: std::process::id(), steps })
}

/// How a run ends that is asked to end before it begins.
fn end_before_start(inbox: &Inbox) -> Option<End> {
    match inbox.asked()? {
        // nothing waits yet, and nothing is to be stopped
        Interrupt::TryNow | Interrupt::KeepRunning | Interrupt::Look => None,
        Interrupt::LeaseLost => Some(End::TakenOver),
        Interrupt::Interrupt | Interrupt::AfterStep => Some(End::Interrupted),
        Interrupt::Terminate | Interrupt::HangUp => Some(End::Terminated),
    }
}

/// Refuses to begin where the last run is not the one whose options this run was given.
fn check_last_options(request: &RunRequest<'_>, state: &SpecState) -> Result<()> {
    if request.last_options.is_none_or(|options| options == state.run.args()) {
        return Ok(());
    }
    let text = format!("another run of {} began meanwhile, with other options", request.place.name);
    let status = spec_command("status", &request.place.typed, "");
    Err(Error::new(ErrorKind::Locked, text).hint(format!("See `{status}`, then type the command again.")))
}

/// The repository of the project, if the configuration needs it.
fn repository(request: &RunRequest<'_>, supervisor: &Supervisor) -> Result<Option<RunRepository>> {
    let found = RunRepository::of_run(request.place, request.config, supervisor)?;
    let found = found.map(|repository| repository.pinned(request.trust.git.clone()));
    if found.is_none() && request.config.git.commit == Commit::Step {
        return Err(DirtyFiles::no_repository());
    }
    Ok(found)
}

fn dirty_files(
    request: &RunRequest<'_>,
    repository: Option<&RunRepository>,
    now: Option<&TreeRecord>,
    state: &SpecState,
) -> Result<DirtyFiles> {
    match (request.config.git.commit, repository.zip(now)) {
        (Commit::Step, Some((repository, now))) => {
            DirtyFiles::find(repository, now, request.config.git.dirty, request.place, state)
        }
        _ => Ok(DirtyFiles::none()),
    }
}

fn open_session(
    request: &RunRequest<'_>,
    store: &Store,
    holder: &Holder,
    caller: TmuxCaller,
) -> Result<RunSession> {
    let argv = request.view_argv.map(|argv| || argv(holder));
    let argv = argv.as_ref().map(|argv| argv as &dyn Fn() -> Vec<OsString>);
    RunSession::open(request.place, request.config, store, argv, caller)
}

/// Publishes the events of the run: to the event log, to hooks, and to standard output with `--json`.
fn chronicle(request: &RunRequest<'_>, store: &Store) -> Chronicle {
    let place = request.place;
    let log = store.folder().join("hooks.log");
    hooks::forget(&log);
    let hooks = request.config.hooks.clone();
    let caller = Caller { hooks, cwd: place.root.clone(), log };
    let facts = vec![
        ("SEQORCH_SPEC", place.name.clone()),
        ("SEQORCH_SPEC_DIR", place.dir.display().to_string()),
        ("SEQORCH_ROOT", place.root.display().to_string()),
    ];
    let stream: Option<Box<dyn Write>> = if request.json { Some(Box::new(io::stdout())) } else { None };
    Chronicle::new(store.events(), stream, caller, facts)
}
