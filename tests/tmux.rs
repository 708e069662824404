//! Sessions and windows of a run, on a tmux server of the test's own.

use rustix::process::Signal;

use crate::common::{Project, kill, tasks, wait_until};

#[test]
fn a_variable_turns_tmux_off() {
    let Some(project) = Project::new().spec("login", "- [ ] 1. A\n").tmux() else { return };
    let project = project.env("CODEAGENT_NO_TMUX", "1");
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1"]);
    assert!(
        project.windows("sequential-login").iter().all(|l| l.contains("no server") || l.contains("error"))
    );
}

#[test]
#[ignore = "slow"]
fn every_unit_gets_its_own_window_next_to_main() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(12));
    project.run(&["run"]).code(0).says(&["attach -t sequential-login"]);
    let windows = project.windows("sequential-login");
    assert_eq!(windows.len(), 13);
    assert_eq!(
        (windows[0].as_str(), windows[1].as_str(), windows[12].as_str()),
        ("main", "task-1", "task-12")
    );
    let shown = project.ask_tmux(&["capture-pane", "-p", "-t", "=sequential-login:task-3"]);
    assert!(shown.contains("TASK_DONE") && shown.contains("exit code 0"), "{shown}");
    // the view in the main window notices the end a moment later
    wait_until("the summary", || {
        let main = project.ask_tmux(&["capture-pane", "-p", "-S", "-", "-t", "=sequential-login:main"]);
        main.contains("12  Task 12: done") && main.contains("all complete")
    });
}

#[test]
fn dots_in_ids_and_specs_with_a_common_prefix_work() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project
        .spec("auth-v2", "- [ ] 1. A\n  - [ ] 1.1 B\n  - [ ] 1.2 C\n")
        .spec("auth", "- [ ] 1. A\n")
        .config("[run]\ngranularity = \"task\"\n");
    project.run(&["run", "auth-v2"]).code(0);
    project.run(&["run", "auth"]).code(0);
    assert_eq!(project.windows("sequential-auth-v2"), ["main", "task-1.1", "task-1.2"]);
    assert_eq!(project.windows("sequential-auth"), ["main", "task-1"]);
}

#[test]
fn the_users_server_and_options_are_left_alone() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project
        .spec("login", tasks(2))
        .file("tmux.conf", "set -g base-index 1\nset -g remain-on-exit off\nset -g allow-rename on\nset -g renumber-windows on\n");
    let conf = project.path("tmux.conf");
    project.ask_tmux(&["-f", conf.to_str().unwrap(), "new-session", "-d", "-s", "mine", "sleep 4714"]);
    let before = project.ask_tmux(&["show-options", "-g"]) + &project.ask_tmux(&["show-options", "-gw"]);
    project.run(&["run"]).code(0);
    let after = project.ask_tmux(&["show-options", "-g"]) + &project.ask_tmux(&["show-options", "-gw"]);
    assert_eq!(before, after);
    assert_eq!(project.windows("mine").len(), 1);
    assert_eq!(project.windows("sequential-login"), ["main", "task-1", "task-2"]);
}

#[test]
fn after_a_window_is_closed_the_next_attempt_gets_a_new_one() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).agent(
        "if [ $SEQORCH_ATTEMPT = 1 ]; then echo at work; setsid sleep 4715 & sleep 4715; fi; say_done",
    );
    let run = project.start(&["run"]);
    wait_until("both sleepers", || project.alive_with("sleep 4715").len() >= 2);
    project.ask_tmux(&["kill-window", "-t", "=sequential-login:task-1"]);
    run.wait().code(0).says(&["its window was closed"]);
    assert_eq!(project.outcomes("login", "1"), ["cancelled", "done"]);
    assert!(project.alive_with("sleep 4715").is_empty());
    assert_eq!(project.windows("sequential-login"), ["main", "task-1"]);
}

#[test]
fn a_killed_server_costs_no_attempt_and_comes_back_with_main() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project
        .spec("login", tasks(2))
        .agent("[ $SEQORCH_UNIT-$SEQORCH_ATTEMPT = 1-1 ] && sleep 4716; say_done");
    let run = project.start(&["run"]);
    wait_until("the sleeper", || !project.alive_with("sleep 4716").is_empty());
    project.ask_tmux(&["kill-server"]);
    run.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1"]);
    assert_eq!(project.windows("sequential-login"), ["main", "task-1", "task-2"]);
    assert_eq!(counted(&project), [false, true]);
}

/// Which attempts of task 1 count.
fn counted(project: &Project) -> Vec<bool> {
    let state = project.state("login");
    let attempts = state["units"]["1"]["attempts"].as_array().unwrap().iter();
    attempts.map(|attempt| attempt["counts"] == true).collect()
}

/// An agent that does nothing until the run itself, and not tmux, started its attempt.
const BY_RUN: &str = "case $(ps -o comm= -p $(ps -o ppid= -p $PPID)) in seqorch*) say_done;; *) gate;; esac";

#[test]
fn a_server_that_ends_at_once_costs_no_attempt_and_no_run() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).agent(BY_RUN);
    project.write(".home/.tmux.conf", "set -g exit-unattached on\n");
    let out = project.run(&["run"]).code(0);
    // how far an attempt comes before its window is closed differs, and so does their number
    let outcomes = project.outcomes("login", "1");
    assert!(outcomes.len() > 2 && outcomes.last().is_some_and(|last| last == "done"), "{outcomes:?}");
    let count = counted(&project).into_iter().filter(|counts| *counts).count();
    assert_eq!(count, 1, "only the last one counts: {outcomes:?}");
    assert!(
        out.stderr.contains("`exit-unattached` or a hook in its configuration does that"),
        "{}",
        out.stderr
    );
}

