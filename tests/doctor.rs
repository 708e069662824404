//! `seqorch doctor` finds what is wrong with a project.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::common::Project;
use crate::common::git::init;
use crate::common::programs::{healthy, json, program};

/// The texts of a topic with this level.
fn findings<'a>(report: &'a Value, topic: &str, level: &str) -> Vec<&'a str> {
    let all = report["findings"].as_array().unwrap().iter();
    all.filter(|f| f["topic"] == topic && f["level"] == level).map(|f| f["text"].as_str().unwrap()).collect()
}

#[test]
fn a_healthy_project_has_no_problem_and_doctor_writes_nothing() {
    let project = healthy().env("TMUX_TMPDIR", "/tmp/seqorch-nowhere");
    let project = project.env("TMUX_TMPDIR", std::env::temp_dir());
    let before = project.tree();
    let out = project.run(&["doctor"]).code(0);
    assert!(out.stdout.contains("demo: 2 tasks") && out.stdout.ends_with("no problems\n"), "{}", out.stdout);
    assert!(out.stdout.contains("fake, /bin/sh (run.backend)"), "{}", out.stdout);
    assert_eq!(project.tree(), before);
}

#[test]
fn every_parse_error_is_listed_with_its_place_and_exits_with_2() {
    let project = healthy().spec("bad", "- [ ] 1. One\n- [ ] 1. Again\n").spec("empty", "nothing\n");
    let out = project.run(&["doctor", "--json"]).code(2);
    let report = json(&out.stdout);
    let printed = findings(&report, "specs", "problem").join("\n");
    assert!(printed.contains(".kiro/specs/bad/tasks.md:2:"), "{printed}");
    assert!(printed.contains(".kiro/specs/empty/tasks.md:1:"), "{printed}");
    assert_eq!(report["exit_code"], 2);
    assert_eq!(findings(&report, "specs", "ok"), ["demo: 2 tasks"]);
}

#[test]
fn a_missing_agent_exits_with_69_and_names_the_installed_ones() {
    let project = healthy().config(
        "[assign]\nmode = \"agent\"\nbackend = \"claude\"\nowners = { gemini = \"claude\", codex-review = \"claude\" }\n\
         [verify]\ncommands = [[\"no-such-checker\", \"now\"]]\n",
    );
    program(&project, "claude", "echo '2.1.330 (Claude Code)'");
    let out = project.run(&["doctor", "--json"]).code(69);
    let report = json(&out.stdout);
    assert_eq!(
        findings(&report, "agents", "problem"),
        ["codex (assign.owners.codex): codex is not in PATH or is not executable"]
    );
    assert_eq!(
        findings(&report, "commands", "problem"),
        ["verify.commands: no-such-checker was not found, or is not executable"]
    );
    let list = report["findings"].as_array().unwrap();
    let codex = list.iter().find(|f| f["text"].as_str().unwrap().starts_with("codex (")).unwrap();
    assert!(codex["fix"].as_str().unwrap().contains("installed: claude, fake"), "{codex}");
    assert_eq!(findings(&report, "agents", "warning"), ["claude: no login found"]);
}

#[test]
#[cfg(target_os = "linux")]
fn doctor_warns_when_claudes_sandbox_lacks_a_tool() {
    let project =
        healthy().config("[run]\nbackend = \"claude\"\n").env("ANTHROPIC_API_KEY", "hunter2-hunter2");
    program(&project, "claude", "echo '2.1.330 (Claude Code)'");
    let warned = |project: &Project| {
        let out = project.run(&["doctor", "--json"]).code(0);
        findings(&json(&out.stdout), "agents", "warning").join("\n")
    };
    assert_eq!(warned(&project), "");
    program(
        &project,
        "bwrap",
        "[ \"$1\" = --unshare-user ] && echo 'setting up uid map: Permission denied' >&2; exit 1",
    );
    let wanted = "claude: its sandbox needs bwrap, which fails here (exit code 1: setting up uid map: Permission denied); \
                  it refuses most commands";
    assert_eq!(warned(&project), wanted);
    fs::remove_file(project.outside().join("bin/socat")).unwrap();
    assert_eq!(warned(&project), "claude: its sandbox needs socat; without it, it refuses most commands");
    let project = project.config("[run]\nbackend = \"claude\"\n[backend.claude]\npermission = \"ask\"\n");
    assert_eq!(warned(&project), "");
}

