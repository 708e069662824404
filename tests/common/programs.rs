//! A project whose search path holds only the programs that the test puts there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::common::Project;

/// A project whose search path has only `sh`.
pub(crate) fn project() -> Project {
    let project = Project::new();
    let bin = project.outside().join("bin");
    fs::create_dir_all(&bin).unwrap();
    let project = project.env("PATH", &bin);
    program(&project, "sh", "exec /bin/sh \"$@\"");
    project
}

/// Puts a program on the search path.
pub(crate) fn program(project: &Project, name: &str, script: &str) -> PathBuf {
    let path = project.outside().join("bin").join(name);
    project.write(&path, format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}:\n{text}"))
}

pub(crate) fn git(project: &Project, args: &[&str]) {
    let status = std::process::Command::new("git").args(args).current_dir(project.root()).status().unwrap();
    assert!(status.success());
}

/// A project without any problem.
pub(crate) fn healthy() -> Project {
    let project = project().spec("demo", "- [ ] 1. First\n- [ ] 2. Second\n").file(".gitignore", "*\n");
    for tool in ["git", "tmux"] {
        program(&project, tool, &format!("PATH=/usr/local/bin:/usr/bin:/bin exec {tool} \"$@\""));
    }
    program(&project, "bwrap", "echo works");
    program(&project, "socat", "echo 1.8");
    git(&project, &["init", "-q"]);
    project
}
