//! `seqorch config`: shows and explains the configuration.

use std::io::Write;

use clap::{Args, Subcommand};

use super::global::Global;
use super::project::Project;
use crate::config::json_schema::json_schema;
use crate::config::{explain, pages};
use crate::error::Result;
use crate::plan::prompt::BUILT_IN;

#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    topic: Topic,
}

#[derive(Debug, Subcommand)]
enum Topic {
    /// Print the merged configuration, each value with the place that sets it.
    Show {
        /// Section or key [default: all].
        key: Option<String>,
    },
    /// Explain one key: meaning, value, where it is set, default, type, variable, flag.
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
    /// Print the JSON Schema of seqorch.toml, with which editors complete and check it.
    #[command(after_help = "Keep it next to your file and name it on that file's first line:\n  \
                      seqorch config schema > seqorch.schema.json\n  #:schema ./seqorch.schema.json")]
    Schema,
    /// Print the built-in template of prompts, with the values and filters that one of your own can use.
    #[command(after_help = "Change a copy of it and name that as prompt.template:\n  \
                      seqorch config template > prompt.md.j2\n\
                      seqorch plan --prompt ID prints a prompt that is made from it.")]
    Template,
}

pub(super) fn config(global: &Global, args: &ConfigArgs) -> Result<u8> {
    let loaded = || -> Result<_> { Ok(Project::open(global, Vec::new(), None)?.loaded) };
    let text = match &args.topic {
        Topic::Show { key } => explain::show(&loaded()?, key.as_deref())?,
        Topic::Explain { key } => explain::explain(&loaded()?, key)?,
        // these need no project, and no valid configuration
        Topic::Example => pages::example(),
        Topic::Reference => pages::reference(),
        Topic::Schema => format!("{:#}\n", json_schema()),
        Topic::Template => BUILT_IN.to_owned(),
    };
    let _ = anstream::stdout().write_all(text.as_bytes());
    Ok(0)
}
