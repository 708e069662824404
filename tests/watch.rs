//! The live view: in the main window of a run, and for whoever asks, on a terminal and in a pipe.

use std::process::Command;

use rustix::process::Signal;

use crate::common::{Project, Running, kill, wait_until};

const MAIN: &str = "=sequential-login:main";

fn tasks(count: usize) -> String {
    let lines: Vec<_> = (1..=count).map(|n| format!("- [ ] {n}. Task {n}\n")).collect();
    lines.concat()
}

/// What the main window shows right now.
fn main_window(project: &Project) -> String {
    project.ask_tmux(&["capture-pane", "-p", "-t", MAIN])
}

#[track_caller]
fn shows(project: &Project, part: &str) {
    wait_until(part, || main_window(project).contains(part));
}

fn ask(project: &Project, format: &str) -> String {
    project.ask_tmux(&["display-message", "-p", "-t", MAIN, format]).trim().to_owned()
}

/// Views that are alive.
fn views(project: &Project) -> usize {
    project.alive_with(" __view ").len()
}

/// The process that has the spec.
fn orchestrator(project: &Project) -> i32 {
    let lock: serde_json::Value = serde_json::from_str(&project.read(".seqorch/login/run.lock")).unwrap();
    i32::try_from(lock["pid"].as_i64().unwrap()).unwrap()
}

#[test]
fn the_main_window_shows_the_plan_live_and_in_the_end_the_summary() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project
        .spec("login", "- [ ] 1. First\n- [ ] 2. Second\n- [ ]* 3. Third\n")
        .agent("echo I look around; gate; say_done");
    let run = project.start(&["run"]);
    shows(&project, "▶ 1  First");
    shows(&project, "I look around");
    let text = main_window(&project);
    assert!(text.starts_with("seqorch · login · running") && text.contains("0 of 2 done"), "{text}");
    assert!(text.contains("› 2  Second") && text.contains("– 3  Third (optional, not asked for)"), "{text}");
    assert_eq!(ask(&project, "#{alternate_on}"), "1");
    project.release();
    shows(&project, "✓ 1  First");
    shows(&project, "1 of 2 done · about");
    project.release();
    run.wait().code(0);
    shows(&project, "── login ── all complete");
    shows(&project, "2 done · 0 not done · 0 left · 1 optional, skipped");
    wait_until("the end of the view", || views(&project) == 0);
    assert_eq!(ask(&project, "#{alternate_on}"), "0");
}

#[test]
fn whoever_watches_a_new_run_is_not_told_the_summary_of_an_old_one() {
    let project = Project::new().spec("login", tasks(1)).agent("gate; say_halt");
    let summary = project.path(".seqorch/login/summary.txt");
    let run = project.start(&["run"]);
    project.release();
    run.wait().code(2);
    assert!(std::fs::read_to_string(&summary).unwrap().contains("halted: task 1 needs a human"));
    let run = project.start(&["run", "--retry"]);
    project.wait_for_ledger(2);
    assert!(!summary.exists());
    project.release();
    run.wait().code(2);
    assert!(summary.exists());
}

/// A run that works on its first task, as its main window shows.
fn at_work(project: &Project, detach: bool) -> Running {
    let run = project.start(if detach { &["run", "--detach"] } else { &["run"] });
    project.wait_for_ledger(1);
    shows(project, "▶ 1  Task 1");
    run
}

#[test]
fn a_killed_run_leaves_a_window_that_says_so_and_ends_with_the_agent() {
    for detach in [false, true] {
        let Some(project) = Project::new().tmux() else { return };
        let project = project.spec("login", tasks(2)).agent("gate; say_done");
        let run = at_work(&project, detach);
        kill(orchestrator(&project), Signal::KILL);
        shows(&project, "seqorch · login · orphaned");
        shows(&project, "no run watches it; this takes it over:");
        drop(run.wait());
        project.release();
        // nothing lives any more that could be watched
        wait_until("the end of the view", || views(&project) == 0);
        shows(&project, "the last run was cut off; nothing is lost");
        project.run(&["status"]).code(0).says(&["idle"]);
        let next = project.start(&["run"]);
        project.wait_for_ledger(2);
        shows(&project, "▶ 2  Task 2");
        project.release();
        next.wait().code(0);
        assert_eq!(project.ledger(), ["1 1", "2 1"]);
        assert_eq!(project.windows("sequential-login").iter().filter(|w| *w == "main").count(), 1);
    }
}

