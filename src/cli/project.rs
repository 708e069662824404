//! What all verbs need first: the project, its configuration, its specs.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::global::Global;
use super::telling;
use crate::config::{self, Flag, LoadRequest, Loaded};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Selection;
use crate::project::discovery::{self, Found};
use crate::project::place::{self, Place};
use crate::store::spec_store::Store;
use crate::sys::digest::digest;
use crate::tmux::WindowOwner;

/// A project and its configuration.
pub(super) struct Project {
    /// Its root, absolute.
    pub(super) root: PathBuf,
    /// The current folder, or that of `-C`.
    pub(super) cwd: PathBuf,
    pub(super) loaded: Loaded,
    /// How often `-v` is given.
    pub(super) verbosity: u8,
    /// `-C` is not given.
    here: bool,
    /// Neither `--config` nor `--profile` is given.
    plain: bool,
}

/// Where a project is.
pub(super) struct Folders {
    /// Its root, absolute.
    pub(super) root: PathBuf,
    /// The current folder, or that of `-C`.
    pub(super) cwd: PathBuf,
}

impl Folders {
    /// Finds the project without reading its configuration.
    pub(super) fn find(global: &Global, spec: Option<&Path>) -> Result<Self> {
        Self::from(global.directory.as_deref(), spec)
    }

    /// Finds the project from the folder that `-C` names.
    fn from(directory: Option<&Path>, spec: Option<&Path>) -> Result<Self> {
        let here = std::env::current_dir().map_err(|e| Error::io("finding", Path::new("."), e))?;
        let cwd = match directory {
            Some(dir) => fs::canonicalize(here.join(dir)).map_err(|e| {
                Error::new(ErrorKind::Usage, format!("-C: can't open the folder {}", dir.display()))
                    .caused_by(e)
            })?,
            None => here,
        };
        // the path of a spec says more about the project than the current folder
        let start = spec
            .map(|s| cwd.join(s))
            .and_then(|s| fs::canonicalize(s).ok())
            .filter(|_| directory.is_none())
            .unwrap_or_else(|| cwd.clone());
        let root = root_of(&start).or_else(|| root_of(&cwd)).unwrap_or_else(|| cwd.clone());
        let root = fs::canonicalize(&root).map_err(|e| Error::io("finding", &root, e))?;
        Ok(Self { root, cwd })
    }
}

impl Project {
    /// Finds the project and loads its configuration, with `flags` as the highest layer.
    pub(super) fn open(global: &Global, flags: Vec<Flag>, spec: Option<&Path>) -> Result<Self> {
        let Folders { root, cwd } = Folders::find(global, spec)?;
        let request = LoadRequest {
            root: root.clone(),
            config_file: global.config.as_ref().map(|f| cwd.join(f)),
            profile: global.profile.clone(),
            env: std::env::vars_os()
                .filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
            flags,
        };
        let loaded = config::load(&request)?;
        if global.verbose > 0 {
            telling::sources(&root, &loaded.files);
        }
        let plain = global.config.is_none() && global.profile.is_none();
        let here = global.directory.is_none();
        Ok(Self { loaded, root, cwd, verbosity: global.verbose, here, plain })
    }

    /// The folder of the spec that `asked` names; without a name, of the only spec.
    pub(super) fn spec(&self, asked: Option<&Path>) -> Result<PathBuf> {
        let Some(asked) = asked else { return self.only_spec() };
        let here = self.cwd.join(asked);
        if here.is_dir() && here.join("tasks.md").exists() {
            return Ok(here);
        }
        let configured = &self.loaded.config.run.spec_root;
        if let Some(dir) = discovery::named(&self.root, configured, asked)? {
            return Ok(dir);
        }
        if here.is_file()
            && let Some(dir) = here.parent()
        {
            return Ok(dir.to_owned());
        }
        let below = self.spec_root().join(asked);
        if let Some(dir) = [here, below].into_iter().find(|dir| dir.is_dir()) {
            return Err(Error::new(ErrorKind::NoSpec, format!("there is no tasks.md in {}", dir.display()))
                .hint("A spec is a folder with a tasks.md. List the specs with `seqorch specs`."));
        }
        let mut error = Error::new(ErrorKind::NoSpec, format!("there is no spec {}", asked.display()))
            .detail(format!(
                "  looked for {} and in {}",
                self.cwd.join(asked).display(),
                discovery::searched(&self.root, configured)
            ));
        let known = self.specs();
        if !known.is_empty() {
            let names: Vec<_> = known.iter().map(|found| self.name(found, &known)).collect();
            error = error.hint(format!("There are: {}.", names.join(", ")));
        }
        Err(error)
    }

    fn only_spec(&self) -> Result<PathBuf> {
        if self.cwd.join("tasks.md").is_file() {
            return Ok(self.cwd.clone());
        }
        let known = self.specs();
        match known.as_slice() {
            [only] => Ok(only.dir.clone()),
            [] => Err(self.no_spec()),
            [first, ..] => Err(Error::new(
                ErrorKind::NoSpec,
                format!("there are {} specs and none was named", known.len()),
            )
            .detail(
                known.iter().map(|f| format!("  {}", self.name(f, &known))).collect::<Vec<_>>().join("\n"),
            )
            .hint(format!("Name one: seqorch run {}", self.name(first, &known)))),
        }
    }

