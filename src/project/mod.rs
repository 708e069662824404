//! A project and its specs: where they are, what tasks.md says now, and the plan that follows.

pub mod current_plan;
pub mod discovery;
mod gsd_summary;
pub mod last_parsed;
pub mod own_tree;
pub mod progress;
pub mod project_folders;
pub mod project_states;
pub mod prompt_inputs;
pub mod sandbox_ground;
pub mod spec_argument;
pub mod spec_place;
pub mod spec_roots;
pub mod task_lists;
pub mod unmatched;

pub use spec_place::SpecPlace;
