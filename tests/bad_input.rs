//! Bad input gets a clear error, loses nothing, and starts nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::{Output, Project};

fn refused(project: &Project, code: i32, parts: &[&str]) -> Output {
    let output = project.run(&["run"]).code(code).says(parts);
    assert_eq!(project.ledger(), [""; 0], "something was started");
    output
}

#[test]
fn a_spec_that_is_not_there_or_not_named_is_66() {
    refused(&Project::new(), 66, &["there is no spec"]);
    let two = Project::new().spec("login", "- [ ] 1. A\n").spec("logout", "- [ ] 1. A\n");
    refused(&two, 66, &["2 specs", "login", "logout"]);
    two.run(&["run", "logni"]).code(66).says(&["logni", "login"]);
}

#[test]
fn a_tasks_file_that_cannot_be_worked_off_is_65_and_says_where() {
    let spec = |tasks: &[u8]| Project::new().spec("login", tasks);
    refused(&spec(b""), 65, &["no task"]);
    refused(&spec(b"\x00\x01\xff\xfe binary"), 65, &["not text"]);
    refused(&spec(b"- [ ] 1. A\n- [ ] 1. B\n"), 65, &["tasks.md:2:", "- [ ] 1. B", "^"]);
    refused(
        &spec(b"- [ ] 1. A\n  - depends on: 2\n- [ ] 2. B\n  - depends on: 1\n"),
        65,
        &["tasks.md:", "^"],
    );
    refused(
        &spec(b"<<<<<<< a\n- [ ] 1. A\n=======\n- [ ] 1. B\n>>>>>>> b\n"),
        65,
        &["tasks.md:1:", "<<<<<<<"],
    );
}

#[test]
fn a_huge_tasks_file_is_read_without_trouble() {
    let mut text = String::from("- [ ] 1. A\n");
    while text.len() < 50_000_000 {
        text.push_str(
            "  - a detail line that says nothing of interest to anybody who reads it, again and again\n",
        );
    }
    let project = Project::new()
        .spec("login", text)
        .config("[prompt]\ntemplate = \"short.md\"\n")
        .file("short.md", "Task {{ unit.id }}\n");
    project.run(&["run"]).code(0);
    assert!(project.tasks("login").starts_with("- [x] 1. A\n"));
}

#[test]
fn every_mistake_of_the_configuration_is_told_at_once() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .config("[run]\ndelay = \"15 parsecs\"\nmax_iteratoins = 3\ninclude_optional = 7\n");
    refused(&project, 78, &["seqorch.local.toml:2", "15 parsecs", "max_iterations", "include_optional"]);
    let unknown = Project::new().spec("login", "- [ ] 1. A\n").config("[run]\nbackend = \"fale\"\n");
    refused(&unknown, 78, &["fale", "fake"]);
}

#[test]
fn a_command_that_does_not_exist_is_69_before_anything_runs() {
    let project =
        Project::new().spec("login", "- [ ] 1. A\n").config("[backend.fake]\ncommand = \"no-such-agent\"\n");
    refused(&project, 69, &["no-such-agent", "fake"]);
    assert!(project.state("login").is_null());
}

#[test]
fn usage_is_64_and_never_the_2_that_calls_a_human() {
    Project::new().run(&["run", "--no-such-flag"]).code(64);
    Project::new().spec("login", "- [ ] 1. A\n").run(&["run", "--only", "7"]).code(64).says(&["7"]);
}

#[test]
fn a_state_that_is_torn_foreign_or_newer_is_refused_and_kept() {
    for text in
        ["{\"schema\": 1, \"specs\": {\"lo", "{\"name\": \"package\"}", "{\"schema\": 99, \"specs\": {}}", ""]
    {
        let project =
            Project::new().spec("login", "- [ ] 1. A\n").file(".kiro/specs/SEQUENTIAL_STATE.json", text);
        refused(&project, 70, &["SEQUENTIAL_STATE.json"]);
        assert_eq!(project.read(".kiro/specs/SEQUENTIAL_STATE.json"), text);
    }
}

