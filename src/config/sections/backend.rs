//! PURE. `[backend.NAME]`: how to start the CLI of an agent, and how to read what it prints.

use std::collections::BTreeMap;

use super::limit::LimitPattern;
use crate::agent::Format;
use crate::agent::limit::Family;
use crate::config::declare::{keys, words};
use crate::config::formats::{OptionValue, Variables, not_one_of};
use crate::config::key::{ConfigType, KeyShape, ValueError, ValueFormat};
use crate::config::path::KeyPath;
use crate::config::presets::{self, UsageReport};
use crate::config::problem::Problem;
use crate::config::tree::TomlNode;

keys! {
    /// How to start an agent. `seqorch backends` lists the built-in ones; a table of such a name changes only the keys that
    /// it sets.
    #[derive(Eq)]
    pub struct Backend {
        /// Built-in backend whose settings this backend starts from.
        preset: Option<String> as Option<PresetName>, like = "claude", inside;
        /// Program of the agent: a name on PATH, or a path relative to the project root.
        command: String as ProgramText, like = "tools/agent", executes;
        /// Arguments of the agent. {model}, {model_args}, {agent_args}, {permission_args}, {input_args}, {resume}, {session_args},
        /// {prompt}, {prompt_file}, {workdir} and {spec_dir} are filled in.
        args: Vec<String> = [], like = ["--quiet", "{model_args}"], executes;
        /// Arguments that {model_args} stands for where a model is set. {model} stands for its name.
        model_args: Vec<String> = [], like = ["--model", "{model}"], executes;
        /// Agent that the backend uses, among those that its CLI knows.
        agent: Option<String> as Option<OptionValue>, like = "builder", inside;
        /// Arguments that {agent_args} stands for where an agent is set. {agent} stands for its name.
        agent_args: Vec<String> = [], like = ["--agent", "{agent}"], executes;
        /// Arguments that {resume} stands for where the agent resumes a session. {session} stands for the id of the
        /// session. Empty: the agent cannot resume a session.
        resume: Vec<String> = [], like = ["--resume", "{session}"], executes;
        /// Arguments that name the session that the agent begins, for an agent that takes an id from outside. {new_session}
        /// stands for an id that seqorch makes. They stand in the place of {session_args} or {resume}, else at the end.
        /// Where `resume` is empty, they resume that session, too.
        session_args: Vec<String> = [], like = ["--session-id", "{new_session}"], executes;
        /// Whether what people say to the agent while it works (`seqorch say`) reaches it at once: its standard input then stays
        /// open, and gets the prompt and their words as JSON lines in the form of Claude Code. A program that reads its
        /// standard input to the end first would wait for ever. Else such words wait for the next prompt.
        live_input: bool = false, inside;
        /// Arguments that {input_args} stands for with live_input = true.
        input_args: Vec<String> = [], like = ["--input-format", "stream-json"], executes;
        /// Arguments with which the program opens a session in a terminal, for a person (`seqorch talk`). {session} stands for the id
        /// of the session; {model_args} and {agent_args} as in args. Empty: it cannot.
        talk_args: Vec<String> = [], like = ["--resume", "{session}"], executes;
        /// Arguments with which the program says, quickly and without asking a model, whether it is logged in: it ends with 0 if
        /// it is. After a login that was refused, no attempt starts while it says no. Empty: an attempt finds out.
        login_check: Vec<String> = [], like = ["auth", "status"], executes;
        /// What the agent may do without asking: what its vendor automates safely (auto), everything (bypass), what its
        /// own settings allow (ask), or only read (read).
        permission: Permission = "auto", loosens = "bypass";
        /// Arguments that {permission_args} stands for, for each value of permission.
        permission_args: PermissionArgs, like = { auto = ["--safe"], bypass = ["--yes-to-all"], ask = [], read = ["--read-only"] };
        /// How the agent gets its prompt: on standard input (stdin), as an argument (arg), or as a file (file).
        prompt: PromptBy = "stdin", inside;
        /// What the agent prints: the JSON of one of these agents, or plain text (text).
        output: Format = "text", inside;
        /// When the agent prints: while it works (live), or only at its end (at_end). timeout.first_output and timeout.idle
        /// do not apply to an agent that prints at its end.
        prints: PrintsWhen = "live", inside;
        /// Model that the agent uses. Unset: the agent chooses.
        model: Option<String> as Option<OptionValue>, like = "large", inside;
        /// Environment variables that the agent gets.
        env: BTreeMap<String, String> as Variables, like = { LANG = "C.UTF-8" }, executes;
        /// Environment variables that the agent does not get.
        env_remove: Vec<String> = [], like = ["EDITOR"], executes;
        /// Files and folders below your home folder that the agent may write in a sandbox: its logins, sessions and caches.
        /// $NAME stands for the path in that variable.
        sandbox_home: Vec<String> = [], like = [".my-agent"], executes;
        /// Environment variables that the agent gets in a sandbox. A * at the end stands for any rest of a name.
        sandbox_env: Vec<String> = [], like = ["MY_AGENT_*"], executes;
        /// Wordings of limits that seqorch does not know. Try them with `seqorch limits test`.
        limit_patterns: Vec<LimitPattern> = [], like = [
            { match = "(?i)^come back in (?P<dur>[0-9]+ minutes)", kind = "rate_limited", reset = "duration" }
        ];
    }
}

