//! Settings of the project that execute something are not used before a person trusts them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::Value;

use super::{Attack, is_not_sprung, trap, untrusted};
use crate::common::{Project, git};

pub(super) const ATTACKS: &[Attack] = &[
    ("a backend whose command is a script of the repository", "78, with key, value and line", || {
        untrusted().run(&["run"]).code(78).says(&[
            "backend.fake.command = \"/bin/sh\"",
            "seqorch.toml:",
            "--trust",
        ]);
    }),
    ("verify commands, hooks, panes and windows", "78, nothing runs", everything),
    ("permission = \"bypass\"", "78", || {
        setting("[backend.claude]\npermission = \"bypass\"\n", "\"bypass\"");
    }),
    ("arguments that drop an agent's own sandbox", "78", || {
        setting("[backend.claude.permission_args]\nauto = []\n", "backend.claude.permission_args.auto = []");
    }),
    ("a work dir outside of the project", "78", || {
        setting("[run]\nworkdir = \"/\"\n", "run.workdir = \"/\"");
    }),
    ("a work dir that is a link out of the project", "78", linked_work_dir),
    ("a template outside of the project", "78", || {
        setting("[prompt]\ntemplate = \"/etc/hosts\"\n", "prompt.template");
    }),
    ("inputs outside of the project", "78", || {
        setting("[prompt]\ninputs = [\"/etc/**\"]\n", "prompt.inputs");
    }),
    ("extends outside of the project", "78", extends),
    ("a backend's environment (LD_PRELOAD)", "78", || {
        setting("[backend.claude.env]\nLD_PRELOAD = \"./x.so\"\n", "backend.claude.env.LD_PRELOAD");
    }),
    ("a profile that a person chooses for other reasons", "78", || {
        let project = trusted("[profile.fast.hooks]\nhalt = [\"./x\"]\n");
        project.run(&["run", "--dry-run"]).code(0);
        project.run(&["run", "--profile", "fast"]).code(78).says(&["hooks.halt"]);
    }),
    ("a committed seqorch.local.toml", "78", || {
        setting("[hooks]\nhalt = [\"./x\"]\n", "seqorch.local.toml:");
    }),
    ("options of the last run in a committed state file", "78", kept_options),
    ("a session id that is an option", "not given to an agent", session_id),
    ("a model that is an option", "78 with the key", || {
        untrusted()
            .config("[backend.claude]\nmodel = \"--yolo\"\n")
            .run(&["plan", "--dry-run"])
            .code(78)
            .says(&["backend.claude.model"]);
    }),
    ("a setting that changed after it was trusted", "78, with the difference", changed),
    ("a value that was trusted, replaced, and comes back", "78", back),
    ("a hook of git that is there at the first run", "78, with its lines", git_hook),
    ("a filter of git that is there at the first run", "78", git_filter),
    ("an agent's filter of git, executed by `undo` after the run", "78, does not run", undo_with_filter),
    ("a copy of a trusted project elsewhere", "78", copy),
    ("an empty SEQORCH_TRUST", "counts as not set", || drop(untrusted().run(&["run"]).code(78))),
    ("SEQORCH_TRUST=1", "this call only, nothing is kept", one_call),
    ("`seqorch trust`, `--show`, `--revoke`", "kept with mode 0600, and forgotten", kept),
    ("escape sequences in a setting that is shown", "stripped", escapes),
    ("a broken spec in a project that is not trusted", "78 before anything else", || {
        drop(untrusted().spec("demo", "no tasks").run(&["run", "demo"]).code(78));
    }),
    ("a person's own settings", "need no trust", own),
];

/// A trusted project with this local configuration.
fn trusted(config: &str) -> Project {
    let project = untrusted().config(config);
    project.run(&["trust"]).code(0);
    project
}

/// A run is refused because of a setting of the project, and says so.
#[track_caller]
fn setting(config: &str, says: &str) {
    let project = untrusted();
    project.run(&["trust"]).code(0);
    let project = project.config(config);
    project.run(&["run"]).code(78).says(&[says]);
    project.run(&["run", "--detach"]).code(78);
    project.run(&["resume", "--answer", "x"]).code(78);
    assert!(project.ledger().is_empty());
}

