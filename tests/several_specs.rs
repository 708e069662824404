//! `seqorch run A B`: several specs in one command, and specs of one name.

use serde_json::json;

use crate::common::Project;
use crate::common::git::{WRITES, init};
use crate::common::programs::json as json_of;

#[test]
fn several_specs_run_in_order_and_keep_their_own_state() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .spec("logout", "- [ ] 1. B\n- [ ] 2. C\n")
        .agent("note \"of $SEQORCH_SPEC\"; say_done");
    project.run(&["run", "logout", "login"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "of logout", "2 1", "of logout", "1 1", "of login"]);
    assert_eq!(project.state("login")["completed"], json!(["1"]));
    assert_eq!(project.state("logout")["completed"], json!(["1", "2"]));
}

#[test]
fn a_spec_that_does_not_complete_stops_the_following_ones() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .spec("logout", "- [ ] 1. B\n")
        .agent("note $SEQORCH_SPEC; say_halt");
    project.run(&["run", "login", "logout"]).code(2);
    assert_eq!(project.ledger(), ["1 1", "login"]);
    assert!(project.state("logout").is_null());
}

#[test]
fn a_misspelt_second_spec_is_reported_before_the_first_starts() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").spec("logout", "- [ ] 1. B\n- [ ] 1. B\n");
    project.run(&["run", "login", "logoot"]).code(66).says(&["logoot", "logout"]);
    assert_eq!(project.ledger(), [""; 0]);
}

#[test]
fn specs_of_one_name_in_two_folders_never_mix() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").file("old/login/tasks.md", "- [ ] 1. B\n");
    project.run(&["run", ".kiro/specs/login"]).code(0);
    let before = project.of_attempt("login", "1", 1, "prompt.md");
    project.run(&["run", "old/login"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "1 1"]);
    assert_eq!(project.read("old/login/tasks.md"), "- [x] 1. B\n");
    assert!(before.contains("Task 1: A"));
    assert_eq!(project.of_attempt("login", "1", 1, "prompt.md"), before, "the other's log is overwritten");
}

/// Two specs of which neither ran, and one that asks once it runs.
fn three() -> Project {
    let project = Project::new();
    let project =
        project.spec("login", "- [ ] 1. A\n").spec("logout", "- [ ] 1. B\n").spec("shop", "- [ ] 1. C\n");
    project.agent("[ $SEQORCH_SPEC = shop ] && [ $SEQORCH_ATTEMPT = 1 ] && say_halt || say_done")
}

#[test]
fn without_a_name_verbs_take_the_spec_that_waits() {
    let project = three();
    project.run(&["run", "login"]).code(0);
    project.run(&["run", "shop"]).code(2);
    let status = project.run(&["status"]).code(0).stdout;
    assert!(status.contains("  login   1/1 done  complete\n"), "{status}");
    assert!(status.contains("  logout  0/1 done  not started\n"), "{status}");
    assert!(status.contains("> shop    0/1 done  needs you: task 1 asks\n\nshop: needs you"), "{status}");
    let status = json_of(&project.run(&["status", "--json"]).code(0).stdout);
    assert_eq!((&status["spec"], &status["specs"][0]["state"]), (&json!("shop"), &json!("complete")));
    let report = project.run(&["report"]).code(0);
    assert!(report.stdout.starts_with("# shop: needs you"), "{}", report.stdout);
    assert!(report.stderr.contains("> shop ") && report.stderr.contains("logout"), "{}", report.stderr);
    assert!(project.run(&["logs"]).code(0).stdout.contains("HALT"));
    project.run(&["stop"]).code(66).says(&["none of them runs"]);
    project.run(&["resume", "--now"]).code(66).says(&["none of them waits for a limit"]);
    project.run(&["resume", "--answer", "yes"]).code(0);
    assert_eq!(project.state("shop")["completed"], json!(["1"]));
    // nothing waits any more: the one that ran last
    assert!(project.run(&["report"]).code(0).stdout.starts_with("# shop: "));
    project.run(&["resume", "--answer", "yes"]).code(66).says(&["none of them asks", "login", "shop"]);
}

