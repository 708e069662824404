//! The loop: decide from values, then act.

pub mod decide;
pub mod driver;
pub mod ears;
pub mod event;
pub mod launch;
pub mod pacing;
pub mod place;
pub mod prepare;
pub mod screen;
#[cfg(test)]
mod simulation;
pub mod verdict;
pub mod world;
#[cfg(test)]
mod world_tests;

pub use decide::{Effect, End, Event, Machine, Policy};
