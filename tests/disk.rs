//! Disks that fill up, turn read-only or lose a folder during a run: a clear error, the old state intact, and a next run
//! that continues.

use std::fs;
use std::process::{Command, Output};

use crate::common::Project;

#[test]
fn a_full_or_read_only_disk_refuses_the_run_and_keeps_the_state() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n");
    let specs = project.path(".kiro/specs");
    let mounted =
        std::process::Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|s| s.success());
    if !mounted {
        crate::common::skipped("no mount namespaces here");
        return;
    }
    for (options, error) in [("size=64k", "No space left"), ("size=1m,ro", "ead-only")] {
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
        assert!(text.contains(error) && text.contains("intact"), "{text}");
        assert_eq!(project.ledger(), [""; 0]);
        command.arg("status");
    }
}

#[test]
fn a_verb_whose_words_are_lost_on_a_full_disk_fails() {
    let full = "/dev/full";
    if !std::path::Path::new(full).exists() {
        crate::common::skipped("no /dev/full here");
        return;
    }
    let project = Project::new().spec("login", "- [ ] 1. A\n");
    project.run(&["run"]).code(0);
    let verbs: &[&[&str]] = &[
        &[],
        &["--help"],
        &["backends", "--json"],
        &["completions", "bash"],
        &["config", "schema"],
        &["config", "show"],
        &["doctor", "--json"],
        &["export", "--output", "-"],
        &["help", "limits"],
        &["help", "run"],
        &["logs"],
        &["logs", "--raw"],
        &["man"],
        &["plan"],
        &["plan", "--json"],
        &["report"],
        &["report", "--html", "-"],
        &["report", "--json"],
        &["specs"],
        &["specs", "--json"],
        &["status"],
        &["status", "--json"],
        &["trust"],
        &["when"],
    ];
    for verb in verbs {
        let mut command = project.command(verb);
        command.stdin(std::process::Stdio::null()).stdout(fs::File::create(full).unwrap());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(70), "{verb:?}: {said}");
        assert!(said.contains("No space left"), "{verb:?}: {said}");
    }
}

/// Runs a shell script that may mount file systems, with `seqorch` on its path. `None`, with a note, if the system does
/// not allow mounts.
fn with_mounts(project: &Project, script: &str) -> Option<Output> {
    if !Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|s| s.success()) {
        crate::common::skipped("no mount namespaces here");
        return None;
    }
    let head = format!(
        "seqorch() {{ code=0; '{}' \"$@\" || code=$?; echo \"code $code\"; }}\n\
         mount_over() {{ cp -r \"$1\" /tmp/$$.copy; mount -t tmpfs -o \"$2\" tmpfs \"$1\"; cp -r /tmp/$$.copy/. \"$1\"; rm -r /tmp/$$.copy; }}\n",
        env!("CARGO_BIN_EXE_seqorch")
    );
    let output = project
        .command_of("unshare", &["--mount", "sh", "-ec", &format!("{head}{script}")])
        .output()
        .unwrap();
    Some(output)
}

fn text(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Whether the list of files that the script printed has a temporary file.
fn litter(output: &Output) -> bool {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|l| l.rsplit_once('.')).any(|(_, kind)| matches!(kind, "tmp" | "sock"))
}

fn two(agent: &str) -> Project {
    Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").agent(agent)
}

