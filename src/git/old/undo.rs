//! The way back: a task's changes are reverted in the files.

use std::path::Path;

use super::change::FileChange;
use super::diff::changes;
use super::repository::{NOT_OURS, work_tree};
use super::runner::{run, run_for_bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::files;

/// Reverts in the files what changed from one tree to another, and returns these changes. If one of the files has changed
/// since, this is an error and no file is touched.
///
/// `tasks`, the spec's tasks.md, is left out: other tasks' marks stand beside this task's mark and are not a conflict.
pub fn undo(dir: &Path, from: &str, to: &str, tasks: &Path) -> Result<Vec<FileChange>> {
    let Some(mut list) = changes(dir, from, to) else { return Err(trees_missing()) };
    let top = work_tree(dir).unwrap_or_else(|_| dir.to_owned());
    let tasks = tasks.canonicalize().ok();
    let tasks = tasks.as_deref().and_then(|path| path.strip_prefix(top.canonicalize().ok()?).ok());
    let tasks = tasks.map(|path| path.display().to_string());
    list.retain(|change| tasks.as_ref() != Some(&change.path));
    if list.is_empty() {
        return Ok(list);
    }
    let mut diff: Vec<String> =
        ["diff-tree", "-r", "-p", "--binary", "--full-index", "--no-renames", from, to, "--"]
            .map(str::to_owned)
            .to_vec();
    diff.extend(NOT_OURS.map(str::to_owned));
    diff.extend(tasks.map(|path| format!(":(exclude,top,literal){path}")));
    let folder =
        tempfile::tempdir().map_err(|e| Error::io("creating a folder in", &std::env::temp_dir(), e))?;
    let patch = folder.path().join("patch");
    let bytes = run_for_bytes(&top, &diff).map_err(|printed| changed_since(&printed))?;
    files::replace(&patch, &bytes, 0o600)?;
    let patch = patch.display().to_string();
    for mode in [&["--check"][..], &[]] {
        let args = [&["apply", "--reverse", "--whitespace=nowarn"], mode, &[patch.as_str()]].concat();
        run(&top, &args).map_err(|printed| changed_since(&printed))?;
    }
    Ok(list)
}

fn trees_missing() -> Error {
    Error::new(
        ErrorKind::Human,
        "git no longer has the files as they were before and after the task, so they cannot be restored",
    )
    .hint(
        "Nothing was changed. Undo the task by hand, with `git revert` if it is committed; then set it to do again with \
         `seqorch mark`.",
    )
}

fn changed_since(printed: &str) -> Error {
    Error::new(ErrorKind::Human, "files of the task have changed since, so they cannot be restored")
        .detail(format!("  {}", printed.trim().replace('\n', "\n  ")))
        .hint("Nothing was changed. Undo the later changes first, or commit or stash them.")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::git::old::snapshot::{keep_tree, snapshot};
    use crate::git::old::testing::repo;

    #[test]
    fn undo_restores_all_files_unless_one_has_changed_since() {
        let dir = repo();
        let at = dir.path();
        fs::write(at.join("old"), "old\n").unwrap();
        let before = snapshot(at).unwrap();
        fs::write(at.join("old"), "new\n").unwrap();
        fs::write(at.join("made"), [0, 1, 2, 255]).unwrap();
        let after = snapshot(at).unwrap();
        keep_tree(at, Path::new("/p/.seqorch/demo"), "1-before", &before).unwrap();
        fs::write(at.join("old"), "newer\n").unwrap();
        assert!(undo(at, &before, &after, Path::new("tasks.md")).is_err());
        assert!(at.join("made").exists(), "no file was touched");
        fs::write(at.join("old"), "new\n").unwrap();
        assert_eq!(undo(at, &before, &after, Path::new("tasks.md")).unwrap().len(), 2);
        assert_eq!(fs::read_to_string(at.join("old")).unwrap(), "old\n");
        assert!(!at.join("made").exists());
    }

    #[test]
    fn undo_of_trees_that_git_no_longer_has_is_an_error() {
        let dir = repo();
        let at = dir.path();
        let before = snapshot(at).unwrap();
        fs::write(at.join("made"), "x").unwrap();
        let after = snapshot(at).unwrap();
        run(at, &["gc", "--quiet", "--prune=now"]).unwrap();
        let error = undo(at, &before, &after, Path::new("tasks.md")).unwrap_err().render();
        assert!(error.contains("no longer has") && error.contains("Nothing was changed"), "{error}");
    }
}
