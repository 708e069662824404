//! The loop: decide from values, then act.

pub mod assigning;
pub mod at_work;
mod beside;
pub mod calls;
pub mod chronicle;
mod concluding;
pub mod decide;
pub mod driver;
pub mod ears;
mod ending;
pub mod event;
mod explaining;
#[cfg(test)]
mod going_on_tests;
pub mod hooks;
pub mod inputs;
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
mod showing;
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
