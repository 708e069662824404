//! What the verbs share: the project, its configuration and its specs.

use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use super::global::{Global, complain};
use super::typed_command;
use crate::config::{self, Commit, FlagSetting, LoadRequest, Loaded};
use crate::error::{Error, ErrorKind, Result};
use crate::fleet::lease::Lease;
use crate::plan::Selection;
use crate::project::discovery::FoundSpec;
use crate::project::last_parsed::LastParsed;
use crate::project::own_tree;
use crate::project::project_folders::ProjectFolders;
use crate::project::spec_argument::{GivenOptions, SpecFinder};
use crate::project::spec_place::{SpecLocation, SpecPlace, locate};
use crate::report::text::{sanitise_line, shell_word};
use crate::state::SpecState;
use crate::store::activity::note_last_sign;
use crate::store::spec_tree::SpecTree;
use crate::sys::paths::{self, leads_out};
use crate::sys::variables::text_variables;

/// A project and its configuration.
pub(super) struct Project {
    /// The root of the project, absolute.
    pub(super) root: PathBuf,
    /// The folder that paths on the command line are relative to.
    pub(super) cwd: PathBuf,
    pub(super) loaded: Loaded,
    /// How often `-v` is given.
    pub(super) verbosity: u8,
    /// How the configuration was loaded.
    pub(super) request: LoadRequest,
    given: GivenOptions,
}

/// Warns that tasks.md can't be run, for a verb that only looks at it.
pub(super) fn warn_of_tasks(trouble: &str) {
    let _ = writeln!(io::stderr(), "warning: the tasks can't be run: {}", sanitise_line(trouble));
}

/// Refuses to change what the checkout has of a spec whose own work tree is gone: the next run takes what its branch has.
pub(super) fn refuse_lost_tree(place: &SpecPlace) -> Result<()> {
    match own_tree::lost(place) {
        None => Ok(()),
        Some(tree) => Err(lost_tree(place, &tree)),
    }
}

/// Refuses to commit in the spec's own work tree where that is on another branch than its own, or on none.
pub(super) fn refuse_other_branch(place: &SpecPlace) -> Result<()> {
    let Some(tree) = own_tree::tree_of(place) else { return Ok(()) };
    let now = tree.branch_now();
    if now.as_ref() == Some(&tree.branch) {
        return Ok(());
    }
    let now = now.map_or_else(|| "no branch (detached HEAD)".to_owned(), |now| format!("the branch {now}"));
    let text = format!("the work tree of {} is on {now}, not on {}", place.name, tree.branch);
    let (top, branch) = (tree.top.to_string_lossy(), &tree.branch);
    let command = format!("git -C {} switch {}", shell_word(&top), shell_word(branch));
    Err(Error::new(ErrorKind::Human, sanitise_line(&text))
        .hint(format!("Go back first: {}. Nothing was changed.", sanitise_line(&command))))
}

/// Warns of a lost tree, for a verb that only looks.
pub(super) fn warn_of_lost_tree(place: &SpecPlace) {
    if let Some(tree) = own_tree::lost(place) {
        complain(&lost_tree(place, &tree).render_warning());
    }
}

fn lost_tree(place: &SpecPlace, tree: &SpecTree) -> Error {
    let (name, typed) = (sanitise_line(&place.name), shell_word(&place.typed));
    let (top, branch) = (sanitise_line(&tree.top.to_string_lossy()), sanitise_line(&tree.branch));
    let text =
        format!("the work tree of {name} is gone: {top}; the checkout does not have what {branch} has");
    Error::new(ErrorKind::Human, text).hint(format!(
        "`seqorch run {typed}` makes it again from the branch; `seqorch forget {typed}` forgets it."
    ))
}

/// Finds the project of a command, without its configuration.
pub(super) fn find_folders(global: &Global, spec: Option<&Path>) -> Result<ProjectFolders> {
    let here = std::env::current_dir().map_err(|e| Error::io("finding", Path::new("."), e))?;
    ProjectFolders::find(&here, global.directory.as_deref(), spec)
}

/// What a command loads, without flags of its own.
pub(super) fn load_request(global: &Global, root: &Path, cwd: &Path) -> LoadRequest {
    LoadRequest {
        root: root.to_owned(),
        config_file: global.config.as_ref().map(|file| cwd.join(file)),
        profile: global.profile.clone(),
        env: text_variables(),
        flags: Vec::new(),
    }
}

impl Project {
    /// Finds the project and loads its configuration; `flags` override it.
    pub(super) fn open(global: &Global, flags: Vec<FlagSetting>, spec: Option<&Path>) -> Result<Self> {
        let ProjectFolders { root, cwd } = find_folders(global, spec)?;
        let request = LoadRequest { flags, ..load_request(global, &root, &cwd) };
        let loaded = config::load(&request)?;
        Ok(Self::with(global, root, cwd, request, loaded))
    }

    /// As [`Project::open`], for a verb that only needs what the state says, so it works while the configuration is broken: its
    /// mistakes are a warning, and what has none counts.
    pub(super) fn open_to_look(global: &Global, spec: Option<&Path>) -> Result<Self> {
        Self::open_to_look_with(global, Vec::new(), spec)
    }

