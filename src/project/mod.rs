//! A project, its specs and their files: where they are, what `tasks.md` says now, and the plan that follows.

pub mod discovery;
pub mod inputs;
pub mod place;
pub mod progress;

pub use place::Place;
