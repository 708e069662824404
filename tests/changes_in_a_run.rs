//! Configuration and tasks.md are read again before each step of a run. The recipe is that of docs/talk.md.

use crate::common::recipes::recipe;
use crate::common::{Output, Project, wait_until};

const PAGE: &str = include_str!("../docs/talk.md");
const THREE: &str = "- [ ] 1. Store\n- [ ] 2. Form\n- [ ] 3. Page\n";
/// Another backend that does the same.
const OTHER: &str = "[backend.other]\ncommand = \"/bin/sh\"\nargs = [\"agent.sh\"]\n";

fn demo(agent: &str) -> Project {
    Project::new().spec("demo", THREE).agent(agent).config(OTHER)
}

/// The backends of the first attempts at the tasks.
fn backends(project: &Project) -> Vec<String> {
    let state = project.state("demo");
    let backend =
        |id: &str| state["units"][id]["attempts"][0]["backend"].as_str().unwrap_or("none").to_owned();
    ["1", "2", "3"].map(backend).to_vec()
}

fn count(out: &Output, text: &str) -> usize {
    out.stdout.matches(text).count()
}

#[test]
fn another_backend_takes_over_at_the_next_step() {
    let project = demo("gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    recipe(&project, PAGE, "Changes while a run works");
    project.release();
    project.wait_for_ledger(2);
    project.run(&["status"]).code(0).says(&[
        "↻ the configuration changed, from the next step on: run.backend \"fake\" → \"other\" (seqorch.local.toml:",
        "2  Form: running",
    ]);
    project.release();
    project.wait_for_ledger(3);
    project.release();
    let out = run.wait().code(0);
    out.clone()
        .says(&["↻ the configuration changed, from the next step on: run.backend \"fake\" → \"other\""]);
    assert_eq!(count(&out, "↻"), 1, "{}", out.stdout);
    assert_eq!(backends(&project), ["fake", "other", "other"]);
    let events = project.read(".seqorch/demo/events.jsonl");
    assert!(
        events
            .contains(r#""event":"config_changed","configuration":"taken","settings":[{"key":"run.backend""#),
        "{events}"
    );
    assert!(
        project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md").contains("**Changed:** the configuration changed")
    );
}

#[test]
fn what_a_person_must_trust_waits_for_seqorch_trust() {
    let project = demo(
        "[ $SEQORCH_UNIT = 1 ] && printf '[verify]\\ncommands = [[\"./check\"]]\\n[run]\\nbackend = \"other\"\\n' >> seqorch.local.toml
         [ $SEQORCH_UNIT = 3 ] && gate; say_done",
    )
    .spec("demo", format!("{THREE}- [ ] 4. Last\n"))
    .file("check", "#!/bin/sh\necho checked $SEQORCH_UNIT >> ledger\n");
    std::fs::set_permissions(project.path("check"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let run = project.start(&["run"]);
    project.wait_for_ledger(3);
    project
        .run(&["status"])
        .code(0)
        .says(&["! the configuration changed, and the run keeps what it had", "`seqorch trust`"]);
    project.run(&["trust"]).code(0);
    project.release();
    let out = run.wait().code(0);
    out.clone().says(&[
        "not trusted are verify.commands = [[\"./check\"]] (seqorch.local.toml:",
        "`seqorch trust` trusts them",
    ]);
    assert_eq!((count(&out, "keeps what it had"), count(&out, "↻")), (1, 1), "{}", out.stdout);
    assert!(!out.stdout.contains("task 3: verify.commands"), "a person has trusted it: {}", out.stdout);
    assert_eq!(backends(&project), ["fake"; 3]);
    // the run did not end with 2: the person trusted what the agent of task 1 changed
    assert_eq!(
        project.ledger().iter().filter(|line| line.starts_with("checked")).count(),
        1,
        "{:?}",
        project.ledger()
    );
}

#[test]
fn a_broken_file_is_said_with_its_line_and_ends_no_run() {
    let project = demo(
        "[ $SEQORCH_UNIT = 1 ] && { cp seqorch.local.toml kept; printf '[run\\n' >> seqorch.local.toml; }
         [ $SEQORCH_UNIT = 2 ] && cp kept seqorch.local.toml; say_done",
    );
    let out = project.run(&["run"]).code(0);
    let out = out.says(&["the configuration changed and is broken", "seqorch.local.toml:4:"]);
    assert!(!out.stdout.contains("! task "), "no task is to blame: {}", out.stdout);
    assert_eq!(
        (count(&out, "is broken"), count(&out, "says again what the run has")),
        (1, 1),
        "{}",
        out.stdout
    );
    assert_eq!(project.ledger().len(), 3);
}

#[test]
fn no_task_is_blamed_for_an_edit_between_two_steps() {
    for broken in ["[run", "[verify]\ncommands = [[\"false\"]]"] {
        // a hook plays the person: it works while no agent does
        let edit = format!(
            "#!/bin/sh\n[ $SEQORCH_UNIT = 1 ] && cat >> seqorch.local.toml <<'END'\n{broken}\nEND\nexit 0\n"
        );
        let project = demo("say_done")
            .config(&format!("{OTHER}[hooks]\nstep_end = [\"./edit.sh\"]\nrequired = true\n"))
            .file("edit.sh", &edit);
        std::fs::set_permissions(
            project.path("edit.sh"),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .unwrap();
        let out = project.run(&["run"]).code(0);
        assert_eq!(count(&out, "the configuration changed"), 1, "{}", out.stdout);
        assert!(!out.stdout.contains("! task "), "{}", out.stdout);
    }
}

#[test]
fn a_configuration_file_that_disappears_is_kept() {
    let project = demo("[ $SEQORCH_UNIT = 1 ] && rm seqorch.local.toml; say_done")
        .config("[run]\nmax_iterations = 40\n");
    let kept = ["is broken; the run keeps what it had", "seqorch.local.toml is not there any more"];
    project.run(&["run"]).code(0).says(&kept);
    assert_eq!(project.ledger().len(), 3);
}

#[test]
fn a_backend_that_is_not_installed_is_not_taken() {
    let project = demo(
        "[ $SEQORCH_UNIT = 1 ] && printf '[run]\\nbackend = \"gone\"\\n' >> seqorch.local.toml; say_done",
    )
    .config("[backend.gone]\ncommand = \"no-such-program\"\n");
    project.run(&["run"]).code(0).says(&["is broken; the run keeps what it had", "no-such-program"]);
    assert_eq!(backends(&project), ["fake"; 3]);
}

#[test]
fn what_a_run_set_up_at_its_start_waits_for_the_next_one() {
    let project =
        demo("[ $SEQORCH_UNIT = 1 ] && printf '[tasks]\\ntick = \"off\"\\n' >> seqorch.local.toml; say_done");
    project.run(&["run"]).code(0).says(&[
        "↻ the configuration changed, for the next run: tasks.tick \"done\" → \"off\" (seqorch.local.toml:5)",
    ]);
    assert_eq!(project.tasks("demo").matches("[x]").count(), 3);
}

#[test]
fn a_task_that_is_written_meanwhile_is_shown_and_done() {
    let project = demo(
        "[ $SEQORCH_UNIT = 1 ] && sed -i '/3. Page/d; s/2. Form/2. The form/' .kiro/specs/demo/tasks.md \
         && echo '- [ ] 7. Later' >> .kiro/specs/demo/tasks.md; say_done",
    );
    let out = project.run(&["run"]).code(0);
    out.clone().says(&["↻ tasks.md changed; new: 7 Later; reworded: 2 The form", "▶ 7 Later"]);
    let events = project.read(".seqorch/demo/events.jsonl");
    assert!(events.contains(r#""event":"tasks_changed","added":[{"id":"7","title":"Later"}]"#), "{events}");
    assert_eq!(project.ledger(), ["1 1", "2 1", "7 1"]);
}

#[test]
fn a_wait_ends_early_where_the_configuration_says_so() {
    let project = demo("say_done").config(&format!("{OTHER}[pace]\ntasks_per_hour = 1\n"));
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    wait_until("a wait", || !project.state("demo")["run"]["wait"].is_null());
    project.write("seqorch.local.toml", OTHER);
    run.wait()
        .code(0)
        .says(&["↻ the configuration changed, from the next step on: pace.tasks_per_hour 1 → not set"]);
    assert_eq!(project.ledger().len(), 3);
}

#[test]
fn a_setting_that_is_taken_back_needs_no_trust() {
    let project = demo(
        "[ $SEQORCH_UNIT = 1 ] && { cp seqorch.local.toml kept; printf '[verify]\\ncommands = [[\"false\"]]\\n' >> seqorch.local.toml; }
         [ $SEQORCH_UNIT = 2 ] && cp kept seqorch.local.toml; say_done",
    );
    let out = project.run(&["run"]).code(0);
    out.says(&["not trusted", "says again what the run has"]);
}
