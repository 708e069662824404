//! `seqorch stop`: end a run after its current step, or now, and say what became of it.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use rustix::process::Signal;

use super::Global;
use super::project::Project;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Selection;
use crate::project::SpecPlace;
use crate::report::text::sanitise_line;
use crate::state::SpecState;
use crate::store::attempt_folder;
use crate::store::lock::{self, Holder, RunLock};
use crate::store::spec_store::Store;
use crate::sys::{process, signals};

/// What a run may take to its end beside the grace of its agent.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a process may hold the lock without listening: `resume` has it for an instant.
const NOT_LISTENING: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(super) struct StopArgs {
    /// The spec: a folder, a tasks.md, or a name under run.spec_root, .kiro/specs, specs or openspec/changes.
    spec: Option<PathBuf>,
    /// End the agent, too, instead of letting it finish its task.
    #[arg(long)]
    now: bool,
}

pub(super) fn stop(global: &Global, args: &StopArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    let place = project.place(&project.spec(args.spec.as_deref())?, Selection::default())?;
    let store = project.store(&place);
    let patience = project.loaded.config.timeout.grace.saturating_add(PATIENCE);
    let stop = Stop { project: &project, place: &place, store: &store, patience, verb: "stop" };
    let holder = stop.listening_holder()?;
    match &holder {
        Some(holder) if args.now => stop.end_run(holder)?,
        Some(holder) => return stop.ask(holder),
        None => {}
    }
    let ended = if args.now { stop.end_orphans()? } else { false };
    if !ended && holder.is_none() {
        stop.say(&match stop.at_work()? {
            Some(what) => format!(
                "no run is active, but {what} is still at work; `seqorch stop --now` ends it, `seqorch run` takes it over"
            ),
            None => "nothing runs".to_owned(),
        });
    }
    Ok(0)
}

struct Stop<'a> {
    project: &'a Project,
    place: &'a SpecPlace,
    store: &'a Store,
    patience: Duration,
    /// What a person types to get here.
    verb: &'static str,
}

