//! PURE. Many machines, one remote: who works on a spec, and what a push that fails or is not answered means.
//!
//! Git is the store and the lock. One ref of the remote has the lease and the state of a spec as a chain of commits, and
//! each push moves it by compare-and-swap, together with the branch. So a machine that lost the lease cannot push, whatever
//! its clock says. [`hold::Hold`] takes events and returns effects; it never reads the world.

pub mod hold;
pub mod hold_event;
pub mod judge;
pub mod lease;
pub mod push;
pub mod ref_names;
pub mod saved;
#[cfg(test)]
mod simulation;
pub mod take;
