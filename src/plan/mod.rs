//! PURE. From tasks and configuration to the linear plan.

pub mod step;

pub use step::{Note, Plan, SkipReason, Skipped, Step};