#[test]
fn without_a_name_two_specs_that_ask_are_not_guessed_at() {
    let project = three().agent("say_halt");
    for spec in ["login", "shop"] {
        project.run(&["run", spec]).code(2);
    }
    project.run(&["resume", "--answer", "yes"]).code(66).says(&["2 of 3 specs ask a question", "logout"]);
    assert!(project.run(&["status"]).code(0).stdout.contains("> shop "));
}

#[test]
fn where_none_ever_ran_verbs_list_them() {
    let project = three();
    project.run(&["status"]).code(0).says(&["not started", "Start one with: seqorch run login"]);
    let status = json_of(&project.run(&["status", "--json"]).code(0).stdout);
    assert_eq!((&status["spec"], status["specs"].as_array().unwrap().len()), (&json!(null), 3));
    for verb in ["report", "logs", "attach", "resume"] {
        project.run(&[verb]).code(66).says(&["3 specs", "none of them", "logout", "name one"]);
    }
}

#[test]
fn a_command_without_a_verb_says_what_to_do_next() {
    let empty = Project::new();
    std::fs::remove_file(empty.path("seqorch.toml")).unwrap();
    empty.run(&[]).code(0).says(&["There is no spec", ".kiro/specs/first/tasks.md", "seqorch init"]);
    empty.write("PLAN.md", "# Plan\n\n- [ ] Write it\n- [ ] Test it\n");
    empty.run(&[]).code(0).says(&["PLAN.md  0/2 done  not started", "seqorch run PLAN.md"]);
    empty.write("MORE.md", "# More\n\n- [ ] Write it\n");
    empty.run(&[]).code(0).says(&["MORE.md lists tasks", "seqorch run MORE.md"]);
    let project = three();
    project.run(&[]).code(0).says(&["not started", "Next: seqorch plan login --dry-run"]);
    project.run(&["run", "shop"]).code(2);
    project.run(&[]).code(0).says(&["needs you: task 1 asks", "seqorch resume shop --answer"]);
    project.run(&["resume", "--answer", "yes"]).code(0);
    project.run(&[]).code(0).says(&["Next: seqorch report shop"]);
    project.write(".kiro/specs/shop/tasks.md", "- [x] 1. C\n- [ ] 2. D\n");
    project.run(&[]).code(0).says(&["Next: seqorch run shop "]);
}

#[test]
fn a_refused_start_does_not_hide_the_work_of_another_spec() {
    let agent = "echo I worked; echo x > made; say_done";
    let project = Project::new().spec("login", "- [ ] 1. A\n").spec("search", "- [ ] 1. B\n").agent(agent);
    let project = project.config("[git]\ncommit = \"step\"\n");
    init(&project);
    project.run(&["run", "login"]).code(0);
    project.write("mine.txt", "mine");
    project.run(&["run", "search"]).code(2).says(&["the work tree has changes"]);
    project.run(&["status"]).code(0).says(&["search: needs you: the work tree has changes"]);
    project.run(&["report"]).code(0).says(&["# login: all complete"]);
    project.run(&["logs"]).code(0).says(&["I worked"]);
    project.run(&["diff", "1", "--stat"]).code(0).says(&["made"]);
    project.run(&["report", "search"]).code(0).says(&[
        "# search: needs you",
        "the work tree has changes",
        "seqorch run search --retry",
    ]);
}

#[test]
fn a_pause_and_an_ended_queue_name_the_specs_that_continue() {
    let project = three();
    let out = project.run(&["run", "shop", "login", "logout"]).code(2);
    out.says(&[
        "not started, since shop needs you: login, logout; start them with: seqorch run login logout",
    ]);
    project.run(&["pause", "login"]).code(0);
    project.run(&["plan", "login", "--dry-run"]).code(0).says(&["seqorch resume login --now"]);
}

