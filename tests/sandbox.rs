//! Agents in a sandbox: what they reach and what they do not, and that everything else is as without.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::common::git::{git, init};
use crate::common::{Project, skipped, wait_until};

/// The sandbox of a test, with the variable by which its processes are found.
fn sandbox(mode: &str, settings: &str) -> String {
    format!("[sandbox]\nmode = \"{mode}\"\nenv = [\"TEST_PROJECT\", \"TOKEN_*\"]\n{settings}\n")
}

/// A project whose agents run in bubblewrap. `None`, with a note, where it does not work here.
pub(crate) fn in_bwrap(more: &str) -> Option<Project> {
    let works = Command::new("bwrap").args(["--ro-bind", "/", "/", "--unshare-pid", "true"]).output();
    if !works.is_ok_and(|output| output.status.success()) {
        skipped("bwrap is not installed or does not work here");
        return None;
    }
    Some(Project::new().spec("login", "- [ ] 1. A\n").config(&sandbox("bwrap", more)))
}

fn in_git(project: Project) -> Project {
    init(&project);
    project
}

#[test]
fn a_file_outside_stays_and_a_file_inside_is_written() {
    let Some(project) = in_bwrap("") else { return };
    let outside = project.outside().join("file");
    fs::write(&outside, "old").unwrap();
    let project = project.agent(&format!(
        "echo new > inside; echo new > '{0}' 2>/dev/null; cat '{0}'; echo x > /usr/planted; say_done",
        outside.display()
    ));
    let run = project.run(&["run"]).code(0);
    assert_eq!(
        (project.read("inside"), fs::read_to_string(&outside).unwrap()),
        ("new\n".into(), "old".into())
    );
    assert!(!run.stdout.contains("old"), "{}", run.stdout);
    assert!(!PathBuf::from("/usr/planted").exists());
}

#[test]
fn secrets_of_the_home_folder_are_not_there_and_own_folders_stay() {
    let Some(project) = in_bwrap("[backend.fake]\nsandbox_home = [\".mine\", \".own.json\"]\n") else {
        return;
    };
    project.write(".home/.ssh/id", "PRIVATE");
    project.write(".home/.own.json", "{}");
    let project = project.agent(
        "cat ~/.ssh/id; ls -A ~ > seen; echo session > ~/.mine/session; echo 1 > ~/.own.json; \
         echo lost > ~/.other; say_done",
    );
    let run = project.run(&["run"]).code(0);
    assert!(!run.stdout.contains("PRIVATE"), "{}", run.stdout);
    let seen: Vec<String> = project.read("seen").lines().map(str::to_owned).collect();
    assert_eq!(seen, [".mine", ".own.json"]);
    assert_eq!(
        (project.read(".home/.mine/session"), project.read(".home/.own.json")),
        ("session\n".into(), "1\n".into())
    );
    assert!(!project.path(".home/.other").exists());
}

#[test]
fn temporary_files_are_private() {
    let Some(project) = in_bwrap("") else { return };
    let planted = tempfile::Builder::new().prefix("sq-planted").tempdir_in("/tmp").unwrap();
    let mark = planted.path().file_name().unwrap().to_string_lossy().into_owned();
    let project = project.agent(&format!("ls /tmp > seen; echo x > /tmp/of-{mark}; say_done"));
    project.run(&["run"]).code(0);
    assert!(!project.read("seen").contains(&mark), "{}", project.read("seen"));
    assert!(!PathBuf::from(format!("/tmp/of-{mark}")).exists());
}

#[test]
fn only_variables_of_the_list_reach_the_agent() {
    let Some(project) = in_bwrap("") else { return };
    let project =
        project.env("TOKEN_A", "allowed").env("AWS_SECRET_ACCESS_KEY", "kept").agent("env > seen; say_done");
    project.write("seqorch.toml", project.read("seqorch.toml") + "[backend.fake.env]\nSET = \"by hand\"\n");
    project.run(&["run"]).code(0);
    let seen = project.read("seen");
    for (part, is_there) in [
        ("TOKEN_A=allowed", true),
        ("SET=by hand", true),
        ("PATH=", true),
        ("SEQORCH_UNIT=1", true),
        ("IS_SANDBOX=1", true),
        ("AWS_SECRET_ACCESS_KEY", false),
        ("SEQORCH_TRUST", false),
    ] {
        assert_eq!(seen.contains(part), is_there, "{part}: {seen}");
    }
    let command = project.of_attempt("login", "1", 1, "attempt.json");
    assert!(!command.contains("allowed"), "a value is in a file: {command}");
}

