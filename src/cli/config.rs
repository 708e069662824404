//! `seqorch config`: what the configuration says, and why.

use std::io::Write;

use clap::{Args, Subcommand};

use super::Global;
use super::project::Project;
use crate::config::explain;
use crate::error::Result;

#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the merged configuration, each value with the layer that set it.
    Show {
        /// Only this section or key.
        key: Option<String>,
    },
    /// Tell all about one key: value, layer, file, default, meaning.
    Explain {
        /// The key, like run.delay.
        key: String,
    },
}

pub(super) fn config(global: &Global, args: &ConfigArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), None)?;
    let text = match &args.what {
        What::Show { key } => explain::show(&project.loaded, key.as_deref())?,
        What::Explain { key } => explain::explain(&project.loaded, key)?,
    };
    let _ = anstream::stdout().write_all(text.as_bytes());
    Ok(0)
}