/// Has the run of `place`, if one waits for a limit, try at once. `false`: no run is at work here.
pub(super) fn try_now(project: &Project, place: &SpecPlace, store: &Store) -> Result<bool> {
    let stop = Stop { project, place, store, patience: PATIENCE, verb: "resume --now" };
    let Some(holder) = stop.listening_holder()? else { return Ok(false) };
    if !holder.tries_now {
        return Err(Error::new(
            ErrorKind::Locked,
            format!("the run is process {}, of a seqorch that cannot be told to try at once", holder.pid),
        )
        .hint("End it with `seqorch stop`; then `seqorch resume --now` goes on at once."));
    }
    let before = store.load()?;
    if let Some(rule) = before.waiting_for.as_ref().filter(|_| !before.waits_for_limit()) {
        let rule = sanitise_line(rule);
        stop.say(&format!("process {} keeps to {rule}; its limits are forgotten", holder.pid));
    }
    stop.tell(&holder, signals::TRY_NOW)?;
    if !before.waits_for_limit() {
        if before.waiting_for.is_none() {
            stop.say(&format!("process {} waits for no limit, and tries with its next step", holder.pid));
        }
        return Ok(true);
    }
    // it acts at once; one that is suspended does when it goes on
    let start = Instant::now();
    while store.load()?.waiting_since == before.waiting_since {
        if start.elapsed() > NOT_LISTENING {
            let stopped = process::process(holder.pid.cast_signed()).is_some_and(|p| p.stopped);
            let why = if stopped {
                "is suspended, and tries when it goes on (`fg`)"
            } else {
                "has not acted on it yet"
            };
            stop.say(&format!("process {} was told to try now, and {why}", holder.pid));
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let what = sanitise_line(before.waiting_for.as_deref().unwrap_or_default());
    stop.say(&format!("process {} does not wait any longer ({what}), and tries now", holder.pid));
    Ok(true)
}

impl Stop<'_> {
    fn say(&self, text: &str) {
        let mut out = anstream::stdout();
        let _ = writeln!(out, "{}: {text}", sanitise_line(&self.place.name)).and_then(|()| out.flush());
    }

    /// The process that runs the spec on this machine, once it hears of requests.
    fn listening_holder(&self) -> Result<Option<Holder>> {
        let path = self.store.run_lock();
        let start = Instant::now();
        loop {
            let Some(holder) = lock::holder(&path) else {
                if !lock::is_held(&path) || start.elapsed() > NOT_LISTENING {
                    return Ok(None);
                }
                std::thread::sleep(Duration::from_millis(20));
                continue;
            };
            if holder.host != lock::host() {
                return Err(Error::new(
                    ErrorKind::Locked,
                    format!("the run is process {} on {}, out of reach from here", holder.pid, holder.host),
                )
                .hint(format!("Type `seqorch {}` on {}.", self.verb, holder.host)));
            }
            if holder.listens.is_some() {
                return Ok(Some(holder));
            }
            if start.elapsed() > NOT_LISTENING {
                return Err(Error::new(
                    ErrorKind::Locked,
                    format!("process {} has the spec's lock and does not listen", holder.pid),
                )
                .hint(format!("End it with `kill {}`.", holder.pid)));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn tell(&self, holder: &Holder, signal: Signal) -> Result<()> {
        let pid = holder.pid.cast_signed();
        let told = process::send_signal(pid, holder.listens.unwrap_or(0), signal).map_err(|e| {
            Error::new(ErrorKind::Internal, format!("sending a signal to process {pid}")).caused_by(e)
        })?;
        if !told && lock::holder(&self.store.run_lock()).as_ref() == Some(holder) {
            return Err(Error::new(
                ErrorKind::Locked,
                format!("the run is process {pid}, which is not to be seen from here"),
            )
            .hint(format!("If it runs in a container, type `seqorch {}` in there.", self.verb)));
        }
        Ok(())
    }

    /// Asks for an end after the step, and waits for it.
    fn ask(&self, holder: &Holder) -> Result<u8> {
        let pid = holder.pid.cast_signed();
        let before = self.at_work()?;
        self.tell(holder, signals::AFTER_STEP)?;
        let step = before.as_ref().map_or_else(String::new, |what| format!(" after {what}"));
        let mut asked = format!("process {pid} was asked to stop{step}");
        if process::process(pid).is_some_and(|p| p.stopped) {
            asked.push_str("; it is suspended, and hears of that when it goes on (`fg`)");
        }
        if self.is_inside() {
            // an agent that waited for the end of its own step would wait for ever
            self.say(&asked);
            return Ok(0);
        }
        self.say(&format!("{asked}; waiting for its end"));
        process::wait_for_end(pid);
        self.tell_end(None)?;
        Ok(0)
    }

    /// Ends the run and its agent, and waits for it.
    fn end_run(&self, holder: &Holder) -> Result<()> {
        let pid = holder.pid.cast_signed();
        let before = self.at_work()?;
        self.tell(holder, Signal::TERM)?;
        // a suspended one acts on it only when it goes on
        self.tell(holder, Signal::CONT)?;
        if !process::ends_within(pid, self.patience) {
            return Err(Error::new(
                ErrorKind::Internal,
                format!("process {pid} was told to end and has not ended yet"),
            )
            .hint(format!(
                "`kill -9 {pid}` loses nothing; `seqorch stop --now` then ends what it leaves at work."
            )));
        }
        self.tell_end(before.as_deref())
    }

    fn tell_end(&self, ended: Option<&str>) -> Result<()> {
        let with = ended.map_or_else(String::new, |what| format!(", and {what} with it"));
        let state = self.store.load()?;
        // it has ended, whatever a human made of tasks.md meanwhile
        let left = self.place.good_tasks().map_or_else(
            |_| String::new(),
            |(_, tasks)| {
                let config = &self.project.loaded.config;
                match super::plan::current(self.place, config, &tasks, &state).steps.len() {
                    0 => "; no step is left".to_owned(),
                    1 => "; 1 step is left".to_owned(),
                    n => format!("; {n} steps are left"),
                }
            },
        );
        self.say(&format!("the run has ended{with}{left}"));
        Ok(())
    }

    /// Ends agents that work without a run. Nobody can begin one meanwhile, nor take them over.
    fn end_orphans(&self) -> Result<bool> {
        let alive =
            || self.store.attempt_dirs().into_iter().filter(attempt_folder::alive).collect::<Vec<_>>();
        if alive().is_empty() {
            return Ok(false);
        }
        let what = self.at_work()?.unwrap_or_else(|| "an agent that the state does not know".to_owned());
        let path = self.store.run_lock();
        let _lock = RunLock::take(&path, &Holder::me(&self.place.dir, jiff::Timestamp::now()))?;
        for dir in alive() {
            attempt_folder::end(&dir, self.patience);
        }
        self.say(&format!("{what} was at work without a run and is ended; `seqorch run` begins it again"));
        Ok(true)
    }

    /// The attempt that is at work, as one says it.
    fn at_work(&self) -> Result<Option<String>> {
        let state = self.store.load()?;
        let running = state
            .running()
            .filter(|(unit, attempt)| attempt_folder::alive(&self.store.attempt_dir(unit, attempt.number)));
        Ok(running
            .map(|(unit, attempt)| format!("task {} (attempt {})", sanitise_line(unit), attempt.number)))
    }

    /// Whether an agent of this spec is asking.
    fn is_inside(&self) -> bool {
        std::env::var_os("SEQORCH_DIR").is_some_and(|dir| PathBuf::from(dir).starts_with(self.store.folder()))
    }
}

/// An agent that the state does not know (it was moved away, or an old one came back) must not get a second one beside it.
pub(super) fn refuse_strays(store: &Store, state: &SpecState) -> Result<()> {
    let known = state.running().and_then(|(unit, attempt)| {
        let dir = store.attempt_dir(unit, attempt.number);
        attempt_folder::is_of(&dir, attempt).then_some(dir)
    });
    let stray = store
        .attempt_dirs()
        .into_iter()
        .find(|dir| Some(dir) != known.as_ref() && attempt_folder::alive(dir));
    stray.map_or(Ok(()), |dir| {
        Err(Error::new(
            ErrorKind::Locked,
            format!("an agent that the state does not know is at work: {}", dir.path().display()),
        )
        .detail("  Nothing was started beside it.")
        .hint("End it with `seqorch stop --now`, or wait for its end."))
    })
}
