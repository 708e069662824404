//! A tree in which one file is another: the box that seqorch ticks costs no look at all files, and no new index.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use super::call::{GitError, one_line};
use super::change::TreeEntry;
use super::files::write_own;
use super::helpers::HelperTask;
use super::path::RepoPath;
use super::snapshot::Snapshots;

/// A folder with more bytes of entries is left to `git write-tree`.
const LARGE_FOLDER: usize = 100_000;
/// The same for the file.
const LARGE_FILE: u64 = 4_000_000;

impl Snapshots<'_> {
    /// The tree with `path` as it is on disk, where it differs from the tree in the marks of its boxes only. `None` where
    /// it differs otherwise, or where git would not store it byte for byte: a look then finds out what it is.
    pub fn with_ticked_boxes(&self, tree: &str, path: &RepoPath) -> Result<Option<String>, GitError> {
        if path.bytes().contains(&b'\n') || self.folder().as_os_str().as_bytes().contains(&b'\n') {
            return Ok(None);
        }
        let file = self.at(path);
        let Ok(data) = fs::symlink_metadata(&file) else { return Ok(None) };
        if !data.is_file() || data.len() > LARGE_FILE {
            return Ok(None);
        }
        let Ok(name) = std::str::from_utf8(path.bytes()) else { return Ok(None) };
        let (Some(old), Ok(new)) = (self.read_object(&format!("{tree}:{name}"))?, fs::read(&file)) else {
            return Ok(None);
        };
        if old.bytes == new {
            return Ok(Some(tree.to_owned()));
        }
        if !differ_in_marks_only(&old.bytes, &new) {
            return Ok(None);
        }
        // git reads this copy: a person may write the file at this moment
        let copy = self.folder().join("ticked");
        write_own(&copy, &new)?;
        let written =
            self.ask(HelperTask::WriteFile, &[copy.as_os_str().as_bytes(), b"\n"].concat(), is_line);
        let _ = fs::remove_file(&copy);
        let object = one_line(&written?);
        let mode = if data.permissions().mode() & 0o100 == 0 { "100644" } else { "100755" };
        self.with_entry(tree, path, &TreeEntry { mode: mode.to_owned(), object }, true)
    }

    /// Whether a file differs between a commit, or a tree, and a tree, and only in the marks of its boxes.
    pub fn differs_in_marks(&self, commit: &str, tree: &str, path: &RepoPath) -> Result<bool, GitError> {
        let Ok(name) = std::str::from_utf8(path.bytes()) else { return Ok(false) };
        if name.contains('\n') {
            return Ok(false);
        }
        let read = |at: &str| self.read_object(&format!("{at}:{name}"));
        let (Some(old), Some(new)) = (read(commit)?, read(tree)?) else { return Ok(false) };
        Ok(old.bytes != new.bytes && differ_in_marks_only(&old.bytes, &new.bytes))
    }

    /// The tree with this entry in a folder that it has. `None` where it has no such folder, or a very large one. With
    /// `same_mode`, also where the tree has another mode there.
    pub fn with_entry(
        &self,
        tree: &str,
        path: &RepoPath,
        entry: &TreeEntry,
        same_mode: bool,
    ) -> Result<Option<String>, GitError> {
        let names: Vec<&[u8]> = path.bytes().split(|b| *b == b'/').collect();
        let mut folders = Vec::new();
        let mut at = tree.to_owned();
        for (depth, name) in names.iter().enumerate() {
            let Some(object) = self.read_object(&at)? else { return Ok(None) };
            let Some(entries) = entries(&object.bytes, tree.len() / 2) else { return Ok(None) };
            if object.bytes.len() > LARGE_FOLDER {
                return Ok(None);
            }
            let known = entries.iter().find(|known| known.name == *name);
            if depth + 1 < names.len() {
                let Some(folder) = known.filter(|known| known.mode == "040000") else { return Ok(None) };
                at.clone_from(&folder.object);
            } else if same_mode && known.is_none_or(|known| known.mode != entry.mode) {
                return Ok(None);
            }
            folders.push(entries);
        }
        let mut new = entry.clone();
        for (mut entries, name) in folders.into_iter().zip(&names).rev() {
            entries.retain(|known| known.name != *name);
            if new.exists() {
                entries.push(FolderEntry { mode: new.mode, object: new.object, name: name.to_vec() });
            }
            let listed = entries.iter().flat_map(FolderEntry::listed).chain([0]).collect::<Vec<u8>>();
            let object = one_line(&self.ask(HelperTask::WriteTree, &listed, is_line)?);
            new = TreeEntry { mode: "040000".to_owned(), object };
        }
        Ok(Some(new.object))
    }
}

