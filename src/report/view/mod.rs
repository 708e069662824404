//! PURE. The live view of a spec: what is to be seen as values, and drawn into a buffer of cells.
//!
//! [`view`] makes a [`View`] of what is known, every text of it harmless; [`draw`] puts it on an area of any size. Both
//! are functions of their arguments alone, so that a screen can be tested without a terminal and without waiting. The
//! loop that reads files, keys and the clock is `crate::view`.

mod build;
mod draw;
mod estimate;
mod fold;
mod keys;
mod list;
mod model;
mod panel;
mod recent_output;
mod source;
#[cfg(test)]
mod tests;
mod theme;

pub use build::view;
pub use draw::{closing, draw, head_lines};
pub use keys::{Key, Ui, UiRequest, keys};
pub use model::{Panel, PanelLine, Standing, TaskMark, Tone, View, ViewRow, VisibleRows};
pub use recent_output::RecentOutput;
pub use source::{LiveAttempt, LiveRun, ViewSource};
