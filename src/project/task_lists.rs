//! Finds the files of a folder that are task lists, for people who name a folder without a tasks.md.

use std::fs;
use std::path::{Path, PathBuf};

use crate::spec;
use crate::sys::nofollow;

/// Files that may hold boxes and are for people or agents to read, not to work through.
const NEVER: [&str; 12] = [
    "readme",
    "changelog",
    "contributing",
    "license",
    "security",
    "code_of_conduct",
    "agents",
    "claude",
    "gemini",
    "package",
    "package-lock",
    "sequential_progress",
];

/// Larger files are not looked into: no list of tasks is as long.
const MOST_BYTES: u64 = 1_000_000;

/// The task lists of a folder by name: Markdown and JSON files in which tasks are found outside of sections of criteria.
#[must_use]
pub fn in_folder(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| may_be_list(path) && is_list(path)).collect();
    found.sort();
    found
}

fn may_be_list(path: &Path) -> bool {
    let ends =
        path.extension().is_some_and(|e| e.eq_ignore_ascii_case("md") || e.eq_ignore_ascii_case("json"));
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let known = NEVER.contains(&stem.as_str()) || stem.starts_with("sequential_state");
    let small = || fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() <= MOST_BYTES);
    ends && !known && small()
}

fn is_list(path: &Path) -> bool {
    let Ok(bytes) = nofollow::read_regular(path, MOST_BYTES) else { return false };
    spec::decode(&bytes).is_ok_and(|text| {
        let file = spec::parse(text);
        !file.tasks.is_empty() && !file.last_resort
    })
}
