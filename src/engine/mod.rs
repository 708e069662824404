//! The loop: decide from values, then act.

pub mod decide;
pub mod driver;
pub mod launch;
pub mod pacing;
pub mod place;
pub mod prepare;
pub mod screen;
pub mod verdict;
pub mod world;

pub use decide::{Effect, End, Event, Machine, Policy};
