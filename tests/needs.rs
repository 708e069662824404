//! What a person must do: every place that speaks of a spec names the same needs.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use seqorch::state::NeedKind;
use serde_json::{Value, json};

use crate::common::git::{WRITES, git, hook, repo};
use crate::common::{Project, wait_until};
use crate::fleet::Fleet;

const TWO: &str = "- [ ] 1. First thing\n- [ ] 2. Second thing\n";

/// The hook `halt` keeps what it is given.
const HALT: &str =
    "halt = [\"sh\", \"-c\", \"cd $TEST_PROJECT; echo \\\"$SEQORCH_REASON\\\" >> heard; cat >> facts\"]\n";

fn limited(kind: &str, limit: &str) -> Project {
    let agent = "[ $SEQORCH_UNIT = 2 ] && { echo 'come back later' >&2; exit 1; }; say_done";
    let config = format!(
        "[limit]\nlogin_wait = \"0s\"\n{limit}\n[backend.fake]\nlimit_patterns = [{{ match = \"^come back later\", kind = \"{kind}\" }}]\n\
         [hooks]\n{HALT}"
    );
    Project::new().spec("demo", TWO).agent(agent).config(&config)
}

fn refusing(script: &str) -> Project {
    let project = repo(WRITES, &format!("on_refused = \"halt\"\n[hooks]\n{HALT}"));
    let ignored = project.read(".git/info/exclude");
    project.write(".git/info/exclude", format!("{ignored}\nheard\nfacts\n"));
    hook(&project, "pre-commit", &format!("{script} && exit 0\necho not like this >&2\nexit 1"));
    project
}

/// A project whose run has just ended with a need of this kind; with the run's exit code, what the reason holds, and the
/// task that it is about.
#[expect(clippy::too_many_lines, reason = "a row for each kind")]
fn in_need(kind: NeedKind) -> (Project, i32, &'static str, Option<&'static str>) {
    let hooks = |more: &str| format!("[retry]\nattempts = 1\n[hooks]\n{HALT}{more}");
    let demo = |agent: &str, more: &str| Project::new().spec("demo", TWO).agent(agent).config(&hooks(more));
    let ran = |project: Project, code: i32| {
        project.run(&["run"]).code(code);
        project
    };
    match kind {
        NeedKind::Question => {
            let agent = "[ $SEQORCH_UNIT = 2 ] && { echo 'Which database?'; say_halt; exit; }; say_done";
            (ran(demo(agent, ""), 2), 2, "Which database?", Some("2"))
        }
        NeedKind::FailedTask => {
            let agent = "[ $SEQORCH_UNIT = 2 ] && exit 3; say_done";
            (ran(demo(agent, ""), 2), 2, "exit code 3", Some("2"))
        }
        NeedKind::HumanTask => {
            let project = demo("say_done", "").spec("demo", TWO.replace("Second thing", "Sign it (human)"));
            (ran(project, 2), 2, "Sign it (human)", Some("2"))
        }
        NeedKind::PendingCommit => (ran(refusing("test ! -e made-2"), 2), 2, "not like this", Some("2")),
        NeedKind::Login => (ran(limited("auth", ""), 2), 2, "come back later", Some("2")),
        NeedKind::Payment => (ran(limited("billing", ""), 2), 2, "come back later", Some("2")),
        NeedKind::Rule => {
            (ran(limited("quota_exhausted", "max_wait = \"1s\""), 2), 2, "limit.max_wait", Some("2"))
        }
        NeedKind::DirtyTree => {
            let project = ran(refusing("test -e .out/relaxed"), 2);
            project.write(".out/relaxed", "");
            project.write("mine.txt", "mine\n");
            fs::remove_file(project.path("heard")).unwrap();
            (ran(project, 2), 2, "mine.txt", None)
        }
        NeedKind::History => {
            let agent = "[ $SEQORCH_UNIT = 2 ] && git checkout -q -b other; say_done";
            let project = repo(
                agent,
                &format!(
                    "[hooks]
{HALT}"
                ),
            );
            let ignored = project.read(".git/info/exclude");
            project.write(
                ".git/info/exclude",
                format!(
                    "{ignored}
heard
facts
"
                ),
            );
            (ran(project, 2), 2, "from branch main to branch other", Some("2"))
        }
        NeedKind::Branch => {
            let agent = "[ $SEQORCH_UNIT = 2 ] && gate; echo x > made-$SEQORCH_UNIT; say_done";
            let fleet = Fleet::new(agent, &format!("[hooks]\n{HALT}"));
            let run = fleet.first.start(&["run", "demo", "--remote", "origin"]);
            fleet.first.wait_for_ledger(2);
            fleet.person_pushes("made-2", "mine\n");
            fleet.first.release();
            run.wait().code(2);
            (fleet.first, 2, "conflicts with a task", None)
        }
        NeedKind::IndexBehind => {
            let project = refusing("true");
            hook(&project, "post-commit", "touch .git/index.lock");
            let run = project.start(&["run"]);
            let waits = || project.run(&["status"]).stdout.contains("index.lock");
            wait_until("the wait for the lock", waits);
            // it would wait a minute for the lock
            run.signal(Signal::TERM);
            run.wait().code(143);
            project.run(&["status"]).says(&["the index of git is not up to date"]);
            (ran(project, 2), 2, "remove the lock .git/index.lock", None)
        }
        NeedKind::Hook => {
            let more = "required = true\nstep_start = [\"sh\", \"-c\", \"test $SEQORCH_UNIT = 1\"]\n";
            (ran(demo("say_done", more), 2), 2, "hooks.step_start", None)
        }
        NeedKind::Trust => {
            let agent = "[ $SEQORCH_UNIT = 2 ] && printf '[verify]\\ncommands = [[\"./check\"]]\\n' > \"$ROOT/later.toml\" && cat \"$ROOT/later.toml\" >> \"$ROOT/seqorch.toml\"; say_done";
            let project = demo(agent, "").env("SEQORCH_TRUST", "");
            project.run(&["trust"]).code(0);
            (ran(project, 2), 2, "verify.commands", Some("2"))
        }
        NeedKind::Blocked => {
            let tasks =
                "- [ ] 1. First thing\n- [ ] 2. Second thing\n  - _Depends: 1_\n- [ ] 3. Third thing\n";
            let project = demo("say_done", "").spec("demo", tasks);
            project.run(&["mark", "1", "skip"]).code(0);
            (ran(project, 2), 2, "not done: 1", Some("2"))
        }
        NeedKind::Unavailable => {
            let more =
                "[backend.other]\ncommand = \"./tool\"\n[[override]]\ntasks = [\"2\"]\nbackend = \"other\"\n";
            let project = demo("rm \"$ROOT/tool\"; say_done", more).file("tool", "#!/bin/sh\n");
            fs::set_permissions(project.path("tool"), fs::Permissions::from_mode(0o755)).unwrap();
            (ran(project, 69), 69, "tool", Some("2"))
        }
        NeedKind::Error => {
            let agent = "echo '<<<<<<< HEAD' >> \"$ROOT/.kiro/specs/demo/tasks.md\"; say_done";
            (ran(demo(agent, ""), 65), 65, "tasks.md", None)
        }
    }
}

