//! All integration tests, in one binary.

mod adopt;
mod bad_input;
mod common;
mod corpus;
mod examples;
mod layout;
mod plan;
mod run;
mod signals;
mod tmux;
