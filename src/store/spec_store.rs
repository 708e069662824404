//! Reads and writes the files of section "where things are kept": state, progress, attempt folders.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::attempt_dir::AttemptDir;
use super::expiry::expired;
use super::lock::{is_held, with_lock, with_replaced};
use super::state_file::{SCHEMA, StateFile, StateText, Unreadable, VERSION};
use crate::error::{Error, ErrorKind, Result};
use crate::state::spec_state::SpecState;
use crate::sys::digest::digest;
use crate::sys::{files, socket};

/// Where everything of one spec is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The spec's name.
    spec: String,
    /// The spec's folder.
    spec_dir: PathBuf,
    /// `<root>/.seqorch`
    home: PathBuf,
    /// `.seqorch/<spec>`
    folder: PathBuf,
}

impl Store {
    /// The store of the spec in `spec_dir`, in the project at `root`. If several folders of a project have a spec of the
    /// same name, the first of them that runs gets the folder with that name.
    #[must_use]
    pub fn new(root: &Path, spec_dir: &Path, spec: &str) -> Self {
        let home = root.join(".seqorch");
        let plain = home.join(folder_name(spec));
        let me = relative(root, spec_dir);
        let owner = owner(&plain);
        let folder = if owner.as_deref() == Some(me) {
            plain
        } else {
            // a spec keeps the folder that it got once, also when the other spec is gone
            let (other, exists) = other_folder(&home, spec, spec_dir, me);
            let ours = owner.is_none_or(|owner| is_gone(root, &owner));
            if ours && !exists { plain } else { other }
        };
        Self { spec: spec.to_owned(), spec_dir: spec_dir.to_owned(), home, folder }
    }

    /// `<spec>/../SEQUENTIAL_STATE.json`
    #[must_use]
    pub fn state_path(&self) -> PathBuf {
        self.next_to_spec("SEQUENTIAL_STATE.json")
    }

    /// `<spec>/../SEQUENTIAL_PROGRESS.md`
    #[must_use]
    pub fn progress_path(&self) -> PathBuf {
        self.next_to_spec("SEQUENTIAL_PROGRESS.md")
    }

    fn next_to_spec(&self, name: &str) -> PathBuf {
        self.spec_dir.parent().unwrap_or(&self.spec_dir).join(name)
    }

