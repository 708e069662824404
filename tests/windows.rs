//! What stands in a session beside the agents, and what its windows tell: on a tmux server of the test's own.

use crate::common::{Project, wait_until};

const SESSION: &str = "=sequential-login:";

fn tasks(count: usize) -> String {
    let lines: Vec<_> = (1..=count).map(|n| format!("- [ ] {n}. Task {n}\n")).collect();
    lines.concat()
}

/// `NAME STATE` of each window.
fn states(project: &Project) -> Vec<String> {
    let list = project.ask_tmux(&["list-windows", "-t", SESSION, "-F", "#{window_name} #{@seqorch_mark}"]);
    list.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// What the status line shows of each window, as tmux itself expands it.
fn labels(project: &Project) -> String {
    project.ask_tmux(&["list-windows", "-t", SESSION, "-F", "#{T:window-status-format}"])
}

/// The right side of the session's status line, as tmux itself expands it.
fn word(project: &Project) -> String {
    project.ask_tmux(&["display-message", "-p", "-t", SESSION, "#{T:status-right}"])
}

/// Panes of a window: what is asked of each.
fn panes(project: &Project, window: &str, format: &str) -> Vec<String> {
    let target = format!("{SESSION}{window}");
    project.ask_tmux(&["list-panes", "-t", &target, "-F", format]).lines().map(str::to_owned).collect()
}

fn shown(project: &Project, window: &str, pane: usize) -> String {
    let id = panes(project, window, "#{pane_id}").get(pane).cloned().unwrap_or_default();
    project.ask_tmux(&["capture-pane", "-p", "-t", &id])
}

#[test]
fn a_window_keeps_its_name_and_its_label_tells_the_outcome() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project
        .spec("login", tasks(11))
        .config("[run]\non_failure = \"skip\"\n[retry]\nattempts = 1\n")
        .agent("case $SEQORCH_UNIT in 2) exit 3;; 11) gate; say_halt;; *) say_done;; esac");
    let run = project.start(&["run"]);
    wait_until("the last one at work", || states(&project).last().is_some_and(|s| s == "task-11 ▶"));
    project.release();
    run.wait().code(2);
    let states = states(&project);
    assert_eq!(states[..4], ["main", "task-1 ✓", "task-2 ✗", "task-3 ✓"]);
    assert_eq!(states[11], "task-11 ‖");
    assert!(labels(&project).contains("1:task-1 ✓"), "{}", labels(&project));
    // `task-1` is a beginning of `task-10` and `task-11`, and is found all the same
    for (target, name) in [("task-1", "task-1"), ("=task-1", "task-1"), ("task-11", "task-11")] {
        let target = format!("{SESSION}{target}");
        assert_eq!(project.ask_tmux(&["select-window", "-t", &target]), "");
        assert_eq!(project.ask_tmux(&["display-message", "-p", "-t", SESSION, "#W"]).trim(), name);
    }
}

#[test]
fn the_mark_stands_in_the_users_own_format_and_nothing_of_theirs_is_changed() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1));
    let conf =
        "set -g window-status-format '<#W>'\nset -g status-right 'mine %H;'\nset -g bell-action none\n";
    let project = project.file("tmux.conf", conf);
    let conf = project.path("tmux.conf");
    project.ask_tmux(&["-f", conf.to_str().unwrap(), "new-session", "-d", "-s", "mine", "sleep 4761"]);
    let theirs = |project: &Project| {
        ["-g", "-gw", "-s", "-t mine", "-w -t mine"].map(|of| {
            let args: Vec<&str> = ["show-options"].into_iter().chain(of.split(' ')).collect();
            project.ask_tmux(&args)
        })
    };
    let before = theirs(&project);
    project.run(&["run"]).code(0);
    assert_eq!(theirs(&project), before);
    assert!(labels(&project).contains("<task-1 ✓>"), "{}", labels(&project));
    let said = word(&project);
    assert!(said.contains("✓ all complete") && said.contains("mine "), "{said}");
    // the next run takes its predecessor's word back, and adds its own once
    project.write(".kiro/specs/login/tasks.md", "- [x] 1. Task 1\n- [ ] 2. B\n");
    project.write("agent.sh", "exit 3");
    project.run(&["run"]).code(2);
    let said = word(&project);
    assert!(said.contains("✗ failed: 2") && !said.contains("complete"), "{said}");
    assert_eq!(said.matches("mine").count(), 1, "{said}");
    assert_eq!(theirs(&project), before);
}

