//! Files of seqorch's own follow no links out of the project, and are regular files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode};

use super::Attack;
use crate::common::{Output, Project, git, tasks};

pub(super) const ATTACKS: &[Attack] = &[
    ("a committed SEQUENTIAL_PROGRESS.md -> ~/.bashrc", "70, names it, the file is untouched", || {
        linked(".kiro/specs/SEQUENTIAL_PROGRESS.md", "SEQUENTIAL_PROGRESS.md");
    }),
    ("a committed SEQUENTIAL_STATE.json -> ~/precious", "70, names it", || {
        linked(".kiro/specs/SEQUENTIAL_STATE.json", "SEQUENTIAL_STATE.json");
    }),
    ("a committed run.lock -> ~/precious", "70, names it, nothing is emptied", || {
        linked(".seqorch/demo/run.lock", "run.lock");
    }),
    ("a committed events.jsonl -> ~/precious", "names it, nothing is appended", || {
        linked(".seqorch/demo/events.jsonl", "events.jsonl");
    }),
    ("a committed state.lock -> ~/precious", "70, names it", || linked(".seqorch/state.lock", "state.lock")),
    (".seqorch is a link out of the project", "70, names it, nothing is written there", linked_folder),
    (
        "the folder of an attempt is a link out of the project",
        "nothing there is written or removed",
        linked_attempt,
    ),
    ("the folder of the specs is a link out of the project", "78, names both", linked_specs),
    ("tasks.md is a link out of the project", "65, names both", linked_tasks),
    ("tasks.md is a link inside of the repository", "works, and the link stays", inner_link),
    ("seqorch.toml is a pipe", "78 at once", || no_file("seqorch.toml", 78, Kind::Pipe)),
    ("seqorch.toml is a folder", "78 at once", || no_file("seqorch.toml", 78, Kind::Folder)),
    ("seqorch.toml leads to /dev/zero", "78 at once", || no_file("seqorch.toml", 78, Kind::Zero)),
    ("tasks.md is a pipe", "65 at once", || no_file(".kiro/specs/demo/tasks.md", 65, Kind::Pipe)),
    ("tasks.md is a folder", "65 at once", || no_file(".kiro/specs/demo/tasks.md", 65, Kind::Folder)),
    ("tasks.md leads to /dev/zero", "65 at once", || no_file(".kiro/specs/demo/tasks.md", 65, Kind::Zero)),
    ("the state file is a pipe", "70 at once", || {
        no_file(".kiro/specs/SEQUENTIAL_STATE.json", 70, Kind::Pipe);
    }),
    ("the state file is a folder", "70 at once", || {
        no_file(".kiro/specs/SEQUENTIAL_STATE.json", 70, Kind::Folder);
    }),
    ("run.lock is a pipe", "an error at once", || no_file(".seqorch/demo/run.lock", 70, Kind::Pipe)),
    ("the template is a pipe", "78 at once", template),
    ("an agent puts a link in the place of the progress log", "an error, the target is untouched", || {
        swapped("ln -sf \"$PRECIOUS\" .kiro/specs/SEQUENTIAL_PROGRESS.md");
    }),
    ("an agent puts a link in the place of the state file", "an error, the target is untouched", || {
        swapped("ln -sf \"$PRECIOUS\" .kiro/specs/SEQUENTIAL_STATE.json");
    }),
    ("an agent puts a link in the place of the event log", "an error, the target is untouched", || {
        swapped("ln -sf \"$PRECIOUS\" .seqorch/demo/events.jsonl");
    }),
    ("an agent moves .seqorch away and leaves a link", "nothing is written there", || {
        swapped("mv .seqorch moved; ln -s \"$PRECIOUS_DIR\" .seqorch");
    }),
    ("an agent puts a link in the place of its log's turn", "the target is untouched", || {
        swapped("ln -sf \"$PRECIOUS\" \"$SEQORCH_DIR/result.json\"");
    }),
    ("an agent puts a pipe in the place of the state file", "an error, no hang", || {
        swapped("rm -f .kiro/specs/SEQUENTIAL_STATE.json; mkfifo .kiro/specs/SEQUENTIAL_STATE.json");
    }),
];

/// A project, and a file outside of it that must stay as it is.
fn project() -> (Project, PathBuf) {
    let project = Project::new().spec("demo", tasks(2));
    let precious = project.outside().join("precious");
    fs::write(&precious, "mine\n").unwrap();
    (project, precious)
}

#[track_caller]
fn untouched(precious: &PathBuf) {
    assert_eq!(fs::read_to_string(precious).unwrap(), "mine\n");
}

/// The verb ends soon. A busy machine is slower than a second.
#[track_caller]
fn quickly(project: &Project, args: &[&str]) -> Output {
    let start = Instant::now();
    let output = project.run(args);
    assert!(start.elapsed() < Duration::from_secs(10), "{args:?} took {:?}", start.elapsed());
    output
}