    /// As [`Project::open_to_look`]; `flags` override the configuration.
    pub(super) fn open_to_look_with(
        global: &Global,
        flags: Vec<FlagSetting>,
        spec: Option<&Path>,
    ) -> Result<Self> {
        let ProjectFolders { root, cwd } = find_folders(global, spec)?;
        let request = LoadRequest { flags, ..load_request(global, &root, &cwd) };
        let (loaded, problems) = config::load_what_can_be(&request)?;
        if let Some(error) = problems {
            complain(&format!(
                "{}note: the rest of the configuration counts here\n\n",
                error.render_warning()
            ));
        }
        Ok(Self::with(global, root, cwd, request, loaded))
    }

    /// As [`Project::open_to_look`], but nothing is printed.
    pub(super) fn open_silently(global: &Global, spec: Option<&Path>) -> Result<Self> {
        let ProjectFolders { root, cwd } = find_folders(global, spec)?;
        let request = load_request(global, &root, &cwd);
        let (loaded, _) = config::load_what_can_be(&request)?;
        let quiet = Global { verbose: 0, ..global.clone() };
        Ok(Self::with(&quiet, root, cwd, request, loaded))
    }

    fn with(global: &Global, root: PathBuf, cwd: PathBuf, request: LoadRequest, loaded: Loaded) -> Self {
        if global.verbose > 0 {
            print_sources(&root, &loaded.files);
        }
        let given = GivenOptions {
            directory: global.directory.is_some(),
            configuration: global.config.is_some() || global.profile.is_some(),
        };
        Self { loaded, root, cwd, verbosity: global.verbose, request, given }
    }

    fn finder(&self) -> SpecFinder<'_> {
        SpecFinder {
            root: &self.root,
            cwd: &self.cwd,
            spec_root: &self.loaded.config.run.spec_root,
            command_with: typed_command::with_spec,
        }
    }

    /// The folder or the file of the spec that the user asked for, or of the only one there is.
    pub(super) fn spec(&self, asked: Option<&Path>) -> Result<PathBuf> {
        self.finder().find(asked)
    }

    /// Whether the folder where the user works is itself a spec.
    pub(super) fn works_in_a_spec(&self) -> bool {
        self.finder().works_in_a_spec()
    }

    /// The error for a project without specs.
    pub(super) fn no_spec(&self) -> Error {
        self.finder().no_spec()
    }

    /// All specs of the project.
    pub(super) fn specs(&self) -> Vec<FoundSpec> {
        self.finder().specs()
    }

    /// The spec in a folder or a file, with the tasks that were selected. Where it has a work tree of its own, it is there.
    pub(super) fn place(&self, path: &Path, selection: Selection) -> Result<SpecPlace> {
        // a person who means a place outside of the project says so
        let says_so = path.components().any(|part| part == Component::ParentDir);
        if path.starts_with(&self.root) && !says_so && leads_out(&self.root, path) {
            let (shown, real) = (path.display(), paths::real(path));
            let text = format!("{shown} leads out of the project, to {}", real.display());
            return Err(Error::new(ErrorKind::Config, text)
                .hint("seqorch writes next to a spec; name the folder itself if you mean it."));
        }
        let only_there = own_tree::locate(path, &self.root).filter(|_| !path.exists());
        let SpecLocation { dir, file, name } = only_there.map_or_else(|| locate(path, &self.root), Ok)?;
        let here = std::env::current_dir().and_then(fs::canonicalize).ok();
        let path = file.as_ref().map_or_else(|| dir.clone(), |file| dir.join(file));
        let typed = self.finder().typed(here.as_deref(), &name, &path, self.given);
        let config = &self.loaded.config;
        let dialect = config.tasks.dialect;
        // without both, nothing at all is written to git's folder
        let keeps_in_git = config.git.snapshot || config.git.commit != Commit::Off;
        let (root, checkout) = (self.root.clone(), None);
        let last = LastParsed::default();
        let place =
            SpecPlace { name, typed, dir, file, root, dialect, selection, keeps_in_git, checkout, last };
        Ok(own_tree::place(place))
    }

    /// Makes the configuration that of a place: its paths lie in the work tree of the spec, where that has one of its own.
    pub(super) fn follow(&mut self, place: &SpecPlace) {
        if place.checkout.is_some() {
            self.loaded.config = self.loaded.config.clone().moved(&self.root, &place.root);
        }
    }

    /// Loads the state of the spec. Where this project commits nothing, no commit is pending in it. It says until when an attempt
    /// worked whose process is gone.
    pub(super) fn state(&self, place: &SpecPlace) -> Result<SpecState> {
        let mut state = place.state(&self.loaded.config)?;
        note_last_sign(&place.store(), &mut state);
        Ok(state)
    }

    /// The same of a spec as a remote has it. While another machine works on it, nothing here shows how its attempt is.
    pub(super) fn state_of(&self, place: &SpecPlace, lease: Option<&Lease>) -> Result<SpecState> {
        match lease {
            Some(lease) if lease.is_held() => place.state(&self.loaded.config),
            _ => self.state(place),
        }
    }
}

/// Prints the project and its configuration files, for `-v`.
fn print_sources(root: &Path, files: &[PathBuf]) {
    let mut err = io::stderr();
    let _ = writeln!(err, "project {}", root.display());
    if files.is_empty() {
        let _ = writeln!(err, "configuration: no file, the defaults");
    }
    for file in files {
        let _ = writeln!(err, "configuration: {}", file.display());
    }
}
