//! A commit with the changes of one task and nothing else.

use std::collections::HashSet;
use std::path::Path;

use super::index_backup::IndexBackup;
use super::repository::work_tree;
use super::runner::{PATHS_PER_CALL, run};
use super::status::are_unchanged;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::files;

/// Commits these paths (from the top of the repository) as they are now, and nothing else. Hooks run. Returns the commit's
/// id, or `None` if there was nothing to commit.
///
/// What else is staged stays staged. If there is no commit, the index is as it was before.
pub fn commit(dir: &Path, paths: &[String], message: &str) -> Result<Option<String>> {
    let top = work_tree(dir).map_err(|printed| git_error("rev-parse", &printed))?;
    let folder =
        tempfile::tempdir().map_err(|e| Error::io("creating a folder in", &std::env::temp_dir(), e))?;
    // where a link replaced a folder, the folder's files are gone, and git must not look behind the link
    let visible: Vec<&str> =
        paths.iter().map(String::as_str).filter(|path| !is_behind_link(&top, path)).collect();
    let backup = IndexBackup::take(&top);
    let added = add(&top, folder.path(), &visible);
    let backup = backup.map(IndexBackup::note_changes);
    let committed = added.and_then(|()| commit_added(&top, folder.path(), &visible, message));
    // without a commit these files must not stay in the index, or the user's next commit would take them
    if !matches!(committed, Ok(Some(_))) && !backup.is_some_and(|backup| backup.restore()) {
        unstage(&top, paths);
    }
    committed
}

/// Adds files to the index as they are.
fn add(top: &Path, folder: &Path, paths: &[&str]) -> Result<()> {
    // git refuses the whole call if one path matches nothing. That is the case for a path that an agent removed from the
    // index itself (`git mv`), and for a new file that is gone again.
    let in_index = known_to_git(top, &[], paths);
    let exists = |path: &&str| in_index.contains(*path) || top.join(path).symlink_metadata().is_ok();
    let paths: Vec<&str> = paths.iter().copied().filter(exists).collect();
    if !paths.is_empty() && run(top, &with_paths(folder, &["add", "--all"], &paths)?).is_err() {
        // one unreadable file must not keep the others out
        let _ = run(top, &with_paths(folder, &["add", "--all", "--ignore-errors"], &paths)?);
    }
    Ok(())
}

fn commit_added(top: &Path, folder: &Path, paths: &[&str], message: &str) -> Result<Option<String>> {
    let in_head = known_to_git(top, &["--with-tree=HEAD"], paths);
    let paths: Vec<&str> = paths.iter().copied().filter(|path| in_head.contains(*path)).collect();
    if paths.chunks(PATHS_PER_CALL).all(|chunk| are_unchanged(top, chunk)) {
        return Ok(None);
    }
    let file = folder.join("message");
    files::replace(&file, message.as_bytes(), 0o600)?;
    let file = file.display().to_string();
    let args = with_paths(folder, &["commit", "--quiet", "--file", &file, "--cleanup=verbatim"], &paths)?;
    run(top, &args).map_err(|printed| git_error("commit", &printed))?;
    Ok(run(top, &["rev-parse", "HEAD"]).ok())
}

fn git_error(verb: &str, printed: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("git {verb} failed"))
        .detail(format!("  {}", printed.trim().replace('\n', "\n  ")))
}

/// The arguments of a call with any number of paths, which git reads from a file and does not take for patterns.
fn with_paths(folder: &Path, verb: &[&str], paths: &[&str]) -> Result<Vec<String>> {
    let list = folder.join("paths");
    files::replace(&list, paths.join("\0").as_bytes(), 0o600)?;
    let mut args = vec!["--literal-pathspecs".to_owned()];
    args.extend(verb.iter().map(ToString::to_string));
    args.extend([format!("--pathspec-from-file={}", list.display()), "--pathspec-file-nul".to_owned()]);
    Ok(args)
}

/// Those of these files that are in git's index, or in what `also` adds to it.
fn known_to_git(top: &Path, also: &[&str], paths: &[&str]) -> HashSet<String> {
    let mut known = HashSet::new();
    for chunk in paths.chunks(PATHS_PER_CALL) {
        let list = |also: &[&str]| {
            run(top, &[&["--literal-pathspecs", "ls-files", "-z"], also, &["--"], chunk].concat())
        };
        // before the first commit there is only the index
        let list = list(also).or_else(|_| list(&[])).unwrap_or_default();
        known.extend(list.split('\0').map(str::to_owned));
    }
    known
}

/// Whether a folder on the way to a file is a link.
fn is_behind_link(top: &Path, path: &str) -> bool {
    let mut folders = Path::new(path).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    folders.any(|folder| top.join(folder).is_symlink())
}

