//! `seqorch attach` finds the session and the window.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::common::git::{TWO, init};
use crate::common::{Project, tasks, wait_until};

#[test]
#[ignore = "slow"]
fn attach_selects_the_window_inside_and_outside_tmux() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", "- [ ] 1. A\n  - [ ] 1.1 B\n  - [ ] 1.2 C\n").config(
        "[run]\ngranularity = \"task\"\n[[tmux.window]]\nname = \"log\"\ncommand = [\"sleep\", \"4768\"]\n",
    );
    project.run(&["attach"]).code(66).says(&["there is no tmux session sequential-login"]);
    project.run(&["attach", "7"]).code(64).says(&["there is no task 7", "It has: 1."]);
    project.run(&["attach", "1.1"]).code(66).says(&["there is no tmux session sequential-login"]);
    project.run(&["attach", "log"]).code(66);
    project.run(&["run"]).code(0);
    project
        .run(&["attach", "7"])
        .code(64)
        .says(&["there is no task 7", "There are windows: main, log, 1.1, 1.2."]);
    // inside another tmux server than the run's
    let elsewhere = project.command(&["attach", "1.1"]).env("TMUX", "/nowhere/default,1,0").output().unwrap();
    assert_eq!(elsewhere.status.code(), Some(64));
    let printed = String::from_utf8_lossy(&elsewhere.stderr).into_owned();
    assert!(
        printed.contains("another tmux server") && printed.contains("attach -t sequential-login"),
        "{printed}"
    );

    // from inside tmux: the user's own session on the same server, on a terminal
    let exe = env!("CARGO_BIN_EXE_seqorch");
    let root = project.root().to_str().unwrap();
    project.ask_tmux(&["new-session", "-d", "-s", "mine", "-c", root, "-x", "80", "-y", "24", "sh"]);
    let socket = project.ask_tmux(&["display-message", "-p", "#{socket_path}"]);
    let attach = format!("stty rows 24 cols 80; exec tmux -S '{}' attach -t mine", socket.trim());
    let Ok(mut person) = project
        .command_of("script", &["-qec", &attach, "/dev/null"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
    else {
        crate::common::skipped("no `script` here");
        return;
    };
    let seen =
        || project.ask_tmux(&["list-clients", "-F", "#{session_name}:#{window_name}"]).trim().to_owned();
    wait_until("the terminal", || seen().starts_with("mine:"));
    for (id, window) in [("1.2", "task-1.2"), ("1.1", "task-1.1"), ("main", "main"), ("log", "log")] {
        project.ask_tmux(&["send-keys", "-t", "mine:", &format!("'{exe}' attach {id}"), "Enter"]);
        wait_until(window, || seen() == format!("sequential-login:{window}"));
        project.ask_tmux(&["switch-client", "-t", "mine"]);
    }
    let _ = person.kill();
    let _ = person.wait();

    // from outside tmux
    let command = format!("stty rows 24 cols 80; exec '{exe}' attach 1.2");
    let mut person = project
        .command_of("script", &["-qec", &command, "/dev/null"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the terminal", || seen() == "sequential-login:task-1.2");
    let _ = person.kill();
    let _ = person.wait();
}

#[test]
fn runs_of_one_name_have_separate_sessions_and_attach_finds_its_own() {
    let Some(project) = Project::new().tmux() else { return };
    // a second spec of the same name, and another work tree of the same repository
    let agent = "until [ -e $ROOT/go ]; do sleep 0.02; done; say_done";
    let project = project
        .spec("login", tasks(1))
        .file("specs/login/tasks.md", tasks(1))
        .file("tree/.kiro/specs/login/tasks.md", tasks(1))
        .agent(agent);
    project.write("tree/seqorch.toml", project.read("seqorch.toml"));
    project.write("tree/agent.sh", project.read("agent.sh"));
    let runs = [
        project.start(&["run", ".kiro/specs/login"]),
        project.start(&["run", "specs/login"]),
        project.start(&["-C", "tree", "run", "login"]),
    ];
    project.wait_for_ledger(3);
    // the first run has the plain name
    let sessions = project.ask_tmux(&["list-sessions", "-F", "#{session_windows} #{session_name}"]);
    let mut sessions: Vec<_> = sessions.lines().map(|line| line.split_once(' ').unwrap()).collect();
    sessions.sort_unstable();
    assert_eq!(sessions.iter().map(|(windows, _)| *windows).collect::<Vec<_>>(), ["2", "4"], "{sessions:?}");
    assert!(sessions.iter().any(|(_, name)| *name == "sequential-login"), "{sessions:?}");
    // "not a terminal" means that the session was found
    project.run(&["-C", "tree", "attach", "login", "1"]).code(64).says(&["not a terminal"]);
    project.write("go", "");
    for run in runs {
        run.wait().code(0);
    }
    assert_eq!(project.ledger(), ["1 1", "1 1", "1 1"], "none was ended and tried again");
    project.run(&["-C", "tree", "attach", "login", "1"]).code(64).says(&["not a terminal"]);
}

#[test]
fn detached_runs_of_one_name_that_start_at_once_have_two_sessions() {
    let Some(project) = Project::new().tmux() else { return };
    let agent = "until [ -e $ROOT/go ]; do sleep 0.02; done; say_done";
    let project = project.spec("login", tasks(1)).file("specs/login/tasks.md", tasks(1)).agent(agent);
    let both = [".kiro/specs/login", "specs/login"];
    for start in both.map(|spec| project.start(&["run", spec, "--detach"])) {
        start.wait().code(0);
    }
    project.wait_for_ledger(2);
    let owners = project.ask_tmux(&["list-windows", "-a", "-F", "#{@seqorch} #{@seqorch_owner}"]);
    let mut mains: Vec<_> = owners.lines().filter(|line| line.starts_with("main ")).collect();
    mains.sort_unstable();
    mains.dedup();
    assert_eq!(mains.len(), 2, "{owners}");
    project.write("go", "");
    for spec in both {
        wait_until("the end", || project.run(&["status", spec]).stdout.contains("login: complete"));
    }
}

#[test]
fn a_detached_run_that_is_refused_says_why_at_once() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("demo", TWO).spec("more", TWO).agent("gate; say_done");
    let project = project.config("[git]\ncommit = \"step\"\n");
    init(&project);
    let run = project.start(&["run", "demo", "--no-tmux"]);
    project.wait_for_ledger(1);
    let start = Instant::now();
    project
        .run(&["run", "more", "--detach"])
        .code(75)
        .says(&["works in this work tree", "hint: Wait for its turn with `--wait`"]);
    assert!(start.elapsed() < Duration::from_secs(20), "it waited for its window");
    run.signal(Signal::TERM);
    run.wait().code(143);
}

#[test]
fn attach_finds_the_session_that_an_earlier_run_used() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).agent("[ $SEQORCH_ATTEMPT = 1 ] && say_halt || say_done");
    project.run(&["run", "--tmux-session", "mine"]).code(2);
    project.run(&["attach", "1"]).code(64).says(&["not a terminal"]);
    // a resume uses the same session
    project.run(&["resume", "--answer", "A"]).code(0).says(&["attach -t mine"]);
    assert_eq!(project.ask_tmux(&["list-sessions", "-F", "#{session_name}"]).trim(), "mine");
}

