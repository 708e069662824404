//! seqorch runs the tasks of a spec one at a time with coding agents.
//!
//! # The map
//!
//! | module | what | pure |
//! |---|---|---|
//! | [`cli`] | one verb per file: arguments become a call, and the answer becomes text | |
//! | [`config`] | `seqorch.toml`: its layers, its checks, its meaning | all but `files` and `load` |
//! | [`spec`] | tasks.md as values: parse, check, tick | yes |
//! | [`plan`] | the plan that follows from tasks and configuration, and the prompts | yes |
//! | [`agent`] | what agents print: events, signals, limits, how a person sees them, secrets | yes |
//! | [`run`] | the life of a run: `lifecycle` runs it, `machine` decides, `driver` acts in a `World` | in part |
//! | [`attempt`] | the life of one attempt inside its window | `deadline`, `result` |
//! | [`tmux`] | the only place that runs tmux | in part |
//! | [`state`] | the progress of a spec | yes |
//! | [`store`] | the state file, the folders of attempts, locks | in part |
//! | [`project`] | where specs are, tasks.md as it is now, the plan that follows | `progress` |
//! | [`git`] | the only place that runs git: snapshots, commits, undo | `change` |
//! | [`report`] | texts and records for people and programs | yes |
//! | [`setup`] | what is installed, whether a run could start, a first configuration | in part |
//! | [`view`] | the live view: it reads files, keys and the clock, and draws screens or prints lines | |
//! | [`sys`] | clock, signals, atomic files, process trees, the message that starts a child | |
//!
//! `tests/layout.rs` checks which module may use which, and lists the pure files.
//!
//! # The flow of a run
//!
//! `cli::run` finds the project, loads the configuration and passes a [`run::lifecycle::RunRequest`] on.
//! [`run::lifecycle::run`] checks tasks.md and the plan, takes the lock, loads the state, opens the tmux session and hands
//! a [`run::Machine`] to [`run::driver::drive`]. The machine turns events into effects (save, then act, then report), and
//! the world performs them. A request to resume, such as an answer, is part of the first event, so the first save has it.
//! At the end, the lifecycle saves and reports how the run ended, and frees the lock.
//!
//! An attempt is a folder with a prompt and an `attempt.json`. The hidden verb `__attempt` takes the lock of that folder,
//! gets its environment as a [`sys::handoff::Handoff`] over a private socket, starts the agent in a session of its own
//! (`__session`), and writes `result.json` last. Other windows and side panes run `__window`, which gets its program in the
//! same way. The run waits for the end of the attempt's process and for its lock without polling. So the run may be killed
//! and started again at any time.
//!
//! # What is not obvious
//!
//! - What a killed attempt left behind is found by its lock file and by `SEQORCH_DIR` in the environment of processes, not
//!   by a recorded session: after a reboot, another program may have the same session id.
//! - A box that someone else ticks during a run is kept as unconfirmed, also over a kill. Later runs do not believe it until
//!   a human opens and ticks it again.
//! - A run that was killed after a HALT, before its end was saved, stays open. After the answer, its counts continue.
//! - An agent that reported success, closed its stream, and then hangs until `timeout.idle` has succeeded: done work must
//!   not be repeated.
//! - `HUP` ends a run with 143 and leaves the agent at work for the next run.

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