    /// The error for a project without specs.
    pub(super) fn no_spec(&self) -> Error {
        let searched = discovery::searched(&self.root, &self.loaded.config.run.spec_root);
        Error::new(ErrorKind::NoSpec, format!("there is no spec in {}", self.root.display()))
            .detail(format!("  looked in {searched}"))
            .hint("A spec is a folder with a tasks.md. Name its path, or set run.spec_root in seqorch.toml.")
    }

    /// All specs of the project.
    pub(super) fn specs(&self) -> Vec<Found> {
        discovery::specs(&self.root, &self.loaded.config.run.spec_root)
    }

    /// How to name a spec in a message: its name, or its path where another spec has the same name.
    fn name(&self, found: &Found, known: &[Found]) -> String {
        let alone = known.iter().filter(|other| other.name == found.name).count() == 1;
        if alone {
            return found.name.clone();
        }
        found.dir.strip_prefix(&self.cwd).unwrap_or(&found.dir).display().to_string()
    }

    pub(super) fn spec_root(&self) -> PathBuf {
        self.root.join(&self.loaded.config.run.spec_root)
    }

    /// What a run needs to know about a spec.
    pub(super) fn place(&self, dir: &Path, selection: Selection) -> Result<Place> {
        let dir = fs::canonicalize(dir).map_err(|e| Error::io("finding", dir, e))?;
        let name = dir.file_name().map_or_else(|| "spec".to_owned(), |n| n.to_string_lossy().into_owned());
        let dialect = place::forced_dialect(&self.loaded.config);
        let typed = self.typed(&name, &dir);
        Ok(Place { name, typed, dir, root: self.root.clone(), dialect, selection })
    }

    /// What a person types for the spec in the current folder, without any option: its name, or its path where the name
    /// leads to another spec or to none.
    fn typed(&self, name: &str, dir: &Path) -> String {
        let Ok(here) = std::env::current_dir().and_then(fs::canonicalize) else {
            return dir.display().to_string();
        };
        let leads_here = || {
            let found =
                Folders::from(None, Some(Path::new(name))).ok().filter(|found| found.root == self.root)?;
            // a folder in the current folder comes first
            let own = found.cwd.join(name);
            if own.join("tasks.md").exists() {
                return Some(own);
            }
            // the command may be typed without the profile that sets run.spec_root
            let usual = Path::new(discovery::USUAL[0]);
            let configured = if self.plain { &self.loaded.config.run.spec_root } else { usual };
            discovery::named(&self.root, configured, Path::new(name)).ok().flatten()
        };
        let leads_here =
            || leads_here().and_then(|found| fs::canonicalize(found).ok()).is_some_and(|found| found == dir);
        if self.here && !name.starts_with('-') && leads_here() {
            return name.to_owned();
        }
        let path = dir.strip_prefix(&here).ok().filter(|path| !path.as_os_str().is_empty()).unwrap_or(dir);
        let dash = if path.as_os_str().as_bytes().starts_with(b"-") { "./" } else { "" };
        format!("{dash}{}", path.display())
    }

    /// The owner that tmux sessions and windows of the spec's runs are marked with.
    pub(super) fn owner(&self, place: &Place) -> WindowOwner {
        let word = |path: &Path| digest(path.as_os_str().as_bytes());
        WindowOwner { project: word(&self.root), spec: word(&self.store(place).folder()) }
    }

    /// The state and the folders of a spec's runs.
    pub(super) fn store(&self, place: &Place) -> Store {
        let usual = fs::canonicalize(self.spec_root()).is_ok_and(|root| place.dir.parent() == Some(&root));
        Store::new(&self.root, &place.dir, &place.name, usual)
    }
}

/// The nearest folder with a seqorch.toml, or else the nearest folder of a spec tool or of git.
///
/// Kiro also keeps a `.kiro` in the home folder, so the nearest of these folders counts, whichever it is.
fn root_of(start: &Path) -> Option<PathBuf> {
    let nearest = |marks: &[&str]| start.ancestors().find(|dir| marks.iter().any(|m| dir.join(m).exists()));
    nearest(&["seqorch.toml"])
        .or_else(|| nearest(&[".kiro", ".specify", "openspec/changes", ".git"]))
        .map(Path::to_owned)
}

/// The path of this program, to start it again.
pub(super) fn own_program() -> Result<PathBuf> {
    let path = std::env::current_exe()
        .map_err(|e| Error::new(ErrorKind::Internal, "finding this program").caused_by(e))?;
    // after an update in place, Linux names the old program as deleted; the new one has its path
    let text = path.to_string_lossy();
    Ok(text.strip_suffix(" (deleted)").map_or_else(|| path.clone(), PathBuf::from))
}
