//! Reads and writes the files of section "where things are kept": state, progress, attempt folders.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::attempt_dir::AttemptDir;
use super::attempt_folder;
use super::entry_box::EntryBox;
use super::expiry::expired;
use super::kept_log::KeptLog;
use super::last_written::LastWritten;
use super::lock::{is_held, with_lock, with_replaced};
use super::spec_folder::{RUN_LOCK, SpecFolder, check_place, folder_name, ignored_folder};
use super::state_file::{StateFile, StateText, Unreadable};
use crate::error::{Error, ErrorKind, Result};
use crate::state::spec_state::SpecState;
use crate::state::{Note, PersonRequest};
use crate::sys::nofollow::WHOLE_MAX;
use crate::sys::{files, nofollow, socket};

/// Where everything of one spec is kept.
#[derive(Debug, Clone)]
pub struct Store {
    /// The spec's name.
    pub(super) spec: String,
    /// The spec's folder, or its file where a file is the spec.
    pub(super) spec_dir: PathBuf,
    /// The root of the project.
    pub(super) root: PathBuf,
    /// `.seqorch/<spec>`
    shown: SpecFolder,
    /// `<git common dir>/seqorch/<spec>`; `None` without git.
    in_git: Option<SpecFolder>,
    /// Whether new files go to the folder in git's.
    uses_git: bool,
    /// What was written last.
    written: LastWritten,
}

impl Store {
    /// The store of the spec in `spec_dir`, in the project at `root`.
    #[must_use]
    pub fn new(root: &Path, spec_dir: &Path, spec: &str) -> Self {
        Self {
            spec: spec.to_owned(),
            spec_dir: spec_dir.to_owned(),
            root: root.to_owned(),
            shown: SpecFolder::of_project(root, spec_dir, spec),
            in_git: SpecFolder::of_repository(root, spec_dir, spec),
            uses_git: false,
            written: LastWritten::default(),
        }
    }

    /// The same store, which keeps its files in git's folder if there is one and `uses_git` is set. `git clean` removes
    /// nothing there.
    #[must_use]
    pub fn using_git(self, uses_git: bool) -> Self {
        let uses_git = uses_git && self.in_git.is_some();
        Self { uses_git, ..self }
    }

    /// `<spec>/../SEQUENTIAL_STATE.json`; in the spec's folder itself where that is the root of the project or the top of a
    /// repository: what lies above it belongs to others.
    #[must_use]
    pub fn state_path(&self) -> PathBuf {
        self.next_to_spec("SEQUENTIAL_STATE.json")
    }

    /// `<spec>/../SEQUENTIAL_PROGRESS.md`
    #[must_use]
    pub fn progress_path(&self) -> PathBuf {
        self.next_to_spec("SEQUENTIAL_PROGRESS.md")
    }

    pub(super) fn next_to_spec(&self, name: &str) -> PathBuf {
        let is_top = self.spec_dir == self.root || fs::symlink_metadata(self.spec_dir.join(".git")).is_ok();
        if is_top && self.spec_dir.is_dir() {
            return self.spec_dir.join(name);
        }
        self.spec_dir.parent().unwrap_or(&self.spec_dir).join(name)
    }

