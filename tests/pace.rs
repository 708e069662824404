//! `[pace]`: rules of the user that hold back the next step.

use crate::common::{Project, wait_until};
use crate::limit_waits::{TWO, project};

#[test]
fn the_plan_says_when_steps_may_start() {
    let project = project(3600, "", "[pace]\ntasks_per_hour = 1\n");
    project.run(&["plan", "--dry-run"]).code(0).says(&[
        "1. 1  A  now",
        "not before",
        "pace.tasks_per_hour = 1",
        "How long a step takes is not known",
    ]);
    let json = project.run(&["plan", "--dry-run", "--json"]).code(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let line = &json["timeline"];
    assert_eq!(
        (&line[0]["id"], &line[0]["held_by"], &line[0]["takes_s"]),
        (&"1".into(), &serde_json::json!([]), &serde_json::Value::Null)
    );
    assert_eq!(
        (&line[1]["held_by"][0], &line[1]["exact"]),
        (&"pace.tasks_per_hour = 1".into(), &false.into())
    );
    let time = |at: &serde_json::Value| at.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(time(&line[1]["starts_at"]).duration_since(time(&line[0]["starts_at"])).as_secs(), 3600);
}

#[test]
fn outside_the_time_window_nothing_starts_and_status_says_until_when() {
    // a window of two hours that opens in one to two hours
    let clock = |hours: i64| {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
        at.to_zoned_datetime(jiff::tz::TimeZone::UTC).strftime("%H:00").to_string()
    };
    let rule = format!("{}-{}", clock(2), clock(4));
    let project = Project::new()
        .spec("login", TWO)
        .agent("say_done")
        .env("TZ", "UTC")
        .config(&format!("[pace]\nwindow = \"{rule}\"\n"));
    let run = project.start(&["run"]);
    wait_until("the wait", || project.state("login")["run"]["wait"]["until"].is_string());
    let rule = format!("pace.window = \"{rule}\"");
    assert_eq!(project.state("login")["run"]["wait"]["rule"], rule.as_str());
    let status = project.run(&["status"]).code(0).says(&[&format!("waiting: {rule}")]);
    assert!(!status.stdout.contains("resume login --now"), "it is no limit");
    // a rule of the user is not a limit, so it still holds
    project.run(&["resume", "--now"]).code(0).says(&["still waits for pace.window"]);
    assert_eq!(project.state("login")["run"]["wait"]["rule"], rule.as_str());
    run.signal(rustix::process::Signal::INT);
    run.wait().code(130);
    assert!(!project.path("ledger").exists(), "something was started");
}

#[test]
fn tokens_of_an_earlier_run_count_in_the_next_one() {
    let says = r#"{"type":"assistant","message":{"content":[{"type":"text","text":"<promise>TASK_DONE</promise>"}]}}"#;
    let usage = r#"{"type":"result","subtype":"success","is_error":false,"result":"","modelUsage":{"m":{"inputTokens":900,"outputTokens":200}}}"#;
    let project = Project::new()
        .spec("login", TWO)
        .agent(&format!("echo '{says}'; echo '{usage}'"))
        .config("[backend.fake]\noutput = \"claude\"\n[pace]\ntokens = \"1000 per 5h\"\n");
    project.run(&["run", "--only", "1"]).code(0);
    let run = project.start(&["run"]);
    wait_until("the wait", || project.state("login")["run"]["wait"]["rule"] == "pace.tokens = 1000 per 5h");
    run.signal(rustix::process::Signal::INT);
    run.wait().code(130);
    assert_eq!(project.ledger(), ["1 1"]);
}

/// A project with an agent that prints what codex prints, with this use of tokens.
fn codex(config: &str) -> Project {
    let say =
        r#"{"type":"item.completed","item":{"type":"agent_message","text":"<promise>TASK_DONE</promise>"}}"#;
    let end = r#"{"type":"turn.completed","usage":{"input_tokens":1000000,"cached_input_tokens":0,"output_tokens":100000}}"#;
    let project = Project::new().spec("login", TWO).agent(&format!("echo '{say}'; echo '{end}'"));
    project.config(&format!("[backend.fake]\noutput = \"codex\"\nmodel_args = [\"{{model}}\"]\n{config}"))
}

#[test]
fn a_budget_that_cannot_be_counted_is_refused_before_it_costs_anything() {
    let project = codex("[pace]\nmax_cost_usd = 2.0\n");
    let said =
        "pace.max_cost_usd does not count what fake uses: it reports tokens and no cost, and no model is set";
    let refused = project.run(&["run"]).code(78);
    assert!(
        refused.stderr.contains(said) && refused.stderr.contains("pace.unknown_usage"),
        "{}",
        refused.stderr
    );
    assert!(!project.path("ledger").exists(), "an agent was paid");
    let plan = project.run(&["plan"]).code(0);
    assert!(plan.stderr.contains(&format!("warning: a run would end at once: {said}")), "{}", plan.stderr);
    let json: serde_json::Value =
        serde_json::from_str(&project.run(&["plan", "--json"]).code(0).stdout).unwrap();
    assert_eq!(json["uncounted_budgets"][0]["key"], "pace.max_cost_usd");
    assert_eq!(json["left"], serde_json::Value::Null);
    let doctor = project.run(&["doctor"]).code(78);
    assert!(doctor.stdout.contains("pace.max_cost_usd"), "{}", doctor.stdout);
    let project = project.env("SEQORCH_PACE__UNKNOWN_USAGE", "allow");
    let allowed = project.run(&["run"]);
    assert!(allowed.stderr.contains(&format!("note: {said}")), "{}", allowed.stderr);
    allowed.code(0);
}

#[test]
fn a_cost_that_is_made_from_prices_counts_and_is_marked() {
    let price = "[[price]]\nmodel = \"mine\"\ninput = 1.0\noutput = 10.0\n";
    let project = codex(&format!("model = \"mine\"\n[pace]\nmax_cost_usd = 2.0\n{price}"));
    let ended = project.run(&["run"]).code(2);
    assert!(ended.stdout.contains("it has cost ≈$2.00, and pace.max_cost_usd is 2.00"), "{}", ended.stdout);
    assert_eq!(project.ledger(), ["1 1"], "the budget ended the run");
    let status = project.run(&["status"]).code(0).stdout;
    let report = project.run(&["report"]).code(0).stdout;
    assert!(status.contains("≈$2.00") && report.contains("≈$2.00"), "{status}{report}");
    let json = project.run(&["status", "--json"]).code(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["usage"]["cost_estimated"], true, "{json}");
    let plan = project.run(&["plan"]).code(0).stdout;
    assert!(plan.contains("What is left may use ≈1.1M tokens, ≈$2.00, judged by 1 done task"), "{plan}");
}

#[test]
fn what_is_left_of_a_new_spec_is_judged_by_other_specs() {
    let project = codex("").spec("cart", TWO);
    project.run(&["run", "login"]).code(0);
    let plan = project.run(&["plan", "cart"]).code(0).stdout;
    assert!(
        plan.contains("What is left may use ≈2.2M tokens, judged by 2 done tasks of other specs"),
        "{plan}"
    );
}
