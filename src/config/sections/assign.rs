//! PURE. `[assign]`: which agent does which task.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::declare::{keys, words};
use crate::config::formats::{BackendByOwner, BackendName, Globs, OptionValue, Regex};
use crate::config::path::KeyPath;
use crate::config::problem::Problem;

keys! {
    /// Which agent does which task.
    pub struct Assign {
        /// Who assigns tasks: an agent and the rules in assign.rule (agent), only the rules (rules), or run.backend does
        /// every task (off). auto means agent if assign.backend is set, and otherwise rules.
        mode: AssignMode = "auto", inside;
        /// Backend of the agent that assigns tasks. Unset: run.backend.
        backend: String as BackendName, like = "codex", flag = "--assign-backend", inside;
        /// Agent that assigns tasks, among those that the CLI of assign.backend knows (OpenCode and Claude know agents).
        agent: Option<String> as Option<OptionValue>, like = "gawain", flag = "--assign-opencode-agent", inside;
        /// Whether the agent assigns all open tasks in one call (all), or each task before its turn (one).
        batch: Batch = "all", inside;
        /// Longest time that one call of the agent that assigns tasks may take.
        timeout: Duration = "3m", inside;
        /// Backend that does the work of each owner. The agent that assigns tasks chooses among these owners.
        owners: BTreeMap<String, String> as BackendByOwner
            = { codex = "codex", "codex-review" = "codex", gemini = "gemini" }, inside;
        /// A rule of yours. It wins over the agent that assigns tasks, and a later rule wins over an earlier one.
        rules as "rule": Vec<AssignRule>;
    }
}

keys! {
    /// A rule that says who does some tasks.
    #[derive(Eq)]
    pub struct AssignRule {
        /// Ids or globs of the tasks that the rule is for. Set either this or match.
        tasks: Vec<String> as Globs, like = ["3", "4.*"], inside;
        /// Regular expression on the titles of the tasks that the rule is for. Set either this or tasks.
        title as "match": Option<String> as Option<Regex>, like = "(?i)user interface", inside;
        /// Owner that gets the tasks: a key of assign.owners. Set either this or backend.
        owner: Option<String>, like = "gemini", inside;
        /// Backend that gets the tasks. Set either this or owner.
        backend: String as BackendName, like = "mine", inside;
    }
}

words! {
    /// Who assigns tasks.
    pub enum AssignMode {
        /// [`AssignMode::Agent`] if a backend for it is set, else [`AssignMode::Rules`]; resolved when a file is loaded.
        Auto = "auto",
        /// An agent, after the rules.
        Agent = "agent",
        /// Only the rules.
        Rules = "rules",
        /// All tasks go to the common backend.
        Off = "off",
    }
}

words! {
    /// How many tasks an agent assigns at once.
    pub enum Batch {
        /// All open ones in one call.
        All = "all",
        /// Each before its turn.
        One = "one",
    }
}

impl Assign {
    /// Replaces what is left to other keys: `auto`, the backend that is not set, the backend of a rule's owner.
    pub(crate) fn resolve(&mut self, common_backend: &str) {
        if self.mode == AssignMode::Auto {
            self.mode = if self.backend.is_empty() { AssignMode::Rules } else { AssignMode::Agent };
        }
        if self.backend.is_empty() {
            common_backend.clone_into(&mut self.backend);
        }
        for rule in &mut self.rules {
            if let Some(backend) = rule.owner.as_ref().and_then(|owner| self.owners.get(owner)) {
                rule.backend.clone_from(backend);
            }
        }
    }

    /// What does not fit together; to be asked before [`Assign::resolve`].
    pub(crate) fn problems(&self, at: &KeyPath) -> Vec<Problem> {
        let rules = self.rules.iter().enumerate();
        rules.flat_map(|(index, rule)| rule.problems(&at.join("rule").element(index), &self.owners)).collect()
    }
}

impl AssignRule {
    fn problems(&self, at: &KeyPath, owners: &BTreeMap<String, String>) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.tasks.is_empty() == self.title.is_none() {
            found.push(Problem::of_key(
                at.clone(),
                "must set either tasks or match, to say which tasks it is for",
            ));
        }
        if self.owner.is_none() == self.backend.is_empty() {
            found.push(Problem::of_key(
                at.clone(),
                "must set either owner or backend, to say who gets the tasks",
            ));
        } else if let Some(owner) = self.owner.as_ref().filter(|owner| !owners.contains_key(*owner)) {
            let known: Vec<&str> = owners.keys().map(String::as_str).collect();
            let text = format!("assign.owners has no {owner:?} (known: {})", known.join(", "));
            found.push(Problem::of_key(at.join("owner"), text));
        }
        found
    }
}
