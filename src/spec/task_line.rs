//! A line that is a task, as the passes after the collection see it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::grammar::IdShape;
use super::model::{IgnoredReason, TaskState};

/// A line that is a task.
#[derive(Debug, Clone)]
pub(crate) struct TaskLine<'a> {
    /// Index of the line.
    pub(crate) line: usize,
    pub(crate) id: Cow<'a, str>,
    /// The file gives no id; this one comes from the task's place.
    pub(crate) placed_id: bool,
    pub(crate) shape: Option<IdShape>,
    /// The range of the title in the line; for a table row, the cell.
    pub(crate) title: Range<usize>,
    /// Bold was opened before the title.
    pub(crate) bold_open: bool,
    /// The text between the brackets, as a range of the line `mark_line`.
    pub(crate) mark: Option<Range<usize>>,
    /// The line of the box: its own, or one of a list that repeats the task.
    pub(crate) mark_line: usize,
    /// Only a person can do it.
    pub(crate) human: bool,
    /// It is struck out, so it is dropped.
    pub(crate) struck: bool,
    /// The last line of its body, where the file says where that ends.
    pub(crate) until: Option<usize>,
    pub(crate) star: bool,
    /// A check sign says that it is done.
    pub(crate) checked: bool,
    /// A dot follows the id.
    pub(crate) dot: bool,
    /// Columns before the bullet.
    pub(crate) indent: u32,
    /// Level of the heading; 0 for a list item.
    pub(crate) level: usize,
    pub(crate) oddity: Option<Oddity>,
    /// The other columns of a table row.
    pub(crate) row: Option<Box<RowCells>>,
}

impl TaskLine<'_> {
    /// A task at the margin of a line of which nothing else is known.
    pub(crate) fn at(line: usize) -> Self {
        Self {
            line,
            id: Cow::Borrowed(""),
            placed_id: false,
            shape: None,
            title: 0..0,
            bold_open: false,
            mark: None,
            mark_line: line,
            human: false,
            struck: false,
            until: None,
            star: false,
            checked: false,
            dot: false,
            indent: 0,
            level: 0,
            oddity: None,
            row: None,
        }
    }
}

/// What is odd about a line that is a task all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oddity {
    NoBullet,
    TwoBoxes,
    /// Indented like a child, but its number continues that of the task above.
    Indentation,
}

/// What the columns of a table row say besides id and title.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowCells {
    pub(crate) state: Option<TaskState>,
    /// The dependency cell, as a range of the line.
    pub(crate) depends: Option<Range<usize>>,
}

/// All tasks of a file, and the lines that only look like tasks.
#[derive(Debug, Default)]
pub(crate) struct CollectedLines<'a> {
    pub(crate) tasks: Vec<TaskLine<'a>>,
    /// Index and reason of each ignored line.
    pub(crate) ignored: Vec<(usize, IgnoredReason)>,
    /// What the file says its marks mean.
    pub(crate) legend: HashMap<String, TaskState>,
}
