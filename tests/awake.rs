//! A run keeps the machine awake, and only while it works.

use crate::common::programs::{program, project};

#[test]
fn a_run_keeps_the_machine_awake_until_it_ends() {
    let project = project()
        .spec("demo", "- [ ] 1. A\n")
        .agent("gate; say_done")
        .config("[run]\nkeep_awake = true\n[git]\nsnapshot = false\n");
    program(&project, "cat", "exec /bin/cat");
    let log = project.path("guard");
    program(
        &project,
        "systemd-inhibit",
        &format!(
            "echo \"$@\" > '{0}'; while [ $# -gt 1 ]; do shift; done; \"$1\"; echo over >> '{0}'",
            log.display()
        ),
    );
    project.run(&["doctor"]).says(&["a run keeps the machine awake with"]);
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    assert_eq!(project.alive_with("systemd-inhibit").len(), 1);
    assert!(project.read("guard").contains("--what=idle:sleep"), "{}", project.read("guard"));
    project.release();
    run.wait().code(0);
    assert!(project.alive_with("systemd-inhibit").is_empty());
    project.write("seqorch.local.toml", "[run]\nkeep_awake = false\n");
    project.run(&["doctor"]).says(&["does not keep the machine awake"]);
}
