//! One attempt, as it runs inside its window: `seqorch __attempt DIR`.
//!
//! Only the hidden verbs call in here; the orchestrator shares [`record`] (the files of an attempt) and
//! [`pane::Errand`] (the arguments of what stands beside it), and nothing else.

mod closing;
pub mod deadline;
mod inside;
mod log;
pub mod pane;
mod reading;
mod session;
mod stream;

pub use inside::run;
pub use session::exec_in_session;
