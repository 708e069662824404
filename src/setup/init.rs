//! `seqorch init`: writes a first `seqorch.toml`, and a skill that teaches agents to call seqorch.

use std::fs;
use std::path::{Path, PathBuf};

use super::draft;
use super::survey::{self, Survey};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::files;

/// Name of the project's file.
const CONFIG: &str = "seqorch.toml";
/// Where agents look for the skill.
const SKILL: &str = ".claude/skills/seqorch/SKILL.md";
const SKILL_TEXT: &str = include_str!("skill.md");

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Replace what is there.
    pub force: bool,
    /// The skill, too.
    pub skill: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Files that were written.
    pub written: Vec<PathBuf>,
    /// Files that were there and stay as they are.
    pub kept: Vec<PathBuf>,
    /// What the project told.
    pub survey: Survey,
}

/// Looks at the project and writes. A file that is there is replaced only if that is wished. A configuration stays; a skill
/// that is not this version's is an error, since an agent would not be taught what was asked for. Nothing is half done:
/// all is checked before the first is written.
pub fn init(root: &Path, config: &Config, wish: Wish) -> Result<Done> {
    let survey = survey::look(root, config);
    let text = draft::draft(&survey, &config.run.spec_root.to_string_lossy(), &config.run.backend);
    let mut done = Done { written: Vec::new(), kept: Vec::new(), survey };
    let mut writes = Vec::new();
    let own = root.join(CONFIG);
    // a dangling link is there, too
    if fs::symlink_metadata(&own).is_err() || wish.force {
        writes.push((own, text));
    } else {
        done.kept.push(own);
    }
    if wish.skill {
        let skill = root.join(SKILL);
        match fs::read_to_string(&skill) {
            Ok(text) if text == SKILL_TEXT => done.kept.push(skill),
            Err(_) if fs::symlink_metadata(&skill).is_err() => writes.push((skill, SKILL_TEXT.to_owned())),
            _ if wish.force => writes.push((skill, SKILL_TEXT.to_owned())),
            _ => {
                let what = format!("{} is there already, and was left as it is", skill.display());
                return Err(Error::new(ErrorKind::Usage, what).hint("`--force` replaces it."));
            }
        }
    }
    for (path, text) in writes {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| Error::io("creating", folder, e))?;
        }
        files::replace(&path, text.as_bytes(), 0o644)?;
        done.written.push(path);
    }
    Ok(done)
}
