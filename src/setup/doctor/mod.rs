//! `seqorch doctor`: checks everything that a run needs before it starts.
//!
//! Nothing is written and no agent works. See [`super::probe`] for the programs that are started.

mod agents;
mod check;
mod commands;
mod configuration;
mod folders;
mod git;
mod messages;
mod runs;
mod sandbox;
mod sleep;
mod specs;
mod subject;
mod tmux;

pub use check::check_setup;
pub use subject::{DoctorSubject, TrustState};