#[test]
#[ignore = "slow"]
fn every_place_names_every_kind_of_need() {
    for of in NeedKind::ALL {
        let (project, code, reason, task) = in_need(of);
        let kind = of.word();
        // the hook that is to call a person, and the run's end in the log
        assert!(project.read("heard").contains(reason), "{kind}: {}", project.read("heard"));
        // status, for programs and for people
        let status = project.run(&["status", "--json"]).code(0).stdout;
        let status: Value = serde_json::from_str(&status).unwrap();
        // the run on a remote has a work tree of its own
        let tree = project.path(status["work_tree"]["path"].as_str().unwrap_or_default());
        let log = project.read(tree.join(".seqorch/demo/events.jsonl"));
        let end: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
        assert_eq!((&end["event"], &end["exit_code"]), (&json!("run_ended"), &json!(code)), "{kind}");
        let facts = project.read("facts");
        let facts: Value = serde_json::from_str(facts.lines().last().unwrap()).unwrap();
        for needs in [&status["needs"], &end["needs"], &facts["needs"]] {
            assert_eq!(needs.as_array().map(Vec::len), Some(1), "{kind}: {needs:#}");
            let need = &needs[0];
            assert_eq!((&need["kind"], &need["task"]), (&json!(kind), &json!(task)));
            assert!(need["reason"].as_str().unwrap().contains(reason), "{kind}: {need:#}");
            assert!(need["since"].is_string() && need["title"].is_string(), "{kind}: {need:#}");
        }
        let command = status["needs"][0]["command"].as_str().unwrap().to_owned();
        // what is trusted is trusted for the whole project
        let is_whole = command == "seqorch trust" && kind == "trust";
        assert!(
            is_whole || command.starts_with("seqorch ") && format!("{command} ").contains(" demo "),
            "{kind}: {command}"
        );
        let shown = project.run(&["status"]).code(0).stdout;
        assert!(shown.starts_with("demo: needs you: "), "{kind}: {shown}");
        // all the others
        for args in [&["status"][..], &["status", "--watch"], &["report"], &["doctor"]] {
            let said = project.run(args).stdout;
            for part in ["eeds you", reason, &command] {
                assert!(said.contains(part), "{kind}: {part} is missing in {args:?}:\n{said}");
            }
            assert!(!said.contains("all complete"), "{kind}: {args:?}:\n{said}");
        }
        project.run(&["specs"]).code(0).says(&["  needs you: "]);
        let specs: Value = serde_json::from_str(&project.run(&["specs", "--json"]).stdout).unwrap();
        assert_eq!(specs["specs"][0]["needs"], status["needs"], "{kind}");
        // an error is the last that a run prints; other ends have a summary
        if !matches!(of, NeedKind::Hook | NeedKind::Unavailable | NeedKind::Error) {
            let summary = project.read(tree.join(".kiro/specs/SEQUENTIAL_PROGRESS.md"));
            for part in ["needs you: ", reason] {
                assert!(summary.contains(part), "{kind}: {part} is missing in\n{summary}");
            }
        }
        // resume answers a question, and says what else is needed
        let resumed = project.run(&["resume", "--answer", "Postgres"]);
        match of {
            NeedKind::Question => {}
            // nothing begins before a person trusts what came up
            NeedKind::Trust => _ = resumed.code(78).says(&[reason, &command]),
            _ => _ = resumed.code(64).says(&["needs you: ", &command]),
        }
    }
}