    /// The folder of what is kept of the spec's runs.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.used().path.clone()
    }

    /// All folders that may have files of the spec's runs, the one in use first: another version, or another
    /// configuration, may have kept some elsewhere.
    #[must_use]
    pub fn folders(&self) -> Vec<PathBuf> {
        let other = if self.uses_git { Some(&self.shown) } else { self.in_git.as_ref() };
        [Some(self.used()), other].into_iter().flatten().map(|folder| folder.path.clone()).collect()
    }

    fn used(&self) -> &SpecFolder {
        self.in_git.as_ref().filter(|_| self.uses_git).unwrap_or(&self.shown)
    }

    /// The name of the spec's folder in git's folder.
    #[must_use]
    pub fn name_in_git(&self) -> Option<&OsStr> {
        self.in_git.as_ref()?.path.file_name()
    }

    /// Where the other specs are that have something in git's folder for this work tree, and the names of their folders there.
    #[must_use]
    pub fn siblings(&self) -> Vec<(PathBuf, OsString)> {
        self.in_git.as_ref().map(SpecFolder::siblings).unwrap_or_default()
    }

    /// The folder of git that belongs to the work tree of the project, as far as files say it.
    #[must_use]
    pub fn git_dir(&self) -> Option<PathBuf> {
        self.in_git.as_ref()?.git_dir()
    }

    /// The folder of git, where it is no repository any more, and the spec's folder in it.
    pub(super) fn folder_in_removed_repository(&self) -> Option<(PathBuf, PathBuf)> {
        let folder = self.in_git.as_ref().filter(|_| self.uses_git)?;
        Some((folder.removed_repository()?, folder.path.clone()))
    }

    /// `.seqorch/<spec>`
    pub(super) fn shown_folder(&self) -> PathBuf {
        self.shown.path.clone()
    }

    /// The folder in git's that is in use.
    fn safe_folder(&self) -> Option<&Path> {
        self.in_git.as_ref().filter(|_| self.uses_git).map(|folder| folder.path.as_path())
    }

    /// `run.lock`: held by the run that works now.
    #[must_use]
    pub fn run_lock(&self) -> PathBuf {
        let locks: Vec<PathBuf> = self.folders().iter().map(|folder| folder.join(RUN_LOCK)).collect();
        let held = locks.iter().skip(1).find(|lock| is_held(lock)).cloned();
        held.unwrap_or_else(|| self.folder().join(RUN_LOCK))
    }

    /// `.seqorch/<spec>/events.jsonl`
    #[must_use]
    pub fn events_path(&self) -> PathBuf {
        self.shown.path.join("events.jsonl")
    }

    /// The event log.
    #[must_use]
    pub fn events(&self) -> KeptLog {
        KeptLog::new(self.events_path(), self.safe_folder().map(|folder| folder.join("events.jsonl")), 0o600)
    }

    fn progress_log(&self) -> KeptLog {
        KeptLog::new(self.progress_path(), self.safe_folder().map(|folder| folder.join("progress.md")), 0o644)
    }

    /// From now on, the logs that people read are written again where somebody removes them. `resumes`: the run
    /// began earlier.
    pub fn watch_logs(&self, resumes: bool) {
        self.events().watch(resumes);
        self.progress_log().watch(resumes);
    }

    /// Where notes for a run at work are put.
    #[must_use]
    pub fn note_box(&self) -> EntryBox<Note> {
        EntryBox::new(self.folder().join(".notes"))
    }

    /// Where other requests to a run at work are put.
    #[must_use]
    pub fn request_box(&self) -> EntryBox<PersonRequest> {
        EntryBox::new(self.folder().join(".requests"))
    }

    /// `talk.lock`: held while a person talks to an agent in its session.
    #[must_use]
    pub fn talk_lock(&self) -> PathBuf {
        self.folder().join("talk.lock")
    }

    /// `summary.txt`: the summary of the last run, for viewers.
    #[must_use]
    pub fn summary_path(&self) -> PathBuf {
        self.folder().join("summary.txt")
    }

    /// Writes the summary. Viewers do without it where that fails.
    pub fn write_summary(&self, text: &str) {
        let _ = files::replace(&self.summary_path(), text.as_bytes(), 0o600);
    }

    /// `<unit>/<attempt>`
    #[must_use]
    pub fn attempt_dir(&self, unit: &str, attempt: u32) -> AttemptDir {
        let at = |folder: &PathBuf| folder.join(folder_name(unit)).join(attempt.to_string());
        let folders = self.folders();
        AttemptDir::new(folders.iter().map(at).find(|dir| dir.exists()).unwrap_or_else(|| at(&folders[0])))
    }

    /// Folders of all attempts that are kept.
    #[must_use]
    pub fn attempt_dirs(&self) -> Vec<AttemptDir> {
        attempt_folder::all_in(&self.folders())
    }

    /// As [`Store::prepare`]; gives the store of the spec, which has another folder where one of the same name was faster.
    pub fn prepared(self) -> Result<Self> {
        match self.prepare() {
            Err(error) if error.kind() == ErrorKind::Locked => {
                let again = Self::new(&self.root, &self.spec_dir, &self.spec).using_git(self.uses_git);
                again.prepare().map(|()| again)
            }
            done => done.map(|()| self),
        }
    }

    /// Makes the private folders, with a `.gitignore` that keeps them out of commits.
    pub fn prepare(&self) -> Result<()> {
        ignored_folder(&self.root)?;
        files::create_private_dir(&self.shown.path)?;
        self.shown.claim()?;
        self.in_git.as_ref().filter(|_| self.uses_git).map_or(Ok(()), SpecFolder::claim)
    }

    /// `.seqorch`
    fn home(&self) -> PathBuf {
        self.root.join(".seqorch")
    }

    /// Removes what killed runs left half-written. Call it with the run lock in hand.
    pub fn sweep(&self) {
        self.folders().iter().for_each(|folder| socket::remove_dead_sockets(folder));
        // the file may be a link; its temp files are next to what it leads to
        let tasks = self.spec_dir.join("tasks.md");
        let tasks = if self.spec_dir.is_dir() { tasks } else { self.spec_dir.clone() };
        if let Some(folder) = fs::canonicalize(tasks).ok().as_deref().and_then(Path::parent) {
            files::remove_temp_files(folder);
        }
        let _ = with_lock(&self.state_lock(), || {
            let state = self.state_path();
            state.parent().map(files::remove_temp_files);
            Ok(())
        });
    }

    /// Removes the attempt folders that are not needed any more and whose attempts ended before `limit`. Returns how many,
    /// and why others could not be removed. It covers all specs of the state file: a spec that is done is not run again, so
    /// it would never clean up after itself.
    pub fn expire(&self, limit: Timestamp) -> Result<(usize, Vec<String>)> {
        let Some(StateText::Ours(file)) = self.read_file()? else { return Ok((0, Vec::new())) };
        let (mut removed, mut complaints) = (0, Vec::new());
        for (spec, state) in &file.specs {
            let store = self.sibling(spec);
            for (unit, number) in expired(state, limit) {
                let dir = store.attempt_dir(state.folder(unit), number);
                match files::remove_folder(dir.path()) {
                    Ok(()) => removed += 1,
                    // an earlier run, or one that does the same right now
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(e) => complaints.push(format!("{} cannot be removed: {e}", dir.path().display())),
                }
                // goes only when it is empty
                let _ = dir.path().parent().map(fs::remove_dir);
            }
        }
        Ok((removed, complaints))
    }

    /// The store of another spec of the same state file. The name of a spec that is a file is its path.
    fn sibling(&self, spec: &str) -> Self {
        if spec == self.spec {
            return self.clone();
        }
        let file = self.root.join(spec);
        let path = if file.is_file() { file } else { self.next_to_spec(spec) };
        Self::new(&self.root, &path, spec).using_git(self.uses_git)
    }

    fn state_lock(&self) -> PathBuf {
        self.home().join("state.lock")
    }

    /// The spec's entry; a fresh one where there is none. A file of the Python tool is read, not moved.
    pub fn load(&self) -> Result<SpecState> {
        Ok(match self.read_file()? {
            None => {
                let copy = self.copy_of_open_run().and_then(|mut file| file.specs.remove(&self.spec));
                copy.or_else(|| self.entry_above()).unwrap_or_default()
            }
            Some(StateText::Ours(mut file)) => file.specs.remove(&self.spec).unwrap_or_default(),
            Some(StateText::Python { entry, spec }) => {
                if self.owner_of_python_state(spec)? == self.spec {
                    *entry
                } else {
                    SpecState::default()
                }
            }
        })
    }

    /// Replaces the spec's entry on disk; the entries of other specs stay as they are at this moment.
    pub fn save(&self, state: &SpecState) -> Result<()> {
        // somebody may have removed it under a run
        self.prepare()?;
        let path = self.state_path();
        check_place(&path)?;
        let write = || {
            let mut file = match self.read_bytes()? {
                None => self.copy_of_open_run().unwrap_or_default(),
                Some(bytes) => self.written.take(&bytes).map_or_else(|| self.file_to_keep(&bytes), Ok)?,
            };
            file.specs.insert(self.spec.clone(), state.clone());
            let bytes =
                file.text().map_err(|e| Error::new(ErrorKind::Internal, "writing the state").caused_by(e))?;
            files::replace(&path, &bytes, 0o644)?;
            self.copy_state(&bytes)?;
            self.written.keep(bytes, file);
            Ok(())
        };
        // a run from another project root may write to the same file, and has another lock file
        with_lock(&self.state_lock(), || with_replaced(&path, write))
    }

    /// What the state file has of all specs. One of the Python tool is kept beside it first.
    fn file_to_keep(&self, bytes: &[u8]) -> Result<StateFile> {
        match self.parse(bytes)? {
            StateText::Ours(file) => Ok(file),
            StateText::Python { entry, spec } => {
                let owner = self.owner_of_python_state(spec)?;
                let backup = self.next_to_spec("SEQUENTIAL_STATE.python.json");
                if !backup.exists() {
                    // whole or not there: a half one would be taken for the real one ever after
                    files::replace(&backup, bytes, 0o644)?;
                }
                let mut file = StateFile::default();
                file.specs.insert(owner, *entry);
                Ok(file)
            }
        }
    }

    /// The copy of the state, as the run that is not over saved it last. Where no run is open, a state file that is missing
    /// was moved away by a person who wants to start afresh.
    fn copy_of_open_run(&self) -> Option<StateFile> {
        let file = state_copy(self.safe_folder()?)?;
        Some(file).filter(|file| file.specs.get(&self.spec).is_some_and(|state| state.run.is_open()))
    }

    fn copy_state(&self, bytes: &[u8]) -> Result<()> {
        let Some(folder) = self.safe_folder() else { return Ok(()) };
        // it is written anew with each save, so it need not survive a power cut
        files::write_unsynced(&folder.join(STATE_COPY), bytes, 0o600)
    }

    fn read_file(&self) -> Result<Option<StateText>> {
        self.read_bytes()?.map(|bytes| self.parse(&bytes)).transpose()
    }

    fn read_bytes(&self) -> Result<Option<Vec<u8>>> {
        let path = self.state_path();
        match nofollow::read(&path, WHOLE_MAX) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => {
                Err(Error::io("reading", &path, e).hint("The state was not touched; nothing was started."))
            }
        }
    }

    fn parse(&self, bytes: &[u8]) -> Result<StateText> {
        let text = str::from_utf8(bytes).map_err(|_| Unreadable::NoText);
        text.and_then(StateText::read).map_err(|why| why.error(&self.state_path()))
    }

    /// Appends to the progress log, with a head where it is new.
    pub fn progress(&self, text: &str) -> Result<()> {
        self.progress_log().append("# Sequential Execution Progress\n", text)
    }
}

