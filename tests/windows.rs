//! Windows of a session: names, marks, bells, which of them stay, and windows of the user's own.

use crate::common::windows::{SESSION, shown, states};
use crate::common::{Project, tasks, wait_until};

/// What the status line shows for each window, expanded by tmux.
fn labels(project: &Project) -> String {
    project.ask_tmux(&["list-windows", "-t", SESSION, "-F", "#{T:window-status-format}"])
}

/// The right side of the session's status line, expanded by tmux.
fn word(project: &Project) -> String {
    project.ask_tmux(&["display-message", "-p", "-t", SESSION, "#{T:status-right}"])
}

#[test]
#[ignore = "slow"]
fn a_window_keeps_its_name_and_its_label_shows_the_outcome() {
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
    // `task-1` is found although `task-10` and `task-11` start with it
    for (target, name) in [("task-1", "task-1"), ("=task-1", "task-1"), ("task-11", "task-11")] {
        let target = format!("{SESSION}{target}");
        assert_eq!(project.ask_tmux(&["select-window", "-t", &target]), "");
        assert_eq!(project.ask_tmux(&["display-message", "-p", "-t", SESSION, "#W"]).trim(), name);
    }
}

#[test]
#[ignore = "slow"]
fn the_mark_is_in_the_users_own_format_and_changes_nothing_else() {
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
    let printed = word(&project);
    assert!(printed.contains("✓ all complete") && printed.contains("mine "), "{printed}");
    // the next run replaces the message of the run before it
    project.write(".kiro/specs/login/tasks.md", "- [x] 1. Task 1\n- [ ] 2. B\n");
    project.write("agent.sh", "exit 3");
    project.run(&["run"]).code(2);
    let printed = word(&project);
    assert!(printed.contains("✗ failed: 2") && !printed.contains("complete"), "{printed}");
    assert_eq!(printed.matches("mine").count(), 1, "{printed}");
    assert_eq!(theirs(&project), before);
}

#[test]
#[ignore = "slow"]
fn a_halt_a_failure_and_an_end_ring_the_bell_in_main() {
    for (agent, code, printed) in [
        ("echo 'Which #(touch ran) #[fg=red]one?'; say_halt", 2, "‖ 1 asks"),
        ("exit 3", 2, "✗ failed: 1"),
        ("say_done", 0, "✓ all complete"),
    ] {
        let Some(project) = Project::new().tmux() else { return };
        let project = project.spec("login", tasks(1)).agent(agent).config("[retry]\nattempts = 1\n");
        // tmux flags a window that rang only if no client shows it
        project.ask_tmux(&["new-session", "-d", "-s", "sequential-login", "-n", "seen", "sleep 4762"]);
        project.run(&["run"]).code(code);
        let bells =
            || project.ask_tmux(&["list-windows", "-t", SESSION, "-F", "#{window_name} #{window_bell_flag}"]);
        wait_until("the bell", || bells().contains("main 1"));
        assert!(bells().contains("task-1 0"), "{}", bells());
        assert!(word(&project).contains(printed), "{}", word(&project));
        assert!(!project.path("ran").exists());
    }
}

#[test]
fn tmux_runs_nothing_of_a_title_or_an_agents_words() {
    let Some(project) = Project::new().tmux() else { return };
    let evil = "#(touch ran) #{pid} #[fg=red] '\"; kill-server";
    let project = project
        .spec("login", format!("- [ ] 1. {evil}\n- [ ] 2. {evil}\n"))
        .config("[retry]\nattempts = 1\n[[tmux.window]]\nname = \"#(touch ran)\"\ncommand = [\"sleep\", \"4763\"]\n")
        .agent("[ $SEQORCH_UNIT = 1 ] && say_done || { echo '#(touch ran) #{pid}'; say_halt; }");
    let run = project.start(&["run"]);
    // a client is attached, so that tmux draws its status line
    let mut look = project.tmux_command(&["-C", "attach", "-t", "sequential-login"]);
    run.wait().code(2);
    let mut look = look.stdout(std::process::Stdio::null()).spawn().unwrap();
    for format in ["#{T:status-right}", "#{E:#{T:status-right}}", "#{T:window-status-format}"] {
        project.ask_tmux(&["list-windows", "-a", "-F", format]);
    }
    assert!(word(&project).contains("‖ 2 asks"), "{}", word(&project));
    let _ = look.kill();
    let _ = look.wait();
    assert!(!project.path("ran").exists() && !project.path(".home/ran").exists());
}

#[test]
fn configured_windows_open_once_with_the_environment_of_the_shell() {
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
#[ignore = "slow"]
fn tmux_keep_decides_which_windows_stay() {
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
fn the_window_of_a_halt_always_stays() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project
        .spec("login", tasks(3))
        .config("[tmux]\nkeep = \"none\"\n")
        .agent("[ $SEQORCH_UNIT = 2 ] && say_halt || say_done");
    project.run(&["run"]).code(2);
    assert_eq!(states(&project), ["main", "task-2 ‖"]);
}

#[test]
#[ignore = "slow"]
fn thirty_units_have_thirty_windows_with_their_marks() {
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
fn a_dry_run_opens_no_configured_pane_or_window() {
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
fn another_attempt_in_a_window_leaves_the_selected_one() {
    let Some(project) = Project::new().tmux() else { return };
    let agent = "[ -e again ] && say_done || { touch again; exit 3; }";
    let project = project.spec("login", tasks(1)).agent(agent).config("[tmux]\nkeep = \"all\"\n");
    project.run(&["run"]).code(0).says(&["done, 2 attempts"]);
    let selected = project.ask_tmux(&["display-message", "-p", "-t", SESSION, "#{window_name}"]);
    assert_eq!(selected.trim(), "main");
}
