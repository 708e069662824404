//! The configuration: the keys of `seqorch.toml`, where their values come from, and what they mean.
//!
//! # A key is declared once
//!
//! [`sections`] holds one entry for each key: name, type, default, meaning, and what may be written there. From it come
//! the structs that the rest of seqorch reads ([`Config`]), the defaults, the check of every source, `config explain`,
//! the JSON Schema, `seqorch.toml.example`, `docs/configuration.md`, the name of its variable, and the key that its flag
//! sets.
//!
//! # What figment does, and what we do
//!
//! figment merges. It gets one [`source::Source`] for each file, profile, variable and flag and for what is built in; it
//! merges tables key by key and replaces lists as a whole, it puts its profiles in their order (its default profile holds
//! what is built in and the files, the selected one the chosen `[profile.NAME]`, the global one variables and flags), and
//! it remembers by its metadata which source set each value.
//!
//! We do what figment cannot: [`source::Source`] is the one provider. It reads TOML with the line of every value (figment's
//! own provider forgets lines), and its metadata turns a key into a place like `seqorch.toml:4`. [`vars`] gives a variable
//! the type of its key (figment's own provider guesses the type from the text). [`check`] holds every source against the
//! keys before it is merged, so that all mistakes of all sources are reported at once, each with its place and what may
//! have been meant; figment would stop at the first one. [`provenance`] keeps the sources, since figment forgets a value
//! that was overridden. The structs are filled by the types of the keys ([`key::ConfigType`]), the same code that checks.
//!
//! # Layers of this room, lowest first
//!
//! `path`, `problem`, `tree` (values with lines) · `key`, `declare`, `formats`, `duration` (what a key is) · `sections` (the
//! keys) · `lookup`, `check` · `source`, `provenance`, `presets`, `built_in`, `vars` (where values come from) · `meaning`,
//! `files`, `load` · `explain`, `json_schema`, `pages`. Only `files` and `load` touch the disk.

mod built_in;
mod check;
mod declare;
mod duration;
pub mod explain;
mod files;
mod formats;
pub mod json_schema;
mod key;
pub mod load;
mod lookup;
mod meaning;
pub mod pages;
mod path;
mod presets;
mod problem;
pub mod provenance;
mod sections;
mod source;
mod tree;
mod vars;

pub use load::{LoadRequest, Loaded, load};
pub use presets::NAMES as BUILT_IN_BACKENDS;
pub(crate) use problem::nearest;
pub use provenance::Provenance;
pub use sections::assign::{Assign, AssignMode, AssignRule, Batch};
pub use sections::backend::{Backend, Permission, PermissionArgs, PromptBy};
pub use sections::hooks::{HookEvent, Hooks};
pub use sections::limit::{Limit, LimitPattern};
pub use sections::pace::{Pace, PaceWindow, TokenBudget};
pub use sections::prompt::{Prompt, Skill};
pub use sections::root::{Config, Override};
pub use sections::run::{
    Done, DoneSignal, Granularity, OnFailure, PartialRetry, PartialTimeouts, Retry, Run, Timeouts,
};
pub use sections::tmux::{ExtraWindow, Keep, Layout, Pane, Side, Tmux, TmuxMode};
pub use sections::work::{Commit, Dirty, Git, Log, Tasks, Tick, Verify};
pub use source::Origin;
pub use vars::Flag;
