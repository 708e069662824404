//! The errors that a user is most likely to see.

use rustix::process::Signal;

use crate::common::Project;
use crate::common::git::{WRITES, git, repo};

use super::{check, project, screen};

const ONE: &str = "- [ ] 1. Add the route\n";
const TWO: &str = "- [ ] 1. Add the route\n- [ ] 2. Test the route\n";

fn one() -> Project {
    project().spec("login", ONE)
}

fn error(project: &Project, name: &str, commands: &[&[&str]]) {
    check(project, "errors", name, commands);
}

#[test]
fn no_spec() {
    error(&project(), "no_spec", &[&["run"]]);
}

#[test]
fn several_specs_and_no_name() {
    error(&one().spec("logout", ONE), "several_specs", &[&["run"]]);
}

#[test]
fn words_for_an_agent_that_are_missing() {
    error(&one(), "words_missing", &[&["note", "1"], &["say", "1"]]);
}

#[test]
fn a_typo_in_the_name_of_a_spec() {
    error(&one().spec("logout", ONE), "typo_in_a_spec", &[&["run", "logni"]]);
}

#[test]
fn a_typo_in_a_verb() {
    error(&one(), "typo_in_a_verb", &[&["rnu"], &["statsu"]]);
}

#[test]
fn verbs_of_other_tools() {
    let words = ["watch", "list", "retry", "skip", "continue", "log", "kill", "login"];
    let commands: Vec<[&str; 1]> = words.into_iter().map(|word| [word]).collect();
    let commands: Vec<&[&str]> = commands.iter().map(|words| &words[..]).collect();
    error(&one(), "verbs_of_other_tools", &commands);
}

#[test]
fn an_unknown_option() {
    let commands: &[&[&str]] = &[
        &["run", "--onyl", "1"],
        &["run", "--parallel"],
        &["run", "--foo"],
        &["plan", "--at", "3"],
        &["config", "show", "--x"],
        &["run", "--agent", "x"],
    ];
    error(&one(), "unknown_option", commands);
}

#[test]
fn a_missing_argument() {
    error(&one(), "missing_argument", &[&["mark", "3"], &["mark"], &["diff"], &["forget"], &["completions"]]);
}

#[test]
fn a_missing_value() {
    error(&one(), "missing_value", &[&["report", "--html"], &["plan", "--prompt"], &["run", "--delay"]]);
}

#[test]
fn a_wrong_word_below_a_verb() {
    let commands: &[&[&str]] = &[
        &["config", "list"],
        &["config", "shwo"],
        &["config", "zebra"],
        &["help", "watch"],
        &["help", "zebra"],
    ];
    error(&one(), "wrong_word_below", commands);
}

#[test]
fn a_message_that_is_missing() {
    error(&one(), "missing_message", &[&["limits", "test"]]);
}

#[test]
fn a_variable_that_could_mean_several_keys() {
    let project = one().env("SEQORCH_MODEL", "large");
    error(&project, "variable_of_several_keys", &[&["config", "explain", "run.model"]]);
}

#[test]
fn a_folder_that_does_not_exist() {
    error(&one(), "missing_folder", &[&["-C", "nowhere"], &["-C", "nowhere", "run"]]);
}

#[test]
fn a_variable_without_its_section() {
    let project = one().env("SEQORCH_DELAY", "3s").env("SEQORCH_RUN_MAX_ITERATIONS", "2");
    error(&project, "variable_without_section", &[&["run"]]);
}

#[test]
fn extends_that_names_no_file() {
    let project = one();
    let config = project.read("seqorch.toml");
    for (name, value) in
        [("address", "https://example.org/x.toml"), ("home", "~/x.toml"), ("missing", "x.toml")]
    {
        project.write("seqorch.toml", format!("extends = [\"{value}\"]\n{config}"));
        error(&project, &format!("extends_{name}"), &[&["plan"]]);
    }
}

#[test]
fn plain_text_where_json_is_expected() {
    let project = one().config("[retry]\nattempts = 1\n[backend.fake]\noutput = \"claude\"\n");
    error(&project, "plain_text_as_json", &[&["run"]]);
}

#[test]
fn an_option_with_a_wrong_value() {
    error(&one(), "wrong_value", &[&["run", "--delay", "soon"], &["run", "--max-iterations", "many"]]);
}

#[test]
fn an_unknown_task() {
    let commands: &[&[&str]] =
        &[&["run", "--only", "7"], &["mark", "7", "done"], &["logs", "7"], &["undo", "7"]];
    error(&one(), "unknown_task", commands);
}

#[test]
fn two_tasks_with_one_id() {
    let project = project().spec("login", "# Plan\n\n- [ ] 1. Add the route\n- [ ] 1. Test the route\n");
    error(&project, "duplicate_id", &[&["run"]]);
}

#[test]
fn tasks_that_depend_on_each_other() {
    let tasks = "- [ ] 1. Add the route\n  - depends on: 2\n- [ ] 2. Test the route\n  - depends on: 1\n";
    error(&project().spec("login", tasks), "cyclic_dependency", &[&["run"]]);
}

#[test]
fn a_dependency_on_an_unknown_task() {
    let tasks = "- [ ] 1. Add the route\n- [ ] 2. Test the route\n  - depends on: 9\n";
    error(&project().spec("login", tasks), "unknown_dependency", &[&["plan"], &["doctor"]]);
}