#[test]
fn a_halt_a_failure_and_an_end_ring_in_main() {
    for (agent, code, said) in [
        (
            "echo 'Which #(touch ran) #[fg=red]one?'; say_halt",
            2,
            "‖ 1 asks: Which ＃(touch ran) ＃[fg=red]one?",
        ),
        ("exit 3", 2, "✗ failed: 1"),
        ("say_done", 0, "✓ all complete"),
    ] {
        let Some(project) = Project::new().tmux() else { return };
        let project = project.spec("login", tasks(1)).agent(agent).config("[retry]\nattempts = 1\n");
        // tmux marks the window that rang, unless somebody looks at it
        project.ask_tmux(&["new-session", "-d", "-s", "sequential-login", "-n", "seen", "sleep 4762"]);
        project.run(&["run"]).code(code);
        let bells =
            || project.ask_tmux(&["list-windows", "-t", SESSION, "-F", "#{window_name} #{window_bell_flag}"]);
        wait_until("the bell", || bells().contains("main 1"));
        assert!(bells().contains("task-1 0"), "{}", bells());
        assert!(word(&project).contains(said), "{}", word(&project));
        assert!(!project.path("ran").exists());
    }
}

#[test]
fn nothing_of_a_title_or_an_id_is_run_by_tmux() {
    let Some(project) = Project::new().tmux() else { return };
    let evil = "#(touch ran) #{pid} #[fg=red] '\"; kill-server";
    let project = project
        .spec("login", format!("- [ ] 1. {evil}\n- [ ] 2. {evil}\n"))
        .config("[retry]\nattempts = 1\n[[tmux.window]]\nname = \"#(touch ran)\"\ncommand = [\"sleep\", \"4763\"]\n")
        .agent("[ $SEQORCH_UNIT = 1 ] && say_done || { echo '#(touch ran) #{pid}'; say_halt; }");
    let run = project.start(&["run"]);
    // somebody looks, so that tmux draws its status line
    let mut look = project.tmux_command(&["-C", "attach", "-t", "sequential-login"]);
    run.wait().code(2);
    let mut look = look.stdout(std::process::Stdio::null()).spawn().unwrap();
    for format in ["#{T:status-right}", "#{E:#{T:status-right}}", "#{T:window-status-format}"] {
        project.ask_tmux(&["list-windows", "-a", "-F", format]);
    }
    assert!(word(&project).contains("‖ 2 asks: ＃(touch ran) ＃{pid}"), "{}", word(&project));
    let _ = look.kill();
    let _ = look.wait();
    assert!(!project.path("ran").exists() && !project.path(".home/ran").exists());
}

const SIDE: &str = r#"
[tmux]
layout = "main-vertical"
[[tmux.pane]]
command = ["sh", "-c", "echo at $(cat count) of $SEQORCH_UNIT;"]
every = "1s"
size = "30%"
[[tmux.pane]]
command = ["sh", "-c", "echo watching; (setsid sleep 4764 &); sleep 4764"]
[[tmux.pane]]
command = ["no-such-program"]
"#;

#[test]
fn side_panes_stand_beside_the_agent_show_its_end_and_leave_no_process() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project
        .spec("login", tasks(1))
        .config(SIDE)
        .agent("gate; echo 2 > count; gate; echo 3 > count; say_done");
    project.write("count", "1");
    let run = project.start(&["run"]);
    wait_until("the first look", || shown(&project, "task-1", 1).contains("at 1 of 1"));
    project.release();
    wait_until("the second look", || shown(&project, "task-1", 1).contains("at 2 of 1"));
    assert!(!shown(&project, "task-1", 1).contains("at 1"), "it was cleared");
    wait_until("the watcher", || project.alive_with("sleep 4764").len() >= 2);
    // the layout: the agent on the left with 70 % of the columns, the others below each other
    let geometry = || panes(&project, "task-1", "#{pane_left} #{pane_width} #{pane_active}");
    wait_until("the layout", || geometry().get(3).is_some_and(|pane| pane.starts_with("155")));
    let geometry = geometry();
    assert_eq!(geometry.len(), 4, "{geometry:?}");
    assert_eq!(geometry[0], "0 154 1");
    assert!(geometry[1..].iter().all(|pane| pane == "155 65 0"), "{geometry:?}");
    project.release();
    run.wait().code(0);
    wait_until("the end of all", || {
        project.alive_with("sleep 4764").is_empty() && project.alive_with("__pane").is_empty()
    });
    // tmux may still have to read what the last look said
    wait_until("the last look", || shown(&project, "task-1", 1).contains("at 3 of 1"));
    assert!(shown(&project, "task-1", 2).contains("watching"));
    assert!(shown(&project, "task-1", 3).contains("cannot start no-such-program"));
    assert_eq!(project.outcomes("login", "1"), ["done"]);
}

