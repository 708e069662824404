//! What is kept of a spec's runs, for a copy of all of it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::spec_store::Store;
use crate::error::{Error, Result};
use crate::sys::nofollow::{self, WHOLE_MAX};

/// A file of a spec's runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its path in a copy, such as `kept/2/1/result.json`.
    pub name: PathBuf,
}

/// Deeper than any folder that seqorch makes there.
const DEEPEST: usize = 6;

impl Store {
    /// Prompts, outputs, results, events, summaries and the progress log of the spec's runs, sorted by name. No link is
    /// followed. Left out are the state file, which may have other specs, and files whose names begin with a dot:
    /// snapshots and what waits for a run.
    #[must_use]
    pub fn run_files(&self) -> Vec<RunFile> {
        let mut found = Vec::new();
        for (number, folder) in self.folders().iter().enumerate() {
            let name = if number == 0 { "kept" } else { "kept-elsewhere" };
            collect(folder, Path::new(name), DEEPEST, &mut found);
        }
        let progress = self.progress_path();
        if fs::symlink_metadata(&progress).is_ok_and(|data| data.is_file()) {
            found.push(RunFile { path: progress, name: "SEQUENTIAL_PROGRESS.md".into() });
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// The text of the state file without the other specs in it; as it is where it cannot be read as JSON.
    pub fn own_state_text(&self) -> Result<String> {
        let path = self.state_path();
        let bytes = nofollow::read(&path, WHOLE_MAX).map_err(|e| Error::io("reading", &path, e))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Ok(mut state) = serde_json::from_str::<Value>(&text) else { return Ok(text) };
        if let Some(specs) = state.get_mut("specs").and_then(Value::as_object_mut) {
            specs.retain(|name, _| *name == self.spec);
        }
        Ok(format!("{state:#}\n"))
    }
}

fn collect(folder: &Path, name: &Path, depth: usize, found: &mut Vec<RunFile>) {
    if depth == 0 {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let own = entry.file_name();
        if own.to_string_lossy().starts_with('.') || own == "lock" {
            continue;
        }
        let (path, name) = (entry.path(), name.join(&own));
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&path, &name, depth - 1, found),
            // the copy of the state is that of the state file
            Ok(kind) if kind.is_file() && own != "state.json" => found.push(RunFile { path, name }),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_runs_are_listed_without_links_and_snapshots() {
        let dir = tempfile::tempdir().unwrap();
        let spec = dir.path().join("specs/login");
        fs::create_dir_all(&spec).unwrap();
        let store = Store::new(dir.path(), &spec, "login");
        store.prepare().unwrap();
        let attempt = store.folder().join("2/1");
        fs::create_dir_all(attempt.join("verify-1")).unwrap();
        fs::create_dir_all(store.folder().join(".snapshots/ab")).unwrap();
        for file in
            ["2/1/result.json", "2/1/lock", "2/1/verify-1/output.jsonl", ".snapshots/ab/cd", "state.json"]
        {
            fs::write(store.folder().join(file), "x").unwrap();
        }
        fs::write(store.progress_path(), "x").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", attempt.join("stderr.log")).unwrap();
        let names: Vec<String> =
            store.run_files().iter().map(|file| file.name.to_string_lossy().into_owned()).collect();
        assert_eq!(
            names,
            ["SEQUENTIAL_PROGRESS.md", "kept/2/1/result.json", "kept/2/1/verify-1/output.jsonl", "kept/spec"]
        );
    }
}
