//! PURE. The live view of a spec.
//!
//! [`view`] makes a [`View`], a value without escape sequences; [`draw`] draws it into an area of any size. Both depend only
//! on their arguments, so tests need no terminal and no waiting. The loop that reads files, keys and the clock is in
//! `crate::view`.

mod build;
mod draw;
mod draw_text;
mod estimate;
mod fold;
mod footer;
mod keys;
mod list;
mod model;
mod panel;
mod recent_output;
mod source;
mod spec_page;
#[cfg(test)]
mod tests;
mod text_page;
mod theme;
mod totals;
mod ui;
mod window;

pub use build::view;
pub use draw::{closing, draw, head_lines};
pub use keys::{Key, keys};
pub use model::{Panel, PanelLine, Standing, TaskMark, Tone, View, ViewRow, VisibleRows};
pub use recent_output::RecentOutput;
pub use source::{LiveAttempt, LiveRun, ViewSource};
pub use spec_page::{NeedCard, PageTimer, SpecPage, TaskCard, WorkCard, spec_page, tone_of};
pub use text_page::TextPage;
pub use ui::{InputLine, Ui, UiMode, UiRequest, ViewCommand};