/// The copy of the state file in the folder of a spec.
#[must_use]
pub fn state_copy(folder: &Path) -> Option<StateFile> {
    let text = nofollow::read(&folder.join(STATE_COPY), WHOLE_MAX).ok()?;
    match StateText::read(&String::from_utf8(text).ok()?).ok()? {
        StateText::Ours(file) => Some(file),
        StateText::Python { .. } => None,
    }
}

/// The copy of the state file, in git's folder.
const STATE_COPY: &str = "state.json";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::lock::Holder;

    fn project() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let spec = dir.path().join("specs/login");
        fs::create_dir_all(&spec).unwrap();
        fs::write(spec.join("tasks.md"), "- [ ] 1. A\n").unwrap();
        let store = Store::new(dir.path(), &spec, "login");
        store.prepare().unwrap();
        (dir, store)
    }

    #[test]
    fn specs_of_one_folder_never_mix() {
        let (dir, login) = project();
        let other = Store::new(dir.path(), &dir.path().join("specs/logout"), "logout");
        let mut state = SpecState::default();
        state.complete(&["1".to_owned()]);
        login.save(&state).unwrap();
        other.save(&SpecState::default()).unwrap();
        assert_eq!(login.load().unwrap().completed, ["1"]);
        assert!(other.load().unwrap().completed.is_empty());
    }

    #[test]
    fn what_others_wrote_between_two_saves_stays() {
        let (dir, login) = project();
        let other = Store::new(dir.path(), &dir.path().join("specs/logout"), "logout");
        let mut state = SpecState::default();
        login.save(&state).unwrap();
        state.complete(&["1".to_owned()]);
        other.save(&state).unwrap();
        for id in ["2", "3"] {
            state.complete(&[id.to_owned()]);
            login.save(&state).unwrap();
        }
        assert_eq!(login.load().unwrap().completed, ["1", "2", "3"]);
        assert_eq!(other.load().unwrap().completed, ["1"]);
    }

    #[test]
    fn specs_of_one_name_have_a_folder_each_and_keep_it_when_moved() {
        let (dir, login) = project();
        assert_eq!(login.folder(), dir.path().join(".seqorch/login"));
        let second = dir.path().join("other/login");
        fs::create_dir_all(&second).unwrap();
        let other = || Store::new(dir.path(), &second, "login");
        assert!(other().folder().starts_with(dir.path().join(".seqorch")));
        assert_ne!(other().folder(), login.folder());
        other().prepare().unwrap();
        let kept = other().folder();
        // it keeps what it got, though the first one is gone: moved, or for good
        fs::rename(dir.path().join("specs"), dir.path().join("away")).unwrap();
        assert_eq!(other().folder(), kept);
        fs::rename(dir.path().join("away"), dir.path().join("specs")).unwrap();
        fs::rename(dir.path().join("specs"), dir.path().join("moved")).unwrap();
        let moved = Store::new(dir.path(), &dir.path().join("moved/login"), "login");
        moved.prepare().unwrap();
        assert_eq!((moved.folder(), other().folder()), (login.folder(), kept));
    }

    #[test]
    fn both_specs_of_one_name_find_their_folders_in_a_project_that_was_moved() {
        let dir = tempfile::tempdir().unwrap();
        let at = |project: &str, folder: &str| {
            let root = dir.path().join(project);
            let spec = root.join(folder).join("login");
            fs::create_dir_all(&spec).unwrap();
            Store::new(&root, &spec, "login")
        };
        let folders = || ["specs", "other"].map(|folder| at("now", folder).prepared().unwrap().folder());
        let before = folders();
        fs::rename(dir.path().join("now"), dir.path().join("then")).unwrap();
        fs::rename(dir.path().join("then"), dir.path().join("later")).unwrap();
        let names = |folders: [PathBuf; 2]| folders.map(|f| f.file_name().unwrap().to_owned());
        let after = ["specs", "other"].map(|folder| at("later", folder).folder());
        assert_eq!(names(after), names(before));
    }

    #[test]
    fn the_folder_of_an_active_run_keeps_its_owner_though_the_spec_is_gone() {
        let (dir, login) = project();
        let now = jiff::Timestamp::now();
        let lock =
            super::super::lock::RunLock::take(&login.run_lock(), &Holder::me(&login.spec_dir, now)).unwrap();
        fs::rename(dir.path().join("specs"), dir.path().join("away")).unwrap();
        let second = dir.path().join("other/login");
        fs::create_dir_all(&second).unwrap();
        let other = Store::new(dir.path(), &second, "login");
        assert!(other.prepare().unwrap_err().render().contains("specs/login"));
        drop(lock);
        other.prepare().unwrap();
        assert_eq!(other.folder(), login.folder());
    }

    #[test]
    fn two_specs_of_one_name_that_begin_at_once_get_a_folder_each() {
        let dir = tempfile::tempdir().unwrap();
        let at = |folder: &str| {
            let spec = dir.path().join(folder).join("login");
            fs::create_dir_all(&spec).unwrap();
            Store::new(dir.path(), &spec, "login")
        };
        let (first, second) = (at("a"), at("b"));
        assert_eq!(first.folder(), second.folder(), "no spec has it yet");
        first.prepare().unwrap();
        assert!(second.prepare().unwrap_err().render().contains("the spec a/login"));
        assert_ne!(at("b").folder(), first.folder());
        let second = second.prepared().unwrap();
        assert_eq!(second.folder(), at("b").folder());
        first.prepare().unwrap();
    }

    #[test]
    fn a_torn_state_is_refused_and_kept() {
        let (_dir, store) = project();
        fs::write(store.state_path(), "{\"schema\":1,\"spe").unwrap();
        assert!(store.load().is_err());
        assert!(store.save(&SpecState::default()).is_err());
        assert_eq!(fs::read_to_string(store.state_path()).unwrap(), "{\"schema\":1,\"spe");
    }

    #[test]
    fn the_python_tools_state_moves_into_the_entry_of_its_spec_and_is_kept() {
        let (dir, store) = project();
        let old = r#"{"completed":["1"],"halted":false,"started_at":null}"#;
        fs::write(store.state_path(), old).unwrap();
        let mut state = store.load().unwrap();
        assert_eq!(state.completed, ["1"]);
        state.complete(&["2".to_owned()]);
        store.save(&state).unwrap();
        assert_eq!(store.load().unwrap().completed, ["1", "2"]);
        let kept = fs::read_to_string(dir.path().join("specs/SEQUENTIAL_STATE.python.json")).unwrap();
        assert_eq!(kept, old);
    }

    #[test]
    fn the_python_tools_state_of_another_spec_is_not_taken_for_ours() {
        let (dir, store) = project();
        fs::create_dir_all(dir.path().join("specs/other")).unwrap();
        fs::write(dir.path().join("specs/other/tasks.md"), "- [ ] 1. B\n").unwrap();
        fs::write(store.state_path(), r#"{"completed":["1"]}"#).unwrap();
        assert!(store.load().unwrap_err().render().contains("does not say which spec"));
        fs::write(store.progress_path(), "# Sequential Execution Progress\n\n**Spec:** /a/specs/other\n")
            .unwrap();
        assert!(store.load().unwrap().completed.is_empty());
        store.save(&SpecState::default()).unwrap();
        let other = Store::new(dir.path(), &dir.path().join("specs/other"), "other");
        assert_eq!(other.load().unwrap().completed, ["1"]);
    }

    #[test]
    fn folder_names_are_safe_and_distinct() {
        assert_eq!(folder_name("1.1"), "1.1");
        assert!(!folder_name("../x").contains('/') && !folder_name("..").starts_with('.'));
        assert_ne!(folder_name("a/b"), folder_name("a_b"));
    }
}
