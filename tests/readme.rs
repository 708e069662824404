//! What the README says is true.

use std::fs;
use std::path::Path;

#[test]
fn the_readme_lists_every_config_section_and_exit_code() {
    let readme = include_str!("../README.md");
    let example = include_str!("../seqorch.toml.example");
    for line in example.lines().map(|l| l.trim_start_matches('#')) {
        let section = line.trim();
        if section.starts_with('[')
            && section.ends_with(']')
            && !section.contains(' ')
            && !section.contains('.')
        {
            assert!(readme.contains(section), "the README does not name {section}");
        }
    }
    for code in [0, 1, 2, 64, 65, 66, 69, 70, 75, 78, 130, 143] {
        assert!(readme.contains(&format!("\n| {code} |")), "the the README does not name exit code {code}");
    }
}

/// The cells of each row of the table "What survives what".
fn rows() -> Vec<Vec<String>> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let section = readme.split("### What survives what").nth(1).expect("the section is there");
    section
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// The attributes of the test `name` in the text of a suite.
fn declaration<'a>(suite: &'a str, name: &str) -> Option<&'a str> {
    let at = suite.find(&format!("fn {name}("))?;
    let from = suite[..at].rfind("#[test]")?;
    Some(&suite[from..at])
}

#[test]
fn each_promise_of_the_readme_names_tests_that_are_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checks = fs::read_to_string(root.join(".ci/run")).unwrap();
    let rows = rows();
    assert!(rows.len() >= 10, "the table is gone, or is read wrongly: {rows:?}");
    for row in rows {
        let [event, _, held_by] = row.as_slice() else { panic!("not three cells: {row:?}") };
        let tests: Vec<_> = held_by.split(", ").map(|t| t.trim_matches('`')).collect();
        for test in tests {
            let (suite, name) =
                test.split_once("::").unwrap_or_else(|| panic!("{event}: {test:?} is not a test"));
            let text = fs::read_to_string(root.join("tests").join(format!("{suite}.rs")))
                .unwrap_or_else(|e| panic!("{event}: no suite {suite}: {e}"));
            let declared = declaration(&text, name).unwrap_or_else(|| panic!("{event}: no test {test}"));
            assert!(
                !declared[..].contains("\nfn ") && !declared.contains("\n}"),
                "{event}: {test} is not a test"
            );
            if declared.contains("#[ignore") {
                assert!(
                    checks.contains(&format!(" {suite}::")),
                    "{event}: {test} is ignored, and nothing runs it"
                );
            }
        }
    }
}

/// The versions that `.ci/agents` installs are those that the README and `seqorch doctor` name.
#[test]
fn the_readme_and_doctor_name_the_agent_versions_that_are_tested() {
    let script = include_str!("../.ci/agents");
    let texts = [include_str!("../README.md"), include_str!("../src/config/presets.rs")];
    for package in ["@anthropic-ai/claude-code@", "@openai/codex@", "@google/gemini-cli@", "opencode-ai@"] {
        let version =
            script.split_once(package).and_then(|(_, rest)| rest.split_whitespace().next()).unwrap();
        for text in texts {
            assert!(text.contains(version), "{package}{version} is not named");
        }
    }
}
