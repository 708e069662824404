//! PURE. `[backend.NAME]`: how to start one agent CLI, and how to read it.

use std::collections::BTreeMap;

use super::limit::{LIMIT_PATTERNS, LimitPattern};
use super::schema::{Entry, Kind, Node, entry, leaf};

/// `[backend.NAME] permission`
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// The vendor's own safe automation.
    Auto,
    /// Everything, without a question.
    Bypass,
    /// What the CLI's own settings say; what would be asked is refused, since nobody is there.
    Ask,
}

/// How an agent gets its prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptBy {
    /// On standard input.
    Stdin,
    /// As an argument: `{prompt}` in `args`, or appended.
    Arg,
    /// As a file: `{prompt_file}` in `args`, or appended.
    File,
}

/// What an agent prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// Claude Code's `--output-format stream-json --verbose`.
    Claude,
    /// Codex' `exec --json`.
    Codex,
    /// Gemini CLI's `--output-format stream-json`.
    Gemini,
    /// `OpenCode`'s `run --format json`.
    Opencode,
    /// Plain text.
    Text,
}

/// How to start one agent CLI and read what it prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// The program: a name on PATH, or a path (relative: to the project root).
    pub command: String,
    /// Its arguments; `{model}`, `{model_args}`, `{prompt}`, `{prompt_file}`, `{workdir}`, `{spec_dir}` are filled in.
    pub args: Vec<String>,
    /// Arguments that name the model: put where `{model_args}` stands in `args`, left out when no model is set.
    pub model_args: Vec<String>,
    /// The agent (a persona of the CLI's own configuration) it uses.
    pub agent: Option<String>,
    /// Arguments that name the agent, with `{agent}`: put where `{agent_args}` stands in `args`.
    pub agent_args: Vec<String>,
    /// Arguments that make it go on in the session `{session}`: put where `{resume}` stands in `args`.
    pub resume: Vec<String>,
    /// Arguments that say what it may do unasked, for the permission that was chosen: where `{permission_args}` stands.
    pub permission_args: Vec<String>,
    /// How it gets the prompt.
    pub prompt: PromptBy,
    /// What it prints.
    pub output: Output,
    /// Model name for `{model}`.
    pub model: Option<String>,
    /// Variables that it gets.
    pub env: BTreeMap<String, String>,
    /// Variables that it must not see.
    pub env_remove: Vec<String>,
    /// The built-in backend that it starts from, where it says one.
    pub preset: Option<String>,
    /// Wordings of limits beside the built-in ones.
    pub limit_patterns: Vec<LimitPattern>,
}

pub(super) const BACKEND: Entry = entry(
    "backend",
    Node::Named(&[
        leaf(
            "preset",
            Kind::Choice(super::presets::NAMES),
            "The built-in backend that this one starts from.",
        ),
        leaf("command", Kind::Name, "The program: a name on PATH, or a path relative to the project root."),
        leaf(
            "args",
            Kind::Texts,
            "Its arguments; {model}, {model_args}, {agent_args}, {permission_args}, {resume}, {prompt}, {prompt_file}, \
             {workdir}, {spec_dir} are filled in.",
        ),
        leaf("model_args", Kind::Texts, "What {model_args} stands for when a model is set."),
        leaf("agent", Kind::Name, "The agent (a persona of the CLI's own configuration) it uses."),
        leaf(
            "agent_args",
            Kind::Texts,
            "What {agent_args} stands for when an agent is set, {agent} being its name.",
        ),
        leaf(
            "resume",
            Kind::Texts,
            "What {resume} stands for when it goes on in a session, {session} being its id; empty: it cannot.",
        ),
        leaf(
            "permission",
            Kind::Choice(&["auto", "bypass", "ask"]),
            "What it may do unasked: the vendor's safe automation, all without a question, or what its own settings say.",
        ),
        entry(
            "permission_args",
            Node::Table(&[
                leaf("auto", Kind::Texts, "What {permission_args} stands for with permission = \"auto\"."),
                leaf("bypass", Kind::Texts, "The same with \"bypass\"."),
                leaf("ask", Kind::Texts, "The same with \"ask\"."),
            ]),
            "How it is told what it may do.",
        ),
        leaf(
            "prompt",
            Kind::Choice(&["stdin", "arg", "file"]),
            "How it gets the prompt: on standard input, as an argument, or as a file.",
        ),
        leaf(
            "output",
            Kind::Choice(&["claude", "codex", "gemini", "opencode", "text"]),
            "What it prints: one of the JSON formats of these agents, or plain text.",
        ),
        leaf("model", Kind::Name, "The model it uses; unset: its own choice."),
        entry("env", Node::Variables, "Variables that it gets."),
        leaf("env_remove", Kind::Texts, "Variables that it must not see."),
        LIMIT_PATTERNS,
    ]),
    "How to start an agent.",
);