fn everything() {
    let project = untrusted();
    trap(&project, "trap");
    let project = project.config(
        "[verify]\ncommands = [[\"./trap\"]]\n[hooks]\nrun_start = [\"./trap\"]\nhalt = [\"./trap\"]\n\
         [[tmux.pane]]\ncommand = [\"./trap\"]\n[[tmux.windows]]\nname = \"x\"\ncommand = [\"./trap\"]\n\
         [[override]]\ntasks = [\"1\"]\nverify = [[\"./trap\"]]\n",
    );
    project.run(&["run"]).code(78).says(&[
        "verify.commands",
        "hooks.run_start",
        "tmux.pane[0].command",
        "tmux.windows[0].command",
        "override[0].verify",
    ]);
    is_not_sprung(&project);
    assert!(project.ledger().is_empty());
}

fn linked_work_dir() {
    let project = untrusted();
    project.run(&["trust"]).code(0);
    symlink("/tmp", project.path("app")).unwrap();
    let project = project.config("[run]\nworkdir = \"app\"\n");
    project.run(&["run"]).code(78).says(&["run.workdir"]);
}

fn extends() {
    let project = untrusted();
    let file = project.outside().join("more.toml");
    fs::write(&file, "[run]\ndelay = \"1s\"\n").unwrap();
    let project = project.config(&format!("extends = [{:?}]\n", file.display().to_string()));
    project.run(&["run"]).code(78).says(&["extends = ", "more.toml"]);
    // a file that is no TOML is not shown
    fs::write(&file, "root:SECRET-LINE:0:0\n").unwrap();
    let out = project.run(&["config", "show"]).code(78);
    assert!(!out.stderr.contains("SECRET-LINE"), "{}", out.stderr);
}

fn kept_options() {
    let project = trusted("");
    project.run(&["run", "--only", "1"]).code(0);
    let path = ".kiro/specs/SEQUENTIAL_STATE.json";
    let mut state: Value = serde_json::from_str(&project.read(path)).unwrap();
    state["specs"]["demo"]["run"] = serde_json::json!({
        "state": "over", "began": "2026-01-01T00:00:00Z", "ended": "2026-01-01T00:00:01Z",
        "end": { "kind": "interrupted" }, "args": ["--workdir=/"],
    });
    state["specs"]["demo"]["last_run"] = Value::Null;
    project.write(path, state.to_string());
    let out = project.run(&["run", "--retry"]);
    assert_ne!(out.code, 0, "{out:?}");
    if out.code == 78 {
        out.says(&["run.workdir"]);
    }
}

fn session_id() {
    let project = Project::new().spec("demo", "- [ ] 1. First\n").agent("note \"args $*\"; exit 1").config(
        "[retry]\nattempts = 1\n[backend.fake]\nargs = [\"agent.sh\", \"{resume}\"]\nresume = [\"--resume\", \"{session}\"]\n",
    );
    project.run(&["run"]).code(2);
    let path = ".kiro/specs/SEQUENTIAL_STATE.json";
    let mut state: Value = serde_json::from_str(&project.read(path)).unwrap();
    let attempts = &mut state["specs"]["demo"]["units"]["1"]["attempts"];
    attempts[0]["session"] = "--dangerous".into();
    project.write(path, state.to_string());
    project.run(&["run", "--retry"]);
    let ledger = project.ledger();
    assert!(ledger.len() >= 4 && !ledger.iter().any(|line| line.contains("--dangerous")), "{ledger:?}");
}

fn changed() {
    let project = trusted("[hooks]\nhalt = [\"true\", \"old\"]\n");
    project.run(&["run", "--only", "1"]).code(0);
    let project = project.config("[hooks]\nhalt = [\"true\", \"new\"]\n");
    project
        .run(&["run"])
        .code(78)
        .says(&["- hooks.halt = [\"true\", \"old\"]", "+ hooks.halt = [\"true\", \"new\"]"]);
}

