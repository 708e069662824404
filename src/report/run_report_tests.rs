use super::*;

const PATCH_TEXT: &str = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\u{1b}[31m\n+new\n same\n";

fn report(state: &serde_json::Value, events: &str, all: bool) -> Option<RunReport> {
    let state: SpecState = serde_json::from_value(state.clone()).unwrap();
    run_report(&ReportSource {
        spec: "login",
        typed: "login",
        state: &state,
        units: &[("1".into(), "Store".into()), ("2".into(), "Form\u{1b}[31m".into())],
        counts: Counts { all: 2, done: 1, todo: 1, ..Counts::default() },
        events: &super::super::events::read(events),
        files: &|_| Vec::new(),
        standings: &[StandingTask { id: "2", stands: WorkStanding::Todo, reason: None }],
        patch: &|unit| (unit == "1").then(|| PATCH_TEXT.to_owned()),
        words: &|unit, attempt| Some(format!("words of {unit} {attempt}")),
        now: "2026-01-02T06:00:00Z".parse().unwrap(),
        zone: &TimeZone::UTC,
        work_tree: None,
        all,
    })
}

fn attempt(number: u32, from: &str, until: &str, kind: &str) -> serde_json::Value {
    serde_json::json!({"number": number, "backend": "fake", "started_at": from, "ended_at": until,
        "outcome": if kind == "halted" { serde_json::json!({"kind": kind, "question": "Which?"}) }
                   else if kind == "failed" { serde_json::json!({"kind": kind, "code": 1}) }
                   else { serde_json::json!({"kind": kind}) }})
}

fn failed(attempt: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({"status": "failed", "at": "2026-01-02T05:00:00Z", "reason": "lost", "attempts": [attempt]})
}

#[test]
fn nothing_tried_makes_no_report() {
    assert_eq!(report(&serde_json::json!({}), "", false), None);
}

#[test]
fn a_report_has_its_waits_and_leaves_out_what_ran_days_before() {
    let state = serde_json::json!({"units": {
        "1": {"status": "done", "attempts": [
            attempt(1, "2025-12-30T01:00:00Z", "2025-12-30T02:00:00Z", "failed"),
            attempt(2, "2026-01-02T01:00:00Z", "2026-01-02T02:00:00Z", "done")]},
        "2": failed(&attempt(1, "2026-01-02T04:00:00Z", "2026-01-02T05:00:00Z", "lost"))}});
    let waits = |at: &str, why: &str, until: &str| {
        let record = serde_json::json!({"v": 1, "at": at, "event": "waiting", "why": why, "unit": null, "until": until});
        format!("{record}\n")
    };
    let wait = waits("2026-01-02T02:00:00Z", "limit", "2026-01-02T03:30:00Z")
        + &waits("2026-01-02T03:30:00Z", "delay", "2026-01-02T04:00:00Z");
    let wait = wait.as_str();
    let made = report(&state, wait, false).unwrap();
    assert_eq!(
        (made.from.as_str(), made.until.as_str()),
        ("2026-01-02 01:00 +00:00", "2026-01-02 05:00 +00:00")
    );
    assert_eq!((made.rows[0].attempts, made.rows[0].took.as_str()), (1, "1h"));
    assert_eq!((made.rows[0].words.as_str(), made.rows[1].title.as_str()), ("words of 1 2", "Form"));
    let bar = &made.pauses[0];
    assert!((bar.at - 0.25).abs() < 1e-9 && (bar.width - 0.375).abs() < 1e-9, "{bar:?}");
    assert_eq!((bar.kind, made.pauses[1].kind), (SpanKind::Limit, SpanKind::Pause));
    let total = |name| made.totals.iter().find(|(n, _)| *n == name).unwrap().1.clone();
    assert_eq!(
        (total("worked"), total("waited"), total("tokens")),
        ("2h".into(), "2h: 1h 30m for limits, 30m for pauses".into(), "unknown".into())
    );
    assert_eq!(made.needs[0].look.as_deref(), Some("seqorch logs --spec login 2"));
    assert_eq!(total("tasks"), "1 of 2 tasks done · 1 to do");
    assert_eq!(total("from start to end"), "4h");
    assert_eq!(made.left, [("2".to_owned(), "Form".to_owned())]);
    let all = report(&state, wait, true).unwrap();
    assert_eq!(
        (all.rows[0].attempts, all.rows[0].reasons.as_slice()),
        (2, ["attempt 1: failed with exit code 1".to_owned()].as_slice())
    );
    let kinds: Vec<_> = made.rows[0].patch.iter().map(|line| line.kind).collect();
    assert_eq!(kinds, ["file", "file", "file", "hunk", "removed", "added", "same"]);
    assert_eq!(made.rows[0].patch[4].text, "-old");
}

#[test]
fn the_time_that_a_question_waited_for_a_person_is_named() {
    let state = serde_json::json!({"units": {"1": {"status": "done", "attempts": [
        attempt(1, "2026-01-02T01:00:00Z", "2026-01-02T02:00:00Z", "halted"),
        attempt(2, "2026-01-02T04:00:00Z", "2026-01-02T05:00:00Z", "done")]}}});
    let need = serde_json::json!({"kind": "question", "task": "1", "title": "Store", "reason": "Which?",
        "since": "2026-01-02T02:00:00Z", "command": "x"});
    let ended = |at: &str, needs: &[&serde_json::Value]| {
        serde_json::json!({"v": 1, "at": at, "event": "run_ended", "spec": "login", "why": "halted", "exit_code": 2,
            "unit": "1", "reason": null, "failed": [], "blocked": [], "left": 1, "took_ms": 1, "changes": null,
            "left_out": [], "needs": needs})
    };
    let started = |at: &str| serde_json::json!({"v": 1, "at": at, "event": "run_started", "spec": "login", "pid": 1, "steps": ["1"]});
    let made = |needs: &[&serde_json::Value]| {
        let records = [
            started("2026-01-02T01:00:00Z"),
            ended("2026-01-02T02:00:00Z", needs),
            started("2026-01-02T04:00:00Z"),
            ended("2026-01-02T05:00:00Z", &[]),
        ];
        let events = records.map(|record| record.to_string()).join("\n") + "\n";
        let made = report(&state, &events, false).unwrap();
        let waited = made.totals.iter().find(|(name, _)| *name == "waited").unwrap().1.clone();
        (waited, made.rows[0].bars.iter().map(|bar| bar.kind).collect::<Vec<_>>())
    };
    let bars = vec![SpanKind::Halted, SpanKind::Person, SpanKind::Done];
    assert_eq!(made(&[&need]), ("2h: 2h for you".into(), bars));
    assert_eq!(made(&[]).0, "0s", "a run without a need");
}

#[test]
fn what_a_person_stopped_is_not_called_failed() {
    let mut stopped = attempt(1, "2026-01-02T04:00:00Z", "2026-01-02T05:00:00Z", "cancelled");
    stopped["outcome"]["by"] = "interrupt".into();
    let state = serde_json::json!({"units": {"1": {"status": "todo", "attempts": [stopped]}}});
    let row = report(&state, "", false).unwrap().rows[0].clone();
    assert_eq!((row.kind, row.outcome.as_str()), (SpanKind::Stopped, "stopped by you"));
}

#[test]
fn the_page_has_no_empty_link_and_no_table_without_headers() {
    // a task that is not done has changes line by line, and no count of them yet
    let mut stopped = attempt(1, "2026-01-02T04:00:00Z", "2026-01-02T05:00:00Z", "cancelled");
    stopped["outcome"]["by"] = "interrupt".into();
    let state = serde_json::json!({"units": {"1": {"status": "todo", "attempts": [stopped]}}});
    let mut made = report(&state, "", false).unwrap();
    made.rows[0].files = vec![("src/a.rs".into(), "+1 -1".into())];
    made.rows[0].left_out = vec![("app".into(), "a repository".into())];
    made.rows[0].own_commits = vec!["9a86b0b20 Fix it".into()];
    let page = crate::report::page::html(&made).unwrap();
    assert!(page.contains("<a href=\"#diff-1\">diff</a>") && !page.contains("></a>"), "{page}");
    assert_eq!(page.matches("<table").count(), 3, "{page}");
    assert_eq!(page.matches("<thead>").count(), 3, "{page}");
    assert!(page.contains("class=\"mark stopped\"") && !page.contains("class=\"mark failed\""), "{page}");
}

#[test]
fn the_axis_of_a_short_run_has_each_label_once() {
    let done = attempt(1, "2026-01-02T04:00:00Z", "2026-01-02T04:00:02Z", "done");
    let state = serde_json::json!({"units": {"1": {"status": "done", "attempts": [done]}}});
    let ticks = report(&state, "", false).unwrap().ticks;
    let labels: Vec<_> = ticks.iter().map(|(_, label)| label.as_str()).collect();
    assert_eq!(labels, ["04:00:00", "04:00:01", "04:00:02"]);
}

#[test]
fn an_error_that_ended_the_last_run_is_a_need_without_a_task() {
    let tried = attempt(1, "2026-01-02T04:00:00Z", "2026-01-02T05:00:00Z", "done");
    let end = serde_json::json!({"why": "error", "reason": "tasks.md can't be run", "exit_code": 65});
    let state = serde_json::json!({"units": {"1": {"status": "done", "attempts": [tried]}},
        "run": {"state": "over", "began": "2026-01-02T04:00:00Z", "ended": "2026-01-02T05:00:00Z", "end": end}});
    let made = report(&state, "", false).unwrap();
    assert_eq!((made.headline.as_str(), made.needs.len()), ("needs you", 1));
    let need = &made.needs[0];
    assert_eq!((need.task.as_deref(), need.why.as_str()), (None, "tasks.md can't be run"));
    assert_eq!(need.command, "seqorch run login --retry");
}

#[test]
fn an_attempt_that_never_started_is_listed_and_counts_nowhere() {
    let mut never = attempt(1, "2026-01-02T04:00:00Z", "2026-01-02T05:00:00Z", "cancelled");
    never["outcome"]["by"] = "no_orchestrator".into();
    let state = serde_json::json!({"units": {"1": {"status": "todo", "attempts": [never]}}});
    let made = report(&state, "", false).unwrap();
    let row = &made.rows[0];
    assert_eq!((row.outcome.as_str(), row.attempts, row.words.as_str()), ("never started", 0, ""));
    let total = |name| made.totals.iter().find(|(n, _)| *n == name).unwrap().1.clone();
    assert_eq!(
        (total("attempts"), total("worked"), row.took.clone()),
        ("0".into(), span(Duration::ZERO), span(Duration::ZERO))
    );
}

#[test]
fn a_question_is_on_top_with_the_command_that_answers_it() {
    let asks = attempt(1, "2026-01-02T04:00:00Z", "2026-01-02T05:00:00Z", "halted");
    let state = serde_json::json!({"entries": [{"id": "2", "title": "Form"}],
        "units": {"2": {"status": "halted", "question": "Which one?",
        "at": "2026-01-02T05:00:00Z", "attempts": [asks]}}});
    let made = report(&state, "", false).unwrap();
    assert_eq!((made.headline.as_str(), made.needs.len()), ("needs you", 1));
    let need = &made.needs[0];
    assert_eq!(
        (need.task.as_deref(), need.title.as_str()),
        (Some("2"), "Form"),
        "its title is from tasks.md"
    );
    assert_eq!((need.why.as_str(), need.look.as_ref()), ("Which one?", None));
    assert_eq!(need.command, "seqorch resume login --answer \"…\"");
}

/// The output of the check that failed for task 2.
fn printed() -> String {
    let lines: Vec<_> = (1..=50).map(|n| format!("line {n} \u{1b}[31mred\u{1b}[0m")).collect();
    format!("failed with exit code 4\n{}\n", lines.join("\n"))
}

fn check_failed(status: serde_json::Value) -> serde_json::Value {
    let mut attempt = attempt(1, "2026-01-02T04:00:00Z", "2026-01-02T05:00:00Z", "done");
    attempt["outcome"] =
        serde_json::json!({"kind": "verify_failed", "command": "make test", "tail": printed()});
    let mut unit = status;
    unit["attempts"] = serde_json::json!([attempt]);
    unit["at"] = "2026-01-02T05:00:00Z".into();
    serde_json::json!({"units": {"2": unit}})
}

#[test]
fn a_failed_check_is_a_need_with_the_end_of_its_output() {
    let how = "not done: `make test` does not succeed: failed with exit code 4";
    let state = check_failed(serde_json::json!({"status": "failed", "reason": how}));
    let need = &report(&state, "", false).unwrap().needs[0];
    let lines: Vec<_> = need.why.lines().collect();
    assert_eq!(lines[..2], [how, "…"]);
    assert_eq!((lines.len(), lines[2], lines[11]), (12, "line 41 red", "line 50 red"));
    assert_eq!(need.look.as_deref(), Some("seqorch logs --spec login 2 --verify"));
}

#[test]
fn a_question_about_a_check_has_the_end_of_its_output() {
    let question = format!("`make test` failed 3 times:\n{}", printed());
    let state = check_failed(serde_json::json!({"status": "halted", "question": question}));
    let why = report(&state, "", false).unwrap().needs[0].why.clone();
    let lines: Vec<_> = why.lines().collect();
    assert_eq!(lines[..3], ["`make test` failed 3 times:", "failed with exit code 4", "…"]);
    assert_eq!((lines.len(), lines[12]), (13, "line 50 red"));
}

#[test]
fn a_refused_commit_is_a_need_though_nothing_is_left() {
    let state = serde_json::json!({"completed": ["1"], "entries": [{"id": "1", "title": "Store"}], "units": {
        "1": {"status": "done", "attempts": [attempt(1, "2026-01-02T04:00:00Z", "2026-01-02T05:00:00Z", "done")],
              "pending_commit": {"since": "2026-01-02T05:00:00Z", "refused": "a hook\u{1b}[31m says\nno"}}}});
    let made = report(&state, "", false).unwrap();
    assert_eq!((made.headline.as_str(), made.needs.len()), ("needs you", 1));
    let need = &made.needs[0];
    assert_eq!((need.what.as_str(), need.title.as_str()), ("task 1 is done, but not committed", "Store"));
    assert_eq!(need.why, "a hook says\nno");
    assert_eq!(made.rows[0].outcome, "done, not committed");
}

#[test]
fn a_limited_attempt_counts_nowhere_and_makes_no_sum_unknown() {
    let usage = serde_json::json!({"input": 1000, "output": 0, "cost_usd": 0.5});
    let mut done = attempt(2, "2026-01-02T04:00:00Z", "2026-01-02T05:00:00Z", "done");
    done["usage"] = usage;
    let mut limited = attempt(1, "2026-01-02T03:00:00Z", "2026-01-02T03:00:01Z", "limited");
    limited["outcome"] = serde_json::json!({"kind": "limited", "limit": "rate_limited", "why": "later"});
    let state = serde_json::json!({"units": {"1": {"status": "done", "attempts": [limited, done]}}});
    let made = report(&state, "", false).unwrap();
    let total = |name| made.totals.iter().find(|(n, _)| *n == name).unwrap().1.clone();
    let row = &made.rows[0];
    assert_eq!((row.attempts, total("attempts").as_str()), (1, "1"));
    assert_eq!((row.cost.as_str(), total("cost").as_str()), ("$0.50", "$0.50"));
    assert_eq!((row.tokens.clone(), total("tokens")), ("1000".into(), "1000".into()));
}

#[test]
fn a_report_that_is_made_while_an_agent_works_says_so() {
    let mut running = attempt(1, "2026-01-02T04:00:00Z", "2026-01-02T05:00:00Z", "done");
    running["outcome"] = serde_json::Value::Null;
    running["ended_at"] = serde_json::Value::Null;
    let state = serde_json::json!({"units": {"1": {"status": "running", "attempts": [running]}}});
    let made = report(&state, "", false).unwrap();
    assert_eq!((made.headline.as_str(), made.rows[0].took.as_str()), ("at work", "2h"));
}