#[test]
fn a_wrong_configuration_exits_with_78_and_the_rest_is_still_checked() {
    let project = healthy().config("[run]\ndealy = \"3s\"\n");
    let out = project.run(&["doctor", "--json"]).code(78);
    let report = json(&out.stdout);
    let printed = findings(&report, "configuration", "problem");
    assert!(printed[0].contains("seqorch.local.toml:2: run.dealy"), "{printed:?}");
    assert!(!findings(&report, "git", "ok").is_empty() && !findings(&report, "disk", "ok").is_empty());
}

#[test]
fn a_broken_configuration_and_an_active_run_hide_no_question() {
    let agent = "case $SEQORCH_UNIT in 1) echo 'A or B?'; say_halt; exit;; 2) gate;; esac; say_done";
    let project = Project::new()
        .spec("demo", "- [ ] 1. A\n- [ ] 2. B\n")
        .agent(agent)
        .config("[run]\non_halt = \"skip\"\n");
    let run = project.start(&["run"]);
    project.wait_for_ledger(2);
    project.run(&["doctor"]).says(&["a run is active", "demo: needs you: task 1 asks"]);
    project.release();
    run.wait().code(2);
    project.write("seqorch.local.toml", "[run]\ndealy = \"3s\"\n");
    project.run(&["doctor"]).code(78).says(&["run.dealy", "demo: needs you: task 1 asks"]);
}

#[test]
fn every_backend_that_is_gemini_cli_gets_the_notice_about_its_accounts() {
    for (name, settings, is_said) in [
        ("gemini", "", true),
        ("g", "preset = \"gemini\"\n", true),
        ("mine", "command = \"gemini\"\n", true),
        ("paid", "preset = \"gemini\"\nenv = { GEMINI_API_KEY = \"hunter2-hunter2\" }\n", false),
        ("other", "command = \"/bin/sh\"\nargs = [\"agent.sh\"]\n", false),
    ] {
        let project = healthy().config(&format!("[run]\nbackend = \"{name}\"\n[backend.{name}]\n{settings}"));
        program(&project, "gemini", "echo 0.60.0");
        let out = project.run(&["doctor", "--json"]);
        let found = findings(&json(&out.stdout), "agents", "warning").join("\n");
        let notice = format!("{name}: Gemini CLI serves no free, Pro or Ultra accounts since 2026-06-18");
        assert_eq!(found.contains(&notice), is_said, "{name}: {}", out.stdout);
    }
}

#[test]
fn a_login_is_found_without_showing_it_and_an_old_agent_reported() {
    let project = healthy()
        .config("[run]\nbackend = \"codex\"\n[[override]]\ntasks = [\"2\"]\nbackend = \"claude\"\n")
        .env("CODEX_API_KEY", "hunter2-hunter2");
    program(&project, "codex", "echo codex-cli 0.20.1");
    program(&project, "claude", "echo '2.2.0 (Claude Code)'");
    project.write(".home/.claude/.credentials.json", "{\"claudeAiOauth\": \"hunter3\"}");
    let out = project.run(&["doctor"]).code(0);
    assert!(out.stdout.contains("login: variable CODEX_API_KEY (run.backend)"), "{}", out.stdout);
    assert!(out.stdout.contains("login: file ~/.claude/.credentials.json (override[0])"), "{}", out.stdout);
    assert!(out.stdout.contains("codex 0.20.1 is older than 0.171.0"), "{}", out.stdout);
    assert!(!out.stdout.contains("hunter"), "{}", out.stdout);
}

#[test]
fn a_dirty_tree_is_a_problem_only_when_steps_are_committed() {
    let project = healthy();
    project.write(".gitignore", ".home\nbin\n.out\n");
    let out = project.run(&["doctor", "--json"]).code(0);
    let warned = findings(&json(&out.stdout), "git", "warning").join("\n");
    assert!(warned.contains("uncommitted changes in ") && warned.contains("agent.sh"), "{warned}");
    let project = project.config("[git]\ncommit = \"step\"\ndirty = \"refuse\"\n");
    // git has no name to commit with, which is a matter of configuration
    let out = project.run(&["doctor", "--json"]).code(78);
    let report = json(&out.stdout);
    let printed = findings(&report, "git", "problem").join("\n");
    assert!(
        printed.contains("uncommitted changes in ") && printed.contains("no name and address"),
        "{printed}"
    );
    let warned = findings(&report, "git", "warning").join("\n");
    assert!(warned.contains("seqorch.local.toml holds your own settings"), "{warned}");
}

