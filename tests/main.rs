//! All integration tests, in one binary.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod adopt;
mod assign;
mod bad_input;
mod big;
mod chaos;
mod clock;
mod common;
mod corpus;
mod disk;
mod examples;
mod fuzz;
mod git;
mod hooks;
mod layout;
mod limits;
mod mark;
mod matrix;
mod order;
mod plan;
mod promises;
mod real_agents;
mod report;
mod run;
mod secrets;
mod setup;
mod signals;
mod specs;
mod speed;
mod stop;
mod streams;
mod terminal;
mod tmux;
mod verify;
mod waiting;
mod watch;
