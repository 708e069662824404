//! What an agent writes while a run works does not change what the run executes.

use super::{Attack, is_not_sprung, trap};
use crate::common::git::{TWO, git, hook, init};
use crate::common::{Project, tasks};

pub(super) const ATTACKS: &[Attack] = &[
    ("an agent adds a hook to seqorch.toml", "not executed; a need that names the task", added_setting),
    ("an agent writes a seqorch.local.toml", "not executed; a need that names the task", local_file),
    ("the same with SEQORCH_TRUST=1", "not executed; a need", with_variable),
    ("an agent adds a hook of git", "not executed; named; the next run asks", added_hook),
    ("an agent changes a hook of git", "the one of the start is executed", changed_hook),
    ("an agent sets core.hooksPath", "not executed; named", hooks_path),
    ("an agent sets core.fsmonitor", "not executed", || {
        git_setting("core.fsmonitor", "git config core.fsmonitor ./trap");
    }),
    ("an agent sets a filter", "not executed", || {
        git_setting("filter.x.clean", "echo '* filter=x' > .gitattributes; git config filter.x.clean ./trap");
    }),
    ("an agent sets a filter whose name has a =", "not executed", || {
        git_setting(
            "filter.a=b.clean",
            "echo '* filter=a=b' > .gitattributes; git config filter.a=b.clean ./trap",
        );
    }),
    ("an agent sets gpg.program and signs", "not executed", || {
        git_setting("gpg.program", "git config gpg.program ./trap; git config commit.gpgsign false");
    }),
    ("an agent includes a file that a later one writes", "not executed", || {
        git_setting(
            "filter.x.clean",
            "printf '[include]\\n\\tpath = ../late\\n' >> .git/config; printf '* filter=x\\n' > .gitattributes; \
             printf '[filter \"x\"]\\n\\tclean = ./trap\\n' > late",
        );
    }),
    ("unchanged hooks beside a new one", "see what a plain commit shows them", unchanged),
    ("an agent removes a check from seqorch.toml", "the run keeps it", removed_check),
    ("an agent breaks seqorch.toml", "the run continues; a need", broken),
];

fn project(agent: &str) -> Project {
    let project = Project::new().spec("demo", TWO).env("SEQORCH_TRUST", "").agent(agent);
    trap(&project, "trap");
    project
}

/// Starts the run with what is there trusted.
fn trusted(project: &Project) {
    project.run(&["trust"]).code(0);
}

fn added_setting() {
    let project = project(
        "[ \"$SEQORCH_UNIT\" = 2 ] || printf '[hooks]\\nstep_end = [\"./trap\"]\\nrun_end = [\"./trap\"]\\n' >> seqorch.toml; say_done",
    );
    trusted(&project);
    project.run(&["run"]).code(2).says(&[
        "task 1 changed settings that are executed",
        "hooks.step_end = [\"./trap\"] (seqorch.toml:",
        "seqorch trust",
    ]);
    is_not_sprung(&project);
    assert_eq!(project.ledger().len(), 2);
    project.run(&["status"]).says(&["seqorch trust"]);
    project.run(&["run"]).code(78).says(&["+ hooks.step_end"]);
    is_not_sprung(&project);
    // once a person has trusted it, nothing waits
    project.run(&["trust"]).code(0);
    project.run(&["run"]).code(0);
}

fn removed_check() {
    let project = project("rm -f seqorch.local.toml; say_done")
        .config("[run]\non_failure = \"skip\"\n[retry]\nattempts = 1\n[verify]\ncommands = [[\"false\"]]\n");
    trusted(&project);
    project.run(&["run"]).code(2).says(&["not trusted are verify.commands is gone (seqorch.local.toml:6)"]);
    assert_eq!(project.outcomes("demo", "2"), ["verify_failed"]);
    assert!(!project.tasks("demo").contains("[x]"));
}

fn local_file() {
    let project = project("printf '[verify]\\ncommands = [[\"./trap\"]]\\n' > seqorch.local.toml; say_done");
    trusted(&project);
    project.run(&["run"]).code(2).says(&["task 1 changed settings", "verify.commands"]);
    is_not_sprung(&project);
}