#[test]
fn after_init_the_next_step_is_not_init_again() {
    let project = Project::new().file("TODO.md", "# To do\n\n- [ ] Write it\n");
    std::fs::remove_file(project.path("seqorch.toml")).unwrap();
    project.run(&[]).code(0).says(&["seqorch init ", "seqorch run TODO.md"]);
    project.run(&["init"]).code(0);
    let out = project.run(&[]).code(0).stdout;
    assert!(!out.contains("seqorch init") && out.contains("seqorch run TODO.md"), "{out}");
}

/// Verbs that only need what the state says, and a part of what they print after task 1 of 2 was done.
const READING: &[(&[&str], u8, &str)] = &[
    (&["status"], 0, "1 of 2 tasks done"),
    (&["status", "--json"], 0, "\"done\": 1"),
    (&[], 0, "login"),
    (&["specs"], 0, "login"),
    (&["report"], 0, "# login: 1 task left"),
    (&["logs", "1"], 0, "I worked"),
    (&["when"], 0, "now"),
    (&["backends"], 0, "claude"),
    (&["attach"], 66, "there is no tmux session"),
    (&["config", "explain", "run.delay"], 0, "Pause between two steps."),
    (&["stop"], 0, "nothing is running"),
];

#[test]
fn a_broken_configuration_is_a_warning_for_verbs_that_only_look() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").agent("echo I worked; say_done");
    project.run(&["run", "--only", "1"]).code(0);
    let two = "[run]\ndelay = \"soon\"\nno_such_key = 1\n";
    for (broken, places) in
        [("delay = [", &["seqorch.toml:1"][..]), (two, &["seqorch.toml:2", "seqorch.toml:3"])]
    {
        project.write("seqorch.toml", broken);
        for (args, code, part) in READING {
            let out = project.run(args).code(i32::from(*code));
            assert!(out.stderr.contains("warning: the configuration has "), "{args:?}: {out:?}");
            assert!(!out.stderr.contains("error: the configuration"), "{args:?}: {out:?}");
            for place in places {
                assert!(out.stderr.contains(place), "{place}: {args:?}: {out:?}");
            }
            out.says(&[part]);
        }
        // what would act on it names all mistakes and does nothing
        for args in [&["run"][..], &["plan"], &["config", "show"], &["mark", "2", "done"], &["trust"]] {
            let out = project.run(args).code(78).says(places);
            assert!(out.stderr.starts_with("error: the configuration has "), "{args:?}: {out:?}");
        }
    }
    assert_eq!(project.ledger(), ["1 1"]);
}

#[test]
fn a_broken_tasks_file_is_named_and_what_ran_is_still_shown() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").agent("echo I worked; say_done");
    project.run(&["run", "--only", "1"]).code(0);
    project.write(".kiro/specs/login/tasks.md", "- [ ] 1. A\n- [ ] 1. B\n");
    for (args, code, part) in [
        (&["status"][..], 0, "can't be run"),
        (&["status", "--json"], 0, "\"tasks_error\": \""),
        (&["report"], 0, "# login"),
        (&["when"], 2, "never"),
        (&["when", "--json"], 2, "\"tasks_error\": \""),
    ] {
        project.run(args).code(code).says(&["tasks.md:2:", "id 1 is used twice", part]);
    }
    project.run(&["logs", "1"]).code(0).says(&["I worked"]);
    project.run(&["specs"]).code(0).says(&["id 1 is used twice"]);
    for args in [&["run"][..], &["plan"], &["mark", "2", "done"]] {
        project.run(args).code(65).says(&["tasks.md:2:", "id 1 is used twice"]);
    }
}

