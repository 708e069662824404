//! Finds the files that an agent reads first. It looks before each prompt, since one task may write what the next reads.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::spec_place::SpecPlace;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::inputs;
use crate::spec::Dialect;

/// The existing inputs of a spec, relative to the folder where its agents work: the files that the spec's tool keeps next
/// to tasks.md, then tasks.md, then the files of `prompt.inputs`. Each is listed once.
#[must_use]
pub fn find(place: &SpecPlace, config: &Config, dialect: Dialect) -> Vec<String> {
    let cwd = config.run.workdir.as_deref().unwrap_or(&place.root);
    let shown = |path: &Path| path.strip_prefix(cwd).unwrap_or(path).display().to_string();
    let dialect = place.dialect.unwrap_or(dialect);
    // beside a task list in the root of a project lies the project, not the rest of a spec
    let alone = place.file.is_some() && place.dir == place.root;
    let beside = if alone { Vec::new() } else { inputs::inputs(Some(dialect), &files_of(&place.dir)) };
    let own = place.tasks_path();
    let beside = beside.iter().map(|file| place.dir.join(file)).filter(|file| *file != own);
    let mut found: Vec<String> = beside.chain([own.clone()]).map(|file| shown(&file)).collect();
    for extra in config.prompt.inputs.iter().flat_map(|pattern| matching(cwd, pattern)) {
        if !found.contains(&extra) {
            found.push(extra);
        }
    }
    found
}

/// The entries of `prompt.inputs` that match no file now.
#[must_use]
pub fn unmatched<'a>(place: &SpecPlace, config: &'a Config) -> Vec<&'a str> {
    let cwd = config.run.workdir.as_deref().unwrap_or(&place.root);
    config
        .prompt
        .inputs
        .iter()
        .map(String::as_str)
        .filter(|pattern| matching(cwd, pattern).is_empty())
        .collect()
}

/// Refuses entries of `prompt.inputs` that look at too many files: each prompt would wait for that.
pub fn check(place: &SpecPlace, config: &Config) -> Result<()> {
    let cwd = config.run.workdir.as_deref().unwrap_or(&place.root);
    for pattern in &config.prompt.inputs {
        if let Err(TooMany) = all_matching(cwd, pattern) {
            let text = format!("prompt.inputs: {pattern:?} looks at too many files");
            return Err(Error::new(ErrorKind::Config, text).hint(format!(
                "It may match {FOUND_MAX} files and look at {SEEN_MAX} within {} s; name a folder before the first wildcard.",
                TIME_MAX.as_secs()
            )));
        }
    }
    Ok(())
}

/// The files of a spec that can be inputs, relative to its folder. Hidden files are not for agents.
fn files_of(dir: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut open = vec![(dir.to_owned(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') {
                continue;
            }
            let path = entry.path();
            // a link to a folder may lead in a circle; a link to a file is a file
            let folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if folder && (!prefix.is_empty() || inputs::FOLDERS.contains(&name.as_str())) {
                open.push((path, format!("{prefix}{name}/")));
            } else if path.is_file() {
                files.push(format!("{prefix}{name}"));
            }
        }
    }
    files
}

/// Files that one entry of `prompt.inputs` may match.
const FOUND_MAX: usize = 10_000;
/// Files and folders that it may look at.
const SEEN_MAX: usize = 500_000;
/// How long it may take.
const TIME_MAX: Duration = Duration::from_secs(3);

/// An entry of `prompt.inputs` looks at more than it may.
struct TooMany;

/// The files of one entry; none where it looks at too many.
fn matching(cwd: &Path, pattern: &str) -> Vec<String> {
    all_matching(cwd, pattern).unwrap_or_default()
}

/// The files of one entry of `prompt.inputs`: the file of that name, or all that match it as a glob, sorted.
fn all_matching(cwd: &Path, pattern: &str) -> Result<Vec<String>, TooMany> {
    if cwd.join(pattern).is_file() {
        return Ok(vec![pattern.to_owned()]);
    }
    // the configuration refuses invalid globs
    let Ok(glob) = globset::GlobBuilder::new(pattern).literal_separator(true).build() else {
        return Ok(Vec::new());
    };
    let (began, mut seen) = (Instant::now(), 0_usize);
    let glob = glob.compile_matcher();
    // all matches are below the folder before the first wildcard
    let fixed: PathBuf = Path::new(pattern)
        .components()
        .take_while(|c| !c.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']))
        .collect();
    let mut open = vec![cwd.join(fixed)];
    let mut found = Vec::new();
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            seen += 1;
            if seen > SEEN_MAX || found.len() >= FOUND_MAX || (seen % 256 == 0 && began.elapsed() > TIME_MAX)
            {
                return Err(TooMany);
            }
            let path = entry.path();
            let relative = path.strip_prefix(cwd).unwrap_or(&path);
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && entry.file_name() != ".git" => open.push(path),
                Ok(_) if glob.is_match(relative) => found.push(relative.display().to_string()),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}
