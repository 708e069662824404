//! What the argument SPEC means, and what a user types for a spec.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::discovery::{self, FoundSpec};
use super::own_tree;
use super::project_folders::ProjectFolders;
use super::spec_place::TASKS_FILE;
use super::spec_roots::{SPEC_ROOTS, searched};
use super::task_lists;
use crate::error::{Error, ErrorKind, Result};
use crate::store::known_specs::known_specs;

/// Looks up specs in a project.
#[derive(Debug, Clone, Copy)]
pub struct SpecFinder<'a> {
    /// The root of the project.
    pub root: &'a Path,
    /// The folder that paths on the command line are relative to.
    pub cwd: &'a Path,
    /// `run.spec_root`, relative to the root.
    pub spec_root: &'a Path,
    /// The command that a person typed, with the name of a spec that it lacks.
    pub command_with: fn(&str) -> String,
}

/// How a command was given its project.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GivenOptions {
    /// `-C` named the folder.
    pub directory: bool,
    /// `--config` or `--profile` chose the configuration, and so perhaps `run.spec_root`.
    pub configuration: bool,
}

impl SpecFinder<'_> {
    /// All specs of the project: those in the folders for specs, those that a run has worked on, and without any of them the
    /// only file that lists tasks in the folder where the user works.
    #[must_use]
    pub fn specs(&self) -> Vec<FoundSpec> {
        let mut all = discovery::specs(self.root, self.spec_root);
        all.extend(own_tree::only_in_trees(self.root).into_iter().map(|(dir, _)| self.found(dir)));
        let known = known_specs(self.root).into_iter().map(|path| self.root.join(path));
        for path in known.chain(own_tree::with_trees(self.root)).filter(|path| is_spec(path)) {
            if !all.iter().any(|spec| is_same(&spec.dir, &path)) {
                all.push(self.found(path));
            }
        }
        if all.is_empty()
            && let [only] = task_lists::in_folder(self.cwd).as_slice()
        {
            all.push(self.found(only.clone()));
        }
        all
    }

    /// The spec at a path: a folder, or a file.
    fn found(&self, dir: PathBuf) -> FoundSpec {
        let shown = dir.strip_prefix(self.root).unwrap_or(&dir).display().to_string();
        let folder = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        FoundSpec { name: if dir.is_file() { shown.clone() } else { folder }, shown, dir }
    }

    /// The folder or the file of the spec that the user asked for, or of the only one there is.
    pub fn find(&self, asked: Option<&Path>) -> Result<PathBuf> {
        let Some(asked) = asked else { return self.only_spec() };
        let here = self.cwd.join(asked);
        if here.is_dir() && here.join(TASKS_FILE).exists() {
            return Ok(here);
        }
        if let Some(dir) = discovery::named(self.root, self.spec_root, asked)? {
            return Ok(dir);
        }
        if here.is_file() {
            return Ok(here);
        }
        if let Some(path) = self.only_in_a_tree(asked) {
            return Ok(path);
        }
        let below = self.root.join(self.spec_root).join(asked);
        if let Some(dir) = [here, below].into_iter().find(|dir| dir.is_dir()) {
            return self.only_list_in(&dir);
        }
        Err(self.unknown(asked))
    }

    /// The spec of that name or path that only a work tree of its own has.
    fn only_in_a_tree(&self, asked: &Path) -> Option<PathBuf> {
        let path: PathBuf = self.cwd.join(asked).components().collect();
        let path = if path.ends_with(TASKS_FILE) { path.parent()?.to_owned() } else { path };
        let mut all = own_tree::only_in_trees(self.root).into_iter().map(|(here, _)| here);
        all.find(|here| *here == path || here.file_name() == Some(asked.as_os_str()))
    }

    /// The only file of a folder that is a task list.
    fn only_list_in(&self, dir: &Path) -> Result<PathBuf> {
        let lists = task_lists::in_folder(dir);
        if let [only] = lists.as_slice() {
            return Ok(only.clone());
        }
        let shown = |path: &Path| path.strip_prefix(self.cwd).unwrap_or(path).display().to_string();
        let Some(first) = lists.first() else {
            let message = format!("there is no tasks.md and no other task list in {}", dir.display());
            return Err(Error::new(ErrorKind::NoSpec, message)
                .hint("A spec is a folder with a tasks.md, or any file that lists tasks; name one."));
        };
        let names: Vec<String> = lists.iter().map(|list| format!("  {}", shown(list))).collect();
        Err(Error::new(ErrorKind::NoSpec, format!("{} has {} task lists", dir.display(), lists.len()))
            .detail(names.join("\n"))
            .hint(format!("Name the one you mean, such as {}", shown(first))))
    }

    /// Whether the folder where the user works is itself a spec, which is then meant before all others.
    #[must_use]
    pub fn works_in_a_spec(&self) -> bool {
        self.cwd.join(TASKS_FILE).is_file()
    }

    fn only_spec(&self) -> Result<PathBuf> {
        if self.works_in_a_spec() {
            return Ok(self.cwd.to_owned());
        }
        let known = self.specs();
        match known.as_slice() {
            [only] => Ok(only.dir.clone()),
            [] => Err(self.no_spec()),
            [first, ..] => {
                let message = format!("there are {} specs; name one", known.len());
                let names = known.iter().map(|spec| format!("  {}", self.name_of(spec, &known)));
                Err(Error::new(ErrorKind::NoSpec, message)
                    .detail(names.collect::<Vec<_>>().join("\n"))
                    .hint(format!("For example: {}", (self.command_with)(&self.name_of(first, &known)))))
            }
        }
    }

    /// The error for a project without specs.
    #[must_use]
    pub fn no_spec(&self) -> Error {
        let error = Error::new(ErrorKind::NoSpec, format!("there is no spec in {}", self.root.display()))
            .detail(format!("  looked in {}", searched(self.spec_root)));
        let shown = |path: &PathBuf| path.strip_prefix(self.cwd).unwrap_or(path).display().to_string();
        let lists: Vec<String> = task_lists::in_folder(self.cwd).iter().map(shown).collect();
        error.hint(if lists.is_empty() {
            "A spec is a folder with a tasks.md, or any file that lists tasks. Name its path, or set run.spec_root in \
             seqorch.toml."
                .to_owned()
        } else {
            format!("These files list tasks: {}. Name one: {}", lists.join(", "), (self.command_with)(&lists[0]))
        })
    }

    fn unknown(&self, asked: &Path) -> Error {
        let mut error = Error::new(ErrorKind::NoSpec, format!("there is no spec {}", asked.display()))
            .detail(format!(
                "  looked for {} and in {} of {}",
                self.cwd.join(asked).display(),
                searched(self.spec_root),
                self.root.display()
            ));
        let known = self.specs();
        if !known.is_empty() {
            let names: Vec<_> = known.iter().map(|spec| self.name_of(spec, &known)).collect();
            error = error.hint(format!("There are: {}.", names.join(", ")));
        }
        error
    }

    /// The name of a spec, or its path if another spec has the same name.
    fn name_of(&self, spec: &FoundSpec, known: &[FoundSpec]) -> String {
        let unique = known.iter().filter(|other| other.name == spec.name).count() == 1;
        if unique {
            return spec.name.clone();
        }
        spec.dir.strip_prefix(self.cwd).unwrap_or(&spec.dir).display().to_string()
    }

    /// What the user types for the spec at `dir` without any option: its name, or its path if the name alone leads
    /// elsewhere or the spec is a file. `here` is the folder where the user works, without links; `None` if it is unknown.
    #[must_use]
    pub fn typed(&self, here: Option<&Path>, name: &str, dir: &Path, given: GivenOptions) -> String {
        let Some(here) = here else { return dir.display().to_string() };
        let leads_to_it = || {
            if dir.is_file() {
                return None;
            }
            let found = self.by_name(here, Path::new(name), given)?;
            // one that only its own work tree has is not there
            Some(fs::canonicalize(&found).unwrap_or(found) == dir)
        };
        if !given.directory && !name.starts_with('-') && leads_to_it() == Some(true) {
            return name.to_owned();
        }
        let path = dir.strip_prefix(here).ok().filter(|path| !path.as_os_str().is_empty()).unwrap_or(dir);
        let dash = if path.as_os_str().as_bytes().starts_with(b"-") { "./" } else { "" };
        format!("{dash}{}", path.display())
    }

    /// The folder that a name leads to from the folder `here`.
    fn by_name(&self, here: &Path, name: &Path, given: GivenOptions) -> Option<PathBuf> {
        let folders = ProjectFolders::find(here, None, Some(name)).ok().filter(|f| f.root == self.root)?;
        // a spec in the folder itself comes first
        let own = folders.cwd.join(name);
        if own.join(TASKS_FILE).exists() {
            return Some(own);
        }
        // without its option, a profile does not set `run.spec_root`
        let spec_root = if given.configuration { Path::new(SPEC_ROOTS[0].folder) } else { self.spec_root };
        let named = discovery::named(self.root, spec_root, name).ok().flatten();
        named.or_else(|| SpecFinder { cwd: here, ..*self }.only_in_a_tree(name))
    }
}

