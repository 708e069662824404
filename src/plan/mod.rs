//! PURE. From tasks and configuration to the plan: the steps of a run, in order.
//!
//! [`build()`] runs these passes: `unit_tree` makes a tree of the tasks and cuts it into units; `leaf_states` decides
//! which leaves are open; `unit_waves` and `unit_order` put the units in order; `step_settings` and `argv` resolve what
//! each step runs with; `reasons` explains the result. [`inputs`] picks the files that agents read first, [`prompt`]
//! renders the prompt of a step, [`assign`] asks an agent who works on which unit, and [`tmux_names`] makes names that
//! tmux accepts.

pub mod argv;
pub mod assign;
pub mod baseline;
pub mod branch_names;
pub mod budget;
mod build;
mod check_settings;
pub mod decisions;
mod human_tasks;
pub mod inputs;
mod leaf_states;
pub mod prompt;
mod quote;
mod reasons;
mod request;
mod selected_tasks;
pub mod step;
mod step_settings;
mod task_names;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod tmux_names;
mod unit_order;
mod unit_tree;
mod unit_waves;
pub mod unmatched;

pub use build::{UnitInfo, build, units};
pub use request::{Fallback, PlanRequest, Progress, Selection, SpecInfo};
pub use selected_tasks::select;
pub use step::{BaselineChecks, Plan, PlanNote, SPEC_REVIEW, SkipReason, SkippedTask, Step, StepSettings};
pub use task_names::TaskNames;