fn with_variable() {
    let project = project("printf '[verify]\\ncommands = [[\"./trap\"]]\\n' > seqorch.local.toml; say_done")
        .env("SEQORCH_TRUST", "1");
    project.run(&["run", "--only", "1"]).code(2).says(&["task 1 changed settings"]);
    is_not_sprung(&project);
}

fn committing(agent: &str) -> Project {
    let project = project(agent).config("[git]\ncommit = \"step\"\n");
    init(&project);
    git(&project, &["config", "--add", "core.excludesFile", "/dev/null"]);
    project.write(".git/info/exclude", "ledger\ngate\n.out/\n.home/\nsprung\nlate\n");
    project
}

const ADDS_HOOK: &str =
    "echo \"$SEQORCH_UNIT\" > \"made-$SEQORCH_UNIT\"; cp trap .git/hooks/pre-commit; say_done";

fn added_hook() {
    let project = committing(ADDS_HOOK);
    trusted(&project);
    project.run(&["run"]).code(0).says(&["task 1: git hook pre-commit", "the next one asks for trust"]);
    is_not_sprung(&project);
    assert_eq!(git(&project, &["log", "--oneline"]).lines().count(), 3);
    project.run(&["mark", "2", "todo"]).code(0);
    project.run(&["run"]).code(78).says(&["git hook pre-commit"]);
    is_not_sprung(&project);
}

fn changed_hook() {
    let project = committing(ADDS_HOOK);
    let root = project.root().display().to_string();
    hook(&project, "pre-commit", &format!("echo start >> '{root}/ledger'"));
    trusted(&project);
    project.run(&["run"]).code(0).says(&["git hook pre-commit"]);
    is_not_sprung(&project);
    assert_eq!(project.ledger().iter().filter(|line| *line == "start").count(), 2, "{:?}", project.ledger());
}

fn hooks_path() {
    let project = committing(
        "echo x > \"made-$SEQORCH_UNIT\"; mkdir -p evil; cp trap evil/pre-commit; git config core.hooksPath evil; say_done",
    );
    trusted(&project);
    project.run(&["run"]).code(0).says(&["core.hookspath"]);
    is_not_sprung(&project);
}

fn git_setting(key: &str, act: &str) {
    let project = committing(&format!("echo x > \"made-$SEQORCH_UNIT\"; {act}; say_done"));
    trusted(&project);
    let out = project.run(&["run"]).code(0);
    assert!(out.stdout.contains(&format!("git setting {key}")), "{}", out.stdout);
    is_not_sprung(&project);
    assert_eq!(git(&project, &["log", "--oneline"]).lines().count(), 3);
}

fn unchanged() {
    let project = committing(
        "echo x > \"made-$SEQORCH_UNIT\"; printf '#!/bin/sh\\n' > .git/hooks/post-commit; chmod +x .git/hooks/post-commit; say_done",
    );
    let root = project.root().display().to_string();
    let looks = "echo \"$0 $(git diff --cached --name-only | tr '\\n' ' ')\"";
    hook(&project, "pre-commit", &format!("{looks} >> '{root}/ledger'"));
    trusted(&project);
    project.run(&["run"]).code(0);
    let seen: Vec<_> = project.ledger().into_iter().filter(|line| line.contains("pre-commit")).collect();
    assert_eq!(seen.len(), 2, "{seen:?}");
    for (index, line) in seen.iter().enumerate() {
        assert!(line.contains(".git/hooks/pre-commit"), "{line}");
        assert!(line.contains(&format!("made-{}", index + 1)), "{line}");
    }
}

fn broken() {
    let project = project("echo '[[[' >> seqorch.toml; say_done").spec("demo", tasks(1));
    trusted(&project);
    project.run(&["run"]).code(0).says(&["is broken; the run keeps what it had", "seqorch.toml:"]);
    project.run(&["run"]).code(78);
}
