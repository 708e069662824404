//! What the verbs share: the project, its specs, its configuration.

use std::fs;
use std::path::{Path, PathBuf};

use super::Global;
use crate::config::{self, Flag, LoadRequest, Loaded};
use crate::engine::place::{self, Place};
use crate::error::{Error, Kind, Result};
use crate::plan::Selection;
use crate::state::store::Store;

/// Files of a spec that an agent should read before it works.
const INPUTS: [&str; 3] = ["requirements.md", "bugfix.md", "design.md"];

/// A project and its configuration.
pub(super) struct Project {
    /// Its root, absolute.
    pub(super) root: PathBuf,
    /// Where the user stands.
    pub(super) cwd: PathBuf,
    pub(super) loaded: Loaded,
}

/// Where a project is.
pub(super) struct Folders {
    /// Its root, absolute.
    pub(super) root: PathBuf,
    /// Where the user stands.
    pub(super) cwd: PathBuf,
}

impl Folders {
    /// Finds the project, whatever its configuration says.
    pub(super) fn find(global: &Global, spec: Option<&Path>) -> Result<Self> {
        let here = std::env::current_dir().map_err(|e| Error::io("finding", Path::new("."), e))?;
        let cwd = match &global.directory {
            Some(dir) => fs::canonicalize(here.join(dir))
                .map_err(|e| Error::new(Kind::Usage, format!("-C {}", dir.display())).caused_by(e))?,
            None => here,
        };
        // a spec given by path says better where its project is than the folder that one happens to stand in
        let start = spec
            .map(|s| cwd.join(s))
            .and_then(|s| fs::canonicalize(s).ok())
            .filter(|_| global.directory.is_none())
            .unwrap_or_else(|| cwd.clone());
        let root = root_of(&start).or_else(|| root_of(&cwd)).unwrap_or_else(|| cwd.clone());
        let root = fs::canonicalize(&root).map_err(|e| Error::io("finding", &root, e))?;
        Ok(Self { root, cwd })
    }
}

impl Project {
    /// Finds the project and loads its configuration, `flags` on top.
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
        Ok(Self { loaded: config::load(&request)?, root, cwd })
    }

    /// The spec that `asked` means, or the only one there is.
    pub(super) fn spec(&self, asked: Option<&Path>) -> Result<PathBuf> {
        let root = self.spec_root();
        let Some(asked) = asked else { return self.only_spec(&root) };
        let here = self.cwd.join(asked);
        for candidate in [here.clone(), root.join(asked)] {
            if candidate.is_dir() && candidate.join("tasks.md").exists() {
                return Ok(candidate);
            }
        }
        if here.is_file()
            && let Some(dir) = here.parent()
        {
            return Ok(dir.to_owned());
        }
        if here.is_dir() || root.join(asked).is_dir() {
            let dir = if here.is_dir() { here } else { root.join(asked) };
            return Err(Error::new(Kind::NoSpec, format!("there is no tasks.md in {}", dir.display()))
                .hint("A spec is a folder with a tasks.md; name such a folder."));
        }
        let known = specs(&root);
        let mut error = Error::new(Kind::NoSpec, format!("there is no spec {}", asked.display()))
            .detail(format!("  looked for {} and {}", here.display(), root.join(asked).display()));
        if !known.is_empty() {
            error = error.hint(format!("There are: {}.", known.join(", ")));
        }
        Err(error)
    }

    fn only_spec(&self, root: &Path) -> Result<PathBuf> {
        if self.cwd.join("tasks.md").is_file() {
            return Ok(self.cwd.clone());
        }
        let known = specs(root);
        match known.as_slice() {
            [only] => Ok(root.join(only)),
            [] => Err(Error::new(Kind::NoSpec, format!("there is no spec in {}", root.display())).hint(
                "A spec is a folder with a tasks.md. Name its path, or set run.spec_root in seqorch.toml.",
            )),
            _ => Err(Error::new(Kind::NoSpec, format!("there are {} specs and none was named", known.len()))
                .detail(known.iter().map(|n| format!("  {n}")).collect::<Vec<_>>().join("\n"))
                .hint(format!("Name one: seqorch run {}", known[0]))),
        }
    }

    pub(super) fn spec_root(&self) -> PathBuf {
        self.root.join(&self.loaded.config.run.spec_root)
    }

    /// All about a spec that the engine needs.
    pub(super) fn place(&self, dir: &Path, selection: Selection) -> Result<Place> {
        let dir = fs::canonicalize(dir).map_err(|e| Error::io("finding", dir, e))?;
        let name = dir.file_name().map_or_else(|| "spec".to_owned(), |n| n.to_string_lossy().into_owned());
        let cwd =
            self.loaded.config.run.workdir.as_ref().map_or_else(|| self.root.clone(), |w| self.root.join(w));
        let shown = |path: &Path| path.strip_prefix(&cwd).unwrap_or(path).display().to_string();
        let mut inputs: Vec<String> =
            INPUTS.iter().map(|n| dir.join(n)).filter(|p| p.is_file()).map(|p| shown(&p)).collect();
        inputs.push(shown(&dir.join("tasks.md")));
        inputs.extend(extra_inputs(&cwd, &self.loaded.config.prompt.inputs)?);
        let dialect = place::forced_dialect(&self.loaded.config);
        Ok(Place { name, dir, root: self.root.clone(), inputs, dialect, selection })
    }

    /// Where the files of a spec are kept.
    pub(super) fn store(&self, place: &Place) -> Store {
        let store = Store::new(&self.root, &place.dir, &place.name);
        let usual = fs::canonicalize(self.spec_root()).is_ok_and(|root| place.dir.parent() == Some(&root));
        if usual { store } else { store.elsewhere() }
    }
}

