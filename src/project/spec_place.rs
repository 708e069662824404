//! Where a spec is, and what its tasks.md says now.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::gsd_summary;
use super::last_parsed::LastParsed;
use crate::config::{Commit, Config};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{self, Selection, TaskNames};
use crate::spec::{self, Dialect, Severity, TaskFile};
use crate::state::{SeenTasks, SpecState, TaskMoves};
use crate::store::spec_store::Store;
use crate::sys::files;
use crate::sys::nofollow::{self, WHOLE_MAX};

/// The file of a spec folder that lists its tasks.
pub const TASKS_FILE: &str = "tasks.md";

/// Where a spec is, and which of its tasks were selected.
#[derive(Debug, Clone)]
pub struct SpecPlace {
    /// The name of the spec.
    pub name: String,
    /// What the user types for the spec: its name, or its path if the name alone leads elsewhere.
    pub typed: String,
    /// The folder of the spec, absolute and without links.
    pub dir: PathBuf,
    /// The name of the file, where the spec is one file and not a folder with a tasks.md.
    pub file: Option<PathBuf>,
    /// The root of the project.
    pub root: PathBuf,
    /// The dialect that `tasks.dialect` forces.
    pub dialect: Option<Dialect>,
    /// The selected tasks.
    pub selection: Selection,
    /// Whether what is kept of its runs lies in git's folder, if there is one.
    pub keeps_in_git: bool,
    /// Where a person named the spec, if it has a work tree of its own.
    pub checkout: Option<Checkout>,
    /// The task list that was read last.
    pub last: LastParsed,
}

/// The checkout in which a person names a spec that has a work tree of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The root of the project there, whose configuration counts.
    pub root: PathBuf,
    /// The spec there: its folder, or its file.
    pub spec: PathBuf,
    /// The top of the spec's own work tree.
    pub tree: PathBuf,
}

impl SpecPlace {
    /// The path of the spec's task list: its tasks.md, or the file that is the spec.
    #[must_use]
    pub fn tasks_path(&self) -> PathBuf {
        self.dir.join(self.file.as_deref().unwrap_or(Path::new(TASKS_FILE)))
    }

