//! The command line: one verb per file, no logic.
#![expect(clippy::doc_markdown, reason = "the help shows these comments as they are")]

mod assign;
mod attach;
mod backends;
mod checks;
mod completions;
mod config;
mod detach;
mod doctor;
mod flags;
mod hidden;
mod init;
mod job;
mod limits;
mod logs;
mod mark;
mod plan;
mod printing;
mod project;
mod report;
mod resume;
mod run;
mod specs;
mod status;
mod stop;
mod telling;
mod undo;
mod watch;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::error::{ErrorKind, Result};

/// Work off a spec's tasks one at a time with coding agents, unattended, visibly in tmux.
#[derive(Debug, Parser)]
#[command(
    name = "seqorch",
    version,
    about,
    after_help = "Start with `seqorch plan --dry-run` to see what would run, then `seqorch run`.\n\
                  Exit codes of run: 0 all complete, 1 max iterations reached, 2 a human is needed, 64 usage,\n\
                  65 bad tasks.md, 66 no such spec, 69 agent or tool missing, 70 internal, 75 another run is active,\n\
                  78 bad configuration, 130 interrupted, 143 terminated."
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb takes.
#[derive(Debug, Clone, Args)]
struct Global {
    /// Work as if started in this folder.
    #[arg(short = 'C', value_name = "DIR", global = true)]
    directory: Option<PathBuf>,
    /// Read this file instead of seqorch.toml.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Use `[profile.NAME]` of the configuration.
    #[arg(long, value_name = "NAME", global = true)]
    profile: Option<String>,
    /// Whether to use colours.
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    color: Color,
    /// Say more: which files count, the commands of a run and where their output is kept; twice: each effect, too.
    #[arg(short, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
}

impl Global {
    /// The same for another start of this program in the same folder.
    fn argv(&self) -> Vec<OsString> {
        let mut argv: Vec<OsString> = Vec::new();
        if let Some(dir) = &self.directory {
            argv.extend(["-C".into(), dir.into()]);
        }
        if let Some(file) = &self.config {
            argv.extend(["--config".into(), file.into()]);
        }
        if let Some(name) = &self.profile {
            argv.extend(["--profile".into(), name.into()]);
        }
        let color = match self.color {
            Color::Auto => "auto",
            Color::Always => "always",
            Color::Never => "never",
        };
        argv.extend(["--color".into(), color.into()]);
        argv
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Work off a spec, one step after another.
    Run(run::RunArgs),
    /// Show what would run, in which order, and why.
    Plan(plan::PlanArgs),
    /// List the specs of the project.
    Specs(specs::SpecsArgs),
    /// Show where a spec stands.
    Status(status::StatusArgs),
    /// Tell what a night came to, as text or as a page.
    Report(report::ReportArgs),
    /// Look at the windows of a run.
    Attach(attach::AttachArgs),
    /// Read what an agent printed, and what the checks after it said.
    Logs(logs::LogsArgs),
    /// End a run after its current step, or now.
    Stop(stop::StopArgs),
    /// Go on after an agent asked for a human.
    Resume(resume::ResumeArgs),
    /// Say of a task that it is done, open, or not to be done.
    Mark(mark::MarkArgs),
    /// Take back what a done task changed, and open it again.
    Undo(undo::UndoArgs),
    /// Write a first seqorch.toml that fits the project.
    Init(init::InitArgs),
    /// Check the setup and suggest fixes.
    Doctor(doctor::DoctorArgs),
    /// List the configured agents and which of them are installed.
    Backends(backends::BackendsArgs),
    /// Look at the configuration.
    Config(config::ConfigArgs),
    /// Check what a message about a limit means.
    Limits(limits::LimitsArgs),
    /// Print a completion script for a shell.
    Completions(completions::CompletionsArgs),
    /// Write man pages.
    Man(completions::ManArgs),
    #[command(name = watch::VERB, hide = true)]
    View(watch::ViewArgs),
}

/// Runs the program and gives its exit code.
#[must_use]
pub fn main() -> u8 {
    if let Some(code) = hidden::run() {
        return code;
    }
    let parsed = Cli::command().try_get_matches().and_then(|m| Cli::from_arg_matches(&m));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            // clap's own 2 would read as "a human is needed"
            return if e.use_stderr() { ErrorKind::Usage.exit_code() } else { 0 };
        }
    };
    match cli.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    match dispatch(&cli.global, cli.verb) {
        Ok(code) => code,
        Err(error) => {
            let _ = write!(anstream::stderr(), "{}", error.render());
            error.kind().exit_code()
        }
    }
}

fn dispatch(global: &Global, verb: Verb) -> Result<u8> {
    match verb {
        Verb::Run(args) => run::run(global, &args),
        Verb::Plan(args) => plan::plan(global, &args),
        Verb::Specs(args) => specs::specs(global, &args),
        Verb::Status(args) => status::status(global, &args),
        Verb::Report(args) => report::report(global, &args),
        Verb::Attach(args) => attach::attach(global, &args),
        Verb::Logs(args) => logs::logs(global, &args),
        Verb::Stop(args) => stop::stop(global, &args),
        Verb::Resume(args) => resume::resume(global, &args),
        Verb::Mark(args) => mark::mark(global, &args),
        Verb::Undo(args) => undo::undo(global, &args),
        Verb::Init(args) => init::init_project(global, &args),
        Verb::Doctor(args) => doctor::doctor(global, &args),
        Verb::Backends(args) => backends::backends(global, &args),
        Verb::Config(args) => config::config(global, &args),
        Verb::Limits(args) => limits::limits(global, &args),
        Verb::Completions(args) => Ok(completions::completions(&Cli::command(), &args)),
        Verb::Man(args) => completions::man(&Cli::command(), &args),
        Verb::View(args) => watch::view(global, &args),
    }
}

/// Whether a stream gets colours.
fn colored(global: &Global, stream: &impl std::io::IsTerminal) -> bool {
    match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
    }
}

/// Columns of the terminal, where there is one.
fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(w, _)| usize::from(w.0))
}
