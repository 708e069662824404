//! `seqorch.toml`: layers, validation, meaning.
//!
//! [`load`] reads every source ([`layers`]), holds each against the one table of keys (`schema`, `check`), lets
//! figment merge them and turns the result into [`Config`] (`raw`, `resolve`). [`explain`] tells who said what.

mod backend;
mod check;
pub mod explain;
mod hooks;
pub mod json_schema;
pub mod layers;
mod limit;
mod presets;
mod raw;
mod resolve;
mod schema;
mod source;
mod tmux;
mod tree;
pub mod types;
mod vars;

pub use backend::{Backend, Output, Permission, PromptBy};
pub use hooks::{HookEvent, Hooks};
pub use layers::{LoadRequest, Loaded, load};
pub use limit::{Budget, Limit, LimitPattern, Pace, Window};
pub(crate) use schema::nearest;
pub use source::{Layer, Origin, Provenance};
pub use tmux::{ExtraWindow, Keep, Layout, Pane, Side, Tmux, TmuxMode};
pub use types::*;
pub use vars::Flag;

/// Names of the backends that are built in.
#[must_use]
pub fn built_in_backends() -> &'static [&'static str] {
    presets::NAMES
}
