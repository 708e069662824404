//! PURE. From tasks and configuration to the linear plan.
//!
//! [`build()`] goes through these in turn: `tree` (who belongs to whom, what is a unit), `select` (which leaves are work,
//! which are not and why), `waves` and `order`
//! (dependencies between units, a stable order), `resolve` (backend, arguments,
//! deadlines of a step). [`inputs`] picks the files to read, [`prompt`] then says it to an agent, and [`names`] makes names that tmux takes.

pub mod assign;
mod build;
pub mod inputs;
pub mod names;
mod order;
pub mod prompt;
mod quote;
mod request;
mod resolve;
mod select;
pub mod step;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod tree;
mod waves;

pub use build::{UnitInfo, build, units};
pub use request::{Instead, Progress, Request, Selection, SpecInfo, check_selection};
pub use step::{Note, Plan, SkipReason, Skipped, Step};
