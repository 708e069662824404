//! `seqorch stop`: stops a run after its current step, or now.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Global;
use super::global::output;
use super::overview::{Unnamed, spec_for};
use super::project::Project;
use crate::error::Result;
use crate::plan::Selection;
use crate::project::SpecPlace;
use crate::report::text::{sanitise_line, spec_command};
use crate::run::active_run::{self, ActiveRun, RetryNow};
use crate::store::spec_store::Store;

/// How long a run may take to end after the grace of its agent.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(super) struct StopArgs {
    /// Spec: its name, its folder or its file [default: the only spec, or the one that runs].
    spec: Option<PathBuf>,
    /// End the agent now instead of letting it finish its task.
    #[arg(long)]
    now: bool,
    /// Take back a stop after the current step.
    #[arg(long, conflicts_with = "now")]
    cancel: bool,
    /// Ask for the stop, and do not wait for the end of the step.
    #[arg(long, conflicts_with_all = ["now", "cancel"])]
    no_wait: bool,
}

pub(super) fn stop(global: &Global, args: &StopArgs) -> Result<u8> {
    let project = Project::open_to_look(global, args.spec.as_deref())?;
    let spec = spec_for(&project, args.spec.as_deref(), Unnamed::Stops)?;
    let place = project.place(&spec, Selection::default())?;
    let store = place.store();
    let patience = project.loaded.config.timeout.grace.saturating_add(PATIENCE);
    let run = ActiveRun::find_from_its_start(&place, &store, "stop")?;
    match &run {
        Some(run) if args.cancel => {
            run.keep_running()?;
            print(&place, &format!("process {} was asked to continue after its current step", run.pid()));
            return Ok(0);
        }
        Some(run) if args.now => {
            let at_work = shown_attempt(&store)?;
            run.end(patience)?;
            print_end(&project, &place, at_work.as_deref())?;
        }
        Some(run) => {
            stop_after_step(&project, &place, run, !args.no_wait)?;
            return Ok(0);
        }
        None => {}
    }
    let at_work = shown_attempt(&store)?;
    if args.now && active_run::end_orphans(&place, &store, patience)? {
        let what = at_work.unwrap_or_else(|| "an agent that the state does not know".to_owned());
        let again = spec_command("run", &place.typed, "");
        let text = format!("{what} worked without a run and was ended; `{again}` starts it again");
        print(&place, &text);
    } else if run.is_none() {
        print(
            &place,
            &match at_work {
                Some(what) => format!(
                    "no run is active, but {what} is still at work; `{}` ends it, `{}` takes it over",
                    spec_command("stop", &place.typed, "--now"),
                    spec_command("run", &place.typed, "")
                ),
                None => "nothing is running".to_owned(),
            },
        );
    }
    Ok(0)
}

/// Asks a run that waits for a limit to try at once, and prints what it does. `false`: no run is active.
pub(super) fn retry_now(place: &SpecPlace) -> Result<bool> {
    let store = place.store();
    let Some(run) = ActiveRun::find(&store, "resume --now")? else { return Ok(false) };
    let pid = run.pid();
    let text = match run.retry_now()? {
        RetryNow::KeepsPace(rule) => {
            format!("process {pid} still waits for {}; it has forgotten its limits", sanitise_line(&rule))
        }
        RetryNow::NotWaiting => "the run does not wait; its next step starts without a pause".to_owned(),
        RetryNow::Retries(reason) => {
            let reason = sanitise_line(&reason);
            format!("process {pid} stopped waiting ({reason}); retrying now")
        }
        RetryNow::Suspended => {
            format!("process {pid} is suspended; it will retry when it continues (`fg`)")
        }
        RetryNow::NotYet => format!("process {pid} was asked to retry now and has not reacted yet"),
    };
    print(place, &text);
    Ok(true)
}

/// Asks for the end of the run after its current step, and waits for it where `waits` says so.
fn stop_after_step(project: &Project, place: &SpecPlace, run: &ActiveRun<'_>, waits: bool) -> Result<()> {
    let store = &place.store();
    let step = shown_attempt(store)?.map_or_else(String::new, |what| format!(" after {what}"));
    run.stop_after_step()?;
    let mut asked = format!("process {} was asked to stop{step}", run.pid());
    if run.is_suspended() {
        asked.push_str("; it is suspended and will react when it continues (`fg`)");
    }
    if !waits || active_run::is_inside_an_attempt(store) {
        // an agent that waited for the end of its own step would wait for ever
        print(place, &asked);
        return Ok(());
    }
    print(place, &format!("{asked}; waiting for its end"));
    run.wait_for_end();
    print_end(project, place, None)
}

/// Prints that the run has ended, and how many steps are left. `ended` is the attempt that ended with it.
fn print_end(project: &Project, place: &SpecPlace, ended: Option<&str>) -> Result<()> {
    let with = ended.map_or_else(String::new, |what| format!(", and {what} with it"));
    let mut state = place.store().load()?;
    // the run has ended even if tasks.md cannot be read
    let left = place.good_tasks().map_or_else(
        |_| String::new(),
        |(_, tasks)| {
            let config = &project.loaded.config;
            place.follow(config, &tasks, &mut state);
            match super::plan::current(place, config, &tasks, &state).steps.len() {
                0 => "; no step is left".to_owned(),
                1 => "; 1 step is left".to_owned(),
                n => format!("; {n} steps are left"),
            }
        },
    );
    print(place, &format!("the run has ended{with}{left}"));
    Ok(())
}

fn print(place: &SpecPlace, text: &str) {
    let mut out = output();
    let _ = writeln!(out, "{}: {text}", sanitise_line(&place.name)).and_then(|()| out.flush());
}

/// The attempt that works now, as texts name it.
fn shown_attempt(store: &Store) -> Result<Option<String>> {
    let at_work = active_run::attempt_at_work(store)?;
    Ok(at_work.map(|(unit, number)| format!("task {} (attempt {number})", sanitise_line(&unit))))
}
