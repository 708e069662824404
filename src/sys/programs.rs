//! Where programs are installed.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::paths::{leads_out, real};
use crate::error::{Error, ErrorKind, Result};

/// The executable file that `name` stands for: a bare name is searched in the folders of `path` (the value of `PATH`), a
/// name with a slash is taken relative to `base`. Relative folders in `path` are taken relative to `base`, too.
#[must_use]
pub fn find_program(name: &OsStr, path: Option<&OsStr>, base: &Path) -> Option<PathBuf> {
    // a leading `.` keeps `which` from opening `~`: the system, which starts the program later, does not open it either
    let folders = path.map(|path| env::split_paths(path).map(|folder| Path::new(".").join(folder)));
    let folders = folders.and_then(|folders| env::join_paths(folders).ok());
    which::which_in(name, folders, base).ok()
}

/// Searches like [`find_program`], in the `PATH` of this process.
#[must_use]
pub fn find_in_path(name: impl AsRef<OsStr>, base: &Path) -> Option<PathBuf> {
    find_program(name.as_ref(), env::var_os("PATH").as_deref(), base)
}

/// Whether a program is one of the machine's: an agent that works in `dir` can neither remove nor restore it. A bare name
/// counts as the project's where `path` (the value of `PATH`) names a folder below `dir`, such as `node_modules/.bin`.
#[must_use]
pub fn is_of_machine(name: &str, path: Option<&OsStr>, dir: &Path) -> bool {
    if name.contains('/') {
        let name = Path::new(name);
        return name.is_absolute() && !name.starts_with(dir);
    }
    let in_project = |folder: PathBuf| !folder.is_absolute() || folder.starts_with(dir);
    !path.is_some_and(|path| env::split_paths(path).any(in_project))
}

/// The path of a program that seqorch runs on its own account (git, tmux): the first one in `path` that the repository
/// around `dir` did not bring. Relative folders of `path` and folders in the repository are passed over: with `.` or
/// `node_modules/.bin` in `PATH`, a clone would choose what a mere look runs.
#[must_use]
pub fn find_tool(name: &str, path: Option<&OsStr>, dir: &Path) -> Option<PathBuf> {
    let home = env::var_os("HOME").map(PathBuf::from);
    let dir = real(dir);
    // a repository that is the user's whole home did not bring the programs there
    let inside_home =
        dir.ancestors().take_while(|folder| home.as_deref().is_none_or(|home| !home.starts_with(folder)));
    let top = inside_home.filter(|folder| folder.join(".git").exists()).last().unwrap_or(&dir).to_owned();
    env::split_paths(path?).filter(|folder| folder.is_absolute()).find_map(|folder| {
        which::which_in(name, Some(&folder), &top).ok().filter(|program| leads_out(&top, program))
    })
}

/// Why a script that is there cannot start: the program that its first line names is missing. `None`: it can, or it is no
/// script.
#[must_use]
pub fn missing_interpreter(script: &Path, base: &Path) -> Option<String> {
    let mut head = [0; 256];
    let read = File::open(script).and_then(|mut file| file.read(&mut head)).ok()?;
    let line = head[..read].strip_prefix(b"#!")?.split(|b| *b == b'\n').next()?;
    let line = String::from_utf8_lossy(line).into_owned();
    if line.ends_with('\r') {
        return Some("its first line ends with CR LF, so the system looks for another program".to_owned());
    }
    let mut words = line.split_whitespace();
    let interpreter = words.next()?;
    let missing = |name: &str| format!("its interpreter {name} was not found, or is not executable");
    if find_in_path(interpreter, base).is_none() {
        return Some(missing(interpreter));
    }
    if Path::new(interpreter).file_name() != Some(OsStr::new("env")) {
        return None;
    }
    let named = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
    find_in_path(named, base).is_none().then(|| missing(named))
}