fn linked(path: &str, name: &str) {
    let (project, precious) = project();
    fs::create_dir_all(project.path(path).parent().unwrap()).unwrap();
    symlink(&precious, project.path(path)).unwrap();
    let out = project.run(&["run"]);
    assert!((out.stderr + &out.stdout).contains(name), "{}", out.code);
    untouched(&precious);
    for args in [&["status"][..], &["report"], &["specs"], &["mark", "1", "done"]] {
        project.run(args);
    }
    untouched(&precious);
}

fn linked_folder() {
    let (project, precious) = project();
    let folder = precious.parent().unwrap().join("folder");
    fs::create_dir(&folder).unwrap();
    symlink(&folder, project.path(".seqorch")).unwrap();
    project.run(&["run"]).code(70).says(&[".seqorch"]);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

fn linked_attempt() {
    let (project, precious) = project();
    let folder = precious.parent().unwrap().join("folder");
    fs::create_dir_all(folder.join("1")).unwrap();
    fs::write(folder.join("1/keep"), "mine\n").unwrap();
    fs::create_dir_all(project.path(".seqorch/demo")).unwrap();
    symlink(&folder, project.path(".seqorch/demo/1")).unwrap();
    let out = project.run(&["run"]);
    assert_ne!(out.code, 0, "{}", out.stdout);
    assert_eq!(fs::read_to_string(folder.join("1/keep")).unwrap(), "mine\n");
    assert_eq!(fs::read_dir(folder.join("1")).unwrap().count(), 1);
}

fn linked_specs() {
    let (project, precious) = project();
    let outside = precious.parent().unwrap().join("specs");
    fs::create_dir_all(outside.join("demo")).unwrap();
    fs::write(outside.join("demo/tasks.md"), tasks(1)).unwrap();
    fs::remove_dir_all(project.path(".kiro/specs")).unwrap();
    symlink(&outside, project.path(".kiro/specs")).unwrap();
    project.run(&["run"]).code(78).says(&["leads out of the project", "specs/demo"]);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

fn linked_tasks() {
    let (project, precious) = project();
    let outside = precious.parent().unwrap().join("tasks.md");
    fs::write(&outside, tasks(1)).unwrap();
    let path = project.path(".kiro/specs/demo/tasks.md");
    fs::remove_file(&path).unwrap();
    symlink(&outside, &path).unwrap();
    for args in [&["run"][..], &["plan", "--dry-run"], &["mark", "1", "done"]] {
        project.run(args).code(65).says(&["leads out of the project"]);
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), tasks(1));
}

fn inner_link() {
    let (project, _) = project();
    let path = project.path(".kiro/specs/demo/tasks.md");
    fs::rename(&path, project.path("todo.md")).unwrap();
    symlink("../../../todo.md", &path).unwrap();
    project.run(&["run"]).code(0);
    assert!(path.is_symlink());
    assert!(project.read("todo.md").contains("[x] 2."), "{}", project.read("todo.md"));
}

#[derive(Clone, Copy)]
enum Kind {
    Pipe,
    Folder,
    Zero,
}

/// Something that is no file is in the place of one.
fn no_file(path: &str, code: i32, kind: Kind) {
    let (project, _) = project();
    let name = PathBuf::from(path).file_name().unwrap().to_string_lossy().into_owned();
    let path = project.path(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = fs::remove_file(&path);
    match kind {
        Kind::Pipe => rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap(),
        Kind::Folder => fs::create_dir(&path).unwrap(),
        Kind::Zero => symlink("/dev/zero", &path).unwrap(),
    }
    quickly(&project, &["run", "demo"]).code(code).says(&[&name]);
    for args in [
        &["status", "demo"][..],
        &["plan", "demo", "--dry-run"],
        &["specs"],
        &["doctor"],
        &["report", "demo"],
    ] {
        quickly(&project, args);
    }
}

fn template() {
    let (project, _) = project();
    let path = project.path("pipe.j2");
    rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let project = project.config("[prompt]\ntemplate = \"pipe.j2\"\n");
    quickly(&project, &["run"]).code(78).says(&["pipe.j2"]);
}

/// An agent swaps a file while the run works.
fn swapped(act: &str) {
    let (project, precious) = project();
    let folder = precious.parent().unwrap().join("folder");
    fs::create_dir(&folder).unwrap();
    git::git(&project, &["init", "-q"]);
    let script =
        format!("PRECIOUS='{}'; PRECIOUS_DIR='{}'\n{act}\nsay_done", precious.display(), folder.display());
    let project = project.agent(&script);
    let _ = quickly(&project, &["run"]);
    untouched(&precious);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "something was written into the folder outside");
}
