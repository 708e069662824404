//! PURE. What agents print.

pub mod limit;
pub mod redact;
pub mod sanitise;
pub mod signal;

pub use signal::{Found, SignalScanner};
