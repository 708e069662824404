//! What a person does on the page: the same as on the command line.

use std::fs;

use super::client::Page;
use super::halted;
use crate::common::{Project, wait_until};

/// The value of a hidden field of a page.
fn field(page: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let rest = page.split_once(&start).unwrap_or_else(|| panic!("no {name} in\n{page}")).1;
    rest.split('"').next().unwrap().to_owned()
}

#[test]
fn an_answer_on_the_page_lets_the_run_finish() {
    let project = halted();
    let page = Page::start(&project, &[]);
    let asked = field(&page.get("/spec/login").ok(), "asked");
    let after = page.act("login", &format!("do=answer&task=2&asked={asked}&text=The+second%0D%0A%3Cone%3E"));
    assert!(after.contains("role=\"status\""), "{after}");
    wait_until("the run to finish", || page.get("/spec/login").ok().contains("3 of 3 tasks done"));
    let prompt = project.of_attempt("login", "2", 2, "prompt.md");
    assert!(prompt.contains("The second\n") && prompt.contains("<one>"), "{prompt}");
    // the run is none of the server's
    page.kill();
}

#[test]
#[ignore = "slow"]
fn a_run_that_the_page_begins_gets_windows_of_tmux() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project
        .spec("login", "- [ ] 1. A\n")
        .agent("[ $SEQORCH_ATTEMPT = 1 ] && say_halt || { gate; say_done; }");
    project.run(&["run"]).code(2);
    let page = Page::start(&project, &[]);
    let asked = field(&page.get("/spec/login").ok(), "asked");
    page.act("login", &format!("do=answer&task=1&asked={asked}&text=x"));
    project.wait_for_ledger(2);
    assert!(project.windows("sequential-login").iter().any(|name| name == "main"));
    page.kill();
    project.release();
    wait_until("the task to be done", || project.tasks("login").contains("- [x] 1."));
}

#[test]
fn an_answer_that_comes_too_late_is_refused_and_shows_how_things_stand() {
    let project = halted();
    let page = Page::start(&project, &[]);
    let asked = field(&page.get("/spec/login").ok(), "asked");
    project.run(&["resume", "--answer", "by keyboard"]).code(0);
    let late = page.post("/spec/login/act", &format!("do=answer&task=2&asked={asked}&text=late"));
    assert_eq!(late.status, 409, "{late:?}");
    assert!(
        late.body.contains("not open any more") && late.body.contains("3 of 3 tasks done"),
        "{}",
        late.body
    );
    assert!(!late.body.contains("name=\"asked\""), "{}", late.body);
    assert_eq!(project.ledger(), ["1 1", "2 1", "2 2", "3 1"]);
}

#[test]
fn an_answer_to_another_question_of_the_same_task_is_refused() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent("[ $SEQORCH_ATTEMPT = 3 ] && say_done || { echo 'Shall I continue?'; say_halt; }");
    project.run(&["run"]).code(2);
    let page = Page::start(&project, &[]);
    let first = field(&page.get("/spec/login").ok(), "asked");
    project.run(&["resume", "--answer", "a"]).code(2);
    let late = page.post("/spec/login/act", &format!("do=answer&task=1&asked={first}&text=late"));
    assert!(late.status == 409 && late.body.contains("Shall I continue?"), "{late:?}");
    assert!(late.body.contains("This is what you wrote:</p><pre>late</pre>"), "{late:?}");
    // nor does the command take it that the page starts
    let command = ["resume", "--answer", "late", "--question", &first, "login", "1"];
    project.run(&command).code(64).says(&["that question is not open any more"]);
    let empty = page.post("/spec/login/act", &format!("do=answer&task=1&asked={first}&text=+"));
    assert!(empty.status == 422 && empty.body.contains("the answer is empty"), "{empty:?}");
}

#[test]
fn skip_and_stop_ask_first() {
    let project = halted();
    let page = Page::start(&project, &[]);
    for form in ["do=skip&task=2", "do=stop"] {
        let asks = page.post("/spec/login/act", form).ok();
        assert!(asks.contains("name=\"sure\" value=\"yes\"") && asks.contains("No, go back"), "{asks}");
    }
    assert_eq!(project.state("login")["skipped"], serde_json::json!([]));
    let after = page.act("login", "do=skip&task=2&sure=yes");
    assert!(after.contains("2 of login: skipped"), "{after}");
    assert!(project.tasks("login").contains("- [-] 2.") || after.contains("skipped"), "{after}");
    let unknown = page.post("/spec/login/act", "do=skip&task=*&sure=yes");
    assert_eq!(unknown.status, 409, "a pattern is no task: {unknown:?}");
}

