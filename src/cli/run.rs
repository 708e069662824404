//! `seqorch run`: runs the open tasks of one spec or several.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;

use super::flags::{TASKS, Work};
use super::global::{complain, output};
use super::project::warn_of_lost_tree;
use super::spec_run::{LeaseFlags, SpecRun};
use super::trust::TrustFlag;
use super::{Global, watch};
use crate::config::HaltOrSkip;
use crate::error::{Error, ErrorKind, Result};
use crate::report::text::{command_line, plural};
use crate::run::detached::{self, DetachRequest, DetachedPaths};
use crate::run::inbox::Inbox;
use crate::run::lifecycle::{self, RunRequest, ViewArgv};
use crate::run::merge_hint::merge_lines;
use crate::run::notes::write_notes;
use crate::run::preflight::preflight;
use crate::run::resume::ResumeRequest;
use crate::run::run_result::RunResult;
use crate::store::lock::Holder;
use crate::sys::signals;

#[derive(Debug, Clone, Args)]
pub(super) struct RunArgs {
    /// Specs to run one after another: names, folders or tasks.md files [default: the only spec].
    #[arg(value_name = "SPEC")]
    specs: Vec<PathBuf>,
    /// Same as SPEC (compatibility).
    #[arg(long, value_name = "PATH")]
    spec: Option<PathBuf>,
    #[command(flatten)]
    work: Work,
    /// Continue the last run with its options: try halted tasks again without an answer, and failed tasks with all their
    /// attempts. A commit that git refused is tried first.
    #[arg(help_heading = TASKS, long)]
    retry: bool,
    /// Forget the options of the last run, such as --only; use only those given here.
    #[arg(help_heading = TASKS, long)]
    all: bool,
    /// A note for the tasks of --only: their next prompt has it, as that of `seqorch note`.
    #[arg(help_heading = TASKS, long, value_name = "TEXT", conflicts_with = "dry_run", requires = "only")]
    hint: Option<String>,
    #[command(flatten)]
    trust: TrustFlag,
    /// Print the plan and start nothing.
    #[arg(long, conflicts_with = "retry")]
    dry_run: bool,
    /// Print events as JSON, one per line, like .seqorch/SPEC/events.jsonl.
    #[arg(long, conflicts_with_all = ["dry_run", "detach"])]
    json: bool,
    /// If another run works on this spec or in this work tree, wait until it ends.
    #[arg(long, conflicts_with = "detach")]
    wait: bool,
    /// With --remote: take the spec over from the machine that has it, which then stops.
    #[arg(long, conflicts_with_all = ["dry_run", "detach"])]
    take_lease: bool,
    /// Ask on the terminal before each task: run it, skip it, edit its prompt, or stop.
    #[arg(long, conflicts_with_all = ["dry_run", "json", "detach"])]
    ask: bool,
    /// Run in the tmux session; you can close this terminal.
    #[arg(long, conflicts_with_all = ["no_tmux", "dry_run"])]
    detach: bool,
    /// The session's main window started this process.
    #[arg(long, hide = true)]
    in_main: bool,
    /// The socket to connect to when the run has begun.
    #[arg(long, hide = true)]
    ready: Option<PathBuf>,
    /// The file with the resume request of a detached run.
    #[arg(long, hide = true, conflicts_with = "retry")]
    resume_file: Option<PathBuf>,
}

/// How to start runs.
#[derive(Debug, Default)]
pub(super) struct StartOptions {
    pub(super) resume: Option<ResumeRequest>,
    /// The file that handed over `resume`.
    pub(super) resume_file: Option<PathBuf>,
    pub(super) wait: bool,
    pub(super) ask: bool,
    pub(super) json: bool,
    pub(super) detach: bool,
    pub(super) in_main: bool,
    pub(super) ready: Option<PathBuf>,
    /// A note for the selected tasks.
    pub(super) hint: Option<String>,
    pub(super) lease: LeaseFlags,
}

pub(super) fn run(global: &Global, args: &RunArgs) -> Result<u8> {
    let ended = run_specs(global, args);
    if let (Err(error), Some(ready)) = (&ended, &args.ready) {
        detached::refuse(ready, error);
    }
    ended
}

