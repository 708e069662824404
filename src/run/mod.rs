//! The life of a run: a pure machine decides what follows from an event, and a driver does it.

pub mod active_run;
pub mod assign;
mod attempt_end;
pub mod background_run;
pub mod backoff;
mod boxes;
mod child;
mod commit;
mod conclusion;
pub mod detached;
mod dirty_tree;
pub mod driver;
mod ending;
pub mod event;
pub mod event_log;
mod following;
pub mod forecast;
pub mod forget;
pub mod hook_queue;
pub mod hooks;
pub mod inbox;
mod labels;
pub mod launch;
pub mod lifecycle;
pub mod limit_outcome;
mod limits;
pub mod machine;
mod main_window;
pub mod mark;
pub mod needed;
mod old_attempts;
mod own_windows;
pub mod ownership;
mod pace;
mod panes;
pub mod preflight;
pub mod prepare;
pub mod recorded_commits;
mod recover;
pub mod resume;
mod retry;
mod run_end;
pub mod run_repository;
pub mod run_texts;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod simulation;
pub mod task_changes;
pub mod test_count;
pub mod tmux_session;
pub mod trust;
mod trust_watch;
pub mod undo;
mod verbose;
pub mod verdict;
mod verify;
mod wait;
mod window_programs;
pub mod windows;
mod work_tree;
mod work_tree_looks;
pub mod world;
#[cfg(test)]
mod world_tests;

pub use machine::{Effect, End, Event, Machine, Policy};
