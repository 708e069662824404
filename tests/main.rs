//! All integration tests, in one binary.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod adopt;
mod bad_input;
mod common;
mod corpus;
mod examples;
mod layout;
mod limits;
mod plan;
mod run;
mod signals;
mod tmux;
