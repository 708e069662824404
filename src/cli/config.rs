//! `seqorch config`: shows and explains the configuration.

use std::io::Write;

use clap::{Args, Subcommand};

use super::global::Global;
use super::project::Project;
use crate::agent::sanitise::harmless;
use crate::config::json_schema::json_schema;
use crate::config::{explain, pages};
use crate::error::Result;
use crate::plan::prompt::{BUILT_IN, REVIEW};

#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    verb: ConfigVerb,
}

#[derive(Debug, Subcommand)]
enum ConfigVerb {
    /// Print the merged configuration and where each value comes from.
    Show {
        /// Section or key [default: all].
        key: Option<String>,
    },
    /// Explain a key: its value, source, default and meaning.
    Explain {
        /// Key, like run.delay.
        key: String,
    },
    /// Print a seqorch.toml with all keys and their defaults.
    #[command(
        after_help = "seqorch.toml.example is this text. Make it again after a change of the keys:\n  \
                      seqorch config example > seqorch.toml.example"
    )]
    Example,
    /// Print the reference of all keys, in Markdown.
    #[command(
        after_help = "docs/configuration.md is this text. Make it again after a change of the keys:\n  \
                      seqorch config reference > docs/configuration.md"
    )]
    Reference,
    /// Print the JSON Schema of seqorch.toml, for completion in editors.
    #[command(after_help = "Save it next to seqorch.toml and name it on the first line of that file:\n  \
                      seqorch config schema > seqorch.schema.json\n  #:schema ./seqorch.schema.json")]
    Schema,
    /// Print the built-in prompt template and the values that it can use.
    #[command(after_help = "Change a copy of it and name the copy in prompt.template:\n  \
                      seqorch config template > prompt.md.j2\n\n\
                      `seqorch plan --prompt ID` prints the prompt of a task.")]
    Template {
        /// Print that of a review, for review.template.
        #[arg(long)]
        review: bool,
    },
}

pub(super) fn config(global: &Global, args: &ConfigArgs) -> Result<u8> {
    let loaded = || -> Result<_> { Ok(Project::open(global, Vec::new(), None)?.loaded) };
    let text = match &args.verb {
        ConfigVerb::Show { key } => explain::show(&loaded()?, key.as_deref())?,
        ConfigVerb::Explain { key } => explain::explain(&loaded()?, key)?,
        // these work without a project, and with a broken configuration
        ConfigVerb::Example => pages::example(),
        ConfigVerb::Reference => pages::reference(),
        ConfigVerb::Schema => format!("{:#}\n", json_schema()),
        ConfigVerb::Template { review: true } => REVIEW.to_owned(),
        ConfigVerb::Template { review: false } => BUILT_IN.to_owned(),
    };
    let _ = anstream::stdout().write_all(harmless(&text).as_bytes());
    Ok(0)
}
