//! `seqorch report`.

use super::{check, project};

#[test]
#[ignore = "slow"]
fn the_report_of_a_night() {
    let tasks = "- [ ] 1. Add the route\n- [ ] 2. Test the route\n- [ ]* 3. Measure it\n- [ ] 4. Describe it\n- [ ] 10. Publish it\n";
    let agent = "case $SEQORCH_UNIT-$SEQORCH_ATTEMPT in \
                 2-1) echo 'error: it does not compile'; exit 3;; \
                 4-*) echo 'Which language, English or German?'; say_halt; exit;; esac; \
                 echo \"I did task $SEQORCH_UNIT.\"; say_done";
    let project = project().spec("login", tasks).agent(agent);
    project.run(&["run"]).code(2);
    check(&project, "report", "halted", &[&["report"]]);
}

#[test]
fn the_report_of_a_failure() {
    let agent = "echo \"I try task $SEQORCH_UNIT.\"; [ $SEQORCH_UNIT = 2 ] && { echo 'error: it does not compile'; exit 3; }; say_done";
    let project = project().spec("login", "- [ ] 1. Add the route\n- [ ] 2. Test the route\n").agent(agent);
    project.run(&["run"]).code(2);
    check(&project, "report", "failed", &[&["report"]]);
}

#[test]
fn the_report_of_a_complete_spec() {
    let project = project()
        .spec("login", "- [ ] 1. Add the route\n- [ ] 2. Test the route\n")
        .agent("echo Well.; say_done");
    project.run(&["run"]).code(0);
    check(&project, "report", "complete", &[&["report"]]);
}
