//! A step in git: the tree before it, its commit, and the way back.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::kept_index::KeptIndex;
use super::{Change, NOT_OURS, git, run, told_changes};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::digest::digest;
use crate::sys::files;

/// Paths in one call of git: a command line holds only so much.
const AT_ONCE: usize = 400;

/// Files with changes that are not committed, our own left out; `None` where there is no repository.
#[must_use]
pub fn dirty(dir: &Path) -> Option<Vec<String>> {
    let mut args = vec!["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--"];
    args.extend(NOT_OURS);
    let list = git(dir, None, &args)?;
    Some(list.split('\0').filter_map(|entry| entry.get(3..)).map(str::to_owned).collect())
}

/// Keeps a tree of the spec whose folder of ours this is from git's cleaning, as its `what`, below `refs/seqorch`.
///
/// All specs of all projects and work trees of a repository share that, and none may let go what another one keeps.
pub fn keep(dir: &Path, folder: &Path, what: &str, tree: &str) -> Option<()> {
    let who = ["-c", "user.name=seqorch", "-c", "user.email=seqorch@localhost"];
    let mut args = who.to_vec();
    args.extend(["commit-tree", tree, "-m", "seqorch: the tree before a step"]);
    let commit = git(dir, None, &args)?;
    let spec = folder.file_name().unwrap_or_default().to_string_lossy();
    let whole = [folder.as_os_str().as_bytes(), what.as_bytes()].join(&0);
    let name: String = format!("{spec}-{what}")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
        .collect();
    git(dir, None, &["update-ref", &format!("refs/seqorch/{name}-{}", digest(&whole)), &commit]).map(drop)
}

/// Commits these paths (from the top of the repository) as they are, and nothing else; what is staged besides stays
/// staged, and where nothing is committed all of it. Hooks run. `None`: there was nothing to commit.
pub fn commit(dir: &Path, paths: &[String], message: &str) -> Result<Option<String>> {
    let top = git(dir, None, &["rev-parse", "--show-toplevel"]).map(PathBuf::from);
    let Some(top) = top else { return Err(failed("rev-parse", "there is no repository")) };
    let folder = tempfile::tempdir().map_err(|e| Error::io("making a folder in", Path::new("/tmp"), e))?;
    // where a link took the place of a folder, its files are gone with it, and git must not look behind the link
    let seen: Vec<&str> =
        paths.iter().map(String::as_str).filter(|path| !is_behind_link(&top, path)).collect();
    let index = KeptIndex::of(&top);
    let added = add(&top, folder.path(), &seen);
    let index = index.map(KeptIndex::changed);
    let done = added.and_then(|()| commit_added(&top, folder.path(), &seen, message));
    // what came to nothing must not stay in the index for somebody else's commit
    if !matches!(done, Ok(Some(_))) && !index.is_some_and(|index| index.put_back()) {
        unstage(&top, paths);
    }
    done
}

/// Takes files into the index as they are.
fn add(top: &Path, folder: &Path, paths: &[&str]) -> Result<()> {
    // to a path that matches nothing git says no, whatever the others are: an agent may have taken it out of the index
    // itself, as with `git mv`, or it was new and is gone again
    let of_index = known(top, &[], paths);
    let is_there = |path: &&str| of_index.contains(*path) || top.join(path).symlink_metadata().is_ok();
    let paths: Vec<&str> = paths.iter().copied().filter(is_there).collect();
    if !paths.is_empty() && run(top, None, &of_paths(folder, &["add", "--all"], &paths)?).is_err() {
        // one that cannot be read must not keep the others out
        let _ = run(top, None, &of_paths(folder, &["add", "--all", "--ignore-errors"], &paths)?);
    }
    Ok(())
}

fn commit_added(top: &Path, folder: &Path, paths: &[&str], message: &str) -> Result<Option<String>> {
    let of_head = known(top, &["--with-tree=HEAD"], paths);
    let paths: Vec<&str> = paths.iter().copied().filter(|path| of_head.contains(*path)).collect();
    let unchanged = |paths: &[&str]| {
        let status = ["status", "--porcelain=v1", "-z", "--untracked-files=no", "--"];
        run(top, None, &literal(&[&status[..], paths].concat())).is_ok_and(|text| text.is_empty())
    };
    if paths.chunks(AT_ONCE).all(unchanged) {
        return Ok(None);
    }
    let words = folder.join("message");
    files::replace(&words, message.as_bytes(), 0o600)?;
    let file = words.display().to_string();
    let args = of_paths(folder, &["commit", "--quiet", "--file", &file, "--cleanup=verbatim"], &paths)?;
    run(top, None, &args).map_err(|said| failed("commit", &said))?;
    Ok(git(top, None, &["rev-parse", "HEAD"]))
}