#[test]
fn attach_to_a_subtask_finds_the_window_of_its_unit() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", "- [ ] 1. A\n  - [ ] 1.1 B\n");
    project.run(&["run"]).code(0);
    // "not a terminal" comes from tmux: the window was found
    project.run(&["attach", "1.1"]).code(64).says(&["not a terminal"]);
    project.run(&["attach", "1.2"]).code(64).says(&["there is no task 1.2", "There are windows: main, 1."]);
}

#[test]
fn attach_says_that_the_session_of_a_run_was_killed() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(2)).agent("seq 9999; note counts; gate; say_done");
    let run = project.start(&["run", "--tmux-session", "other"]);
    project.wait_for_ledger(2);
    project.run(&["attach", "9"]).code(64).says(&["There are windows: main, 1."]);
    // so that no further attempt opens the session again
    project.run(&["pause"]).code(0);
    project.ask_tmux(&["kill-session", "-t", "=other"]);
    run.wait_for("its tmux session ended");
    project.run(&["attach"]).code(66).says(&["no tmux session other", "It was killed. The run continues"]);
    project.run(&["stop"]).code(0);
    run.wait().code(130);
}

#[test]
#[ignore = "slow"]
fn attach_to_a_window_does_not_move_another_client() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(2));
    project.run(&["run"]).code(0);
    let exe = env!("CARGO_BIN_EXE_seqorch");
    let terminal = |args: &str| {
        let command = format!("stty rows 24 cols 80; exec '{exe}' attach {args}");
        let mut person = project.command_of("script", &["-qec", &command, "/dev/null"]);
        person.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().ok()
    };
    let seen = || {
        let list = project.ask_tmux(&["list-clients", "-F", "#{window_name}"]);
        let mut windows: Vec<_> = list.lines().map(str::to_owned).collect();
        windows.sort();
        windows
    };
    let Some(mut first) = terminal("login main") else {
        crate::common::skipped("no `script` here");
        return;
    };
    wait_until("the first terminal", || seen() == ["main"]);
    let mut second = terminal("login 2").unwrap();
    wait_until("the second terminal", || seen() == ["main", "task-2"]);
    let _ = second.kill();
    let _ = second.wait();
    wait_until("the end of its session", || {
        seen() == ["main"] && project.ask_tmux(&["list-sessions"]).lines().count() == 1
    });
    let _ = first.kill();
    let _ = first.wait();
}