    /// The path of the spec itself: its folder, or its file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.file.as_ref().map_or_else(|| self.dir.clone(), |file| self.dir.join(file))
    }

    /// The path by which a person, or another start of this program, names the spec.
    #[must_use]
    pub fn named_path(&self) -> PathBuf {
        self.checkout.as_ref().map_or_else(|| self.path(), |checkout| checkout.spec.clone())
    }

    /// Reads and parses tasks.md. It is an error if the file is missing or not text; its diagnostics are not.
    pub fn read_tasks(&self) -> Result<(String, TaskFile)> {
        let text = self.read_text(&self.tasks_file()?)?;
        let mut tasks = self.last.parse(&text, self.dialect);
        gsd_summary::apply(&self.tasks_path(), &mut tasks);
        Ok((text, tasks))
    }

    /// The file itself: tasks.md may be a link, but not one that leads out of the project.
    pub fn tasks_file(&self) -> Result<PathBuf> {
        let path = self.tasks_path();
        let file = fs::canonicalize(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => {
                Error::new(ErrorKind::NoSpec, format!("there is no {}", path.display()))
            }
            _ => Error::new(ErrorKind::BadTasks, format!("reading {}", path.display())).caused_by(e),
        })?;
        if file.starts_with(&self.root) || file.starts_with(&self.dir) {
            return Ok(file);
        }
        let text = format!("{} leads out of the project, to {}", path.display(), file.display());
        Err(Error::new(ErrorKind::BadTasks, text)
            .hint("Put the file itself there, or a link inside of the project."))
    }

    /// The text of the file that [`SpecPlace::tasks_file`] found.
    pub fn read_text(&self, file: &Path) -> Result<String> {
        let path = self.tasks_path();
        let bytes = nofollow::read(file, WHOLE_MAX).map_err(|e| {
            Error::new(ErrorKind::BadTasks, format!("reading {}", path.display())).caused_by(e)
        })?;
        let text = spec::decode(&bytes).map_err(|e| {
            cannot_run(&path, &format!(": {e}")).hint("Name a task list, or save this one as text in UTF-8.")
        })?;
        Ok(text.to_owned())
    }

    /// The tasks as far as they can be read, and why they can't be run, as one line with the place: `tasks.md:3: id 1 is used
    /// twice`. For what only shows. An error where there is no file.
    pub fn shown_tasks(&self) -> Result<(TaskFile, Option<String>)> {
        match self.read_tasks() {
            Ok((_, tasks)) => {
                let wrong = tasks.diagnostics.iter().find(|one| one.severity == Severity::Error);
                let file = near(&self.tasks_path()).display().to_string();
                let trouble = wrong.map(|one| format!("{file}:{}:{}: {}", one.line, one.column, one.message));
                Ok((tasks, trouble))
            }
            Err(error) if error.kind() == ErrorKind::NoSpec => Err(error),
            Err(error) => Ok((TaskFile::default(), Some(error.brief()))),
        }
    }

    /// Like [`SpecPlace::read_tasks`], but errors among the diagnostics are an error, too.
    pub fn good_tasks(&self) -> Result<(String, TaskFile)> {
        let (text, tasks) = self.read_tasks()?;
        if tasks.has_errors() {
            let path = self.tasks_path();
            let name = near(&path).display().to_string();
            let shown = spec::render_diagnostics(&name, &text, &tasks.diagnostics, false, 100);
            return Err(cannot_run(&path, "").detail(shown));
        }
        Ok((text, tasks))
    }

    /// Loads the state of the spec under a configuration: where nothing is committed, no commit is pending. Its ids are those
    /// of tasks.md now. Titles that an older state lacks come from tasks.md.
    pub fn state(&self, config: &Config) -> Result<SpecState> {
        let store = self.store();
        let mut state = store.load()?;
        state.take_notes(store.note_box().entries());
        for request in store.request_box().entries() {
            state.take_request(&request);
        }
        state.sum_up();
        if config.git.commit == Commit::Off {
            state.without_commits();
        }
        if let Ok((_, tasks)) = self.read_tasks() {
            self.follow(config, &tasks, &mut state);
        }
        self.fill_titles(&mut state);
        Ok(state)
    }

    /// Takes the titles that an older state lacks from tasks.md.
    pub fn fill_titles(&self, state: &mut SpecState) {
        if state.units.values().any(|unit| unit.title.is_empty())
            && let Ok((_, tasks)) = self.read_tasks()
        {
            for task in &tasks.tasks {
                if let Some(unit) = state.units.get_mut(&task.id).filter(|unit| unit.title.is_empty()) {
                    unit.title.clone_from(&task.title);
                }
            }
        }
    }

    /// Turns the texts of the selection into ids.
    pub fn select(&mut self, config: &Config) -> Result<()> {
        if !self.selection.is_all() {
            self.selection = plan::select(&self.good_tasks()?.1, config, &self.selection)?;
        }
        Ok(())
    }

    /// The units that a text names: an id, a range, a pattern, a part of a title. A subtask stands for the unit that it was
    /// done with. `state` has the ids of tasks.md now.
    pub fn units_named(&self, state: &SpecState, text: &str) -> Result<Vec<String>> {
        // also a task that tasks.md does not have any more, or a tasks.md that cannot be run
        let ids = match self.good_tasks() {
            _ if state.units.contains_key(text) => vec![text.to_owned()],
            Ok((_, tasks)) => TaskNames::of(&tasks).find("", text)?,
            Err(_) => vec![text.to_owned()],
        };
        let mut units: Vec<String> = Vec::new();
        for id in &ids {
            let unit = state.unit_of(id).unwrap_or(id);
            let has_run = state.units.contains_key(unit) || ids.len() == 1;
            if has_run && !units.iter().any(|known| known == unit) {
                units.push(unit.to_owned());
            }
        }
        if units.is_empty() {
            let text = format!("none of the tasks {} has run yet", ids.join(", "));
            let hint = "`seqorch run` with the name of the spec runs what is to do.";
            return Err(Error::new(ErrorKind::Usage, text).hint(hint));
        }
        Ok(units)
    }

    /// Sets the marks of these tasks, wherever they are in tasks.md now, and no other byte; with `steps` also those of the
    /// boxes that say whether a heading is done. Returns the tasks that are not there any more, or of which it is not sure
    /// which ones they are.
    pub fn set_marks(
        &self,
        state: &SpecState,
        ids: &[String],
        mark: char,
        steps: bool,
    ) -> Result<Vec<String>> {
        let path = self.tasks_file()?;
        let source = self.read_text(&path)?;
        let seen = SeenTasks::of(&self.last.parse(&source, self.dialect), false);
        let found = state.places_of(&seen, ids);
        let places = || found.iter().map(|(_, at)| &seen.places[*at]);
        let own = places().filter_map(|place| place.mark.clone());
        let is_set = |step: &Range<usize>| mark == 'x' && spec::is_done_mark(&source[step.clone()]);
        let below = places().filter(|_| steps).flat_map(|place| place.steps.iter().cloned());
        let below = below.filter(|step| !is_set(step));
        let marks = own.chain(below).collect();
        let changed = spec::set_marks(&source, marks, mark);
        if changed != source {
            files::replace(&path, changed.as_bytes(), 0o644)?;
        }
        let is_missing = |id: &&String| !found.iter().any(|(known, _)| known == id);
        Ok(ids.iter().filter(is_missing).cloned().collect())
    }

    /// Refuses a tasks.md that was changed so that a task which is not done may count as done.
    pub fn refuse_doubts(&self, state: &SpecState) -> Result<()> {
        let doubtful = state.doubtful();
        if doubtful.is_empty() {
            return Ok(());
        }
        let text = "tasks.md was changed, and it is not sure which of its tasks are done";
        let mut error = Error::new(ErrorKind::BadTasks, text);
        let tasks = self.good_tasks().ok();
        for task in doubtful {
            let Some(doubt) = &task.doubt else { continue };
            let [done, todo] = task.deciding_commands(&self.typed);
            let file = tasks.as_ref().and_then(|(_, tasks)| tasks.task(&task.id));
            let place = file.map_or_else(String::new, |found| format!("line {}: ", found.line));
            error = error
                .detail(format!(
                    "  {place}`{} {}` was taken for {};\n  {}",
                    task.id, task.title, doubt.taken, doubt.other
                ))
                .hint(format!("If it is done: `{done}`."))
                .hint(format!("If it is not: `{todo}`."));
        }
        Err(error)
    }

    /// Has the state follow tasks.md to what it says now, if it can be run.
    pub fn follow(&self, config: &Config, tasks: &TaskFile, state: &mut SpecState) -> TaskMoves {
        if tasks.has_errors() {
            return TaskMoves::default();
        }
        let seen = SeenTasks::of(tasks, config.tasks.trust_checkboxes);
        // while an agent is at work, it may have opened a box
        state.follow(&seen, state.running().is_some())
    }

    /// Where the files of the spec's runs are.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::new(&self.root, &self.path(), &self.name).using_git(self.keeps_in_git)
    }
}