#[test]
#[ignore = "slow"]
fn a_tree_that_is_dirty_before_a_run_is_a_need_until_the_next_one() {
    let project = repo(WRITES, "");
    project.write("mine.txt", "mine\n");
    let out = project.run(&["run", "--only", "1"]).code(2);
    assert!(out.stderr.contains("mine.txt") && project.ledger().is_empty(), "{out:?}");
    project.run(&["status"]).says(&["demo: needs you: the work tree has changes", "mine.txt"]);
    std::fs::remove_file(project.path("mine.txt")).unwrap();
    project.run(&["run", "--retry"]).code(0).says(&["selection complete, 1 task left"]);
    assert_eq!(project.ledger(), ["1 1"], "it has the options of the run that was refused");
    let status = project.run(&["status"]).stdout;
    assert!(status.starts_with("demo: idle\n"), "{status}");
}

#[test]
fn of_two_needs_each_is_named_in_its_own_words() {
    let hooks = format!("[run]\non_failure = \"skip\"\n[retry]\nattempts = 1\n[hooks]\n{HALT}");
    let agent = "[ $SEQORCH_UNIT = 1 ] && exit 3; echo Which?; say_halt";
    let project = Project::new().spec("demo", TWO).agent(agent).config(&hooks);
    let out = project.run(&["run"]).code(2);
    out.says(&["Needs you: task 2 asks", "Needs you: task 1 failed, no attempts left", "(and 1 more)"]);
    project.run(&["status"]).says(&["Needs you: task 2 asks", "Needs you: task 1 failed, no attempts left"]);
    let needs: Value = serde_json::from_str(&project.run(&["status", "--json"]).stdout).unwrap();
    let kinds: Vec<_> = needs["needs"].as_array().unwrap().iter().map(|need| &need["kind"]).collect();
    assert_eq!(kinds, ["question", "failed_task"]);
    assert_eq!(project.read("heard").trim(), "Which?");
}

/// `counts` of `status --json`, checked to make up all.
fn counts(project: &Project) -> Value {
    let status: Value = serde_json::from_str(&project.run(&["status", "--json"]).stdout).unwrap();
    let counts = status["counts"].clone();
    let of = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!(of("done") + of("failed") + of("halted") + of("todo") + of("skipped"), of("all"), "{counts}");
    counts
}

