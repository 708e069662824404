//! The page: a small web server that shows the project's specs on a phone, and passes on what a person asks.
//!
//! What the page shows comes from the same values as the live view and the report. What it does, it does by starting this
//! program as a person would type it, so there is one way to ask something of a run, under the run's lock. Access, addresses
//! and pages are decided by pure functions; `server` has the sockets, and with them the only asynchronous code.

mod access;
mod act;
mod address;
mod calls;
mod doors;
mod form;
mod headers;
mod live;
mod pages;
mod project;
mod qr;
mod rate;
mod response;
mod server;
mod site;
mod stamps;
mod task_look;
mod tile;
mod token;

pub use self::access::{AccessRules, KnownAddress, ListenScope};
pub use self::project::{ServedProject, ServedSpec};
pub use self::qr::qr_lines;
pub use self::server::{BoundPage, ServeRequest};
pub use self::tile::SpecTile;
pub use self::token::PageToken;
