//! Set-up and help: what is installed, what is wrong, a first configuration, completions.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::common::Project;

/// A project whose search path holds only what the test puts there.
fn project() -> Project {
    let project = Project::new();
    let bin = project.path("bin");
    fs::create_dir_all(&bin).unwrap();
    let project = project.env("PATH", &bin);
    program(&project, "sh", "exec /bin/sh \"$@\"");
    project
}

/// Puts a program on the search path.
fn program(project: &Project, name: &str, script: &str) -> PathBuf {
    let path = project.path("bin").join(name);
    project.write(&path, format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}:\n{text}"))
}

fn by_name<'a>(list: &'a Value, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn backends_say_what_is_installed_and_what_uses_them_and_outlive_one_that_hangs() {
    let project = project().env("OPENAI_API_KEY", "hunter2-hunter2").config(
        "[run]\nbackend = \"claude\"\n[assign]\nmode = \"agent\"\nbackend = \"codex\"\nowners = { codex = \"mine\" }\n\
         [[override]]\ntasks = [\"2\"]\nbackend = \"mine\"\n\
         [backend.mine]\npreset = \"claude\"\ncommand = \"tools/mine\"\nmodel = \"large\"\npermission = \"bypass\"\n",
    );
    let claude = program(&project, "claude", "cat; echo '2.1.330 (Claude Code)'");
    program(&project, "cat", "exec /bin/cat");
    // the second sleep leaves its parent's session, as agents' tools do
    program(&project, "codex", "setsid /bin/sleep 1000 & echo codex-cli 0.169.0; /bin/sleep 1000");
    program(&project, "setsid", "exec /usr/bin/setsid \"$@\"");
    program(&project, "gemini", "echo \"no key $OPENAI_API_KEY here\" >&2; exit 41");
    let out = project.run(&["backends", "--json"]).code(0);
    let list = &json(&out.stdout)["backends"];
    assert_eq!(by_name(list, "claude")["version"], serde_json::json!({"state": "ok", "version": "2.1.330"}));
    assert_eq!(by_name(list, "claude")["path"], claude.display().to_string());
    assert_eq!(by_name(list, "claude")["used_by"], serde_json::json!(["run.backend"]));
    assert_eq!(by_name(list, "codex")["version"]["state"], "hung");
    assert_eq!(project.alive_with("sleep"), [], "the tree of a program that hangs is ended");
    let gemini = &by_name(list, "gemini")["version"];
    assert_eq!(gemini["why"], "exit code 41: no key [redacted] here");
    assert!(by_name(list, "opencode")["path"].is_null());
    let mine = by_name(list, "mine");
    assert_eq!(mine["used_by"], serde_json::json!(["assign.owners.codex", "override[0]"]));
    assert_eq!((&mine["model"], &mine["permission"]), (&"large".into(), &"bypass".into()));
    assert_eq!((&mine["output"], &mine["resumes"]), (&"claude".into(), &true.into()));
    assert_eq!((&mine["built_in"], &mine["path"]), (&false.into(), &Value::Null));
    assert!(!out.stdout.contains("hunter2"), "{}", out.stdout);
}

#[test]
fn the_table_of_backends_is_aligned() {
    let project = project();
    program(&project, "claude", "echo '2.1.330 (Claude Code)'");
    program(&project, "gemini", "exit 3");
    let out = project.run(&["backends"]).code(0);
    let lines: Vec<&str> = out.stdout.lines().collect();
    let at = lines[0].find("PROGRAM").unwrap();
    for (name, version) in [("claude", "2.1.330"), ("codex", "not found"), ("gemini", "exit code 3")] {
        let line = lines.iter().find(|l| l.starts_with(name)).unwrap();
        assert!(line.contains(version), "{}", out.stdout);
        assert_eq!(&line[at - 2..at], "  ", "{}", out.stdout);
        assert_ne!(&line[at..=at], " ", "{}", out.stdout);
    }
}

