//! The life of a run: a pure machine decides what follows from an event, and a driver does it.

pub mod assign;
mod attempt_end;
pub mod backoff;
mod child;
mod commit;
mod conclusion;
pub mod driver;
mod ending;
pub mod event;
pub mod event_log;
pub mod forecast;
pub mod hook_queue;
pub mod hooks;
pub mod inbox;
mod labels;
pub mod launch;
pub mod limit_outcome;
mod limits;
pub mod machine;
mod own_windows;
mod pace;
mod panes;
pub mod prepare;
mod recover;
mod retry;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod simulation;
pub mod test_count;
mod verbose;
pub mod verdict;
mod verify;
mod wait;
mod window_programs;
pub mod windows;
pub mod world;
#[cfg(test)]
mod world_tests;

pub use machine::{Effect, End, Event, Machine, Policy};