fn failed(what: &str, said: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("git {what} failed"))
        .detail(format!("  {}", said.trim().replace('\n', "\n  ")))
}

/// A call of git that takes its paths for no patterns.
fn literal(rest: &[&str]) -> Vec<String> {
    ["--literal-pathspecs"].iter().chain(rest).map(ToString::to_string).collect()
}

/// A call of git with these paths, however many: it reads them from a file.
fn of_paths(folder: &Path, verb: &[&str], paths: &[&str]) -> Result<Vec<String>> {
    let list = folder.join("paths");
    files::replace(&list, paths.join("\0").as_bytes(), 0o600)?;
    let mut args = literal(verb);
    args.extend([format!("--pathspec-from-file={}", list.display()), "--pathspec-file-nul".to_owned()]);
    Ok(args)
}

/// The tree `base`, with all that changed from one tree to another put over it as the latter has it.
#[must_use]
pub fn overlay(dir: &Path, base: &str, from: &str, to: &str) -> Option<String> {
    put_over(dir, base, (from, to), |_| true)
}

/// The tree `after` with these of its files as they are in the tree `now`: mended by somebody, or taken away.
#[must_use]
pub fn mended(dir: &Path, after: &str, now: &str, files: &[Change]) -> Option<String> {
    let files: HashSet<&str> = files.iter().map(|change| change.path.as_str()).collect();
    put_over(dir, after, (after, now), |path| files.contains(path))
}

/// Those of these files that git has in its index, and in what `more` adds to that.
fn known(top: &Path, more: &[&str], paths: &[&str]) -> HashSet<String> {
    let mut known = HashSet::new();
    for chunk in paths.chunks(AT_ONCE) {
        let list = |more: &[&str]| {
            let mut args: Vec<&str> = vec!["--literal-pathspecs", "ls-files", "-z"];
            args.extend_from_slice(more);
            args.push("--");
            args.extend_from_slice(chunk);
            git(top, None, &args)
        };
        // before the first commit there is nothing but the index
        let list = list(more).or_else(|| list(&[])).unwrap_or_default();
        known.extend(list.split('\0').map(str::to_owned));
    }
    known
}

/// Whether a folder on the way to a file is a link.
fn is_behind_link(top: &Path, path: &str) -> bool {
    let mut folders = Path::new(path).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    folders.any(|folder| top.join(folder).is_symlink())
}

/// Takes files out of the index; the files themselves stay.
fn unstage(top: &Path, paths: &[String]) {
    for chunk in paths.chunks(AT_ONCE) {
        let mut args: Vec<String> =
            ["--literal-pathspecs", "reset", "--quiet", "--"].map(str::to_owned).to_vec();
        args.extend_from_slice(chunk);
        // a path that is in neither index nor commit has nothing to be taken out
        let _ = run(top, None, &args);
    }
}

fn put_over(
    dir: &Path,
    base: &str,
    (from, to): (&str, &str),
    wanted: impl Fn(&str) -> bool,
) -> Option<String> {
    let top = PathBuf::from(git(dir, None, &["rev-parse", "--show-toplevel"])?);
    let own = tempfile::tempdir().ok()?;
    let index = own.path().join("index");
    git(&top, Some(&index), &["read-tree", base])?;
    let list = git(&top, None, &["diff-tree", "-r", "-z", "--no-renames", from, to])?;
    // `:OLD-MODE NEW-MODE OLD-ID NEW-ID STATUS`, then the path
    let mut fields = list.split('\0');
    let (mut there, mut gone) = (Vec::new(), Vec::new());
    while let (Some(what), Some(path)) = (fields.next(), fields.next()) {
        let words: Vec<&str> = what.split(' ').collect();
        let [_, mode, _, id, status] = words[..] else { return None };
        if !wanted(path) {
            continue;
        }
        if status == "D" {
            gone.push(path.to_owned());
        } else {
            there.extend(["--cacheinfo".to_owned(), format!("{mode},{id},{path}")]);
        }
    }
    let update = |verb: &[&str], rest: &[String]| {
        let mut args: Vec<String> = verb.iter().map(ToString::to_string).collect();
        args.extend_from_slice(rest);
        run(&top, Some(&index), &args).ok()
    };
    for chunk in there.chunks(AT_ONCE) {
        update(&["update-index", "--add", "--replace"], chunk)?;
    }
    for chunk in gone.chunks(AT_ONCE) {
        update(&["update-index", "--force-remove", "--"], chunk)?;
    }
    git(&top, Some(&index), &["write-tree"])
}