fn run_specs(global: &Global, args: &RunArgs) -> Result<u8> {
    let mut specs: Vec<Option<&PathBuf>> = args.specs.iter().chain(args.spec.as_ref()).map(Some).collect();
    if specs.is_empty() {
        specs.push(None);
    }
    if specs.len() > 1 && args.work.names_tasks() {
        return Err(Error::new(ErrorKind::Usage, "--only and --from go with one spec"));
    }
    if args.ask && !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(Error::new(ErrorKind::Usage, "--ask needs a terminal to ask on")
            .hint("Without one, choose tasks with --only, or hold a run back with `seqorch pause`."));
    }
    let resume = match &args.resume_file {
        Some(path) => Some(detached::read_request(path)?),
        None => args.retry.then_some(ResumeRequest::Retry),
    };
    // all specs are found before the first begins: a typo must show now, not in the middle of the night
    let mut runs = Vec::new();
    let trust = (!args.dry_run).then_some(args.trust);
    for spec in specs {
        let keep_options = resume.is_some() && !args.all;
        let spec = spec.map(PathBuf::as_path);
        let run = SpecRun::find(global, &args.work, spec, keep_options, args.detach || args.in_main, trust)?;
        run.note_kept_options();
        runs.push(run);
    }
    if args.dry_run {
        for run in &runs {
            warn_of_lost_tree(&run.place);
            super::plan::show(global, &run.project, &run.place, &run.work)?;
        }
        return Ok(0);
    }
    refuse_for_remote(&runs, args)?;
    let lease = LeaseFlags {
        takes_lease: args.take_lease,
        accepts_branch: resume == Some(ResumeRequest::Retry),
        waits: args.wait,
        leaves_it: args.detach,
    };
    let options = StartOptions {
        resume,
        resume_file: args.resume_file.clone(),
        wait: args.wait,
        ask: args.ask,
        json: args.json,
        detach: args.detach,
        in_main: args.in_main,
        ready: args.ready.clone(),
        hint: args.hint.clone(),
        lease,
    };
    start(&mut runs, &options)
}

/// Refuses what does not go with a lease on a remote.
fn refuse_for_remote(runs: &[SpecRun], args: &RunArgs) -> Result<()> {
    let refuse = |text: &str| Err(Error::new(ErrorKind::Usage, text));
    if !runs.iter().any(SpecRun::is_shared) {
        return if args.take_lease { refuse("--take-lease goes with --remote") } else { Ok(()) };
    }
    if runs.len() > 1 { refuse("--remote goes with one spec: start a run for each") } else { Ok(()) }
}

/// Goes to the work tree of a spec that has one of its own, and makes it where it is missing; leaves the note.
fn enter(run: &mut SpecRun, options: &StartOptions, inbox: Option<&Inbox>) -> Result<()> {
    if run.has_own_tree() && !(options.lease.leaves_it && run.is_shared()) {
        match inbox {
            Some(inbox) => run.enter_own_tree(inbox, options.lease)?,
            None => run.enter_own_tree(&Inbox::open()?, options.lease)?,
        }
    }
    if let Some(hint) = &options.hint {
        write_notes(&run.place, &run.project.loaded.config, &run.place.selection.only.join(","), hint)?;
    }
    Ok(())
}

/// Releases the lease of a run on a remote, also where an error ended it.
fn released(run: &SpecRun, ended: Result<RunResult>) -> Result<RunResult> {
    let Some(remote) = &run.remote else { return ended };
    let code = ended.as_ref().map_or_else(|error| signals::exit_code(error.kind()), |ended| ended.exit_code);
    let code = remote.release(&run.place, &run.project.loaded.config, code);
    let ended = ended?;
    Ok(RunResult { exit_code: code?, ..ended })
}