fn is_line(answer: &[u8]) -> bool {
    answer.ends_with(b"\n")
}

/// Whether they differ only in single bytes that stand in brackets. Then git stores the file as it is: conversions of line
/// ends, keywords and encodings would change its length, filters everything.
fn differ_in_marks_only(old: &[u8], new: &[u8]) -> bool {
    let is_mark = |at: usize| {
        at > 0 && [old, new].iter().all(|text| text[at - 1] == b'[' && text.get(at + 1) == Some(&b']'))
    };
    old.len() == new.len() && (0..old.len()).all(|at| old[at] == new[at] || is_mark(at))
}

/// An entry of a tree object.
struct FolderEntry {
    mode: String,
    object: String,
    name: Vec<u8>,
}

impl FolderEntry {
    /// As `git mktree -z` reads it.
    fn listed(&self) -> Vec<u8> {
        let kind = match self.mode.as_str() {
            "040000" => "tree",
            "160000" => "commit",
            _ => "blob",
        };
        let mut line = format!("{} {kind} {}\t", self.mode, self.object).into_bytes();
        line.extend_from_slice(&self.name);
        line.push(0);
        line
    }
}

/// Reads a tree object: `MODE NAME\0` and the bytes of the object's name, again and again.
fn entries(mut bytes: &[u8], id_length: usize) -> Option<Vec<FolderEntry>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|b| *b == b' ')?;
        let end = bytes.iter().position(|b| *b == 0)?;
        let id = bytes.get(end + 1..end + 1 + id_length)?;
        found.push(FolderEntry {
            mode: format!("{:0>6}", std::str::from_utf8(&bytes[..space]).ok()?),
            object: id.iter().flat_map(|b| [b >> 4, b & 15]).map(hex_digit).collect(),
            name: bytes.get(space + 1..end)?.to_vec(),
        });
        bytes = &bytes[end + 1 + id_length..];
    }
    Some(found)
}

fn hex_digit(half: u8) -> char {
    char::from_digit(u32::from(half), 16).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};

    #[test]
    fn only_marks_in_brackets_count_as_ticked_boxes() {
        assert!(differ_in_marks_only(b"- [ ] 1. A\n- [ ] 2. B\n", b"- [x] 1. A\n- [-] 2. B\n"));
        assert!(!differ_in_marks_only(b"- [ ] 1. A\n", b"- [ ] 1. B\n"));
        assert!(!differ_in_marks_only(b"- [ ] 1. A\r\n", b"- [x] 1. A\n"));
        assert!(!differ_in_marks_only(b"[", b"x"));
    }

    #[test]
    fn a_ticked_box_gives_the_tree_that_git_would_write() {
        let (_dir, repo) = repository();
        let top = &repo.top;
        for name in ["specs/demo/tasks.md", "specs/demo/more", "specs/demo-2/x", "z", "specs.txt"] {
            fs::create_dir_all(top.join(name).parent().unwrap()).unwrap();
            fs::write(top.join(name), "- [ ] 1. A\n").unwrap();
        }
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        let before = snapshots.take().unwrap().tree;
        let path = RepoPath::new("specs/demo/tasks.md");
        assert_eq!(snapshots.with_ticked_boxes(&before, &path).unwrap().as_ref(), Some(&before));
        fs::write(snapshots.at(&path), "- [x] 1. A\n").unwrap();
        let ticked = snapshots.with_ticked_boxes(&before, &path).unwrap().unwrap();
        assert_eq!(snapshots.take().unwrap().tree, ticked);
        fs::write(snapshots.at(&path), "- [x] 1. B\n").unwrap();
        assert_eq!(snapshots.with_ticked_boxes(&before, &path).unwrap(), None);
        fs::write(snapshots.at(&path), "- [ ] 1. A\n").unwrap();
        git(top, &["config", "core.fileMode", "true"]);
        fs::set_permissions(snapshots.at(&path), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(snapshots.with_ticked_boxes(&ticked, &path).unwrap(), None);
    }
}
