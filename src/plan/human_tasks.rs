//! Tasks that only a person does: their file says so, or the configuration.

use super::step_settings::TaskMatcher;
use super::unit_tree::TreeNode;
use crate::config::Config;
use crate::spec::says_human;

/// Which tasks an agent never gets.
pub(super) struct HumanTasks<'a> {
    /// Of each override that says something: its tasks, and what it says.
    rules: Vec<(TaskMatcher<'a>, bool)>,
}

impl<'a> HumanTasks<'a> {
    pub(super) fn new(config: &'a Config) -> Self {
        let says = config.overrides.iter().filter_map(|one| Some((one, one.human?)));
        Self { rules: says.map(|(one, human)| (TaskMatcher::of(one), human)).collect() }
    }

    /// What is said of the node itself; `None`: the same as of what is above it.
    pub(super) fn says(&self, node: &TreeNode<'_>) -> Option<bool> {
        let rule = self.rules.iter().rfind(|(matcher, _)| matcher.matches(node));
        let file = || node.task.map_or_else(|| says_human(node.title), |task| task.human).then_some(true);
        rule.map(|(_, human)| *human).or_else(file)
    }
}