#[test]
fn ctrl_c_in_the_main_window_stops_after_the_step_and_twice_ends_the_agent_and_q_does_nothing() {
    for detach in [false, true] {
        let Some(project) = Project::new().tmux() else { return };
        let project = project.spec("login", tasks(2)).agent("gate; say_done");
        let run = at_work(&project, detach);
        project.ask_tmux(&["send-keys", "-t", MAIN, "q"]);
        shows(&project, "this window stays with the run");
        let pid = orchestrator(&project);
        project.ask_tmux(&["send-keys", "-t", MAIN, "C-c"]);
        shows(&project, "running, stopping after this step");
        project.ask_tmux(&["send-keys", "-t", MAIN, "C-c"]);
        wait_until("the end of the run", || !project.alive().iter().any(|(p, _)| *p == pid));
        drop(run.wait().code(if detach { 0 } else { 130 }));
        shows(&project, "── login ── interrupted");
        assert_eq!(project.outcomes("login", "1"), ["cancelled"]);
        assert_eq!(project.ledger(), ["1 1"]);
    }
}

#[test]
fn a_window_that_is_closed_hangs_up_a_detached_run_and_leaves_its_agent() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).agent("gate; say_done");
    project.run(&["run", "--detach"]).code(0);
    project.wait_for_ledger(1);
    shows(&project, "▶ 1  Task 1");
    let pid = orchestrator(&project);
    project.ask_tmux(&["kill-window", "-t", MAIN]);
    wait_until("the end of the run", || !project.alive().iter().any(|(p, _)| *p == pid));
    assert_eq!(views(&project), 0);
    let next = project.start(&["run"]);
    next.wait_for("taking it over");
    project.release();
    next.wait().code(0);
    assert_eq!(project.ledger(), ["1 1"]);
}

#[test]
fn a_detached_run_that_cannot_work_says_why_to_whoever_typed_it() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).agent("say_done").config("[git]\ncommit = \"step\"\n");
    // no repository: found only by the run itself
    let output = project.run(&["run", "--detach"]);
    assert_ne!(output.code, 0, "{}", output.stdout);
    assert!(output.stderr.contains("git"), "{}", output.stderr);
}

#[test]
fn the_window_follows_its_size_and_scrolls() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(60)).agent("[ $SEQORCH_UNIT = 30 ] && gate; say_done");
    let project = project.config("[run]\nmax_iterations = 100\n[tmux]\nsize = \"80x24\"\n");
    let run = project.start(&["run"]);
    shows(&project, "▶ 30  Task 30");
    shows(&project, "29 of 60 done");
    assert!(main_window(&project).lines().count() <= 24);
    project.ask_tmux(&["send-keys", "-t", MAIN, "g"]);
    shows(&project, "✓ 1   Task 1 ");
    project.ask_tmux(&["send-keys", "-t", MAIN, "End"]);
    shows(&project, "· 60  Task 60");
    project.ask_tmux(&["send-keys", "-t", MAIN, "f"]);
    shows(&project, "✓ 29  Task 29");
    for (size, part) in [
        (["20", "5"], "login · running"),
        (["220", "50"], "── what happened ──"),
        (["1", "1"], "…"),
        (["80", "24"], "29 of 60 done"),
    ] {
        project.ask_tmux(&["resize-window", "-t", MAIN, "-x", size[0], "-y", size[1]]);
        shows(&project, part);
    }
    project.ask_tmux(&["send-keys", "-t", MAIN, "?"]);
    shows(&project, "follow what runs");
    project.release();
    run.wait().code(0);
    // the headline of so long a summary is above the window
    shows(&project, "60 done · 0 not done · 0 left");
}

#[test]
fn a_halt_shows_its_question_in_the_window_with_the_command_to_go_on() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(2)).agent("echo Which database?; say_halt");
    project.run(&["run"]).code(2);
    shows(&project, "Which database?");
    shows(&project, "seqorch resume login --answer \"…\"");
}

