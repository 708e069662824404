//! Looks up on the disk what an agent sees in its sandbox.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use super::wrap::{PersonIds, SandboxPlaces, WrapRequest, WrappedCommand, wrap};
use crate::config::{Backend, Sandbox};
use crate::sys::programs::find_program;

/// What of the system's folders any program may need.
const SYSTEM: [&str; 11] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix",
    "/var/lib/ca-certificates",
];
/// What lies in folders that are private, and is needed all the same.
const IN_PRIVATE_FOLDERS: [&str; 2] = ["/run/current-system", "/run/opengl-driver"];
/// Where git finds the name of a person who commits.
const GIT_SETTINGS: [&str; 3] = [".gitconfig", ".config/git/config", ".config/git/ignore"];
/// What executes something in git's folder.
const GIT_CLOSED: [&str; 3] = ["config", "config.worktree", "hooks"];
/// Links in a row that are followed from a name on PATH to its program.
const MOST_LINKS: usize = 16;
/// Files of the system that are hidden, and folders below /etc that are searched for them.
const MOST_HIDDEN: usize = 1000;

/// An agent, or a check of its work, that is to run in a sandbox.
#[derive(Debug, Clone, Copy)]
pub struct SandboxSubject<'a> {
    /// The settings.
    pub settings: &'a Sandbox,
    /// Its backend.
    pub backend: Option<&'a Backend>,
    /// The root of the project.
    pub root: &'a Path,
    /// Where it works.
    pub cwd: &'a Path,
    /// The top of the work tree in git, if there is one, and git's folders of it.
    pub work_tree: Option<(&'a Path, &'a [PathBuf])>,
    /// What belongs to seqorch, which it may only read.
    pub own: &'a [PathBuf],
    /// All variables that it would get without a sandbox.
    pub env: &'a [(OsString, OsString)],
}

