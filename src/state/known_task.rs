//! PURE. The entries of tasks.md as they were when they were read last. By them a task stays the same task when tasks.md
//! changes: its number alone says nothing.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::agent::shell::shell_word;
use crate::spec::{Dialect, Task, TaskFile, TaskGroup, TaskState};

/// One entry of tasks.md, or a heading that makes a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KnownTask {
    /// Its id. All that the state says of the entry is kept under it.
    pub id: String,
    /// Its text.
    pub title: String,
    /// The headings above it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub section: String,
    /// The entry above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The id comes from its place in the file.
    #[serde(skip_serializing_if = "is_false")]
    pub placed_id: bool,
    /// Its box was ticked, as far as boxes are trusted.
    #[serde(skip_serializing_if = "is_false")]
    pub ticked: bool,
    /// It is struck out, or marked as given up.
    #[serde(skip_serializing_if = "is_false")]
    pub dropped: bool,
    /// It is optional.
    #[serde(skip_serializing_if = "is_false")]
    pub optional: bool,
    /// tasks.md does not have it any more. It may come back.
    #[serde(skip_serializing_if = "is_false")]
    pub gone: bool,
    /// It may be another task than the one that it was taken for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<IdentityDoubt>,
}

/// Why an entry of tasks.md may be another task than the one that it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityDoubt {
    /// The task that it was taken for.
    pub taken: String,
    /// What else is possible.
    pub other: String,
}

/// What tasks.md says now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenTasks {
    /// Its entries, in its order.
    pub tasks: Vec<KnownTask>,
    /// Where each of them is.
    pub places: Vec<SeenPlace>,
    /// Boxes are trusted. Where they are not, no entry counts as ticked.
    pub trusts_boxes: bool,
}

/// Where an entry of tasks.md is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenPlace {
    /// Its line, from 1.
    pub line: usize,
    /// The bytes between the brackets of its box.
    pub mark: Option<Range<usize>>,
    /// The same of the boxes below a heading that is done when all of them are ticked.
    pub steps: Vec<Range<usize>>,
    /// It says itself whether it is done: in a box, or in a column of its table.
    pub has_state: bool,
}

impl SeenTasks {
    /// The entries of a file.
    #[must_use]
    pub fn of(file: &TaskFile, trusts_boxes: bool) -> Self {
        let mut groups: Vec<&TaskGroup> = file.groups.iter().collect();
        groups.sort_by_key(|group| group.line);
        let mut groups = groups.into_iter().peekable();
        let mut seen = Self { trusts_boxes, ..Self::default() };
        for task in &file.tasks {
            while let Some(group) = groups.next_if(|group| group.line < task.line) {
                seen.tasks.push(KnownTask::of_group(group));
                seen.places.push(SeenPlace { line: group.line, ..SeenPlace::default() });
            }
            let ticked = trusts_boxes && task.state == TaskState::Done;
            seen.tasks.push(KnownTask { ticked, ..KnownTask::of_task(task) });
            seen.places.push(SeenPlace {
                line: task.line,
                mark: task.mark.clone(),
                steps: task.steps.clone(),
                has_state: task.mark.is_some() || !task.steps.is_empty() || file.dialect == Dialect::Table,
            });
        }
        seen
    }

    /// The ids whose boxes are ticked.
    #[must_use]
    pub fn ticked(&self) -> BTreeSet<String> {
        self.tasks.iter().filter(|task| task.ticked).map(|task| task.id.clone()).collect()
    }
}

impl KnownTask {
    fn of_task(task: &Task) -> Self {
        Self {
            id: task.id.clone(),
            title: task.title.clone(),
            section: task.section.to_string(),
            parent: task.parent.clone().or_else(|| task.group.clone()),
            placed_id: task.placed_id,
            dropped: task.state == TaskState::Skipped,
            optional: task.optional,
            ..Self::default()
        }
    }

    fn of_group(group: &TaskGroup) -> Self {
        Self { id: group.id.clone(), title: group.title.clone(), ..Self::default() }
    }

    /// The commands by which a person decides a doubt: it is done, or it is not. `spec` is what a person types for the spec.
    #[must_use]
    pub fn deciding_commands(&self, spec: &str) -> [String; 2] {
        let (id, spec) = (shell_word(&self.id), shell_word(spec));
        ["done", "todo"].map(|mark| format!("seqorch mark {id} {mark} --spec {spec}"))
    }

    /// Whether two entries are the same in all by which tasks differ.
    pub(super) fn is_identical(&self, other: &Self) -> bool {
        self.id == other.id
            && self.title == other.title
            && self.section == other.section
            && self.parent == other.parent
            && self.placed_id == other.placed_id
            && !self.gone
    }
}

/// Per entry, the index of the one above it.
pub(super) fn parents(tasks: &[KnownTask]) -> Vec<Option<usize>> {
    let by_id: HashMap<&str, usize> =
        tasks.iter().enumerate().rev().map(|(index, task)| (task.id.as_str(), index)).collect();
    let parent = |task: &KnownTask| by_id.get(task.parent.as_deref()?).copied();
    tasks.iter().map(parent).collect()
}

/// Per entry, how many entries are above it.
pub(super) fn depths(parents: &[Option<usize>]) -> Vec<usize> {
    let depth = |start: usize| {
        // a circle of parents ends nowhere
        let above = std::iter::successors(parents[start], |&at| parents[at]).take(parents.len().min(64));
        above.count()
    };
    (0..parents.len()).map(depth).collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}