fn back() {
    let project = trusted("[hooks]\nhalt = [\"true\", \"old\"]\n");
    let project = project.config("[hooks]\nhalt = [\"true\", \"new\"]\n");
    project.run(&["trust"]).code(0);
    let project = project.config("[hooks]\nhalt = [\"true\", \"old\"]\n");
    project.run(&["run"]).code(78);
}

fn git_hook() {
    let project = untrusted().config("[git]\ncommit = \"step\"\n");
    git::init(&project);
    project.run(&["trust"]).code(0);
    trap(&project, ".git/hooks/pre-commit");
    project.run(&["run"]).code(78).says(&["git hook pre-commit", "echo"]);
    is_not_sprung(&project);
    project.run(&["run", "--trust"]).code(0);
    assert!(!project.read("sprung").is_empty() || project.ledger().len() == 2);
}

fn git_filter() {
    let project = untrusted();
    git::init(&project);
    project.run(&["trust"]).code(0);
    let trap = trap(&project, "trap");
    project.write(".gitattributes", "* filter=x\n");
    git::git(&project, &["config", "filter.x.clean", &trap.display().to_string()]);
    let _ = fs::remove_file(project.path("sprung"));
    project.run(&["run"]).code(78).says(&["git setting filter.x.clean"]);
    is_not_sprung(&project);
}

fn undo_with_filter() {
    let project = git::repo("echo x > made; say_done", "").env("SEQORCH_TRUST", "");
    let trap = trap(&project, "trap");
    git::git(&project, &["add", "-A"]);
    git::git(&project, &["commit", "-qm", "trap"]);
    project.run(&["trust"]).code(0);
    project.run(&["run", "--only", "1"]).code(0);
    project.write(".gitattributes", "* filter=x\n");
    git::git(&project, &["config", "filter.x.smudge", &trap.display().to_string()]);
    project.run(&["undo", "1"]).code(78).says(&["git setting filter.x.smudge"]);
    is_not_sprung(&project);
}

fn copy() {
    let project = trusted("");
    project.run(&["run", "--only", "1"]).code(0);
    let copy = project.outside().join("copy");
    let copied = std::process::Command::new("cp").arg("-R").arg(project.root()).arg(&copy).status().unwrap();
    assert!(copied.success());
    let out = project.command(&["run"]).current_dir(&copy).output().unwrap();
    assert_eq!(out.status.code(), Some(78), "{out:?}");
}

fn one_call() {
    let project = untrusted().env("SEQORCH_TRUST", "1");
    project.run(&["run", "--only", "1"]).code(0);
    let project = project.env("SEQORCH_TRUST", "");
    project.run(&["run"]).code(78);
}

fn kept() {
    let project = untrusted();
    project.run(&["trust", "--show"]).code(0).says(&["new     backend.fake.command"]);
    project.run(&["run"]).code(78);
    project.run(&["trust"]).code(0).says(&["backend.fake.command", "trusted: 2 settings"]);
    project.run(&["trust", "--show"]).code(0).says(&["trusted backend.fake.command"]);
    let folder = project.path(".home/.local/state/seqorch/trust");
    let files: Vec<_> = fs::read_dir(&folder).unwrap().flatten().collect();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    project.run(&["run"]).code(0);
    project.run(&["trust", "--revoke"]).code(0);
    project.run(&["run"]).code(78);
    // a person who types it trusts it from then on
    project.run(&["run", "--trust"]).code(0);
    project.run(&["run"]).code(0);
}

fn escapes() {
    let project = untrusted().config("[hooks]\nhalt = [\"\\u001b[2K\\u202e\\u009bx\"]\n");
    for args in [&["run"][..], &["trust", "--show"], &["trust"]] {
        let out = project.run(args);
        let text = out.stdout + &out.stderr;
        assert!(text.contains("hooks.halt"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{text:?}");
    }
}

fn own() {
    let project = untrusted();
    let text = project.read("seqorch.toml");
    project.write(".home/config/seqorch/config.toml", text);
    project.write("seqorch.toml", "");
    project.run(&["run"]).code(0);
}
