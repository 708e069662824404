//! Recipes for a night, as the pages of docs have them: each is run from the text of its page.

use std::fs;
use std::path::Path;

use crate::common::Project;
use crate::common::git::{WRITES, git, init};
use crate::common::programs::program;
use crate::common::recipes::{recipe, settings_below};

#[test]
fn questions_do_not_end_the_night() {
    let asks = "case $SEQORCH_UNIT-$SEQORCH_ATTEMPT in 1-1|4-1) echo \"Which one?\"; say_halt; exit;; esac; say_done";
    let project = Project::new()
        .spec("shop", "- [ ] 1. Form\n- [ ] 2. Page\n- [ ] 3. Mail\n  - _Depends: 1_\n- [ ] 4. Store\n")
        .agent(asks);
    let page = include_str!("../docs/signals.md");
    let [run, one, all] = recipe(&project, page, "A question does not end the night").try_into().unwrap();
    run.code(2).says(&["seqorch resume shop 1 --answer", "seqorch resume shop 4 --answer", "✓ task 2"]);
    one.code(2).says(&["answered task 4: Use Postgres.", "✓ task 4"]);
    // there is no terminal to open an editor on
    all.code(64).says(&["no editor (VISUAL, EDITOR)", "seqorch resume shop --answer"]);
    project.run(&["resume", "shop", "--answer", "A"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1", "4 1", "4 2", "1 2", "3 1"]);
}

#[test]
fn a_tree_is_prepared_as_the_page_says() {
    let page = include_str!("../docs/worktrees.md");
    let project = Project::new().file("app/specs/demo/tasks.md", "- [ ] 1. A\n");
    let project = project.agent(&format!("cat .env prepared; {WRITES}"));
    let settings = project.read("seqorch.toml") + &settings_below(page, "Prepare the tree");
    project.write("app/seqorch.toml", settings);
    project.write("app/agent.sh", project.read("agent.sh"));
    init(&project);
    project.write("app/.env", "PORT=1\n");
    let bin = program(&project, "npm", "echo \"npm $*\" > prepared").parent().unwrap().to_owned();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let project = project.env("PATH", path);
    let run = project.run(&["-C", "app", "run", "demo"]).code(0);
    run.says(&["preparing the work tree: npm ci", "PORT=1\nnpm ci\n"]);
    assert!(project.path("trees/demo/app/made-1").exists());
}

#[test]
fn a_branch_is_pushed_and_a_pull_request_opened() {
    let page = include_str!("../docs/git.md");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hooks/pull-request.sh");
    let project = Project::new().spec("demo", "- [ ] 1. A\n").agent(WRITES);
    fs::create_dir_all(project.path("examples/hooks")).unwrap();
    fs::copy(script, project.path("examples/hooks/pull-request.sh")).unwrap();
    let project = project.config(&settings_below(page, "Branches and pushes"));
    init(&project);
    let (remote, called) = (project.outside().join("remote.git"), project.path(".out/called"));
    let remote = remote.to_str().unwrap();
    git(&project, &["init", "-q", "--bare", remote]);
    git(&project, &["remote", "add", "origin", remote]);
    let calls = format!("echo \"$@\" >> '{}'; [ \"$2\" != view ]", called.display());
    let bin = program(&project, "gh", &calls).parent().unwrap().to_owned();
    let project = project.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    project.run(&["run", "demo"]).code(0);
    assert_eq!(git(&project, &["-C", remote, "log", "--format=%s", "seqorch/demo"]), "1: A\nstart");
    let called = fs::read_to_string(called).unwrap();
    assert!(called.contains("pr create --head seqorch/demo --title demo"), "{called}");
}

#[test]
fn some_tasks_have_another_agent_and_a_run_another_model() {
    let page = include_str!("../docs/agents.md");
    let heading = "Another agent or model for some tasks";
    let backends = "[backend.fake]\nargs = [\"agent.sh\", \"{model_args}\"]\nmodel_args = [\"-m\", \"{model}\"]\n\
                    [backend.gemini]\ncommand = \"/bin/sh\"\nargs = [\"agent.sh\", \"gemini\"]\noutput = \"text\"\n";
    let project = Project::new()
        .spec("demo", "- [ ] 1. Store\n- [ ] 2. Form\n- [ ] 3. Write the docs\n")
        .agent("note \"$SEQORCH_UNIT got $*\"; say_done")
        .config(&format!("{backends}{}", settings_below(page, heading)));
    let [plan, two, docs] = recipe(&project, page, heading).try_into().unwrap();
    plan.code(0).says(&["gemini", "Write the docs"]);
    two.code(0);
    docs.code(0).says(&["all complete"]);
    let got: Vec<String> = project.ledger().into_iter().filter(|line| line.contains("got")).collect();
    assert_eq!(got, ["1 got -m haiku", "2 got -m haiku", "3 got gemini"]);
    let prompt = project.of_attempt("demo", "3", 1, "prompt.md");
    assert!(prompt.contains("Write for users, not for developers."), "{prompt}");
}

#[test]
fn the_machine_stays_awake_unless_the_settings_of_the_page_say_no() {
    let page = include_str!("../docs/times.md");
    let heading = "The machine stays awake";
    let project = Project::new().spec("demo", "- [ ] 1. A\n").config("[run]\nkeep_awake = true\n");
    let runs = "while [ $# -gt 1 ]; do shift; done; exec \"$1\"";
    let bin = program(&project, "systemd-inhibit", runs).parent().unwrap().to_owned();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let project = project.env("PATH", path);
    recipe(&project, page, heading)[0].clone().says(&["a run keeps the machine awake with"]);
    let project = project.config(&settings_below(page, heading));
    recipe(&project, page, heading)[0].clone().says(&["does not keep the machine awake"]);
}

#[test]
fn a_bug_report_is_packed_and_looked_through() {
    let page = include_str!("../docs/troubleshooting.md");
    let project = Project::new().spec("demo", "- [ ] 1. A\n").env("API_TOKEN", "tok-123456789");
    let project = project.agent("echo uses $API_TOKEN; say_done");
    project.run(&["run"]).code(0);
    let [export, unpack, list] = recipe(&project, page, "Report a bug").try_into().unwrap();
    export.code(0).says(&["wrote", "seqorch-demo.tar.gz"]);
    unpack.code(0);
    list.code(0).says(&["SEQUENTIAL_STATE.json", "report.md", "configuration.txt"]);
    let out = project.command_of("grep", &["-r", "tok-123456789", "seqorch-demo"]).output().unwrap();
    assert_eq!(out.status.code(), Some(1), "{}", String::from_utf8_lossy(&out.stdout));
}
