//! Which agent does which task: an agent is asked, a rule or a person overrides it, and nothing is guessed.

use rustix::process::Signal;

use crate::common::{Project, wait_until};

const TASKS: &str = "- [ ] 1. Store\n- [ ] 2. Screen\n- [ ] 3. Review\n";

/// Three workers that differ only in name, and an assigning agent that prints what `answer` prints.
fn project(answer: &str, more: &str) -> Project {
    let assigner = format!("cat > \"$SEQORCH_DIR/asked\"; echo x >> calls; {answer}");
    Project::new()
        .spec("demo", TASKS)
        .agent("note \"$SEQORCH_UNIT by $WORKER\"; say_done; [ $SEQORCH_ROLE = work ] || echo '<promise>APPROVED</promise>'")
        .file("assigner.sh", assigner)
        .config(&format!(
            "[assign]\nbackend = \"assigner\"\n\
             owners = {{ codex = \"c\", gemini = \"g\", codex-review = \"c\" }}\n\
             [backend.assigner]\ncommand = \"/bin/sh\"\nargs = [\"assigner.sh\"]\n\
             [backend.c]\ncommand = \"/bin/sh\"\nargs = [\"agent.sh\"]\nenv = {{ WORKER = \"c\" }}\n\
             [backend.g]\ncommand = \"/bin/sh\"\nargs = [\"agent.sh\"]\nenv = {{ WORKER = \"g\" }}\n\
             [backend.fake.env]\nWORKER = \"default\"\n{more}"
        ))
}

fn workers(project: &Project) -> Vec<String> {
    let ledger = project.read("ledger");
    ledger.lines().filter(|line| line.contains(" by ")).map(str::to_owned).collect()
}

const GOOD: &str = r#"echo '{"assignments": {"1": {"type": "code", "owner_agent": "codex"},
"2": {"type": "ui", "owner_agent": "gemini"}, "3": {"type": "review", "owner_agent": "codex-review"}}}'"#;

#[test]
#[ignore = "slow"]
fn one_question_assigns_all_units_to_their_owners() {
    let project = project(GOOD, "");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert_eq!(workers(&project), ["1 by c", "2 by g", "3 by default", "3 by c"]);
    assert_eq!(project.read("calls").lines().count(), 1);
    let state = project.state("demo");
    assert_eq!(state["assignments"]["2"]["owner_agent"], "gemini");
    assert_eq!(state["assignments"]["2"]["by"], "assigner");
    assert!(out.stdout.contains("asking assigner to assign 3 tasks"), "{}", out.stdout);
}

