//! What is known of a login that was refused: whether it worked lately, and what its CLI says where it is cheap to ask it
//! before an attempt starts.

use std::ffi::OsStr;
use std::process::Command;
use std::time::Duration;

use super::world::RealWorld;
use crate::agent::limit::LimitKind;
use crate::agent::sanitise::sanitise_line;
use crate::plan::Step;
use crate::project::project_states;
use crate::state::{Outcome, SpecState};
use crate::sys::command::{self, OutputLimit, Supervised};

/// How long the CLI may take to answer.
const DEADLINE: Duration = Duration::from_secs(20);

impl RealWorld<'_> {
    /// Whether a call with the login of this backend succeeded within the last day: by it or another backend of the same
    /// login, in this spec or another one of the project.
    pub(super) fn has_worked_with_login(&self, backend: &str, state: &SpecState) -> bool {
        let now = self.clock.now();
        let names = self.config.backends_with_login_of(backend);
        let worked = |state: &SpecState| names.iter().any(|name| state.answered_lately(name, now));
        worked(state) || project_states::all(self.place, &self.config.run.spec_root).iter().any(worked)
    }

    /// How an attempt ends that is not worth its start: its CLI says that it is not logged in. `None`: it is logged in, or
    /// its answer is unknown.
    pub(super) fn refused_by_its_cli(&self, step: &Step) -> Option<Outcome> {
        let words = step.settings.login_check.as_ref()?;
        let (program, args) = words.split_first()?;
        let settings = &step.settings;
        let mut command = Command::new(program);
        command.args(args).current_dir(&settings.cwd).env_clear();
        let removed = |name: &OsStr| {
            name == "SEQORCH_TRUST" || settings.env_remove.iter().any(|removed| OsStr::new(removed) == name)
        };
        command.envs(self.env.iter().filter(|(name, _)| !removed(name)).map(|(name, value)| (name, value)));
        command.envs(settings.env.iter().map(|(name, value)| (name, value)));
        let shown = words.join(" ");
        let call = Supervised {
            command,
            stdin: b"",
            holds: None,
            deadline: DEADLINE,
            keep: OutputLimit::End(1),
            shown: &shown,
        };
        let flag = self.inbox.stop_flag();
        let finished = command::run(call, Some(&flag), None).ok()?;
        // another end than an exit code is no answer
        let refused = finished.status.code().is_some_and(|code| code != 0);
        let why = format!("`{}` says that it is not logged in", sanitise_line(&shown));
        refused.then_some(Outcome::Limited { limit: LimitKind::Auth, why, until: None, model: None })
    }
}