/// Whether a path is that of a file, or of a folder with a tasks.md.
fn is_spec(path: &Path) -> bool {
    path.is_file() || path.join(TASKS_FILE).is_file()
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other
        || fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::spec_place::locate;

    struct TestProject {
        _dir: tempfile::TempDir,
        root: PathBuf,
    }

    impl TestProject {
        fn new(specs: &[&str]) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let root = fs::canonicalize(dir.path()).unwrap();
            fs::create_dir(root.join(".git")).unwrap();
            for spec in specs {
                fs::create_dir_all(root.join(spec)).unwrap();
                fs::write(root.join(spec).join("tasks.md"), "- [ ] 1. A\n").unwrap();
            }
            Self { _dir: dir, root }
        }

        fn finder(&self) -> SpecFinder<'_> {
            let command_with = |spec: &str| format!("seqorch mark 2 done --spec {spec}");
            let spec_root = Path::new(".kiro/specs");
            SpecFinder { root: &self.root, cwd: &self.root, spec_root, command_with }
        }

        fn typed(&self, here: &str, spec: &str, given: GivenOptions) -> String {
            let (here, dir) = (self.root.join(here), self.root.join(spec));
            let name = dir.file_name().unwrap().to_str().unwrap().to_owned();
            SpecFinder { cwd: &here, ..self.finder() }.typed(Some(&here), &name, &dir, given)
        }
    }

    #[test]
    fn a_name_a_folder_and_a_file_lead_to_a_spec() {
        let project = TestProject::new(&[".kiro/specs/login", "docs/specs/search"]);
        let login = project.root.join(".kiro/specs/login");
        for asked in ["login", ".kiro/specs/login", ".kiro/specs/login/tasks.md"] {
            let found = project.finder().find(Some(Path::new(asked))).unwrap();
            let place = locate(&found, &project.root).unwrap();
            assert_eq!((place.dir, place.file, place.name), (login.clone(), None, "login".into()), "{asked}");
        }
        let search = project.finder().find(Some(Path::new("search"))).unwrap();
        assert_eq!(search, project.root.join("docs/specs/search"));
    }

    #[test]
    fn any_file_is_a_spec_and_its_name_is_its_path() {
        let project = TestProject::new(&[]);
        fs::create_dir_all(project.root.join("docs/plans")).unwrap();
        fs::write(project.root.join("docs/plans/export.md"), "# Export\n\n- [ ] Write it\n").unwrap();
        fs::write(project.root.join("docs/plans/notes.md"), "# Notes\n\nNothing.\n").unwrap();
        for asked in ["docs/plans/export.md", "docs/plans"] {
            let found = project.finder().find(Some(Path::new(asked))).unwrap();
            let place = locate(&found, &project.root).unwrap();
            assert_eq!(place.file.as_deref(), Some(Path::new("export.md")), "{asked}");
            assert_eq!(
                (place.name.as_str(), place.dir),
                ("docs/plans/export.md", found.parent().unwrap().into())
            );
            let typed =
                project.finder().typed(Some(&project.root), &place.name, &found, GivenOptions::default());
            assert_eq!(typed, "docs/plans/export.md");
        }
        fs::write(project.root.join("docs/plans/import.md"), "- [ ] Read it\n").unwrap();
        let error = project.finder().find(Some(Path::new("docs/plans"))).unwrap_err().render();
        assert!(error.contains("docs/plans/export.md\n  docs/plans/import.md\n"), "{error}");
        let error = project.finder().find(Some(Path::new("docs"))).unwrap_err().render();
        assert!(error.contains("no tasks.md and no other task list"), "{error}");
    }

    #[test]
    fn without_an_argument_the_only_spec_counts_or_the_names_are_listed() {
        let one = TestProject::new(&["specs/login"]);
        assert_eq!(one.finder().find(None).unwrap(), one.root.join("specs/login"));
        let error = TestProject::new(&["specs/a", "specs/b"]).finder().find(None).unwrap_err().render();
        assert!(error.contains("there are 2 specs; name one\n  a\n  b\n"), "{error}");
        assert!(error.contains("For example: seqorch mark 2 done --spec a\n"), "{error}");
        let error = TestProject::new(&[]).finder().find(None).unwrap_err().render();
        assert!(error.contains("looked in .kiro/specs (Kiro), specs (spec-kit)"), "{error}");
    }

    #[test]
    fn without_specs_the_only_list_counts_and_beside_them_those_that_ran() {
        let project = TestProject::new(&[]);
        let list = |name: &str| fs::write(project.root.join(name), "- [ ] 1. A\n").unwrap();
        list("TODO.md");
        assert_eq!(project.finder().find(None).unwrap(), project.root.join("TODO.md"));
        list("LATER.md");
        let error = project.finder().find(None).unwrap_err().render();
        assert!(error.contains("These files list tasks: LATER.md, TODO.md."), "{error}");
        let state = r#"{"schema":2,"specs":{"TODO.md":{}}}"#;
        fs::write(project.root.join("SEQUENTIAL_STATE.json"), state).unwrap();
        assert_eq!(project.finder().find(None).unwrap(), project.root.join("TODO.md"));
        fs::create_dir_all(project.root.join("specs/login")).unwrap();
        fs::write(project.root.join("specs/login/tasks.md"), "- [ ] 1. A\n").unwrap();
        let names: Vec<String> = project.finder().specs().into_iter().map(|spec| spec.name).collect();
        assert_eq!(names, ["login", "TODO.md"]);
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
        let error = TestProject::new(&["specs/login"]).finder().find(Some(Path::new("logn"))).unwrap_err();
        assert!(error.render().contains("there is no spec logn"), "{}", error.render());
        assert!(error.render().contains("There are: login."), "{}", error.render());
    }

    #[test]
    fn users_type_the_name_unless_it_leads_elsewhere() {
        let project =
            TestProject::new(&[".kiro/specs/login", "specs/twice", ".kiro/specs/twice", "login2/-x"]);
        let plain = GivenOptions::default();
        assert_eq!(project.typed("", ".kiro/specs/login", plain), "login");
        assert_eq!(project.typed("", "specs/twice", plain), "specs/twice");
        assert_eq!(project.typed("login2", "login2/-x", plain), "./-x");
        let directory = GivenOptions { directory: true, ..plain };
        assert_eq!(project.typed("", ".kiro/specs/login", directory), ".kiro/specs/login");
    }

    #[test]
    fn a_name_that_only_a_profile_leads_to_is_not_typed() {
        let project = TestProject::new(&["plans/login"]);
        let finder = SpecFinder { spec_root: Path::new("plans"), ..project.finder() };
        let dir = project.root.join("plans/login");
        let typed = |given| finder.typed(Some(&project.root), "login", &dir, given);
        assert_eq!(typed(GivenOptions::default()), "login");
        assert_eq!(typed(GivenOptions { configuration: true, ..GivenOptions::default() }), "plans/login");
    }
}
