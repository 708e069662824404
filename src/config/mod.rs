//! The configuration: the keys of `seqorch.toml`, where their values come from, and what they mean.
//!
//! # A key is declared once
//!
//! `sections` holds one entry for each key: name, type, default, meaning, and what may be written there. From it come
//! the structs that the rest of seqorch reads ([`Config`]), the defaults, the check of every source, `config explain`,
//! the JSON Schema, `seqorch.toml.example`, `docs/configuration.md`, the name of its variable, and the key that its flag
//! sets.
//!
//! # What figment does, and what we do
//!
//! figment merges. It gets one source for each file, each chosen profile, each variable, each flag, and for what is built
//! in. It merges tables key by key and replaces lists as a whole. Its profiles put the sources in their order: its default
//! profile holds what is built in and the files, the selected one holds the chosen `[profile.NAME]`, and the global one
//! holds variables and flags. Its metadata says which source set a value.
//!
//! We do what figment cannot:
//!
//! - `source` is our one provider. The values come from `tree`, which reads TOML with the line of every value, and the
//!   metadata turns a key into a place like `seqorch.toml:4`. figment's own provider for TOML forgets lines.
//! - `vars` names variables and gives each value the type of its key. figment's own provider for variables guesses the
//!   type from the text, reads only the environment of the process, and needs further crates.
//! - `check` holds every source against the keys before the sources are merged. So all mistakes of all sources are reported
//!   at once, each with its place and with the key or word that may have been meant. figment stops at the first mistake.
//! - `provenance` keeps the sources next to what figment merged, since figment forgets a value that is overridden.
//! - The structs are filled by the types of the keys (`key::ConfigType`), the same code that checks, and not by serde. So a
//!   value that was accepted cannot fail later.
//!
//! # Layers of this room, lowest first
//!
//! `path`, `problem`, `tree` (values with lines) · `key`, `declare`, `formats`, `duration` (what a key is) · `sections` (the
//! keys) · `lookup`, `check` · `source`, `provenance`, `presets`, `built_in`, `vars` (where values come from) · `meaning`,
//! `git_address`, `preset_lock`, `loaded`, `files`, `load` · `explain`, `trust`, `json_schema`, `pages`. Only `files` and `load` touch the disk.

mod built_in;
mod changes;
mod check;
mod declare;
mod duration;
pub mod explain;
mod files;
mod formats;
mod git_address;
pub mod json_schema;
mod key;
mod load;
mod loaded;
mod lookup;
mod meaning;
pub mod pages;
mod path;
pub mod preset_lock;
mod presets;
mod problem;
mod provenance;
mod sections;
mod source;
mod tree;
pub mod trust;
mod vars;

pub use changes::{ChangedSetting, changed_settings};
pub use files::user_file;
pub use git_address::GitAddress;
pub use load::{git_presets, load, load_what_can_be};
pub use loaded::{ExtendedFile, GitPreset, LoadRequest, Loaded};
pub use lookup::keys_for_people;
pub use presets::{NAMES as BUILT_IN_BACKENDS, Preset, UsageReport, preset};
pub(crate) use problem::nearest;
pub use provenance::Provenance;
pub use sections::account::Account;
pub use sections::assign::{Assign, AssignMode, AssignRule, Batch};
pub use sections::backend::{Backend, Permission, PermissionArgs, PrintsWhen, PromptBy};
pub use sections::hooks::{HookEvent, Hooks};
pub use sections::limit::{Limit, LimitPattern};
pub use sections::notify::Notify;
pub use sections::pace::{Pace, PaceWindow, TokenBudget, UnknownUsage};
pub use sections::price::ModelPrice;
pub use sections::prompt::{Prompt, Skill};
pub use sections::review::{OpenFindings, Review, ReviewWhen, TaskReview};
pub use sections::root::{Config, Override};
pub use sections::run::{
    Done, DoneSignal, Granularity, HaltOrSkip, PartialDone, PartialRetry, PartialTimeouts, Retry,
    RunSettings, Timeouts, UnchangedRule,
};
pub use sections::sandbox::{ARGV, GitAccess, Sandbox, SandboxMode, SandboxNetwork};
pub use sections::tmux::{ExtraWindow, Keep, Layout, Pane, Side, Tmux, TmuxMode};
pub use sections::work::{Commit, Dirty, Git, HistoryRule, Log, RefusedRule, Tasks, Tick, Verify};
pub use source::Origin;
pub use vars::{FlagSetting, unknown_variables};
