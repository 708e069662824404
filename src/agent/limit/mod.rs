//! PURE. Whether an agent was stopped by a limit, and when the limit ends.
//!
//! Only words with authority count: the record that ends an agent's stream, events about limits, the program's own
//! error lines, and a last line that is a limit message from its first to its last word. The words of the agent, its
//! tools, its subagents and the user never count, so a task about rate limits is not a limit. A successful end is not a
//! limit either, whatever it quotes. Wordings are data (`patterns/*.toml`, and a user's `limit_patterns`).
//!
//! ```text
//! PrintedMessage → records (JSON) or lines (text) → Statement: words with authority, and their fields
//!                → judge: codes, then wordings, then statuses → LimitFinding
//!                → merge: the end of the stream decides, the best source gives the time → LimitVerdict
//! ```

mod classify;
mod error_text;
mod family;
mod fields;
mod judge;
mod kind;
mod lines;
mod merge;
mod message;
mod model_name;
mod patterns;
mod records;
mod times;

pub use classify::{classify, classify_all};
pub use family::Family;
pub use kind::LimitKind;
pub use lines::{is_follow_up, is_marked_error, last_message};
pub use message::{LimitVerdict, PrintedMessage, THIS_MODEL};
pub use model_name::names_model;
pub use patterns::{ResetRule, WordingPattern};
pub use times::ResetForm;
