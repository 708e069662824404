//! Questions to git that change nothing.

use std::path::{Path, PathBuf};

use super::{NOT_OURS, git};

/// What the installed git says of its version; `None` where there is none.
#[must_use]
pub fn version() -> Option<String> {
    Some(git(Path::new("/"), None, &["--version"])?.trim_start_matches("git version ").to_owned())
}

/// The work tree that holds `dir`.
#[must_use]
pub fn work_tree(dir: &Path) -> Option<PathBuf> {
    git(dir, None, &["rev-parse", "--show-toplevel"]).map(PathBuf::from)
}

/// Why git does not see a repository in `dir`, though there may be one (another owner, a broken one).
#[must_use]
pub fn complaint(dir: &Path) -> Option<String> {
    let output = duct::cmd!("git", "rev-parse", "--show-toplevel")
        .dir(dir)
        .env("LC_ALL", "C")
        .stdin_null()
        .stdout_null()
        .stderr_capture()
        .unchecked()
        .run()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    said.lines().find(|line| line.starts_with("fatal: ")).map(|line| line["fatal: ".len()..].to_owned())
}

/// Files with changes that are not committed, new ones included, our own left out; `None` where git cannot tell.
#[must_use]
pub fn dirty(dir: &Path) -> Option<Vec<String>> {
    let mut args = vec!["status", "--porcelain=v1", "-z", "--untracked-files=normal", "--"];
    args.extend(NOT_OURS);
    let list = git(dir, None, &args)?;
    let mut files = Vec::new();
    let mut entries = list.split('\0').filter(|entry| !entry.is_empty());
    while let Some(entry) = entries.next() {
        // `XY path`; a rename is followed by its old path
        if entry.get(..2).is_some_and(|mark| mark.contains(['R', 'C'])) {
            entries.next();
        }
        files.extend(entry.get(3..).map(str::to_owned));
    }
    Some(files)
}

/// Whether git knows in whose name to commit.
#[must_use]
pub fn has_identity(dir: &Path) -> bool {
    git(dir, None, &["var", "GIT_COMMITTER_IDENT"]).is_some()
}

/// Whether git would leave `path` out of commits, or has it already: `None` where that cannot be told.
#[must_use]
pub fn ignored(dir: &Path, path: &str) -> Option<bool> {
    work_tree(dir)?;
    Some(git(dir, None, &["check-ignore", "-q", "--", path]).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_tells_its_changes_and_what_it_ignores() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        assert_eq!((work_tree(at), dirty(at), ignored(at, "x")), (None, None, None));
        assert!(complaint(at).is_some_and(|why| why.contains("not a git repository")));
        git(at, None, &["init", "-q"]).unwrap();
        assert_eq!((dirty(at), complaint(at)), (Some(Vec::new()), None));
        std::fs::write(at.join("a b.txt"), "x").unwrap();
        std::fs::write(at.join(".gitignore"), "local.toml\n").unwrap();
        assert_eq!(dirty(at).unwrap(), [".gitignore", "a b.txt"]);
        assert_eq!((ignored(at, "local.toml"), ignored(at, "a b.txt")), (Some(true), Some(false)));
        git(at, None, &["add", "a b.txt"]).unwrap();
        git(at, None, &["-c", "user.name=n", "-c", "user.email=e@x", "commit", "-qm", "x"]).unwrap();
        git(at, None, &["mv", "a b.txt", "c.txt"]).unwrap();
        assert_eq!(dirty(at).unwrap(), ["c.txt", ".gitignore"]);
    }
}
