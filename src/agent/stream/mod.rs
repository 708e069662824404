//! From the bytes of an agent's stdout to events, with one parser per format.
//!
//! A parser knows as little of a vendor's format as it needs. It skips unknown records and fields (the log has them),
//! and a field of an unexpected type counts as missing but costs nothing else.

mod claude;
mod codex;
mod fields;
mod gemini;
mod lax;
mod lines;
mod opencode;
mod reader;
mod salvage;
mod text;
mod vendor;

pub use reader::StreamReader;