#[test]
fn the_counts_of_run_status_and_report_agree() {
    let tasks = "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n  - _Depends: 2_\n- [ ]* 4. D\n- [ ] 5. E\n";
    let project = Project::new()
        .spec("demo", tasks)
        .agent("[ $SEQORCH_UNIT = 2 ] && exit 1; [ $SEQORCH_UNIT = 5 ] && { echo Which?; say_halt; exit; }; say_done")
        .config("[run]\non_failure = \"skip\"\n[retry]\nattempts = 1\n");
    let line = "1 of 5 tasks done · 1 failed · 1 halted · 1 to do · 1 skipped";
    project.run(&["run"]).code(2).says(&[line]);
    project.run(&["status"]).code(0).says(&[line]);
    project.run(&["report"]).code(0).says(&[line]);
    let expected = json!({ "all": 5, "done": 1, "failed": 1, "halted": 1, "todo": 1, "skipped": 1 });
    assert_eq!(counts(&project), expected);
}

#[test]
fn a_finished_selection_says_how_many_tasks_are_left() {
    let project = Project::new().spec("demo", "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n");
    let out = project.run(&["run", "--only", "2"]).code(0);
    out.says(&["selection complete, 2 tasks left", "1 of 3 tasks done · 2 to do"]);
    let log = project.read(".seqorch/demo/events.jsonl");
    let end: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!((&end["why"], &end["exit_code"]), (&json!("selection_complete"), &json!(0)));
    assert_eq!(counts(&project)["todo"], 2);
    assert!(project.state("demo")["completed_at"].is_null());
    project.run(&["run"]).code(0).says(&["all complete", "3 of 3 tasks done"]);
}

#[test]
fn options_that_together_select_nothing_are_a_usage_error() {
    let project = Project::new().spec("demo", "- [ ] 1. A\n- [ ] 2. B\n");
    for verb in ["run", "plan"] {
        let out = project.run(&[verb, "--only", "1", "--from", "2"]).code(64);
        out.says(&["--only and --from select no task: `1` comes before `2`"]);
    }
    assert!(project.ledger().is_empty());
}

#[test]
#[ignore = "slow"]
fn a_limited_attempt_is_not_counted_where_people_look() {
    let agent = "[ $SEQORCH_UNIT$SEQORCH_ATTEMPT = 11 ] && { echo 'come back later' >&2; exit 1; }; say_done";
    let pattern = "limit_patterns = [{ match = \"^come back later\", kind = \"rate_limited\" }]";
    let config = format!("[limit]\nunknown = [\"1s\"]\n[backend.fake]\n{pattern}\n");
    let project = Project::new().spec("demo", "- [ ] 1. A\n").agent(agent).config(&config);
    let out = project.run(&["run"]).code(0);
    assert_eq!(project.outcomes("demo", "1"), ["limited", "done"]);
    assert!(!out.stdout.contains("attempt 2)"), "{}", out.stdout);
    out.says(&["A: done, 1 attempt,"]);
    project.run(&["status"]).code(0).says(&["1  A: done (1 attempt"]);
    project.run(&["report"]).code(0).says(&["- attempts: 1\n"]);
    assert_eq!(project.state("demo")["usage"]["attempts"], 1);
}

#[test]
fn a_state_file_of_schema_1_is_read_and_rewritten() {
    let old = include_str!("fixtures/schema1/halted.json");
    let project = Project::new().spec("shop", "- [ ] 1. Cart\n- [ ] 2. Pay\n- [ ] 3. Ship\n");
    project.write(".kiro/specs/SEQUENTIAL_STATE.json", old);
    let status = project.run(&["status"]).code(0);
    status.says(&["needs you: task 2 asks", "Which provider?", "1 of 3 tasks done · 1 halted · 1 to do"]);
    assert_eq!(project.read(".kiro/specs/SEQUENTIAL_STATE.json"), old, "a look changes nothing");
    project.run(&["resume", "--answer", "Stripe"]).code(0).says(&["all complete"]);
    let file: Value = serde_json::from_str(&project.read(".kiro/specs/SEQUENTIAL_STATE.json")).unwrap();
    assert_eq!((&file["schema"], &file["specs"]["shop"]["halted"]), (&json!(2), &json!(false)));
    assert_eq!(file["specs"]["shop"]["run"]["end"]["why"], "complete");
    assert_eq!(project.ledger(), ["2 2", "3 1"], "what was done stays done");
}

/// What a person does about task 2, and the words for it.
const SETTLED: [&str; 6] = ["ticked", "starred", "removed", "struck out", "mark skip", "mark done"];

