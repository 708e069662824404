//! Watches a spec: draws a live view if the terminal can show one, and prints a line per event otherwise.
//!
//! `report::view` makes the screens; this module reads files, keys, signals and the clock. It takes no lock and writes no
//! file, so watching does not disturb a run. What keys ask for is done by signals and by further runs of this program.

mod commands;
mod event_lines;
mod event_log;
mod gather;
mod input;
mod live;
mod screen;
mod tail;
mod watch;

pub use self::event_lines::lines;
pub use self::gather::Gatherer;
pub use self::live::full_screen;
pub use self::watch::{Watch, WatchEnd, WatchedRun, can_draw};