#[test]
fn without_a_network_there_is_only_a_loopback() {
    let Some(project) = in_bwrap("network = \"none\"\n") else { return };
    let project = project.agent("tail -n +3 /proc/net/dev > seen; say_done");
    project.run(&["run"]).code(0);
    let seen = project.read("seen");
    assert!(seen.lines().all(|line| line.trim_start().starts_with("lo:")), "{seen}");
}

#[test]
fn an_agent_commits_but_adds_no_hook_and_no_setting() {
    let Some(project) = in_bwrap("") else { return };
    let project = in_git(project.agent(
        "echo a > a; git add a && git commit -qm mine && echo committed > seen; \
         echo x > .git/hooks/pre-commit; git config core.fsmonitor evil; mv .git/hooks .git/other; mv .git elsewhere; \
         echo x > \"$SEQORCH_DIR/planted\"; say_done",
    ));
    let config = project.read(".git/config");
    project.run(&["run"]).code(0);
    assert_eq!((project.read("seen"), project.read(".git/config")), ("committed\n".into(), config));
    assert!(!project.path(".git/hooks/pre-commit").exists() && project.path(".git/hooks").is_dir());
    assert_eq!(project.of_attempt("login", "1", 1, "planted"), "");
}

#[test]
fn with_git_ro_an_agent_reads_the_history_and_writes_none() {
    let Some(project) = in_bwrap("git = \"ro\"\n") else { return };
    let project = in_git(
        project.agent("git log -1 --format=%s > seen; echo a > a; git add a && echo added >> seen; say_done"),
    );
    project.run(&["run"]).code(0);
    assert_eq!(project.read("seen"), "start\n");
}

#[test]
fn a_linked_work_tree_commits_too() {
    let Some(project) = in_bwrap("") else { return };
    let agent = "echo a > a; git add a && git commit -qm mine; git log -1 --format=%s > seen; say_done";
    let project = in_git(project.agent(agent));
    let linked = project.outside().join("linked");
    git(&project, &["worktree", "add", "-q", linked.to_str().unwrap()]);
    fs::copy(project.path("seqorch.local.toml"), linked.join("seqorch.local.toml")).unwrap();
    let output = project.command(&["run"]).current_dir(&linked).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read_to_string(linked.join("seen")).unwrap(), "mine\n");
}

#[test]
#[ignore = "slow"]
fn a_timeout_in_a_sandbox_leaves_nothing() {
    let Some(project) = in_bwrap("[timeout]\ntask = \"1s\"\n[retry]\nattempts = 1\n") else { return };
    // one ignores TERM, one is in a session of its own
    let project =
        project.agent("trap 'echo asked >> asked' TERM; setsid sleep 4711 & while :; do sleep 0.05; done");
    project.run(&["run"]).code(2).says(&["time limit"]);
    assert_eq!(project.read("asked").lines().next(), Some("asked"));
    assert_eq!(project.alive(), []);
}

#[test]
#[ignore = "slow"]
fn the_end_of_an_agent_in_a_sandbox_is_asked_for_first() {
    let Some(project) = in_bwrap("[timeout]\ntask = \"1s\"\ngrace = \"30s\"\n[retry]\nattempts = 1\n") else {
        return;
    };
    let project = project.agent("trap 'echo saved > saved; exit 0' TERM; while :; do sleep 0.05; done");
    project.run(&["run"]).code(2);
    assert_eq!(project.read("saved"), "saved\n");
}

