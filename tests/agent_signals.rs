//! What counts as a signal of an agent: `TASK_DONE` and `HALT`.

use crate::common::Project;
use crate::common::git::init;

#[test]
#[ignore = "slow"]
fn with_an_optional_signal_a_clean_exit_is_enough() {
    let config = "[done]\nsignal = \"optional\"\n[retry]\nattempts = 1\n";
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("echo fine").config(config);
    project.run(&["run"]).code(0);
    assert_eq!(project.outcomes("login", "1"), ["done"]);
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("exit 1").config(config);
    project.run(&["run"]).code(2);
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("echo why; say_halt").config(config);
    project.run(&["run"]).code(2);
    assert_eq!(project.state("login")["units"]["1"]["question"], "why");
}

#[test]
fn task_done_before_a_failing_exit_is_not_a_success() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent("say_done; exit 1")
        .config("[retry]\nattempts = 1\n");
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("login", "1"), ["failed"]);
    assert_eq!(project.tasks("login"), "- [ ] 1. A\n");
}

#[test]
#[ignore = "slow"]
fn an_echoed_prompt_is_not_a_signal() {
    let template = "Task {{ unit.id }}\nWhen done print:\n<promise>TASK_DONE</promise>\nElse:\n<promise>HALT</promise>\n";
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n  - <promise>HALT</promise>\n")
        .file("own.md", template)
        .config("[retry]\nattempts = 1\n")
        .agent("cat");
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("login", "1"), ["no_signal"]);
    let project = project.config("[retry]\nattempts = 1\n[prompt]\ntemplate = \"own.md\"\n");
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("login", "1"), ["no_signal", "no_signal"]);
    let project = project.agent("cat; echo 'All is written.'; say_done");
    project.run(&["run"]).code(0);
}

/// Without JSON, Codex prints its whole transcript to stderr, with the prompt and the output of its tools.
#[test]
fn a_signal_on_stderr_does_not_count() {
    let project =
        Project::new().spec("login", "- [ ] 1. A\n").config("[retry]\nattempts = 1\n[done]\nnudges = 0\n");
    let project = project.agent("say_done >&2; say_halt >&2; echo finished");
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("login", "1"), ["no_signal"]);
}

#[test]
fn a_signal_in_a_fence_or_a_sentence_does_not_count() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .config("[retry]\nattempts = 2\n")
        .agent("if [ $SEQORCH_ATTEMPT = 1 ]; then echo '```'; say_done; echo '```'; else echo \"I say $(say_done) now\"; fi");
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("login", "1"), ["no_signal", "no_signal"]);
}

#[test]
fn halt_beats_done_in_either_order() {
    for script in ["say_done; echo 'A or B?'; say_halt", "echo 'A or B?'; say_halt; say_done"] {
        let project = Project::new().spec("login", "- [ ] 1. A\n").agent(script);
        project.run(&["run"]).code(2).says(&["A or B?"]);
        assert_eq!(project.tasks("login"), "- [ ] 1. A\n");
    }
}

#[test]
fn a_task_without_changes_is_done_where_its_session_cannot_be_asked() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent("case \"$*\" in *--resume*) echo 'No conversation found with session ID' >&2; exit 1;; esac; say_done")
        .config(
            "[retry]\nattempts = 1\n[backend.fake]\nargs = [\"agent.sh\", \"{session_args}\", \"{resume}\"]\n\
             session_args = [\"--session-id\", \"{new_session}\"]\nresume = [\"--resume\", \"{session}\"]\n",
        );
    init(&project);
    project.run(&["run"]).code(0).says(&["no files changed"]);
    assert_eq!(project.outcomes("login", "1"), ["unchanged", "done"]);
}