fn cannot_run(tasks: &Path, why: &str) -> Error {
    Error::new(ErrorKind::BadTasks, format!("{} can't be run{why}", near(tasks).display()))
}

/// A path as a person sees it from the folder where they work.
fn near(path: &Path) -> PathBuf {
    let here = std::env::current_dir().and_then(fs::canonicalize).ok();
    here.and_then(|here| path.strip_prefix(here).ok()).map_or_else(|| path.to_owned(), Path::to_owned)
}

/// What a path says of a spec: where it is, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecLocation {
    /// The folder, absolute and without links.
    pub dir: PathBuf,
    /// The name of the file, where the spec is one file.
    pub file: Option<PathBuf>,
    /// The name of the spec: that of its folder, or the path of its file as the project at `root` sees it.
    pub name: String,
}

/// The spec at a path: a folder, its tasks.md, or any other file.
pub fn locate(path: &Path, root: &Path) -> Result<SpecLocation> {
    let path = fs::canonicalize(path).map_err(|e| Error::io("finding", path, e))?;
    let named = |path: &Path| {
        path.file_name().map_or_else(|| "spec".to_owned(), |name| name.to_string_lossy().into_owned())
    };
    let (Some(parent), Some(file)) = (path.parent().filter(|_| !path.is_dir()), path.file_name()) else {
        return Ok(SpecLocation { name: named(&path), dir: path, file: None });
    };
    let dir = parent.to_owned();
    if file == TASKS_FILE {
        return Ok(SpecLocation { name: named(&dir), dir, file: None });
    }
    let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
    Ok(SpecLocation { dir, file: Some(file.into()), name })
}
