//! Side panes next to an agent.

use crate::common::windows::{SESSION, panes, shown, states};
use crate::common::{Project, tasks, wait_until};

pub(crate) const SIDE: &str = r#"
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

/// What only the command line of a side pane's own process has: the token of its program.
const SIDE_PANE: &str = ".sock 0 ";

#[test]
#[ignore = "slow"]
fn side_panes_show_their_output_and_leave_no_process() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project
        .spec("login", tasks(1))
        .config(SIDE)
        .agent("gate; echo 2 > count; gate; echo 3 > count; say_done");
    project.write("count", "1");
    let run = project.start(&["run"]);
    wait_until("the first output", || shown(&project, "task-1", 1).contains("at 1 of 1"));
    project.release();
    wait_until("the second output", || shown(&project, "task-1", 1).contains("at 2 of 1"));
    assert!(!shown(&project, "task-1", 1).contains("at 1"), "it was cleared");
    wait_until("the watcher", || project.alive_with("sleep 4764").len() >= 2);
    // the agent is on the left with 70 % of the columns, the other panes are below each other on the right
    let geometry = || panes(&project, "task-1", "#{pane_left} #{pane_width} #{pane_active}");
    wait_until("the layout", || geometry().get(3).is_some_and(|pane| pane.starts_with("155")));
    let geometry = geometry();
    assert_eq!(geometry.len(), 4, "{geometry:?}");
    assert_eq!(geometry[0], "0 154 1");
    assert!(geometry[1..].iter().all(|pane| pane == "155 65 0"), "{geometry:?}");
    project.release();
    run.wait().code(0);
    wait_until("the end of all", || {
        project.alive_with("sleep 4764").is_empty() && project.alive_with(SIDE_PANE).is_empty()
    });
    // tmux may show a pane's last output a moment later
    wait_until("the last output", || shown(&project, "task-1", 1).contains("at 3 of 1"));
    assert!(shown(&project, "task-1", 2).contains("watching"));
    assert!(shown(&project, "task-1", 3).contains("cannot start no-such-program"));
    assert_eq!(project.outcomes("login", "1"), ["done"]);
}

#[test]
#[ignore = "slow"]
fn side_panes_delay_nothing_and_end_with_their_attempt() {
    let Some(project) = Project::new().tmux() else { return };
    let stubborn =
        "[[tmux.pane]]\ncommand = [\"sh\", \"-c\", \"trap '' TERM HUP INT; sleep 4765; sleep 4765\"]\n";
    let project = project
        .spec("login", tasks(3))
        .config(stubborn)
        .agent("case $SEQORCH_UNIT in 3) sleep 4766;; 2) [ $SEQORCH_ATTEMPT = 1 ] && sleep 4766; say_done;; *) say_done;; esac");
    let run = project.start(&["run"]);
    // step 2 starts while the pane of step 1 is alive
    wait_until("the second step", || project.ledger().contains(&"2 1".to_owned()));
    wait_until("its pane", || panes(&project, "task-2", "#{pane_id}").len() == 2);
    project.ask_tmux(&["kill-window", "-t", &format!("{SESSION}task-2")]);
    wait_until("the third step", || project.ledger().contains(&"3 1".to_owned()));
    wait_until("its pane", || panes(&project, "task-3", "#{pane_id}").len() == 2);
    project.run(&["stop", "--now"]).code(0).says(&["the run has ended"]);
    run.wait().code(143);
    wait_until("the end of all", || {
        project.alive_with("sleep 4765").is_empty() && project.alive_with(SIDE_PANE).is_empty()
    });
}

#[test]
fn checks_have_a_pane_below_the_agent_next_to_side_panes() {
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
fn unknown_layouts_and_too_many_panes_do_no_harm() {
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
fn doctor_names_programs_of_side_panes_that_are_missing() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).config(SIDE);
    let printed = project.run(&["doctor"]).stdout;
    assert!(printed.contains("no-such-program, which a side pane runs, was not found"), "{printed}");
    assert!(!printed.contains("sh, which"), "{printed}");
}

#[test]
fn an_older_tmux_without_some_options_works() {
    let Some(project) = Project::new().tmux() else { return };
    let real =
        String::from_utf8(project.command_of("sh", &["-c", "command -v tmux"]).output().unwrap().stdout);
    let real = real.unwrap().trim().to_owned();
    let shim = format!(
        "#!/bin/bash\nargs=()\nfor a in \"$@\"; do case $a in remain-on-exit-format|destroy-unattached|window-status-format|\
         status-right-length|other-pane-width) a=no-such-$a;; esac; args+=(\"$a\"); done\nexec {real} \"${{args[@]}}\"\n"
    );
    // outside of the project: a tmux that a repository brings is not run
    let bin = project.outside();
    let project = project.spec("login", tasks(2)).file(bin.join("tmux"), shim).config(SIDE);
    std::fs::set_permissions(bin.join("tmux"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let project = project.env("PATH", path);
    project.run(&["run"]).code(0);
    assert_eq!(states(&project), ["main", "task-1 ✓", "task-2 ✓"]);
}
