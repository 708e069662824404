//! PURE. tasks.md as values: parse, diagnose, tick.

mod body;
mod check;
mod collect;
mod deps;
mod dialect;
mod grammar;
mod lines;
pub mod model;
mod parse;
mod table;
mod title;
mod tree;
mod words;

pub use model::{Diagnostic, Dialect, Group, IgnoredLine, Severity, Task, TaskFile, TaskState, Why};
pub use parse::{parse, parse_as};