#[test]
fn a_disk_that_is_full_or_read_only_ends_the_run_and_keeps_the_state() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n");
    let specs = project.path(".kiro/specs");
    let mounted =
        std::process::Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|s| s.success());
    if !mounted {
        crate::common::skipped("no mount namespaces here");
        return;
    }
    for (options, said) in [("size=64k", "No space left"), ("size=1m,ro", "ead-only")] {
        let script = format!(
            "cp -r '{specs}' /tmp/$$.copy && mount -t tmpfs -o {first} tmpfs '{specs}' && cp -r /tmp/$$.copy/. '{specs}' && \
             rm -r /tmp/$$.copy && {fill} && exec '{exe}' run",
            specs = specs.display(),
            first = options.trim_end_matches(",ro"),
            fill = if options.ends_with(",ro") {
                format!("mount -o remount,ro '{}'", specs.display())
            } else {
                format!("{{ head -c 1000000 /dev/zero > '{}/fill' 2>/dev/null || true; }}", specs.display())
            },
            exe = env!("CARGO_BIN_EXE_seqorch"),
        );
        let mut command = project.command(&[]);
        let path = std::env::var_os("PATH").unwrap();
        let mut shell = std::process::Command::new("unshare");
        shell
            .args(["--mount", "sh", "-c", &script])
            .current_dir(project.root())
            .env_clear()
            .env("PATH", path);
        for (name, value) in command.get_envs().filter_map(|(n, v)| Some((n, v?))) {
            shell.env(name, value);
        }
        let output = shell.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(70), "{text}");
        assert!(text.contains(said) && text.contains("intact"), "{text}");
        assert_eq!(project.ledger(), [""; 0]);
        command.arg("status");
    }
}

#[test]
fn an_agent_that_prints_200_mb_is_read_to_its_signal() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .config("[log]\nmax_mb = 8\n")
        .agent("yes 'a line that says nothing of interest' | head -c 200000000; echo; say_done");
    project.run(&["run"]).code(0);
    let kept: u64 = ["output.jsonl", "output.jsonl.1", "output.jsonl.2"]
        .iter()
        .filter_map(|n| Some(fs::metadata(project.path(format!(".seqorch/login/1/1/{n}"))).ok()?.len()))
        .sum();
    assert!(kept <= 8_000_000, "{kept}");
    let logs = project.run(&["logs", "1"]).code(0);
    assert!(logs.stdout.trim_end().ends_with("<promise>TASK_DONE</promise>"));
    assert!(logs.stderr.contains("are not kept"), "{}", logs.stderr);
}

#[test]
fn escape_sequences_and_invalid_bytes_reach_neither_terminal_nor_logs() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent(
        "printf '\\033]0;title\\007\\033[31mred\\377\\n\\033]52;c;Zm9v\\007\\033[?1049hx\\n'; say_done",
    );
    let run = project.run(&["run"]).code(0);
    let logs = project.run(&["logs"]).code(0);
    for text in [&run.stdout, &logs.stdout] {
        assert!(text.contains("red") && !text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    }
    assert!(project.run(&["logs", "--raw"]).stdout.contains('\u{1b}'));
}

#[test]
fn a_second_run_on_the_spec_is_75_and_the_first_is_named() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("gate; say_done");
    let first = project.start(&["run"]);
    project.wait_for_ledger(1);
    project.run(&["run"]).code(75).says(&[&format!("process {}", first.pid()), "specs/login"]);
    project.release();
    first.wait().code(0);
    assert_eq!(project.ledger(), ["1 1"]);
}

#[test]
fn private_folders_are_for_the_user_alone() {
    let project = Project::new().spec("login", "- [ ] 1. A\n");
    project.run(&["run"]).code(0);
    let mode = |path: &str| fs::metadata(project.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(".seqorch"), mode(".seqorch/login/1/1")), (0o700, 0o700));
    for name in ["attempt.json", "prompt.md", "output.jsonl", "stderr.log", "result.json", "lock"] {
        assert_eq!(mode(&format!(".seqorch/login/1/1/{name}")), 0o600, "{name}");
    }
}