#[test]
fn nothing_of_an_agent_or_of_tasks_md_steers_the_main_window() {
    let Some(project) = Project::new().tmux() else { return };
    let hostile = r"printf '\033]0;evil\007\033[?1049l\033[2Jwords \033[31mred\n'; gate; say_done";
    let project = project.spec("login", "- [ ] 1. A\u{1b}]0;evil\u{7}\u{1b}[2JB\n").agent(hostile);
    let run = project.start(&["run"]);
    shows(&project, "words red");
    let text = main_window(&project);
    assert!(text.contains("▶ 1  AB") && !text.contains("evil"), "{text}");
    assert_eq!(ask(&project, "#{alternate_on}"), "1");
    assert!(!ask(&project, "#{pane_title}").contains("evil"));
    project.release();
    run.wait().code(0);
}

#[test]
fn colours_are_there_only_where_they_are_wanted() {
    for (variable, args, wanted) in [
        ("OTHER", &["run"][..], true),
        ("NO_COLOR", &["run"], false),
        ("OTHER", &["--color", "never", "run"], false),
        ("NO_COLOR", &["--color", "always", "run"], true),
    ] {
        let Some(project) = Project::new().tmux() else { return };
        let project = project.spec("login", tasks(2)).agent("gate; say_done").env(variable, "1");
        let run = project.start(args);
        shows(&project, "▶ 1  Task 1");
        let styled = project.ask_tmux(&["capture-pane", "-e", "-p", "-t", MAIN]);
        assert_eq!(styled.contains("\u{1b}["), wanted, "{variable} {args:?}: {styled:?}");
        kill(run.pid(), Signal::TERM);
        drop(run.wait());
    }
}

#[test]
fn in_a_pipe_there_is_a_line_per_event_until_the_run_ends() {
    let project = Project::new().spec("login", tasks(2)).agent("gate; say_done");
    project.run(&["status", "--watch"]).code(0).says(&["no run is at work, and none was"]);
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    let text = project.start(&["status", "--watch"]);
    let json = project.start(&["status", "--watch", "--json"]);
    text.wait_for("▶ 1 Task 1");
    project.release();
    text.wait_for("✓ 1 done after");
    text.wait_for("▶ 2 Task 2");
    project.release();
    run.wait().code(0);
    let text = text.wait().code(0).says(&["✓ 2 done", "── all complete", "2 done · 0 not done"]);
    assert!(!text.stdout.contains('\u{1b}'), "{:?}", text.stdout);
    assert_eq!(json.wait().code(0).stdout, project.read(".seqorch/login/events.jsonl"), "the same lines");
    // afterwards it tells the same, and ends at once
    project.run(&["status", "--watch"]).code(0).says(&["▶ 1 Task 1", "── all complete"]);
}

#[test]
fn a_run_with_json_prints_what_events_jsonl_keeps() {
    let project = Project::new().spec("login", tasks(2));
    let run = project.run(&["run", "--json"]).code(0);
    assert_eq!(run.stdout, project.read(".seqorch/login/events.jsonl"));
    assert!(run.stdout.lines().all(|line| line.starts_with("{\"v\":1,\"at\":\"")), "{}", run.stdout);
}

#[test]
fn a_terminal_that_cannot_draw_gets_lines() {
    let project = Project::new().spec("login", tasks(1));
    project.run(&["run"]).code(0);
    let exe = env!("CARGO_BIN_EXE_seqorch");
    let mut command: Command =
        project.command_of("script", &["-qec", &format!("'{exe}' status --watch"), "/dev/null"]);
    let Ok(output) = command.env("TERM", "dumb").output() else {
        crate::common::skipped("no `script` here");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("✓ 1 done") && text.contains("all complete"), "{text:?}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn a_watcher_whose_terminal_is_gone_ends() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).agent("gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    let exe = env!("CARGO_BIN_EXE_seqorch");
    let window = ["new-window", "-d", "-n", "mine", "-t", "=sequential-login:", "-c"];
    let watch = [project.root().to_str().unwrap(), exe, "status", "--watch"];
    project.ask_tmux(&[&window[..], &watch].concat());
    wait_until("the watcher", || {
        project.ask_tmux(&["capture-pane", "-p", "-t", "=sequential-login:mine"]).contains("▶ 1  Task 1")
    });
    assert_eq!(project.alive_with("status --watch").len(), 1);
    project.ask_tmux(&["kill-window", "-t", "=sequential-login:mine"]);
    wait_until("its end", || project.alive_with("status --watch").is_empty());
    project.release();
    run.wait().code(0);
}
