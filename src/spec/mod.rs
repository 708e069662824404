//! PURE. tasks.md as values: parse it, report what is wrong with it, tick its boxes.
//!
//! [`parse()`] runs these passes: `lines` splits the text and asks the `grammar` about lines that may be tasks;
//! `reading_rules` decides from the whole file which of them are tasks; `collect` takes those (with `table`,
//! `numbered_lines` and `legend`); `hierarchy`, `bodies`, `dependencies` and `wave_graph` find parents, details and
//! order; `check` reports mistakes, `not_taken` what could be work; `dialect` names the tool that wrote the file.

mod accepted_ids;
mod bodies;
mod box_ids;
mod boxes_aside;
mod check;
mod collect;
mod counted_names;
mod decode;
mod dependencies;
mod dependency_words;
mod diagnostic_list;
mod dialect;
mod front_matter;
mod grammar;
mod grammar_memo;
mod heading_families;
mod heading_names;
mod headings_above;
mod hierarchy;
mod id_index;
mod id_order;
mod json_tasks;
mod json_value;
mod legend;
mod lines;
mod lookalike_counts;
mod mark_words;
mod model;
mod not_taken;
mod numbered_lines;
mod parse;
mod placed_value;
mod reading_rules;
mod reading_summary;
mod render;
mod section_dependencies;
mod section_names;
mod section_texts;
mod sections;
mod states;
mod table;
mod task_elements;
mod task_line;
#[cfg(test)]
mod tests;
mod tick;
mod title;
mod trailing_boxes;
mod unique_ids;
mod value_tasks;
mod vocabulary;
mod wave_graph;
mod yaml_value;

pub use decode::{DecodeError, decode};
pub use id_order::compare_ids;
pub use model::{
    Diagnostic, Dialect, IgnoredLine, IgnoredReason, Severity, Task, TaskFile, TaskGroup, TaskState,
};
pub use parse::{parse, parse_as};
pub use render::render_diagnostics;
pub use section_names::is_column;
pub(crate) use states::is_done_mark;
pub use tick::{set_marks, tick, tick_as};
pub(crate) use vocabulary::human as says_human;
