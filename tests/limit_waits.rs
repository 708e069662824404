//! A run that meets a limit waits, spends no attempt, and continues with the same task.

use rustix::process::Signal;

use crate::common::{Project, wait_until};

/// An agent that is limited in its first attempt, for this many seconds.
fn limited(seconds: u32) -> String {
    format!(
        "if [ \"$SEQORCH_ATTEMPT\" = 1 ] && [ \"$SEQORCH_UNIT\" = 1 ]; then \
         echo \"quota exceeded, retry at $(( $(date +%s) + {seconds} ))\" >&2; exit 1; fi; say_done"
    )
}

const PATTERN: &str = "limit_patterns = [{ match = \"^quota exceeded, retry at (?P<epoch>[0-9]+)\", kind = \"quota_exhausted\", reset = \"epoch\" }]\n";

pub(crate) const TWO: &str = "- [ ] 1. A\n- [ ] 2. B\n";

pub(crate) fn project(seconds: u32, limit: &str, more: &str) -> Project {
    Project::new()
        .spec("login", TWO)
        .agent(&limited(seconds))
        .config(&format!("[limit]\nmargin = \"0s\"\n{limit}\n[backend.fake]\n{PATTERN}{more}"))
}

#[test]
#[ignore = "slow"]
fn waiting_for_a_limit_costs_no_attempt_and_no_iteration() {
    let project = project(3, "", "[retry]\nattempts = 1\n[run]\nmax_iterations = 2\n");
    let out = project.run(&["run"]).code(0).says(&["quota used up: quota exceeded", "fake is limited"]);
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1"], "{out:?}");
    let state = project.state("login");
    let attempts = &state["units"]["1"]["attempts"];
    assert_eq!((&attempts[0]["outcome"]["kind"], &attempts[0]["counts"]), (&"limited".into(), &false.into()));
    assert!(state["run"]["wait"].is_null() && state["limits"].is_null(), "{state}");
    assert!(project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md").contains("**Waiting:** fake: quota used up"));
}

/// Its login is refused in its second task, and its CLI says twice that it is not logged in.
#[test]
fn no_agent_starts_while_its_cli_says_that_it_is_not_logged_in() {
    let agent = "if [ \"$SEQORCH_UNIT $SEQORCH_ATTEMPT\" = '2 1' ]; then echo 'Invalid API key' >&2; exit 1; fi; say_done";
    let check = "echo asked >> checks; [ \"$(wc -l < checks)\" -ge 2 ]\n";
    let project = Project::new()
        .spec("login", TWO)
        .agent(agent)
        .file("check.sh", check)
        .config("[limit]\nunknown = [\"1s\"]\n[backend.fake]\nlogin_check = [\"check.sh\"]\n");
    let out = project.run(&["run"]).code(0).says(&["check.sh` says that it is not logged in"]);
    assert_eq!(project.ledger(), ["1 1", "2 1", "2 3"], "{out:?}");
    assert_eq!(project.read("checks"), "asked\nasked\n", "it is asked only after a refusal");
    assert_eq!(project.outcomes("login", "2"), ["limited", "limited", "done"]);
}

#[test]
fn a_login_that_worked_for_another_spec_or_backend_is_tried_again() {
    let refused = "[ \"$SEQORCH_SPEC $SEQORCH_ATTEMPT\" = 'logout 1' ] && { echo 'Invalid API key' >&2; exit 1; }; say_done";
    let config = "[limit]\nunknown = [\"1s\"]\n";
    let project = || {
        let project =
            Project::new().spec("login", "- [ ] 1. A\n").file("old/logout/tasks.md", "- [ ] 1. B\n");
        project.agent(refused)
    };
    let same = project().config(config);
    same.run(&["run", "login", "old/logout"]).code(0).says(&["Invalid API key"]);
    assert_eq!(same.ledger(), ["1 1", "1 1", "1 2"]);
    let twin = "[backend.twin]\ncommand = \"/bin/sh\"\nargs = [\"agent.sh\"]\nmodel_args = [\"-m\"]\n";
    let other = project().config(&format!("{config}{twin}"));
    other.run(&["run", "login", "--backend", "twin"]).code(0);
    other.run(&["run", "old/logout"]).code(0).says(&["Invalid API key"]);
    // nothing has worked yet
    project().config(config).run(&["run", "old/logout"]).code(2).says(&["Invalid API key", "log in with"]);
}

#[test]
#[ignore = "slow"]
fn after_a_kill_the_next_run_waits_only_for_the_rest() {
    let project = project(6, "", "");
    let run = project.start(&["run"]);
    wait_until("the wait", || project.state("login")["run"]["wait"]["until"].is_string());
    let until = project.state("login")["limits"]["fake"]["until"].clone();
    project.run(&["status"]).code(0).says(&["waiting: fake: quota used up; next try in"]);
    run.signal(rustix::process::Signal::KILL);
    run.wait();
    let again = project.start(&["run"]);
    again.wait_for("fake is limited");
    assert_eq!(project.state("login")["limits"]["fake"]["until"], until, "it waits for another time");
    again.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1"]);
    let started = project.state("login")["units"]["1"]["attempts"][1]["started_at"].clone();
    let time = |at: &serde_json::Value| at.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(time(&started) >= time(&until), "{started} is before {until}");
}

#[test]
#[ignore = "slow"]
fn a_fallback_backend_works_while_one_is_limited() {
    let project = project(
        3600,
        "fallback = [\"spare\"]",
        "[backend.spare]\ncommand = \"/bin/sh\"\nargs = [\"spare.sh\"]\n",
    );
    project.write("spare.sh", "echo spare $SEQORCH_UNIT >> ledger; echo '<promise>TASK_DONE</promise>'\n");
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "spare 1", "spare 2"]);
    assert_eq!(project.state("login")["units"]["1"]["attempts"][1]["backend"], "spare");
}