/// The path of this program, to start it again.
pub fn own_program() -> Result<PathBuf> {
    let path = env::current_exe()
        .map_err(|e| Error::new(ErrorKind::Internal, "finding this program").caused_by(e))?;
    // after an update in place, the system calls the running program deleted; the new one has its path
    let text = path.to_string_lossy();
    Ok(text.strip_suffix(" (deleted)").map_or_else(|| path.clone(), PathBuf::from))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn program(folder: &Path, name: &str, mode: u32) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn find(name: &str, path: Option<&str>, base: &Path) -> Option<PathBuf> {
        find_program(name.as_ref(), path.map(AsRef::as_ref), base)
    }

    #[test]
    fn a_program_that_the_project_may_bring_is_not_the_machines() {
        let is = |name, path: &str| is_of_machine(name, Some(OsStr::new(path)), Path::new("/work/shop"));
        assert!(is("make", "/usr/bin:/bin") && is("/usr/bin/make", "/usr/bin"));
        assert!(!is("./check.sh", "/usr/bin") && !is("bin/check", "/usr/bin"));
        assert!(!is("/work/shop/check.sh", "/usr/bin"));
        assert!(!is("pytest", "/work/shop/.venv/bin:/usr/bin") && !is("eslint", "node_modules/.bin:/bin"));
    }

    #[test]
    fn a_name_is_searched_in_path_and_the_first_executable_file_wins() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path();
        program(&base.join("a"), "tool", 0o644);
        let tool = program(&base.join("b"), "tool", 0o755);
        program(&base.join("c"), "tool", 0o755);
        fs::create_dir_all(base.join("a/folder")).unwrap();
        let path = ["a", "b", "c"].map(|name| base.join(name).display().to_string()).join(":");
        assert_eq!(find("tool", Some(&path), base), Some(tool.clone()));
        assert_eq!(find("folder", Some(&path), base), None);
        assert_eq!(find("tool", None, base), None);
        assert_eq!(find(tool.to_str().unwrap(), None, Path::new("/")), Some(tool));
    }

    #[test]
    fn a_script_whose_interpreter_is_missing_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path();
        for (line, named) in [
            ("#!/bin/sh", None),
            ("#! /bin/sh -e", None),
            ("#!/usr/bin/env sh", None),
            ("#!/usr/bin/env -S A=1 sh -e", None),
            ("no script", None),
            ("", None),
            ("#!/no/such/python3", Some("/no/such/python3")),
            ("#!/usr/bin/env no-such-program", Some("no-such-program")),
            ("#!/bin/sh\r", Some("CR LF")),
        ] {
            let path = program(base, "script", 0o755);
            fs::write(&path, format!("{line}\necho\n")).unwrap();
            let found = missing_interpreter(&path, base);
            assert_eq!(found.is_some(), named.is_some(), "{line}: {found:?}");
            assert!(found.unwrap_or_default().contains(named.unwrap_or_default()), "{line}");
        }
    }

    #[test]
    fn relative_names_and_folders_are_taken_from_the_base() {
        let dir = tempfile::tempdir().unwrap();
        let tool = program(&dir.path().join("bin"), "tool", 0o755);
        for (name, path) in [("bin/tool", None), ("./bin/tool", None), ("tool", Some("none:bin"))] {
            assert_eq!(find(name, path, dir.path()), Some(tool.clone()), "{name}");
        }
        assert_eq!(find("tool", Some(""), &dir.path().join("bin")), Some(tool), "an empty entry is the base");
        assert_eq!(find("bin/tool", None, Path::new("/")), None);
    }

    #[test]
    fn a_tool_is_never_one_of_the_repository() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, theirs) = (dir.path().join("usr/bin"), dir.path().join("clone/bin"));
        let tool = program(&ours, "tool", 0o755);
        program(&theirs, "tool", 0o755);
        let sub = dir.path().join("clone/sub");
        fs::create_dir_all(&sub).unwrap();
        fs::create_dir_all(dir.path().join("clone/.git")).unwrap();
        std::os::unix::fs::symlink(theirs.join("tool"), program(&ours, "x", 0o755).with_file_name("linked"))
            .unwrap();
        let path = |folders: &[&Path]| env::join_paths(folders).unwrap();
        let find = |name: &str, folders: &[&Path]| find_tool(name, Some(&path(folders)), &sub);
        assert_eq!(find("tool", &[Path::new("."), Path::new("../bin"), &theirs, &ours]), Some(tool));
        assert_eq!(find("tool", &[&theirs]), None);
        assert_eq!(find("linked", &[&ours]), None, "a link into the repository");
    }

    #[test]
    fn a_tilde_in_path_is_a_folder_of_that_name() {
        let dir = tempfile::tempdir().unwrap();
        let tool = program(&dir.path().join("~/bin"), "tool", 0o755);
        assert_eq!(find("tool", Some("~/bin"), dir.path()), Some(tool));
    }
}
