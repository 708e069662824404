//! Looks for the specs, agents and tests of a project. Nothing is started or written.

use std::path::Path;

use super::logins::{LoginSign, find_login, is_own_login};
use super::project_facts::{InstalledAgent, ProjectFacts};
use super::test_commands::test_commands;
use crate::config::{BUILT_IN_BACKENDS, Config};
use crate::project::discovery;
use crate::sys::programs;

/// Looks at the project in `root`. `config` holds the settings that apply before the project has a file of its own.
#[must_use]
pub fn survey(root: &Path, config: &Config) -> ProjectFacts {
    let mut specs = discovery::specs_by_root(root);
    // the sort is stable: of folders with as many specs the more common one comes first
    specs.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
    ProjectFacts { specs, agents: installed_agents(root, config), tests: test_commands(root) }
}

/// The built-in agents that are installed: those with a login of their own first, then those that may use the key of
/// another vendor; of these the default one first.
fn installed_agents(root: &Path, config: &Config) -> Vec<InstalledAgent> {
    let mut found: Vec<(bool, InstalledAgent)> = BUILT_IN_BACKENDS
        .iter()
        .filter_map(|name| Some((*name, config.backends.get(*name)?)))
        .filter(|(_, backend)| programs::find_in_path(&backend.command, root).is_some())
        .map(|(name, backend)| {
            let (login, own) = match find_login(backend, root) {
                LoginSign::Found(place) => (true, is_own_login(name, &place)),
                LoginSign::NotFound(_) | LoginSign::Unknown => (false, false),
            };
            (own, InstalledAgent { name: name.to_owned(), login })
        })
        .collect();
    found.sort_by_key(|(own, agent)| (!agent.login, !own, agent.name != config.run.backend));
    found.into_iter().map(|(_, agent)| agent).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

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
