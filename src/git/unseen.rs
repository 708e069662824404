//! What no look at the files shows: special files, which git passes over, and files that a flag or a new rule hides from it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

use super::call::GitError;
use super::left_out::{LeftOut, SpecialFiles};
use super::path::RepoPath;
use super::snapshot::Snapshots;

/// What the index of a submodule's path has as its mode.
const GITLINK: &[u8] = b"160000";

impl Snapshots<'_> {
    /// The special files of now, and what new rules hide. `known`: those of the last search, whose fate is known; `None` at the
    /// first one of a run.
    pub(super) fn special_files(&self, known: Option<&SpecialFiles>) -> Result<SpecialFiles, GitError> {
        let (found, rule_files) = self.find_special_files();
        let (mut special, hidden) = match known {
            None => {
                let rules = self.ignore_rules(&rule_files);
                (SpecialFiles { rules, ..SpecialFiles::default() }, Vec::new())
            }
            Some(known) => {
                let rules = known.rules.clone();
                let hidden = self.hidden_by_new_rules(&rules, &rule_files)?;
                (SpecialFiles { rules, ..SpecialFiles::default() }, hidden)
            }
        };
        let first = SpecialFiles::default();
        let known = known.unwrap_or(&first);
        let is_known =
            |path: &str| known.ignored.contains(path) || known.left_out.iter().any(|one| one.path == path);
        let new: Vec<&RepoPath> =
            found.iter().map(|(path, _)| path).filter(|path| !is_known(&path.to_string())).collect();
        let new_ignored = self.ignored_of(&new)?;
        for (path, why) in found {
            let name = path.to_string();
            if known.ignored.contains(&name) || new_ignored.contains(&path) {
                special.ignored.insert(name);
            } else {
                special.left_out.push(LeftOut { path: name, why: why.to_owned() });
            }
        }
        special.left_out.extend(hidden);
        Ok(special)
    }

    /// Those of the work tree alone, since other repositories in it are left out as a whole; and its `.gitignore` files. Git
    /// passes over all that lies in the folder of a submodule that is not checked out.
    fn find_special_files(&self) -> (Vec<(RepoPath, &'static str)>, Vec<RepoPath>) {
        let (top, submodules) = (&self.repository().top, self.known_submodules());
        let (mut found, mut rules, mut folders) = (Vec::new(), Vec::new(), vec![PathBuf::new()]);
        while let Some(folder) = folders.pop() {
            // one that cannot be read is named by the look itself
            let entries: Vec<_> = fs::read_dir(top.join(&folder)).into_iter().flatten().flatten().collect();
            let is_top = folder.as_os_str().is_empty();
            if !is_top && entries.iter().any(|entry| entry.file_name() == ".git") {
                continue;
            }
            let path = RepoPath::new(folder.as_os_str().as_bytes());
            if !submodules.is_empty() && submodules.contains(&path.to_string()) {
                if !entries.is_empty() {
                    found.push((path, "files in the folder of a submodule that is not checked out"));
                }
                continue;
            }
            for entry in entries {
                let name = entry.file_name();
                let Ok(kind) = entry.file_type() else { continue };
                let is_own = name == ".git" || name == ".seqorch";
                if kind.is_dir() && !is_own {
                    folders.push(folder.join(name));
                } else if name == ".gitignore" {
                    rules.push(RepoPath::new(folder.join(name).as_os_str().as_bytes()));
                } else if let Some(why) = special(kind) {
                    found.push((RepoPath::new(folder.join(name).as_os_str().as_bytes()), why));
                }
            }
        }
        found.sort();
        (found, rules)
    }

    /// The folders of submodules that the user's index has.
    pub(super) fn submodules(&self) -> Result<BTreeSet<String>, GitError> {
        let listed = self.user_index_entries()?;
        let links = listed.split(|b| *b == 0).filter(|entry| entry.get(2..8) == Some(GITLINK));
        let paths = links.filter_map(|entry| entry.splitn(2, |b| *b == b'\t').nth(1));
        Ok(paths.map(|path| RepoPath::new(path).to_string()).collect())
    }

    /// Files of the work tree that a flag in the index hides, so that no snapshot and no commit has their changes.
    pub fn hidden_files(&self) -> Result<Vec<LeftOut>, GitError> {
        let listed = self.user_index_entries()?;
        let hidden = listed.split(|b| *b == 0).filter_map(|entry| {
            let (tag, path) = (entry.first()?, entry.splitn(2, |b| *b == b'\t').nth(1)?);
            let why = match tag {
                b'S' | b's' => "hidden from git by skip-worktree",
                tag if tag.is_ascii_lowercase() => "hidden from git by assume-unchanged",
                _ => return None,
            };
            // a sparse checkout has most of them not at all
            let is_there = fs::symlink_metadata(self.repository().top.join(OsStr::from_bytes(path))).is_ok();
            is_there.then(|| LeftOut { path: RepoPath::new(path).to_string(), why: why.to_owned() })
        });
        Ok(hidden.collect())
    }

    /// Each as `TAG MODE OBJECT STAGE`, a tab and the path.
    fn user_index_entries(&self) -> Result<Vec<u8>, GitError> {
        let supervisor = &self.repository().supervisor;
        self.repository().call(["ls-files", "-s", "-v", "-z"]).read(supervisor)
    }
}

