//! The loop: decide from values, then act.

pub mod decide;
pub mod driver;
pub mod event;
pub mod launch;
pub mod limits;
pub mod pacing;
pub mod place;
pub mod prepare;
mod retrying;
pub mod screen;
#[cfg(test)]
mod simulation;
pub mod verdict;
mod waiting;
pub mod world;

pub use decide::{Effect, End, Event, Machine, Policy};
