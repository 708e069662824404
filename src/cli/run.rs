//! `seqorch run`: the main job.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::checks::{self, DirtyFiles};
use super::flags::{Kept, Work};
use super::job::{GoOn, Job};
use super::project::Project;
use super::{Global, detach, telling, watch};
use crate::config::{Commit, Config, TmuxMode};
use crate::error::{Error, ErrorKind, Result};
use crate::git;
use crate::plan::{self, Plan, tmux_names};
use crate::project::SpecPlace;
use crate::report::events::EventKind;
use crate::report::needs::shown;
use crate::report::run_end::RunEnd;
use crate::report::summary;
use crate::run::driver::drive;
use crate::run::event::{RunStart, WorkStart};
use crate::run::inbox::Ears;
use crate::run::launch::Launcher;
use crate::run::machine::{End, Machine, Policy};
use crate::run::windows::{Screen, Setting, Wishes};
use crate::run::world::RealWorld;
use crate::state::needs::{exit_code, needs};
use crate::state::{SpecState, UnitState, counts};
use crate::store::lock::{Holder, RunLock};
use crate::store::spec_store::Store;
use crate::sys::clock::SystemClock;
use crate::sys::interrupt::Interrupt;
use crate::sys::{process, programs, socket};
use crate::tmux::{self, TmuxServer};

#[derive(Debug, Clone, Args)]
pub(super) struct RunArgs {
    /// Specs, one after another: a folder, a tasks.md, or a name under run.spec_root, .kiro/specs, specs or openspec/changes. None: the only one there is.
    #[arg(value_name = "SPEC")]
    specs: Vec<PathBuf>,
    /// A spec, in the words of the Python tool.
    #[arg(long, value_name = "PATH")]
    spec: Option<PathBuf>,
    #[command(flatten)]
    work: Work,
    #[command(flatten)]
    go_on: GoOn,
    /// Print the plan and do nothing.
    #[arg(long, conflicts_with = "retry")]
    dry_run: bool,
    /// Print one JSON object per event, as .seqorch/SPEC/events.jsonl keeps them, instead of text.
    #[arg(long, conflicts_with_all = ["dry_run", "detach"])]
    json: bool,
    /// Run in the tmux session, so that this terminal may be closed.
    #[arg(long, conflicts_with_all = ["no_tmux", "dry_run"])]
    detach: bool,
    /// The session's main window started this process.
    #[arg(long, hide = true)]
    in_main: bool,
    /// Where to say that the run has begun.
    #[arg(long, hide = true)]
    ready: Option<PathBuf>,
}

impl RunArgs {
    /// A run of one spec that goes on where an earlier one ended.
    pub(super) fn going_on(spec: PathBuf, work: Work, go_on: GoOn, json: bool, detach: bool) -> Self {
        let (specs, in_main, ready) = (vec![spec], false, None);
        Self { specs, spec: None, work, go_on, dry_run: false, json, detach, in_main, ready }
    }
}

pub(super) fn run(global: &Global, args: &RunArgs) -> Result<u8> {
    let mut specs: Vec<Option<&PathBuf>> = args.specs.iter().chain(args.spec.as_ref()).map(Some).collect();
    if specs.is_empty() {
        specs.push(None);
    }
    if specs.len() > 1 && args.work.names_tasks() {
        return Err(Error::new(ErrorKind::Usage, "--only and --from go with one spec"));
    }
    let go_on = args.go_on.read(args.detach)?;
    // all specs are found before the first begins: a typo must not show in the middle of the night
    let mut jobs = Vec::new();
    for spec in specs {
        let job = Job::find(global, &args.work, &go_on, spec.map(PathBuf::as_path))?;
        if let Some(kept) = job.kept() {
            let _ = writeln!(
                io::stderr(),
                "note: with the options of the earlier run: {kept} (--all forgets them)"
            );
        }
        jobs.push(job);
    }
    if args.dry_run {
        for job in &jobs {
            super::plan::show(global, &job.project, &job.place)?;
        }
        return Ok(0);
    }
    if args.detach {
        let [job] = jobs.as_slice() else {
            return Err(Error::new(ErrorKind::Usage, "--detach goes with one spec"));
        };
        let plan = preflight(job, &go_on)?;
        return detach::detach(job, &go_on, &plan);
    }
    let ears = Ears::open()?;
    for (number, job) in jobs.iter().enumerate() {
        let (code, asked_to_stop) = run_one(args, job, &go_on, &ears)?;
        if code != 0 {
            return Ok(code);
        }
        if asked_to_stop && number + 1 < jobs.len() {
            return Ok(exit_code(&End::Interrupted, &[]));
        }
    }
    Ok(0)
}