/// The findings of a topic with a level.
fn findings<'a>(report: &'a Value, topic: &str, level: &str) -> Vec<&'a str> {
    let all = report["findings"].as_array().unwrap().iter();
    all.filter(|f| f["topic"] == topic && f["level"] == level).map(|f| f["text"].as_str().unwrap()).collect()
}

fn git(project: &Project, args: &[&str]) {
    let status = std::process::Command::new("git").args(args).current_dir(project.root()).status().unwrap();
    assert!(status.success());
}

/// A project that nothing is wrong with.
fn healthy() -> Project {
    let project = project().spec("demo", "- [ ] 1. First\n- [ ] 2. Second\n").file(".gitignore", "*\n");
    for tool in ["git", "tmux"] {
        program(&project, tool, &format!("PATH=/usr/local/bin:/usr/bin:/bin exec {tool} \"$@\""));
    }
    program(&project, "bwrap", "echo works");
    program(&project, "socat", "echo 1.8");
    git(&project, &["init", "-q"]);
    project
}

#[test]
fn a_healthy_project_has_no_problem_and_a_doctor_leaves_no_trace() {
    let project = healthy().env("TMUX_TMPDIR", "/tmp/seqorch-nowhere");
    let project = project.env("TMUX_TMPDIR", std::env::temp_dir());
    let before = project.tree();
    let out = project.run(&["doctor"]).code(0);
    assert!(out.stdout.contains("demo: 2 tasks") && out.stdout.ends_with("all is well\n"), "{}", out.stdout);
    assert!(out.stdout.contains("fake, /bin/sh (run.backend)"), "{}", out.stdout);
    assert_eq!(project.tree(), before);
}

#[test]
fn every_parse_error_is_listed_with_its_place_and_ends_with_2() {
    let project = healthy().spec("bad", "- [ ] 1. One\n- [ ] 1. Again\n").spec("empty", "nothing\n");
    let out = project.run(&["doctor", "--json"]).code(2);
    let report = json(&out.stdout);
    let said = findings(&report, "specs", "problem").join("\n");
    assert!(said.contains(".kiro/specs/bad/tasks.md:2:"), "{said}");
    assert!(said.contains(".kiro/specs/empty/tasks.md:1:"), "{said}");
    assert_eq!(report["exit_code"], 2);
    assert_eq!(findings(&report, "specs", "ok"), ["demo: 2 tasks"]);
}

#[test]
fn a_missing_agent_ends_with_69_and_names_those_that_are_there() {
    let project = healthy().config(
        "[assign]\nmode = \"agent\"\nbackend = \"claude\"\nowners = { gemini = \"claude\", codex-review = \"claude\" }\n\
         [verify]\ncommands = [[\"no-such-checker\", \"now\"]]\n",
    );
    program(&project, "claude", "echo '2.1.330 (Claude Code)'");
    let out = project.run(&["doctor", "--json"]).code(69);
    let report = json(&out.stdout);
    let said = findings(&report, "agents", "problem");
    assert_eq!(
        said,
        [
            "codex (assign.owners.codex): codex is not on the search path, or may not be run",
            "verify.commands: there is no program no-such-checker",
        ]
    );
    let list = report["findings"].as_array().unwrap();
    let codex = list.iter().find(|f| f["text"].as_str().unwrap().starts_with("codex (")).unwrap();
    assert!(codex["mend"].as_str().unwrap().contains("installed: claude, fake"), "{codex}");
    assert_eq!(findings(&report, "agents", "warning"), ["claude: no sign of a login was found"]);
}

#[test]
#[cfg(target_os = "linux")]
fn claude_without_what_its_sandbox_needs_is_told_unless_it_does_without() {
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
    let wanted = "claude: bwrap, which its sandbox needs, does not work here (exit code 1: setting up uid map: Permission denied): \
                  most commands are refused";
    assert_eq!(warned(&project), wanted);
    fs::remove_file(project.path("bin/socat")).unwrap();
    assert_eq!(warned(&project), "claude: its sandbox needs socat: without it, most commands are refused");
    let project = project.config("[run]\nbackend = \"claude\"\n[backend.claude]\npermission = \"ask\"\n");
    assert_eq!(warned(&project), "");
}

