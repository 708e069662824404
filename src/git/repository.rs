//! A repository and the places in it, looked up once.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::call::{GitCall, GitError, Supervisor, one_line};
use super::executing::{ExecutingSettings, GitPin, SettingOverride};
use super::filter_environment::in_plain_environment;
use super::hooks::HookFolder;
use super::path::path_lines;
use super::status::WorkTreeStatus;

/// The version of the installed git.
pub fn version(dir: &Path) -> Result<String, GitError> {
    let printed = GitCall::new(dir, ["--version"]).run(&Supervisor::default())?;
    Ok(one_line(&printed).trim_start_matches("git version ").to_owned())
}

/// The repository in whose work tree a folder is.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The top of the work tree.
    pub top: PathBuf,
    /// The folder of this work tree (`.git`, or `.git/worktrees/NAME`).
    pub git_dir: PathBuf,
    /// The folder that all work trees share.
    pub common_dir: PathBuf,
    /// The user's index.
    pub index: PathBuf,
    /// The repository's objects.
    pub objects: PathBuf,
    /// Who may end our calls, and who gets those that take long.
    pub supervisor: Supervisor,
    /// Calls name the repository to git. Set where the environment is not that of the shell in which the run was typed, as
    /// in a window of tmux.
    pub is_named: bool,
    /// The settings and hooks of git that calls execute; `None`: those of now.
    pub pin: Option<Arc<GitPin>>,
}

impl Repository {
    /// The repository that `dir` is in. `None` where there is none; an error, with git's words, where git refuses to say
    /// (dubious ownership, a broken repository, no file descriptors left).
    pub fn find(dir: &Path, supervisor: &Supervisor) -> Result<Option<Self>, GitError> {
        let args = [
            "rev-parse",
            "--path-format=absolute",
            "--show-toplevel",
            "--git-dir",
            "--git-common-dir",
            "--git-path",
            "index",
            "--git-path",
            "objects",
        ];
        let printed = match GitCall::new(dir, args).read(supervisor) {
            Ok(printed) => printed,
            // "not a git repository: /x" names a place that a file, or the environment, leads to
            Err(GitError::Failed { words, .. }) if words.contains("not a git repository (or any") => {
                return match dir.ancestors().map(|folder| folder.join(".git")).find(|git| git.exists()) {
                    None => Ok(None),
                    Some(git) => Err(GitError::Unusable {
                        why: format!("{} is there, but git does not take it for a repository", git.display()),
                    }),
                };
            }
            // the folder of git itself, or a bare repository: it has no files to work on
            Err(GitError::Failed { words, .. }) if words.contains("must be run in a work tree") => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let lines: [PathBuf; 5] = path_lines(&printed).try_into().map_err(|_| GitError::Unusable {
            why: format!("git gives no usable places for {}: a line break in a path?", dir.display()),
        })?;
        let [top, git_dir, common_dir, index, objects] = lines;
        let supervisor = supervisor.clone();
        let (is_named, pin) = (false, None);
        Ok(Some(Self { top, git_dir, common_dir, index, objects, supervisor, is_named, pin }))
    }

    /// The same repository for calls that only look: they execute nothing that its settings name.
    #[must_use]
    pub fn only_to_look(self) -> Self {
        Self { pin: Some(Arc::default()), ..self }
    }

    /// The settings and hooks that a run of now would execute; hooks only where it commits, that of pushes only where it
    /// pushes, too.
    pub fn executing(&self, commits: bool, pushes: bool) -> Result<GitPin, GitError> {
        let settings = ExecutingSettings::read(&self.top, self.git_dirs(), &self.supervisor)?;
        let hooks = commits.then(|| HookFolder::read(&self.top, pushes, &self.supervisor)).transpose()?;
        Ok(GitPin::new(settings, hooks))
    }

    fn git_dirs(&self) -> [&Path; 2] {
        [&self.git_dir, &self.common_dir]
    }

    /// What overrides settings that changed since they were pinned.
    pub(super) fn overrides(&self) -> Vec<SettingOverride> {
        let pin = self.pin.as_ref();
        pin.map_or_else(Vec::new, |pin| pin.overrides(&self.top, self.git_dirs(), &self.supervisor))
    }

    /// The filters of the start, in the environment of a plain commit.
    fn filters_as_typed(&self, others: usize) -> Vec<SettingOverride> {
        let own = |name: &str| std::env::var(name).ok();
        self.pin.as_ref().map_or_else(Vec::new, |pin| in_plain_environment(&pin.settings, others, own))
    }

    /// The folder with the pinned hooks, where git would run other ones now.
    pub(super) fn hooks_of_start(&self) -> Result<Option<(TempDir, PathBuf)>, GitError> {
        let Some(pin) = &self.pin else { return Ok(None) };
        let Some(hooks) = &pin.hooks else { return Ok(None) };
        let moved = pin.settings.may_have_changed();
        let made = hooks.substitute(&self.top, moved, &self.supervisor)?;
        Ok(made.map(|made| {
            let folder = HookFolder::in_substitute(&made);
            (made, folder)
        }))
    }

    /// A call at the top of the work tree that runs no hook.
    pub(super) fn call<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> GitCall<'_> {
        let overrides = self.overrides();
        let filters = self.filters_as_typed(overrides.len());
        let call = GitCall::new(&self.top, args).overriding(overrides).overriding(filters);
        if self.is_named { call.env("GIT_DIR", &self.git_dir).env("GIT_WORK_TREE", &self.top) } else { call }
    }

