//! What a repository tells about itself: its specs, its agents, its tests. Nothing is run or written.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::logins::{self, Login};
use crate::config::{Config, built_in_backends};
use crate::sys::programs;

/// Folders that tools keep specs in.
const SPEC_ROOTS: [&str; 7] = [
    ".kiro/specs",
    "specs",
    ".specify/specs",
    ".spec-workflow/specs",
    "openspec/changes",
    "docs/specs",
    "spec",
];

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Folders that hold specs, with the specs' names; the one with most of them first.
    pub specs: Vec<(String, Vec<String>)>,
    /// Agents that are installed, the likeliest first.
    pub agents: Vec<Agent>,
    /// Commands that run the project's tests.
    pub tests: Vec<Test>,
}

/// An installed agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Name of its backend.
    pub name: String,
    /// Whether there is a sign of a login.
    pub login: bool,
}

/// A way to run tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The file that says so.
    pub from: &'static str,
}

impl Test {
    fn new(argv: &[&str], from: &'static str) -> Self {
        Self { argv: argv.iter().map(|a| (*a).to_owned()).collect(), from }
    }
}

/// Looks at a project; `config` are the settings that are in force before it has a file of its own.
#[must_use]
pub fn look(root: &Path, config: &Config) -> Survey {
    let mut specs: Vec<(String, Vec<String>)> = SPEC_ROOTS
        .iter()
        .map(|folder| ((*folder).to_owned(), specs(&root.join(folder))))
        .filter(|(_, names)| !names.is_empty())
        .collect();
    // stable: of equal ones the more usual folder comes first
    specs.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
    Survey { specs, agents: agents(root, config), tests: tests(root) }
}

/// Names of the folders with a tasks.md.
fn specs(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join("tasks.md").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn agents(root: &Path, config: &Config) -> Vec<Agent> {
    let path = std::env::var_os("PATH");
    let mut found: Vec<Agent> = built_in_backends()
        .iter()
        .filter_map(|name| Some((*name, config.backends.get(*name)?)))
        .filter(|(_, b)| programs::find_program(OsStr::new(&b.command), path.as_deref(), root).is_some())
        .map(|(name, backend)| {
            let env = |variable: &str| {
                let removed = backend.env_remove.iter().any(|n| n == variable);
                backend
                    .env
                    .get(variable)
                    .cloned()
                    .or_else(|| std::env::var(variable).ok().filter(|_| !removed))
            };
            let login = matches!(logins::look(backend.output, &env, root), Login::Found(_));
            Agent { name: name.to_owned(), login }
        })
        .collect();
    let usual = &config.run.backend;
    found.sort_by_key(|agent| (!agent.login, agent.name != *usual));
    found
}

/// What the project itself calls its tests; without such a word, what its languages do.
fn tests(root: &Path) -> Vec<Test> {
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap_or_default();
    for name in ["justfile", "Justfile", ".justfile"] {
        if has_target(&read(name), "test") {
            return vec![Test::new(&["just", "test"], "justfile")];
        }
    }
    for name in ["GNUmakefile", "makefile", "Makefile"] {
        for target in ["test", "check"] {
            if has_target(&read(name), target) {
                return vec![Test::new(&["make", target], "Makefile")];
            }
        }
    }
    let there = |name: &str| root.join(name).is_file();
    let mut found = Vec::new();
    if there("Cargo.toml") {
        let workspace = read("Cargo.toml").parse::<toml::Table>().is_ok_and(|t| t.contains_key("workspace"));
        let argv: &[&str] = if workspace { &["cargo", "test", "--workspace"] } else { &["cargo", "test"] };
        found.push(Test::new(argv, "Cargo.toml"));
    }
    if there("go.mod") {
        found.push(Test::new(&["go", "test", "./..."], "go.mod"));
    }
    found.extend(node(&read("package.json"), there));
    found.extend(python(&read("pyproject.toml"), there));
    found
}

/// Whether a makefile or justfile has a rule of that name.
fn has_target(text: &str, target: &str) -> bool {
    text.lines().any(|line| {
        let Some((names, rest)) = line.split_once(':') else { return false };
        let assigns = rest.starts_with('=') || rest.starts_with(":=");
        // a recipe of just may have parameters behind its name
        !line.starts_with([' ', '\t', '#']) && !assigns && names.split_whitespace().next() == Some(target)
    })
}

fn node(package: &str, there: impl Fn(&str) -> bool) -> Option<Test> {
    let package: Value = serde_json::from_str(package).ok()?;
    let script = package["scripts"]["test"].as_str()?;
    // what `npm init` puts there
    if script.contains("no test specified") {
        return None;
    }
    let manager = if there("pnpm-lock.yaml") {
        "pnpm"
    } else if there("yarn.lock") {
        "yarn"
    } else if there("bun.lock") || there("bun.lockb") {
        "bun"
    } else {
        "npm"
    };
    let words: Vec<&str> = script.split_whitespace().collect();
    let mut argv = if manager == "bun" { vec!["bun", "run", "test"] } else { vec![manager, "test"] };
    // in a terminal these would wait for changes for ever
    if words.contains(&"vitest") && !words.contains(&"run") && !words.contains(&"--run") {
        if manager == "npm" {
            argv.push("--");
        }
        argv.push("--run");
    } else if words.contains(&"react-scripts") {
        argv.splice(0..0, ["env", "CI=true"]);
    }
    Some(Test::new(&argv, "package.json"))
}

fn python(project: &str, there: impl Fn(&str) -> bool) -> Option<Test> {
    let asked = project.contains("pytest")
        || ["pytest.ini", "conftest.py", "tests/conftest.py"].iter().any(|n| there(n));
    if !asked {
        return None;
    }
    let argv: &[&str] = if there("uv.lock") {
        &["uv", "run", "pytest"]
    } else if there("poetry.lock") {
        &["poetry", "run", "pytest"]
    } else {
        &["python3", "-m", "pytest"]
    };
    Some(Test::new(argv, if project.contains("pytest") { "pyproject.toml" } else { "pytest's files" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        tests(dir.path()).into_iter().map(|test| test.argv.join(" ")).collect()
    }

    #[test]
    fn the_projects_own_word_for_its_tests_comes_first() {
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
    fn a_script_that_watches_for_changes_is_told_to_end() {
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
    fn several_languages_have_several_commands_and_none_has_none() {
        let files =
            [("go.mod", "module x"), ("pyproject.toml", "[tool.pytest.ini_options]\n"), ("uv.lock", "")];
        assert_eq!(found(&files), ["go test ./...", "uv run pytest"]);
        assert!(found(&[("pyproject.toml", "[project]\n"), ("package.json", "{}")]).is_empty());
    }

    #[test]
    fn the_folder_with_most_specs_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        for spec in [".kiro/specs/a", "specs/b", "specs/c", "specs/not"] {
            fs::create_dir_all(dir.path().join(spec)).unwrap();
        }
        for spec in [".kiro/specs/a", "specs/b", "specs/c"] {
            fs::write(dir.path().join(spec).join("tasks.md"), "- [ ] 1. x\n").unwrap();
        }
        let loaded = crate::config::load(&crate::config::LoadRequest {
            root: dir.path().to_owned(),
            ..Default::default()
        });
        let survey = look(dir.path(), &loaded.unwrap().config);
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            survey.specs,
            [("specs".to_owned(), names(&["b", "c"])), (".kiro/specs".to_owned(), names(&["a"]))]
        );
    }
}
