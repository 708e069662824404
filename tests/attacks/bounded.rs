//! Files of others have a size, templates an end, and globs a limit.

use std::fs;
use std::time::{Duration, Instant};

use super::Attack;
use crate::common::{Project, tasks};

pub(super) const ATTACKS: &[Attack] = &[
    ("a template whose loops do not end", "78, with the reason", || {
        template(
            "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}",
        );
    }),
    ("a template that makes a text of gigabytes", "78, with the reason", || {
        template("{% for a in range(9999) %}{{ 'x' * 90000 }}{% endfor %}");
    }),
    ("a template whose value doubles again and again", "78, with the reason", || {
        template(
            "{% set ns = namespace(t='x') %}{% for a in range(64) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}",
        );
    }),
    ("inputs = [\"/**/*\"]", "78, names it", globs),
    ("a state file of gigabytes", "70, names it", || large(".kiro/specs/SEQUENTIAL_STATE.json", 70)),
    ("a tasks.md of gigabytes", "65, names it", || large(".kiro/specs/demo/tasks.md", 65)),
    ("a seqorch.toml of gigabytes", "78, names it", || large("seqorch.toml", 78)),
    ("an event log of gigabytes", "`report` says what it can", || {
        let project = project();
        project.run(&["run"]).code(0);
        sparse(&project, ".seqorch/demo/events.jsonl");
        within(&project, &["report"]);
    }),
];

fn project() -> Project {
    Project::new().spec("demo", tasks(1))
}

#[track_caller]
fn within(project: &Project, args: &[&str]) -> crate::common::Output {
    let start = Instant::now();
    let out = project.run(args);
    assert!(start.elapsed() < Duration::from_secs(25), "{args:?} took {:?}", start.elapsed());
    out
}

fn template(text: &str) {
    let project = project().file("t.j2", text).config("[prompt]\ntemplate = \"t.j2\"\n");
    for args in [&["run"][..], &["plan", "--dry-run"], &["plan", "--prompt", "1"]] {
        within(&project, args).code(78).says(&["template"]);
    }
    assert!(project.ledger().is_empty());
}

fn globs() {
    let project = project().config("[prompt]\ninputs = [\"/**/*\"]\n");
    within(&project, &["plan", "--dry-run"]).code(78).says(&["prompt.inputs", "too many files"]);
    within(&project, &["run"]).code(78).says(&["prompt.inputs"]);
}

fn sparse(project: &Project, path: &str) {
    let path = project.path(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = fs::File::options().write(true).create(true).truncate(false).open(path).unwrap();
    file.set_len(4_000_000_000).unwrap();
}

fn large(path: &str, code: i32) {
    let project = project();
    sparse(&project, path);
    let name = std::path::Path::new(path).file_name().unwrap().to_string_lossy().into_owned();
    for verb in ["run", "status", "plan"] {
        let out = within(&project, &[verb, "demo"]);
        assert!(out.code == code || verb == "status", "{verb}: {out:?}");
        assert!(out.code == 0 || out.stderr.contains(&name), "{verb}: {}", out.stderr);
    }
}
