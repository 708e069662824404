//! Makes calls of hooks beside the run, one after another: a slow one holds up neither the next step nor its agent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::hooks::Caller;
use crate::config::HookEvent;

/// One call: what happened, its facts, and the event as JSON.
#[derive(Debug)]
pub struct Call {
    /// Which hook.
    pub event: HookEvent,
    /// Its environment.
    pub facts: Vec<(&'static str, String)>,
    /// Its standard input.
    pub json: String,
}

/// The calls that are still to be made, in the order of their events.
///
/// All are made by one thread that lives until the last of them is over: a hook asks the kernel to die with the thread that
/// started it. Dropping this waits for them, too.
#[derive(Debug)]
pub struct Calls {
    queue: Option<Sender<Call>>,
    complaints: Receiver<String>,
    /// Calls that are not over.
    left: Arc<AtomicUsize>,
    /// Its other end is gone with the last call.
    over: Receiver<()>,
    worker: Option<JoinHandle<()>>,
}

impl Calls {
    /// Ready to make calls.
    pub fn new(caller: Caller) -> std::io::Result<Self> {
        let (queue, calls) = channel::<Call>();
        let (complain, complaints) = channel();
        let (works, over) = channel::<()>();
        let left = Arc::new(AtomicUsize::new(0));
        let still = Arc::clone(&left);
        let worker = thread::Builder::new().name("hooks".to_owned()).spawn(move || {
            let _works = works;
            for call in calls {
                if let Err(why) = caller.call(call.event, &call.facts, &call.json) {
                    // nobody may listen any more; the log has it all the same
                    let _ = complain.send(why);
                }
                still.fetch_sub(1, Ordering::Relaxed);
            }
        })?;
        Ok(Self { queue: Some(queue), complaints, left, over, worker: Some(worker) })
    }

    /// Puts a call behind all others.
    pub fn add(&self, call: Call) {
        if let Some(queue) = &self.queue {
            self.left.fetch_add(1, Ordering::Relaxed);
            // the worker ends only after this end of the queue
            let _ = queue.send(call);
        }
    }

    /// What went wrong since this was last asked.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        self.complaints.try_iter().collect()
    }

    /// How many calls are not over when `patience` is; none where the last one ends before. Nothing can be added after it.
    #[must_use]
    pub fn left_after(&mut self, patience: Duration) -> usize {
        self.queue = None;
        match self.over.recv_timeout(patience) {
            Err(RecvTimeoutError::Timeout) => self.left.load(Ordering::Relaxed),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => 0,
        }
    }

    /// Waits for the end of the last call; gives what went wrong since that was last asked. Nothing can be added after it.
    pub fn finish(&mut self) -> Vec<String> {
        self.queue = None;
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
        self.complaints()
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.finish();
    }
}
