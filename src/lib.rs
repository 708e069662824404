//! seqorch works off a spec's tasks one at a time with coding agents.
//!
//! # The map
//!
//! | module | what | pure |
//! |---|---|---|
//! | [`cli`] | one verb per file, no logic | |
//! | [`config`] | layers, validation, meaning of `seqorch.toml` | all but `layers` |
//! | [`spec`] | tasks.md as values: parse, diagnose, tick | yes |
//! | [`plan`] | from tasks and configuration to the linear plan, and the prompt | yes |
//! | [`agent`] | what agents print: their streams as events, signals, what a person sees of them, secrets | yes |
//! | [`run`] | `machine`, `verdict`, `backoff` are pure; `driver` performs in a `World` | in part |
//! | [`attempt`] | the life of one attempt inside its window | `deadline`, `result` |
//! | [`tmux`] | the only place that runs tmux | `line`, `look`, `parse` |
//! | [`state`] | what is known of progress | yes |
//! | [`store`] | the state file, the folders of attempts, locks | `attempt_dir`, `attempt_file`, `attempt_result`, `expiry` |
//! | [`project`] | where specs are, what tasks.md says now, the plan that follows | `progress` |
//! | [`git`] | what changed in the work dir | |
//! | [`report`] | texts for people and programs | yes |
//! | [`setup`] | what is installed, whether a run could start, a first configuration | |
//! | [`view`] | the loop of the live view: files, keys and the clock in, screens or lines out | |
//! | [`sys`] | clock, signals, atomic files, process trees, the hand-off to a child | |
//!
//! `tests/layout.rs` holds who may use whom.
//!
//! # The flow of a run
//!
//! `cli::run` finds the project and loads the configuration, reads tasks.md and refuses what cannot be worked off, takes
//! the run lock, and hands a [`run::Machine`] to [`run::driver::drive`]. The machine turns events into effects
//! (save, then act, then report); the world performs them. An attempt is a folder with a prompt and an `attempt.json`;
//! the hidden verb `__attempt` takes its lock, gets the environment as a [`sys::handoff::Handoff`] over a private socket,
//! starts the agent in a session of its own (`__session`), and writes `result.json` as its last act. Other windows and side
//! panes run `__window`, which gets its program, too, by such a message. The orchestrator waits for the end of that
//! process and its lock without polling, so it may die and come back at any time.
//!
//! # What differs from the obvious
//!
//! - What a killed attempt left is found by its lock file and by `SEQORCH_DIR` in its environment, not by a recorded
//!   session: after a reboot a session id can be a stranger's.
//! - Boxes that were ticked during a run by nobody here are kept as unconfirmed, also over a kill, and not believed by
//!   later runs until a human opens and ticks them again.
//! - A HALT that ends a run leaves the run open where it was killed on the way: the answer goes on with the same count.
//! - An agent that said that it is done, closed its stream with success, and then only hangs until `timeout.idle`, has
//!   succeeded: done work must not be repeated.
//! - `HUP` ends a run with 143 and leaves the agent at work for the next one.

pub mod agent;
pub mod attempt;
pub mod cli;
pub mod config;
pub mod error;
pub mod git;
pub mod plan;
pub mod project;
pub mod report;
pub mod run;
pub mod setup;
pub mod spec;
pub mod state;
pub mod store;
pub mod sys;
pub mod tmux;
pub mod view;
