//! PURE. tasks.md as values: parse, diagnose, tick.

mod body;
mod check;
mod collect;
pub mod decode;
mod deps;
pub mod diagnose;
mod dialect;
mod grammar;
mod ids;
mod legend;
mod lines;
mod memo;
pub mod model;
mod parse;
mod table;
#[cfg(test)]
mod tests;
pub mod tick;
mod title;
mod tree;
mod unboxed;
mod waves;
mod words;

pub use decode::{DecodeError, decode};
pub use model::{Diagnostic, Dialect, Group, IgnoredLine, Severity, Task, TaskFile, TaskState, Why};
pub use parse::{parse, parse_as};
pub use tick::{TickError, set_mark, tick, tick_as};