/// The nearest folder with a seqorch.toml; without one, the nearest that Kiro or git marks.
///
/// Kiro also keeps a `.kiro` in the home folder, so nearness counts more than which of the two it is.
fn root_of(start: &Path) -> Option<PathBuf> {
    let nearest = |marks: &[&str]| start.ancestors().find(|dir| marks.iter().any(|m| dir.join(m).exists()));
    nearest(&["seqorch.toml"]).or_else(|| nearest(&[".kiro", ".git"])).map(Path::to_owned)
}

/// Names of the folders with a tasks.md, sorted.
pub(super) fn specs(root: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|e| e.path().join("tasks.md").exists())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Files that `prompt.inputs` names, as far as they exist; a pattern may match many.
fn extra_inputs(cwd: &Path, patterns: &[String]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for pattern in patterns {
        if cwd.join(pattern).is_file() {
            found.push(pattern.clone());
            continue;
        }
        let glob = globset::GlobBuilder::new(pattern)
            .literal_separator(true)
            .build()
            .map_err(|e| {
                Error::new(Kind::Config, format!("prompt.inputs: {pattern:?} is no pattern")).caused_by(e)
            })?
            .compile_matcher();
        // only the folder before the first wildcard can hold a match
        let fixed: PathBuf = Path::new(pattern)
            .components()
            .take_while(|c| !c.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']))
            .collect();
        let mut open = vec![cwd.join(fixed)];
        let mut matches = Vec::new();
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
                let path = entry.path();
                let relative = path.strip_prefix(cwd).unwrap_or(&path);
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && entry.file_name() != ".git" => open.push(path),
                    Ok(_) if glob.is_match(relative) => matches.push(relative.display().to_string()),
                    _ => {}
                }
            }
        }
        matches.sort();
        found.extend(matches);
    }
    Ok(found)
}

/// This program, to be started again.
pub(super) fn own_program() -> Result<PathBuf> {
    let path = std::env::current_exe()
        .map_err(|e| Error::new(Kind::Internal, "finding this program").caused_by(e))?;
    // after an update in place, the old program is only known as deleted; the new one stands in its place
    let text = path.to_string_lossy();
    Ok(text.strip_suffix(" (deleted)").map_or_else(|| path.clone(), PathBuf::from))
}
