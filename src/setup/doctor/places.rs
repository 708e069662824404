//! Folders that a run writes to, and the room in them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::Patient;
use crate::error::ErrorKind;
use crate::setup::backends::workdir;
use crate::setup::findings::Finding;

/// Bytes without which nothing goes.
const LEAST: u64 = 64_000_000;
/// Bytes that a night may need at least.
const ENOUGH: u64 = 1_000_000_000;
/// File entries without which nothing goes.
const LEAST_FILES: u64 = 1000;

/// Whether files can be made in a folder. Nothing is written.
pub(super) fn writable(dir: &Path) -> bool {
    access(dir, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// The nearest folder that exists.
fn existing(dir: &Path) -> PathBuf {
    dir.ancestors().find(|d| d.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

/// Folders that a run writes to, with what for.
fn folders(patient: &Patient<'_>) -> BTreeMap<PathBuf, &'static str> {
    let mut all = BTreeMap::new();
    all.insert(existing(&std::env::temp_dir()), "temporary files");
    all.insert(PathBuf::from("/tmp"), "the socket between windows");
    all.insert(existing(&patient.root.join(".seqorch")), "what agents print");
    for (place, store) in patient.specs.iter().flatten() {
        all.insert(place.dir.clone(), "the boxes of tasks.md");
        all.insert(existing(store.state_path().parent().unwrap_or(&place.dir)), "state and progress");
        all.insert(existing(&store.folder()), "what agents print");
    }
    if let Ok(loaded) = patient.loaded {
        all.insert(workdir(&loaded.config, patient.root), "the agents' work");
    }
    all
}

pub(super) fn access_to(patient: &Patient<'_>) -> Vec<Finding> {
    const TOPIC: &str = "write access";
    let folders = folders(patient);
    let mut found = Vec::new();
    for (folder, what) in &folders {
        if !writable(folder) {
            let text = format!("{} cannot be written to ({what})", folder.display());
            found.push(
                Finding::problem(TOPIC, ErrorKind::Internal, text)
                    .mend("Make it yours: chown, chmod or another mount."),
            );
        }
    }
    let home = patient.root.join(".seqorch");
    if home.exists() && !home.is_dir() {
        let text = format!("{} is no folder", home.display());
        found.push(
            Finding::problem(TOPIC, ErrorKind::Internal, text)
                .mend("Move it away; seqorch keeps its own files there."),
        );
    }
    for (place, store) in patient.specs.iter().flatten() {
        for file in [place.tasks_path(), store.state_path(), store.progress_path(), store.run_lock()] {
            if file.exists() && access(&file, Access::WRITE_OK).is_err() {
                let text = format!("{} cannot be written to", file.display());
                found.push(
                    Finding::problem(TOPIC, ErrorKind::Internal, text).mend("Make it yours: chown or chmod."),
                );
            }
        }
    }
    if found.is_empty() {
        found.push(Finding::ok(TOPIC, format!("{} folders can be written to", folders.len())));
    }
    found
}

pub(super) fn space(patient: &Patient<'_>) -> Vec<Finding> {
    const TOPIC: &str = "disk";
    let kept = patient.loaded.map_or(0, |loaded| u64::from(loaded.config.log.max_mb) * 1_000_000);
    let mut found: Vec<Finding> = Vec::new();
    let mut seen = Vec::new();
    for folder in folders(patient).keys() {
        let Ok(disk) = statvfs(folder) else { continue };
        // several folders of one disk are one finding
        if seen.contains(&disk.f_fsid) && disk.f_fsid != 0 {
            continue;
        }
        seen.push(disk.f_fsid);
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let text = format!("{} free at {}", bytes(free), folder.display());
        let mend = "Free some space; `seqorch` keeps what agents print in .seqorch.";
        found.push(if free < LEAST {
            Finding::problem(TOPIC, ErrorKind::Internal, text).mend(mend)
        } else if disk.f_files > 0 && disk.f_favail < LEAST_FILES {
            let text = format!("room for {} more files only at {}", disk.f_favail, folder.display());
            Finding::problem(TOPIC, ErrorKind::Internal, text).mend("Remove some files.")
        } else if free < ENOUGH.max(kept) {
            Finding::warning(TOPIC, text)
                .mend(format!("{mend} One attempt may take {} (log.max_mb).", bytes(kept)))
        } else {
            Finding::ok(TOPIC, text)
        });
    }
    found
}

/// `1.2 GB`
fn bytes(count: u64) -> String {
    let (unit, name) = match count {
        0..1_000_000_000 => (1_000_000, "MB"),
        1_000_000_000..1_000_000_000_000 => (1_000_000_000, "GB"),
        _ => (1_000_000_000_000, "TB"),
    };
    let tenths = count.saturating_mul(10) / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        assert_eq!(bytes(64_000_000), "64.0 MB");
        assert_eq!(bytes(1_250_000_000), "1.2 GB");
        assert_eq!(bytes(2_000_000_000_000), "2.0 TB");
    }

    #[test]
    fn a_folder_that_is_not_there_is_made_in_the_nearest_that_is() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(existing(&dir.path().join("a/b")), dir.path());
        assert!(writable(dir.path()) && !writable(&dir.path().join("a")));
    }
}
