//! The hooks of git as they were at one moment, so that a commit runs no other ones.
//!
//! As long as nothing changed, git finds its hooks itself. After a change, a commit gets a folder that is made for it: a
//! hook that is the same is called where it lies, since it may look for files next to it; one that was changed or removed is
//! there as it was; one that was added is not there.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::call::{GitCall, GitError, Supervisor};
use super::path::path_lines;
use super::stamp::Stamp;

/// Hooks that git runs for a commit.
const OF_COMMITS: [&str; 7] = [
    "pre-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "reference-transaction",
    "post-index-change",
    "pre-auto-gc",
];
/// The hook that a push runs.
const OF_PUSHES: &str = "pre-push";
/// Other hooks, which no commit runs.
const OTHERS: [&str; 19] = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-merge-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "pre-receive",
    "update",
    "proc-receive",
    "post-receive",
    "post-update",
    "push-to-checkout",
    "post-rewrite",
    "sendemail-validate",
    "fsmonitor-watchman",
    "p4-pre-submit",
    "p4-changelist",
];
/// Files of a hook folder that are looked at, and bytes of each of them.
const FILES_MAX: usize = 200;
const BYTES_MAX: u64 = 4_000_000;

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookFile {
    /// Its content; what lies beyond a limit is not kept.
    pub content: Vec<u8>,
    mode: u32,
    stamp: Option<Stamp>,
}

/// The folder with the hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookFolder {
    /// Where git finds its hooks.
    pub folder: PathBuf,
    /// Hooks that commits run and files that they may use, by their names relative to the folder: `pre-commit`, `_/h`,
    /// `../pre-commit`.
    pub files: BTreeMap<String, HookFile>,
    /// Whether the hook of pushes is among them.
    pushes: bool,
}

impl HookFolder {
    /// The hooks that commits run in the repository that `top` is the work tree of; with `pushes` also that of pushes.
    pub fn read(top: &Path, pushes: bool, supervisor: &Supervisor) -> Result<Self, GitError> {
        let folder = find(top, supervisor)?;
        let mut files = BTreeMap::new();
        collect(&folder, pushes, &mut files);
        // husky keeps what its hooks call next to their folder
        if folder.file_name().is_some_and(|name| name == "_") {
            for name in called(pushes) {
                let path = folder.join("..").join(name);
                if let Some(file) = read(&path) {
                    files.insert(format!("../{name}"), file);
                }
            }
        }
        Ok(Self { folder, files, pushes })
    }

    /// Whether the folder holds these hooks still. Files that look the same are not read.
    pub(super) fn is_as_it_was(&self) -> bool {
        let mut there = BTreeMap::new();
        list(&self.folder, "", self.pushes, &mut there);
        let inside = self.files.keys().filter(|name| !name.starts_with("../"));
        inside.eq(there.keys())
            && self.files.iter().all(|(name, file)| Stamp::of_target(&self.folder.join(name)) == file.stamp)
            && (self.folder.file_name().is_none_or(|name| name != "_")
                || called(self.pushes).all(|name| {
                    self.files.contains_key(&format!("../{name}"))
                        || !self.folder.join("..").join(name).exists()
                }))
    }

    /// A folder with these hooks, where git would run other ones now. `may_have_moved`: git may look in another folder.
    pub(super) fn substitute(
        &self,
        top: &Path,
        may_have_moved: bool,
        supervisor: &Supervisor,
    ) -> Result<Option<TempDir>, GitError> {
        let now = if may_have_moved { find(top, supervisor)? } else { self.folder.clone() };
        if now == self.folder && self.is_as_it_was() {
            return Ok(None);
        }
        let failed = |e: io::Error| GitError::Unusable { why: format!("keeping the hooks of the run: {e}") };
        self.write_substitute().map(Some).map_err(failed)
    }

    /// Where the hooks are in the folder that [`HookFolder::substitute`] made.
    pub(super) fn in_substitute(made: &TempDir) -> PathBuf {
        made.path().join("_")
    }

    fn write_substitute(&self) -> io::Result<TempDir> {
        let made = tempfile::Builder::new().prefix("seqorch-hooks-").tempdir()?;
        let folder = Self::in_substitute(&made);
        fs::create_dir(&folder)?;
        for (name, file) in &self.files {
            let (original, copy) = (self.folder.join(name), folder.join(name));
            if let Some(parent) = copy.parent() {
                fs::create_dir_all(parent)?;
            }
            let is_hook = called(true).any(|known| known == name);
            // a hook that calls another file is as it was only if that is, too
            let around = format!("../{name}");
            let same = |name: &str, file: &HookFile| {
                read(&self.folder.join(name)).is_some_and(|now| now.content == file.content)
            };
            let intact = same(name, file)
                && self.files.get(&around).is_none_or(|file| same(&around, file))
                && self
                    .files
                    .iter()
                    .filter(|(name, _)| !is_a_hook(name))
                    .all(|(name, file)| same(name, file));
            let mut options = OpenOptions::new();
            let mut to = options.write(true).create_new(true).mode(file.mode & 0o777).open(&copy)?;
            if is_hook && intact {
                let original = shlex::bytes::try_quote(original.as_os_str().as_encoded_bytes());
                let original = original.map_err(io::Error::other)?.into_owned();
                to.write_all(&[b"#!/bin/sh\nexec ", original.as_slice(), b" \"$@\"\n"].concat())?;
            } else {
                to.write_all(&file.content)?;
            }
        }
        Ok(made)
    }
}

/// Where git looks for hooks now.
fn find(top: &Path, supervisor: &Supervisor) -> Result<PathBuf, GitError> {
    let args = ["rev-parse", "--path-format=absolute", "--git-path", "hooks"];
    let printed = GitCall::as_typed(top, args, super::call::DEADLINE).read(supervisor)?;
    path_lines(&printed)
        .pop()
        .ok_or_else(|| GitError::Unusable { why: "git does not say where its hooks are".to_owned() })
}