#[test]
fn side_panes_hold_nobody_up_and_go_with_a_stop_a_closed_window_and_a_killed_attempt() {
    let Some(project) = Project::new().tmux() else { return };
    let stubborn =
        "[[tmux.pane]]\ncommand = [\"sh\", \"-c\", \"trap '' TERM HUP INT; sleep 4765; sleep 4765\"]\n";
    let project = project
        .spec("login", tasks(3))
        .config(stubborn)
        .agent("case $SEQORCH_UNIT in 3) sleep 4766;; 2) [ $SEQORCH_ATTEMPT = 1 ] && sleep 4766; say_done;; *) say_done;; esac");
    let run = project.start(&["run"]);
    // the next step does not wait for the first one's pane
    wait_until("the second step", || project.ledger().contains(&"2 1".to_owned()));
    wait_until("its pane", || panes(&project, "task-2", "#{pane_id}").len() == 2);
    project.ask_tmux(&["kill-window", "-t", &format!("{SESSION}task-2")]);
    wait_until("the third step", || project.ledger().contains(&"3 1".to_owned()));
    wait_until("its pane", || panes(&project, "task-3", "#{pane_id}").len() == 2);
    project.run(&["stop", "--now"]).code(0).says(&["the run has ended"]);
    run.wait().code(143);
    wait_until("the end of all", || {
        project.alive_with("sleep 4765").is_empty() && project.alive_with("__pane").is_empty()
    });
}

#[test]
fn what_is_verified_has_a_pane_below_the_agent_beside_the_side_panes() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).config(
        "[[tmux.pane]]\ncommand = [\"echo\", \"beside\"]\n[verify]\n\
         commands = [[\"echo\", \"one\"], [\"echo\", \"two\"], [\"echo\", \"three\"], [\"echo\", \"four\"]]\n",
    );
    project.run(&["run"]).code(0);
    let geometry = panes(&project, "task-1", "#{pane_left} #{pane_top}");
    assert_eq!(geometry.len(), 3, "{geometry:?}");
    let left: Vec<_> = geometry.iter().filter(|pane| pane.starts_with("0 ")).collect();
    assert_eq!(left.len(), 2, "the agent and below it what was verified last: {geometry:?}");
    assert!(shown(&project, "task-1", 1).contains("four"));
    assert_eq!(project.windows("sequential-login"), ["main", "task-1"]);
}

#[test]
fn a_layout_that_this_tmux_does_not_know_becomes_the_plain_one_and_too_many_panes_harm_nothing() {
    let Some(project) = Project::new().tmux() else { return };
    let one = "[[tmux.pane]]\ncommand = [\"true\"]\nside = \"below\"\nsize = \"90%\"\n".repeat(40);
    let project = project
        .spec("login", tasks(2))
        .config(&format!("[tmux]\nsize = \"80x24\"\nlayout = \"main-vertical-mirrored\"\n{one}"));
    let run = project.run(&["run"]).code(0);
    assert_eq!(run.stdout.matches("a side pane could not be opened").count(), 1, "{}", run.stdout);
    assert_eq!(states(&project), ["main", "task-1 ✓", "task-2 ✓"]);
}

