//! Finds the root of a project.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::spec_roots::root_marks;
use crate::error::{Error, ErrorKind, Result};

/// Where a project is, and where the user works in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFolders {
    /// The root of the project, absolute.
    pub root: PathBuf,
    /// The folder that paths on the command line are relative to.
    pub cwd: PathBuf,
}

impl ProjectFolders {
    /// Finds the project from the folder `here`, or from the one that `-C` names. Without `-C`, the path of a spec says
    /// where its project is.
    pub fn find(here: &Path, directory: Option<&Path>, spec: Option<&Path>) -> Result<Self> {
        let cwd = match directory {
            Some(dir) => real_folder(&here.join(dir)).map_err(|e| {
                Error::new(ErrorKind::Usage, format!("-C: can't open the folder {}", dir.display()))
                    .caused_by(e)
                    .hint(format!("Name a folder that exists; a relative one begins at {}.", here.display()))
            })?,
            None => here.to_owned(),
        };
        let start = spec
            .map(|s| cwd.join(s))
            .and_then(|s| fs::canonicalize(s).ok())
            .filter(|_| directory.is_none())
            .unwrap_or_else(|| cwd.clone());
        let root = root_of(&start).or_else(|| root_of(&cwd)).unwrap_or_else(|| cwd.clone());
        let root = fs::canonicalize(&root).map_err(|e| Error::io("finding", &root, e))?;
        Ok(Self { root, cwd })
    }
}

/// The real path of a folder.
fn real_folder(path: &Path) -> io::Result<PathBuf> {
    let real = fs::canonicalize(path)?;
    if real.is_dir() { Ok(real) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

/// The nearest folder with a seqorch.toml; without one, the nearest folder with a mark of git or of a tool for specs.
///
/// The nearest mark counts, whichever it is, since Kiro also keeps a `.kiro` in the home folder.
fn root_of(start: &Path) -> Option<PathBuf> {
    let has = |dir: &&Path, mark: &str| dir.join(mark).exists();
    let configured = start.ancestors().find(|dir| has(dir, "seqorch.toml"));
    let marked = || start.ancestors().find(|dir| root_marks().any(|mark| has(dir, mark)));
    configured.or_else(marked).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mark_of_a_tool_is_the_root_unless_a_seqorch_toml_is_above() {
        let dir = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(dir.path()).unwrap();
        let inner = top.join("a/b");
        fs::create_dir_all(&inner).unwrap();
        for mark in [".git", ".kiro", ".specify", ".spec-workflow", "openspec/changes"] {
            fs::create_dir_all(top.join("a").join(mark)).unwrap();
            assert_eq!(root_of(&inner), Some(top.join("a")), "{mark}");
            fs::remove_dir_all(top.join("a").join(mark)).unwrap();
        }
        fs::create_dir(inner.join(".git")).unwrap();
        fs::write(top.join("seqorch.toml"), "").unwrap();
        assert_eq!(root_of(&inner), Some(top));
    }

    #[test]
    fn a_path_to_a_spec_finds_its_project_unless_c_names_one() {
        let dir = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(dir.path()).unwrap();
        for project in ["one", "two"] {
            fs::create_dir_all(top.join(project).join(".kiro/specs/demo")).unwrap();
        }
        let spec = Path::new("../two/.kiro/specs/demo");
        let found = ProjectFolders::find(&top.join("one"), None, Some(spec)).unwrap();
        assert_eq!(found, ProjectFolders { root: top.join("two"), cwd: top.join("one") });
        let found = ProjectFolders::find(&top, Some(Path::new("one")), Some(spec)).unwrap();
        assert_eq!(found, ProjectFolders { root: top.join("one"), cwd: top.join("one") });
        assert!(ProjectFolders::find(&top, Some(Path::new("three")), None).is_err());
    }
}
