//! `seqorch trust`, and the question before a run: may what the project's settings and hooks say be executed?

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use clap::Args;

use super::global::{Global, output, said_yes};
use super::project::Project;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Selection;
use crate::report::text::plural;
use crate::report::trust::{difference, list};
use crate::run::mark;
use crate::run::trust::RunTrust;

/// The variable that trusts a project for one call.
const VARIABLE: &str = "SEQORCH_TRUST";

#[derive(Debug, Args)]
#[command(
    after_help = "Settings of the project that run programs or reach outside of it have to be trusted once, before a run \
                  uses them: commands and environment of backends, checks, hooks, panes, folders outside, \
                  permission = \"bypass\", a sandbox and its end, and hooks and filters of git. What you trust is kept by content in your state \
                  folder; a change is shown and asked again. Settings in your own config.toml, variables and flags need \
                  no trust."
)]
pub(super) struct TrustArgs {
    /// Only show them, and which are trusted.
    #[arg(long, conflicts_with = "revoke")]
    show: bool,
    /// Trust nothing in this project any more.
    #[arg(long)]
    revoke: bool,
}

/// How a verb that may execute something gets trust.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(super) struct TrustFlag {
    /// Trust the settings of the project that run programs, without a question (see seqorch trust).
    #[arg(long)]
    trust: bool,
}

pub(super) fn trust(global: &Global, args: &TrustArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), None)?;
    let trust = RunTrust::of(project.request.clone(), &project.loaded, &project.root)?;
    let mut file = trust.file()?;
    let trust = trust.compared_with(&project.loaded, &file);
    let mut out = output();
    let root = project.root.display();
    if args.revoke {
        let said = if file.revoke()? { "nothing is trusted any more" } else { "nothing was trusted" };
        let _ = writeln!(out, "{root}: {said}");
        return Ok(0);
    }
    if trust.settings.is_empty() {
        let _ = writeln!(out, "{root}: no setting runs a program or reaches outside of the project");
    }
    if args.show {
        let trusted = file.trusted(&trust.choice());
        let text = list(&trust.settings, |one| if one.is_among(trusted) { "trusted" } else { "new    " });
        let _ = write!(out, "{text}");
        return Ok(0);
    }
    let _ = write!(out, "{}", list(&trust.settings, |_| "+"));
    file.trust(&trust.choice(), &trust.settings)?;
    for found in project.specs() {
        mark::trust_changes(&project.place(&found.dir, Selection::default())?)?;
    }
    if !trust.settings.is_empty() {
        let _ = writeln!(out, "trusted: {}", plural(trust.settings.len(), "setting"));
    }
    Ok(0)
}

/// What a run of the project executes in the work tree of `ground`, once a person trusts it. Without trust, a terminal is
/// asked; elsewhere it is an error.
pub(super) fn required(project: &Project, ground: &Path, flag: TrustFlag) -> Result<RunTrust> {
    let trust = RunTrust::of(project.request.clone(), &project.loaded, ground)?;
    if is_set()? {
        return Ok(trust);
    }
    let mut file = match trust.file() {
        // without a folder for it nothing was ever trusted
        Err(_) if trust.settings.is_empty() => return Ok(trust),
        file => file?,
    };
    let trust = trust.compared_with(&project.loaded, &file);
    let choice = trust.choice();
    let trusted = file.trusted(&choice);
    let new = trust.new_settings(trusted);
    if new.is_empty() {
        return Ok(trust);
    }
    let text = difference(&new, trusted);
    let changed =
        if trusted.is_empty() { "that you have not trusted yet" } else { "that are new or changed" };
    let what = format!("the project has settings {changed}, and they run programs or reach outside of it");
    if flag.trust || ask(&what, &text) {
        file.trust(&choice, &trust.settings)?;
        return Ok(trust);
    }
    Err(Error::new(ErrorKind::Config, what).detail(text).hint(
        "Look at them, then trust them with `seqorch trust` or --trust; SEQORCH_TRUST=1 trusts for one call.",
    ))
}

/// Refuses where git would execute a setting of the repository that is not trusted and whose key `wanted` accepts.
pub(super) fn required_of_git(project: &Project, wanted: impl Fn(&str) -> bool) -> Result<()> {
    let trust = RunTrust::of_git(project.request.clone(), wanted)?;
    if trust.settings.is_empty() || is_set()? {
        return Ok(());
    }
    let file = trust.file()?;
    let trusted = file.trusted(&trust.choice());
    let new = trust.new_settings(trusted);
    if new.is_empty() {
        return Ok(());
    }
    let what = "the repository has settings of git that run programs, and you have not trusted them";
    Err(Error::new(ErrorKind::Config, what)
        .detail(difference(&new, trusted))
        .hint("Look at them, then trust them with `seqorch trust`, or remove them from .git/config."))
}

/// Whether the person trusts the project for this call.
fn is_set() -> Result<bool> {
    let value = std::env::var_os(VARIABLE).unwrap_or_default();
    match value.to_str().map(str::trim) {
        Some("" | "0" | "false" | "no") => Ok(false),
        Some("1" | "true" | "yes") => Ok(true),
        _ => Err(Error::new(ErrorKind::Usage, format!("{VARIABLE} is neither 1 nor 0"))),
    }
}

/// Whether the variable trusts the project for this call, for verbs to which its mistakes are no error.
pub(super) fn trusted_for_this_call() -> bool {
    is_set().unwrap_or(false)
}

/// Asks on the terminal. Elsewhere the answer is no.
fn ask(what: &str, text: &str) -> bool {
    let on_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    on_terminal && said_yes(&format!("{what}:\n{text}Trust them?")).unwrap_or(false)
}