#[test]
fn windows_of_the_users_own_are_opened_once_with_the_environment_of_the_shell() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).config(
        "[[tmux.window]]\nname = \"log\"\ncommand = [\"sh\", \"-c\", \"echo $$ $ONLY_HERE in $PWD >> opened; exec sleep 4767\"]\n\
         [[tmux.window]]\nname = \"bad\"\ncommand = [\"no-such-program\"]\n",
    );
    project.ask_tmux(&["new-session", "-d", "-s", "old", "sleep 4767"]);
    let project = project.env("ONLY_HERE", "exported later");
    project.run(&["run"]).code(0);
    assert_eq!(project.windows("sequential-login"), ["main", "log", "bad", "task-1"]);
    wait_until("its note", || !project.read("opened").is_empty());
    wait_until("why it is not there", || shown(&project, "bad", 0).contains("cannot start no-such-program"));
    project.write(".kiro/specs/login/tasks.md", "- [x] 1. Task 1\n- [ ] 2. B\n");
    project.run(&["run"]).code(0);
    let opened = project.read("opened");
    assert_eq!(opened.lines().count(), 1, "{opened}");
    assert!(opened.contains(&format!("exported later in {}", project.root().display())), "{opened}");
    assert_eq!(project.windows("sequential-login"), ["main", "log", "bad", "task-1", "task-2"]);
}

#[test]
fn keep_closes_what_need_not_stay_and_never_the_last_window() {
    for (keep, main, left) in [
        ("all", true, &["main", "task-1", "task-2", "task-3", "task-4"][..]),
        ("failed", true, &["main", "task-2"]),
        ("none", true, &["main"]),
        ("failed", false, &["task-2"]),
        ("none", false, &["task-4"]),
    ] {
        let Some(project) = Project::new().tmux() else { return };
        let project = project
            .spec("login", tasks(4))
            .config(&format!(
                "[run]\non_failure = \"skip\"\n[retry]\nattempts = 2\n[tmux]\nkeep = \"{keep}\"\nmain = {main}\n"
            ))
            .agent("[ $SEQORCH_UNIT = 2 ] && exit 3; say_done");
        project.run(&["run"]).code(2);
        assert_eq!(project.ledger().len(), 5);
        wait_until(&format!("{left:?} with keep = {keep:?}, main = {main}"), || {
            project.windows("sequential-login") == left
        });
    }
}

#[test]
fn the_window_of_a_halt_stays_with_every_keep() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project
        .spec("login", tasks(3))
        .config("[tmux]\nkeep = \"none\"\n")
        .agent("[ $SEQORCH_UNIT = 2 ] && say_halt || say_done");
    project.run(&["run"]).code(2);
    assert_eq!(states(&project), ["main", "task-2 ‖"]);
}

#[test]
fn a_run_of_thirty_units_has_thirty_one_windows_each_with_its_mark() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(30));
    project.run(&["run"]).code(0);
    let states = states(&project);
    assert_eq!(states.len(), 31);
    for n in [1, 9, 10, 29, 30] {
        assert_eq!(states[n], format!("task-{n} ✓"));
    }
}

#[test]
fn a_dry_run_starts_nothing_that_is_configured_for_tmux() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).config(
        "[[tmux.pane]]\ncommand = [\"touch\", \"ran\"]\n[[tmux.window]]\nname = \"x\"\ncommand = [\"touch\", \"ran\"]\n",
    );
    for args in [&["plan", "--dry-run"][..], &["run", "--dry-run"], &["status"], &["config", "show"]] {
        project.run(args).code(0);
    }
    assert!(!project.path("ran").exists());
    assert_eq!(project.tmux_server(), None);
}

#[test]
fn doctor_names_what_could_not_start_beside_an_agent() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).config(SIDE);
    let said = project.run(&["doctor"]).stdout;
    assert!(said.contains("no-such-program, which a side pane runs, is not there"), "{said}");
    assert!(!said.contains("sh, which"), "{said}");
}

