//! Looks for the specs, agents and tests of a project. Nothing is started or written.

use std::fs;
use std::path::Path;

use super::logins::{LoginSign, find_login};
use super::project_facts::{InstalledAgent, ProjectFacts};
use super::test_commands::test_commands;
use crate::config::{BUILT_IN_BACKENDS, Config};
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

/// Looks at the project in `root`. `config` holds the settings that apply before the project has a file of its own.
#[must_use]
pub fn survey(root: &Path, config: &Config) -> ProjectFacts {
    let mut specs: Vec<(String, Vec<String>)> = SPEC_ROOTS
        .iter()
        .map(|folder| ((*folder).to_owned(), spec_names(&root.join(folder))))
        .filter(|(_, names)| !names.is_empty())
        .collect();
    // the sort is stable: of folders with as many specs the more common one comes first
    specs.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
    ProjectFacts { specs, agents: installed_agents(root, config), tests: test_commands(root) }
}

/// The names of the folders with a tasks.md.
fn spec_names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join("tasks.md").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The built-in agents that are installed: those with a login first, of these the default one first.
fn installed_agents(root: &Path, config: &Config) -> Vec<InstalledAgent> {
    let mut found: Vec<InstalledAgent> = BUILT_IN_BACKENDS
        .iter()
        .filter_map(|name| Some((*name, config.backends.get(*name)?)))
        .filter(|(_, backend)| programs::find_in_path(&backend.command, root).is_some())
        .map(|(name, backend)| {
            let login = matches!(find_login(backend, root), LoginSign::Found(_));
            InstalledAgent { name: name.to_owned(), login }
        })
        .collect();
    found.sort_by_key(|agent| (!agent.login, agent.name != config.run.backend));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_with_the_most_specs_comes_first() {
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
        let facts = survey(dir.path(), &loaded.unwrap().config);
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            facts.specs,
            [("specs".to_owned(), names(&["b", "c"])), (".kiro/specs".to_owned(), names(&["a"]))]
        );
    }
}
