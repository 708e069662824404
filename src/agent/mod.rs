//! PURE. What agents print.

pub mod columns;
pub mod digest;
pub mod event;
pub mod limit;
pub mod redact;
pub mod render;
pub mod sanitise;
pub mod shell;
pub mod signal;
pub mod stream;

pub use event::{AgentEvent, Format, Usage, Verdict};
pub use render::Renderer;
pub use signal::{Found, SignalScanner};
pub use stream::Reader;
