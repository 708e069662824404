//! What changed in the work dir, as git sees it. Nothing of the user's index, branches or files is touched.

pub mod call;
pub mod commit;
pub mod diff;
pub mod history;
mod kept_index;
pub mod look;
pub mod path;
pub mod repository;
pub mod restore;
pub mod snapshot;
pub mod status;
pub mod steps;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod step_tests;
pub mod work_tree_lock;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Our own files are no work of an agent.
const NOT_OURS: [&str; 3] =
    [":/", ":(exclude,glob)**/SEQUENTIAL_STATE*.json", ":(exclude,glob)**/SEQUENTIAL_PROGRESS.md"];

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its path in the repository.
    pub path: String,
    /// Lines added; `None` for a binary file.
    pub insertions: Option<u64>,
    /// Lines taken away; `None` for a binary file.
    pub deletions: Option<u64>,
}

/// The state of all files that git would take, as the id of a tree; `None` where there is no repository or no git.
///
/// It is made with an index of its own, so that the user's is not touched.
#[must_use]
pub fn snapshot(dir: &Path) -> Option<String> {
    let index = index(dir)?;
    let own = tempfile::tempdir().ok()?;
    let copy = own.path().join("index");
    // with the old index git knows which files it need not read again
    let _ = std::fs::copy(&index, &copy);
    git(dir, Some(&copy), &["add", "--all", "--ignore-errors", "--", ":/"]).or_else(|| {
        git(dir, Some(&copy), &["add", "--all", "--ignore-errors", "--", ":/", ":(exclude).seqorch"])
    })?;
    git(dir, Some(&copy), &["write-tree"])
}

/// The index of the repository in whose work tree `dir` is; `None` where there is none.
///
/// It is looked for as git does it, but for where the environment says otherwise: a process for each look would be the
/// dearest part of a step where there is no repository.
fn index(dir: &Path) -> Option<PathBuf> {
    if ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE"]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
    {
        return git(dir, None, &["rev-parse", "--path-format=absolute", "--git-path", "index"])
            .map(PathBuf::from);
    }
    let found = dir.ancestors().map(|dir| dir.join(".git")).find(|path| path.exists())?;
    if found.is_dir() {
        return Some(found.join("index"));
    }
    // of a linked work tree or a submodule
    let text = std::fs::read_to_string(&found).ok()?;
    Some(found.parent()?.join(text.strip_prefix("gitdir:")?.trim()).join("index"))
}

/// What lies between two snapshots; nothing where git cannot tell.
#[must_use]
pub fn changes(dir: &Path, from: &str, to: &str) -> Vec<Change> {
    told_changes(dir, from, to).unwrap_or_default()
}

/// What lies between two snapshots; `None` where git cannot tell, since it has one of them no more.
#[must_use]
pub fn told_changes(dir: &Path, from: &str, to: &str) -> Option<Vec<Change>> {
    if from == to {
        return Some(Vec::new());
    }
    let mut args = vec!["diff-tree", "-r", "-z", "--no-renames", "--numstat", from, to, "--"];
    args.extend(NOT_OURS);
    git(dir, None, &args).map(|list| parse_numstat(&list))
}

fn parse_numstat(list: &str) -> Vec<Change> {
    list.split('\0')
        .filter_map(|entry| {
            let mut fields = entry.splitn(3, '\t');
            let insertions = fields.next()?.parse().ok();
            let deletions = fields.next()?.parse().ok();
            Some(Change { path: fields.next()?.to_owned(), insertions, deletions })
        })
        .collect()
}

/// What git prints, without line ends at its end; `None` where it fails.
fn git(dir: &Path, index: Option<&Path>, args: &[&str]) -> Option<String> {
    let args: Vec<String> = args.iter().map(ToString::to_string).collect();
    run(dir, index, &args).ok()
}

/// What git prints; an error: what it says.
fn run(dir: &Path, index: Option<&Path>, args: &[String]) -> Result<String, String> {
    let bytes = output(dir, index, args)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())
}

/// What git prints, byte for byte.
fn bytes(dir: &Path, args: &[String]) -> Result<Vec<u8>, String> {
    output(dir, None, args)
}

fn output(dir: &Path, index: Option<&Path>, args: &[String]) -> Result<Vec<u8>, String> {
    let mut command = duct::cmd("git", args.iter().map(OsString::from))
        .dir(dir)
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin_null()
        .stdout_capture()
        .stderr_capture()
        .unchecked();
    if let Some(index) = index {
        command = command.env("GIT_INDEX_FILE", index);
    }
    let output = command.run().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    // some hooks speak on stdout
    let said = [output.stderr, output.stdout].concat();
    Err(String::from_utf8_lossy(&said).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_where_git_has_it_also_below_the_root_and_in_a_linked_work_tree() {
        let dir = tempfile::tempdir().unwrap();
        let at = std::fs::canonicalize(dir.path()).unwrap();
        assert_eq!(index(&at), None);
        let main = at.join("main");
        let below = main.join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        git(&main, None, &["init", "-q"]).unwrap();
        let author = ["-c", "user.name=n", "-c", "user.email=e@x"];
        git(&main, None, &[&author[..], &["commit", "-q", "--allow-empty", "-m", "x"]].concat()).unwrap();
        git(&main, None, &["worktree", "add", "-q", "../linked"]).unwrap();
        for dir in [main, below, at.join("linked")] {
            let told =
                git(&dir, None, &["rev-parse", "--path-format=absolute", "--git-path", "index"]).unwrap();
            let found = index(&dir).unwrap();
            assert_eq!(
                found.parent().map(std::fs::canonicalize).unwrap().unwrap().join("index"),
                PathBuf::from(told)
            );
        }
    }

    #[test]
    fn changes_of_tracked_and_new_files_are_counted_and_the_index_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        assert_eq!(snapshot(at), None, "no repository, no snapshot");
        git(at, None, &["init", "-q"]).unwrap();
        std::fs::write(at.join("a.txt"), "one\ntwo\n").unwrap();
        std::fs::write(at.join("dirty.txt"), "before\n").unwrap();
        let before = snapshot(at).unwrap();
        std::fs::write(at.join("a.txt"), "one\nthree\nfour\n").unwrap();
        std::fs::write(at.join("new name.txt"), "x\n").unwrap();
        std::fs::write(at.join("SEQUENTIAL_STATE.json"), "{}").unwrap();
        let found = changes(at, &before, &snapshot(at).unwrap());
        let change = |path: &str, insertions, deletions| Change {
            path: path.to_owned(),
            insertions: Some(insertions),
            deletions: Some(deletions),
        };
        assert_eq!(found, [change("a.txt", 2, 1), change("new name.txt", 1, 0)]);
        assert_eq!(git(at, None, &["ls-files"]).unwrap(), "");
    }
}
