//! Finds out how a project runs its tests.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::project_facts::TestCommand;

/// The commands that run the project's tests: its own `test` target if it has one, else what its languages use.
pub(super) fn test_commands(root: &Path) -> Vec<TestCommand> {
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap_or_default();
    for name in ["justfile", "Justfile", ".justfile"] {
        if has_target(&read(name), "test") {
            return vec![TestCommand::new(&["just", "test"], "justfile")];
        }
    }
    for name in ["GNUmakefile", "makefile", "Makefile"] {
        for target in ["test", "check"] {
            if has_target(&read(name), target) {
                return vec![TestCommand::new(&["make", target], "Makefile")];
            }
        }
    }
    let exists = |name: &str| root.join(name).is_file();
    let mut found = Vec::new();
    if exists("Cargo.toml") {
        let workspace = read("Cargo.toml").parse::<toml::Table>().is_ok_and(|t| t.contains_key("workspace"));
        let argv: &[&str] = if workspace { &["cargo", "test", "--workspace"] } else { &["cargo", "test"] };
        found.push(TestCommand::new(argv, "Cargo.toml"));
    }
    if exists("go.mod") {
        found.push(TestCommand::new(&["go", "test", "./..."], "go.mod"));
    }
    found.extend(node(&read("package.json"), exists));
    found.extend(python(&read("pyproject.toml"), exists));
    found
}

/// Whether a makefile or justfile has a target of that name.
fn has_target(text: &str, target: &str) -> bool {
    text.lines().any(|line| {
        let Some((names, rest)) = line.split_once(':') else { return false };
        let assigns = rest.starts_with('=') || rest.starts_with(":=");
        // a just recipe may have parameters behind its name
        !line.starts_with([' ', '\t', '#']) && !assigns && names.split_whitespace().next() == Some(target)
    })
}

fn node(package: &str, exists: impl Fn(&str) -> bool) -> Option<TestCommand> {
    let package: Value = serde_json::from_str(package).ok()?;
    let script = package["scripts"]["test"].as_str()?;
    // the placeholder of `npm init`
    if script.contains("no test specified") {
        return None;
    }
    let manager = if exists("pnpm-lock.yaml") {
        "pnpm"
    } else if exists("yarn.lock") {
        "yarn"
    } else if exists("bun.lock") || exists("bun.lockb") {
        "bun"
    } else {
        "npm"
    };
    let words: Vec<&str> = script.split_whitespace().collect();
    let mut argv = if manager == "bun" { vec!["bun", "run", "test"] } else { vec![manager, "test"] };
    // in a terminal these two would watch for changes and never end
    if words.contains(&"vitest") && !words.contains(&"run") && !words.contains(&"--run") {
        if manager == "npm" {
            argv.push("--");
        }
        argv.push("--run");
    } else if words.contains(&"react-scripts") {
        argv.splice(0..0, ["env", "CI=true"]);
    }
    Some(TestCommand::new(&argv, "package.json"))
}

fn python(project: &str, exists: impl Fn(&str) -> bool) -> Option<TestCommand> {
    let has_pytest = project.contains("pytest")
        || ["pytest.ini", "conftest.py", "tests/conftest.py"].iter().any(|n| exists(n));
    if !has_pytest {
        return None;
    }
    let argv: &[&str] = if exists("uv.lock") {
        &["uv", "run", "pytest"]
    } else if exists("poetry.lock") {
        &["poetry", "run", "pytest"]
    } else {
        &["python3", "-m", "pytest"]
    };
    Some(TestCommand::new(argv, if project.contains("pytest") { "pyproject.toml" } else { "pytest's files" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        test_commands(dir.path()).into_iter().map(|test| test.argv.join(" ")).collect()
    }

    #[test]
    fn a_test_target_of_the_project_wins_over_its_languages() {
        let cargo = ("Cargo.toml", "[package]\nname = \"x\"\n");
        assert_eq!(found(&[cargo]), ["cargo test"]);
        assert_eq!(found(&[cargo, ("Makefile", "all:\n\ttrue\ntest: all\n\tcargo test\n")]), ["make test"]);
        assert_eq!(found(&[cargo, ("justfile", "x := \"1\"\ntest *args:\n  cargo test\n")]), ["just test"]);
        assert_eq!(
            found(&[cargo, ("Makefile", "test := 1\n\ttest: no\n# test: no\ntests:\n")]),
            ["cargo test"]
        );
        assert_eq!(found(&[("Cargo.toml", "[workspace]\n")]), ["cargo test --workspace"]);
    }

    #[test]
    fn a_test_script_that_watches_for_changes_is_made_to_end() {
        let package = |script: &str| format!("{{\"scripts\": {{\"test\": \"{script}\"}}}}");
        let one = |script: &str| found(&[("package.json", &package(script))]);
        assert_eq!(one("jest"), ["npm test"]);
        assert_eq!(one("vitest"), ["npm test -- --run"]);
        assert_eq!(one("vitest run"), ["npm test"]);
        assert_eq!(one("react-scripts test"), ["env CI=true npm test"]);
        assert!(one("echo \\\"Error: no test specified\\\" && exit 1").is_empty());
        assert_eq!(
            found(&[("package.json", &package("vitest")), ("pnpm-lock.yaml", "")]),
            ["pnpm test --run"]
        );
    }

    #[test]
    fn each_language_of_a_project_adds_a_test_command() {
        let files =
            [("go.mod", "module x"), ("pyproject.toml", "[tool.pytest.ini_options]\n"), ("uv.lock", "")];
        assert_eq!(found(&files), ["go test ./...", "uv run pytest"]);
        assert!(found(&[("pyproject.toml", "[project]\n"), ("package.json", "{}")]).is_empty());
    }
}
