//! Calls hooks in the background, one after another, so that a slow hook delays neither the next step nor its agent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::hooks::Caller;
use crate::config::HookEvent;

/// A call of a hook.
#[derive(Debug)]
pub struct HookCall {
    /// The event that it is for.
    pub event: HookEvent,
    /// Its environment variables.
    pub facts: Vec<(&'static str, String)>,
    /// Its standard input.
    pub json: String,
}

/// The calls that are not made yet, in the order of their events.
///
/// One thread makes all calls and lives until the last one is over, because the kernel ends a hook with the thread that
/// started it. Dropping the queue waits for all calls.
#[derive(Debug)]
pub struct HookQueue {
    queue: Option<Sender<HookCall>>,
    complaints: Receiver<String>,
    /// Number of calls that are not over.
    left: Arc<AtomicUsize>,
    /// Disconnects when the last call is over.
    over: Receiver<()>,
    worker: Option<JoinHandle<()>>,
}

impl HookQueue {
    /// Starts the thread that makes the calls.
    pub fn new(caller: Caller) -> std::io::Result<Self> {
        let (queue, calls) = channel::<HookCall>();
        let (complain, complaints) = channel();
        let (works, over) = channel::<()>();
        let left = Arc::new(AtomicUsize::new(0));
        let still = Arc::clone(&left);
        let worker = thread::Builder::new().name("hooks".to_owned()).spawn(move || {
            let _works = works;
            for call in calls {
                if let Err(why) = caller.call(call.event, &call.facts, &call.json) {
                    // the run may have stopped reading; the hook's log has it, too
                    let _ = complain.send(why);
                }
                still.fetch_sub(1, Ordering::Relaxed);
            }
        })?;
        Ok(Self { queue: Some(queue), complaints, left, over, worker: Some(worker) })
    }

    /// Adds a call at the end of the queue.
    pub fn add(&self, call: HookCall) {
        if let Some(queue) = &self.queue {
            self.left.fetch_add(1, Ordering::Relaxed);
            // the worker ends only after this end of the queue
            let _ = queue.send(call);
        }
    }

    /// The failures since the last call of this function.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        self.complaints.try_iter().collect()
    }

    /// Waits for at most `patience` and returns how many calls are not over then. Closes the queue.
    #[must_use]
    pub fn left_after(&mut self, patience: Duration) -> usize {
        self.queue = None;
        match self.over.recv_timeout(patience) {
            Err(RecvTimeoutError::Timeout) => self.left.load(Ordering::Relaxed),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => 0,
        }
    }

    /// Waits for the end of the last call and returns the failures that are not read yet. Closes the queue.
    pub fn finish(&mut self) -> Vec<String> {
        self.queue = None;
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
        self.complaints()
    }
}

impl Drop for HookQueue {
    fn drop(&mut self) {
        self.finish();
    }
}
