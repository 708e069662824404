//! The loop: decide from values, then act.

pub mod assigning;
pub mod chronicle;
mod concluding;
pub mod decide;
pub mod driver;
pub mod ears;
mod ending;
pub mod event;
pub mod hooks;
mod keeping;
pub mod launch;
mod limiting;
pub mod limits;
mod pace;
pub mod pacing;
pub mod place;
pub mod prepare;
mod recovering;
mod retrying;
pub mod screen;
#[cfg(test)]
mod simulation;
pub mod tests_run;
pub mod timeline;
pub mod verdict;
mod verifying;
mod waiting;
pub mod world;
#[cfg(test)]
mod world_tests;

pub use decide::{Effect, End, Event, Machine, Policy};