#[test]
fn a_wrong_configuration_ends_with_78_and_the_rest_is_looked_at_all_the_same() {
    let project = healthy().config("[run]\ndealy = \"3s\"\n");
    let out = project.run(&["doctor", "--json"]).code(78);
    let report = json(&out.stdout);
    let said = findings(&report, "configuration", "problem");
    assert!(said[0].contains("seqorch.local.toml:2: run.dealy"), "{said:?}");
    assert!(!findings(&report, "git", "ok").is_empty() && !findings(&report, "disk", "ok").is_empty());
}

#[test]
fn a_login_is_seen_without_showing_it_and_an_old_agent_is_told() {
    let project = healthy()
        .config("[run]\nbackend = \"codex\"\n[[override]]\ntasks = [\"2\"]\nbackend = \"claude\"\n")
        .env("CODEX_API_KEY", "hunter2-hunter2");
    program(&project, "codex", "echo codex-cli 0.20.1");
    program(&project, "claude", "echo '2.2.0 (Claude Code)'");
    project.write(".home/.claude/.credentials.json", "{\"claudeAiOauth\": \"hunter3\"}");
    let out = project.run(&["doctor"]).code(0);
    assert!(out.stdout.contains("login: variable CODEX_API_KEY (run.backend)"), "{}", out.stdout);
    assert!(out.stdout.contains("login: file ~/.claude/.credentials.json (override[0])"), "{}", out.stdout);
    assert!(out.stdout.contains("codex 0.20.1 is older than 0.169.0"), "{}", out.stdout);
    assert!(!out.stdout.contains("hunter"), "{}", out.stdout);
}

#[test]
fn a_tree_that_is_not_clean_is_refused_only_where_steps_are_committed() {
    let project = healthy();
    project.write(".gitignore", ".home\nbin\n.out\n");
    let out = project.run(&["doctor", "--json"]).code(0);
    let warned = findings(&json(&out.stdout), "git", "warning").join("\n");
    assert!(warned.contains("changes that are not committed: ") && warned.contains("agent.sh"), "{warned}");
    let project = project.config("[git]\ncommit = \"step\"\ndirty = \"refuse\"\n");
    let out = project.run(&["doctor", "--json"]).code(2);
    let report = json(&out.stdout);
    let said = findings(&report, "git", "problem").join("\n");
    assert!(said.contains("changes that are not committed: "), "{said}");
    let warned = findings(&report, "git", "warning").join("\n");
    assert!(warned.contains("seqorch.local.toml is meant for you alone"), "{warned}");
}

#[test]
fn a_run_that_goes_on_and_a_place_that_cannot_be_used_are_told() {
    let project = healthy().agent("gate\nsay_done");
    let run = project.start(&["run", "--only", "1"]);
    project.wait_for_ledger(1);
    let out = project.run(&["doctor", "--json"]).code(0);
    let warned = findings(&json(&out.stdout), "runs", "warning").join("\n");
    assert!(warned.contains(&format!("demo: process {} on ", run.pid())), "{warned}");
    project.release();
    run.wait().code(0);
    fs::remove_dir_all(project.path(".seqorch")).unwrap();
    project.write(".seqorch", "in the way");
    let out = project.run(&["doctor"]).code(2);
    assert!(out.stdout.contains(".seqorch is no folder"), "{}", out.stdout);
}

