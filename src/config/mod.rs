//! `seqorch.toml`: layers, validation, meaning.

pub mod types;

pub use types::*;
