//! What an agent is asked: the prompt, its inputs, its template, and how it arrives.

use crate::common::Project;
use crate::plan::MIXED;
use crate::specs::{KIRO, three_tools};

#[test]
fn plan_prompt_prints_the_prompt_that_the_agent_gets() {
    let project =
        Project::new().spec("login", MIXED).agent("cat > \"$ROOT/got-$SEQORCH_UNIT\"; echo; say_done");
    let printed = project.run(&["plan", "--prompt", "1"]).code(0).stdout;
    project.run(&["run"]).code(0);
    assert_eq!(project.read("got-1"), printed);
}

#[test]
fn inputs_are_listed_as_they_exist_and_a_missing_one_is_reported() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n")
        .agent("mkdir -p docs; echo x > docs/api.md; echo x > .kiro/specs/login/design.md; say_done")
        .config("[prompt]\ninputs = [\"docs/*.md\", \"notes.md\"]\n")
        .file("notes.md", "x");
    let planned = project.run(&["plan", "--prompt", "1"]).code(0).stdout;
    assert!(planned.contains("- @.kiro/specs/login/tasks.md\n- @notes.md\n"), "{planned}");
    project.run(&["run"]).code(0).says(&["prompt.inputs: there is no file \"docs/*.md\" now"]);
    let prompt_of = |unit: &str| project.of_attempt("login", unit, 1, "prompt.md");
    assert_eq!(prompt_of("1"), planned);
    let later =
        "- @.kiro/specs/login/design.md\n- @.kiro/specs/login/tasks.md\n- @docs/api.md\n- @notes.md\n";
    assert!(prompt_of("2").contains(later), "{}", prompt_of("2"));
}

#[test]
fn a_broken_template_is_reported_before_anything_runs() {
    let broken = [
        ("{{ unit.title }}\n{% if answer %}\n", "line 2"),
        ("{{ unit.nope }}\n", "line 1"),
        // this one fails only in the prompt of a second attempt
        ("{% if previous %}\n{{ previous.nope }}\n{% endif %}\n", "line 2"),
    ];
    for (template, place) in broken {
        let project = Project::new()
            .spec("login", "- [ ] 1. A\n")
            .file("own.md", template)
            .config("[prompt]\ntemplate = \"own.md\"\n");
        for args in [["run", "login"], ["plan", "login"]] {
            let out = project.run(&args).code(78);
            let found = out.stderr.contains(place) && out.stderr.contains("own.md, for task 1");
            assert!(found && out.stderr.contains("seqorch config template"), "{out:?}");
        }
        assert!(project.ledger().is_empty() && project.state("login").is_null());
    }
}

#[test]
fn the_printed_built_in_template_works_as_a_custom_template() {
    let project = Project::new().spec("login", "- [ ] 1. A\n  - [ ] 1.1 B\n");
    let built_in = project.run(&["plan", "--prompt", "1"]).code(0).stdout;
    let template = project.run(&["config", "template"]).code(0).stdout;
    assert!(template.contains("signals.done") && template.contains("{{ unit.title"), "{template}");
    let project = project.file("own.md", &template).config("[prompt]\ntemplate = \"own.md\"\n");
    assert_eq!(project.run(&["plan", "--prompt", "1"]).code(0).stdout, built_in);
}

