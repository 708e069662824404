//! From the bytes of an agent's stdout to events, with one parser per format.
//!
//! A parser knows as little of a vendor's format as it needs. It skips unknown records and fields (the log has them),
//! and a field of an unexpected type counts as missing but costs nothing else.

mod claude;
mod cline;
mod codex;
mod copilot;
mod fields;
mod gemini;
mod gptme;
mod json;
mod kimi;
mod lax;
mod lines;
mod mini;
mod opencode;
mod openhands;
mod pi;
mod reader;
mod salvage;
mod text;
mod vendor;
mod vibe;

pub use reader::StreamReader;