#[test]
fn an_empty_tasks_file() {
    error(&project().spec("login", ""), "empty_tasks_file", &[&["run"]]);
    error(&project().spec("login", "# Notes\n\nNo tasks yet.\n"), "tasks_file_without_tasks", &[&["run"]]);
}

#[test]
fn a_merge_conflict_in_the_tasks_file() {
    let tasks = "<<<<<<< HEAD\n- [x] 1. Add the route\n=======\n- [ ] 1. Add a route\n>>>>>>> other\n";
    error(&project().spec("login", tasks), "merge_conflict", &[&["run"]]);
}

#[test]
fn an_unknown_key_in_the_configuration() {
    let config = "[run]\ndealy = \"3s\"\n\n[retries]\nattempts = 2\n";
    error(&one().config(config), "unknown_key", &[&["run"]]);
}

#[test]
fn a_wrong_type_in_the_configuration() {
    let config = "[run]\ndelay = \"15 parsecs\"\nmax_iterations = \"many\"\ninclude_optional = 7\n";
    error(&one().config(config), "wrong_type", &[&["run"]]);
}

#[test]
fn a_configuration_that_is_not_toml() {
    error(&one().config("[run\ndelay = \"3s\"\n"), "not_toml", &[&["run"]]);
}

#[test]
fn an_unknown_backend() {
    error(&one(), "unknown_backend", &[&["run", "--backend", "cluade"]]);
}

#[test]
fn an_agent_that_is_not_installed() {
    let project = one().config("[backend.fake]\ncommand = \"no-such-agent\"\n");
    error(&project, "missing_agent", &[&["run"]]);
}

#[test]
fn a_check_that_is_not_installed() {
    let project =
        one().config("[verify]\ncommands = [[\"no-such-checker\", \"--all\"]]\n[retry]\nattempts = 1\n");
    error(&project, "missing_check", &[&["run"]]);
}

#[test]
fn another_run_of_the_spec() {
    let project = one().agent("gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    let text = screen(&project, &["run"]) + "\n" + &screen(&project, &["mark", "1", "done"]);
    run.signal(Signal::TERM);
    run.wait();
    super::compare("errors", "another_run", &text);
}

#[test]
fn commits_without_a_git_repository() {
    error(&one().config("[git]\ncommit = \"step\"\n"), "no_git_repository", &[&["run"]]);
}

#[test]
fn a_dirty_tree() {
    let project = repo(WRITES, "");
    project.write("notes.txt", "mine\n");
    project.write("agent.sh", "exit 1");
    error(&project, "dirty_tree", &[&["run"]]);
}

#[test]
fn a_corrupt_state_file() {
    let project = one().file(".kiro/specs/SEQUENTIAL_STATE.json", "{\"schema\": 1, \"specs\": {\"lo");
    error(&project, "corrupt_state_file", &[&["run"], &["status"]]);
}

#[test]
fn a_newer_state_file() {
    let state = "{\"schema\": 99, \"written_by\": \"9.2.0\", \"specs\": {}}";
    let project = one().file(".kiro/specs/SEQUENTIAL_STATE.json", state);
    error(&project, "newer_state_file", &[&["run"]]);
}

#[test]
fn a_missing_configuration_file() {
    error(&one(), "missing_config_file", &[&["run", "--config", "night.toml"]]);
}

#[test]
fn a_typo_in_a_profile() {
    let project = one().config("[profile.night.run]\ndelay = \"1m\"\n");
    error(&project, "typo_in_a_profile", &[&["run", "--profile", "nihgt"]]);
}

#[test]
fn attach_without_a_terminal_or_a_session() {
    error(&one(), "attach_without_session", &[&["attach"]]);
    let Some(project) = one().tmux() else { return };
    project.run(&["run"]).code(0);
    error(&project, "attach_without_terminal", &[&["attach"], &["attach", "9"]]);
}

#[test]
fn resume_without_a_question_or_an_answer() {
    error(&one(), "resume_without_question", &[&["resume", "--answer", "Postgres"]]);
    let project = one().agent("echo 'Which database?'; say_halt");
    project.run(&["run"]).code(2);
    error(&project, "resume_without_answer", &[&["resume"]]);
}

#[test]
fn logs_and_reports_before_the_first_run() {
    let commands: &[&[&str]] = &[&["logs"], &["logs", "1"], &["report"], &["stop"], &["undo", "1"]];
    error(&one(), "nothing_ran_yet", commands);
}

#[test]
fn undo_of_a_file_that_changed_since() {
    let project = repo(WRITES, "");
    project.run(&["run"]).code(0);
    project.write("made-1", "changed since\n");
    git(&project, &["commit", "-qam", "mine"]);
    error(&project, "undo_of_a_changed_file", &[&["undo", "1"]]);
}

#[test]
fn a_template_with_a_mistake() {
    let project = one().file("own.md", "{{ unit.title }}\n{{ unit.nope }}\n");
    error(&project.config("[prompt]\ntemplate = \"own.md\"\n"), "broken_template", &[&["run"]]);
}

#[test]
fn mark_with_a_wrong_state() {
    error(&project().spec("login", TWO), "wrong_mark", &[&["mark", "1", "finished"], &["mark", "1"]]);
}
