//! What an attempt does about its agent's sandbox: keep an end for it ready, and spare what holds it together.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::process::Child;

use crate::sandbox::container;
use crate::sandbox::used::UsedSandbox;
use crate::sys::process::{self, Process};

/// The sandbox of a running agent.
pub(super) struct SandboxedAgent {
    used: UsedSandbox,
    /// The process that ends the container, also where this process is killed. It ends with its standard input.
    guard: RefCell<Option<Child>>,
    guard_pid: Option<i32>,
}

impl SandboxedAgent {
    /// Prepares its end. `exe` is our own program.
    pub(super) fn begin(used: &UsedSandbox, exe: &Path) -> io::Result<Self> {
        let guard = used.container().map(|(engine, name)| container::guard(exe, engine, name)).transpose()?;
        let guard_pid = guard.as_ref().map(|guard| guard.id().cast_signed());
        Ok(Self { used: used.clone(), guard: RefCell::new(guard), guard_pid })
    }

    /// The process that watches over it and is no part of the agent.
    pub(super) fn guard_pid(&self) -> Option<i32> {
        self.guard_pid
    }

    /// Whether a process is a part of the agent. `leader` is the process that was started. A client passes TERM on into
    /// its container.
    pub(super) fn is_of_agent(&self, process: &Process, leader: i32) -> bool {
        match &self.used {
            UsedSandbox::Command { .. } => true,
            UsedSandbox::Bwrap { .. } => {
                // its program cannot be read any more while it ends, but its name can
                process::name(process.pid).is_none_or(|name| name != "bwrap")
            }
            UsedSandbox::Container { .. } => process.pid == leader,
        }
    }

    /// Ends what runs somewhere else, and waits until it is gone.
    pub(super) fn end(&self) {
        let Some(mut guard) = self.guard.borrow_mut().take() else { return };
        drop(guard.stdin.take());
        let _ = guard.wait();
    }
}
