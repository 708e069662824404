//! `seqorch init` writes a first configuration and the skill.

use std::fs;

use crate::common::programs::{healthy, json, program};

#[test]
fn init_writes_a_valid_file_from_what_the_project_has() {
    let project =
        healthy().spec("other", "- [ ] 1. One\n").file("package.json", "{\"scripts\":{\"test\":\"jest\"}}");
    program(&project, "codex", "echo codex-cli 0.169.0");
    program(&project, "gemini", "echo 0.61.0");
    let project = project.env("GEMINI_API_KEY", "hunter2-hunter2");
    fs::remove_file(project.path("seqorch.toml")).unwrap();
    let out = project.run(&["init"]).code(0);
    assert!(out.stdout.contains("seqorch plan demo --dry-run"), "{}", out.stdout);
    let text = project.read("seqorch.toml");
    assert!(text.contains("Installed: gemini, codex (no login found)."), "{text}");
    assert!(text.contains("Found: demo, other."), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    let shown = project.run(&["config", "show"]).code(0).stdout;
    assert!(shown.contains("backend = \"gemini\"  # seqorch.toml:"), "{shown}");
    assert!(shown.contains("commands = [[\"npm\", \"test\"]]  # seqorch.toml:"), "{shown}");
    let plan = json(&project.run(&["plan", "demo", "--dry-run", "--json"]).code(0).stdout);
    assert_eq!(plan["steps"][0]["backend"], "gemini");
}

#[test]
fn init_replaces_nothing_without_force() {
    let project = healthy();
    let before = project.read("seqorch.toml");
    project.run(&["init"]).code(0).says(&["kept ", "seqorch.toml (exists already", "--force", "Next: "]);
    let advice =
        ["test that fails", "skills = []", "Commit: seqorch.toml", ".gitignore", "seqorch.local.toml"];
    project.run(&["init"]).code(0).says(&advice);
    assert_eq!(project.read("seqorch.toml"), before);
    let skill = ".claude/skills/seqorch/SKILL.md";
    // the skill can be added to an existing configuration
    project.run(&["init", "--skill"]).code(0).says(&["kept", "written"]);
    assert_eq!(project.read("seqorch.toml"), before);
    project.write(skill, "my own");
    project.run(&["init", "--skill", "-C", ".kiro"]).code(64).says(&["SKILL.md exists already"]);
    assert_eq!(project.read(skill), "my own");
    project.write("seqorch.toml", "this is no toml");
    project.run(&["init", "--skill", "--force"]).code(0);
    assert!(project.read(skill).starts_with("---\nname: seqorch\n"));
    assert!(project.read("seqorch.toml").contains("backend = \"opencode\""));
}

#[test]
fn the_skill_names_only_verbs_flags_and_codes_that_exist() {
    let project = healthy();
    project.run(&["init", "--skill"]).code(0);
    let skill = project.read(".claude/skills/seqorch/SKILL.md");
    for promise in
        ["one blocking command", "seqorch run <spec>", "7200000", "Counts", "Failures", "Key changes"]
    {
        assert!(skill.contains(promise), "{promise}");
    }
    let head = skill.strip_prefix("---\n").and_then(|s| s.split_once("\n---\n")).unwrap().0;
    assert!(head.contains("Run sequential orchestration for <spec>"), "{head}");
    // every flag and verb that the skill names exists
    let help = project.run(&["run", "--help"]).code(0).stdout
        + &project.run(&["resume", "--help"]).stdout
        + &project.run(&["plan", "--help"]).stdout
        + &project.run(&["status", "--help"]).stdout;
    let flags =
        skill.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).filter(|w| w.starts_with("--"));
    let flags: Vec<&str> = flags.filter(|w| w.len() > 3).collect();
    assert!(flags.len() > 8, "{flags:?}");
    for flag in flags {
        assert!(help.contains(flag), "{flag}");
    }
    let verbs = project.run(&["--help"]).code(0).stdout;
    for verb in skill.split("`seqorch ").skip(1).filter_map(|rest| rest.split([' ', '`']).next()) {
        assert!(verbs.contains(&format!("\n  {verb} ")), "{verb}");
    }
    // and each exit code that it explains is one of seqorch's
    let after = verbs.split("Exit codes").nth(1).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    for code in ["0", "1", "2", "64", "65", "66", "69", "70", "75", "78", "130, 143"] {
        assert!(skill.contains(&format!("| {code} |")), "{code}");
        let first = code.split(',').next().unwrap();
        assert!(after.contains(&format!(" {first} ")), "{code}");
    }
}