impl SandboxSubject<'_> {
    /// The command line that runs `argv` in the sandbox; `None` where none is wanted. `name` is one that nothing else has.
    #[must_use]
    pub fn wrap(&self, argv: &[String], name: &str) -> Option<WrappedCommand> {
        self.wrap_as(argv, argv.first().map_or("", String::as_str), name)
    }

    /// The same with the places that `program` needs.
    pub(super) fn wrap_as(&self, argv: &[String], program: &str, name: &str) -> Option<WrappedCommand> {
        if !self.settings.is_on() {
            return None;
        }
        let places = self.places(program);
        let variables: Vec<String> =
            self.env.iter().filter_map(|(name, _)| name.to_str().map(str::to_owned)).collect();
        let set: Vec<String> =
            self.backend.into_iter().flat_map(|backend| backend.env.keys().cloned()).collect();
        let of_backend = self.backend.map_or(&[][..], |backend| &backend.sandbox_env);
        let ids = PersonIds {
            user: rustix::process::geteuid().as_raw(),
            group: rustix::process::getegid().as_raw(),
        };
        wrap(&WrapRequest {
            settings: self.settings,
            argv,
            places: &places,
            variables: &variables,
            allowed: &[of_backend, &self.settings.env, &set],
            name,
            ids,
        })
    }

    /// Makes the folders of the agent below the home folder that are not there yet: what it wrote into them would end with
    /// the sandbox, its sessions, too.
    pub fn make_home(&self) {
        for path in self.of_agent() {
            // `.claude.json` is a file, `.claude` a folder
            let is_file = path.file_name().is_some_and(|name| Path::new(name).extension().is_some());
            if !is_file && !path.exists() {
                // an agent that cannot keep anything says so itself
                let _ = fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
            }
        }
    }

    fn var(&self, name: &str) -> Option<&OsStr> {
        self.env.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    fn folder(&self, name: &str) -> Option<PathBuf> {
        self.var(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    fn home(&self) -> Option<PathBuf> {
        self.folder("HOME").filter(|home| home.parent().is_some())
    }

    /// A path below the home folder, wherever the XDG variables or one of the agent's own put it.
    fn below_home(&self, entry: &str) -> Option<PathBuf> {
        if let Some(rest) = entry.strip_prefix('$') {
            let (name, below) = rest.split_once('/').unwrap_or((rest, ""));
            return self
                .folder(name)
                .map(|folder| if below.is_empty() { folder } else { folder.join(below) });
        }
        let moved = [
            (".config/", "XDG_CONFIG_HOME"),
            (".cache/", "XDG_CACHE_HOME"),
            (".local/share/", "XDG_DATA_HOME"),
            (".local/state/", "XDG_STATE_HOME"),
        ];
        let elsewhere =
            moved.iter().find_map(|(start, name)| Some(self.folder(name)?.join(entry.strip_prefix(start)?)));
        elsewhere.or_else(|| Some(self.home()?.join(entry)))
    }

    /// The agent's own files and folders.
    fn of_agent(&self) -> Vec<PathBuf> {
        let entries = self.backend.into_iter().flat_map(|backend| &backend.sandbox_home);
        entries.filter_map(|entry| self.below_home(entry)).collect()
    }

    /// A path that a person wrote: `/data` or `~/data`.
    fn written(&self, path: &str) -> Option<PathBuf> {
        match path.strip_prefix("~/") {
            Some(below) => Some(self.home()?.join(below)),
            None => Some(PathBuf::from(path)),
        }
    }

    fn places(&self, program: &str) -> SandboxPlaces {
        let settings = self.settings;
        let top = self.work_tree.map(|(top, _)| top);
        let git = self.work_tree.map_or(&[][..], |(_, folders)| folders);
        let mut write: Vec<PathBuf> =
            [top, Some(self.root), Some(self.cwd)].into_iter().flatten().map(Path::to_owned).collect();
        write.extend(self.of_agent());
        write.extend(settings.write.iter().filter_map(|path| self.written(path)));
        let mut read: Vec<PathBuf> = GIT_SETTINGS.iter().filter_map(|name| self.below_home(name)).collect();
        read.extend(settings.read.iter().filter_map(|path| self.written(path)));
        let mut closed: Vec<PathBuf> =
            git.iter().flat_map(|folder| GIT_CLOSED.map(|name| folder.join(name))).collect();
        closed.extend(self.own.iter().cloned());
        let mut places = SandboxPlaces {
            cwd: self.cwd.to_owned(),
            home: self.home(),
            write: existing(write),
            read: existing(read),
            programs: existing(self.programs(program)),
            git: existing(git.to_vec()),
            closed: existing(closed),
            ..SandboxPlaces::default()
        };
        for name in SYSTEM {
            let path = Path::new(name);
            match fs::read_link(path) {
                Ok(to) => places.links.push((path.to_owned(), to)),
                Err(_) if path.exists() => places.system.push(path.to_owned()),
                Err(_) => {}
            }
        }
        if rustix::process::geteuid().is_root() {
            places.hidden = not_for_others(Path::new("/etc"));
        }
        places
    }

    /// Where the program and those on PATH are, as far as they are outside of the system's folders.
    fn programs(&self, program: &str) -> Vec<PathBuf> {
        let path = self.var("PATH");
        let mut found: Vec<PathBuf> = Vec::new();
        for folder in path.into_iter().flat_map(std::env::split_paths).filter(|path| path.is_absolute()) {
            // node's own programs are links into the folder beside it
            let prefix = folder.parent().filter(|prefix| prefix.join("lib/node_modules").is_dir());
            found.extend([Some(folder.as_path()), prefix].into_iter().flatten().map(Path::to_owned));
        }
        let mut next = find_program(OsStr::new(program), path, self.cwd);
        for _ in 0..MOST_LINKS {
            let Some(file) = next.take() else { break };
            found.extend(package_of(&file));
            next =
                fs::read_link(&file).ok().map(|to| tidy(&file.parent().unwrap_or(Path::new("/")).join(to)));
        }
        if let Some(real) =
            find_program(OsStr::new(program), path, self.cwd).and_then(|file| file.canonicalize().ok())
        {
            found.extend(package_of(&real));
        }
        // the name server is often named in a file below /run
        found.extend(fs::canonicalize("/etc/resolv.conf").ok());
        found.extend(IN_PRIVATE_FOLDERS.map(PathBuf::from));
        let home = self.home();
        found.retain(|path| {
            let holds_home = home.as_ref().is_some_and(|home| home.starts_with(path));
            let is_system = SYSTEM.iter().any(|folder| path.starts_with(folder));
            !holds_home && !is_system && path.parent().is_some()
        });
        found
    }
}

/// The folder of a program, with the packages of node that it needs.
fn package_of(file: &Path) -> Option<PathBuf> {
    let modules = file.ancestors().filter(|folder| folder.ends_with("node_modules")).last();
    modules.or_else(|| file.parent()).map(Path::to_owned)
}

/// A path without `.` and `..`.
fn tidy(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut tidy, part| {
        match part {
            Component::ParentDir => drop(tidy.pop()),
            Component::CurDir => {}
            part => tidy.push(part),
        }
        tidy
    })
}

/// Those of the paths that exist, each once, and also under the name without links.
fn existing(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for path in paths {
        let Ok(real) = path.canonicalize() else { continue };
        for path in [real, tidy(&path)] {
            if !found.contains(&path) {
                found.push(path);
            }
        }
    }
    found
}

/// The files below a folder that others than root and their groups may not read.
fn not_for_others(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), true)];
    let mut seen = 0;
    while let Some((folder, is_open)) = folders.pop() {
        seen += 1;
        if seen > MOST_HIDDEN || found.len() > MOST_HIDDEN {
            break;
        }
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(data) = entry.metadata() else { continue };
            let mode = data.permissions().mode();
            if data.is_dir() {
                folders.push((entry.path(), is_open && mode & 0o001 != 0));
            } else if data.is_file() && (!is_open || mode & 0o004 == 0) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}