fn settle(project: &Project, how: &str) {
    const LINE: &str = "- [ ] 2. Two";
    let tasks = project.tasks("demo");
    assert!(tasks.contains(LINE), "{tasks}");
    let line = match how {
        "ticked" => "- [x] 2. Two",
        "starred" => "- [ ]* 2. Two",
        "removed" => "",
        "struck out" => "- [ ] ~~2. Two~~",
        "mark skip" | "mark done" => {
            project.run(&["mark", "2", how.strip_prefix("mark ").unwrap()]).code(0);
            return;
        }
        _ => panic!("{how}"),
    };
    project.write(".kiro/specs/demo/tasks.md", tasks.replace(LINE, line));
}

fn json_of(project: &Project, args: &[&str]) -> Value {
    serde_json::from_str(&project.run(args).stdout).unwrap()
}

#[test]
#[ignore = "slow"]
fn what_a_person_settles_is_closed_everywhere() {
    let tasks = "- [ ] 1. One\n- [ ] 2. Two\n- [ ] 10. Ten\n";
    let pattern = "limit_patterns = [{ match = \"^come back later\", kind = \"auth\" }]";
    for (need, agent, on_failure) in [
        ("failed_task", "exit 3", "skip"),
        ("failed_task", "exit 3", "halt"),
        ("question", "{ echo Which?; say_halt; exit; }", "halt"),
        ("login", "{ echo 'come back later' >&2; exit 1; }", "halt"),
    ] {
        for how in SETTLED {
            let case = format!("{need} ({on_failure}), {how}");
            let config = format!(
                "[run]\non_failure = \"{on_failure}\"\n[retry]\nattempts = 1\n[limit]\nlogin_wait = \"0s\"\n[backend.fake]\n{pattern}\n"
            );
            let agent = format!("[ $SEQORCH_UNIT = 2 ] && {agent}; say_done");
            let project = Project::new().spec("demo", tasks).agent(&agent).config(&config);
            project.run(&["run"]).code(2);
            assert_eq!(json_of(&project, &["status", "--json"])["needs"][0]["kind"], need, "{case}");
            settle(&project, how);
            let status = json_of(&project, &["status", "--json"]);
            assert_eq!((&status["needs"], &status["halted"]), (&json!([]), &json!(false)), "{case}");
            let of = |name: &str| counts(&project)[name].as_u64().unwrap();
            assert_eq!((of("failed"), of("halted")), (0, 0), "{case}");
            let shown = project.run(&["status"]).code(0).stdout;
            let sign = match how {
                "ticked" | "mark done" => "✓ 2",
                _ => "– 2",
            };
            assert!(shown.contains(sign), "{case}: {shown}");
            for args in [&["status"][..], &["specs"], &["report"], &["doctor"], &["plan"]] {
                let said = project.run(args).stdout;
                for part in ["eeds you", "✗ 2", "‖ 2", "waits for your answer"] {
                    assert!(!said.contains(part), "{case}: {part} in {args:?}:\n{said}");
                }
            }
            project.run(&["resume", "--answer", "yes"]).code(64);
            // task 10 is the only one that is left, if it is
            let before = project.ledger().len();
            project.run(&["run"]).code(0).says(&["all complete"]);
            assert!(project.ledger()[before..].iter().all(|line| line.starts_with("10 ")), "{case}");
            let after = project.run(&["status"]).code(0).stdout;
            assert!(after.contains(sign) && after.starts_with("demo: complete"), "{case}: {after}");
        }
    }
}

#[test]
fn a_part_that_was_selected_leaves_its_task_to_do_everywhere() {
    let tasks = "- [ ] 1. One\n- [ ] 2. Two\n  - [ ] 2.1 First\n  - [ ] 2.2 Second\n";
    let project = Project::new().spec("demo", tasks);
    project.run(&["run", "--only", "2.1"]).code(0).says(&["2  Two: done in part", "0 of 2 tasks done"]);
    project
        .run(&["status"])
        .code(0)
        .says(&["· 2  Two: done in part, to do: 2.2", "0 of 2 tasks done · 2 to do"]);
    project.run(&["report"]).code(0).says(&["done in part"]);
    project.run(&["run"]).code(0).says(&["all complete", "2  Two: done"]);
    project.run(&["status"]).code(0).says(&["✓ 2  Two: done"]);
}

