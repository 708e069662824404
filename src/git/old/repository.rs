//! The repository of a folder: where it is, and what git says of its settings.

use std::path::{Path, PathBuf};

use super::runner::run;

/// Pathspecs for all files but those that seqorch itself writes beside a spec.
pub(super) const NOT_OURS: [&str; 3] =
    [":/", ":(exclude,glob)**/SEQUENTIAL_STATE*.json", ":(exclude,glob)**/SEQUENTIAL_PROGRESS.md"];

/// The version of the installed git; `None` if there is none.
#[must_use]
pub fn version() -> Option<String> {
    let printed = run(Path::new("/"), &["--version"]).ok()?;
    Some(printed.trim_start_matches("git version ").to_owned())
}

/// The work tree that holds `dir`. The error says why git sees none: no repository, a broken one, or another owner.
pub fn work_tree(dir: &Path) -> Result<PathBuf, String> {
    let error = |printed: String| {
        let fatal = printed.lines().find_map(|line| line.strip_prefix("fatal: "));
        // the rest of that line names folders that the user knows
        let none = "not a git repository";
        fatal.map_or(printed.trim(), |why| if why.starts_with(none) { none } else { why }).to_owned()
    };
    run(dir, &["rev-parse", "--show-toplevel"]).map(PathBuf::from).map_err(error)
}

/// The index of the repository whose work tree holds `dir`; `None` without a repository.
///
/// This looks for it as git does, because starting git for it would cost most of a step's time in a project without a
/// repository. Only where the environment redirects git is git asked.
pub(super) fn index_file(dir: &Path) -> Option<PathBuf> {
    let redirects = ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE"];
    if redirects.iter().any(|name| std::env::var_os(name).is_some()) {
        return index_by_git(dir);
    }
    let found = dir.ancestors().map(|dir| dir.join(".git")).find(|path| path.exists())?;
    if found.is_dir() {
        return Some(found.join("index"));
    }
    // the file of a linked work tree or a submodule
    let text = std::fs::read_to_string(&found).ok()?;
    Some(found.parent()?.join(text.strip_prefix("gitdir:")?.trim()).join("index"))
}

fn index_by_git(dir: &Path) -> Option<PathBuf> {
    run(dir, &["rev-parse", "--path-format=absolute", "--git-path", "index"]).ok().map(PathBuf::from)
}

/// Whether git has a name and an address to commit with.
#[must_use]
pub fn has_identity(dir: &Path) -> bool {
    run(dir, &["var", "GIT_COMMITTER_IDENT"]).is_ok()
}

/// Whether git ignores `path`; `None` without a repository.
#[must_use]
pub fn is_ignored(dir: &Path, path: &str) -> Option<bool> {
    work_tree(dir).ok()?;
    Some(run(dir, &["check-ignore", "-q", "--", path]).is_ok())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::git::old::testing::repo;

    #[test]
    fn a_folder_without_a_repository_has_no_work_tree_and_says_why() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(work_tree(dir.path()).unwrap_err(), "not a git repository");
        assert_eq!((index_file(dir.path()), is_ignored(dir.path(), "x")), (None, None));
    }

    #[test]
    fn gitignore_says_what_is_ignored() {
        let dir = repo();
        fs::write(dir.path().join(".gitignore"), "local.toml\n").unwrap();
        assert_eq!(is_ignored(dir.path(), "local.toml"), Some(true));
        assert_eq!(is_ignored(dir.path(), "a b.txt"), Some(false));
    }

    #[test]
    fn the_index_is_found_where_git_has_it_also_in_a_linked_work_tree() {
        let dir = repo();
        let main = fs::canonicalize(dir.path()).unwrap();
        let below = main.join("a/b");
        fs::create_dir_all(&below).unwrap();
        run(&main, &["worktree", "add", "-q", "linked"]).unwrap();
        let folder = |index: PathBuf| fs::canonicalize(index.parent().unwrap()).unwrap();
        for dir in [main.clone(), below, main.join("linked")] {
            let found = index_file(&dir).unwrap();
            assert_eq!(found.file_name().unwrap(), "index");
            assert_eq!(folder(found), folder(index_by_git(&dir).unwrap()));
        }
    }
}
