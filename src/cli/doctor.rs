//! `seqorch doctor`: checks the setup and suggests fixes.

use std::io::Write;

use clap::Args;

use super::global::{Fitting, Global, stdout};
use super::project::{Project, find_folders};
use super::trust::trusted_for_this_call;
use crate::agent::sanitise::harmless;
use crate::error::Result;
use crate::plan::Selection;
use crate::project::discovery::FoundSpec;
use crate::run::trust::{RunTrust, one_line};
use crate::setup::doctor::{DoctorSubject, TrustState, check_setup};
use crate::setup::findings;

#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is written, no agent works on a task and no network is used; agents are only run with --version, \
                  and only programs outside of the project.\n\
                  Exit codes: 0 no problem (there may be warnings), 78 the configuration is wrong, 69 an agent or another \
                  program that the configuration uses is missing, 2 another problem."
)]
pub(super) struct DoctorArgs {
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn doctor(global: &Global, args: &DoctorArgs) -> Result<u8> {
    let root = find_folders(global, None)?.root;
    let project = Project::open(global, Vec::new(), None);
    // a broken configuration hides no run
    let looked = project.is_err().then(|| Project::open_silently(global, None).ok()).flatten();
    let specs = project.as_ref().ok().or(looked.as_ref()).map_or_else(Vec::new, places);
    let trust = project.as_ref().ok().and_then(trust_state);
    let subject = DoctorSubject {
        trust: trust.as_ref(),
        root: &root,
        loaded: project.as_ref().map(|project| &project.loaded),
        specs: &specs,
    };
    let found = check_setup(&subject)?;
    let mut out = stdout();
    if args.json {
        let _ = writeln!(out, "{}", harmless(&format!("{:#}", findings::json(&found))));
    } else {
        let _ = findings::write(&mut Fitting(out), &found);
    }
    Ok(findings::exit_code(&found))
}

/// What of the project is trusted, as far as that can be known.
fn trust_state(project: &Project) -> Option<TrustState> {
    let trust = RunTrust::of(project.request.clone(), &project.loaded, &project.root).ok()?;
    let file = trust.file().ok()?;
    let trust = trust.compared_with(&project.loaded, &file);
    let new = trust.new_settings(file.trusted(&trust.choice()));
    let untrusted =
        if trusted_for_this_call() { Vec::new() } else { new.into_iter().map(one_line).collect() };
    Some(TrustState { settings: trust.settings.len(), untrusted })
}

/// All specs that the user can name.
fn places(project: &Project) -> Vec<Result<(crate::project::SpecPlace, crate::store::spec_store::Store)>> {
    let place = |found: FoundSpec| {
        let place = project.place(&found.dir, Selection::default())?;
        let store = place.store();
        Ok((place, store))
    };
    project.specs().into_iter().map(place).collect()
}