    /// What git prints, without line ends at its end.
    pub(super) fn ask<S: AsRef<std::ffi::OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> Result<String, GitError> {
        self.call(args).read(&self.supervisor).map(|printed| one_line(&printed))
    }

    /// An error where git now takes another folder for the work tree: an agent may set `core.worktree`, and a snapshot would have all
    /// files of that folder.
    pub fn check_top(&self) -> Result<(), GitError> {
        let files = [self.common_dir.join("config"), self.git_dir.join("config.worktree")];
        let names_one = |text: Vec<u8>| String::from_utf8_lossy(&text).to_lowercase().contains("worktree");
        if self.is_named || !files.iter().any(|file| fs::read(file).is_ok_and(names_one)) {
            return Ok(());
        }
        let asked = ["rev-parse", "--path-format=absolute", "--show-toplevel"];
        let printed = self.call(asked).read(&self.supervisor)?;
        let top = path_lines(&printed).into_iter().next().unwrap_or_default();
        if top == self.top {
            return Ok(());
        }
        let words = format!(
            "git takes {} for the work tree now, and no longer {}: see `git config --show-origin core.worktree`; \
             `git config --unset core.worktree` removes it",
            top.display(),
            self.top.display()
        );
        Err(GitError::Failed { command: "git rev-parse --show-toplevel".to_owned(), code: Some(1), words })
    }

    /// The folder for the snapshots of this name. It is in the folder of all that is kept of a spec.
    #[must_use]
    pub fn private_folder(&self, key: &str) -> PathBuf {
        self.common_dir.join("seqorch").join(key).join(".snapshots")
    }

    /// What is not committed, new files included. Nothing is written.
    pub fn status(&self) -> Result<WorkTreeStatus, GitError> {
        let args = [
            "status",
            "--porcelain=v2",
            "-z",
            "--branch",
            "--no-ahead-behind",
            "--no-renames",
            "--untracked-files=all",
        ];
        self.call(args).read(&self.supervisor).map(|printed| WorkTreeStatus::parse(&printed))
    }

    /// Whether git ignores a path.
    pub fn is_ignored(&self, path: &Path) -> Result<bool, GitError> {
        match self.call(["check-ignore", "-q", "--"]).arg(path).read(&self.supervisor) {
            Ok(_) => Ok(true),
            Err(GitError::Failed { code: Some(1), .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether git knows in whose name to commit, as author and as committer; else git's own words.
    pub fn identity(&self) -> Result<(), GitError> {
        for of in ["GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"] {
            self.ask(["var", of])?;
        }
        Ok(())
    }

    /// Variables with which git writes objects to this folder and finds those of the repository, too.
    pub(super) fn with_objects_of(&self, folder: &Path) -> [(&'static str, OsString); 2] {
        [("GIT_OBJECT_DIRECTORY", folder.as_os_str().to_owned()), also_objects_of(&self.objects)]
    }
}

/// The variable with which git also finds the objects of this folder, next to those of the caller's own value.
pub(super) fn also_objects_of(folder: &Path) -> (&'static str, OsString) {
    let mut folders = quoted(folder);
    if let Some(more) = std::env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES") {
        folders.push(":");
        folders.push(more);
    }
    ("GIT_ALTERNATE_OBJECT_DIRECTORIES", folders)
}

/// A path in a list that is separated by colons: git reads one with odd characters in C quotes.
fn quoted(path: &Path) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let bytes = path.as_os_str().as_bytes();
    if !bytes.iter().any(|b| matches!(b, b':' | b'"' | b'\\' | b'\n')) {
        return path.as_os_str().to_owned();
    }
    let mut text = vec![b'"'];
    for b in bytes {
        match b {
            b'"' | b'\\' => text.extend([b'\\', *b]),
            b'\n' => text.extend(b"\\n"),
            other => text.push(*other),
        }
    }
    text.push(b'"');
    OsString::from_vec(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};

    #[test]
    fn a_folder_without_a_repository_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Repository::find(dir.path(), &Supervisor::default()).unwrap().is_none());
    }

    #[test]
    fn a_linked_work_tree_has_an_index_of_its_own() {
        let (_dir, repo) = repository();
        git(&repo.top, &["worktree", "add", "-q", "../linked"]);
        let linked = repo.top.parent().unwrap().join("linked");
        let other = Repository::find(&linked, &Supervisor::default()).unwrap().unwrap();
        assert_eq!(other.common_dir, repo.common_dir);
        assert_ne!(other.index, repo.index);
        assert_eq!(other.private_folder("k"), repo.private_folder("k"));
    }

    #[test]
    fn a_work_tree_that_is_another_folder_now_is_an_error() {
        let (dir, repo) = repository();
        assert_eq!(repo.check_top(), Ok(()));
        git(&repo.top, &["config", "core.worktree", dir.path().to_str().unwrap()]);
        let error = repo.check_top().unwrap_err();
        assert!(error.words().contains("git config --unset core.worktree"), "{error}");
        git(&repo.top, &["config", "--unset", "core.worktree"]);
        assert_eq!(repo.check_top(), Ok(()));
    }

    #[test]
    fn a_broken_repository_is_an_error_with_gits_words() {
        let (_dir, repo) = repository();
        std::fs::write(repo.top.join(".git/config"), "[core\n").unwrap();
        let error = Repository::find(&repo.top, &Supervisor::default()).unwrap_err();
        assert!(error.words().contains("bad config"), "{error}");
    }
}