/// Runs the specs one after another, until one ends so that the settings do not let the others run.
pub(super) fn start(runs: &mut [SpecRun], options: &StartOptions) -> Result<u8> {
    if options.detach {
        let [run] = runs else {
            return Err(Error::new(ErrorKind::Usage, "--detach goes with one spec"));
        };
        enter(run, options, None)?;
        return start_detached(run, options.resume.as_ref());
    }
    let inbox = Inbox::open()?;
    let mut worst = 0;
    for at in 0..runs.len() {
        let ended =
            enter(&mut runs[at], options, Some(&inbox)).and_then(|()| run_one(&runs[at], options, &inbox));
        let (run, left) = (&runs[at], &runs[at + 1..]);
        let ended = match ended {
            Err(error) if !left.is_empty() && lets_others_run(run, &error) => {
                complain(&format!("{}note: {} did not start\n", error.render(), run.place.name));
                worst = worst.max(signals::exit_code(error.kind()));
                continue;
            }
            Err(error) => {
                note_not_started(left, &format!("{} could not run", run.place.name));
                return Err(error);
            }
            Ok(ended) => ended,
        };
        worst = worst.max(ended.exit_code);
        if !options.json {
            for line in merge_lines(&run.place, &run.project.loaded.config) {
                let _ = writeln!(output(), "  {line}");
            }
        }
        if let Some(end) = ended.ends_queue().filter(|_| !left.is_empty()) {
            note_not_started(left, &format!("{} {}", run.place.name, end.why));
            return Ok(end.exit_code);
        }
    }
    Ok(worst)
}

/// Whether an error that kept a spec of a queue from its run is one of that spec alone, and the settings let the others run.
fn lets_others_run(run: &SpecRun, error: &Error) -> bool {
    let is_of_all = matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::Internal | ErrorKind::Usage);
    !is_of_all && run.project.loaded.config.run.on_failure == HaltOrSkip::Skip
}

/// Runs a spec that is in its work tree.
fn run_one(run: &SpecRun, options: &StartOptions, inbox: &Inbox) -> Result<RunResult> {
    let view_argv: ViewArgv<'_> = &|holder: &Holder| watch::argv(&run.global, &run.work, &run.place, holder);
    let trust = run.trust.as_ref().ok_or_else(|| Error::new(ErrorKind::Internal, "a run without trust"))?;
    let ended = lifecycle::run(
        &RunRequest {
            place: &run.place,
            config: &run.project.loaded.config,
            options: &run.options(),
            last_options: run.last.as_deref(),
            times: run.work.times(),
            resume: options.resume.as_ref(),
            resume_file: options.resume_file.as_deref(),
            trust,
            verbosity: run.project.verbosity,
            wait: options.wait,
            ask: options.ask,
            json: options.json,
            view_argv: (!options.in_main).then_some(view_argv),
            remote: run.remote.as_ref(),
            ready: options.ready.as_deref(),
        },
        inbox,
    );
    released(run, ended)
}

/// Names the specs of a queue that are not started, and the command that starts them.
fn note_not_started(left: &[SpecRun], why: &str) {
    if left.is_empty() {
        return;
    }
    let names: Vec<&str> = left.iter().map(|run| run.place.name.as_str()).collect();
    let typed = left.iter().map(|run| run.place.typed.clone());
    let words: Vec<String> = ["seqorch", "run"].map(str::to_owned).into_iter().chain(typed).collect();
    let text = format!("note: not started, since {why}: {}", names.join(", "));
    let _ = writeln!(std::io::stderr(), "{text}; start them with: {}", command_line(&words));
}

fn start_detached(run: &SpecRun, resume: Option<&ResumeRequest>) -> Result<u8> {
    let SpecRun { global, work, place, project, .. } = run;
    let config = &project.loaded.config;
    // where it stands is known once it has the lease
    let plan = if run.is_shared() { None } else { Some(preflight(place, config, resume)?) };
    let view_argv = |paths: &DetachedPaths| -> Vec<OsString> {
        watch::starting_argv(global, work, place, run.detached_argv(paths))
    };
    let may_wait = run.is_shared();
    let attach = detached::start(&DetachRequest { place, config, resume, may_wait, view_argv: &view_argv })?;
    let steps = plan.map_or_else(String::new, |plan| format!("{}, ", plural(plan.steps.len(), "step")));
    let _ = writeln!(output(), "seqorch · {} · {steps}detached · watch: {attach}", place.name);
    Ok(0)
}
