//! All integration tests, in one binary.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod adopt;
mod assign;
mod bad_input;
mod chaos;
mod common;
mod corpus;
mod examples;
mod layout;
mod plan;
mod run;
mod setup;
mod signals;
mod stop;
mod streams;
mod tmux;
mod verify;
