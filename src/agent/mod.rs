//! PURE. What agents print: streams as events, signals, limits, and text for a terminal.

pub mod columns;
pub mod digest;
mod escape;
pub mod event;
pub mod limit;
pub mod price;
pub mod question;
pub mod redact;
pub mod redact_stream;
pub mod render;
pub mod role;
pub mod sanitise;
pub mod session_error;
pub mod shell;
pub mod shown;
pub mod signal;
pub mod stream;
pub mod usage;
pub mod utf8;

pub use event::{AgentEvent, CliVerdict, Format};
pub use price::{PriceTable, TokenPrice};
pub use render::Renderer;
pub use role::AttemptRole;
pub use signal::{SignalScan, SignalScanner};
pub use stream::StreamReader;
pub use usage::Usage;