#[test]
fn batch_one_asks_before_each_unit() {
    let answer = r#"id=$(sed -n 's/^- \([0-9]*\): .*/\1/p' "$SEQORCH_DIR/asked"); echo "{\"$id\": {\"type\": \"ui\", \"owner_agent\": \"gemini\"}}""#;
    let project = project(answer, "");
    project.write(
        "seqorch.local.toml",
        project.read("seqorch.local.toml").replace("[assign]\n", "[assign]\nbatch = \"one\"\n"),
    );
    let out = project.run(&["run"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert_eq!(workers(&project), ["1 by g", "2 by g", "3 by g"]);
    assert_eq!(project.read("calls").lines().count(), 3);
}

#[test]
fn a_wrong_assignment_is_asked_for_again_with_its_mistakes() {
    let answer = format!(
        "if grep -q 'could not be used' \"$SEQORCH_DIR/asked\"; then cp \"$SEQORCH_DIR/asked\" second; {GOOD}; else \
         echo '{{\"1\": {{\"type\": \"code\", \"owner_agent\": \"stranger\"}}}}'; fi"
    );
    let project = project(&answer, "");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert_eq!(workers(&project), ["1 by c", "2 by g", "3 by default", "3 by c"]);
    let second = project.read("second");
    assert!(second.contains("the owner \"stranger\" is not one of codex"), "{second}");
    assert!(second.contains("there is no assignment for 2, 3"), "{second}");
}

#[test]
fn usable_parts_of_a_first_answer_stay_when_the_second_is_worse() {
    let half =
        r#"{"1": {"type": "code", "owner_agent": "codex"}, "2": {"type": "ui", "owner_agent": "gemini"}}"#;
    let answer = format!("grep -q 'could not be used' \"$SEQORCH_DIR/asked\" && exit 3; echo '{half}'");
    let project = project(&answer, "");
    let out = project.run(&["run"]).code(0).says(&["! no usable assignment for 3;"]);
    assert!(out.stdout.contains("there is no assignment for 3"), "{}", out.stdout);
    assert_eq!(workers(&project), ["1 by c", "2 by g", "3 by default"]);
    assert_eq!(project.read("calls").lines().count(), 2);
    let by = |id: &str| project.state("demo")["assignments"][id]["by"].clone();
    assert_eq!((by("2"), by("3")), ("assigner".into(), "default".into()));
}

#[test]
#[ignore = "slow"]
fn after_two_bad_answers_the_run_warns_and_the_next_run_asks_again() {
    let project = project("echo nonsense; exit 3", "");
    let out = project.run(&["run", "--only", "1"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert_eq!(workers(&project), ["1 by default"]);
    assert_eq!(project.read("calls").lines().count(), 2);
    assert_eq!(project.state("demo")["assignments"]["1"]["by"], "default");
    assert!(out.stdout.contains("! no usable assignment for 1"), "{}", out.stdout);
    project.write("assigner.sh", format!("cat > /dev/null; echo x >> calls; {GOOD}"));
    let out = project.run(&["run"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert_eq!(workers(&project)[1..], ["2 by g", "3 by default", "3 by c"]);
    assert_eq!(project.state("demo")["assignments"]["2"]["by"], "assigner");
}

#[test]
fn an_assignment_rule_beats_the_agent() {
    let project = project(GOOD, "[[assign.rule]]\nmatch = \"^Scr\"\nbackend = \"c\"\n");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert_eq!(workers(&project), ["1 by c", "2 by c", "3 by default", "3 by c"]);
}

#[test]
fn plan_saves_the_assignment_and_a_dry_run_asks_nothing() {
    let project = project(GOOD, "");
    let before = project.tree();
    let out = project.run(&["plan", "--dry-run"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert!(out.stdout.contains("to be assigned"), "{}", out.stdout);
    assert_eq!(project.tree(), before);
    let out = project.run(&["plan", "--json"]);
    assert_eq!(out.code, 0, "{out:?}");
    let plan: serde_json::Value = serde_json::from_str(&out.stdout).unwrap();
    let backends: Vec<_> = plan["steps"].as_array().unwrap().iter().map(|s| s["backend"].clone()).collect();
    assert_eq!(backends, ["c", "g", "fake"]);
    assert_eq!(plan["steps"][2]["review"]["backend"], "c");
    assert_eq!(project.state("demo")["assignments"]["3"]["type"], "review");
    // the second plan uses the saved assignment
    assert_eq!(project.run(&["plan"]).code, 0);
    assert_eq!(project.read("calls").lines().count(), 1);
    assert!(workers(&project).is_empty());
}

#[test]
fn the_python_tools_assignment_flags_work() {
    let project = project(
        GOOD,
        "[backend.opencode]\ncommand = \"/bin/sh\"\nargs = [\"assigner.sh\", \"{agent_args}\"]\noutput = \"text\"\n",
    );
    let config = project.read("seqorch.local.toml").replace("backend = \"assigner\"\n", "");
    project.write("seqorch.local.toml", config);
    project.write("assigner.sh", format!("echo \"$@\" > args; cat > /dev/null; {GOOD}"));
    let out = project.run(&["run", "--assign-opencode-agent", "gawain"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert_eq!(project.read("args"), "--agent gawain\n");
    assert_eq!(workers(&project), ["1 by c", "2 by g", "3 by default", "3 by c"]);
}

#[test]
#[ignore = "slow"]
fn an_assignment_by_hand_beats_agent_and_rule_until_cleared() {
    let project = project(GOOD, "[[assign.rule]]\ntasks = [\"3\"]\nowner = \"codex\"\n");
    project.run(&["mark", "1", "--backend", "fake"]).code(0).says(&["1: assigned to fake"]);
    project.run(&["mark", "3", "--agent", "gemini"]).code(0).says(&["3: assigned to gemini"]);
    project
        .run(&["plan", "--dry-run"])
        .code(0)
        .says(&["assigned to fake by hand", "assigned to gemini by hand"]);
    // task 1 and 3 were assigned before the agent was asked, task 2 after it
    project.run(&["plan"]).code(0);
    project.run(&["mark", "2", "--agent", "codex"]).code(0);
    project.run(&["run"]).code(0);
    assert_eq!(workers(&project), ["1 by default", "2 by c", "3 by g"]);
    let state = project.state("demo");
    assert_eq!(
        (&state["assignments"]["2"]["by"], &state["assignments"]["2"]["type"]),
        (&"hand".into(), &"ui".into())
    );
    for id in ["1", "2", "3"] {
        project.run(&["mark", id, "todo", "--clear"]).code(0);
    }
    project.run(&["run"]).code(0);
    assert_eq!(workers(&project)[3..], ["1 by c", "2 by g", "3 by c"]);
}

/// The same, with an assigning agent that says what a call uses: 1100 tokens and half a dollar.
fn paid_project(more: &str) -> Project {
    let answer = r#"{\"1\":{\"type\":\"code\",\"owner_agent\":\"codex\"},\"2\":{\"type\":\"ui\",\"owner_agent\":\"gemini\"},\"3\":{\"type\":\"review\",\"owner_agent\":\"codex-review\"}}"#;
    let says = format!(
        r#"{{"type":"result","subtype":"success","is_error":false,"result":"{answer}","model_usage_since_last_result":{{"m":{{"inputTokens":900,"outputTokens":200,"costUSD":0.5}}}}}}"#
    );
    let more = format!("[pace]\nunknown_usage = \"allow\"\n{more}");
    let project = project(&format!("cat <<'EOF'\n{says}\nEOF"), &more);
    let config = project.read("seqorch.local.toml");
    let config = config.replace("[backend.assigner]\n", "[backend.assigner]\noutput = \"claude\"\n");
    project.write("seqorch.local.toml", config);
    project
}

fn status(project: &Project) -> serde_json::Value {
    serde_json::from_str(&project.run(&["status", "--json"]).code(0).stdout).unwrap()
}

#[test]
fn what_assigning_tasks_used_is_in_all_sums() {
    let project = paid_project("");
    let sums = "3 attempts, 1 review, 1 call to assign tasks, worked ";
    let run =
        project.run(&["run"]).code(0).says(&["assigning tasks: 1 call, ", &format!("this run: {sums}")]);
    assert!(run.stdout.contains("at least 900 tokens in, 200 out, at least $0.50"), "{}", run.stdout);
    let json = status(&project);
    assert_eq!((&json["usage"]["input"], &json["usage"]["cost_usd"]), (&900.into(), &0.5.into()));
    assert_eq!(json["usage"]["attempts"], 5);
    assert_eq!((&json["calls"][0]["number"], &json["calls"][0]["backend"]), (&1.into(), &"assigner".into()));
    project.run(&["status"]).code(0).says(&["assigning tasks: 1 call, ", &format!("all runs: {sums}")]);
    project.run(&["report"]).code(0).says(&[
        "- assigning tasks: 1 call, ",
        "- tokens: at least 1100",
        "- cost: at least $0.50",
    ]);
}

#[test]
fn a_call_that_no_state_has_is_counted_by_the_next_run_once() {
    let project = paid_project("");
    project.run(&["plan"]).code(0);
    assert_eq!(status(&project)["usage"]["input"], 900);
    // as after a kill between the end of the call and the save
    let path = ".kiro/specs/SEQUENTIAL_STATE.json";
    let mut file: serde_json::Value = serde_json::from_str(&project.read(path)).unwrap();
    assert!(file["specs"]["demo"].as_object_mut().unwrap().remove("calls").is_some());
    project.write(path, file.to_string());
    for _ in 0..2 {
        project.run(&["run", "--max-iterations", "1"]);
        let json = status(&project);
        assert_eq!((json["calls"].as_array().unwrap().len(), &json["usage"]["input"]), (1, &900.into()));
    }
}

#[test]
fn no_agent_is_asked_to_assign_once_a_budget_is_used_up() {
    let project = paid_project("tokens = \"1000 per 5h\"\n");
    project.run(&["plan"]).code(0);
    project.write(".kiro/specs/demo/tasks.md", format!("- [ ] 4. New\n{TASKS}"));
    let run = project.start(&["run"]);
    wait_until("the wait", || project.state("demo")["run"]["wait"]["rule"] == "pace.tokens = 1000 per 5h");
    run.signal(Signal::INT);
    run.wait().code(130);
    assert_eq!(project.read("calls").lines().count(), 1);
    assert!(!project.path("ledger").exists(), "an agent was started");
}

#[test]
fn a_run_ends_when_assigning_tasks_has_cost_its_money() {
    let project = paid_project("max_cost_usd = 0.4\n");
    project.run(&["run"]).code(2).says(&["it has cost $0.50, and pace.max_cost_usd is 0.40"]);
    assert!(!project.path("ledger").exists(), "an agent was started");
}

#[test]
fn mark_refuses_to_assign_unknown_tasks_backends_and_owners() {
    let project = project(GOOD, "");
    project.write(".kiro/specs/demo/tasks.md", "- [ ] 1. Store\n  - [ ] 1.1 Part\n");
    project
        .run(&["mark", "1", "--backend", "stranger"])
        .code(64)
        .says(&["there is no backend \"stranger\"", "fake"]);
    project.run(&["mark", "1", "--agent", "stranger"]).code(64).says(&["codex-review"]);
    project.run(&["mark", "1.1", "--backend", "fake"]).code(64).says(&["together with task 1"]);
    project.run(&["mark", "1"]).code(64);
    project.run(&["mark", "1", "--backend", "fake", "--clear"]).code(64);
    assert!(project.state("demo").is_null());
}