#[test]
#[ignore = "slow"]
fn an_operation_of_git_in_progress_is_a_problem_for_commits() {
    let files = [
        ("MERGE_HEAD", "merge"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("REVERT_HEAD", "revert"),
        ("BISECT_LOG", "bisect"),
    ];
    for (file, operation) in files {
        let project = healthy();
        let head = project.command_of("git", &["rev-parse", "HEAD"]).output().unwrap().stdout;
        project.write(format!(".git/{file}"), String::from_utf8(head).unwrap());
        let out = project.run(&["doctor", "--json"]);
        let all = findings(&json(&out.stdout), "git", "problem").join("\n");
        assert!(!all.contains("in progress"), "{all}");
        let project = project.config("[git]\ncommit = \"step\"\n");
        let report = json(&project.run(&["doctor", "--json"]).stdout);
        let all = findings(&report, "git", "problem").join("\n");
        assert!(all.contains(&format!("a {operation} is in progress")), "{all}");
    }
}

#[test]
fn a_running_run_and_an_unusable_folder_are_reported() {
    let project = healthy().agent("gate\nsay_done");
    let run = project.start(&["run", "--only", "1"]);
    project.wait_for_ledger(1);
    let out = project.run(&["doctor", "--json"]).code(0);
    let warned = findings(&json(&out.stdout), "runs", "warning").join("\n");
    assert!(warned.contains(&format!("demo: a run is active (process {} on ", run.pid())), "{warned}");
    project.release();
    run.wait().code(0);
    fs::remove_dir_all(project.path(".seqorch")).unwrap();
    project.write(".seqorch", "in the way");
    let out = project.run(&["doctor"]).code(2);
    assert!(out.stdout.contains(".seqorch is not a folder"), "{}", out.stdout);
}

#[test]
fn a_protected_branch_and_a_missing_remote_are_problems() {
    let settings = "[git]\ncommit = \"step\"\npush = \"nowhere\"\nprotect = [\"ma*\"]\n";
    let project = Project::new().spec("login", "- [ ] 1. A\n").config(settings);
    init(&project);
    project.run(&["doctor"]).code(78).says(&[
        "runs would commit to a protected branch (git.protect): main",
        "git has no remote \"nowhere\" (git.push)",
    ]);
    let project = project.config(&settings.replace("push = \"nowhere\"", "branch = \"seqorch/{spec}\""));
    let out = project.run(&["doctor"]);
    assert!(!out.stdout.contains("git.protect") && !out.stdout.contains("git.push"), "{}", out.stdout);
}

#[test]
fn doctor_says_what_is_not_trusted() {
    let project = healthy().env("SEQORCH_TRUST", "");
    let report = json(&project.run(&["doctor", "--json"]).code(0).stdout);
    let found = findings(&report, "configuration", "warning").join("\n");
    assert!(
        found.contains("not trusted: 2 of 2 settings") && found.contains("backend.fake.command"),
        "{found}"
    );
    project.run(&["trust"]).code(0);
    let report = json(&project.run(&["doctor", "--json"]).code(0).stdout);
    let found = findings(&report, "configuration", "ok").join("\n");
    assert!(found.contains("trusted settings that run programs or reach outside: 2"), "{found}");
}

#[test]
fn doctor_says_whether_the_sandbox_works_and_what_to_install() {
    let project = healthy();
    project.write("seqorch.local.toml", "[sandbox]\nmode = \"bwrap\"\n");
    let works = Command::new("bwrap").args(["--ro-bind", "/", "/", "true"]).output();
    if works.is_ok_and(|output| output.status.success()) {
        project.run(&["doctor"]).code(0).says(&["bwrap works, with fake in it"]);
    }
    let project = project.env("PATH", project_programs());
    project.run(&["doctor"]).code(69).says(&["bwrap is not installed", "apt install bubblewrap"]);
}

/// A folder of programs without any sandbox.
fn project_programs() -> std::path::PathBuf {
    let folder = tempfile::tempdir().unwrap().keep();
    std::os::unix::fs::symlink("/bin/sh", folder.join("sh")).unwrap();
    folder
}

#[test]
fn a_rule_that_matches_no_task_of_any_spec_is_a_warning() {
    let project = healthy().spec("two", "- [ ] 1. Other\n").config(
        "[[override]]\nmatch = \"^Nothing\"\nmodel = \"m\"\n[[override]]\nmatch = \"Other\"\nmodel = \"m\"\n",
    );
    let out = project.run(&["doctor", "--json"]);
    let report = json(&out.stdout);
    assert_eq!(findings(&report, "specs", "warning"), ["override[0] (match = \"^Nothing\") matches no task"]);
    assert_eq!(findings(&report, "specs", "ok"), ["demo: 2 tasks", "two: 1 task"]);
}
