//! What `seqorch status` says of a spec, as values: nothing is changed and nothing is printed here.

use std::time::Duration;

use jiff::Timestamp;

use super::project::Project;
use super::report::shown_tree;
use crate::config::{Config, HistoryRule};
use crate::error::Result;
use crate::fleet::lease::Lease;
use crate::git::call::Supervisor;
use crate::plan::Plan;
use crate::project::current_plan::shown_plan;
use crate::project::{SpecPlace, own_tree};
use crate::report::events;
use crate::report::spans::waits_of_all_runs;
use crate::report::view::Standing;
use crate::report::work_tree::ShownTree;
use crate::run::recorded_commits::{LostCommit, lost_commits};
use crate::run::run_repository::RunRepository;
use crate::state::{AttemptRecord, SpecState};
use crate::store::activity::AtWork;
use crate::store::busy_file::{BusyCommand, BusyFile};
use crate::store::lock::{self, Holder};
use crate::store::spec_store::Store;
use crate::sys::nofollow::{self, WHOLE_MAX};

/// Where a spec stands.
pub(super) struct SpecStatus<'a> {
    pub(super) place: &'a SpecPlace,
    pub(super) config: &'a Config,
    /// All tasks are listed, also where output goes to a terminal.
    pub(super) lists_all: bool,
    /// That of a spec on a remote.
    pub(super) lease: Option<&'a Lease>,
    pub(super) state: SpecState,
    pub(super) plan: Plan,
    /// Why tasks.md can't be run.
    pub(super) trouble: Option<String>,
    pub(super) standing: Standing,
    /// The run that has its lock.
    pub(super) holder: Option<Holder>,
    /// The attempt that the state calls running.
    pub(super) running: Option<RunningAttempt>,
    /// Recorded commits that are not in the history of HEAD any more: a person may rewrite it.
    pub(super) lost: Vec<LostCommit>,
    /// The command of git or tmux that the run waits for.
    pub(super) busy: Option<BusyCommand>,
    /// Its work tree, where it has one of its own.
    pub(super) tree: Option<ShownTree>,
    /// What all runs of it waited for.
    pub(super) waited: Vec<(&'static str, Duration)>,
}

/// An attempt that the state calls running.
pub(super) struct RunningAttempt {
    pub(super) unit: String,
    pub(super) attempt: AttemptRecord,
    pub(super) doing: AtWork,
    /// How many commands of `[verify]` follow it.
    pub(super) checks: usize,
}

impl<'a> SpecStatus<'a> {
    /// Looks where a spec stands. `lease`: that of a spec on a remote.
    pub(super) fn look(project: &'a Project, place: &'a SpecPlace, lease: Option<&'a Lease>) -> Result<Self> {
        let (store, config) = (place.store(), &project.loaded.config);
        let mut state = project.state_of(place, lease)?;
        // an older version did not
        state.sum_up();
        let (tasks, trouble) = place.shown_tasks()?;
        let plan = shown_plan(place, config, &tasks, &state, Timestamp::now());
        let holder = lock::holder(&store.run_lock()).or_else(|| own_tree::maker(place));
        let running = RunningAttempt::find(&store, &state, &plan);
        let alive = running.as_ref().is_some_and(|running| running.doing == AtWork::Agent);
        let runs = holder.is_some() || lease.is_some_and(Lease::is_held);
        let standing = Standing::of(runs, &state, &plan, alive);
        Ok(Self {
            lists_all: project.verbosity > 0,
            standing,
            busy: BusyFile::new(&store.folder()).look().filter(|_| holder.is_some()),
            lost: lost(place, config, &state),
            tree: shown_tree(place),
            waited: waits(&store),
            place,
            config,
            lease,
            state,
            plan,
            trouble,
            holder,
            running,
        })
    }

    /// Whether tasks.md leaves open what is to be done.
    pub(super) fn is_unclear(&self) -> bool {
        self.trouble.is_some() && self.standing.rests()
    }
}

impl RunningAttempt {
    fn find(store: &Store, state: &SpecState, plan: &Plan) -> Option<Self> {
        let (unit, attempt) = state.running()?;
        let step = plan.steps.iter().find(|step| step.unit == *unit);
        Some(Self {
            unit: unit.to_owned(),
            attempt: attempt.clone(),
            doing: AtWork::look(&store.attempt_dir(state.folder(unit), attempt.number), attempt),
            checks: step.map_or(0, |step| step.settings.verify.len()),
        })
    }
}

/// What all runs of the spec waited for.
fn waits(store: &Store) -> Vec<(&'static str, Duration)> {
    let log = nofollow::read(&store.events_path(), WHOLE_MAX).unwrap_or_default();
    waits_of_all_runs(&events::read(&String::from_utf8_lossy(&log)), Timestamp::now())
}

fn lost(place: &SpecPlace, config: &Config, state: &SpecState) -> Vec<LostCommit> {
    if config.git.history == HistoryRule::Off {
        return Vec::new();
    }
    // where git does not answer, there is nothing to note
    let found = RunRepository::of_run(place, config, &Supervisor::default()).ok().flatten();
    found.and_then(|found| lost_commits(found.repository(), state).ok()).unwrap_or_default()
}
