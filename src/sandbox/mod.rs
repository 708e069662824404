//! The sandbox around agents: which command line starts an agent in it, and whether it works here.
//!
//! [`wrap`] is pure: settings, command line and places in, command line out. `places` looks at the disk, `check` starts
//! programs, and `container` ends what an engine runs for us.

mod bwrap;
pub mod check;
pub mod container;
mod engine;
pub mod environment;
mod mounts;
mod places;
pub mod used;
pub mod wrap;

pub use places::SandboxSubject;