/// What was found good before anything is started.
struct Ready {
    store: Store,
    state: SpecState,
    plan: Plan,
}

impl Ready {
    fn check(job: &Job, go_on: &GoOn) -> Result<Self> {
        let Job { project, place, .. } = job;
        let config = &project.loaded.config;
        let (_, tasks) = place.good_tasks()?;
        plan::check_selection(&tasks, config, &place.selection)?;
        let store = project.store(place);
        let state = go_on.apply(place, store.load()?)?;
        let plan = super::plan::current(place, config, &tasks, &state);
        checks::check_programs(config, &plan)?;
        checks::check_template(config, &plan)?;
        Ok(Self { store, state, plan })
    }
}

/// Whether a run could begin now, for whoever has to know before it does: nobody writes an answer in vain.
pub(super) fn preflight(job: &Job, go_on: &GoOn) -> Result<Plan> {
    let Ready { state, plan, .. } = Ready::check(job, go_on)?;
    if job.project.loaded.config.git.commit == Commit::Step {
        let dirty = checks::dirty_files(&job.project, &state)?;
        if !dirty.may_begin {
            return Err(dirty.refusal());
        }
    }
    Ok(plan)
}

/// Gives the exit code, and whether somebody asked for an end.
fn run_one(args: &RunArgs, job: &Job, go_on: &GoOn, ears: &Ears) -> Result<(u8, bool)> {
    let Job { project, place, .. } = job;
    let config = &project.loaded.config;
    let Ready { store, state: _, plan } = Ready::check(job, go_on)?;
    let store = store.prepared()?;
    let mut holder = Holder::me(&place.dir, jiff::Timestamp::now());
    holder.listens = Some(process::start_time(holder.pid.cast_signed()));
    holder.tries_now = true;
    let lock = RunLock::take(&store.run_lock(), &holder)?;
    store.sweep();
    // what was read before the lock may be old
    let mut state = go_on.apply(place, store.load()?)?;

    super::stop::refuse_strays(&store, &state)?;
    let work = !state.is_halted() && (!plan.steps.is_empty() || state.running().is_some());
    let before = git::snapshot(&project.root);
    let mut start = RunStart::default();
    if work {
        let dirty = mark_off_others(project, &mut state, before.as_deref())?;
        let args = Kept::argv(&job.global, &job.work, &project.cwd);
        if !dirty.may_begin {
            return Err(refuse(&store, args, &dirty));
        }
        start.work = Some(WorkStart { args, dirty_before: dirty.before });
        start.dirty = dirty.refused;
    }
    // whoever watches must not take an older run's for this one's; one that is refused leaves it
    telling::forget_summary(&store);
    let view = watch::argv(&job.global, &job.work, place, &holder);
    let (screen, _host) =
        if work { open_screen(args, job, &store, || watch::Host::open(&store, view))? } else { (None, None) };
    holder.session = screen.as_ref().map(|s| s.name().to_owned());
    lock.note(&store.run_lock(), &holder)?;
    let attach = screen.as_ref().map(Screen::attach_command);
    let launcher = Launcher::new(programs::own_program()?, &store.folder(), screen)?;
    // standard output is for events alone
    let launcher = if args.json { launcher.silent() } else { launcher };
    let policy = Policy::of(config, jiff::tz::TimeZone::system());
    if let Some(end) = stopped_before(ears) {
        return Ok((exit_code(&end, &[]), true));
    }
    if go_on.changes() {
        // from here on nothing refuses it
        store.save(&state)?;
        go_on.is_saved();
    }
    let mut machine = Machine::new(state, policy);
    let mut world = RealWorld::new(
        place,
        config,
        &store,
        &SystemClock,
        launcher,
        ears,
        if args.json { Box::new(io::sink()) } else { Box::new(anstream::stdout()) },
    );
    world.explain(project.verbosity);
    world.listen(telling::chronicle(args.json, project, place, &store)?);
    world.end_old_calls();
    checks::expire(config, &store, &mut world)?;
    if let Some(ready) = &args.ready {
        // whoever waits there may be gone; the run goes on all the same
        let _ = socket::connect(ready);
    }
    telling::unmatched_inputs(place, config);
    world.say(&telling::opening(place, &plan, attach.as_deref()));
    store.progress(&telling::opening_entry(place))?;
    let steps = plan.steps.iter().map(|step| step.unit.clone()).collect();
    let began =
        world.tell(EventKind::RunStarted { spec: place.name.clone(), pid: std::process::id(), steps });
    let end = match began.and_then(|()| drive(&mut machine, &mut world, start)) {
        Ok(end) => end,
        Err(error) => {
            let left_as = before.filter(|_| work).and_then(|_| git::snapshot(&project.root));
            give_up(project, place, &store, &plan, &machine.state, left_as.as_ref(), &mut world, &error);
            return Err(error);
        }
    };
    let after = before.as_ref().and_then(|_| git::snapshot(&project.root));
    // a run that did nothing must not take what a human wrote since for an agent's
    let all_done = matches!(end, End::Complete | End::SelectionComplete { .. });
    if work && !all_done {
        leave_tree(project, &store, &mut machine.state, after.as_ref());
        store.save(&machine.state)?;
    }
    let changes =
        before.zip(after).map(|(from, to)| git::changes(&project.root, &from, &to).unwrap_or_default());
    let (units, last_plan, took) = world.outcome();
    // a halted spec is not even planned
    let last_plan = last_plan.unwrap_or(&plan);
    let left = last_plan.steps.len();
    let how =
        RunEnd { spec: &place.name, typed: &place.typed, end: &end, left, took, changes: changes.as_deref() };
    let over = how.records(&machine.state);
    let shown = shown(&place.typed, &machine.state);
    let limits = super::status::limits_now(&machine.state, config);
    let counts = counts(last_plan, &machine.state);
    let text = telling::summary(&how, units, counts, &shown, &machine.state, &limits);
    world.say(text.trim_end());
    world.sign_off(&end, &shown, left);
    store.progress(&telling::closing_entry(&text, &end))?;
    telling::leave_summary(&store, &text);
    let told = tell_end(place, &store, over, &text, &mut machine.state, &mut world);
    world.hear_hooks_out();
    drop(lock);
    told?;
    Ok((exit_code(&end, &needs(&machine.state)), machine.asked_to_stop()))
}