keys! {
    /// Arguments for each value of permission.
    #[derive(Eq)]
    pub struct PermissionArgs {
        /// Arguments that {permission_args} stands for with permission = "auto".
        auto: Vec<String> = [], executes;
        /// Arguments that {permission_args} stands for with permission = "bypass".
        bypass: Vec<String> = [], executes;
        /// Arguments that {permission_args} stands for with permission = "ask".
        ask: Vec<String> = [], executes;
        /// Arguments that {permission_args} stands for with permission = "read", which a review uses. Empty: the agent
        /// cannot be kept from writing, so a review by it undoes what it wrote.
        read: Vec<String> = [], executes;
    }
}

words! {
    /// What an agent may do without asking.
    pub enum Permission {
        /// What its vendor automates safely.
        Auto = "auto",
        /// Everything.
        Bypass = "bypass",
        /// What its own settings allow; what it would ask for is refused, since it runs unattended.
        Ask = "ask",
        /// Reading alone.
        Read = "read",
    }
}

words! {
    /// How an agent gets its prompt.
    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum PromptBy {
        /// On standard input.
        Stdin = "stdin",
        /// As an argument: `{prompt}` in `args`, or appended.
        Arg = "arg",
        /// As a file: `{prompt_file}` in `args`, or appended.
        File = "file",
    }
}

words! {
    /// When an agent prints.
    pub enum PrintsWhen {
        /// While it works.
        Live = "live",
        /// Only at its end.
        AtEnd = "at_end",
    }
}

words! {
    for Format {
        Claude = "claude",
        Codex = "codex",
        Gemini = "gemini",
        Opencode = "opencode",
        Copilot = "copilot",
        Pi = "pi",
        Cline = "cline",
        Kimi = "kimi",
        Vibe = "vibe",
        Gptme = "gptme",
        Openhands = "openhands",
        Mini = "mini",
        Text = "text",
    }
}

/// The program of a backend. In many tools it is the beginning of a list, so a list gets words of its own.
struct ProgramText;

impl ConfigType for ProgramText {
    type Value = String;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || serde_json::json!({ "type": "string", "pattern": "\\S" }),
        ..ValueFormat::of::<Self>("text", "write it in quotes")
    });
    const ABSENT: Option<fn() -> String> = Some(String::new);

    fn read(node: &TomlNode) -> Result<String, ValueError> {
        match node.list() {
            Some([program, args @ ..]) => {
                let args: Vec<String> = args.iter().map(ToString::to_string).collect();
                let way = format!("write command = {program} and args = [{}]", args.join(", "));
                Err(ValueError::Because(format!("{node} is a list; {way}")))
            }
            _ => String::read(node),
        }
    }
}

/// The name of a built-in backend.
struct PresetName;

impl ConfigType for PresetName {
    type Value = String;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        words: presets::NAMES,
        schema: || serde_json::json!({ "enum": presets::NAMES }),
        ..ValueFormat::of::<Self>("word", "")
    });

    fn read(node: &TomlNode) -> Result<String, ValueError> {
        let name = node.text().filter(|name| presets::NAMES.contains(name));
        name.map(str::to_owned).ok_or_else(|| not_one_of(node, presets::NAMES))
    }
}

impl Backend {
    /// Arguments that `{permission_args}` stands for.
    #[must_use]
    pub fn permission_args(&self) -> &[String] {
        match self.permission {
            Permission::Auto => &self.permission_args.auto,
            Permission::Bypass => &self.permission_args.bypass,
            Permission::Ask => &self.permission_args.ask,
            Permission::Read => &self.permission_args.read,
        }
    }

    /// The backend as a reviewer starts it: it may only read, if its arguments can say so.
    #[must_use]
    pub fn for_review(&self) -> Self {
        let permission =
            if self.permission_args.read.is_empty() { self.permission } else { Permission::Read };
        Self { permission, ..self.clone() }
    }