/// Takes files out of the index. The files themselves stay.
fn unstage(top: &Path, paths: &[String]) {
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    for chunk in paths.chunks(PATHS_PER_CALL) {
        // it fails for paths that are neither in the index nor in the last commit, where nothing is to be done
        let _ = run(top, &[&["--literal-pathspecs", "reset", "--quiet", "--"], chunk].concat());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::git::old::status::uncommitted_files;
    use crate::git::old::testing::{paths, repo};

    #[test]
    fn only_the_named_paths_are_committed_and_staged_files_stay_staged() {
        let dir = repo();
        let at = dir.path();
        for name in ["mine.txt", "staged.txt", "odd *name.txt"] {
            fs::write(at.join(name), name).unwrap();
        }
        run(at, &["add", "staged.txt"]).unwrap();
        let id = commit(at, &paths(&["mine.txt", "odd *name.txt"]), "1: Do it\n").unwrap().unwrap();
        let names = run(at, &["show", "--name-only", "--format=%s", &id]).unwrap();
        assert_eq!(names, "1: Do it\n\nmine.txt\nodd *name.txt");
        assert_eq!(uncommitted_files(at).unwrap(), ["staged.txt"]);
        assert_eq!(run(at, &["diff", "--cached", "--name-only"]).unwrap(), "staged.txt");
        assert_eq!(commit(at, &paths(&["mine.txt"]), "again").unwrap(), None);
    }

    #[test]
    fn a_deleted_file_is_committed_as_deleted() {
        let dir = repo();
        let at = dir.path();
        fs::write(at.join("a"), "a").unwrap();
        commit(at, &paths(&["a"]), "add").unwrap().unwrap();
        fs::remove_file(at.join("a")).unwrap();
        assert!(commit(at, &paths(&["a"]), "delete").unwrap().is_some());
        assert_eq!(run(at, &["ls-files"]).unwrap(), "");
    }

    #[test]
    fn files_that_an_agent_moved_or_removed_with_git_are_committed() {
        let dir = repo();
        let at = dir.path();
        for name in ["source", "dead"] {
            fs::write(at.join(name), name).unwrap();
        }
        commit(at, &paths(&["source", "dead"]), "add").unwrap().unwrap();
        for args in [&["mv", "source", "new"][..], &["rm", "-q", "dead"]] {
            run(at, args).unwrap();
        }
        fs::write(at.join("made"), "made").unwrap();
        let id = commit(at, &paths(&["dead", "made", "new", "never", "source"]), "x").unwrap().unwrap();
        let names = run(at, &["show", "--no-renames", "--name-status", "--format=", &id]).unwrap();
        assert_eq!(names, "D\tdead\nA\tmade\nA\tnew\nD\tsource");
        assert_eq!(uncommitted_files(at).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_folder_that_became_a_link_is_committed_as_the_link_alone() {
        let dir = repo();
        let at = dir.path();
        for folder in ["d", "e"] {
            fs::create_dir(at.join(folder)).unwrap();
            fs::write(at.join(folder).join("x"), folder).unwrap();
        }
        commit(at, &paths(&["d/x", "e/x"]), "add").unwrap().unwrap();
        fs::remove_dir_all(at.join("d")).unwrap();
        std::os::unix::fs::symlink("e", at.join("d")).unwrap();
        let id = commit(at, &paths(&["d", "d/x"]), "x").unwrap().unwrap();
        let names = run(at, &["show", "--name-status", "--format=", &id]).unwrap();
        assert_eq!(names, "A\td\nD\td/x");
        assert_eq!(uncommitted_files(at).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn the_first_commit_of_a_repository_may_be_a_tasks() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        for args in [&["init", "-q"][..], &["config", "user.name", "t"], &["config", "user.email", "t@x"]] {
            run(at, args).unwrap();
        }
        fs::write(at.join("a"), "a").unwrap();
        assert!(commit(at, &paths(&["a", "came and went"]), "x").unwrap().is_some());
        assert_eq!(run(at, &["ls-tree", "-r", "--name-only", "HEAD"]).unwrap(), "a");
    }

    #[test]
    fn a_refusing_hook_is_an_error_with_the_hooks_output() {
        let dir = repo();
        let at = dir.path();
        let hook = at.join(".git/hooks/pre-commit");
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(&hook, "#!/bin/sh\necho not like this >&2\nexit 1\n").unwrap();
        fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        fs::write(at.join("a"), "a").unwrap();
        let error = commit(at, &paths(&["a"]), "x").unwrap_err().render();
        assert!(error.contains("not like this"), "{error}");
        assert_eq!(run(at, &["log", "--format=%s"]).unwrap(), "first");
        assert_eq!(run(at, &["status", "--porcelain"]).unwrap(), "?? a", "the index is as it was");
    }

    /// A repository with a file whose index, tree and last commit all differ, and a hook that is this script.
    fn half_staged(hook: &str) -> tempfile::TempDir {
        let dir = repo();
        let at = dir.path();
        fs::write(at.join("f"), "first\n").unwrap();
        commit(at, &paths(&["f"]), "add").unwrap().unwrap();
        for text in ["staged\n", "later\n"] {
            fs::write(at.join("f"), text).unwrap();
            if text == "staged\n" {
                run(at, &["add", "f"]).unwrap();
            }
        }
        fs::write(at.join("made"), "x").unwrap();
        let path = at.join(".git/hooks/pre-commit");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{hook}\n")).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        dir
    }

    #[test]
    fn a_refused_commit_leaves_staged_changes_staged() {
        let dir = half_staged("exit 1");
        let at = dir.path();
        let before = run(at, &["ls-files", "--stage"]).unwrap();
        for _ in 0..2 {
            commit(at, &paths(&["f", "made"]), "x").unwrap_err();
            assert_eq!(run(at, &["ls-files", "--stage"]).unwrap(), before);
            assert_eq!(run(at, &["status", "--porcelain"]).unwrap(), "MM f\n?? made");
            assert_eq!(run(at, &["show", ":f"]).unwrap(), "staged");
        }
        assert!(!at.join(".git/index.lock").exists());
    }
}