    /// `.seqorch/<spec>`
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.clone()
    }

    /// `.seqorch/<spec>/run.lock`
    #[must_use]
    pub fn run_lock(&self) -> PathBuf {
        self.folder().join("run.lock")
    }

    /// `.seqorch/<spec>/events.jsonl`
    #[must_use]
    pub fn events_path(&self) -> PathBuf {
        self.folder().join("events.jsonl")
    }

    /// `.seqorch/<spec>/summary.txt`: the summary of the last run, for viewers.
    #[must_use]
    pub fn summary_path(&self) -> PathBuf {
        self.folder().join("summary.txt")
    }

    /// `.seqorch/<spec>/slow.json`: the command that a run waits for, while it takes long.
    #[must_use]
    pub fn slow_command_path(&self) -> PathBuf {
        self.folder().join("slow.json")
    }

    /// `.seqorch/<spec>/<unit>/<attempt>`
    #[must_use]
    pub fn attempt_dir(&self, unit: &str, attempt: u32) -> AttemptDir {
        AttemptDir::new(self.folder().join(folder_name(unit)).join(attempt.to_string()))
    }

    /// Folders of all attempts that are kept.
    #[must_use]
    pub fn attempt_dirs(&self) -> Vec<AttemptDir> {
        let below = |dir: PathBuf| fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
        let attempts = below(self.folder()).flat_map(below);
        attempts.map(AttemptDir::new).filter(|dir| dir.lock().exists()).collect()
    }

    /// As [`Store::prepare`]; gives the store of the spec, which has another folder where one of the same name was faster.
    pub fn prepared(self) -> Result<Self> {
        match self.prepare() {
            Err(error) if error.kind() == ErrorKind::Locked => {
                let again = Self::new(self.root(), &self.spec_dir, &self.spec);
                again.prepare().map(|()| again)
            }
            done => done.map(|()| self),
        }
    }

    /// Makes the private folders, with a `.gitignore` that keeps them out of commits.
    pub fn prepare(&self) -> Result<()> {
        files::create_private_dir(&self.folder())?;
        let ignore = self.home.join(".gitignore");
        if !ignore.exists() {
            fs::write(&ignore, "*\n").map_err(|e| Error::io("writing", &ignore, e))?;
        }
        self.claim()
    }

    fn root(&self) -> &Path {
        self.home.parent().unwrap_or(&self.home)
    }

    /// Writes down whose folder it is.
    fn claim(&self) -> Result<()> {
        let path = self.folder.join(OWNER);
        let me = relative(self.root(), &self.spec_dir);
        match owner(&self.folder) {
            Some(owner) if owner == me => return Ok(()),
            // a run that works there may have lost its spec for a moment only
            Some(owner) if !is_gone(self.root(), &owner) || is_held(&self.run_lock()) => {
                return Err(Error::new(
                    ErrorKind::Locked,
                    format!("{} has just become that of the spec {}", self.folder.display(), owner.display()),
                )
                .hint("Try again: this spec then gets a folder of its own."));
            }
            Some(_) => return files::replace(&path, me.as_os_str().as_bytes(), 0o600),
            None => {}
        }
        let failed = |e| Error::io("writing", &path, e);
        if path.exists() {
            // an empty one, which says nothing
            fs::remove_file(&path).map_err(failed)?;
        }
        let temp = tempfile::Builder::new().prefix(".seqorch-").suffix(".tmp").tempfile_in(&self.folder);
        let mut file = temp.map_err(failed)?;
        file.write_all(me.as_os_str().as_bytes()).map_err(failed)?;
        match file.persist_noclobber(&path) {
            // of two that begin at once, one is the first
            Err(e) if e.error.kind() == std::io::ErrorKind::AlreadyExists => self.claim(),
            done => done.map(drop).map_err(|e| failed(e.error)),
        }
    }

    /// Removes what killed runs left half-written. Call it with the run lock in hand.
    pub fn sweep(&self) {
        socket::remove_dead_sockets(&self.folder());
        // the file may be a link; its temp files are next to what it leads to
        let tasks = self.spec_dir.join("tasks.md");
        if let Some(folder) = fs::canonicalize(tasks).ok().as_deref().and_then(Path::parent) {
            files::remove_temp_files(folder);
        }
        let _ = with_lock(&self.state_lock(), || {
            let state = self.state_path();
            let state = fs::canonicalize(&state).unwrap_or(state);
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
                let dir = store.attempt_dir(unit, number);
                match fs::remove_dir_all(dir.path()) {
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

    /// The store of another spec in the same folder.
    fn sibling(&self, spec: &str) -> Self {
        Self::new(self.root(), &self.next_to_spec(spec), spec)
    }

    fn state_lock(&self) -> PathBuf {
        self.home.join("state.lock")
    }

    /// The spec's entry; a fresh one where there is none. A file of the Python tool is read, not moved.
    pub fn load(&self) -> Result<SpecState> {
        Ok(match self.read_file()? {
            None => SpecState::default(),
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
        let write = || {
            let mut file = match self.read_file()? {
                None => StateFile::default(),
                Some(StateText::Ours(file)) => file,
                Some(StateText::Python { entry, spec }) => {
                    let owner = self.owner_of_python_state(spec)?;
                    let backup = self.next_to_spec("SEQUENTIAL_STATE.python.json");
                    if !backup.exists() {
                        // whole or not there: a half one would be taken for the real one ever after
                        let old = fs::read(&path).map_err(|e| Error::io("reading", &path, e))?;
                        files::replace(&backup, &old, 0o644)?;
                    }
                    let mut file = StateFile::default();
                    file.specs.insert(owner, *entry);
                    file
                }
            };
            file.specs.insert(self.spec.clone(), state.clone());
            let bytes =
                file.text().map_err(|e| Error::new(ErrorKind::Internal, "writing the state").caused_by(e))?;
            files::replace(&path, &bytes, 0o644)
        };
        // a run from another project root may write to the same file, and has another lock file
        with_lock(&self.state_lock(), || with_replaced(&path, write))
    }

    fn read_file(&self) -> Result<Option<StateText>> {
        let path = self.state_path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => {
                return Err(
                    Error::io("reading", &path, e).hint("The state was not touched; nothing was started.")
                );
            }
        };
        let refused = |why: String| {
            Error::new(ErrorKind::Internal, format!("{} {why}", path.display()))
                .detail("  It was not touched, and nothing was started.")
                .hint("Restore it from version control or a backup; or move it away to start afresh.")
        };
        let text = String::from_utf8(bytes).map_err(|_| refused("is not text".to_owned()))?;
        match StateText::read(&text) {
            Ok(read) => Ok(Some(read)),
            Err(Unreadable::Broken(why)) => Err(refused(format!("cannot be read as state: {why}"))),
            Err(Unreadable::Foreign) => Err(refused("is JSON, but not a state file of seqorch".to_owned())),
            Err(Unreadable::Newer { schema, written_by }) => {
                let needs = match written_by {
                    Some(version) => format!("It needs seqorch {}; this is {VERSION}.", version.trim()),
                    None => format!("It needs the seqorch that wrote it; this is {VERSION}."),
                };
                Err(Error::new(
                    ErrorKind::Internal,
                    format!("{} has schema {schema}, this seqorch knows up to {SCHEMA}", path.display()),
                )
                .detail("  It was not touched, and nothing was started.")
                .hint(needs))
            }
        }
    }

    /// The spec whose progress a file of the Python tool holds: the file names it, or the log next to it does, or there is
    /// only one spec. A guess could mark work of another spec as done.
    fn owner_of_python_state(&self, named: Option<String>) -> Result<String> {
        if let Some(name) = named.or_else(|| self.spec_in_progress_log()) {
            return Ok(name);
        }
        let folder = self.spec_dir.parent().unwrap_or(&self.spec_dir);
        let specs: Vec<String> = fs::read_dir(folder)
            .map_err(|e| Error::io("reading", folder, e))?
            .flatten()
            .filter(|e| e.path().join("tasks.md").exists())
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .collect();
        match specs.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(Error::new(
                ErrorKind::Internal,
                format!(
                    "{} is from the Python tool and does not say which spec it means",
                    self.state_path().display()
                ),
            )
            .detail("  It was not touched, and nothing was started.")
            .hint(format!(
                "Add `\"spec\": \"NAME\"` at its top, with one of: {}; or move it away.",
                specs.join(", ")
            ))),
        }
    }

    fn spec_in_progress_log(&self) -> Option<String> {
        let log = fs::read_to_string(self.progress_path()).ok()?;
        let line = log.lines().find_map(|l| l.strip_prefix("**Spec:** "))?;
        Path::new(line.trim()).file_name().map(|n| n.to_string_lossy().into_owned())
    }

    /// Appends to the progress log, with a head where it is new.
    pub fn progress(&self, text: &str) -> Result<()> {
        let path = self.progress_path();
        let mut entry = String::new();
        if !path.exists() {
            entry.push_str("# Sequential Execution Progress\n");
        }
        entry.push_str(text);
        files::append(&path, entry.as_bytes(), 0o644)
    }
}

/// The file that says whose folder it is in: where the spec is, seen from the project.
const OWNER: &str = "spec";

/// Whose folder it is, where that is known.
fn owner(folder: &Path) -> Option<PathBuf> {
    let bytes = fs::read(folder.join(OWNER)).ok().filter(|bytes| !bytes.is_empty())?;
    Some(OsString::from_vec(bytes).into())
}

/// The folder of a spec when another spec of the same name has the plain folder, and whether it exists. The file in the
/// folder names its spec, so it is found also when the project was moved.
fn other_folder(home: &Path, spec: &str, spec_dir: &Path, me: &Path) -> (PathBuf, bool) {
    let stem = format!("{}~", folder_name(spec));
    let place = format!("{spec} {}", spec_dir.display());
    let fresh = home.join(format!("{stem}{}", digest(place.as_bytes())));
    let siblings = fs::read_dir(home).into_iter().flatten().flatten();
    let mut named = siblings.filter(|e| e.file_name().to_string_lossy().starts_with(&stem)).map(|e| e.path());
    let known = named.find(|folder| owner(folder).as_deref() == Some(me));
    let exists = known.is_some() || fresh.exists();
    (known.unwrap_or(fresh), exists)
}

/// A spec that was moved takes its folder along.
fn is_gone(root: &Path, owner: &Path) -> bool {
    !root.join(owner).exists()
}

/// As the project sees it, so that the project may be moved.
fn relative<'a>(root: &Path, spec_dir: &'a Path) -> &'a Path {
    spec_dir.strip_prefix(root).unwrap_or(spec_dir)
}

/// A name as one path component: readable, and different for different names.
fn folder_name(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let mut safe: String = name.chars().map(|c| if plain(c) { c } else { '_' }).take(60).collect();
    if safe != name || safe.starts_with('.') || safe.is_empty() {
        // so that two names that differ in what was replaced or cut differ here, too
        safe = format!("{}~{}", safe.trim_start_matches('.'), digest(name.as_bytes()));
    }
    safe
}

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
