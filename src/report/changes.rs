//! PURE. The changes of a task in a few words.

use super::text::sanitise_line;
use crate::state::Changes;
use crate::state::work_tree::AgentCommit;

/// What is said of a task that changed nothing but its box.
pub(super) const NO_FILES: &str = "no files changed";

/// `2 files +3 -2, commit 9a86b0b20`.
pub(super) fn changed(changes: &Changes) -> String {
    changed_in(changes, "")
}

/// `2 files +3 -2 in all runs, commit 9a86b0b20`: `when` follows the counts.
pub(super) fn changed_in(changes: &Changes, when: &str) -> String {
    let files = if changes.files == 1 { "1 file".to_owned() } else { format!("{} files", changes.files) };
    let commit =
        changes.commit.as_ref().map_or_else(String::new, |id| format!(", commit {:.9}", sanitise_line(id)));
    if changes.unchanged {
        return format!("{NO_FILES}{commit}");
    }
    format!("{files} +{} -{}{when}{commit}", changes.insertions, changes.deletions)
}

/// A commit that an agent made itself: `9a86b0b20 Fix the parser`.
pub(super) fn listed(commit: &AgentCommit) -> String {
    format!("{:.9} {}", sanitise_line(&commit.id), sanitise_line(&commit.subject)).trim_end().to_owned()
}
