//! What the README and the pages in docs say is true.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;
use seqorch::state::{EndKind, NeedKind};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::common::Project;

#[test]
fn the_documentation_names_every_exit_code() {
    let page = include_str!("../docs/exit-codes.md");
    for code in [0, 1, 2, 64, 65, 66, 69, 70, 75, 78, 130, 143] {
        assert!(page.contains(&format!("\n| {code} |")), "docs/exit-codes.md does not name exit code {code}");
    }
}

#[test]
fn the_readme_is_short_and_begins_with_its_two_commands() {
    let readme = include_str!("../README.md");
    assert!(readme.len() <= 12 * 1024, "the README has {} bytes", readme.len());
    let first: Vec<&str> = readme.split("```").skip(1).step_by(2).take(2).collect();
    assert_eq!(first, ["sh\nexamples/run hello\n", "sh\ncargo test\n"]);
}

/// The targets of all links of a page that lead into the project.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.map(|link| link.split('#').next().unwrap_or_default()).filter(|link| !link.contains("://"))
}

#[test]
fn links_of_the_documentation_lead_to_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages: Vec<_> = docs.filter(|path| path.extension().is_some_and(|it| it == "md")).collect();
    assert!(pages.len() > 15, "{pages:?}");
    let index = fs::read_to_string(root.join("docs/README.md")).unwrap();
    for page in pages.iter().chain([&root.join("README.md")]) {
        let text = fs::read_to_string(page).unwrap();
        for link in links(&text).filter(|link| !link.is_empty()) {
            assert!(page.parent().unwrap().join(link).exists(), "{}: {link}", page.display());
        }
        let name = page.file_name().unwrap().to_str().unwrap();
        assert!(name == "README.md" || index.contains(&format!("({name})")), "docs/README.md lacks {name}");
    }
}

/// The cells of each row of the table "What survives what".
fn rows() -> Vec<Vec<String>> {
    include_str!("../docs/guarantees.md")
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
fn each_promise_names_tests_that_are_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checks = fs::read_to_string(root.join(".ci/run")).unwrap();
    let needs_more =
        checks.lines().find(|line| line.starts_with("shared_only=")).expect("the list of such suites");
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
                assert!(!needs_more.contains(&format!("{suite}::")), "{event}: a clone does not run {test}");
            }
        }
    }
}

/// The versions that `.ci/agents` installs are those that the documentation and `seqorch doctor` name.
#[test]
fn the_documentation_and_doctor_name_the_agent_versions_that_are_tested() {
    let script = include_str!("../.ci/agents");
    let texts = [include_str!("../docs/agents.md"), include_str!("../src/config/presets.rs")];
    for package in ["@anthropic-ai/claude-code@", "@openai/codex@", "@google/gemini-cli@", "opencode-ai@"] {
        let version =
            script.split_once(package).and_then(|(_, rest)| rest.split_whitespace().next()).unwrap();
        for text in texts {
            assert!(text.contains(version), "{package}{version} is not named");
        }
    }
}

/// All keys that some of these objects have.
pub(crate) fn keys<'a>(objects: impl IntoIterator<Item = &'a Value>) -> BTreeSet<&'a str> {
    objects.into_iter().flat_map(|object| object.as_object().unwrap().keys().map(String::as_str)).collect()
}

/// The fields that an entry of the list in a section of `docs/json.md` names.
pub(crate) fn json_fields(section: &str, entry: &str) -> BTreeSet<&'static str> {
    let (_, section) = include_str!("../docs/json.md").split_once(&format!("\n## `{section}`\n")).unwrap();
    let (_, after) = section.split_once(&format!("\n- {entry}: ")).unwrap_or_else(|| panic!("no {entry:?}"));
    let end = after.find("\n-").into_iter().chain(after.find("\n\n")).min().unwrap();
    after[..end].split('`').skip(1).step_by(2).collect()
}

#[test]
fn status_and_specs_print_exactly_the_documented_fields() {
    let tasks = "- [ ] 1. A\n";
    let project = Project::new().spec("a", tasks).spec("b", tasks).agent("echo Which?; say_halt");
    project.run(&["run", "a"]).code(2);
    let printed =
        |args: &[&str]| -> Value { serde_json::from_str(&project.run(args).code(0).stdout).unwrap() };
    let status = printed(&["status", "--json"]);
    let of_status = |entry| json_fields("status --json", entry);
    let mut fields = of_status("in the object");
    assert!(fields.remove("lease"));
    assert_eq!(keys([&status]), fields);
    assert_eq!(keys([&status["counts"]]), of_status("in `counts`"));
    assert_eq!(keys(status["needs"].as_array().unwrap()), of_status("in each of `needs`"));
    assert_eq!(keys(status["specs"].as_array().unwrap()), of_status("in each of `specs`"));
    let specs = printed(&["specs", "--json"]);
    assert_eq!(keys(specs["specs"].as_array().unwrap()), json_fields("specs --json", "in each of `specs`"));
}

/// The names in the paragraph of `docs/json.md` that begins with these words, up to its first full stop.
fn listed(words: &str) -> Vec<&'static str> {
    let (_, after) = include_str!("../docs/json.md").split_once(&format!("\n{words}: ")).unwrap();
    after.split_once('.').unwrap().0.split('`').skip(1).step_by(2).collect()
}

/// The words of an enum in the order of its declaration: serde names them where a word is unknown.
fn words_of<T: DeserializeOwned + std::fmt::Debug>() -> Vec<String> {
    let error = serde_json::from_str::<T>("\"\"").unwrap_err().to_string();
    error.split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_documentation_lists_all_events_ends_and_needs() {
    assert_eq!(listed("Ends (`why` of `run_ended`)"), words_of::<EndKind>());
    assert_eq!(listed("Kinds of needs (`kind` in `needs`)"), words_of::<NeedKind>());
    // every event can be read, also one of a newer version, so serde names none
    let (_, declared) = include_str!("../src/report/events.rs").split_once("pub enum EventKind {").unwrap();
    let (declared, _) = declared.split_once("\n}").unwrap();
    let variants = Regex::new(r"(?m)^    ([A-Z]\w*)").unwrap();
    let words = Regex::new("([a-z])([A-Z])").unwrap();
    let names = variants.captures_iter(declared).map(|v| words.replace_all(&v[1], "${1}_$2").to_lowercase());
    assert_eq!(listed("Events"), names.filter(|name| name != "unknown").collect::<Vec<_>>());
}
