//! PURE. What agents print.

pub mod digest;
pub mod event;
pub mod redact;
pub mod sanitise;
pub mod signal;
pub mod stream;

pub use event::{AgentEvent, Format, Usage, Verdict};
pub use signal::{Found, SignalScanner};
pub use stream::Reader;
