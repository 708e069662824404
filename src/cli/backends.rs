//! `seqorch backends`: the agents that are configured, and what is installed of them.

use std::io::Write;

use clap::Args;

use super::Global;
use super::project::{Project, own_program};
use crate::error::Result;
use crate::setup::backends;

#[derive(Debug, Args)]
#[command(
    after_help = "Each program that is found is run as `PROGRAM --version`, without input, for 5 s at most."
)]
pub(super) struct BackendsArgs {
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn backends(global: &Global, args: &BackendsArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), None)?;
    let listed = backends::list(&project.loaded, &project.root, &own_program()?, |_| true)?;
    let mut out = anstream::stdout();
    if args.json {
        let _ = writeln!(out, "{:#}", serde_json::json!({ "schema": 1, "backends": listed }));
    } else {
        let _ = backends::write(&mut out, &listed, super::terminal_width());
    }
    Ok(0)
}
