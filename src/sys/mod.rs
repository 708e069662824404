//! The edges of the system: clock, signals, atomic files, process trees.

pub mod clock;
pub mod files;
pub mod process;
pub mod signals;
