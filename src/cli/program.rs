//! The whole command line: all verbs, and which function runs each.

use std::io::Write;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::global::{ColorChoice, Global};
use super::{
    attach, backends, complete, completions, config, diff, doctor, examples, forget, help, hidden, home,
    init, limits, logs, mark, plan, report, resume, run, specs, status, stop, trust, undo, usage, watch,
};
use crate::error::Result;
use crate::report::theme;

#[derive(Debug, Parser)]
#[command(
    name = "seqorch",
    version,
    about,
    disable_help_subcommand = true,
    after_help = "`seqorch help help` lists the topics of the documentation.\n\n\
                  Exit codes of run: 0 all complete, 1 iteration limit reached, 2 needs you, 64 usage error, \
                  65 invalid tasks.md, 66 no such spec, 69 agent or tool missing, 70 internal error, \
                  75 another run is active, 78 invalid or untrusted configuration, 130 interrupted, 143 terminated."
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the open tasks of a spec, one after another.
    Run(run::RunArgs),
    /// Show what would run, in which order, and why.
    Plan(plan::PlanArgs),
    /// List the specs of the project and their progress.
    Specs(specs::SpecsArgs),
    /// Show the progress of a spec.
    Status(status::StatusArgs),
    /// Summarise the last run.
    Report(report::ReportArgs),
    /// Open the tmux session of a run in this terminal.
    Attach(attach::AttachArgs),
    /// Print what a task's agent and its checks printed.
    Logs(logs::LogsArgs),
    /// Show what a task changed.
    Diff(diff::DiffArgs),
    /// Stop a run after its current step, or now.
    Stop(stop::StopArgs),
    /// Answer an agent's question and continue the run.
    Resume(resume::ResumeArgs),
    /// Mark a task done, to do or skipped.
    Mark(mark::MarkArgs),
    /// Revert the changes of a done task and mark it to do.
    Undo(undo::UndoArgs),
    /// Remove what is kept of a spec's runs: snapshots, results and logs.
    Forget(forget::ForgetArgs),
    /// Write a first seqorch.toml that fits the project.
    Init(init::InitArgs),
    /// Trust the settings of the project that run programs.
    Trust(trust::TrustArgs),
    /// Check the setup and suggest fixes.
    Doctor(doctor::DoctorArgs),
    /// List the configured agents and which of them are installed.
    Backends(backends::BackendsArgs),
    /// Show and explain the configuration.
    Config(config::ConfigArgs),
    /// Test how a message about a limit is understood.
    Limits(limits::LimitsArgs),
    /// Print a completion script for a shell.
    Completions(completions::CompletionsArgs),
    /// Print or write the man pages.
    Man(completions::ManArgs),
    /// Print a page of the documentation, or the options of a verb.
    Help(help::HelpArgs),
    #[command(name = watch::VERB, hide = true)]
    View(watch::ViewArgs),
}

impl Verb {
    /// Whether a variable that means nothing is a mistake that a person should see.
    fn uses_configuration(&self) -> bool {
        !matches!(self, Self::View(_) | Self::Completions(_) | Self::Man(_) | Self::Help(_))
    }
}

/// The command line with everything that its help shows.
pub(super) fn command() -> clap::Command {
    examples::with_examples(Cli::command())
}

/// Runs the program and returns its exit code.
#[must_use]
pub fn main() -> u8 {
    // a run starts this program twice for each step; building the grammar of all verbs would slow every one of them
    if let Some(code) = hidden::run() {
        return code;
    }
    if complete::answered() {
        return 0;
    }
    let parsed = command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return usage::report(error, &command()),
    };
    match cli.global.color {
        ColorChoice::Auto => {}
        ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
        ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
    }
    if cli.verb.as_ref().is_none_or(Verb::uses_configuration) {
        usage::warn_of_variables();
    }
    match dispatch(&cli.global, cli.verb) {
        Ok(code) => code,
        Err(error) => {
            let _ = write!(anstream::stderr(), "{}", theme::text(&error.render()));
            error.kind().exit_code()
        }
    }
}

fn dispatch(global: &Global, verb: Option<Verb>) -> Result<u8> {
    let Some(verb) = verb else { return home::home(global) };
    match verb {
        Verb::Run(args) => run::run(global, &args),
        Verb::Plan(args) => plan::plan(global, &args),
        Verb::Specs(args) => specs::specs(global, &args),
        Verb::Status(args) => status::status(global, &args),
        Verb::Report(args) => report::report(global, &args),
        Verb::Attach(args) => attach::attach(global, &args),
        Verb::Logs(args) => logs::logs(global, &args),
        Verb::Diff(args) => diff::diff(global, &args),
        Verb::Stop(args) => stop::stop(global, &args),
        Verb::Resume(args) => resume::resume(global, &args),
        Verb::Mark(args) => mark::mark(global, &args),
        Verb::Undo(args) => undo::undo(global, &args),
        Verb::Forget(args) => forget::forget(global, &args),
        Verb::Init(args) => init::init_project(global, &args),
        Verb::Trust(args) => trust::trust(global, &args),
        Verb::Doctor(args) => doctor::doctor(global, &args),
        Verb::Backends(args) => backends::backends(global, &args),
        Verb::Config(args) => config::config(global, &args),
        Verb::Limits(args) => limits::limits(global, &args),
        Verb::Completions(args) => Ok(completions::completions(&args)),
        Verb::Man(args) => completions::man(&command(), &args),
        Verb::Help(args) => help::help(&command(), &args),
        Verb::View(args) => watch::view(global, &args),
    }
}
