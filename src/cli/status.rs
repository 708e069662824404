//! `seqorch status`: shows the progress of a spec.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Global;
use super::global::{output, stdout};
use super::overview::{Overview, Unnamed, spec_for};
use super::project::{Project, warn_of_lost_tree};
use super::remote_view;
use super::spec_status::SpecStatus;
use super::{status_json, status_lines};
use crate::agent::sanitise::harmless;
use crate::error::Result;
use crate::fleet::lease::Lease;
use crate::plan::Selection;
use crate::project::SpecPlace;

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Spec: its name, its folder or its file [default: the only spec, or the one that runs or waits].
    spec: Option<PathBuf>,
    /// Print one JSON object instead; with --watch one per event.
    #[arg(long)]
    json: bool,
    /// Show it as a remote has it [default: remote.name, or origin].
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "", conflicts_with = "watch")]
    remote: Option<String>,
    /// Show it live. Without a terminal (in a pipe, in CI), print one line per event until the run ends.
    #[arg(short, long)]
    watch: bool,
}

pub(super) fn status(global: &Global, args: &StatusArgs) -> Result<u8> {
    let project = Project::open_to_look(global, args.spec.as_deref())?;
    let asked = args.spec.as_deref();
    if args.watch {
        let spec = spec_for(&project, asked, Unnamed::Shows)?;
        let place = project.place(&spec, Selection::default())?;
        super::watch::watch(global, &project, &place, None, None, args.json)?;
        return Ok(0);
    }
    if let Some(remote) = &args.remote {
        let place = project.place(&project.spec(asked)?, Selection::default())?;
        let shown = remote_view::look(&project, &place, remote)?;
        return of_spec(&project, &shown.place, args.json, None, Some(&shown.lease));
    }
    let Some(all) = Overview::unnamed(&project, asked) else {
        let place = project.place(&project.spec(asked)?, Selection::default())?;
        warn_of_lost_tree(&place);
        return of_spec(&project, &place, args.json, None, None);
    };
    let first = all.first();
    if !args.json {
        let mut out = stdout();
        let _ = all.write(&mut out, first, usize::MAX);
        let _ = match first {
            Some(_) => writeln!(out),
            None => writeln!(out, "\nNone of them ever ran. Start one with: seqorch run {}", all.example()),
        };
    }
    match first.and_then(|first| first.place.as_ref()) {
        Some(place) => {
            warn_of_lost_tree(place);
            of_spec(&project, place, args.json, Some(&all), None)
        }
        None if args.json => {
            let value = json!({ "spec": null, "specs": all.json() });
            let _ = writeln!(stdout(), "{}", harmless(&format!("{value:#}")));
            Ok(0)
        }
        None => Ok(0),
    }
}

/// Prints the progress of one spec; with `--json` also where the others stand, if `all` knows them.
/// `lease`: that of a spec on a remote.
fn of_spec(
    project: &Project,
    place: &SpecPlace,
    as_json: bool,
    all: Option<&Overview>,
    lease: Option<&Lease>,
) -> Result<u8> {
    let status = SpecStatus::look(project, place, lease)?;
    if as_json {
        let value = status_json::value(&status, all);
        let _ = writeln!(stdout(), "{}", harmless(&format!("{value:#}")));
    } else {
        status_lines::write(&mut output(), &status);
    }
    Ok(0)
}