#[test]
fn the_prompt_arrives_by_stdin_argument_or_file() {
    for (prompt, args, read) in [
        ("stdin", r#"["agent.sh"]"#, "cat"),
        ("arg", r#"["agent.sh", "{prompt}"]"#, r#"printf '%s' "$1""#),
        ("file", r#"["agent.sh", "{prompt_file}"]"#, r#"cat "$1""#),
    ] {
        let project = Project::new()
            .spec("login", "- [ ] 1. Say \"it's\" $HOME `id` \\n {prompt_file} 日本\n")
            .agent(&format!("{read} > \"$ROOT/got\"; say_done"))
            .config(&format!("[backend.fake]\nprompt = \"{prompt}\"\nargs = {args}\n"));
        project.run(&["run"]).code(0);
        let got = project.read("got");
        assert_eq!(got.trim_end(), project.of_attempt("login", "1", 1, "prompt.md").trim_end(), "{prompt}");
        assert!(got.contains("Say \"it's\" $HOME `id` \\n {prompt_file} 日本"), "{prompt}: {got}");
    }
}

#[test]
fn a_prompt_of_300_kb_arrives_whole_by_stdin() {
    let detail = format!("  - {}\n", "x".repeat(90)).repeat(3300);
    let project =
        Project::new().spec("login", format!("- [ ] 1. A\n{detail}")).agent("cat > \"$ROOT/got\"; say_done");
    project.run(&["run"]).code(0);
    let got = project.read("got");
    assert!(got.len() > 300_000, "{} bytes", got.len());
    assert_eq!(got, project.of_attempt("login", "1", 1, "prompt.md"));
}

#[test]
fn a_prompt_too_long_for_an_argument_is_refused_with_a_fix() {
    let detail = format!("  - {}\n", "x".repeat(90)).repeat(3300);
    let project = Project::new()
        .spec("login", format!("- [ ] 1. A\n{detail}"))
        .config("[backend.fake]\nprompt = \"arg\"\nargs = [\"agent.sh\", \"{prompt}\"]\n");
    project.run(&["run"]).code(69).says(&["too long for an argument", "\"file\""]);
    assert_eq!(project.ledger(), [""; 0]);
}

#[test]
fn an_agent_that_never_reads_a_long_prompt_does_not_block() {
    let detail = format!("  - {}\n", "x".repeat(90)).repeat(3300);
    let project = Project::new().spec("login", format!("- [ ] 1. A\n{detail}")).agent("say_done");
    project.run(&["run"]).code(0);
}

#[test]
fn the_prompt_names_the_files_that_the_specs_tool_wrote() {
    let project = three_tools()
        .file(".kiro/specs/login/requirements.md", "r")
        .file(".kiro/specs/login/design.md", "d")
        .file("specs/001-photos/spec.md", "s")
        .file("specs/001-photos/plan.md", "p")
        .file("specs/001-photos/contracts/api.yaml", "c")
        .file("specs/001-photos/contracts/.hidden", "h")
        .file("openspec/changes/add-search/proposal.md", "p")
        .file("openspec/changes/add-search/specs/search/spec.md", "s")
        .file("openspec/changes/add-search/specs/search/notes.md", "n");
    for (spec, task, files) in [
        ("login", "2", "requirements.md design.md tasks.md"),
        ("001-photos", "T002", "spec.md plan.md contracts/api.yaml tasks.md"),
        ("add-search", "1", "proposal.md specs/search/spec.md tasks.md"),
    ] {
        let prompt = project.run(&["plan", spec, "--prompt", task]).code(0).stdout;
        let named: Vec<&str> = prompt
            .lines()
            .filter_map(|l| l.strip_prefix("- @"))
            .map(|p| p.split_once(&format!("{spec}/")).unwrap().1)
            .collect();
        assert_eq!(named.join(" "), files, "{prompt}");
    }
}

#[test]
fn configured_inputs_are_added_to_the_prompt_without_duplicates() {
    let project = Project::new()
        .spec("login", KIRO)
        .config("[prompt]\ninputs = [\"docs/*.md\", \".kiro/specs/login/design.md\", \"gone.md\"]\n")
        .file("docs/style.md", "s")
        .file(".kiro/specs/login/design.md", "d");
    let prompt = project.run(&["plan", "login", "--prompt", "2"]).code(0).stdout;
    let named: Vec<&str> = prompt.lines().filter_map(|l| l.strip_prefix("- @")).collect();
    assert_eq!(named, [".kiro/specs/login/design.md", ".kiro/specs/login/tasks.md", "docs/style.md"]);
}
