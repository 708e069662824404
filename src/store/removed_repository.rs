//! What becomes of what is kept in git's folder when an agent removes the repository.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::lock::is_held;
use super::spec_store::Store;
use crate::sys::files;

impl Store {
    /// Where the repository is gone, what is kept of the spec goes to the folder of the project, and no `.git` stays that
    /// is not one. For the end of a run; an agent that still works keeps its folder.
    pub fn leave_removed_repository(&self) {
        let Some((common, kept)) = self.folder_in_removed_repository() else { return };
        if self.attempt_dirs().iter().any(|attempt| is_held(&attempt.lock())) {
            return;
        }
        // without the repository's own objects they are worth nothing
        let _ = files::remove_folder(&kept.join(".snapshots"));
        move_into(&kept, &self.shown_folder());
        let home = common.join("seqorch");
        let locks = fs::read_dir(&home).into_iter().flatten().flatten().map(|entry| entry.path());
        for lock in locks.filter(|path| path.is_file() && !is_held(path)) {
            let _ = fs::remove_file(lock);
        }
        // go only when they are empty
        for folder in [&kept, &home, &common] {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Moves what is in one folder into another one. What is there already stays; the file that has its name goes.
fn move_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (old, new) = (entry.path(), to.join(entry.file_name()));
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        match fs::symlink_metadata(&new) {
            Err(error) if error.kind() == ErrorKind::NotFound => _ = fs::rename(&old, &new),
            Ok(there) if there.is_dir() && is_folder => {
                move_into(&old, &new);
                let _ = fs::remove_dir(&old);
            }
            Ok(_) if !is_folder => _ = fs::remove_file(&old),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_outlives_the_repository() {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        fs::create_dir_all(root.join("specs/a")).unwrap();
        fs::create_dir_all(root.join(".git/objects")).unwrap();
        fs::write(root.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        let store = Store::new(&root, &root.join("specs/a"), "a").using_git(true);
        store.prepare().unwrap();
        let attempt = store.attempt_dir("1", 1);
        fs::create_dir_all(attempt.path()).unwrap();
        fs::write(attempt.path().join("log"), "words").unwrap();
        fs::write(attempt.lock(), "").unwrap();
        fs::write(root.join(".seqorch/a/events.jsonl"), "shown").unwrap();
        fs::write(store.folder().join("events.jsonl"), "copy").unwrap();
        fs::write(root.join(".git/seqorch/work-tree.lock"), "").unwrap();
        store.leave_removed_repository();
        assert!(attempt.path().exists(), "the repository is there");
        fs::remove_dir(root.join(".git/objects")).unwrap();
        fs::remove_file(root.join(".git/HEAD")).unwrap();
        store.leave_removed_repository();
        assert!(!root.join(".git").exists());
        let later = Store::new(&root, &root.join("specs/a"), "a").using_git(true);
        let log = later.attempt_dir("1", 1).path().join("log");
        assert_eq!(fs::read_to_string(log).unwrap(), "words");
        assert_eq!(fs::read_to_string(later.events_path()).unwrap(), "shown");
    }
}