    /// Whether its agent gets what people say while it works.
    #[must_use]
    pub fn takes_words(&self) -> bool {
        self.live_input && self.prompt == PromptBy::Stdin && !self.input_args.is_empty()
    }

    /// Arguments that `{resume}` stands for, with `{session}` in them. Empty: the agent cannot resume a session.
    #[must_use]
    pub fn resume_args(&self) -> Vec<String> {
        if !self.resume.is_empty() {
            return self.resume.clone();
        }
        self.session_args.iter().map(|arg| arg.replace("{new_session}", "{session}")).collect()
    }

    /// The vendor whose wordings of limits count for the backend of this name: by its preset, output format, command or
    /// name.
    #[must_use]
    pub fn family(&self, name: &str) -> Family {
        // several CLIs print what Claude Code prints, so that format says less than the names
        let output = match self.output {
            Format::Codex => "codex",
            Format::Gemini => "gemini",
            Format::Opencode => "opencode",
            Format::Copilot => "copilot",
            _ => "",
        };
        let preset = self.preset.as_deref().unwrap_or_default();
        match Family::of([preset, output, &self.command, name]) {
            Family::Any if self.output == Format::Claude => Family::Claude,
            named => named,
        }
    }

    /// What the backend of this name reports of its usage: as its preset does, unless its output is read as plain text.
    #[must_use]
    pub fn usage_report(&self, name: &str) -> UsageReport {
        let of_format = match self.output {
            Format::Text | Format::Copilot | Format::Kimi | Format::Vibe | Format::Openhands => {
                return UsageReport::Nothing;
            }
            Format::Codex | Format::Gemini | Format::Gptme => UsageReport::Tokens,
            Format::Claude | Format::Opencode | Format::Pi | Format::Cline | Format::Mini => {
                UsageReport::Cost
            }
        };
        let preset = presets::preset(self.preset.as_deref().unwrap_or(name)).map(|preset| preset.usage);
        preset.filter(|usage| *usage != UsageReport::Nothing).unwrap_or(of_format)
    }

    /// What does not fit together: placeholders that would stay unfilled, settings that no argument passes on.
    pub(crate) fn problems(&self, at: &KeyPath) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut report = |key: &str, text: String| found.push(Problem::of_key(at.join(key), text));
        if self.command.is_empty() {
            report("command", "is missing: a backend needs a command, or a preset that has one".to_owned());
        }
        for (placeholder, way) in [("{prompt}", PromptBy::Arg), ("{prompt_file}", PromptBy::File)] {
            if self.prompt != way && contains(&self.args, placeholder) {
                report("args", format!("{placeholder} is filled in only with prompt = {:?}", way.name()));
            }
        }
        for (key, value, args, placeholder) in [
            ("model", &self.model, &self.model_args, "{model}"),
            ("agent", &self.agent, &self.agent_args, "{agent}"),
        ] {
            if value.is_some() && args.is_empty() && !contains(&self.args, placeholder) {
                let text =
                    format!("no argument passes it on; put {placeholder} into args, or set {key}_args");
                report(key, text);
            }
        }
        for (key, args, placeholder) in [
            ("resume", &self.resume, "{session}"),
            ("talk_args", &self.talk_args, "{session}"),
            ("session_args", &self.session_args, "{new_session}"),
            ("agent_args", &self.agent_args, "{agent}"),
        ] {
            if !args.is_empty() && !contains(args, placeholder) {
                report(key, format!("must contain {placeholder}"));
            }
        }
        if self.live_input && !(self.takes_words() && contains(&self.args, "{input_args}")) {
            let text = "needs prompt = \"stdin\", and input_args with a place for {input_args} in args";
            report("live_input", text.to_owned());
        }
        if self.permission == Permission::Read && self.permission_args.read.is_empty() {
            report(
                "permission",
                "this backend has no arguments for \"read\"; set permission_args.read".to_owned(),
            );
        }
        for entry in &self.sandbox_home {
            let climbs = entry.split('/').any(|part| part == "..") || entry.starts_with('/');
            if climbs || entry.trim_matches(['.', '/', '$']).is_empty() {
                report("sandbox_home", format!("{entry:?} is not a file or folder below the home folder"));
            }
        }
        let patterns = self.limit_patterns.iter().enumerate();
        found.extend(
            patterns.filter_map(|(index, one)| one.problem(&at.join("limit_patterns").element(index))),
        );
        found
    }
}

fn contains(args: &[String], placeholder: &str) -> bool {
    args.iter().any(|arg| arg.contains(placeholder))
}
