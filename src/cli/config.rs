//! `seqorch config`: what the configuration says, and why.

use std::io::Write;

use clap::{Args, Subcommand};

use super::Global;
use super::project::Project;
use crate::config::explain;
use crate::config::json_schema::json_schema;
use crate::error::Result;
use crate::plan::prompt::BUILT_IN;

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
    /// Print the built-in template of prompts, with the values and filters that one of your own can use.
    #[command(after_help = "Change a copy of it and name that as prompt.template:\n  \
                      seqorch config template > prompt.md.j2\n\
                      seqorch plan --prompt ID shows what comes of it.")]
    Template,
}

pub(super) fn config(global: &Global, args: &ConfigArgs) -> Result<u8> {
    let loaded = || -> Result<_> { Ok(Project::open(global, Vec::new(), None)?.loaded) };
    let text = match &args.what {
        What::Show { key } => explain::show(&loaded()?, key.as_deref())?,
        What::Explain { key } => explain::explain(&loaded()?, key)?,
        // these need no project, and none that is whole
        What::Schema => format!("{:#}\n", json_schema()),
        What::Template => BUILT_IN.to_owned(),
    };
    let _ = anstream::stdout().write_all(text.as_bytes());
    Ok(0)
}
