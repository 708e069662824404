//! The live view: in the main window of a run, and `status --watch` on a terminal and in a pipe.

use std::process::Command;

use rustix::process::Signal;

use crate::common::{Project, Running, kill, tasks, wait_until};

const MAIN: &str = "=sequential-login:main";

/// What the main window shows now.
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

/// How many views are alive.
fn views(project: &Project) -> usize {
    project.alive_with(" __view ").len()
}

/// Types keys in the main window.
fn press(project: &Project, keys: &[&str]) {
    project.ask_tmux(&[&["send-keys", "-t", MAIN], keys].concat());
}

#[test]
#[ignore = "slow"]
fn the_main_window_shows_the_plan_live_and_then_the_summary() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project
        .spec("login", "- [ ] 1. First\n- [ ] 2. Second\n- [ ]* 3. Third\n")
        .agent("echo I look around; gate; say_done");
    let run = project.start(&["run"]);
    shows(&project, "▶ 1  First");
    shows(&project, "I look around");
    let text = main_window(&project);
    assert!(text.starts_with("seqorch · login · running") && text.contains("0 of 3 done"), "{text}");
    assert!(
        text.contains("› 2  Second") && text.contains("– 3  Third (optional; use --include-optional)"),
        "{text}"
    );
    assert_eq!(ask(&project, "#{alternate_on}"), "1");
    project.release();
    shows(&project, "✓ 1  First");
    shows(&project, "1 of 3 done · about");
    project.release();
    run.wait().code(0);
    shows(&project, "── login ── all complete");
    shows(&project, "2 of 3 tasks done · 1 skipped");
    assert_eq!((views(&project), ask(&project, "#{alternate_on}").as_str()), (1, "1"), "it stays");
    // its keys still work
    press(&project, &["g", "Enter"]);
    shows(&project, "── log of task 1 First ──");
    shows(&project, "I look around");
    press(&project, &["q", "Down", "Down", "d"]);
    shows(&project, "task 3 has not run yet");
    press(&project, &["q", "q"]);
    shows(&project, "this window stays with the run");
    assert_eq!((views(&project), ask(&project, "#{alternate_on}").as_str()), (1, "1"), "it stays");
}

#[test]
fn a_new_run_does_not_show_the_summary_of_an_old_one() {
    let project = Project::new().spec("login", tasks(1)).agent("gate; say_halt");
    let summary = project.path(".seqorch/login/summary.txt");
    let run = project.start(&["run"]);
    project.release();
    run.wait().code(2);
    assert!(std::fs::read_to_string(&summary).unwrap().contains("needs you: task 1 asks"));
    let run = project.start(&["run", "--retry"]);
    project.wait_for_ledger(2);
    assert!(!summary.exists());
    project.release();
    run.wait().code(2);
    assert!(summary.exists());
}

/// Starts a run and waits until its main window shows task 1.
fn at_work(project: &Project, detach: bool) -> Running {
    let run = project.start(if detach { &["run", "--detach"] } else { &["run"] });
    project.wait_for_ledger(1);
    shows(project, "▶ 1  Task 1");
    run
}

#[test]
#[ignore = "slow"]
fn the_window_of_a_killed_run_says_so_and_stays() {
    for detach in [false, true] {
        let Some(project) = Project::new().tmux() else { return };
        let project = project.spec("login", tasks(2)).agent("gate; say_done");
        let run = at_work(&project, detach);
        kill(project.run_pid(), Signal::KILL);
        shows(&project, "seqorch · login · orphaned");
        shows(&project, "no run watches it; this takes it over:");
        drop(run.wait());
        project.release();
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
#[ignore = "slow"]
fn ctrl_c_in_the_main_window_stops_the_run_and_q_does_nothing() {
    for detach in [false, true] {
        let Some(project) = Project::new().tmux() else { return };
        let project = project.spec("login", tasks(2)).agent("gate; say_done");
        let run = at_work(&project, detach);
        project.ask_tmux(&["send-keys", "-t", MAIN, "q"]);
        shows(&project, "this window stays with the run");
        let pid = project.run_pid();
        project.ask_tmux(&["send-keys", "-t", MAIN, "C-c"]);
        shows(&project, "running, stopping after this step");
        project.ask_tmux(&["send-keys", "-t", MAIN, "C-c"]);
        wait_until("the end of the run", || !project.alive().iter().any(|(p, _)| *p == pid));
        drop(run.wait().code(if detach { 0 } else { 130 }));
        shows(&project, "── login ── stopped by you");
        assert_eq!(project.outcomes("login", "1"), ["cancelled"]);
        assert_eq!(project.ledger(), ["1 1"]);
    }
}

#[test]
#[ignore = "slow"]
fn keys_stop_the_run_after_its_step_and_take_that_back() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(3)).agent("gate; say_done");
    let run = at_work(&project, true);
    press(&project, &["x"]);
    shows(&project, "stop after this step? y n");
    press(&project, &["y"]);
    shows(&project, "running, stopping after this step");
    press(&project, &["x"]);
    shows(&project, "login · running  ");
    project.release();
    shows(&project, "▶ 2  Task 2");
    project.run(&["stop", "--cancel"]).code(0).says(&["was asked to continue after its current step"]);
    press(&project, &["x", "y"]);
    shows(&project, "running, stopping after this step");
    project.release();
    shows(&project, "── login ── stopped by you");
    drop(run.wait());
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    press(&project, &["x"]);
    shows(&project, "no run is active");
}

