//! `seqorch resume`: go on after an agent asked for a human.

use std::path::PathBuf;

use clap::Args;

use super::Global;
use super::project::Project;
use super::run::{self, RunArgs};
use crate::error::{Error, Kind, Result};
use crate::plan::Selection;
use crate::state::lock::{Holder, RunLock};
use crate::state::{Answer, UnitStatus};

#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// The spec: a folder, a tasks.md, or a name under run.spec_root, .kiro/specs, specs or openspec/changes.
    spec: Option<PathBuf>,
    /// What to tell the agent; without it the agent is told to go on.
    #[arg(long, value_name = "TEXT")]
    answer: Option<String>,
    #[command(flatten)]
    run: run::RunFlags,
}

pub(super) fn resume(global: &Global, args: &ResumeArgs) -> Result<u8> {
    let project = Project::open(global, args.run.settings()?, args.spec.as_deref())?;
    let dir = project.spec(args.spec.as_deref())?;
    let place = project.place(&dir, Selection::default())?;
    let store = project.store(&place);
    store.prepare()?;
    {
        let _lock = RunLock::take(&store.run_lock(), &Holder::me(&place.dir, jiff::Timestamp::now()))?;
        let mut state = store.load()?;
        if !state.halted {
            return Err(Error::new(
                Kind::Usage,
                format!("{} is not halted, so there is nothing to resume", place.name),
            )
            .hint("Go on with `seqorch run`."));
        }
        let unit = state.halted_task.take().unwrap_or_default();
        let question = state.question.take().unwrap_or_default();
        if let Some(unit) = state.units.get_mut(&unit) {
            unit.status = UnitStatus::Todo;
        }
        let answer = args.answer.clone().unwrap_or_else(|| "Go on as you think best.".to_owned());
        state.answer = Some(Answer { unit, question, answer });
        state.halted = false;
        state.halted_at = None;
        store.save(&state)?;
    }
    run::run(global, &RunArgs::of_spec(dir, args.run.clone()))
}
