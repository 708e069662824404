//! `seqorch init`: writes a first configuration.

use std::io::Write;
use std::path::Path;

use clap::Args;

use super::global::Global;
use super::project::find_folders;
use crate::config::{self, LoadRequest};
use crate::error::Result;
use crate::project::project_folders::ProjectFolders;
use crate::report::text::shell_word;
use crate::setup::init::{InitOptions, init};

#[derive(Debug, Args)]
#[command(
    after_help = "It looks for specs, installed agents and tests in the project. Existing files stay as they are without --force."
)]
pub(super) struct InitArgs {
    /// Replace existing files.
    #[arg(long)]
    force: bool,
    /// Also write .claude/skills/seqorch/SKILL.md, which teaches agents to call seqorch and to report its results.
    #[arg(long)]
    skill: bool,
}

pub(super) fn init_project(global: &Global, args: &InitArgs) -> Result<u8> {
    let ProjectFolders { mut root, cwd } = find_folders(global, None)?;
    // Kiro keeps a folder in the home folder, but that does not make the home folder a project
    if std::env::var_os("HOME").is_some_and(|home| root == Path::new(&home)) {
        root = cwd;
    }
    // without the project's own files: one of them may be broken, which may be the reason for a new one
    let request = LoadRequest {
        root: "/dev/null".into(),
        env: std::env::vars_os()
            .filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?)))
            .collect(),
        ..LoadRequest::default()
    };
    let defaults = config::load(&request)?.config;
    let result = init(&root, &defaults, InitOptions { force: args.force, skill: args.skill })?;
    let mut out = anstream::stdout();
    for path in &result.kept {
        let _ = writeln!(out, "kept     {} (exists already; --force replaces it)", path.display());
    }
    for path in &result.written {
        let _ = writeln!(out, "written  {}", path.display());
    }
    let spec = result.facts.specs.first().and_then(|(_, names)| names.first());
    let spec = spec.map_or_else(|| "SPEC".to_owned(), |name| shell_word(name));
    let _ = writeln!(
        out,
        "Next: `seqorch doctor` checks the setup, `seqorch plan {spec} --dry-run` shows what would run."
    );
    Ok(0)
}