/// Takes back what changed from one tree to another, in the files only: a file that was changed again since is a
/// conflict, and then nothing is touched. `tasks`, the spec's tasks.md, is left out: its marks are another matter, and
/// those of other tasks beside them are no conflict.
pub fn take_back(dir: &Path, from: &str, to: &str, tasks: &Path) -> Result<Vec<Change>> {
    let Some(mut list) = told_changes(dir, from, to) else {
        return Err(Error::new(
            ErrorKind::Human,
            "the changes cannot be taken back: git does not have the trees before and after the task any more",
        )
        .hint(
            "Nothing was touched. Take them back by hand, with `git revert` where they are committed; then \
             `seqorch mark` opens the task again.",
        ));
    };
    let top = git(dir, None, &["rev-parse", "--show-toplevel"]).map_or_else(|| dir.to_owned(), PathBuf::from);
    let tasks = tasks.canonicalize().ok();
    let tasks = tasks.as_deref().and_then(|path| path.strip_prefix(top.canonicalize().ok()?).ok());
    let tasks = tasks.map(|path| path.display().to_string());
    list.retain(|change| tasks.as_ref() != Some(&change.path));
    if list.is_empty() {
        return Ok(list);
    }
    let refuse = |said: String| {
        Error::new(ErrorKind::Human, "the changes cannot be taken back: files were changed again since")
            .detail(format!("  {}", said.trim().replace('\n', "\n  ")))
            .hint("Nothing was touched. Take the later changes back first, or commit or stash them.")
    };
    let mut diff: Vec<String> =
        ["diff-tree", "-r", "-p", "--binary", "--full-index", "--no-renames", from, to, "--"]
            .map(str::to_owned)
            .to_vec();
    diff.extend(NOT_OURS.map(str::to_owned));
    diff.extend(tasks.map(|path| format!(":(exclude,top,literal){path}")));
    let folder = tempfile::tempdir().map_err(|e| Error::io("making a folder in", Path::new("/tmp"), e))?;
    let patch = folder.path().join("patch");
    let bytes = super::bytes(&top, &diff).map_err(refuse)?;
    files::replace(&patch, &bytes, 0o600)?;
    let patch = patch.display().to_string();
    let apply = |more: &[&str]| {
        let mut args = vec!["apply", "--reverse", "--whitespace=nowarn"];
        args.extend_from_slice(more);
        args.push(&patch);
        run(&top, None, &args.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    apply(&["--check"]).map_err(refuse)?;
    apply(&[]).map_err(refuse)?;
    Ok(list)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::git::{changes, snapshot};

    fn repo() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for args in [
            &["init", "-q", "-b", "main"][..],
            &["config", "user.name", "t"],
            &["config", "user.email", "t@localhost"],
            &["config", "commit.gpgsign", "false"],
            &["commit", "-q", "--allow-empty", "-m", "first"],
        ] {
            git(dir.path(), None, args).unwrap();
        }
        dir
    }

    fn paths(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_the_named_paths_are_committed_and_what_was_staged_stays_staged() {
        let dir = repo();
        let at = dir.path();
        for name in ["mine.txt", "staged.txt", "odd *name.txt"] {
            fs::write(at.join(name), name).unwrap();
        }
        git(at, None, &["add", "staged.txt"]).unwrap();
        let id = commit(at, &paths(&["mine.txt", "odd *name.txt"]), "1: Do it\n").unwrap().unwrap();
        let names = git(at, None, &["show", "--name-only", "--format=%s", &id]).unwrap();
        assert_eq!(names, "1: Do it\n\nmine.txt\nodd *name.txt");
        assert_eq!(dirty(at).unwrap(), ["staged.txt"]);
        assert_eq!(git(at, None, &["diff", "--cached", "--name-only"]).unwrap(), "staged.txt");
        assert_eq!(commit(at, &paths(&["mine.txt"]), "again").unwrap(), None);
    }

    #[test]
    fn a_deleted_file_is_committed_as_deleted_and_one_that_came_and_went_is_nothing() {
        let dir = repo();
        let at = dir.path();
        fs::write(at.join("a"), "a").unwrap();
        commit(at, &paths(&["a"]), "add").unwrap().unwrap();
        fs::remove_file(at.join("a")).unwrap();
        assert!(commit(at, &paths(&["a"]), "delete").unwrap().is_some());
        assert_eq!(git(at, None, &["ls-files"]).unwrap(), "");
    }

    #[test]
    fn what_was_moved_or_removed_in_the_index_already_is_committed_so() {
        let dir = repo();
        let at = dir.path();
        for name in ["old", "dead"] {
            fs::write(at.join(name), name).unwrap();
        }
        commit(at, &paths(&["old", "dead"]), "add").unwrap().unwrap();
        for args in [&["mv", "old", "new"][..], &["rm", "-q", "dead"]] {
            git(at, None, args).unwrap();
        }
        fs::write(at.join("made"), "made").unwrap();
        let id = commit(at, &paths(&["dead", "made", "new", "never", "old"]), "x").unwrap().unwrap();
        let names = git(at, None, &["show", "--no-renames", "--name-status", "--format=", &id]).unwrap();
        assert_eq!(names, "D\tdead\nA\tmade\nA\tnew\nD\told");
        assert_eq!(dirty(at).unwrap(), Vec::<String>::new());
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
        let names = git(at, None, &["show", "--name-status", "--format=", &id]).unwrap();
        assert_eq!(names, "A\td\nD\td/x");
        assert_eq!(dirty(at).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn the_first_commit_of_a_repository_may_be_a_tasks() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        for args in [&["init", "-q"][..], &["config", "user.name", "t"], &["config", "user.email", "t@x"]] {
            git(at, None, args).unwrap();
        }
        fs::write(at.join("a"), "a").unwrap();
        assert!(commit(at, &paths(&["a", "came and went"]), "x").unwrap().is_some());
        assert_eq!(git(at, None, &["ls-tree", "-r", "--name-only", "HEAD"]).unwrap(), "a");
    }

    #[test]
    fn a_hook_that_refuses_is_an_error_with_its_words() {
        let dir = repo();
        let at = dir.path();
        let hook = at.join(".git/hooks/pre-commit");
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(&hook, "#!/bin/sh\necho not like this >&2\nexit 1\n").unwrap();
        fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        fs::write(at.join("a"), "a").unwrap();
        let error = commit(at, &paths(&["a"]), "x").unwrap_err().render();
        assert!(error.contains("not like this"), "{error}");
        assert_eq!(git(at, None, &["log", "--format=%s"]).unwrap(), "first");
        assert_eq!(git(at, None, &["status", "--porcelain"]).unwrap(), "?? a", "the index is as it was");
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
                git(at, None, &["add", "f"]).unwrap();
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
    fn what_a_human_staged_is_staged_still_after_a_refused_commit() {
        let dir = half_staged("exit 1");
        let at = dir.path();
        let before = git(at, None, &["ls-files", "--stage"]).unwrap();
        for _ in 0..2 {
            commit(at, &paths(&["f", "made"]), "x").unwrap_err();
            assert_eq!(git(at, None, &["ls-files", "--stage"]).unwrap(), before);
            assert_eq!(git(at, None, &["status", "--porcelain"]).unwrap(), "MM f\n?? made");
            assert_eq!(git(at, None, &["show", ":f"]).unwrap(), "staged");
        }
        assert!(!at.join(".git/index.lock").exists());
    }

    #[test]
    fn what_others_changed_meanwhile_is_put_over_the_tree_before_a_step() {
        let dir = repo();
        let at = dir.path();
        for (name, text) in [("theirs", "old\n"), ("both", "old\n"), ("dropped", "old\n")] {
            fs::write(at.join(name), text).unwrap();
        }
        let before = snapshot(at).unwrap();
        fs::write(at.join("agents"), "new\n").unwrap();
        fs::write(at.join("both"), "agent\n").unwrap();
        let left = snapshot(at).unwrap();
        fs::write(at.join("theirs"), "human\n").unwrap();
        fs::write(at.join("notes of mine"), "human\n").unwrap();
        fs::remove_file(at.join("dropped")).unwrap();
        let now = snapshot(at).unwrap();
        let before = overlay(at, &before, &left, &now).unwrap();
        let names: Vec<_> = changes(at, &before, &now).into_iter().map(|change| change.path).collect();
        assert_eq!(names, ["agents", "both"]);
    }

    #[test]
    fn only_the_files_of_a_step_are_taken_as_somebody_mended_them() {
        let dir = repo();
        let at = dir.path();
        fs::write(at.join("theirs"), "old\n").unwrap();
        let before = snapshot(at).unwrap();
        for name in ["kept", "mended", "dropped"] {
            fs::write(at.join(name), "agent\n").unwrap();
        }
        let after = snapshot(at).unwrap();
        fs::write(at.join("mended"), "human\n").unwrap();
        fs::write(at.join("theirs"), "human\n").unwrap();
        fs::write(at.join("new"), "human\n").unwrap();
        fs::remove_file(at.join("dropped")).unwrap();
        let now = snapshot(at).unwrap();
        let own = changes(at, &before, &after);
        let tree = mended(at, &after, &now, &own).unwrap();
        let names = |from: &str, to: &str| -> Vec<String> {
            changes(at, from, to).into_iter().map(|change| change.path).collect()
        };
        assert_eq!(names(&before, &tree), ["kept", "mended"]);
        assert_eq!(names(&tree, &now), ["new", "theirs"]);
    }

    #[test]
    fn a_step_is_taken_back_unless_a_file_was_changed_again() {
        let dir = repo();
        let at = dir.path();
        fs::write(at.join("kept"), "old\n").unwrap();
        let before = snapshot(at).unwrap();
        fs::write(at.join("kept"), "new\n").unwrap();
        fs::write(at.join("made"), [0, 1, 2, 255]).unwrap();
        let after = snapshot(at).unwrap();
        keep(at, Path::new("/p/.seqorch/demo"), "1-before", &before).unwrap();
        fs::write(at.join("kept"), "newer\n").unwrap();
        assert!(take_back(at, &before, &after, Path::new("tasks.md")).is_err());
        assert!(at.join("made").exists(), "nothing was touched");
        fs::write(at.join("kept"), "new\n").unwrap();
        assert_eq!(take_back(at, &before, &after, Path::new("tasks.md")).unwrap().len(), 2);
        assert_eq!(fs::read_to_string(at.join("kept")).unwrap(), "old\n");
        assert!(!at.join("made").exists());
    }

    #[test]
    fn no_kept_tree_takes_the_place_of_another_specs_or_tasks() {
        let dir = repo();
        let at = dir.path();
        let mut trees = Vec::new();
        for folder in ["/a/.seqorch/demo", "/b/.seqorch/demo"] {
            for unit in ["1.1", "1_1", "一", "二"] {
                fs::write(at.join("f"), format!("{folder} {unit}")).unwrap();
                let tree = snapshot(at).unwrap();
                keep(at, Path::new(folder), unit, &tree).unwrap();
                trees.push(tree);
            }
        }
        git(at, None, &["gc", "--quiet", "--prune=now"]).unwrap();
        for pair in trees.windows(2) {
            assert_eq!(told_changes(at, &pair[0], &pair[1]).map(|list| list.len()), Some(1));
        }
    }

    #[test]
    fn what_git_does_not_have_any_more_is_not_taken_for_nothing() {
        let dir = repo();
        let at = dir.path();
        let before = snapshot(at).unwrap();
        fs::write(at.join("made"), "x").unwrap();
        let after = snapshot(at).unwrap();
        git(at, None, &["gc", "--quiet", "--prune=now"]).unwrap();
        let error = take_back(at, &before, &after, Path::new("tasks.md")).unwrap_err().render();
        assert!(error.contains("any more") && error.contains("Nothing was touched"), "{error}");
    }
}