/// How a run ends that is asked to before it begins.
fn stopped_before(ears: &Ears) -> Option<End> {
    match ears.asked()? {
        // nothing waits yet
        Interrupt::TryNow => None,
        Interrupt::Interrupt | Interrupt::AfterStep => Some(End::Interrupted),
        Interrupt::Terminate | Interrupt::HangUp => Some(End::Terminated),
    }
}

/// Keeps that changes of others let no run begin, and gives the error that says so.
fn refuse(store: &Store, args: Vec<String>, dirty: &DirtyFiles) -> Error {
    let keep = || -> Result<()> {
        // nothing else of what this run has found out is saved
        let mut state = store.load()?;
        if state.is_halted() {
            // its question is what a human sees first, with or without this
            return Ok(());
        }
        state.end_run(jiff::Timestamp::now(), End::Dirty { files: dirty.refused.clone() }, true);
        if let Some(over) = state.run.over_mut() {
            over.args = args;
        }
        store.save(&state)
    };
    keep().err().unwrap_or_else(|| dirty.refusal())
}

/// Keeps the tree that a run leaves with work undone.
fn leave_tree(project: &Project, store: &Store, state: &mut SpecState, tree: Option<&String>) {
    let Some(over) = state.run.over_mut() else { return };
    over.left_as = tree.cloned();
    if let Some(tree) = tree {
        // without it git may have forgotten the tree by then, and a human is asked
        let _ = git::keep_tree(&project.root, &store.folder(), "left", tree);
    }
}

/// How a run ends that an error ends.
fn end_of(error: &Error) -> End {
    let reason = error.brief();
    match error.kind() {
        ErrorKind::Hook => End::HookFailed { reason },
        kind => End::Error { reason, exit_code: kind.exit_code() },
    }
}

/// Reports, and keeps, that an error ended the run; `planned` is the plan that it began with, `last` the state that it had.
#[expect(clippy::too_many_arguments, reason = "all that the run had")]
fn give_up(
    project: &Project,
    place: &SpecPlace,
    store: &Store,
    planned: &Plan,
    last: &SpecState,
    left_as: Option<&String>,
    world: &mut RealWorld<'_>,
    error: &Error,
) {
    let end = end_of(error);
    // beside what was saved last: only that is known to hold. Where the disk is what fails it cannot be kept
    let loaded = store.load();
    let is_kept = loaded.is_ok();
    let mut state = loaded.unwrap_or_else(|_| last.clone());
    state.end_run(jiff::Timestamp::now(), end.clone(), false);
    if left_as.is_some() {
        leave_tree(project, store, &mut state, left_as);
    }
    if is_kept {
        let _ = store.save(&state);
    }
    let (_, last_plan, took) = world.outcome();
    let left = still_open(last_plan.unwrap_or(planned), &state);
    let needs = shown(&place.typed, &state);
    telling::leave_summary(store, &summary::of_error(&place.name, &place.typed, &needs));
    let how = RunEnd { spec: &place.name, typed: &place.typed, end: &end, left, took, changes: None };
    for what in how.records(&state) {
        // the first error is the one to report
        let _ = world.tell(what);
    }
    world.sign_off(&end, &needs, left);
    world.hear_hooks_out();
}

