//! `seqorch export`: an archive for a bug report, without secrets.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::common::Project;

/// The files of an archive, by their names below its folder.
fn unpacked(path: &Path) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(path).unwrap()));
    let read = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        (name.strip_prefix("seqorch-login/").expect(&name).to_owned(), text)
    });
    read.collect()
}

#[test]
fn export_packs_state_logs_and_report_without_secrets() {
    let project = Project::new()
        .agent(
            "echo 'the key is sk-ant-api03-AbCdEf0123456789AbCdEf0123456789'\necho \"it is $DEPLOY_TOKEN\"\n\
             echo '<promise>TASK_DONE</promise>'",
        )
        .spec("login", "- [ ] 1. Log in\n")
        .spec("other", "- [ ] 1. Private plans\n")
        .env("DEPLOY_TOKEN", "hunter2-and-more");
    project.run(&["run", "login"]).code(0);
    let written = project.run(&["export", "login"]).code(0);
    assert!(written.stdout.contains("seqorch-login.tar.gz"), "{written:?}");
    let files = unpacked(&project.path(".seqorch/seqorch-login.tar.gz"));
    for name in [
        "about.txt",
        "configuration.txt",
        "SEQUENTIAL_STATE.json",
        "SEQUENTIAL_PROGRESS.md",
        "report.md",
        "report.html",
        "kept/events.jsonl",
        "tasks/tasks.md",
    ] {
        assert!(files.contains_key(name), "{name} is missing: {:?}", files.keys());
    }
    let output = &files["kept/1/1/output.jsonl"];
    assert!(output.contains("the key is") && files.contains_key("kept/1/1/prompt.md"), "{output}");
    for (name, text) in &files {
        assert!(
            !text.contains("AbCdEf0123456789") && !text.contains("hunter2"),
            "a secret is in {name}: {text}"
        );
        assert!(!text.contains("Private plans"), "another spec is in {name}");
    }
    assert!(
        files["report.md"].contains("Log in") && files["SEQUENTIAL_STATE.json"].contains("\"completed\"")
    );
}

#[test]
fn export_writes_to_a_named_file_and_to_standard_output() {
    let project =
        Project::new().agent("echo '<promise>TASK_DONE</promise>'").spec("login", "- [ ] 1. Log in\n");
    project.run(&["export", "--output", "own.tar.gz"]).code(0);
    assert!(unpacked(&project.path("own.tar.gz")).contains_key("about.txt"));
    project
        .run(&["export", "--output", "no/such/folder.tar.gz"])
        .code(64)
        .says(&["there is no folder", "no/such"]);
    let shell = "\"$SEQORCH\" export --output - > piped.tar.gz";
    let mut command = project.command_of("sh", &["-c", shell]);
    assert!(command.env("SEQORCH", env!("CARGO_BIN_EXE_seqorch")).status().unwrap().success());
    assert!(unpacked(&project.path("piped.tar.gz")).contains_key("about.txt"));
}

#[test]
fn export_packs_what_it_can_where_the_state_is_broken() {
    let project =
        Project::new().agent("echo '<promise>TASK_DONE</promise>'").spec("login", "- [ ] 1. Log in\n");
    project.run(&["run"]).code(0);
    project.write(".kiro/specs/SEQUENTIAL_STATE.json", "{\"schema\": 1, \"specs\": {\"lo");
    let written = project.run(&["export"]).code(0);
    assert!(written.stderr.contains("not in the archive: report.md"), "{written:?}");
    let files = unpacked(&project.path(".seqorch/seqorch-login.tar.gz"));
    assert_eq!(files["SEQUENTIAL_STATE.json"], "{\"schema\": 1, \"specs\": {\"lo");
    assert!(files.contains_key("kept/1/1/result.json"), "{:?}", files.keys());
}

#[test]
fn export_follows_no_link_at_its_default_place() {
    let project = Project::new().spec("demo", "- [ ] 1. A\n");
    project.run(&["run"]).code(0);
    let mine = project.outside().join("mine");
    std::fs::write(&mine, "mine\n").unwrap();
    let archive = project.path(".seqorch/seqorch-demo.tar.gz");
    std::os::unix::fs::symlink(&mine, &archive).unwrap();
    project.run(&["export", "demo"]).code(0);
    assert_eq!(std::fs::read_to_string(&mine).unwrap(), "mine\n");
    assert!(std::fs::symlink_metadata(&archive).unwrap().is_file());
    // a link that a person names is meant
    let link = project.outside().join("link.tar.gz");
    std::os::unix::fs::symlink(&mine, &link).unwrap();
    project.run(&["export", "demo", "--output", link.to_str().unwrap()]).code(0);
    assert!(std::fs::read(&mine).unwrap().starts_with(&[0x1f, 0x8b]));
}
