//! Runs the program: which function runs each verb.

use clap::FromArgMatches;

use super::command_line::{Cli, Verb, command};
use super::global::{ColorChoice, Global, complain, lost_output};
use super::{
    attach, backends, complete, completions, config, diff, doctor, export, forget, help, hidden, home, init,
    limits, logs, man, mark, note, notify, pause, plan, report, resume, run, say, serve, specs, status, stop,
    talk, trust, undo, usage, watch, when,
};
use crate::error::Result;
use crate::sys::signals;

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
        Err(error) => return printed(usage::report(error, &command())),
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
        Ok(code) => printed(code),
        Err(error) => {
            complain(&error.render());
            signals::exit_code(error.kind())
        }
    }
}

/// The exit code of a verb that ended with `code`, unless what it printed is lost.
fn printed(code: u8) -> u8 {
    let Some(error) = lost_output() else { return code };
    complain(&error.render());
    error.kind().exit_code()
}

fn dispatch(global: &Global, verb: Option<Verb>) -> Result<u8> {
    let Some(verb) = verb else { return home::home(global) };
    match verb {
        Verb::Run(args) => run::run(global, &args),
        Verb::Plan(args) => plan::plan(global, &args),
        Verb::Specs(args) => specs::specs(global, &args),
        Verb::Status(args) => status::status(global, &args),
        Verb::When(args) => when::when(global, &args),
        Verb::Export(args) => export::export(global, &args),
        Verb::Report(args) => report::report(global, &args),
        Verb::Serve(args) => serve::serve(global, &args),
        Verb::Attach(args) => attach::attach(global, &args),
        Verb::Logs(args) => logs::logs(global, &args),
        Verb::Diff(args) => diff::diff(global, &args),
        Verb::Stop(args) => stop::stop(global, &args),
        Verb::Pause(args) => pause::pause(global, &args),
        Verb::Resume(args) => resume::resume(global, &args),
        Verb::Note(args) => note::note(global, &args),
        Verb::Say(args) => say::say(global, &args),
        Verb::Talk(args) => talk::talk(global, &args),
        Verb::Mark(args) => mark::mark(global, &args),
        Verb::Undo(args) => undo::undo(global, &args),
        Verb::Forget(args) => forget::forget(global, &args),
        Verb::Init(args) => init::init_project(global, &args),
        Verb::Notify(args) => notify::notify(global, &args),
        Verb::Trust(args) => trust::trust(global, &args),
        Verb::Doctor(args) => doctor::doctor(global, &args),
        Verb::Backends(args) => backends::backends(global, &args),
        Verb::Config(args) => config::config(global, &args),
        Verb::Limits(args) => limits::limits(global, &args),
        Verb::Completions(args) => Ok(completions::completions(&args)),
        Verb::Man(args) => man::man(&command(), &args),
        Verb::Help(args) => help::help(&command(), &args),
        Verb::View(args) => watch::view(global, &args),
    }
}
