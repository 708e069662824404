//! Starts a prepared child: in a window, or as a plain process.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Instant;

use super::child::{Child, ChildJob};
use super::launch::LaunchRequest;
use super::prepare::{AttemptInputs, PreparedAttempt};
use super::windows::{AT_WORK, REVIEWS};
use super::world::RealWorld;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Step;
use crate::state::SpecState;
use crate::sys::{process, programs};

impl RealWorld<'_> {
    /// What this attempt of a step is made from.
    pub(super) fn inputs<'b>(
        &'b self,
        step: &'b Step,
        attempt: u32,
        state: &'b SpecState,
        socket: &'b Path,
    ) -> Result<AttemptInputs<'b>> {
        let Some(plan) = &self.plan else {
            return Err(Error::new(ErrorKind::Internal, "an attempt without a plan"));
        };
        Ok(AttemptInputs {
            config: &self.config,
            store: self.store,
            plan,
            step,
            attempt,
            state,
            socket,
            env: &self.env,
            repository: self.repository.as_ref(),
            place: self.place,
            now: self.clock.now(),
        })
    }

    /// Starts a prepared child. Its end arrives in the inbox. The inner error says why it did not start.
    pub(super) fn dispatch(
        &mut self,
        step: &Step,
        PreparedAttempt { dir, token, handoff }: PreparedAttempt,
        job: ChildJob,
    ) -> Result<Result<(), String>> {
        self.last_look = None;
        let is_attempt = matches!(job, ChildJob::Attempt { .. });
        let mark = if step.role.is_work() { AT_WORK } else { REVIEWS };
        let launched = self.launcher.launch(LaunchRequest {
            is_check: matches!(job, ChildJob::Verification(_)),
            state: is_attempt.then_some(mark),
            dir: &dir,
            token: &token,
            window: &step.window,
            unit: &step.unit,
            cwd: &step.settings.cwd,
            handoff: &handoff,
        })?;
        let launched = match launched {
            Ok(launched) => launched,
            Err(why) => {
                if let ChildJob::Attempt { live_ticks, .. } = &job {
                    self.clear_live_ticks(live_ticks);
                }
                return Ok(Err(why));
            }
        };
        let over = self.report_child_end();
        let process = (launched.pid, process::start_time(launched.pid));
        let since = Some(Instant::now());
        self.child =
            Some(Child { unit: step.unit.clone(), dir: dir.clone(), process: Some(process), since, job });
        launched.wait(&dir, over);
        if is_attempt {
            self.open_side_panes(&step.unit, process);
        }
        Ok(Ok(()))
    }

    /// Why a step's program cannot be started, if it cannot.
    pub(super) fn missing(&self, step: &Step) -> Option<String> {
        let path = self.env.iter().find(|(n, _)| n == OsStr::new("PATH")).map(|(_, v)| v.as_os_str());
        let found = programs::find_program(OsStr::new(&step.settings.argv[0]), path, &step.settings.cwd);
        let is_missing = found.is_none() && self.config.sandbox.has_programs_of_this_machine();
        is_missing.then(|| format!("{} is not there any more", step.settings.argv[0]))
    }
}
