//! Overrides and rules that are for no task of a spec: most are typos.

use super::step_settings::{TaskMatcher, matches_rule};
use super::unit_tree::UnitTree;
use crate::config::Config;
use crate::spec::TaskFile;

/// An override or a rule that matches no task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnmatchedRule {
    /// `override[0]`, as `config explain` names it.
    pub key: String,
    /// What it should match: `tasks = ["9"]`.
    pub wanted: String,
}

/// The overrides and the rules of `[assign]` that match no task of a file.
#[must_use]
pub fn unmatched(tasks: &TaskFile, config: &Config) -> Vec<UnmatchedRule> {
    let tree = UnitTree::new(tasks, config.run.granularity);
    let tops = || tree.units.iter().map(|unit| unit.node);
    let mut found = Vec::new();
    for (index, one) in config.overrides.iter().enumerate() {
        let matcher = TaskMatcher::of(one);
        if !tops().any(|top| matcher.matches_unit(&tree, top)) {
            found.push(rule(format!("override[{index}]"), &one.tasks, one.title.as_deref()));
        }
    }
    for (index, one) in config.assign.rules.iter().enumerate() {
        if !tops().any(|top| matches_rule(one, &tree, top)) {
            found.push(rule(format!("assign.rule[{index}]"), &one.tasks, one.title.as_deref()));
        }
    }
    found
}

fn rule(key: String, tasks: &[String], title: Option<&str>) -> UnmatchedRule {
    let wanted = title.map_or_else(|| format!("tasks = {tasks:?}"), |title| format!("match = {title:?}"));
    UnmatchedRule { key, wanted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn overrides_and_rules_without_a_task_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let text = "[[override]]\ntasks = [\"2.1\"]\n[[override]]\nmatch = \"(?i)DOCS\"\n[[override]]\ntasks = [\"9*\"]\n\
                    [[override]]\nmatch = \"^x\"\n[[assign.rule]]\nmatch = \"Write\"\nbackend = \"codex\"\n\
                    [[assign.rule]]\ntasks = [\"7\"]\nbackend = \"codex\"\n";
        std::fs::write(dir.path().join("seqorch.toml"), text).unwrap();
        let request = config::LoadRequest { root: dir.path().to_owned(), ..config::LoadRequest::default() };
        let loaded = config::load(&request).unwrap();
        let tasks = crate::spec::parse("- [ ] 1. Write the docs\n- [ ] 2. Code\n  - [x] 2.1 Part\n");
        let found: Vec<String> = unmatched(&tasks, &loaded.config)
            .iter()
            .map(|one| format!("{} {}", one.key, one.wanted))
            .collect();
        assert_eq!(
            found,
            ["override[2] tasks = [\"9*\"]", "override[3] match = \"^x\"", "assign.rule[1] tasks = [\"7\"]"]
        );
    }
}
