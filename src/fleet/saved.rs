//! PURE. What the remote keeps of a spec beside the lease.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The task that an agent works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningTask {
    /// The unit.
    pub task: String,
    /// Number of the attempt.
    pub attempt: u32,
}

/// Where a spec stands, as its branch and its machines say it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standpoint {
    /// The commit of the branch that the state belongs to.
    #[serde(default)]
    pub tip: Option<String>,
    /// The one before.
    #[serde(default)]
    pub prev_tip: Option<String>,
    /// The branch.
    #[serde(default)]
    pub branch: Option<String>,
    /// The path of the spec from the top of the repository.
    #[serde(default)]
    pub spec: Option<String>,
    /// What an agent works on.
    #[serde(default)]
    pub running: Option<RunningTask>,
    /// How many machines in a row were lost while they worked on a task.
    #[serde(default)]
    pub lost: BTreeMap<String, u32>,
}

impl Standpoint {
    /// The machine that wrote this is gone, and another one takes over.
    pub fn count_loss(&mut self) {
        if let Some(running) = self.running.take() {
            *self.lost.entry(running.task).or_default() += 1;
        }
    }
}

/// What the remote keeps of a spec beside the lease.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SavedSpec {
    /// Where it stands.
    pub at: Standpoint,
    /// The text of the state file, with this spec only.
    pub state: String,
    /// The progress log.
    pub progress: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_machines_are_lost_with_is_counted() {
        let mut at = Standpoint {
            running: Some(RunningTask { task: "3".into(), attempt: 1 }),
            ..Standpoint::default()
        };
        at.count_loss();
        at.count_loss();
        assert_eq!((at.lost["3"], at.running), (1, None));
    }
}