#[test]
fn a_hook_that_ends_every_server_leaves_the_run_without_tmux() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).agent(BY_RUN).config("[tmux]\nmode = \"auto\"\n");
    project.write(".home/.tmux.conf", "set-hook -g session-created kill-server\n");
    let out = project.run(&["run"]).code(0);
    assert!(out.stderr.contains("without tmux"), "{}", out.stderr);
    assert_eq!(project.outcomes("login", "1").last().map(String::as_str), Some("done"));
}

#[test]
fn a_hook_that_ends_the_server_late_costs_no_attempt() {
    let Some(project) = Project::new().tmux() else { return };
    let agent =
        "case $(ps -o comm= -p $(ps -o ppid= -p $PPID)) in seqorch*) say_done;; *) echo works; gate;; esac";
    let project = project.spec("login", tasks(1)).agent(agent).config("[tmux]\nmode = \"auto\"\n");
    project
        .write(".home/.tmux.conf", "set-hook -g session-created 'run-shell -b -d 2 \"tmux kill-server\"'\n");
    let out = project.run(&["run"]).code(0);
    assert!(out.stderr.contains("without tmux"), "{}", out.stderr);
    let counted = counted(&project);
    assert!(counted.len() > 2 && counted.iter().filter(|counts| **counts).count() == 1, "{counted:?}");
}

#[test]
fn windows_that_no_client_shows_have_their_size() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(2)).agent("say_done").config("[tmux]\nsize = \"120x30\"\n");
    project.ask_tmux(&["new-session", "-d", "-s", "mine", "sleep 4718"]);
    // a client in control mode that says how small it is
    let mut tiny = project
        .tmux_command(&["-C", "attach", "-t", "mine"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut input = tiny.stdin.take().unwrap();
    wait_until("the small client", || {
        // before it is attached, it may not hear this
        std::io::Write::write_all(&mut input, b"refresh-client -C 2x1\n").unwrap();
        project.ask_tmux(&["list-windows", "-t", "mine", "-F", "#{window_width}"]).trim() == "2"
    });
    project.run(&["run"]).code(0);
    let sizes = ["list-windows", "-t", "=sequential-login", "-F", "#{window_width}x#{window_height}"];
    assert_eq!(project.ask_tmux(&sizes).lines().collect::<Vec<_>>(), ["120x30"; 3]);
    drop(input);
    let _ = tiny.kill();
    let _ = tiny.wait();
}

#[test]
fn a_retry_uses_the_same_window() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).agent("[ $SEQORCH_ATTEMPT = 3 ] && say_done; exit 0");
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2", "1 3"]);
    assert_eq!(project.windows("sequential-login"), ["main", "task-1"]);
}

#[test]
fn a_detached_run_keeps_the_environment_of_the_shell() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(2)).agent("note $ONLY_HERE; gate; say_done");
    // the server was started before the variable was set
    project.ask_tmux(&["new-session", "-d", "-s", "old", "sleep 4717"]);
    let project = project.env("ONLY_HERE", "exported later");
    project.run(&["run", "--detach"]).code(0).says(&["detached", "attach -t sequential-login"]);
    project.wait_for_ledger(2);
    project.run(&["run"]).code(75).says(&["another run"]);
    project.release();
    project.wait_for_ledger(4);
    project.release();
    wait_until("the end", || project.state("login")["completed_at"].is_string());
    assert_eq!(project.ledger(), ["1 1", "exported later", "2 1", "exported later"]);
}

/// Lets a stopped process run again.
struct Stopped(i32);

impl Drop for Stopped {
    fn drop(&mut self) {
        kill(self.0, Signal::CONT);
    }
}

#[test]
#[ignore = "slow"]
fn a_tmux_server_that_stands_still_hangs_no_verb() {
    let Some(project) = Project::new().spec("login", "- [ ] 1. A\n").tmux() else { return };
    project.ask_tmux(&["new-session", "-d", "-s", "other"]);
    let server = project.tmux_server().unwrap();
    kill(server, Signal::STOP);
    let _stopped = Stopped(server);
    let run = project.run(&["run"]).code(69);
    assert!(run.stderr.contains("got no answer from the tmux server within 10s"), "{run:?}");
    assert!(project.ledger().is_empty(), "{run:?}");
    project.run(&["attach"]).code(69).says(&["got no answer from the tmux server"]);
    for verb in ["status", "stop", "report", "specs"] {
        project.run(&[verb]).code(0);
    }
}

#[test]
#[ignore = "slow"]
fn a_run_goes_past_a_tmux_that_stands_still_or_ends() {
    for signal in [Signal::STOP, Signal::KILL] {
        let project = Project::new().spec("demo", "- [ ] 1. First\n- [ ] 2. Second\n");
        let Some(project) =
            project.agent("[ $SEQORCH_UNIT = 1 ] && { touch .out/first; sleep 0.3; }; say_done").tmux()
        else {
            return;
        };
        let project = project.config("[tmux]\nmode = \"auto\"\n[retry]\nbackoff = \"1ms\"\n");
        let run = project.start(&["run"]);
        wait_until("the first task", || project.path(".out/first").exists());
        let server = project.tmux_server().unwrap();
        if signal == Signal::STOP {
            // the agent ends by itself; the window of the next one never opens
            wait_until("its end", || project.ledger().len() == 1);
        }
        kill(server, signal);
        let out = run.wait().code(0);
        if signal == Signal::STOP {
            assert!(out.stderr.contains("continuing without tmux"), "{out:?}");
            kill(server, Signal::CONT);
        }
        assert!(project.ledger().contains(&"2 1".to_owned()), "{:?}", project.ledger());
    }
}
