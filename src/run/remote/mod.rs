//! Runs on machines that may be taken away: the lease of a spec on a remote, and what is pushed there.
//!
//! [`crate::fleet`] decides; here is what it decides about: git, clocks, the thread that renews the lease.

mod account;
mod answers;
pub mod enter;
mod keeper;
pub mod outcome;
mod packed;
pub(super) mod publish;
mod record;
pub mod request;
mod restore;
mod shared_branch;
mod spec_remote;
mod start_over;
mod strayed;
mod synced;
pub mod view;
