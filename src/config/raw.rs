//! PURE. What the merged layers say, typed: the mirror of the schema that serde fills.
//!
//! The layers were checked one by one before ([`super::check`]), so that filling it does not fail on what a user wrote.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error as _};

use super::backend::{Output, Permission, PromptBy};
use super::hooks::HookEvent;
use super::limit::{LimitPattern, RawLimit, RawPace};
use super::tmux::RawTmux;
use super::types::{
    AssignMode, Batch, Commit, Dirty, DoneSignal, Granularity, OnFailure, Skill, TasksDialect, Tick,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Raw {
    pub(crate) run: RawRun,
    pub(crate) retry: RawRetry,
    pub(crate) timeout: RawTimeouts,
    pub(crate) done: RawDone,
    pub(crate) assign: RawAssign,
    pub(crate) limit: RawLimit,
    #[serde(default)]
    pub(crate) pace: RawPace,
    pub(crate) prompt: RawPrompt,
    pub(crate) tmux: RawTmux,
    pub(crate) tasks: RawTasks,
    pub(crate) verify: RawVerify,
    pub(crate) git: RawGit,
    pub(crate) hooks: RawHooks,
    pub(crate) log: RawLog,
    pub(crate) backend: BTreeMap<String, RawBackend>,
    #[serde(default)]
    pub(crate) r#override: Vec<RawOverride>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRun {
    pub(crate) spec_root: PathBuf,
    pub(crate) backend: String,
    pub(crate) delay: Span,
    pub(crate) jitter: Span,
    pub(crate) max_iterations: u32,
    pub(crate) workdir: Option<PathBuf>,
    pub(crate) granularity: Granularity,
    pub(crate) include_optional: bool,
    pub(crate) on_failure: OnFailure,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRetry {
    pub(crate) attempts: u32,
    pub(crate) backoff: Span,
    pub(crate) max_backoff: Span,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTimeouts {
    pub(crate) task: Span,
    pub(crate) idle: Span,
    pub(crate) first_output: Span,
    pub(crate) grace: Span,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDone {
    pub(crate) signal: DoneSignal,
    pub(crate) nudges: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAssign {
    pub(crate) mode: AssignMode,
    pub(crate) backend: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) batch: Batch,
    pub(crate) timeout: Span,
    pub(crate) owners: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) rule: Vec<RawRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRule {
    #[serde(default)]
    pub(crate) tasks: Vec<String>,
    pub(crate) r#match: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) backend: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPrompt {
    pub(crate) template: Option<PathBuf>,
    pub(crate) inputs: Vec<String>,
    pub(crate) skills: Vec<Skill>,
    pub(crate) rules: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTasks {
    pub(crate) trust_checkboxes: bool,
    pub(crate) tick: Tick,
    pub(crate) dialect: TasksDialect,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawVerify {
    pub(crate) commands: Vec<Vec<String>>,
    pub(crate) timeout: Span,
    pub(crate) min_tests: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGit {
    pub(crate) commit: Commit,
    pub(crate) dirty: Dirty,
    pub(crate) message: String,
    pub(crate) snapshot: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RawHooks {
    pub(crate) timeout: Span,
    pub(crate) required: bool,
    /// One list per event.
    #[serde(flatten)]
    pub(crate) argv: BTreeMap<HookEvent, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLog {
    pub(crate) max_mb: u32,
    pub(crate) keep: Span,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawBackend {
    pub(crate) preset: Option<String>,
    pub(crate) command: Option<String>,
    pub(crate) args: Vec<String>,
    pub(crate) model_args: Vec<String>,
    pub(crate) agent: Option<String>,
    pub(crate) agent_args: Vec<String>,
    pub(crate) resume: Vec<String>,
    pub(crate) permission: Permission,
    pub(crate) permission_args: RawPermissionArgs,
    pub(crate) prompt: PromptBy,
    pub(crate) output: Output,
    pub(crate) model: Option<String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) env_remove: Vec<String>,
    pub(crate) limit_patterns: Vec<LimitPattern>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPermissionArgs {
    pub(crate) auto: Vec<String>,
    pub(crate) bypass: Vec<String>,
    pub(crate) ask: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOverride {
    pub(crate) tasks: Vec<String>,
    pub(crate) backend: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) prompt: Option<String>,
    pub(crate) verify: Option<Vec<Vec<String>>>,
    #[serde(default)]
    pub(crate) timeout: RawPartialTimeouts,
    #[serde(default)]
    pub(crate) retry: RawPartialRetry,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPartialTimeouts {
    pub(crate) task: Option<Span>,
    pub(crate) idle: Option<Span>,
    pub(crate) first_output: Option<Span>,
    pub(crate) grace: Option<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPartialRetry {
    pub(crate) attempts: Option<u32>,
    pub(crate) backoff: Option<Span>,
    pub(crate) max_backoff: Option<Span>,
}

/// A duration as humantime writes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span(pub(crate) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        super::check::duration(&text).map(Self).map_err(D::Error::custom)
    }
}

/// Columns and rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size(pub(crate) (u16, u16));

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        super::check::size(&text).map(Self).map_err(D::Error::custom)
    }
}
