//! `seqorch config`: shows and explains the configuration.

use std::io::Write;

use clap::{Args, Subcommand};

use super::global::{Global, stdout};
use super::project::{Project, find_folders, load_request};
use crate::agent::sanitise::harmless;
use crate::config::json_schema::json_schema;
use crate::config::{self, explain, pages};
use crate::error::Result;
use crate::git::call::Supervisor;
use crate::plan::prompt::{BUILT_IN, REVIEW};
use crate::report::text::sanitise_line;
use crate::setup::fetch_presets::{FetchedPreset, fetch_presets};

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
    /// Get the presets that `extends` takes from repositories of git, as seqorch.lock pins them.
    #[command(
        after_help = "git fetches them into your cache, with your own login; no other command uses the network for that. What is not \
                      pinned yet is pinned to the commit of its tag now. Commit seqorch.lock, so that all of your team have \
                      the same."
    )]
    Fetch,
    /// Pin the presets of `extends` to what their tags and branches are now.
    #[command(
        after_help = "seqorch.lock then has the new commits, and addresses that no file names any more leave it. What a preset makes \
                      run is asked about again by the next run, where it changed."
    )]
    Update,
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
        ConfigVerb::Fetch => return fetch(global, false),
        ConfigVerb::Update => return fetch(global, true),
        ConfigVerb::Show { key } => explain::show(&loaded()?, key.as_deref())?,
        // what a key means helps most while a file is broken
        ConfigVerb::Explain { key } => explain::explain(&Project::open_to_look(global, None)?.loaded, key)?,
        // these work without a project, and with a broken configuration
        ConfigVerb::Example => pages::example(),
        ConfigVerb::Reference => pages::reference(),
        ConfigVerb::Schema => format!("{:#}\n", json_schema()),
        ConfigVerb::Template { review: true } => REVIEW.to_owned(),
        ConfigVerb::Template { review: false } => BUILT_IN.to_owned(),
    };
    let _ = stdout().write_all(harmless(&text).as_bytes());
    Ok(0)
}

/// Fetches presets, says what happened to each, and then checks the whole configuration.
fn fetch(global: &Global, newest: bool) -> Result<u8> {
    let folders = find_folders(global, None)?;
    let request = load_request(global, &folders.root, &folders.cwd);
    let starting = &mut |address: &str| {
        let _ = writeln!(anstream::stderr(), "fetching {}", sanitise_line(address));
    };
    let fetched = fetch_presets(&request, newest, &Supervisor::default(), starting)?;
    let mut out = stdout();
    for preset in &fetched {
        let _ = writeln!(out, "{}", sanitise_line(&words(preset)));
    }
    config::load(&request)?;
    // one that is broken may name some
    if fetched.is_empty() {
        let _ = writeln!(out, "no file takes a preset from a repository of git");
    }
    Ok(0)
}

fn words(preset: &FetchedPreset) -> String {
    let short = |commit: &String| commit.chars().take(12).collect::<String>();
    let FetchedPreset { address, before, now } = preset;
    match (before, now) {
        (_, None) => format!("removed    {address}, which no file names any more"),
        (None, Some(now)) => format!("pinned     {address} to {}", short(now)),
        (Some(before), Some(now)) if before == now => format!("unchanged  {address} at {}", short(now)),
        (Some(before), Some(now)) => format!("moved      {address} from {} to {}", short(before), short(now)),
    }
}
