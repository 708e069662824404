//! `seqorch backends` lists the agents that can be used here.

use serde_json::Value;

use crate::common::programs::{json, program, project};

fn by_name<'a>(list: &'a Value, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
#[ignore = "slow"]
fn backends_lists_what_is_installed_and_survives_one_that_hangs() {
    let project = project().env("OPENAI_API_KEY", "hunter2-hunter2").config(
        "[run]\nbackend = \"claude\"\n[assign]\nmode = \"agent\"\nbackend = \"codex\"\nowners = { codex = \"mine\" }\n\
         [[override]]\ntasks = [\"2\"]\nbackend = \"mine\"\n\
         [backend.mine]\npreset = \"claude\"\ncommand = \"tools/mine\"\nmodel = \"large\"\npermission = \"bypass\"\n",
    );
    let claude = program(&project, "claude", "cat; echo '2.1.330 (Claude Code)'");
    program(&project, "cat", "exec /bin/cat");
    // the first sleep is in a session of its own, as tools of agents are
    program(&project, "codex", "setsid /bin/sleep 1000 & echo codex-cli 0.169.0; /bin/sleep 1000");
    program(&project, "setsid", "exec /usr/bin/setsid \"$@\"");
    program(&project, "gemini", "echo \"no key $OPENAI_API_KEY here\" >&2; exit 41");
    let out = project.run(&["backends", "--json"]).code(0);
    let list = &json(&out.stdout)["backends"];
    assert_eq!(by_name(list, "claude")["version"], serde_json::json!({"state": "ok", "version": "2.1.330"}));
    assert_eq!(by_name(list, "claude")["path"], claude.display().to_string());
    assert_eq!(by_name(list, "claude")["used_by"], serde_json::json!(["run.backend"]));
    assert_eq!(by_name(list, "codex")["version"]["state"], "hung");
    assert_eq!(project.alive_with("sleep"), [], "the tree of a program that hangs is ended");
    let gemini = &by_name(list, "gemini")["version"];
    assert_eq!(gemini["why"], "exit code 41: no key [redacted] here");
    assert!(by_name(list, "opencode")["path"].is_null());
    let mine = by_name(list, "mine");
    assert_eq!(mine["used_by"], serde_json::json!(["assign.owners.codex", "override[0]"]));
    assert_eq!((&mine["model"], &mine["permission"]), (&"large".into(), &"bypass".into()));
    assert_eq!((&mine["output"], &mine["resumes"]), (&"claude".into(), &true.into()));
    assert_eq!((&mine["built_in"], &mine["path"]), (&false.into(), &Value::Null));
    assert!(!out.stdout.contains("hunter2"), "{}", out.stdout);
}

#[test]
fn the_table_of_backends_is_aligned() {
    let project = project();
    program(&project, "claude", "echo '2.1.330 (Claude Code)'");
    program(&project, "gemini", "exit 3");
    let out = project.run(&["backends"]).code(0);
    let lines: Vec<&str> = out.stdout.lines().collect();
    let at = lines[0].find("PROGRAM").unwrap();
    for (name, version) in [("claude", "2.1.330"), ("codex", "not found"), ("gemini", "exit code 3")] {
        let line = lines.iter().find(|l| l.starts_with(name)).unwrap();
        assert!(line.contains(version), "{}", out.stdout);
        assert_eq!(&line[at - 2..at], "  ", "{}", out.stdout);
        assert_ne!(&line[at..=at], " ", "{}", out.stdout);
    }
}
