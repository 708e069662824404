//! `seqorch when`: prints when a run can continue, for schedulers.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::Global;
use super::global::{complain, stdout};
use super::project::{Project, warn_of_tasks};
use super::remote_view;
use crate::agent::sanitise::harmless;
use crate::config::HaltOrSkip;
use crate::error::{ErrorKind, Result};
use crate::fleet::lease::Lease;
use crate::plan::Selection;
use crate::project::current_plan::plan_beside_needs;
use crate::project::{SpecPlace, own_tree};
use crate::report::text::sanitise_line;
use crate::report::times::to_the_second;
use crate::spec::TaskFile;
use crate::state::SpecState;
use crate::state::next_start::{LeftWork, NextStart};
use crate::store::lock;

#[derive(Debug, Args)]
#[command(
    after_help = "Prints one line: a time (RFC 3339, in UTC), or `now`; `later` while a run of this machine works on it; `never` if nothing is left for an agent, or if a person \
is needed first, also to fix tasks.md: then the exit code is 2. A run that ended with exit code 75 since limit.wait is false leaves a time."
)]
pub(super) struct WhenArgs {
    /// Spec: its name, its folder or its file [default: the only spec].
    spec: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Go by what a remote has of the spec [default: remote.name, or origin].
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    remote: Option<String>,
}

pub(super) fn when(global: &Global, args: &WhenArgs) -> Result<u8> {
    let project = Project::open_to_look(global, args.spec.as_deref())?;
    let place = project.place(&project.spec(args.spec.as_deref())?, Selection::default())?;
    let keeps = project.loaded.config.remote.name.clone().or_else(|| own_tree::remote_of(&place));
    let asked = args.remote.as_deref().or(keeps.as_deref());
    let shown = match asked.map(|remote| remote_view::look(&project, &place, remote)) {
        // a run has yet to begin there
        Some(Err(error)) if error.kind() == ErrorKind::NoSpec => None,
        shown => shown.transpose()?,
    };
    let place = shown.as_ref().map_or(&place, |shown| &shown.place);
    let state = project.state(place)?;
    let (tasks, trouble) = place.shown_tasks()?;
    if let Some(trouble) = &trouble {
        warn_of_tasks(trouble);
    }
    let at_work = RunAtWork::find(place, shown.as_ref().map(|shown| &shown.lease));
    let next = match &trouble {
        // a person has to fix the file first
        Some(_) => NextStart::Needed,
        None => next_start(&project, place, &tasks, &state, at_work.as_ref()),
    };
    let (word, at, code) = words(next);
    let waits_for = at_work.filter(|_| word == "later").map(|run| run.who);
    let needs_you = next == NextStart::Needed;
    let line = if args.json {
        let value = json!({ "schema": 1, "spec": place.name, "start": word, "resume_at": at, "waits_for": waits_for, "needs_you": needs_you, "tasks_error": trouble });
        harmless(&format!("{value:#}"))
    } else {
        if let Some(who) = &waits_for {
            complain(&format!("note: {} works on {} now\n", sanitise_line(who), sanitise_line(&place.name)));
        }
        at.unwrap_or_else(|| word.to_owned())
    };
    let _ = writeln!(stdout(), "{line}");
    Ok(code)
}

/// The run that works on a spec now, and holds back the next one.
pub(super) struct RunAtWork {
    /// Which one, for people.
    pub(super) who: String,
    /// When its lease ends; `None`: it is on this machine, and has none.
    until: Option<Timestamp>,
}

impl RunAtWork {
    /// Finds it. `lease`: the one on the remote, where the spec is shown as that has it.
    pub(super) fn find(place: &SpecPlace, lease: Option<&Lease>) -> Option<Self> {
        let Some(lease) = lease else {
            let holder = lock::holder(&place.store().run_lock())?;
            let who = format!("process {} on {}", holder.pid, holder.host);
            return Some(Self { who, until: None });
        };
        // a machine that is gone does not renew it
        let until = lease.holds_until(Timestamp::now())?;
        Some(Self { who: lease.who(), until: Some(until) })
    }
}

/// When a run of the spec can continue.
pub(super) fn next_start(
    project: &Project,
    place: &SpecPlace,
    tasks: &TaskFile,
    state: &SpecState,
    at_work: Option<&RunAtWork>,
) -> NextStart {
    let config = &project.loaded.config;
    let now = Timestamp::now();
    let is_begun = state.running().is_some() || state.unchecked().is_some();
    let left = LeftWork {
        has_steps: is_begun || !super::plan::current(place, config, tasks, state).steps.is_empty(),
        has_other_steps: is_begun || !plan_beside_needs(place, config, tasks, state, now).steps.is_empty(),
        skips_questions: config.run.on_halt == HaltOrSkip::Skip,
        skips_failures: config.run.on_failure == HaltOrSkip::Skip,
    };
    let next = NextStart::of(state, left, now);
    at_work.map_or(next, |run| next.beside_run(run.until))
}

/// The word for it, its time, and the exit code.
pub(super) fn words(next: NextStart) -> (&'static str, Option<String>, u8) {
    match next {
        NextStart::Now => ("now", None, 0),
        NextStart::At(at) => ("later", Some(to_the_second(at)), 0),
        NextStart::AfterRun => ("later", None, 0),
        NextStart::Done => ("never", None, 0),
        NextStart::Needed => ("never", None, 2),
    }
}
