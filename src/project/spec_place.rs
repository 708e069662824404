//! Where a spec is, and what its tasks.md says now.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::{Commit, Config};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Selection;
use crate::spec::{self, Dialect, TaskFile};
use crate::state::SpecState;
use crate::store::spec_store::Store;

/// Where a spec is, and which of its tasks were selected.
#[derive(Debug, Clone)]
pub struct SpecPlace {
    /// The name of the spec.
    pub name: String,
    /// What the user types for the spec: its name, or its path if the name alone leads elsewhere.
    pub typed: String,
    /// The folder of the spec, absolute and without links.
    pub dir: PathBuf,
    /// The root of the project.
    pub root: PathBuf,
    /// The dialect that `tasks.dialect` forces.
    pub dialect: Option<Dialect>,
    /// The selected tasks.
    pub selection: Selection,
    /// Whether what is kept of its runs lies in git's folder, if there is one.
    pub keeps_in_git: bool,
}

impl SpecPlace {
    /// The path of the spec's tasks.md.
    #[must_use]
    pub fn tasks_path(&self) -> PathBuf {
        self.dir.join("tasks.md")
    }

    /// Reads and parses tasks.md. It is an error if the file is missing or not text; its diagnostics are not.
    pub fn read_tasks(&self) -> Result<(String, TaskFile)> {
        let path = self.tasks_path();
        let bytes = fs::read(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => {
                Error::new(ErrorKind::NoSpec, format!("there is no {}", path.display()))
            }
            _ => Error::new(ErrorKind::BadTasks, format!("reading {}", path.display())).caused_by(e),
        })?;
        let text = spec::decode(&bytes).map_err(|e| cannot_run(&path, &format!(": {e}")))?;
        let tasks = spec::parse_as(text, self.dialect);
        Ok((text.to_owned(), tasks))
    }

    /// Like [`SpecPlace::read_tasks`], but errors among the diagnostics are an error, too.
    pub fn good_tasks(&self) -> Result<(String, TaskFile)> {
        let (text, tasks) = self.read_tasks()?;
        if tasks.has_errors() {
            let path = self.tasks_path();
            let name = path.display().to_string();
            let shown = spec::render_diagnostics(&name, &text, &tasks.diagnostics, false, 100);
            return Err(cannot_run(&path, "").detail(shown));
        }
        Ok((text, tasks))
    }

    /// Loads the state of the spec under a configuration: where nothing is committed, no commit is pending. Titles that an
    /// older state lacks come from tasks.md.
    pub fn state(&self, config: &Config) -> Result<SpecState> {
        let mut state = self.store().load()?;
        state.sum_up();
        if config.git.commit == Commit::Off {
            state.without_commits();
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

    /// Where the files of the spec's runs are.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::new(&self.root, &self.dir, &self.name).using_git(self.keeps_in_git)
    }
}

fn cannot_run(tasks: &Path, why: &str) -> Error {
    Error::new(ErrorKind::BadTasks, format!("{} can't be run{why}", tasks.display()))
}

/// The absolute folder of a spec without links, and the name of the spec.
pub fn folder_and_name(dir: &Path) -> Result<(PathBuf, String)> {
    let dir = fs::canonicalize(dir).map_err(|e| Error::io("finding", dir, e))?;
    let name = dir.file_name().map_or_else(|| "spec".to_owned(), |n| n.to_string_lossy().into_owned());
    Ok((dir, name))
}