#[test]
fn tasks_that_cannot_be_read_are_said_and_what_ran_is_still_shown() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").agent("echo I worked; say_done");
    project.run(&["run", "--only", "1"]).code(0);
    project.run(&["status"]).code(0).says(&["login: idle"]);
    project.write(".kiro/specs/login/tasks.md", "- [ ] 1. A\n- [ ] 1. B\n");
    let place = "tasks.md:2:7: task id 1 is used twice";
    let out = project.run(&["status"]).code(0).says(&["login: can't be run", place, "seqorch plan login"]);
    assert!(!out.stdout.contains("idle"), "{out:?}");
    let json = json_of(&project.run(&["status", "--json"]).code(0).stdout);
    assert_eq!((&json["state"], &json["completed"]), (&json!(null), &json!(["1"])));
    assert!(json["tasks_error"].as_str().unwrap().contains(place), "{json}");
    project.run(&["specs"]).code(0).says(&["task id 1 is used twice"]);
    project.run(&["logs", "1"]).code(0).says(&["I worked"]);
    project.write(".kiro/specs/login/tasks.md", b"- [ ] 1. \xff\n");
    project.run(&["status"]).code(0).says(&["login: can't be run", "tasks.md"]);
    project.run(&["report"]).code(0).says(&["the tasks can't be run", "# login"]);
}

#[test]
fn a_tasks_file_that_cannot_be_run_hides_no_question() {
    let agent = "[ $SEQORCH_UNIT = 2 ] && { echo 'A or B?'; say_halt; exit; }; say_done";
    let project =
        Project::new().spec("demo", "- [ ] 1. A\n- [ ] 2. B\n").spec("other", "- [ ] 1. C\n").agent(agent);
    project.run(&["run", "demo"]).code(2);
    project.run(&["run", "other"]).code(0);
    let tasks = project.read(".kiro/specs/demo/tasks.md");
    project.write(".kiro/specs/demo/tasks.md", format!("<<<<<<< HEAD\n{tasks}"));
    let parts = ["demo", "1/2 done", "task 2 asks", "can't be run"];
    project.run(&[]).code(0).says(&parts).says(&["seqorch resume demo --answer"]);
    project.run(&["status"]).code(0).says(&parts[2..]);
    project.run(&["doctor"]).says(&["task 2 asks"]);
    project.run(&["resume", "--answer", "A"]).code(65).says(&["tasks.md"]);
}

#[test]
fn a_spec_that_cannot_be_prepared_ends_a_queue_only_where_that_is_asked() {
    let make = || {
        let prepares = r#"worktree_setup = [["sh", "-c", "[ $SEQORCH_SPEC != b ]"]]"#;
        let agent = format!("note $SEQORCH_SPEC; {WRITES}");
        let config = format!("[git]\ncommit = \"step\"\nworktree = true\n{prepares}\n");
        let project = three_of_one_task().agent(&agent).config(&config);
        init(&project);
        let state = project.outside().join("state");
        project.env("XDG_STATE_HOME", state)
    };
    let project = make();
    project
        .run(&["run", "a", "b", "c"])
        .code(69)
        .says(&["`sh -c", "note: not started, since b could not run: c; start them with: seqorch run c"]);
    assert_eq!(project.ledger(), ["1 1", "a"]);
    let project = make().env("SEQORCH_RUN__ON_FAILURE", "skip");
    let run = project.run(&["run", "a", "b", "c"]).code(69);
    run.says(&["git.worktree_setup: `sh -c", "note: b did not start"]);
    assert_eq!(project.ledger(), ["1 1", "a", "1 1", "c"]);
}

#[test]
fn a_broken_spec_of_a_queue_does_not_keep_the_others_from_their_work() {
    let project = three_of_one_task().spec("b", "nothing\n").agent("note $SEQORCH_SPEC; say_done");
    project.run(&["run", "a", "b", "c"]).code(65).says(&["since b could not run: c"]);
    assert_eq!(project.ledger(), ["1 1", "a"]);
    let project = project.env("SEQORCH_RUN__ON_FAILURE", "skip");
    project.run(&["run", "a", "b", "c"]).code(65).says(&["note: b did not start"]);
    assert_eq!(project.ledger(), ["1 1", "a", "1 1", "c"]);
}

fn three_of_one_task() -> Project {
    ["a", "b", "c"].iter().fold(Project::new(), |project, name| project.spec(name, "- [ ] 1. A\n"))
}
