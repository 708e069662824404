//! The folders that a run writes to: access and free space.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::subject::DoctorSubject;
use crate::config::Commit;
use crate::error::ErrorKind;
use crate::report::text::readable_bytes;
use crate::setup::backend_list::workdir;
use crate::setup::findings::DoctorFinding;
use crate::store::work_tree_folders::WorkTreeFolders;

/// With fewer free bytes a run cannot work.
const BYTES_NEEDED: u64 = 64_000_000;
/// With fewer free bytes a long run may fill the disk.
const BYTES_WANTED: u64 = 1_000_000_000;
/// With fewer free file entries a run cannot work.
const FILES_NEEDED: u64 = 1000;

/// Whether files can be created in a folder. Nothing is written to find out.
pub(super) fn is_writable(dir: &Path) -> bool {
    access(dir, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// The folder itself, or the nearest folder above it that exists.
fn nearest_existing(dir: &Path) -> PathBuf {
    dir.ancestors().find(|d| d.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

/// The folders that a run writes to, each with what it writes there.
fn folders(subject: &DoctorSubject<'_>) -> BTreeMap<PathBuf, &'static str> {
    let mut all = BTreeMap::new();
    all.insert(std::env::temp_dir(), "temporary files, TMPDIR");
    all.insert(PathBuf::from("/tmp"), "sockets");
    all.insert(nearest_existing(&subject.root.join(".seqorch")), "agents' output");
    for (place, store) in subject.specs.iter().flatten() {
        all.insert(place.dir.clone(), "tasks.md");
        all.insert(nearest_existing(store.state_path().parent().unwrap_or(&place.dir)), "state and progress");
        all.insert(nearest_existing(&store.folder()), "agents' output");
    }
    if let Ok(loaded) = subject.loaded {
        all.insert(workdir(&loaded.config, subject.root), "agents' work");
        let (git, commits) = (&loaded.config.git, loaded.config.git.commit == Commit::Step);
        if (git.snapshot || commits)
            && let Some(folders) = WorkTreeFolders::find(subject.root)
        {
            all.extend(folders.written(commits));
        }
    }
    all
}

pub(super) fn check_access(subject: &DoctorSubject<'_>) -> Vec<DoctorFinding> {
    const TOPIC: &str = "write access";
    let problem = |text: String| DoctorFinding::problem(TOPIC, ErrorKind::Internal, text);
    let folders = folders(subject);
    let mut found = Vec::new();
    for (folder, what) in &folders {
        if !is_writable(folder) {
            found.push(
                problem(format!("{} is not writable ({what})", folder.display()))
                    .fix("Change its owner or mode (chown, chmod), or mount it writable."),
            );
        }
    }
    let commits = subject.loaded.as_ref().is_ok_and(|loaded| loaded.config.git.commit == Commit::Step);
    let git = WorkTreeFolders::find(subject.root).filter(|_| commits);
    for (path, what) in git.map_or_else(Vec::new, |git| git.closed_to_commits()) {
        found.push(
            problem(format!("{} is not writable ({what})", path.display()))
                .fix("Change its owner or mode (chown, chmod)."),
        );
    }
    let home = subject.root.join(".seqorch");
    if home.exists() && !home.is_dir() {
        found.push(
            problem(format!("{} is not a folder", home.display()))
                .fix("Move it away: seqorch keeps its own files in a folder of that name."),
        );
    }
    for (place, store) in subject.specs.iter().flatten() {
        for file in [place.tasks_path(), store.state_path(), store.progress_path(), store.run_lock()] {
            if file.exists() && access(&file, Access::WRITE_OK).is_err() {
                found.push(
                    problem(format!("{} is not writable", file.display()))
                        .fix("Change its owner or mode (chown, chmod)."),
                );
            }
        }
    }
    if found.is_empty() {
        found.push(DoctorFinding::ok(TOPIC, format!("{} folders are writable", folders.len())));
    }
    found
}

pub(super) fn check_space(subject: &DoctorSubject<'_>) -> Vec<DoctorFinding> {
    const TOPIC: &str = "disk";
    let log_max = subject.loaded.map_or(0, |loaded| u64::from(loaded.config.log.max_mb) * 1_000_000);
    let mut found: Vec<DoctorFinding> = Vec::new();
    let mut seen = Vec::new();
    for folder in folders(subject).keys() {
        let Ok(disk) = statvfs(folder) else { continue };
        // one finding for each disk
        if seen.contains(&disk.f_fsid) && disk.f_fsid != 0 {
            continue;
        }
        seen.push(disk.f_fsid);
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let text = format!("{} free in {}", readable_bytes(free), folder.display());
        let fix = "Free some space: agents' output is kept in .seqorch.";
        found.push(if free < BYTES_NEEDED {
            DoctorFinding::problem(TOPIC, ErrorKind::Internal, text).fix(fix)
        } else if disk.f_files > 0 && disk.f_favail < FILES_NEEDED {
            let text = format!("room for only {} more files in {}", disk.f_favail, folder.display());
            DoctorFinding::problem(TOPIC, ErrorKind::Internal, text).fix("Remove some files.")
        } else if free < BYTES_WANTED.max(log_max) {
            let log_max = readable_bytes(log_max);
            DoctorFinding::warning(TOPIC, text)
                .fix(format!("{fix} One attempt may write {log_max} (log.max_mb)."))
        } else {
            DoctorFinding::ok(TOPIC, text)
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_in_the_largest_unit_that_fits() {
        assert_eq!(readable_bytes(64_000_000), "64.0 MB");
        assert_eq!(readable_bytes(1_250_000_000), "1.2 GB");
        assert_eq!(readable_bytes(2_000_000_000_000), "2.0 TB");
    }

    #[test]
    fn a_missing_folder_is_judged_by_the_nearest_one_above_it() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(nearest_existing(&dir.path().join("a/b")), dir.path());
        assert!(is_writable(dir.path()) && !is_writable(&dir.path().join("a")));
    }
}
