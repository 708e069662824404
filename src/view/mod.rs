//! Watches a spec: a live view on a terminal that can show one, a line per event elsewhere.
//!
//! `report::view` decides what is shown; this room has the files, keys, signals and the clock. It only reads files and takes
//! no lock, so that watching disturbs no run.

mod event_lines;
mod event_log;
mod gather;
mod input;
mod live;
mod screen;
mod tail;
mod watch;

pub use self::event_lines::lines;
pub use self::live::full_screen;
pub use self::watch::{Left, OfRun, Watch, can_draw};
