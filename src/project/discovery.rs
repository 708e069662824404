//! Where specs are kept: what the configuration says, and the folders that the tools which write specs have in common.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// Folders of Kiro, spec-kit and OpenSpec, searched beside `run.spec_root`.
pub const USUAL: [&str; 3] = [".kiro/specs", "specs", "openspec/changes"];

/// `OpenSpec` keeps changes that are over in it; none of them is meant by a bare name.
const ARCHIVE: &str = "openspec/changes/archive";

/// A spec that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The name of its folder.
    pub name: String,
    /// Its folder.
    pub dir: PathBuf,
    /// Its folder as a user of the project would name it.
    pub shown: String,
}

/// The folders below a project that can hold specs, `spec_root` first; each once, whatever links lead to it.
fn roots(project: &Path, spec_root: &Path) -> Vec<PathBuf> {
    let mut seen = Vec::new();
    let mut roots = Vec::new();
    for root in std::iter::once(spec_root).chain(USUAL.iter().map(Path::new)) {
        let root = project.join(root);
        let Ok(real) = fs::canonicalize(&root) else { continue };
        if real.is_dir() && !seen.contains(&real) {
            seen.push(real);
            roots.push(root);
        }
    }
    roots
}

/// All folders with a tasks.md where specs are kept, in the order of the places, then by name.
pub fn specs(project: &Path, spec_root: &Path) -> Vec<Found> {
    let roots = roots(project, spec_root);
    roots.iter().flat_map(|root| within(project, root)).collect()
}

fn within(project: &Path, root: &Path) -> Vec<Found> {
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut found: Vec<Found> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|dir| dir.join("tasks.md").exists() && dir.strip_prefix(project) != Ok(Path::new(ARCHIVE)))
        .map(|dir| Found {
            name: dir.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            shown: dir.strip_prefix(project).unwrap_or(&dir).display().to_string(),
            dir,
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The spec that a name means; an error where it means two.
pub fn named(project: &Path, spec_root: &Path, name: &Path) -> Result<Option<PathBuf>> {
    let roots = roots(project, spec_root);
    let archive = project.join(ARCHIVE);
    let mut found: Vec<PathBuf> = Vec::new();
    for dir in roots.iter().map(|root| root.join(name)) {
        let same = |other: &PathBuf| fs::canonicalize(other).ok() == fs::canonicalize(&dir).ok();
        if dir.join("tasks.md").exists() && dir != archive && !found.iter().any(same) {
            found.push(dir);
        }
    }
    if found.len() < 2 {
        return Ok(found.pop());
    }
    let shown: Vec<String> =
        found.iter().map(|dir| dir.strip_prefix(project).unwrap_or(dir).display().to_string()).collect();
    Err(Error::new(ErrorKind::NoSpec, format!("{} is the name of {} specs", name.display(), found.len()))
        .detail(shown.iter().map(|path| format!("  {path}")).collect::<Vec<_>>().join("\n"))
        .hint(format!("Name the path of the one that is meant: {}", shown[0])))
}

/// The places that were searched, for an error.
pub fn searched(project: &Path, spec_root: &Path) -> String {
    let mut names = vec![spec_root.display().to_string()];
    for usual in USUAL {
        if !names.iter().any(|name| name == usual) {
            names.push(usual.to_owned());
        }
    }
    let last = names.pop().unwrap_or_default();
    format!("{} and {last} of {}", names.join(", "), project.display())
}
