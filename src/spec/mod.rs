//! PURE. tasks.md as values: parse it, report what is wrong with it, tick its boxes.
//!
//! [`parse()`] runs these passes: `lines` splits the text and asks the `grammar` about lines that may be tasks;
//! `reading_rules` decides from the whole file which of them are tasks; `collect` takes those (with `table`,
//! `numbered_lines` and `legend`); `hierarchy`, `bodies`, `dependencies` and `wave_graph` find parents, details and
//! order; `check` reports mistakes; `dialect` names the tool that wrote the file.

mod bodies;
mod check;
mod collect;
mod decode;
mod dependencies;
mod dialect;
mod grammar;
mod grammar_memo;
mod headings_above;
mod hierarchy;
mod id_index;
mod id_order;
mod legend;
mod lines;
mod model;
mod numbered_lines;
mod parse;
mod reading_rules;
mod render;
mod states;
mod table;
mod task_line;
#[cfg(test)]
mod tests;
mod tick;
mod title;
mod vocabulary;
mod wave_graph;

pub use decode::{DecodeError, decode};
pub use id_order::compare_ids;
pub use model::{
    Diagnostic, Dialect, IgnoredLine, IgnoredReason, Severity, Task, TaskFile, TaskGroup, TaskState,
};
pub use parse::{parse, parse_as};
pub use render::render_diagnostics;
pub use tick::{set_marks, tick, tick_as};
