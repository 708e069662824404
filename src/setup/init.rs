//! `seqorch init`: writes a first `seqorch.toml`, and a skill that teaches agents to call seqorch.

use std::fs;
use std::path::{Path, PathBuf};

use super::draft;
use super::project_facts::{InitChoices, ProjectFacts};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::files;

/// The name of the project's configuration.
const CONFIG: &str = "seqorch.toml";
/// Where agents look for the skill.
const SKILL: &str = ".claude/skills/seqorch/SKILL.md";
const SKILL_TEXT: &str = include_str!("skill.md");

/// What `init` should write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InitOptions {
    /// Whether to replace existing files.
    pub force: bool,
    /// Whether to write the skill as well.
    pub skill: bool,
}

/// Whether the project has a configuration of its own. A dangling link counts as one.
#[must_use]
pub fn has_configuration(root: &Path) -> bool {
    fs::symlink_metadata(root.join(CONFIG)).is_ok()
}

/// What `init` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitResult {
    /// The files that it wrote.
    pub written: Vec<PathBuf>,
    /// The files that existed and stay as they are.
    pub kept: Vec<PathBuf>,
}

/// Writes the files from what was found in the project and what was chosen. `config` holds the settings that apply before.
///
/// Without `force` an existing configuration stays, and a skill that differs from this version's is an error, because it
/// would teach an agent something else. Everything is checked before the first file is written.
pub fn init(
    root: &Path,
    config: &Config,
    facts: &ProjectFacts,
    choices: &InitChoices,
    options: InitOptions,
) -> Result<InitResult> {
    let text = draft::draft(facts, choices, &config.run.spec_root.to_string_lossy(), &config.run.backend);
    let mut result = InitResult { written: Vec::new(), kept: Vec::new() };
    let mut writes = Vec::new();
    let own = root.join(CONFIG);
    if !has_configuration(root) || options.force {
        writes.push((own, text));
    } else {
        result.kept.push(own);
    }
    if options.skill {
        let skill = root.join(SKILL);
        match fs::read_to_string(&skill) {
            Ok(text) if text == SKILL_TEXT => result.kept.push(skill),
            Err(_) if fs::symlink_metadata(&skill).is_err() => writes.push((skill, SKILL_TEXT.to_owned())),
            _ if options.force => writes.push((skill, SKILL_TEXT.to_owned())),
            _ => {
                let message =
                    format!("{} exists already and differs from this version's skill", skill.display());
                return Err(Error::new(ErrorKind::Usage, message).hint("`--force` replaces it."));
            }
        }
    }
    for (path, text) in writes {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| Error::io("creating", folder, e))?;
        }
        files::replace(&path, text.as_bytes(), 0o644)?;
        result.written.push(path);
    }
    Ok(result)
}
