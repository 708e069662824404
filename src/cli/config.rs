//! `seqorch config`: what the configuration says, and why.

use std::io::Write;

use clap::{Args, Subcommand};

use super::Global;
use super::project::Project;
use crate::config::explain;
use crate::config::json_schema::json_schema;
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
    /// Print the JSON Schema of seqorch.toml, with which editors complete and check it.
    #[command(after_help = "Keep it beside your file and name it on that file's first line:\n  \
                      seqorch config schema > seqorch.schema.json\n  #:schema ./seqorch.schema.json")]
    Schema,
}

pub(super) fn config(global: &Global, args: &ConfigArgs) -> Result<u8> {
    if let What::Schema = args.what {
        // needs no project, and none that is whole
        let _ = writeln!(anstream::stdout(), "{:#}", json_schema());
        return Ok(0);
    }
    let project = Project::open(global, Vec::new(), None)?;
    let text = match &args.what {
        What::Show { key } => explain::show(&project.loaded, key.as_deref())?,
        What::Explain { key } => explain::explain(&project.loaded, key)?,
        What::Schema => String::new(),
    };
    let _ = anstream::stdout().write_all(text.as_bytes());
    Ok(0)
}
