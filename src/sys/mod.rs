//! Access to the operating system: clock, random numbers, signals, atomic files, sockets, programs and processes.

pub mod archive;
pub mod awake;
pub mod clock;
pub mod command;
pub mod dialogue;
#[cfg(test)]
pub mod dice;
pub mod digest;
pub mod files;
pub mod handoff;
pub mod interrupt;
pub mod nofollow;
pub mod paths;
pub mod person;
pub mod process;
pub mod process_table;
pub mod programs;
pub mod random;
pub mod session;
pub mod signals;
pub mod socket;
pub mod stop_flag;
pub mod variables;
