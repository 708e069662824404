//! seqorch runs the tasks of a spec one at a time with coding agents.
//!
//! `docs/ARCHITECTURE.md` has the rooms, the flow of a run, the rules, and where to add things. Start with
//! [`run::lifecycle::run`] (the life of a run), [`run::Machine`] (what follows from an event) and [`attempt`] (one agent in
//! its window). `tests/layout.rs` checks which module may use which, and lists the pure files.

pub mod agent;
pub mod attempt;
pub mod cli;
pub mod config;
pub mod error;
pub mod fleet;
pub mod git;
pub mod notify;
pub mod plan;
pub mod project;
pub mod report;
pub mod run;
pub mod sandbox;
pub mod serve;
pub mod setup;
pub mod spec;
pub mod state;
pub mod store;
pub mod sys;
pub mod tmux;
pub mod view;
