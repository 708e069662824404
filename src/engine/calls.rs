//! Makes calls of hooks beside the run, one after another: a slow one holds up neither the next step nor its agent.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

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
    worker: Option<JoinHandle<()>>,
}

impl Calls {
    /// Ready to make calls.
    pub fn new(caller: Caller) -> std::io::Result<Self> {
        let (queue, calls) = channel::<Call>();
        let (complain, complaints) = channel();
        let worker = thread::Builder::new().name("hooks".to_owned()).spawn(move || {
            for call in calls {
                if let Err(why) = caller.call(call.event, &call.facts, &call.json) {
                    // nobody may listen any more; the log has it all the same
                    let _ = complain.send(why);
                }
            }
        })?;
        Ok(Self { queue: Some(queue), complaints, worker: Some(worker) })
    }

    /// Puts a call behind all others.
    pub fn add(&self, call: Call) {
        if let Some(queue) = &self.queue {
            // the worker ends only after this end of the queue
            let _ = queue.send(call);
        }
    }

    /// What went wrong since this was last asked.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        self.complaints.try_iter().collect()
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