/// Reports the end to all but the person, who has read `text`: `over` is the end for programs. A hook that must succeed and
/// does not is what ends the run, where nothing else needs a human.
fn tell_end(
    place: &SpecPlace,
    store: &Store,
    over: Vec<EventKind>,
    text: &str,
    state: &mut SpecState,
    world: &mut RealWorld<'_>,
) -> Result<()> {
    let mut told = Ok(());
    for what in over {
        // a hook that fails keeps nobody else from hearing of the end
        told = told.and(world.tell(what));
    }
    if let Some(error) = told.as_ref().err().filter(|_| needs(state).is_empty()) {
        state.end_run(jiff::Timestamp::now(), end_of(error), true);
        // where this fails, the error itself is reported anyway
        let _ = store.save(state);
        let more = summary::of_error(&place.name, &place.typed, &shown(&place.typed, state));
        telling::leave_summary(store, &format!("{text}{more}"));
    }
    told
}

/// Steps of a plan that are not done since it was made.
fn still_open(plan: &Plan, state: &SpecState) -> usize {
    let done = |unit: &String| state.units.get(unit).is_some_and(UnitState::is_done);
    plan.steps.iter().filter(|step| !done(&step.unit)).count()
}

/// Tells what is the agents' from what others wrote, in the work tree and since the last run; an error where commits would
/// mix them. Gives the files over which no step may start.
fn mark_off_others(project: &Project, state: &mut SpecState, now: Option<&str>) -> Result<DirtyFiles> {
    let dirty = match project.loaded.config.git.commit {
        Commit::Step => checks::dirty_files(project, state)?,
        Commit::Off => DirtyFiles::none(),
    };
    let left = state.run.left_as().map(str::to_owned);
    if let Some((left, now)) = left.zip(now) {
        checks::leave_out_others(project, state, &left, now);
    }
    Ok(dirty)
}

/// The session with its main window, as the configuration wants it, and who answers that window.
fn open_screen(
    args: &RunArgs,
    job: &Job,
    store: &Store,
    view: impl FnOnce() -> Result<watch::Host>,
) -> Result<(Option<Screen>, Option<watch::Host>)> {
    let Job { project, place, .. } = job;
    let config = &project.loaded.config;
    let env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let Some(tmux) = find_tmux(config, &env)? else { return Ok((None, None)) };
    let name = tmux_names::session(&config.tmux.session, &place.name);
    let screen = Screen::find(tmux.of(project.owner(place)), &name, config.tmux.size);
    let tmux = &config.tmux;
    let (layout, panes) = (tmux.layout, tmux.panes.clone());
    let mut screen = screen.furnished(Wishes { keep: tmux.keep, layout, panes });
    let host = if args.in_main || !tmux.main { None } else { Some(view()?) };
    let opened = match &host {
        None => Ok(()),
        Some(host) => {
            let here = std::env::current_dir().map_err(|e| Error::io("finding", Path::new("."), e))?;
            screen.open_main(&here, host.window_argv(&here)?)
        }
    };
    match opened {
        Ok(()) => {
            let facts = [("SEQORCH_SPEC", place.name.clone())];
            let exe = programs::own_program()?;
            let setting = Setting { exe: &exe, folder: &store.folder(), env: &env, facts: &facts };
            for error in screen.open_own(&tmux.windows, setting) {
                let _ = write!(io::stderr(), "{}", error.render());
            }
            Ok((Some(screen), host))
        }
        Err(error) if config.tmux.mode == TmuxMode::Auto => {
            let _ = write!(io::stderr(), "{}", error.render());
            let _ = writeln!(io::stderr(), "note: going on without tmux; agents print to this terminal");
            Ok((None, None))
        }
        Err(error) => Err(error),
    }
}

/// tmux, where it is wanted and there.
pub(super) fn find_tmux(config: &Config, env: &[(OsString, OsString)]) -> Result<Option<TmuxServer>> {
    if config.tmux.mode == TmuxMode::Off {
        return Ok(None);
    }
    match tmux::find_tmux(env) {
        Some(program) => Ok(Some(TmuxServer::new(program, config.tmux.socket.clone(), env))),
        None if config.tmux.mode == TmuxMode::Auto => {
            let _ = writeln!(io::stderr(), "note: tmux is not installed; agents print to this terminal");
            Ok(None)
        }
        None => {
            Err(Error::new(ErrorKind::Unavailable, "tmux is not on the search path, and tmux.mode is \"on\"")
                .hint("Install tmux, or set tmux.mode = \"auto\"."))
        }
    }
}
