//! The whole command line: all verbs, and what their help shows.

use clap::{CommandFactory, Parser, Subcommand};

use super::global::Global;
use super::{
    attach, backends, completions, config, diff, doctor, examples, export, forget, help, init, limits, logs,
    man, mark, note, notify, pause, plan, report, resume, run, say, serve, specs, status, stop, talk, trust,
    undo, watch, when,
};

#[derive(Debug, Parser)]
#[command(
    name = "seqorch",
    version,
    about,
    disable_help_subcommand = true,
    after_help = "`seqorch help help` lists the topics of the documentation.\n\n\
                  Exit codes of run: 0 all complete or all that was selected, 1 iteration limit reached or time up, 2 needs you, 64 usage error, \
                  65 invalid tasks.md, 66 no such spec, 69 agent or tool missing, 70 internal error, \
                  75 try again later: another run is active, or a limit that is not waited for, 78 invalid or untrusted configuration, 130 interrupted, 143 terminated."
)]
/// All that a person can type.
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
/// The verbs.
pub(super) enum Verb {
    /// Run the open tasks of a spec, one after another.
    Run(run::RunArgs),
    /// Show what would run, in which order, and why.
    Plan(plan::PlanArgs),
    /// List the specs of the project and their progress.
    Specs(specs::SpecsArgs),
    /// Show the progress of a spec.
    Status(status::StatusArgs),
    /// Print when a run can continue, for schedulers.
    When(when::WhenArgs),
    /// Summarise the last run.
    Report(report::ReportArgs),
    /// Pack state, logs and report of a spec for a bug report, without secrets.
    Export(export::ExportArgs),
    /// Show the specs as a page, to look and answer from a phone.
    Serve(serve::ServeArgs),
    /// Open the tmux session of a run in this terminal.
    Attach(attach::AttachArgs),
    /// Print what a task's agent and its checks printed.
    Logs(logs::LogsArgs),
    /// Show what a task changed.
    Diff(diff::DiffArgs),
    /// Stop a run after its current step, or now.
    Stop(stop::StopArgs),
    /// Let no step start, for a while or until `resume --now`.
    Pause(pause::PauseArgs),
    /// Answer an agent's question and continue the run.
    Resume(resume::ResumeArgs),
    /// Write a note that the next prompt of a task has.
    Note(note::NoteArgs),
    /// Say something to the agent of a task while it works.
    Say(say::SayArgs),
    /// Open the session of a task's agent and talk to it.
    Talk(talk::TalkArgs),
    /// Mark a task done, to do or skipped.
    Mark(mark::MarkArgs),
    /// Revert the changes of a done task and mark it to do.
    Undo(undo::UndoArgs),
    /// Remove what is kept of a spec's runs: snapshots, results and logs.
    Forget(forget::ForgetArgs),
    /// Write a first seqorch.toml that fits the project.
    Init(init::InitArgs),
    /// Send yourself a message, to see that it arrives.
    Notify(notify::NotifyArgs),
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
    Man(man::ManArgs),
    /// Print a page of the documentation, or the options of a verb.
    Help(help::HelpArgs),
    #[command(name = watch::VERB, hide = true)]
    View(watch::ViewArgs),
}

impl Verb {
    /// Whether a variable that means nothing is a mistake that a person should see.
    pub(super) fn uses_configuration(&self) -> bool {
        !matches!(self, Self::View(_) | Self::Completions(_) | Self::Man(_) | Self::Help(_))
    }
}

/// The command line with everything that its help shows.
pub(super) fn command() -> clap::Command {
    examples::with_examples(Cli::command())
}