/// The hooks that a run has git call.
fn called(pushes: bool) -> impl Iterator<Item = &'static str> {
    OF_COMMITS.into_iter().chain(pushes.then_some(OF_PUSHES))
}

/// Whether git calls a file of this name.
fn is_a_hook(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    OF_COMMITS.contains(&name) || OTHERS.contains(&name)
}

/// The paths of the files that matter, by their names; folders in it, too.
fn list(folder: &Path, prefix: &str, pushes: bool, found: &mut BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (Ok(name), path) = (entry.file_name().into_string(), entry.path()) else { continue };
        let is_called = called(pushes).any(|known| known == name);
        if found.len() >= FILES_MAX || (OTHERS.contains(&name.as_str()) && !is_called) {
            continue;
        }
        let is_sample = Path::new(&name).extension().is_some_and(|extension| extension == "sample");
        match fs::metadata(&path) {
            Ok(data) if data.is_file() && !is_sample => {
                found.insert(format!("{prefix}{name}"), path);
            }
            Ok(data) if data.is_dir() && prefix.is_empty() => list(&path, &format!("{name}/"), pushes, found),
            _ => {}
        }
    }
}

fn collect(folder: &Path, pushes: bool, files: &mut BTreeMap<String, HookFile>) {
    let mut found = BTreeMap::new();
    list(folder, "", pushes, &mut found);
    files.extend(found.into_iter().filter_map(|(name, path)| Some((name, read(&path)?))));
}

fn read(path: &Path) -> Option<HookFile> {
    // a pipe in the place of a hook must not hold anything up
    let data = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let stamp = Stamp::of_target(path);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path);
    let mut content = Vec::new();
    file.ok()?.take(BYTES_MAX).read_to_end(&mut content).ok()?;
    Some(HookFile { content, mode: data.permissions().mode(), stamp })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};

    fn hook(folder: &Path, name: &str, text: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(name), format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What the hook `pre-commit` of the substitute prints; `None` where git finds its hooks itself.
    fn runs(hooks: &HookFolder, top: &Path, name: &str) -> Option<String> {
        let made = hooks.substitute(top, true, &Supervisor::default()).unwrap()?;
        let hook = HookFolder::in_substitute(&made).join(name);
        if !hook.exists() {
            return Some("nothing".to_owned());
        }
        let output = std::process::Command::new(hook).arg("an arg").output().unwrap();
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    #[test]
    fn the_hooks_of_the_start_run_whatever_was_changed_since() {
        let (_dir, repo) = repository();
        let folder = repo.top.join(".git/hooks");
        hook(&folder, "pre-commit", "echo \"$0 $1\"");
        hook(&folder, "commit-msg", "echo old");
        let hooks = HookFolder::read(&repo.top, false, &Supervisor::default()).unwrap();
        assert_eq!(hooks.files.keys().collect::<Vec<_>>(), ["commit-msg", "pre-commit"]);
        assert_eq!(runs(&hooks, &repo.top, "pre-commit"), None);
        hook(&folder, "commit-msg", "echo new");
        hook(&folder, "post-commit", "echo added");
        let original = folder.join("pre-commit").display().to_string();
        assert_eq!(runs(&hooks, &repo.top, "pre-commit"), Some(format!("{original} an arg")));
        assert_eq!(runs(&hooks, &repo.top, "commit-msg").as_deref(), Some("old"));
        assert_eq!(runs(&hooks, &repo.top, "post-commit").as_deref(), Some("nothing"));
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(runs(&hooks, &repo.top, "commit-msg").as_deref(), Some("old"));
    }

    #[test]
    fn the_hook_of_pushes_counts_only_where_a_run_pushes() {
        let (_dir, repo) = repository();
        hook(&repo.top.join(".git/hooks"), "pre-push", "echo old");
        let read = |pushes| HookFolder::read(&repo.top, pushes, &Supervisor::default()).unwrap();
        assert_eq!((read(false).files.len(), read(true).files.len()), (0, 1));
        let hooks = read(true);
        hook(&repo.top.join(".git/hooks"), "pre-push", "echo new");
        assert_eq!(runs(&hooks, &repo.top, "pre-push").as_deref(), Some("old"));
    }

    #[test]
    fn another_folder_of_hooks_is_not_used() {
        let (_dir, repo) = repository();
        let hooks = HookFolder::read(&repo.top, false, &Supervisor::default()).unwrap();
        hook(&repo.top.join("evil"), "pre-commit", "echo evil");
        git(&repo.top, &["config", "core.hooksPath", "evil"]);
        assert_eq!(runs(&hooks, &repo.top, "pre-commit").as_deref(), Some("nothing"));
    }

    #[test]
    fn the_scripts_that_hooks_of_husky_call_are_those_of_the_start() {
        let (_dir, repo) = repository();
        let folder = repo.top.join(".husky/_");
        hook(&folder, "pre-commit", ". \"$(dirname \"$0\")/h\"");
        hook(&folder, "h", "sh \"$(dirname \"$(dirname \"$0\")\")/$(basename \"$0\")\"");
        hook(&repo.top.join(".husky"), "pre-commit", "echo old");
        git(&repo.top, &["config", "core.hooksPath", ".husky/_"]);
        let hooks = HookFolder::read(&repo.top, false, &Supervisor::default()).unwrap();
        assert_eq!(runs(&hooks, &repo.top, "pre-commit"), None);
        hook(&repo.top.join(".husky"), "pre-commit", "echo new");
        assert_eq!(runs(&hooks, &repo.top, "pre-commit").as_deref(), Some("old"));
    }
}