#[test]
fn an_answer_in_the_main_window_continues_the_run_there() {
    let Some(project) = Project::new().tmux() else { return };
    let agent = "if [ -f .asked ]; then say_done; else touch .asked; echo Which?; say_halt; fi";
    let project = project.spec("login", tasks(1)).agent(agent).env("EDITOR", "printf Postgres >");
    project.run(&["run"]).code(2);
    shows(&project, "needs you: task 1 asks");
    press(&project, &["a"]);
    shows(&project, "── login ── all complete");
    project.run(&["logs", "--prompt"]).code(0).says(&["Postgres"]);
}

#[test]
fn closing_the_main_window_ends_a_detached_run_not_its_agent() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).agent("gate; say_done");
    project.run(&["run", "--detach"]).code(0);
    project.wait_for_ledger(1);
    shows(&project, "▶ 1  Task 1");
    let pid = project.run_pid();
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
fn a_detached_run_that_cannot_start_says_why() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).agent("say_done").config("[git]\ncommit = \"step\"\n");
    // there is no git repository, which only the run itself finds out
    let output = project.run(&["run", "--detach"]);
    assert_ne!(output.code, 0, "{}", output.stdout);
    assert!(output.stderr.contains("git"), "{}", output.stderr);
}

#[test]
#[ignore = "slow"]
fn the_live_view_follows_the_window_size_and_scrolls() {
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
    shows(&project, "follow the running task");
    press(&project, &["?"]);
    project.release();
    run.wait().code(0);
    // of this long summary, the lines of the tasks are left out
    shows(&project, "60 of 60 tasks done");
}

#[test]
fn a_halt_shows_its_question_and_the_command_that_continues() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(2)).agent("echo Which database?; say_halt");
    project.run(&["run"]).code(2);
    shows(&project, "Which database?");
    shows(&project, "seqorch resume login --answer \"…\"");
}

#[test]
fn text_of_agents_and_tasks_cannot_steer_the_main_window() {
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
#[ignore = "slow"]
fn the_live_view_has_colours_only_where_wanted() {
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
fn status_watch_in_a_pipe_prints_a_line_per_event() {
    let project = Project::new().spec("login", tasks(2)).agent("gate; say_done");
    project.run(&["status", "--watch"]).code(0).says(&["no run is active, and none ran before"]);
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    let text = project.start(&["status", "--watch"]);
    let json = project.start(&["status", "--watch", "--json"]);
    text.wait_for("▶ 1 Task 1");
    project.release();
    text.wait_for("✓ task 1 done in");
    text.wait_for("▶ 2 Task 2");
    project.release();
    run.wait().code(0);
    let text = text.wait().code(0).says(&["✓ task 2 done", "── all complete", "2 of 2 tasks done"]);
    assert!(!text.stdout.contains('\u{1b}'), "{:?}", text.stdout);
    assert_eq!(json.wait().code(0).stdout, project.read(".seqorch/login/events.jsonl"), "the same lines");
    // after the run it prints the same and ends at once
    project.run(&["status", "--watch"]).code(0).says(&["▶ 1 Task 1", "── all complete"]);
}

#[test]
fn a_dumb_terminal_gets_a_line_per_event() {
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
    assert!(text.contains("✓ task 1 done") && text.contains("all complete"), "{text:?}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn status_watch_ends_with_its_terminal() {
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

#[test]
fn no_word_breaks_at_the_edge_of_a_terminal() {
    let Some(project) = Project::new().tmux() else { return };
    let words = "I compared the providers that the design names, their fees, their terms and the countries that they serve. ";
    let project = project
        .spec("login", tasks(1))
        .agent(&format!("echo '{}Which of both do you want me to use?'; say_halt", words.repeat(3)));
    project.run(&["run", "--no-tmux"]).code(2);
    for (n, typed) in
        ["status", "report", "pause", "run nope", "resume nope --answer x", "undo 9"].into_iter().enumerate()
    {
        let args: Vec<&str> = typed.split(' ').collect();
        let plain = project.run(&args);
        let plain = format!("{}\n{}", plain.stdout, plain.stderr);
        let known: Vec<&str> = plain.split_whitespace().collect();
        let name = format!("edge-{n}");
        let shell = format!("{} {typed}; echo; echo over; exec sleep 60", env!("CARGO_BIN_EXE_seqorch"));
        let root = project.root().display().to_string();
        project.ask_tmux(&["new-session", "-d", "-x", "80", "-y", "100", "-s", &name, "-c", &root, &shell]);
        let screen = || project.ask_tmux(&["capture-pane", "-p", "-t", &format!("={name}:")]);
        wait_until("the end of the verb", || screen().contains("\nover\n"));
        // a table has narrower columns there, and times differ
        let shown = screen();
        let lines = shown.lines().filter(|line| !line.starts_with('|') && *line != "over");
        for word in
            lines.flat_map(str::split_whitespace).filter(|word| !word.contains(|c: char| c.is_ascii_digit()))
        {
            assert!(known.contains(&word), "{typed}: {word:?} is no word of\n{plain}\nin\n{shown}");
        }
    }
}
