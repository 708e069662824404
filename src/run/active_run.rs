//! The run that works on a spec now, seen from another process: is there one, and what can be asked of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::process::Signal;

use crate::error::{Error, ErrorKind, Result};
use crate::project::{SpecPlace, own_tree};
use crate::state::SpecState;
use crate::store::attempt_folder;
use crate::store::lock::{self, Holder, RunLock};
use crate::store::spec_store::Store;
use crate::sys::{process, signals};

/// How long a process may hold the lock without listening: `resume` has it for an instant.
const NOT_LISTENING: Duration = Duration::from_secs(3);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A run that listens for signals, on this machine.
#[derive(Debug)]
pub struct ActiveRun<'a> {
    store: &'a Store,
    holder: Holder,
    /// It still makes the work tree of its spec, and has no lock of the spec yet.
    prepares: bool,
    /// The arguments that a person types after `seqorch` to get here.
    verb: &'static str,
}

/// What a run did that was asked to try limited backends at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryNow {
    /// It waits for this rule of `[pace]`, as before, and forgot its limits.
    KeepsPace(String),
    /// It does not wait.
    NotWaiting,
    /// It stopped waiting for this.
    Retries(String),
    /// It is suspended, and will act when it continues.
    Suspended,
    /// It has not acted yet.
    NotYet,
}

impl<'a> ActiveRun<'a> {
    /// Finds the run of the spec, and waits until it listens. `verb` is for the hints of errors.
    pub fn find(store: &'a Store, verb: &'static str) -> Result<Option<Self>> {
        let path = store.run_lock();
        let start = Instant::now();
        loop {
            let Some(holder) = lock::holder(&path) else {
                if !lock::is_held(&path) || start.elapsed() > NOT_LISTENING {
                    return Ok(None);
                }
                std::thread::sleep(LOOK_AGAIN);
                continue;
            };
            if holder.host != lock::host() {
                return Err(Error::new(
                    ErrorKind::Locked,
                    format!("the run is process {} on {}, out of reach from here", holder.pid, holder.host),
                )
                .hint(format!("Type `seqorch {verb}` on {}.", holder.host)));
            }
            if holder.listens.is_some() {
                return Ok(Some(Self { store, holder, prepares: false, verb }));
            }
            if start.elapsed() > NOT_LISTENING {
                return Err(Error::new(
                    ErrorKind::Locked,
                    format!("process {} has the spec's lock and does not listen", holder.pid),
                )
                .hint(format!("End it with `kill {}`.", holder.pid)));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Finds the run of the spec as [`Self::find`] does, also one that still makes the work tree for it.
    pub fn find_from_its_start(
        place: &SpecPlace,
        store: &'a Store,
        verb: &'static str,
    ) -> Result<Option<Self>> {
        if let Some(run) = Self::find(store, verb)? {
            return Ok(Some(run));
        }
        let maker =
            own_tree::maker(place).filter(|maker| maker.listens.is_some() && maker.host == lock::host());
        Ok(maker.map(|holder| Self { store, holder, prepares: true, verb }))
    }

    /// The id of its process.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.holder.pid.cast_signed()
    }

    /// Whether its process is suspended. It acts on no signal until it continues.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        process::process(self.pid()).is_some_and(|p| p.stopped)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.pid();
        let sent = process::send_signal(pid, self.holder.listens.unwrap_or(0), signal).map_err(|e| {
            Error::new(ErrorKind::Internal, format!("sending a signal to process {pid}")).caused_by(e)
        })?;
        if !sent && !self.prepares && lock::holder(&self.store.run_lock()).as_ref() == Some(&self.holder) {
            return Err(Error::new(
                ErrorKind::Locked,
                format!("the run is process {pid}, which is not visible from here"),
            )
            .hint(format!("If it runs in a container, type `seqorch {}` in there.", self.verb)));
        }
        Ok(())
    }

    /// Asks it to end after its current step.
    pub fn stop_after_step(&self) -> Result<()> {
        self.signal(signals::AFTER_STEP)
    }

    /// Asks it not to end after its current step, though it was asked to.
    pub fn keep_running(&self) -> Result<()> {
        self.signal(signals::KEEP_RUNNING)
    }

    /// Asks it to look what people ask.
    pub fn look(&self) -> Result<()> {
        self.signal(signals::LOOK)
    }

    /// Waits until its process has ended.
    pub fn wait_for_end(&self) {
        process::wait_for_end(self.pid());
    }

    /// Ends it and its agent, and waits for that, at most for `patience`.
    pub fn end(&self, patience: Duration) -> Result<()> {
        self.signal(Signal::TERM)?;
        // a suspended process acts on a signal only when it continues
        self.signal(Signal::CONT)?;
        let pid = self.pid();
        if process::ends_within(pid, patience) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Internal, format!("process {pid} was asked to end and has not ended yet"))
            .hint(format!(
                "`kill -9 {pid}` loses nothing; `seqorch stop --now` then ends what it leaves at work."
            )))
    }

    /// Asks it to forget its limits, to end a pause, and to try at once.
    pub fn retry_now(&self) -> Result<RetryNow> {
        self.store.request_box().forget_pauses();
        let before = self.store.load()?;
        self.signal(signals::TRY_NOW)?;
        let waits = before.run.wait();
        let reason = waits.map(|wait| wait.reason.to_string()).unwrap_or_default();
        let start = Instant::now();
        let is_over = |state: &SpecState| {
            let since = |state: &SpecState| state.run.wait().map(|wait| wait.since);
            let ends = before.run.waits_for_person();
            (!ends || since(state) != since(&before)) && state.pause.is_none()
        };
        while !is_over(&self.store.load()?) {
            if start.elapsed() > NOT_LISTENING {
                return Ok(if self.is_suspended() { RetryNow::Suspended } else { RetryNow::NotYet });
            }
            std::thread::sleep(LOOK_AGAIN);
            // a run that was about to take a pause may have missed the signal
            self.signal(signals::TRY_NOW)?;
        }
        Ok(match waits {
            None => RetryNow::NotWaiting,
            Some(_) if before.run.waits_for_person() => RetryNow::Retries(reason),
            Some(_) => RetryNow::KeepsPace(reason),
        })
    }
}

/// The unit and the number of the attempt that works now.
pub fn attempt_at_work(store: &Store) -> Result<Option<(String, u32)>> {
    let state = store.load()?;
    let running = state.running().filter(|(unit, attempt)| {
        attempt_folder::alive(&store.attempt_dir(state.folder(unit), attempt.number))
    });
    Ok(running.map(|(unit, attempt)| (unit.to_owned(), attempt.number)))
}

/// Ends agents that work without a run, each within `patience`. It holds the lock meanwhile, so that no run begins or takes
/// them over. Returns whether there were any.
pub fn end_orphans(place: &SpecPlace, store: &Store, patience: Duration) -> Result<bool> {
    let alive = || store.attempt_dirs().into_iter().filter(attempt_folder::alive).collect::<Vec<_>>();
    if alive().is_empty() {
        return Ok(false);
    }
    let _lock = RunLock::take(&store.run_lock(), &Holder::me(&place.path(), Timestamp::now()))?;
    for dir in alive() {
        attempt_folder::end(&dir, patience);
    }
    Ok(true)
}

/// Whether this process belongs to an agent of the spec.
#[must_use]
pub fn is_inside_an_attempt(store: &Store) -> bool {
    std::env::var_os("SEQORCH_DIR").is_some_and(|dir| {
        let dir = PathBuf::from(dir);
        store.folders().iter().any(|folder| dir.starts_with(folder))
    })
}
