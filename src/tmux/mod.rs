//! tmux: sessions, windows and panes. Nothing else in seqorch starts tmux.
//!
//! Everything is addressed by id (`$1`, `@2`, `%3`). Names are for people: tmux gives dots, colons and prefixes in them a
//! meaning of their own. Options are set on seqorch's own sessions and windows only; the user's server and configuration
//! stay as they are.

pub mod command_line;
pub mod failure;
pub mod parse;
pub mod server;
pub mod session;
pub mod status_line;
pub mod window_commands;

pub use command_line::CommandLine;
pub use failure::TmuxError;
pub use server::{PendingCommand, TmuxServer, find_tmux};
pub use session::{MAIN_WINDOW, TmuxSession, TmuxWindow, WindowOwner};
pub use status_line::StatusLine;
pub use window_commands::{NewPane, NewWindow};