#[test]
fn a_killed_attempt_takes_its_sandbox_with_it() {
    let Some(project) = in_bwrap("") else { return };
    let project = project.agent("if [ $SEQORCH_ATTEMPT = 1 ]; then setsid sleep 4711 & gate; fi; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    wait_until("the sleeper", || !project.alive_with("sleep 4711").is_empty());
    let attempts = project.alive_with("__attempt");
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    crate::common::kill(attempts[0].0, Signal::KILL);
    run.wait().code(0);
    assert_eq!(project.alive(), []);
    assert_eq!(project.ledger(), ["1 1", "1 2"]);
}

#[test]
fn the_next_run_takes_over_an_agent_in_a_sandbox() {
    let Some(project) = in_bwrap("") else { return };
    let project = project.agent("gate; say_done");
    project.next_run_takes_over();
    assert_eq!((project.ledger(), project.alive()), (vec!["1 1".to_owned()], vec![]));
}

#[test]
fn a_session_in_a_sandbox_is_resumed() {
    let more = "[backend.fake]\nargs = [\"agent.sh\", \"{session_args}\", \"{resume}\"]\nresume = [\"--resume\", \
                \"{session}\"]\nsession_args = [\"--id\", \"{new_session}\"]\nsandbox_home = [\".mine\"]\n";
    let Some(project) = in_bwrap(more) else { return };
    let project = project.agent(
        "case $1 in --id) echo $2 > ~/.mine/id; say_halt;; *) [ $2 = \"$(cat ~/.mine/id)\" ] && say_done;; esac",
    );
    project.run(&["run"]).code(2);
    project.run(&["resume", "--answer", "go"]).code(0);
    assert_eq!(project.outcomes("login", "1"), ["halted", "done"]);
}

#[test]
fn agents_in_windows_run_in_the_sandbox_too() {
    let Some(project) = in_bwrap("") else { return };
    project.write(".home/.ssh/id", "PRIVATE");
    let Some(project) = project.agent("cat ~/.ssh/id; say_done").tmux() else { return };
    project.run(&["run"]).code(0);
    let log = project.of_attempt("login", "1", 1, "output.jsonl");
    assert!(log.contains("TASK_DONE") && !log.contains("PRIVATE"), "{log}");
}

#[test]
fn checks_run_in_the_sandbox_where_that_is_wanted() {
    for (verify, seen) in [(true, ""), (false, "PRIVATE")] {
        let more = format!("verify = {verify}\n[verify]\ncommands = [[\"sh\", \"check.sh\"]]\n");
        let Some(project) = in_bwrap(&more) else { return };
        project.write(".home/.ssh/id", "PRIVATE");
        project.write("check.sh", "cat ~/.ssh/id > seen; true");
        project.run(&["run"]).code(0);
        assert_eq!(project.read("seen"), seen, "verify = {verify}");
    }
}

#[test]
fn a_prompt_in_a_file_is_readable_in_the_sandbox() {
    let Some(project) = in_bwrap("[backend.fake]\nprompt = \"file\"\n") else { return };
    let project = in_git(project.agent("grep -q 'task 1' \"$1\" || exit 3; say_done"));
    let run = project.run(&["run"]);
    run.code(0);
}

#[test]
fn a_mode_that_does_not_work_here_is_found_before_the_first_agent() {
    let project = Project::new().spec("login", "- [ ] 1. A\n");
    let empty = project.outside();
    for program in ["sh", "git"] {
        let path = which(program);
        std::os::unix::fs::symlink(path, empty.join(program)).unwrap();
    }
    let project = project.env("PATH", &empty);
    for mode in ["bwrap", "podman", "docker"] {
        project.write("seqorch.local.toml", sandbox(mode, "image = \"none\"\n"));
        project.run(&["run"]).code(69).says(&[mode, "is not installed", "Install"]);
    }
    // one that is there and fails
    let broken = empty.join("bwrap");
    fs::write(&broken, "#!/bin/sh\necho 'bwrap: no namespaces for you' >&2\nexit 1\n").unwrap();
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o755)).unwrap();
    project.write("seqorch.local.toml", sandbox("bwrap", ""));
    project.run(&["run"]).code(69).says(&["no namespaces for you", "user namespaces"]);
    assert!(project.ledger().is_empty());
}

fn which(program: &str) -> PathBuf {
    let output = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().into()
}

#[test]
#[ignore = "needs podman and busybox"]
fn an_image_that_is_not_here_is_not_fetched() {
    let Some(project) = with_podman() else { return };
    project.write("seqorch.local.toml", podman("image = \"localhost/seqorch-none\"\n"));
    project.run(&["run"]).code(69).says(&["has no image", "podman pull"]);
    assert!(project.ledger().is_empty());
}