#[test]
fn blocked_tasks_name_what_keeps_them_back_and_the_command_helps() {
    let tasks = "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n  - _Depends: 2_\n- [ ] 4. D\n  - _Depends: 3_\n";
    let project = Project::new().spec("demo", tasks);
    project.run(&["mark", "2", "skip"]).code(0);
    project.run(&["run"]).code(2).says(&["tasks are blocked", "3, 4 depend on tasks that are not done: 2"]);
    let status = project.run(&["status"]).code(0);
    status.says(&["– 2  B: skipped by you", "· 3  C: blocked", "seqorch mark 2 todo --spec demo"]);
    assert_eq!(counts(&project)["todo"], 2);
    project.run(&["mark", "2", "todo"]).code(0);
    assert_eq!(json_of(&project, &["status", "--json"])["needs"], json!([]));
    project.run(&["run"]).code(0);

    let project = Project::new().spec("demo", tasks);
    project.run(&["run", "--only", "3"]).code(2).says(&["task 3 is blocked (C)", "not done: 2"]);
    let need = json_of(&project, &["status", "--json"])["needs"][0].clone();
    assert_eq!((&need["task"], &need["title"]), (&json!("3"), &json!("C")));
    assert_eq!(need["command"], "seqorch run demo");
    project.run(&["run", "demo"]).code(0).says(&["all complete"]);
}

#[test]
fn a_task_for_a_person_is_a_need_however_the_run_ended() {
    let tasks = "- [ ] 1. A\n- [ ] 2. B\n- [ ] 6. Sign (human)\n";
    for (agent, code, options) in [
        ("[ $SEQORCH_UNIT = 2 ] && exit 3; say_done", 2, &[][..]),
        ("[ $SEQORCH_UNIT = 2 ] && { echo Which?; say_halt; exit; }; say_done", 2, &[]),
        ("say_done", 2, &["--max-iterations=1"]),
    ] {
        let project = Project::new().spec("demo", tasks).agent(agent).config("[retry]\nattempts = 1\n");
        project.run(&[&["run"], options].concat()).code(code);
        let needs = json_of(&project, &["status", "--json"])["needs"].clone();
        let human = needs.as_array().unwrap().iter().find(|need| need["kind"] == "human_task");
        assert_eq!(human.map(|need| &need["task"]), Some(&json!("6")), "{agent}: {needs}");
        project.write(".kiro/specs/demo/tasks.md", tasks.replace("[ ] 6", "[x] 6"));
        let needs = json_of(&project, &["status", "--json"])["needs"].to_string();
        assert!(!needs.contains("human_task"), "{agent}: {needs}");
    }
}

#[test]
fn a_run_that_is_refused_before_its_first_step_leaves_its_need() {
    for (case, args, code, part) in [
        ("merge", &[][..], 2, "a merge is in progress"),
        ("branch", &[], 2, "can't go to the branch"),
        ("check", &[], 69, "./check"),
        ("agent", &["--backend=gone"], 69, "backend `gone`"),
    ] {
        let check = if case == "check" { "[verify]\ncommands = [[\"./check\"]]\n" } else { "" };
        let more = format!("{check}[backend.gone]\ncommand = \"./gone\"\n[hooks]\n{HALT}");
        let project = repo(WRITES, &more);
        let project = if case == "branch" { project.env("SEQORCH_GIT__BRANCH", "other") } else { project };
        let ignored = project.read(".git/info/exclude");
        project.write(".git/info/exclude", format!("{ignored}\nheard\nfacts\ncheck\n"));
        let in_merge = matches!(case, "merge" | "branch");
        if in_merge {
            project.write(".git/MERGE_HEAD", git(&project, &["rev-parse", "HEAD"]));
        }
        project.run(&[&["run"], args].concat()).code(code);
        assert!(project.ledger().is_empty());
        let status = json_of(&project, &["status", "--json"]);
        assert_eq!(status["needs"][0]["kind"], "error", "{case}: {status:#}");
        assert!(status["needs"][0]["reason"].as_str().unwrap().contains(part), "{case}: {status:#}");
        project.run(&["when"]).code(2);
        for args in [&["status"][..], &["doctor"], &["specs"]] {
            assert!(project.run(args).stdout.contains("needs you"), "{case}: {args:?}");
        }
        assert!(project.read("heard").contains(part), "{case}: the hook is called");
        let log = project.read(".seqorch/demo/events.jsonl");
        let end: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
        assert_eq!((&end["event"], &end["exit_code"]), (&json!("run_ended"), &json!(code)), "{case}");
        if in_merge {
            fs::remove_file(project.path(".git/MERGE_HEAD")).unwrap();
        }
        project.write("check", "#!/bin/sh\n");
        fs::set_permissions(project.path("check"), fs::Permissions::from_mode(0o755)).unwrap();
        project.run(&["run"]).code(0).says(&["all complete"]);
    }
}
