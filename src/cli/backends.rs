//! `seqorch backends`: lists the configured agents and which of them are installed.

use std::io::Write;

use clap::Args;

use super::global::{Global, stdout, terminal_width};
use super::project::Project;
use crate::agent::sanitise::harmless;
use crate::error::Result;
use crate::setup::backend_list;

#[derive(Debug, Args)]
#[command(
    after_help = "Each program that is found outside of the project is run as `PROGRAM --version`, without input and for at most 10 s."
)]
pub(super) struct BackendsArgs {
    /// Print the list as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn backends(global: &Global, args: &BackendsArgs) -> Result<u8> {
    let project = Project::open_to_look(global, None)?;
    let listed = backend_list::list(&project.loaded, &project.root, |_| true)?;
    let mut out = stdout();
    if args.json {
        let json = format!("{:#}", serde_json::json!({ "schema": 1, "backends": listed }));
        let _ = writeln!(out, "{}", harmless(&json));
    } else {
        let _ = backend_list::write(&mut out, &listed, terminal_width());
    }
    Ok(0)
}
