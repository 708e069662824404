//! `--model`, and overrides by title.

use crate::common::Project;

const TASKS: &str = "- [ ] 1. Store\n- [ ] 2. Write the Docs\n";
const MODELS: &str = "[backend.fake]\nargs = [\"agent.sh\", \"{model_args}\"]\nmodel_args = [\"-m\", \"{model}\"]\n\
                      [backend.second]\ncommand = \"/bin/sh\"\nargs = [\"agent.sh\", \"second\"]\n";

fn project(more: &str) -> Project {
    let agent = "note \"$SEQORCH_UNIT got $*\"; say_done";
    Project::new().spec("demo", TASKS).agent(agent).config(&format!("{MODELS}{more}"))
}

#[test]
fn a_model_of_the_command_line_goes_to_the_backend_and_is_kept() {
    let project = project("[[override]]\ntasks = [\"2\"]\nbackend = \"second\"\n").agent(
        "note \"$SEQORCH_UNIT got $*\"; if test -e asked; then say_done; else touch asked; say_halt; fi",
    );
    project.run(&["run", "--model", "large"]).code(2);
    project.run(&["resume", "--answer", "A"]).code(0).says(&["--model=large"]);
    assert_eq!(project.ledger(), ["1 1", "1 got -m large", "1 2", "1 got -m large", "2 1", "2 got second"]);
    project.run(&["mark", "1", "todo"]).code(0);
    project.run(&["run", "--backend", "second", "--model", "x"]).code(78).says(&["no argument passes it on"]);
}

#[test]
fn an_override_by_title_changes_what_it_says() {
    let project = project(
        "[[override]]\nmatch = \"(?i)docs\"\nbackend = \"second\"\nprompt = \"In English.\"\nverify = [[\"true\"]]\n\
         timeout = { task = \"3m\" }\nretry = { attempts = 7 }\nreview = false\n",
    );
    let json: serde_json::Value =
        serde_json::from_str(&project.run(&["plan", "--json"]).code(0).stdout).unwrap();
    let step = |at: usize| &json["steps"][at];
    assert_eq!((&step(0)["backend"], &step(1)["backend"]), (&"fake".into(), &"second".into()));
    assert_eq!((&step(1)["retry"]["attempts"], &step(0)["retry"]["attempts"]), (&7.into(), &3.into()));
    project.run(&["run"]).code(0).says(&["verifying with 1 command"]);
    assert!(project.of_attempt("demo", "2", 1, "prompt.md").contains("In English."));
    project.write("seqorch.local.toml", format!("{MODELS}[[override]]\nmatch = \"Docs\"\nhuman = true\n"));
    project.run(&["mark", "2", "todo"]).code(0);
    project.run(&["plan"]).code(0).says(&["Write the Docs"]);
    project.run(&["run"]).code(2);
}

#[test]
fn an_override_that_matches_nothing_is_a_warning() {
    let more =
        "[[override]]\nmatch = \"^Nothing\"\nprompt = \"x\"\n[[override]]\ntasks = [\"7\"]\nprompt = \"x\"\n";
    let project = project(more).spec("other", "- [ ] 7. Later\n");
    let warning = "warning: override[0] (match = \"^Nothing\") matches no task";
    for verb in ["plan", "run"] {
        let out = project.run(&[verb, "demo"]).code(0).says(&[warning]);
        assert!(!out.stderr.contains("override[1]"), "task 7 is one of another spec: {}", out.stderr);
    }
    let json = project.run(&["plan", "other", "--json"]).code(0).stdout;
    assert!(json.contains("override[0] (match"), "{json}");
}

#[test]
fn an_override_without_tasks_or_with_both_is_refused() {
    for (text, why) in [
        ("prompt = \"x\"", "must set either tasks or match"),
        ("tasks = [\"1\"]\nmatch = \"x\"", "must set either tasks or match"),
        ("match = \"(\"", "override[0].match"),
        ("match = \"x\"\nreview = true", "review.backend is not set"),
        ("match = \"x\"\nreview = \"nosuch\"", "there is no backend \"nosuch\""),
        ("match = \"x\"\nreview = 3", "override[0].review"),
    ] {
        project(&format!("[[override]]\n{text}\n")).run(&["plan"]).code(78).says(&[why]);
    }
}