#[test]
#[ignore = "slow"]
fn a_limit_beyond_max_wait_stops_the_run() {
    let project = project(3600, "max_wait = \"10m\"", "");
    project.run(&["run"]).code(2).says(&[
        "needs you: the run ended at a limit",
        "fake is limited",
        "limit.max_wait",
    ]);
    assert_eq!(project.ledger(), ["1 1"]);
    // the next run starts no agent
    project.run(&["run"]).code(2);
    assert_eq!(project.ledger(), ["1 1"]);
    project.run(&["resume", "--now"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1"]);
}

/// The agent states a limit so, and then does nothing until it is ended: no deadline is near.
fn is_ended_at_a_limit(says: &str) {
    let pattern = "{ match = '^Gadget pool is empty, back in (?P<dur>\\S+)', kind = \"quota_exhausted\", reset = \"duration\" }";
    let project = Project::new()
        .spec("login", TWO)
        .agent(&format!("{says}; gate"))
        .config(&format!("[limit]\nwait = false\n[backend.fake]\nlimit_patterns = [{pattern}]\n"));
    project.run(&["run"]).code(75).says(&["quota used up"]);
    assert_eq!(
        (project.ledger(), project.outcomes("login", "1")),
        (vec!["1 1".into()], vec!["limited".into()])
    );
}

#[test]
fn a_limit_on_stderr_ends_the_agent_in_any_wording_and_without_a_line_end() {
    is_ended_at_a_limit("echo 'Gadget pool is empty, back in 3h' >&2");
    is_ended_at_a_limit("printf 'You have hit your usage limit. Try again in 4 hours.' >&2");
}

#[test]
#[ignore = "slow"]
fn a_limit_without_an_end_or_among_words_ends_an_agent_that_falls_silent() {
    is_ended_at_a_limit("echo 'ApiError: You have exhausted your daily quota on this model.' >&2");
    is_ended_at_a_limit(
        "echo 'I look at it.'; echo 'ApiError: You have exhausted your capacity on this model. Your quota will reset after 5h0m9s.'",
    );
}

#[test]
fn an_agent_that_continues_after_it_showed_a_limit_is_not_ended() {
    let error =
        "ApiError: You have exhausted your capacity on this model. Your quota will reset after 5h0m9s.";
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent(&format!("echo '{error}'; echo 'The client shows that now.'; gate; say_done"));
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    project.release();
    run.wait().code(0);
    assert_eq!(project.outcomes("login", "1"), ["done"]);
}

#[test]
fn a_missing_login_stops_the_run_with_the_agents_words_and_a_fix() {
    let project = Project::new()
        .spec("login", TWO)
        .agent("[ -e key ] && { say_done; exit; }; echo 'Not logged in' >&2; exit 1")
        .config("[backend.fake]\nlimit_patterns = [{ match = \"^Not logged in\", kind = \"auth\", reset = \"none\" }]\n");
    project.run(&["run"]).code(2).says(&["Not logged in", "log in with"]);
    assert_eq!(project.ledger(), ["1 1"]);
    project.write("key", "");
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1"]);
}

#[test]
#[ignore = "slow"]
fn ctrl_c_ends_a_wait_at_once() {
    let project = project(3600, "", "");
    let run = project.start(&["run"]);
    run.wait_for("fake is limited");
    run.signal(rustix::process::Signal::INT);
    run.wait().code(130);
    assert!(project.state("login")["run"]["wait"].is_null());
}

/// The processor time that a process has used so far, in milliseconds.
fn processor_ms(pid: i32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split_whitespace().collect();
    // utime and stime, in ticks; Linux has a hundred a second on every machine
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ticks * 10
}

#[test]
#[ignore = "waits for a minute"]
fn a_wait_of_a_minute_takes_no_processor_time() {
    let seconds = 66;
    let project = project(seconds, "", "");
    let run = project.start(&["run"]);
    wait_until("the wait", || project.state("login")["run"]["wait"]["until"].is_string());
    let until = project.state("login")["run"]["wait"]["until"].clone();
    let until: jiff::Timestamp = until.as_str().unwrap().parse().unwrap();
    let (pid, before, began) = (run.pid(), processor_ms(run.pid()), jiff::Timestamp::now());
    crate::common::wait_long("the end of the wait", || {
        until.duration_since(jiff::Timestamp::now()) < jiff::SignedDuration::from_secs(1)
    });
    let used = processor_ms(pid) - before;
    let waited = jiff::Timestamp::now().duration_since(began).as_secs();
    println!("{used} ms of processor time in {waited} s of waiting");
    assert!(waited >= 55, "it waited only {waited} s");
    assert!(used <= 50, "{used} ms in {waited} s");
    run.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1"]);
}

#[test]
#[ignore = "slow"]
fn resume_now_ends_the_wait_of_a_running_run() {
    // this agent is limited until the file `open` exists, whatever the time
    let agent = "[ -e open ] && { say_done; exit; }\n\
                 echo \"quota exceeded, retry at $(( $(date +%s) + 3600 ))\" >&2; exit 1";
    let project = Project::new()
        .spec("login", TWO)
        .agent(agent)
        .config(&format!("[limit]\nmargin = \"0s\"\n[backend.fake]\n{PATTERN}"));
    let run = project.start(&["run"]);
    wait_until("the wait", || project.state("login")["run"]["wait"]["until"].is_string());
    let since = project.state("login")["run"]["wait"]["since"].clone();
    project
        .run(&["status"])
        .code(0)
        .says(&["try at once with: seqorch resume login --now", "fake is limited"]);
    // still limited: it tries, and waits again
    project.run(&["resume", "--now"]).code(0).says(&["stopped waiting (fake: quota used up)"]);
    wait_until("the next wait", || {
        let state = project.state("login");
        state["run"]["wait"]["until"].is_string()
            && state["units"]["1"]["attempts"].as_array().unwrap().len() == 2
    });
    assert_ne!(project.state("login")["run"]["wait"]["since"], since);
    // a suspended run gets the request, and the user learns that it cannot act yet
    run.signal(Signal::STOP);
    project.run(&["resume", "--now"]).code(0).says(&["is suspended; it will retry"]);
    project.write("open", "");
    run.signal(Signal::CONT);
    run.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2", "1 3", "2 1"]);
    let state = project.state("login");
    let counts: Vec<bool> =
        state["units"]["1"]["attempts"].as_array().unwrap().iter().map(|a| a["counts"] == true).collect();
    assert_eq!(counts, [false, false, true], "a limited attempt counts");
}

#[test]
#[ignore = "slow"]
fn a_limit_of_one_model_does_not_stop_another() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n")
        .agent("if [ \"$1\" = opus ] && [ ! -e open ]; then echo \"You've hit your Opus limit · resets $(date -d '+2 hours' +%H:%M)\"; exit 1; fi; say_done")
        .config(
            "[limit]\nmax_wait = \"10m\"\n[backend.fake]\nmodel = \"sonnet\"\nargs = [\"agent.sh\", \"{model}\"]\n\
             [[override]]\ntasks = [\"2\"]\nmodel = \"opus\"\n",
        );
    project.run(&["run"]).code(2).says(&[
        "needs you: the run ended at a limit",
        "fake (Opus) is limited",
        "limit.max_wait",
    ]);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    let state = project.state("login");
    assert!(state["limits"].is_null() && state["model_limits"]["fake"]["Opus"].is_object(), "{state}");
    project.run(&["status"]).code(0).says(&["fake (Opus) is limited: quota used up"]);
    // a task for Sonnet can run
    project.run(&["run", "--only", "3"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1", "3 1"]);
    let json = project.run(&["status", "--json"]).code(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(
        json["model_limits"]["fake"]["Opus"]["until"].is_string(),
        "a success of Sonnet says nothing of Opus"
    );
    // and no task for Opus is tried before its time
    project.run(&["run"]).code(2);
    assert_eq!(project.ledger(), ["1 1", "2 1", "3 1"]);
}

#[test]
#[ignore = "slow"]
fn a_fallback_for_a_limited_model_is_shown_in_the_plan() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n")
        .agent("if [ \"$1\" = opus ]; then echo \"You've hit your Opus limit · resets $(date -d '+2 hours' +%H:%M)\"; exit 1; fi; say_done")
        .config(
            "[limit]\nfallback = [\"spare\"]\n[backend.fake]\nmodel = \"sonnet\"\nargs = [\"agent.sh\", \"{model}\"]\n\
             [[override]]\ntasks = [\"1\", \"2\"]\nmodel = \"opus\"\n\
             [backend.spare]\ncommand = \"/bin/sh\"\nargs = [\"spare.sh\"]\n",
        );
    project.write("spare.sh", "echo spare $SEQORCH_UNIT >> ledger; [ $SEQORCH_UNIT = 1 ] || exit 1; echo '<promise>TASK_DONE</promise>'\n");
    project.run(&["run"]).code(2);
    // task 3 asks for Sonnet and needs no fallback
    assert_eq!(project.ledger()[..2], ["1 1", "spare 1"]);
    project.run(&["plan", "--dry-run"]).code(0).says(&["spare takes over: fake (Opus) is limited"]);
    let json = project.run(&["plan", "--dry-run", "--json"]).code(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let backends: Vec<&str> =
        json["steps"].as_array().unwrap().iter().map(|s| s["backend"].as_str().unwrap()).collect();
    assert_eq!(backends, ["spare", "fake"]);
}

#[test]
fn without_a_login_the_fallback_works_and_the_summary_says_so() {
    let project =
        Project::new().spec("login", TWO).agent("echo 'Not logged in · Please run /login'; exit 1").config(
            "[limit]\nfallback = [\"spare\"]\n[backend.fake]\nlimit_patterns = []\n\
             [backend.spare]\ncommand = \"/bin/sh\"\nargs = [\"spare.sh\"]\n",
        );
    project.write("spare.sh", "echo spare $SEQORCH_UNIT >> ledger; echo '<promise>TASK_DONE</promise>'\n");
    project.run(&["run"]).code(0).says(&[
        "1  A: done, 1 attempt by fake, then spare",
        "fake needs a login: Not logged in · Please run /login (log in with",
    ]);
    assert_eq!(project.ledger(), ["1 1", "spare 1", "spare 2"]);
    let attempts = project.state("login")["units"]["1"]["attempts"].clone();
    assert_eq!((&attempts[0]["counts"], &attempts[1]["counts"]), (&false.into(), &true.into()));
    project.run(&["status"]).code(0).says(&["fake needs a login", "log in with"]);
}

#[test]
#[ignore = "slow"]
fn interrupted_waits_are_in_the_totals() {
    let project = project(3600, "", "");
    let run = project.start(&["run"]);
    wait_until("the wait", || project.state("login")["run"]["wait"]["until"].is_string());
    let since = project.state("login")["run"]["wait"]["since"].clone();
    run.signal(rustix::process::Signal::KILL);
    run.wait();
    let run = project.start(&["run"]);
    run.wait_for("fake is limited");
    wait_until("the first second", || {
        let since: jiff::Timestamp = since.as_str().unwrap().parse().unwrap();
        jiff::Timestamp::now().duration_since(since) > jiff::SignedDuration::from_secs(2)
    });
    assert_eq!(project.state("login")["run"]["wait"]["since"], since, "the wait started again");
    run.signal(rustix::process::Signal::INT);
    run.wait().code(130).says(&["waited", "for fake: quota used up"]);
    let state = project.state("login");
    assert!(state["run"]["waited_ms"]["fake: quota used up"].as_u64() >= Some(2000), "{state}");
    assert!(state["run"]["wait"].is_null(), "{state}");
}

/// Waiting costs a machine, so a job ends and says when to try again.
#[test]
fn a_run_that_may_not_wait_ends_with_75_and_says_when_it_can_continue() {
    let project = project(3600, "wait = false", "");
    let out = project.run(&["run", "--json"]).code(75);
    let mut events = out.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let ended = events.next_back().unwrap();
    assert_eq!(
        (&ended["event"], &ended["why"], &ended["needs"]),
        (&"run_ended".into(), &"try_later".into(), &serde_json::json!([]))
    );
    let until: jiff::Timestamp = ended["resume_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(project.ledger(), ["1 1"]);
    // the next one starts no agent, and its last line is for people and programs
    let out = project.run(&["run"]).code(75).says(&["stopped instead of waiting for fake: quota used up"]);
    let last = format!("Run again at {}.", until.strftime("%Y-%m-%dT%H:%M:%SZ"));
    assert_eq!(out.stdout.lines().last(), Some(last.as_str()), "{out:?}");
    assert_eq!(project.ledger(), ["1 1"]);
    let when = project.run(&["when"]).code(0);
    assert!(last.contains(when.stdout.trim()), "{when:?}");
    project.run(&["resume", "--now"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1"]);
    project.run(&["when", "--json"]).code(0).says(&["\"start\": \"never\""]);
}

#[test]
fn a_failed_task_does_not_hide_when_the_others_can_continue() {
    let agent = format!("[ $SEQORCH_UNIT = 0 ] && exit 1\n{}", limited(3600));
    let project =
        Project::new().spec("login", "- [ ] 0. Z\n- [ ] 1. A\n- [ ] 2. B\n").agent(&agent).config(&format!(
            "[limit]\nmargin = \"0s\"\nwait = false\n[retry]\nattempts = 1\n[run]\non_failure = \"skip\"\n\
             [backend.fake]\n{PATTERN}"
        ));
    let out = project.run(&["run"]).code(75);
    let at = out.stdout.lines().last().unwrap().strip_prefix("Run again at ").unwrap().to_owned();
    let at = at.trim_end_matches('.');
    assert_eq!(project.run(&["when"]).code(0).stdout.trim(), at);
    project.run(&["specs", "--json"]).code(0).says(&[&format!("\"resume_at\": \"{at}\"")]);
    // once only the failed task is left, a person is needed first
    project.run(&["resume", "--now"]).code(2);
    assert_eq!(project.state("login")["completed"], serde_json::json!(["1", "2"]));
    project.run(&["when"]).code(2).says(&["never"]);
}

#[test]
fn a_run_that_may_not_wait_ends_with_75_outside_of_its_window() {
    let hour = jiff::Timestamp::now().as_second() / 3600;
    let window = format!(
        "[limit]\nwait = false\n[pace]\nwindow = \"{:02}:00-{:02}:00\"\n",
        (hour + 2) % 24,
        (hour + 3) % 24
    );
    let project = Project::new().spec("login", TWO).agent("say_done").config(&window).env("TZ", "UTC");
    project.run(&["when"]).code(0).says(&["now"]);
    project.run(&["run"]).code(75).says(&["pace.window"]);
    assert!(project.ledger().is_empty());
    let at: jiff::Timestamp = project.run(&["when"]).code(0).stdout.trim().parse().unwrap();
    assert!(at > jiff::Timestamp::now());
}

/// An engine that ends a job gives it some seconds, and an agent may spend them all.
#[test]
#[ignore = "slow"]
fn the_end_of_a_job_leaves_an_agent_five_seconds() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let agent = "[ -e slow ] || { say_done; exit; }; trap '' TERM INT; echo at work > begun; while :; do sleep 0.1; done";
        let project = Project::new()
            .spec("login", TWO)
            .agent(agent)
            .file("slow", "")
            .config("[limit]\nwait = false\n[timeout]\ngrace = \"5m\"\n");
        let run = project.start(&["run"]);
        wait_until("the agent", || project.path("begun").exists());
        let began = std::time::Instant::now();
        run.signal(signal);
        run.wait().code(code);
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
        std::fs::remove_file(project.path("slow")).unwrap();
        project.run(&["run"]).code(0);
    }
}

#[test]
fn status_has_the_waits_of_all_runs_as_the_report_has_them() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").env("TZ", "UTC");
    let project = project.agent(
        "[ $SEQORCH_UNIT = 1 ] && [ $SEQORCH_ATTEMPT = 1 ] && { echo which; say_halt; exit; }; say_done",
    );
    project.run(&["run"]).code(2);
    // the answer comes two hours later
    let path = ".seqorch/login/events.jsonl";
    let text = project.read(path);
    let old = text.lines().map(|line| {
        let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
        let at: jiff::Timestamp = record["at"].as_str().unwrap().parse().unwrap();
        record["at"] = (at - jiff::SignedDuration::from_hours(2)).to_string().into();
        format!("{record}\n")
    });
    let old: String = old.collect();
    project.write(path, old);
    let path = ".kiro/specs/SEQUENTIAL_STATE.json";
    let mut all: serde_json::Value = serde_json::from_str(&project.read(path)).unwrap();
    let attempt = &mut all["specs"]["login"]["units"]["1"]["attempts"][0];
    for at in ["started_at", "ended_at"] {
        let then: jiff::Timestamp = attempt[at].as_str().unwrap().parse().unwrap();
        attempt[at] = (then - jiff::SignedDuration::from_hours(2)).to_string().into();
    }
    project.write(path, all.to_string());
    project.run(&["resume", "--answer", "this"]).code(0);
    project.run(&["run"]).code(0);
    let json: serde_json::Value =
        serde_json::from_str(&project.run(&["status", "--json"]).code(0).stdout).unwrap();
    assert!(json["waited_in_all_runs_s"]["you"].as_u64() >= Some(7200), "{json}");
    let said = project.run(&["status"]).code(0).stdout;
    let waited = said.split("waited ").nth(1).unwrap().lines().next().unwrap().to_owned();
    assert!(waited.starts_with("2h") && waited.ends_with(" for you"), "{said}");
    project.run(&["report", "--all"]).code(0).says(&[&format!("waited: {waited}")]);
}
