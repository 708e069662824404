//! Where paths lead, over links too.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// Whether a path leads out of a folder. What does not exist yet is taken as it is written.
#[must_use]
pub fn leads_out(folder: &Path, path: &Path) -> bool {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    !real(&folder.join(path)).starts_with(folder)
}

/// The path without links and `..`, as far as it exists.
#[must_use]
pub fn real(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                found.pop();
            }
            Component::CurDir => {}
            part => {
                found.push(part);
                found = fs::canonicalize(&found).unwrap_or(found);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_dots_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap().join("project");
        fs::create_dir_all(root.join("app")).unwrap();
        std::os::unix::fs::symlink("/etc", root.join("away")).unwrap();
        std::os::unix::fs::symlink("app", root.join("near")).unwrap();
        for (path, out) in [
            ("app", false),
            ("app/../app/new", false),
            ("near/../x", false),
            ("new/deep", false),
            ("..", true),
            ("app/../../other", true),
            ("away", true),
            ("away/new", true),
            ("/etc/passwd", true),
        ] {
            assert_eq!(leads_out(&root, Path::new(path)), out, "{path}");
        }
    }
}