#[test]
fn limits_that_bwrap_cannot_hold_are_no_silent_no() {
    if PathBuf::from("/run/systemd/system").is_dir() {
        return skipped("systemd runs here");
    }
    let Some(project) = in_bwrap("memory = \"1g\"\n") else { return };
    project.run(&["run"]).code(69).says(&["sandbox.memory", "systemd"]);
    assert!(project.ledger().is_empty());
}

#[test]
fn an_agent_whose_program_is_not_in_the_sandbox_is_named() {
    let Some(project) = in_bwrap("") else { return };
    project.write(".home/agent", "#!/bin/sh\n");
    let program = project.path(".home/agent");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let config = format!("[backend.fake]\ncommand = \"{}\"\n", program.display());
    project.write("seqorch.local.toml", sandbox("bwrap", &config));
    project.run(&["run"]).code(69).says(&["in the sandbox there is no program", "sandbox.read"]);
}

#[test]
fn a_command_of_the_person_gets_the_agent() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").env("HIDDEN", "1");
    project.write("box", "#!/bin/sh\necho \"$1\" >> boxed\nshift\nexec \"$@\"\n");
    fs::set_permissions(project.path("box"), fs::Permissions::from_mode(0o755)).unwrap();
    project.write(
        "seqorch.local.toml",
        sandbox("command", "command = [\"./box\", \"in {workdir}\", \"{argv}\"]\n"),
    );
    let project = project.agent("env > seen; say_done");
    project.run(&["run"]).code(0);
    // once to try it, once for the agent
    let line = format!("in {}", project.root().display());
    assert_eq!(project.read("boxed").lines().collect::<Vec<_>>(), [line.as_str(), &line]);
    assert!(!project.read("seen").contains("HIDDEN"));
}

#[test]
fn keys_without_an_effect_in_a_mode_are_refused() {
    let project = Project::new().spec("login", "- [ ] 1. A\n");
    for (config, part) in [
        (sandbox("command", "command = [\"x\"]\n"), "sandbox.command"),
        (sandbox("command", "command = [\"x\", \"{argv}\"]\nnetwork = \"none\"\n"), "sandbox.network"),
        (sandbox("podman", ""), "sandbox.image"),
        (sandbox("off", "verify = true\n"), "sandbox.verify"),
        (sandbox("bwrap", "read = [\"../x\"]\n"), "sandbox.read"),
        (sandbox("bwrap", "memory = \"much\"\n"), "sandbox.memory"),
        (sandbox("bubblewrap", ""), "sandbox.mode"),
    ] {
        project.write("seqorch.local.toml", config);
        project.run(&["run"]).code(78).says(&[part, "seqorch.local.toml:"]);
    }
}

// podman

/// An image of nothing but busybox.
const IMAGE: &str = "localhost/seqorch-test-busybox";

fn podman(more: &str) -> String {
    let engine = "engine_args = [\"--cgroup-manager=cgroupfs\", \"--runtime=runc\"]\n\
                  args = [\"--ulimit=nofile=1024:1024\", \"--ulimit=nproc=1024:1024\"]\n";
    sandbox("podman", &format!("{engine}{more}"))
}

/// A project for podman; its image is made of busybox alone. `None`, with a note, where there is none.
fn with_podman() -> Option<Project> {
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| PathBuf::from(path).exists());
    let (Some(busybox), Ok(_)) = (busybox, Command::new("podman").arg("--version").output()) else {
        skipped("podman or busybox is not installed");
        return None;
    };
    let project = Project::new().spec("login", "- [ ] 1. A\n");
    let root = project.outside().join("root");
    fs::create_dir_all(root.join("bin")).unwrap();
    fs::copy(busybox, root.join("bin/busybox")).unwrap();
    for name in ["sh", "cat", "env", "echo", "grep", "ls", "setsid", "sleep", "trap"] {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(name)).unwrap();
    }
    // one image serves all tests, and later ones
    let import = format!("tar -C '{}' -c . | podman import - {IMAGE}", root.display());
    let script = format!("podman image exists {IMAGE} || {import}");
    let made = Command::new("sh").args(["-c", &script]).output().unwrap();
    if !made.status.success() {
        skipped(&format!("podman cannot import an image: {}", String::from_utf8_lossy(&made.stderr)));
        return None;
    }
    project.write("seqorch.local.toml", podman(&format!("image = \"{IMAGE}\"\n")));
    Some(project)
}

