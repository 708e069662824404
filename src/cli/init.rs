//! `seqorch init`: writes a first configuration.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use clap::Args;

use super::global::{Global, stdout};
use super::init_questions;
use super::project::find_folders;
use crate::config::{self, LoadRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::project::project_folders::ProjectFolders;
use crate::project::task_lists;
use crate::report::text::{sanitise_line, shell_word};
use crate::report::theme::{BOLD, paint};
use crate::setup::init::{InitOptions, InitResult, has_configuration, init};
use crate::setup::project_facts::{InitChoices, ProjectFacts};
use crate::setup::survey::survey;
use crate::sys::variables::text_variables;

#[derive(Debug, Args)]
#[command(
    after_help = "It looks for specs, installed agents and tests in the project. On a terminal it asks at most three questions: \
                  which agent, which checks, and whether to commit each task; Enter takes what it found. Existing files \
                  stay as they are without --force."
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
    let request = LoadRequest { root: "/dev/null".into(), env: text_variables(), ..LoadRequest::default() };
    let defaults = config::load(&request)?.config;
    let facts = survey(&root, &defaults);
    let options = InitOptions { force: args.force, skill: args.skill };
    let repository = root.ancestors().any(|dir| dir.join(".git").exists());
    let choices = choices(&root, &facts, options, repository)?;
    let result = init(&root, &defaults, &facts, &choices, options)?;
    let mut out = stdout();
    // a reader that is gone is a normal end
    let _ = write(&mut out, &result, &first_spec(&root, &facts), repository);
    Ok(0)
}

/// What a person chooses on a terminal. Elsewhere, and where no configuration is written, nothing is asked.
fn choices(root: &Path, facts: &ProjectFacts, options: InitOptions, repository: bool) -> Result<InitChoices> {
    let (stdin, stderr) = (io::stdin(), io::stderr());
    let writes = options.force || !has_configuration(root);
    if !writes || !stdin.is_terminal() || !stderr.is_terminal() {
        return Ok(InitChoices::default());
    }
    let asked = init_questions::ask(&mut stdin.lock(), &mut anstream::stderr(), facts, repository);
    asked.map_err(|e| Error::new(ErrorKind::Internal, "reading the answers").caused_by(e))
}

/// What a person types for the first spec; `SPEC` where there is none.
fn first_spec(root: &Path, facts: &ProjectFacts) -> String {
    let named = facts.specs.first().and_then(|(_, names)| names.first().cloned());
    let listed = || {
        let list = task_lists::in_folder(root).into_iter().next()?;
        Some(list.strip_prefix(root).unwrap_or(&list).display().to_string())
    };
    named.or_else(listed).map_or_else(|| "SPEC".to_owned(), |name| sanitise_line(&shell_word(&name)))
}

/// Says what was written, what belongs into git, what prompts ask for, and what comes next.
fn write(out: &mut dyn Write, result: &InitResult, spec: &str, repository: bool) -> io::Result<()> {
    for path in &result.kept {
        writeln!(out, "kept     {} (exists already; --force replaces it)", path.display())?;
    }
    for path in &result.written {
        writeln!(out, "written  {}", path.display())?;
    }
    if repository {
        writeln!(out, "\n{} seqorch.toml and your specs.", paint(BOLD, "Commit:"))?;
        writeln!(out, "{} (the folder .seqorch ignores itself)", paint(BOLD, "Add to .gitignore:"))?;
        writeln!(out, "    SEQUENTIAL_STATE.json     progress, beside your specs;")?;
        writeln!(out, "    SEQUENTIAL_PROGRESS.md    commit these two only to share it")?;
        writeln!(out, "    seqorch.local.toml        your own settings")?;
    }
    writeln!(
        out,
        "\n{} prompts ask for a test that fails before each change of code.\n\
         To turn it off, set `skills = []` in [prompt] of seqorch.toml.",
        paint(BOLD, "Test-driven:"),
    )?;
    writeln!(
        out,
        "\n{} `seqorch doctor` checks the setup,\n      `seqorch plan {spec} --dry-run` shows what would run.",
        paint(BOLD, "Next:"),
    )
}
