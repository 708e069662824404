//! `log.keep`: which folders of old attempts a run removes.

use serde_json::Value;

use crate::common::Project;

const STATE: &str = ".kiro/specs/SEQUENTIAL_STATE.json";

/// Sets all times of the state file back by some years.
fn long_ago(project: &Project) {
    let year: i32 = jiff::Timestamp::now().to_string()[..4].parse().unwrap();
    let mut text = project.read(STATE);
    for year in [year, year - 1] {
        text = text.replace(&format!("\"{year}-"), "\"2019-");
    }
    project.write(STATE, text);
}

/// Task 1 fails once and is then done; task 2 is never done.
fn project(keep: &str) -> Project {
    Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n")
        .agent("[ $SEQORCH_UNIT = 1 ] && [ $SEQORCH_ATTEMPT = 2 ] && say_done")
        .config(&format!("[log]\nkeep = \"{keep}\"\n[retry]\nattempts = 2\n"))
}

#[test]
#[ignore = "slow"]
fn only_attempts_of_done_tasks_are_removed_after_their_time() {
    let project = project("30d");
    let kept = |unit: &str, attempt: u32| project.path(format!(".seqorch/login/{unit}/{attempt}")).exists();
    project.run(&["run"]).code(2);
    long_ago(&project);
    // when this run starts, all attempts are of the run before it, so all stay
    project.run(&["run"]).code(2);
    assert!(kept("1", 1) && kept("1", 2) && kept("2", 1) && kept("2", 3));

    let out = project.run(&["run", "-v"]).code(2);
    assert!(!kept("1", 1) && !kept("1", 2), "{out:?}");
    assert!(!project.path(".seqorch/login/1").exists(), "an empty folder is left");
    assert!(kept("2", 1) && kept("2", 2) && kept("2", 3) && kept("2", 6));
    assert!(out.stdout.contains("2 old attempts were removed (log.keep)"), "{out:?}");
    assert_eq!(project.outcomes("login", "1"), ["failed", "done"], "the state forgot what was done");
    project.run(&["logs", "1"]).code(64).says(&["attempt 2 of task 1 has no log any more", "log.keep"]);
    project.run(&["report"]).code(0);
    project.run(&["status"]).code(0);
}

#[test]
fn a_run_removes_old_attempts_of_other_specs_too() {
    let project =
        Project::new().spec("login", "- [ ] 1. A\n").spec("logout", "- [ ] 1. B\n").agent("say_done");
    project.run(&["run", "login"]).code(0);
    long_ago(&project);
    let mut state: Value = serde_json::from_str(&project.read(STATE)).unwrap();
    state["specs"]["login"]["run"]["began"] = "2020-01-01T00:00:00Z".into();
    project.write(STATE, state.to_string());
    project.run(&["run", "logout"]).code(0);
    assert!(!project.path(".seqorch/login/1").exists());
    assert!(project.path(".seqorch/logout/1/1").exists());
}

#[test]
#[ignore = "slow"]
fn log_keep_zero_keeps_everything() {
    let project = project("0s");
    project.run(&["run"]).code(2);
    long_ago(&project);
    project.run(&["run"]).code(2);
    project.run(&["run"]).code(2);
    assert!(project.path(".seqorch/login/1/1").exists() && project.path(".seqorch/login/1/2").exists());
}