#[test]
fn after_the_disk_filled_up_the_next_run_takes_the_result() {
    let project = two("[ $SEQORCH_UNIT = 1 ] && head -c 1000000 /dev/zero > .kiro/specs/fill 2>&-; say_done");
    let script = "mount_over .kiro/specs size=64k; seqorch run; cat .kiro/specs/SEQUENTIAL_STATE.json; echo; \
                  ls -A .kiro/specs .kiro/specs/login; rm .kiro/specs/fill; seqorch run; seqorch status";
    let Some(output) = with_mounts(&project, script) else { return };
    assert!(!litter(&output));
    let text = text(&output);
    for part in ["code 70", "No space left", "is intact", "\"status\": \"running\"", "taking its result"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert!(text.contains("login: complete"), "{text}");
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
fn after_the_disk_turned_read_only_the_next_run_takes_the_result() {
    let project = two("[ $SEQORCH_UNIT = 1 ] && mount -o remount,ro .kiro/specs; say_done");
    let script = "mount_over .kiro/specs size=1m; seqorch run; mount -o remount,rw .kiro/specs; seqorch run; seqorch status";
    let Some(output) = with_mounts(&project, script) else { return };
    let text = text(&output);
    for part in ["code 70", "ead-only", "is intact", "taking its result", "login: complete"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
#[ignore = "slow"]
fn an_attempt_that_cannot_write_its_result_is_lost_not_done() {
    let project = two("[ $SEQORCH_ATTEMPT = 1 ] && head -c 9000000 /dev/zero > .seqorch/fill 2>&-; say_done");
    let script = "mkdir -m 700 -p .seqorch; mount_over .seqorch size=256k; seqorch run; rm .seqorch/fill; seqorch run; \
                  rm .seqorch/fill; seqorch run; seqorch status; ls -AR .seqorch";
    let Some(output) = with_mounts(&project, script) else { return };
    assert!(!litter(&output));
    let text = text(&output);
    for part in ["lost", "code 70", "No space left", "login: complete"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    // attempt 2 never started: there was no room for its prompt
    assert_eq!(project.ledger(), ["1 1", "1 3", "2 1", "2 3"]);
    assert_eq!(project.outcomes("login", "1"), ["lost", "cancelled", "done"]);
}

#[test]
fn a_vanished_specs_folder_ends_the_run_and_costs_nothing_once_back() {
    let project = two("[ $SEQORCH_UNIT = 1 ] && mv .kiro/specs .kiro/elsewhere; say_done");
    let output = project.run(&["run"]);
    assert!([70, 66].contains(&output.code), "{output:?}");
    output.says(&[".kiro/specs"]);
    fs::rename(project.path(".kiro/elsewhere"), project.path(".kiro/specs")).unwrap();
    project.run(&["run"]).code(0).says(&["taking its result"]);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
fn removing_seqorchs_folder_costs_nothing() {
    for tmux in [false, true] {
        let project = two("[ $SEQORCH_UNIT-$SEQORCH_ATTEMPT = 1-1 ] && rm -rf .seqorch; say_done");
        let Some(project) = (if tmux { project.tmux() } else { Some(project) }) else { return };
        project.run(&["run"]).code(0).says(&["task 1 done"]);
        assert_eq!(project.outcomes("login", "1"), ["done"]);
        assert_eq!(project.ledger(), ["1 1", "2 1"]);
    }
}

#[test]
fn removing_seqorchs_folder_never_leads_to_two_agents_at_once() {
    let project = two("[ $SEQORCH_ATTEMPT = 1 ] && [ $SEQORCH_UNIT = 1 ] && exec sleep 4761; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    run.signal(rustix::process::Signal::KILL);
    run.wait().code(137);
    fs::remove_dir_all(project.path(".seqorch")).unwrap();
    // whether the attempt could still write its result when it was ended is a matter of moments
    project.run(&["run"]).code(0).says(&["2 attempts left"]);
    assert!(project.alive_with("sleep 4761").is_empty() && project.alive_with("__attempt").is_empty());
    let [first, second] = project.outcomes("login", "1").try_into().unwrap();
    assert!(["signaled", "lost"].contains(&first.as_str()) && second == "done", "{first}, {second}");
}

#[test]
fn a_second_run_is_refused_even_without_the_firsts_lock_file() {
    let project = two("gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    fs::remove_dir_all(project.path(".seqorch")).unwrap();
    project.run(&["run"]).code(75).says(&["another run"]);
    project.release();
    project.wait_for_ledger(2);
    project.release();
    run.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
#[ignore = "slow"]
fn reaching_the_shells_file_size_limit_is_an_error_not_a_crash() {
    let tasks: Vec<_> = (1..=20).map(|n| format!("- [ ] {n}. Task {n}\n")).collect();
    let project = Project::new().spec("login", tasks.concat() + "- [ ] 99. Last\n");
    project.run(&["run", "--max-iterations", "20"]).code(1);
    let old = project.read(".kiro/specs/SEQUENTIAL_STATE.json");
    assert!(old.len() > 3000);
    let exe = env!("CARGO_BIN_EXE_seqorch");
    let output =
        project.command_of("sh", &["-c", &format!("ulimit -f 4; exec '{exe}' run")]).output().unwrap();
    let text = text(&output);
    assert_eq!(output.status.code(), Some(70), "{text}");
    assert!(text.contains("ulimit -f") && text.contains("intact"), "{text}");
    assert_eq!(project.read(".kiro/specs/SEQUENTIAL_STATE.json"), old);
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger().len(), 21);
}

#[test]
#[ignore = "slow"]
fn the_file_size_limit_cuts_the_agents_log_but_not_its_result() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent("yes 'a line that says nothing' | head -c 3000000; echo; say_done");
    let exe = env!("CARGO_BIN_EXE_seqorch");
    let output =
        project.command_of("sh", &["-c", &format!("ulimit -f 2000; exec '{exe}' run")]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let result = project.of_attempt("login", "1", 1, "result.json");
    assert!(result.contains("writing the log") && result.contains("\"stdout_bytes\": 30000"), "{result}");
}

#[test]
fn a_newer_state_file_is_refused_with_the_version_that_it_needs() {
    let newer =
        "{\"schema\": 7, \"written_by\": \"3.2.1\", \"specs\": {\"login\": {\"completed\": [\"1\"]}}}";
    let project = two("say_done").file(".kiro/specs/SEQUENTIAL_STATE.json", newer);
    project.run(&["run"]).code(70).says(&["schema 7", "It needs seqorch 3.2.1"]);
    project.run(&["status"]).code(70).says(&["It needs seqorch 3.2.1"]);
    assert_eq!(project.read(".kiro/specs/SEQUENTIAL_STATE.json"), newer);
    assert_eq!(project.ledger(), [""; 0]);
}

/// Two tasks whose changes are committed.
fn two_commits(agent: &str) -> Project {
    let project = two(agent).config("[git]\ncommit = \"step\"\n[retry]\nattempts = 1\n");
    crate::common::git::init(&project);
    project
}

#[test]
fn a_disk_that_is_too_full_for_a_snapshot_ends_the_run_and_loses_nothing() {
    let agent = "echo x > made-$SEQORCH_UNIT; [ $SEQORCH_UNIT = 2 ] && head -c 3000000 /dev/urandom > large; say_done";
    let project = two_commits(agent);
    let script = "mount_over .git size=1500k; seqorch run; seqorch status; mount -o remount,size=20m .git; \
                  seqorch run --retry; git log --reverse --name-only --format=%s; git status --porcelain; git fsck --full";
    let Some(output) = with_mounts(&project, script) else { return };
    let text = text(&output);
    for part in ["code 2", "No space left", "task 2 is done, but not committed", "all complete"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert!(!text.contains("left out"), "no file is to blame: {text}");
    assert!(text.contains("2: B\n\n.kiro/specs/login/tasks.md\nlarge\nmade-2\n??"), "{text}");
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
fn a_commit_that_a_full_disk_stops_is_made_by_the_next_run() {
    let project = two_commits("head -c 3000 /dev/urandom > made-$SEQORCH_UNIT; say_done");
    crate::common::git::hook(&project, "pre-commit", "head -c 9000000 /dev/zero > .git/fill 2>&-; true");
    let script = "mount_over .git size=1500k; cp .git/index /tmp/$$.index; seqorch run; cmp .git/index /tmp/$$.index && echo same; \
                  rm /tmp/$$.index .git/fill .git/hooks/pre-commit; seqorch run --retry; \
                  git log --reverse --name-only --format=%s; git status --porcelain; git fsck --full";
    let Some(output) = with_mounts(&project, script) else { return };
    let text = text(&output);
    for part in ["code 2\nsame", "No space left", "task 1 is done, but not committed", "all complete"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let log = "1: A\n\n.kiro/specs/login/tasks.md\nmade-1\n2: B\n\n.kiro/specs/login/tasks.md\nmade-2\n??";
    assert!(text.contains(log), "{text}");
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}