#[test]
fn a_run_is_paused_continued_and_stopped_from_the_page() {
    let project =
        Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n").agent("gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    let page = Page::start(&project, &[]);
    let paused = page.act("login", "do=pause&time=2h");
    assert!(paused.contains("the run pauses"), "{paused}");
    project.release();
    wait_until("the pause", || page.get("/spec/login").ok().contains("paused"));
    let resumed = page.act("login", "do=resume");
    assert!(resumed.contains("stopped waiting") || resumed.contains("retry"), "{resumed}");
    project.wait_for_ledger(2);
    let stopped = page.act("login", "do=stop&sure=yes");
    assert!(stopped.contains("was asked to stop after task 2"), "{stopped}");
    wait_until("what takes it back", || page.get("/spec/login").ok().contains("Do not stop"));
    page.act("login", "do=keep");
    wait_until("the run to go its way", || page.get("/spec/login").ok().contains("Stop after this step"));
    page.act("login", "do=stop&sure=yes");
    project.release();
    run.wait().code(130);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    page.act("login", "do=retry");
    project.wait_for_ledger(3);
    // a run that the page began outlives the page
    page.kill();
    project.release();
    wait_until("the last task", || project.tasks("login").contains("- [x] 3."));
}

#[test]
fn a_note_on_the_page_is_in_the_next_prompt() {
    let project = halted();
    let page = Page::start(&project, &[]);
    let after = page.act("login", "do=note&task=3&text=Mind+the+%3Cgap%3E");
    assert!(after.contains("the note is pending") && after.contains("3 C"), "{after}");
    project.run(&["resume", "--answer", "x"]).code(0);
    assert!(project.of_attempt("login", "3", 1, "prompt.md").contains("Mind the <gap>"));
}

#[test]
fn what_a_command_refuses_is_shown_with_its_reason() {
    let project = halted();
    let page = Page::start(&project, &[]);
    project.write("seqorch.local.toml", "[run]\ndelay = true\n");
    let answer = page.post("/spec/login/act", "do=retry");
    assert!(answer.status == 409 && answer.body.contains("run.delay"), "{answer:?}");
}

#[test]
fn an_answer_that_is_refused_stays_in_its_field() {
    let project = halted();
    let page = Page::start(&project, &[]);
    let asked = field(&page.get("/spec/login").ok(), "asked");
    project.write("seqorch.local.toml", "[run]\ndelay = true\n");
    let form = format!("do=answer&task=2&asked={asked}&text=%0D%0Aa+long+%3Canswer%3E");
    let refused = page.post("/spec/login/act", &form);
    assert!(refused.status == 409 && refused.body.contains("run.delay"), "{refused:?}");
    assert!(refused.body.contains("required>\n\na long &lt;answer&gt;</textarea>"), "{refused:?}");
    assert!(!refused.body.contains("This is what you wrote"), "{refused:?}");
}

#[test]
fn a_form_from_an_old_page_leaves_the_log_of_the_run_at_work() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent("[ $SEQORCH_ATTEMPT = 1 ] && say_halt || { gate; say_done; }");
    project.run(&["run"]).code(2);
    let page = Page::start(&project, &[]);
    let asked = field(&page.get("/spec/login").ok(), "asked");
    page.act("login", &format!("do=answer&task=1&asked={asked}&text=x"));
    project.wait_for_ledger(2);
    let log = || fs::read_to_string(project.path(".seqorch/login/page.log")).unwrap();
    wait_until("the log of the run", || log().contains("1 A"));
    let old = page.post("/spec/login/act", "do=retry");
    assert!(old.status == 409 && old.body.contains("another run works on this spec"), "{old:?}");
    assert!(log().starts_with("seqorch"), "{:?}", log());
    project.release();
    wait_until("the end of the run", || project.tasks("login").contains("- [x] 1."));
}