#[test]
fn an_older_tmux_that_lacks_an_option_does_all_the_same() {
    let Some(project) = Project::new().tmux() else { return };
    let real =
        String::from_utf8(project.command_of("sh", &["-c", "command -v tmux"]).output().unwrap().stdout);
    let real = real.unwrap().trim().to_owned();
    let shim = format!(
        "#!/bin/bash\nargs=()\nfor a in \"$@\"; do case $a in remain-on-exit-format|destroy-unattached|window-status-format|\
         status-right-length|other-pane-width) a=no-such-$a;; esac; args+=(\"$a\"); done\nexec {real} \"${{args[@]}}\"\n"
    );
    let project = project.spec("login", tasks(2)).file("bin/tmux", shim).config(SIDE);
    let bin = project.path("bin/tmux");
    std::fs::set_permissions(&bin, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", project.path("bin").display(), std::env::var("PATH").unwrap());
    let project = project.env("PATH", path);
    project.run(&["run"]).code(0);
    assert_eq!(states(&project), ["main", "task-1 ✓", "task-2 ✓"]);
}

#[test]
fn attach_selects_the_window_from_inside_and_says_what_is_wrong() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", "- [ ] 1. A\n  - [ ] 1.1 B\n  - [ ] 1.2 C\n").config(
        "[run]\ngranularity = \"task\"\n[[tmux.window]]\nname = \"log\"\ncommand = [\"sleep\", \"4768\"]\n",
    );
    project.run(&["attach"]).code(66).says(&["there is no tmux session sequential-login"]);
    project.run(&["run"]).code(0);
    project.run(&["attach", "7"]).code(64).says(&["task 7 has no window", "There are: main, log, 1.1, 1.2."]);
    // another server than the run's
    let elsewhere = project.command(&["attach", "1.1"]).env("TMUX", "/nowhere/default,1,0").output().unwrap();
    assert_eq!(elsewhere.status.code(), Some(64));
    let said = String::from_utf8_lossy(&elsewhere.stderr).into_owned();
    assert!(said.contains("another tmux server") && said.contains("attach -t sequential-login"), "{said}");

    // a person's own session on the same server, looked at from a terminal
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

    // from outside
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
fn runs_of_one_name_leave_each_others_windows_alone_and_attach_finds_its_own() {
    let Some(project) = Project::new().tmux() else { return };
    // another work tree of the same repository, say, and another spec of the same name in this one
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
    // whoever comes first has the name
    let sessions = project.ask_tmux(&["list-sessions", "-F", "#{session_windows} #{session_name}"]);
    let mut sessions: Vec<_> = sessions.lines().map(|line| line.split_once(' ').unwrap()).collect();
    sessions.sort_unstable();
    assert_eq!(sessions.iter().map(|(windows, _)| *windows).collect::<Vec<_>>(), ["2", "4"], "{sessions:?}");
    assert!(sessions.iter().any(|(_, name)| *name == "sequential-login"), "{sessions:?}");
    // there is no terminal here, which is said of a session that was found
    project.run(&["-C", "tree", "attach", "login", "1"]).code(1).says(&["not a terminal"]);
    project.write("go", "");
    for run in runs {
        run.wait().code(0);
    }
    assert_eq!(project.ledger(), ["1 1", "1 1", "1 1"], "none was ended and tried again");
    project.run(&["-C", "tree", "attach", "login", "1"]).code(1).says(&["not a terminal"]);
}

#[test]
fn detached_runs_of_one_name_that_begin_at_once_are_told_apart_later() {
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
fn attach_finds_the_session_that_an_earlier_run_was_given() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).agent("[ $SEQORCH_ATTEMPT = 1 ] && say_halt || say_done");
    project.run(&["run", "--tmux-session", "mine"]).code(2);
    project.run(&["attach", "1"]).code(1).says(&["not a terminal"]);
    // which a resume goes on in
    project.run(&["resume", "--answer", "A"]).code(0).says(&["attach -t mine"]);
    assert_eq!(project.ask_tmux(&["list-sessions", "-F", "#{session_name}"]).trim(), "mine");
}

#[test]
fn attach_to_a_subtask_finds_the_window_of_the_task_that_it_is_done_with() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", "- [ ] 1. A\n  - [ ] 1.1 B\n");
    project.run(&["run"]).code(0);
    // tmux itself says what it lacks here
    project.run(&["attach", "1.1"]).code(1).says(&["not a terminal"]);
    project.run(&["attach", "1.2"]).code(64).says(&["task 1.2 has no window", "There are: main, 1."]);
}

#[test]
fn attach_follows_a_run_that_was_given_another_session_and_says_when_that_was_killed() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project
        .spec("login", tasks(2))
        .agent("gate; say_done")
        .config("[retry]\nbackoff = \"1h\"\nmax_backoff = \"1h\"\n");
    let run = project.start(&["run", "--tmux-session", "other"]);
    project.wait_for_ledger(1);
    project.run(&["attach", "9"]).code(64).says(&["There are: main, 1."]);
    project.ask_tmux(&["kill-session", "-t", "=other"]);
    run.wait_for("in 1h");
    project.run(&["attach"]).code(66).says(&["no tmux session other", "It was killed; the run goes on"]);
    project.run(&["stop"]).code(0);
    run.wait().code(130);
}
