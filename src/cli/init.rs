//! `seqorch init`: a first configuration.

use std::io::Write;
use std::path::Path;

use clap::Args;

use super::Global;
use super::project::Folders;
use crate::config::{self, LoadRequest};
use crate::error::Result;
use crate::setup::init::{Wish, init};

#[derive(Debug, Args)]
#[command(
    after_help = "Looks at the specs, the installed agents and the tests of the project. What is there already stays as \
                  it is without --force."
)]
pub(super) struct InitArgs {
    /// Replace what is there.
    #[arg(long)]
    force: bool,
    /// Also write .claude/skills/seqorch/SKILL.md, which teaches agents to call seqorch and what to report.
    #[arg(long)]
    skill: bool,
}

pub(super) fn init_project(global: &Global, args: &InitArgs) -> Result<u8> {
    let Folders { mut root, cwd } = Folders::find(global, None)?;
    // Kiro keeps a folder in the home folder, which makes that no project
    if std::env::var_os("HOME").is_some_and(|home| root == Path::new(&home)) {
        root = cwd;
    }
    // what is in force without files of the project's own: a broken one may be the reason for a new one
    let request = LoadRequest {
        root: "/dev/null".into(),
        env: std::env::vars_os()
            .filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?)))
            .collect(),
        ..LoadRequest::default()
    };
    let defaults = config::load(&request)?.config;
    let done = init(&root, &defaults, Wish { force: args.force, skill: args.skill })?;
    let mut out = anstream::stdout();
    for path in &done.kept {
        let _ = writeln!(out, "kept     {}, which was there already (--force replaces it)", path.display());
    }
    for path in &done.written {
        let _ = writeln!(out, "written  {}", path.display());
    }
    let spec = done.survey.specs.first().and_then(|(_, names)| names.first());
    let spec = spec.map_or_else(|| "SPEC".to_owned(), |name| crate::report::text::shell_word(name));
    let _ = writeln!(out, "Next: seqorch doctor, then seqorch plan {spec} --dry-run");
    Ok(0)
}
