//! Finds the specs of a project: all of them, and the one with a name.

use std::fs;
use std::path::{Path, PathBuf};

use super::spec_roots::{ARCHIVE, SPEC_ROOTS};
use crate::error::{Error, ErrorKind, Result};

/// A spec in one of the folders where specs are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSpec {
    /// The name of its folder.
    pub name: String,
    /// Its folder.
    pub dir: PathBuf,
    /// Its folder relative to the project.
    pub shown: String,
}

/// All specs of a project, folder by folder with `spec_root` first, then by name.
#[must_use]
pub fn specs(project: &Path, spec_root: &Path) -> Vec<FoundSpec> {
    let roots = existing_roots(project, Some(spec_root));
    roots.iter().flat_map(|root| specs_in(project, &project.join(root))).collect()
}

/// The folders of tools that hold specs, with the names of the specs.
#[must_use]
pub fn specs_by_root(project: &Path) -> Vec<(String, Vec<String>)> {
    let roots = existing_roots(project, None).into_iter();
    roots
        .map(|root| {
            let specs = specs_in(project, &project.join(&root)).into_iter();
            (root.display().to_string(), specs.map(|spec| spec.name).collect::<Vec<_>>())
        })
        .filter(|(_, names)| !names.is_empty())
        .collect()
}

/// The existing folders that can hold specs, relative to the project and `spec_root` first. Each is listed once, even if
/// links lead to it.
fn existing_roots(project: &Path, spec_root: Option<&Path>) -> Vec<PathBuf> {
    let mut seen = Vec::new();
    let mut roots = Vec::new();
    for root in spec_root.into_iter().chain(SPEC_ROOTS.iter().map(|root| Path::new(root.folder))) {
        let Ok(real) = fs::canonicalize(project.join(root)) else { continue };
        if real.is_dir() && !seen.contains(&real) {
            seen.push(real);
            roots.push(root.to_owned());
        }
    }
    roots
}

fn specs_in(project: &Path, root: &Path) -> Vec<FoundSpec> {
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut found: Vec<FoundSpec> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|dir| dir.join("tasks.md").exists() && dir.strip_prefix(project) != Ok(Path::new(ARCHIVE)))
        .map(|dir| FoundSpec {
            name: dir.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            shown: dir.strip_prefix(project).unwrap_or(&dir).display().to_string(),
            dir,
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The folder of the spec with a name; an error if two specs have it.
pub fn named(project: &Path, spec_root: &Path, name: &Path) -> Result<Option<PathBuf>> {
    let archive = project.join(ARCHIVE);
    let mut found: Vec<PathBuf> = Vec::new();
    for dir in existing_roots(project, Some(spec_root)).iter().map(|root| project.join(root).join(name)) {
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
    Err(Error::new(ErrorKind::NoSpec, format!("{} specs have the name {}", found.len(), name.display()))
        .detail(shown.iter().map(|path| format!("  {path}")).collect::<Vec<_>>().join("\n"))
        .hint(format!("Name the path of the one you mean, such as {}", shown[0])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(specs: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for spec in specs {
            let folder = dir.path().join(spec);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("tasks.md"), "- [ ] 1. A\n").unwrap();
        }
        dir
    }

    #[test]
    fn specs_are_found_in_the_folders_of_all_tools() {
        let folders: Vec<String> = SPEC_ROOTS.iter().map(|root| format!("{}/one", root.folder)).collect();
        let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
        let dir = project(&folders);
        let found = specs(dir.path(), Path::new(".kiro/specs"));
        assert_eq!(found.iter().map(|spec| spec.shown.as_str()).collect::<Vec<_>>(), folders);
        let error = named(dir.path(), Path::new(".kiro/specs"), Path::new("one")).unwrap_err();
        assert!(error.render().contains("7 specs have the name one"), "{}", error.render());
    }

    #[test]
    fn the_configured_folder_comes_first_and_a_linked_folder_counts_once() {
        let dir = project(&["specs/b", "plans/c"]);
        std::os::unix::fs::symlink(dir.path().join("specs"), dir.path().join("spec")).unwrap();
        let found = specs(dir.path(), Path::new("plans"));
        assert_eq!(found.iter().map(|spec| spec.shown.as_str()).collect::<Vec<_>>(), ["plans/c", "specs/b"]);
        assert_eq!(specs_by_root(dir.path()), [("specs".to_owned(), vec!["b".to_owned()])]);
    }

    #[test]
    fn finished_changes_of_openspec_are_not_specs() {
        let dir = project(&["openspec/changes/new", "openspec/changes/archive"]);
        let found = specs(dir.path(), Path::new(".kiro/specs"));
        assert_eq!(found.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>(), ["new"]);
        assert_eq!(named(dir.path(), Path::new(".kiro/specs"), Path::new("archive")).unwrap(), None);
    }
}
