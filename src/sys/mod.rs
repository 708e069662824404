//! The edges of the system: clock, signals, atomic files, sockets, process trees.

pub mod clock;
pub mod command;
pub mod digest;
pub mod files;
pub mod process;
pub mod signals;
pub mod socket;
