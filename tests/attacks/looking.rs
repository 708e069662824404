//! Verbs that only look run no program that the repository chose.

use std::path::Path;
use std::process::Command;

use super::{Attack, is_not_sprung, trap, untrusted};
use crate::common::{Project, git};

pub(super) const ATTACKS: &[Attack] = &[
    ("every trap, then `plan --dry-run`", "no trap springs", || look(&["plan", "--dry-run"])),
    ("every trap, then `plan --prompt`", "no trap springs", || look(&["plan", "--prompt", "1"])),
    ("every trap, then `run --dry-run`", "no trap springs", || look(&["run", "--dry-run"])),
    ("every trap, then `status`", "no trap springs", || look(&["status"])),
    ("every trap, then `status --json`", "no trap springs", || look(&["status", "--json"])),
    ("every trap, then `specs`", "no trap springs", || look(&["specs"])),
    ("every trap, then `report`", "no trap springs", || look(&["report"])),
    ("every trap, then `logs`", "no trap springs", || look(&["logs", "1"])),
    ("every trap, then `config show`", "no trap springs", || look(&["config", "show"])),
    ("every trap, then `config explain`", "no trap springs", || {
        look(&["config", "explain", "verify.commands"]);
    }),
    ("every trap, then `doctor`", "no trap springs", || look(&["doctor"])),
    ("every trap, then `backends`", "no trap springs", || look(&["backends"])),
    ("every trap, then `init --force`", "no trap springs", || look(&["init", "--force"])),
    ("every trap, then `completions`", "no trap springs", || look(&["completions", "bash"])),
    ("every trap, then `trust --show`", "no trap springs", || look(&["trust", "--show"])),
    ("every trap, then `plan`, which would ask an agent", "78, no trap springs", plan_asks_for_trust),
    ("agents, git and tmux in folders of PATH that are in the project", "none is run by a look", in_path),
    ("a variable of the project that makes a shell run a file", "not set for a version", variable),
    ("a bare repository in a subfolder, with fsmonitor", "no trap springs", bare_repository),
    ("doctor in a repository whose filters and fsmonitor are traps", "no trap springs", filters),
];

/// A project in which all that could be executed is a trap.
pub(super) fn trapped() -> Project {
    let project = untrusted();
    let trap = trap(&project, "trap").display().to_string();
    project.write(
        "seqorch.local.toml",
        format!(
            "[run]\nbackend = \"trap\"\n[backend.trap]\ncommand = \"./trap\"\n[backend.claude]\ncommand = \"{trap}\"\n\
             [assign]\nmode = \"agent\"\nbackend = \"trap\"\n[verify]\ncommands = [[\"./trap\"]]\n\
             [git]\ncommit = \"step\"\n[prompt]\ntemplate = \"trap.j2\"\n\
             [hooks]\nrun_start = [\"./trap\"]\nstep_start = [\"./trap\"]\nstep_end = [\"./trap\"]\nhalt = [\"./trap\"]\n\
             limit = [\"./trap\"]\nrun_end = [\"./trap\"]\n[[tmux.pane]]\ncommand = [\"./trap\"]\n\
             [[tmux.windows]]\nname = \"x\"\ncommand = [\"./trap\"]\n"
        ),
    );
    project.write("trap.j2", "{{ task.id }}");
    project.write(".gitattributes", "* filter=trap diff=trap merge=trap\n");
    git::init(&project);
    for key in [
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "diff.external",
        "diff.trap.command",
        "diff.trap.textconv",
        "filter.trap.clean",
        "filter.trap.smudge",
        "filter.trap.process",
        "merge.trap.driver",
        "gpg.program",
        "alias.status",
    ] {
        git::git(&project, &["config", key, &trap]);
    }
    for hook in ["pre-commit", "post-index-change", "reference-transaction", "post-checkout"] {
        super::trap(&project, &format!(".git/hooks/{hook}"));
    }
    // a file that git has to look into, since it may have changed
    project.write("agent.sh", "changed\n");
    let _ = std::fs::remove_file(project.path("sprung"));
    project
}

fn look(args: &[&str]) {
    let project = trapped();
    let out = project.run(args);
    assert!(out.code != 70, "{out:?}");
    is_not_sprung(&project);
}

fn plan_asks_for_trust() {
    let project = trapped();
    project.run(&["plan"]).code(78).says(&["seqorch trust"]);
    is_not_sprung(&project);
}

fn in_path() {
    let project = untrusted();
    for name in ["claude", "codex", "git", "tmux", "bwrap", "socat"] {
        trap(&project, &format!("node_modules/.bin/{name}"));
    }
    let path = format!(
        "{}:node_modules/.bin:{}",
        project.path("node_modules/.bin").display(),
        std::env::var("PATH").unwrap()
    );
    let project = project.config("[run]\nbackend = \"claude\"\n[tmux]\nmode = \"auto\"\n").env("PATH", path);
    project.run(&["backends"]).says(&["not run: it is in the project"]);
    git::init(&project);
    for verb in [
        &["doctor"][..],
        &["status"],
        &["specs"],
        &["report"],
        &["logs"],
        &["diff", "1"],
        &["attach"],
        &["plan", "--dry-run"],
        &["trust", "--show"],
    ] {
        project.run(verb);
    }
    is_not_sprung(&project);
}

fn variable() {
    let project = untrusted();
    let trap = trap(&project, "trap");
    // bash reads the file that BASH_ENV names
    let text = format!(
        "[backend.fake]\ncommand = \"bash\"\nenv = {{ BASH_ENV = \"{0}\", ENV = \"{0}\" }}\n",
        trap.display()
    );
    let project = project.config(&text);
    for verb in ["backends", "doctor"] {
        project.run(&[verb]);
    }
    is_not_sprung(&project);
}

fn bare_repository() {
    let project = untrusted();
    let trap = trap(&project, "trap");
    git::init(&project);
    let inner = project.path("inner");
    let made = Command::new("git").args(["init", "-q", "--bare"]).arg(&inner).status().unwrap();
    assert!(made.success());
    let config = format!("[core]\n\tbare = false\n\tworktree = ..\n\tfsmonitor = {}\n", trap.display());
    project.write(inner.join("config"), config);
    project.write(inner.join("seqorch.toml"), "");
    project.write(inner.join(".kiro/specs/demo/tasks.md"), "- [ ] 1. One\n");
    for verb in [&["doctor"][..], &["report"], &["status"], &["plan", "--dry-run"]] {
        let mut command = project.command(verb);
        command.current_dir(Path::new(&inner)).output().unwrap();
    }
    is_not_sprung(&project);
}

fn filters() {
    let project = trapped();
    // a trusted configuration does not make looking run anything either
    let project = project.env("SEQORCH_TRUST", "1");
    for verb in ["doctor", "report", "backends"] {
        project.run(&[verb]);
    }
    is_not_sprung(&project);
}