/// Why git holds no file of this kind; `None` where it does.
fn special(kind: fs::FileType) -> Option<&'static str> {
    if kind.is_fifo() {
        Some("a FIFO, which git cannot hold")
    } else if kind.is_socket() {
        Some("a socket, which git cannot hold")
    } else if kind.is_char_device() || kind.is_block_device() {
        Some("a device, which git cannot hold")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;
    use crate::git::testing::{git, repository};

    fn paths(list: &[LeftOut]) -> Vec<&str> {
        list.iter().map(|one| one.path.as_str()).collect()
    }

    #[test]
    fn special_files_are_left_out_once_a_search_finds_them() {
        let (_dir, repo) = repository();
        let fifo = |name: &str| {
            let made = Command::new("mkfifo").arg(repo.top.join(name)).status().unwrap();
            assert!(made.success());
        };
        fs::write(repo.top.join(".gitignore"), "ignored\n").unwrap();
        fs::create_dir_all(repo.top.join("a/b")).unwrap();
        fifo("before");
        let mut snapshots = Snapshots::begin(&repo, "k", 0).unwrap();
        assert_eq!(paths(&snapshots.take().unwrap().left_out), ["before"]);
        let _socket = UnixListener::bind(repo.top.join("a/b/s")).unwrap();
        fifo("a/p");
        fifo("ignored");
        fs::remove_file(repo.top.join("before")).unwrap();
        git(&repo.top, &["init", "-q", "nested"]);
        fifo("nested/p");
        assert_eq!(paths(&snapshots.take().unwrap().left_out), ["nested", "before"], "a look alone");
        let left_out = snapshots.take_and_search().unwrap().left_out;
        assert_eq!(paths(&left_out), ["nested", "a/b/s", "a/p"]);
        assert_eq!(left_out[1].why, "a socket, which git cannot hold");
        // another process remembers them
        let mut other = Snapshots::resume(&repo, "k", 0).unwrap();
        assert_eq!(other.take().unwrap().left_out, left_out);
    }

    #[test]
    fn files_that_a_flag_hides_from_git_are_known() {
        let (_dir, repo) = repository();
        for name in ["assumed", "skipped", "both", "gone"] {
            fs::write(repo.top.join(name), "x\n").unwrap();
        }
        git(&repo.top, &["add", "-A"]);
        git(&repo.top, &["update-index", "--assume-unchanged", "assumed", "both"]);
        git(&repo.top, &["update-index", "--skip-worktree", "skipped", "both", "gone"]);
        fs::remove_file(repo.top.join("gone")).unwrap();
        let hidden = Snapshots::open(&repo, "k", 0).hidden_files().unwrap();
        assert_eq!(paths(&hidden), ["assumed", "both", "skipped"]);
    }

    #[test]
    fn edits_in_a_submodule_without_gitmodules_are_left_out() {
        let (_dir, repo) = repository();
        git(&repo.top, &["init", "-q", "lib"]);
        let lib = repo.top.join("lib");
        fs::write(lib.join("f"), "x\n").unwrap();
        git(&lib, &["add", "f"]);
        git(&lib, &["-c", "user.name=a", "-c", "user.email=a@a", "commit", "-qm", "x"]);
        git(&repo.top, &["add", "lib"]);
        fs::write(lib.join("f"), "y\n").unwrap();
        let mut snapshots = Snapshots::begin(&repo, "k", 0).unwrap();
        let left_out = snapshots.take().unwrap().left_out;
        assert_eq!(paths(&left_out), ["lib"]);
        assert_eq!(left_out[0].why, "edits inside a submodule; commit inside it");
    }
}