/// The containers that seqorch made for this project.
fn containers(project: &Project) -> Vec<String> {
    let output = Command::new("podman").args(["ps", "--all", "--format", "json"]).output().unwrap();
    let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let root = project.root().display().to_string();
    let ours = all.iter().filter(|one| one["Mounts"].to_string().contains(&root));
    ours.map(|one| one["Names"][0].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
#[ignore = "needs podman and busybox"]
fn an_agent_in_a_container_works_on_the_work_tree_alone() {
    let Some(project) = with_podman() else { return };
    project.write(".home/.ssh/id", "PRIVATE");
    let project =
        in_git(project.env("TOKEN_A", "allowed").env("SECRET_B", "kept").agent(
            "cat ~/.ssh/id; ls / > seen; env >> seen; echo x > .git/config; echo x > /etc/x; say_done",
        ));
    let config = project.read(".git/config");
    let run = project.run(&["run"]).code(0);
    let seen = project.read("seen");
    assert!(seen.contains("TOKEN_A=allowed") && !seen.contains("SECRET_B"), "{seen}");
    assert!(!run.stdout.contains("PRIVATE") && !seen.lines().any(|line| line == "usr"), "{seen}");
    assert_eq!(project.read(".git/config"), config);
    assert_eq!((containers(&project), project.alive()), (vec![], vec![]));
}

#[test]
#[ignore = "needs podman and busybox"]
fn a_timeout_leaves_no_container() {
    let Some(project) = with_podman() else { return };
    let more = format!("image = \"{IMAGE}\"\n[timeout]\ntask = \"2s\"\n[retry]\nattempts = 1\n");
    project.write("seqorch.local.toml", podman(&more));
    let project = project.agent("setsid sleep 4711 & while :; do sleep 1; done");
    project.run(&["run"]).code(2).says(&["time limit"]);
    assert_eq!((containers(&project), project.alive()), (vec![], vec![]));
}

#[test]
#[ignore = "needs podman and busybox"]
fn a_killed_attempt_leaves_no_container() {
    let Some(project) = with_podman() else { return };
    let project = project.agent("gate; say_done");
    project.kill_a_run_at_the_gate();
    for (pid, _) in project.alive_with("__attempt") {
        crate::common::kill(pid, Signal::KILL);
    }
    // there is no run that could see it
    wait_until("the end of the container", || containers(&project).is_empty());
    wait_until("the end of all processes", || project.alive().is_empty());
}

#[test]
#[ignore = "needs podman and busybox"]
fn the_next_run_takes_over_an_agent_in_a_container() {
    let Some(project) = with_podman() else { return };
    let project = project.agent("gate; say_done");
    project.next_run_takes_over();
    assert_eq!((project.ledger(), containers(&project)), (vec!["1 1".to_owned()], vec![]));
}

#[test]
#[ignore = "needs podman and busybox"]
fn limits_and_a_missing_network_hold_in_a_container() {
    let Some(project) = with_podman() else { return };
    let more = format!("image = \"{IMAGE}\"\nnetwork = \"none\"\nprocesses = 30\nmemory = \"64m\"\n");
    project.write("seqorch.local.toml", podman(&more));
    let project = project.agent(
        "grep -c : /proc/net/dev > seen; i=0; while [ $i -lt 60 ]; do sleep 60 & i=$((i+1)); done; \
         echo never > forked; say_done",
    );
    let _ = project.start(&["run", "--max-iterations", "1"]).wait();
    assert_eq!((project.read("seen"), project.read("forked")), ("1\n".into(), String::new()));
    wait_until("the end of the container", || containers(&project).is_empty());
}

#[test]
#[ignore = "needs podman and busybox"]
fn an_image_without_the_agent_is_named() {
    let Some(project) = with_podman() else { return };
    let more = format!("image = \"{IMAGE}\"\n[backend.fake]\ncommand = \"no-such-agent\"\n");
    project.write("seqorch.local.toml", podman(&more));
    let run = project.run(&["run"]);
    run.code(69).says(&["there is no program no-such-agent"]);
}