#[test]
fn init_writes_what_the_project_tells_and_the_file_is_good() {
    let project =
        healthy().spec("other", "- [ ] 1. One\n").file("package.json", "{\"scripts\":{\"test\":\"jest\"}}");
    program(&project, "codex", "echo codex-cli 0.169.0");
    program(&project, "gemini", "echo 0.61.0");
    let project = project.env("GEMINI_API_KEY", "hunter2-hunter2");
    fs::remove_file(project.path("seqorch.toml")).unwrap();
    let out = project.run(&["init"]).code(0);
    assert!(out.stdout.contains("seqorch plan demo --dry-run"), "{}", out.stdout);
    let text = project.read("seqorch.toml");
    assert!(text.contains("Installed here: gemini, codex (no sign of a login)."), "{text}");
    assert!(text.contains("Where specs are: demo, other."), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    let shown = project.run(&["config", "show"]).code(0).stdout;
    assert!(shown.contains("backend = \"gemini\"  # seqorch.toml:"), "{shown}");
    assert!(shown.contains("commands = [[\"npm\", \"test\"]]  # seqorch.toml:"), "{shown}");
    let plan = json(&project.run(&["plan", "demo", "--dry-run", "--json"]).code(0).stdout);
    assert_eq!(plan["steps"][0]["backend"], "gemini");
}

#[test]
fn init_replaces_nothing_unless_told_to() {
    let project = healthy();
    let before = project.read("seqorch.toml");
    project.run(&["init"]).code(0).says(&[
        "kept ",
        "seqorch.toml, which was there already",
        "--force",
        "Next: ",
    ]);
    assert_eq!(project.read("seqorch.toml"), before);
    let skill = ".claude/skills/seqorch/SKILL.md";
    // the skill does not need a new configuration
    project.run(&["init", "--skill"]).code(0).says(&["kept", "written"]);
    assert_eq!(project.read("seqorch.toml"), before);
    project.write(skill, "my own");
    project.run(&["init", "--skill", "-C", ".kiro"]).code(64).says(&["SKILL.md is there already"]);
    assert_eq!(project.read(skill), "my own");
    project.write("seqorch.toml", "this is no toml");
    project.run(&["init", "--skill", "--force"]).code(0);
    assert!(project.read(skill).starts_with("---\nname: seqorch\n"));
    assert!(project.read("seqorch.toml").contains("backend = \"opencode\""));
}

#[test]
fn the_skill_calls_seqorch_as_it_is() {
    let project = healthy();
    project.run(&["init", "--skill"]).code(0);
    let skill = project.read(".claude/skills/seqorch/SKILL.md");
    for promise in
        ["one blocking command", "seqorch run <spec>", "7200000", "Counts", "Failures", "Key changes"]
    {
        assert!(skill.contains(promise), "{promise}");
    }
    let head = skill.strip_prefix("---\n").and_then(|s| s.split_once("\n---\n")).unwrap().0;
    assert!(head.contains("Run sequential orchestration for <spec>"), "{head}");
    // every flag and verb that it names exists
    let help = project.run(&["run", "--help"]).code(0).stdout
        + &project.run(&["resume", "--help"]).stdout
        + &project.run(&["plan", "--help"]).stdout
        + &project.run(&["status", "--help"]).stdout;
    let flags =
        skill.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).filter(|w| w.starts_with("--"));
    let flags: Vec<&str> = flags.filter(|w| w.len() > 3).collect();
    assert!(flags.len() > 8, "{flags:?}");
    for flag in flags {
        assert!(help.contains(flag), "{flag}");
    }
    let verbs = project.run(&["--help"]).code(0).stdout;
    for verb in skill.split("`seqorch ").skip(1).filter_map(|rest| rest.split([' ', '`']).next()) {
        assert!(verbs.contains(&format!("\n  {verb} ")), "{verb}");
    }
    // and each exit code that it explains is one of the program's
    let after = verbs.split("Exit codes").nth(1).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    for code in ["0", "1", "2", "64", "65", "66", "69", "70", "75", "78", "130, 143"] {
        assert!(skill.contains(&format!("| {code} |")), "{code}");
        let first = code.split(',').next().unwrap();
        assert!(after.contains(&format!(" {first} ")), "{code}");
    }
}
