//! seqorch works off a spec's tasks one at a time with coding agents.

pub mod agent;
pub mod attempt;
pub mod cli;
pub mod config;
pub mod engine;
pub mod error;
pub mod git;
pub mod plan;
pub mod report;
pub mod spec;
pub mod state;
pub mod sys;
pub mod tmux;
