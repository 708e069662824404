//! PURE. tasks.md as values: parse, diagnose, tick.

pub mod model;

pub use model::{Diagnostic, IgnoredLine, Severity, Task, TaskFile, TaskState};
