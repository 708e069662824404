//! The CLIs: how each is made to talk to a server on this machine, with an invalid key, and what it cannot do.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Seconds that the first run of each CLI took; 0: none yet.
static FIRST_RUN: [AtomicU64; Cli::ALL.len()] = [const { AtomicU64::new(0) }; Cli::ALL.len()];

/// A CLI that npm or `PyPI` has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cli {
    Claude,
    Codex,
    Gemini,
    OpenCode,
    Qwen,
    Kilo,
    Copilot,
    Pi,
    Cline,
    Kimi,
    Vibe,
    Cn,
    Aider,
    Mini,
    Gptme,
    OpenHands,
}

impl Cli {
    pub(crate) const ALL: [Self; 16] = [
        Self::Claude,
        Self::Codex,
        Self::Gemini,
        Self::OpenCode,
        Self::Qwen,
        Self::Kilo,
        Self::Copilot,
        Self::Pi,
        Self::Cline,
        Self::Kimi,
        Self::Vibe,
        Self::Cn,
        Self::Aider,
        Self::Mini,
        Self::Gptme,
        Self::OpenHands,
    ];

    /// The four that all scenes are for.
    pub(crate) fn is_of_the_first(self) -> bool {
        (self as usize) < 4
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::OpenCode => "opencode",
            Self::Qwen => "qwen",
            Self::Kilo => "kilo",
            Self::Copilot => "copilot",
            Self::Pi => "pi",
            Self::Cline => "cline",
            Self::Kimi => "kimi",
            Self::Vibe => "vibe",
            Self::Cn => "cn",
            Self::Aider => "aider",
            Self::Mini => "mini",
            Self::Gptme => "gptme",
            Self::OpenHands => "openhands",
        }
    }

    /// Remembers how long a successful run takes.
    pub(crate) fn remember(self, took: Duration) {
        FIRST_RUN[self as usize].store(took.as_secs() + 1, Ordering::Relaxed);
    }

    /// Seconds in which the CLI surely starts and asks the model, on this machine under its present load.
    pub(crate) fn patience(self) -> u64 {
        (3 * FIRST_RUN[self as usize].load(Ordering::Relaxed)).max(25)
    }

    /// Seconds in which it says that it waits for a service, if it says so at all.
    pub(crate) fn patience_with_a_service(self) -> u64 {
        // it says so after its first minute, or tries for four
        let least = if matches!(self, Self::Qwen | Self::Gemini) { 90 } else { 0 };
        self.patience().max(least)
    }

    /// A valid session id that the CLI does not know.
    pub(crate) fn unknown_session(self) -> &'static str {
        match self {
            Self::OpenCode | Self::Kilo => "ses_0000000000000000000000000",
            _ => "11111111-2222-4333-8444-555555555555",
        }
    }

    /// Whether its sessions can be resumed.
    pub(crate) fn resumes(self) -> bool {
        !matches!(self, Self::Cline | Self::Cn | Self::Aider | Self::Mini)
    }

    /// Whether it says nothing while it waits for a service.
    pub(crate) fn is_silent(self) -> bool {
        matches!(self, Self::Cn | Self::Aider | Self::Cline | Self::Qwen)
    }

    /// Whether it takes its prompt only as an argument, which has at most 128 KiB.
    pub(crate) fn takes_an_argument(self) -> bool {
        matches!(self, Self::Cline | Self::Kimi | Self::Mini)
    }

    /// The model that it must be asked for.
    pub(crate) fn model(self) -> Option<&'static str> {
        match self {
            Self::Kilo | Self::Pi | Self::Gptme => Some("mock/mock-model"),
            Self::Aider | Self::Mini => Some("openai/mock-model"),
            _ => None,
        }
    }

    /// What the server has to know of it.
    pub(crate) fn server_args(self) -> &'static [&'static str] {
        match self {
            // it sends no tools
            Self::Aider => &["--all-main", "--scenario-file", "/none"],
            // it ends with a command
            Self::Mini => &["--submit", "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"],
            Self::Gptme => &["--submit-tool", "complete"],
            _ => &[],
        }
    }

    /// The variables that make the CLI talk to our server, with an invalid key.
    pub(crate) fn environment(self, server: &str) -> Vec<(&'static str, String)> {
        let v1 = format!("{server}/v1");
        let pairs: &[(&'static str, &str)] = match self {
            Self::Claude => &[
                ("ANTHROPIC_API_KEY", "sk-dummy"),
                ("ANTHROPIC_BASE_URL", server),
                ("IS_SANDBOX", "1"),
                ("DISABLE_TELEMETRY", "1"),
                ("DISABLE_ERROR_REPORTING", "1"),
                ("DISABLE_AUTOUPDATER", "1"),
                ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
                // ten retries take three minutes
                ("CLAUDE_CODE_MAX_RETRIES", "2"),
            ],
            Self::Codex => &[("MOCK_KEY", "sk-dummy")],
            Self::Gemini => &[
                ("GEMINI_API_KEY", "sk-dummy"),
                ("GEMINI_TELEMETRY_ENABLED", "false"),
                ("GOOGLE_GEMINI_BASE_URL", server),
            ],
            Self::OpenCode => &[
                ("MOCK_KEY", "sk-dummy"),
                ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
                ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
                ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
            ],
            Self::Qwen => {
                &[("OPENAI_API_KEY", "sk-dummy"), ("OPENAI_BASE_URL", &v1), ("OPENAI_MODEL", "mock-model")]
            }
            Self::Kilo => &[
                ("MOCK_KEY", "sk-dummy"),
                ("KILO_DISABLE_MODELS_FETCH", "1"),
                ("KILO_DISABLE_AUTOUPDATE", "1"),
                ("KILO_DISABLE_LSP_DOWNLOAD", "1"),
            ],
            Self::Copilot => &[
                ("COPILOT_PROVIDER_BASE_URL", &v1),
                ("COPILOT_PROVIDER_API_KEY", "sk-dummy"),
                ("COPILOT_MODEL", "gpt-5.1"),
                ("COPILOT_OFFLINE", "true"),
            ],
            Self::Pi => &[("PI_OFFLINE", "1"), ("PI_TELEMETRY", "0")],
            Self::Cline => &[("CLINE_TELEMETRY_DISABLED", "1")],
            Self::Vibe => &[("MOCK_KEY", "sk-dummy"), ("MISTRAL_API_KEY", "x")],
            Self::Cn => &[("CONTINUE_TELEMETRY_ENABLED", "0")],
            Self::Aider => &[
                ("OPENAI_API_BASE", &v1),
                ("OPENAI_API_KEY", "sk-dummy"),
                ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),
            ],
            Self::Mini => &[
                ("OPENAI_API_BASE", &v1),
                ("OPENAI_BASE_URL", &v1),
                ("OPENAI_API_KEY", "sk-dummy"),
                ("MSWEA_CONFIGURED", "true"),
                ("MSWEA_COST_TRACKING", "ignore_errors"),
                ("MSWEA_SILENT_STARTUP", "1"),
                ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),
            ],
            Self::Kimi | Self::Gptme => &[],
            Self::OpenHands => &[
                ("LLM_API_KEY", "sk-dummy"),
                ("LLM_BASE_URL", &v1),
                ("LLM_MODEL", "openai/mock-model"),
                ("OPENHANDS_SUPPRESS_BANNER", "1"),
                ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),
                ("DO_NOT_TRACK", "1"),
            ],
        };
        let mut all: Vec<_> = pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        if self == Self::Kilo {
            all.push(("KILO_CONFIG_CONTENT", opencode(&v1)));
        }
        all
    }

    /// The settings file of the CLI, under the home folder.
    pub(crate) fn settings(self, server: &str) -> Option<(&'static str, String)> {
        Some(match self {
            Self::Codex => (
                ".codex/config.toml",
                format!(
                    "model_provider = \"mock\"\ncheck_for_update_on_startup = false\n\
                     [model_providers.mock]\nname = \"mock\"\nbase_url = \"{server}/v1\"\n\
                     wire_api = \"responses\"\nenv_key = \"MOCK_KEY\"\n[analytics]\nenabled = false\n"
                ),
            ),
            Self::Gemini => (
                ".gemini/settings.json",
                r#"{"security":{"auth":{"selectedType":"gemini-api-key"}},"general":{"disableAutoUpdate":true},
                    "privacy":{"usageStatisticsEnabled":false},"telemetry":{"enabled":false}}"#
                    .to_owned(),
            ),
            Self::OpenCode => ("config/opencode/opencode.json", opencode(&format!("{server}/v1"))),
            Self::Pi => (
                ".pi/agent/models.json",
                serde_json::json!({"providers": {"mock": {
                    "baseUrl": format!("{server}/v1"), "api": "openai-completions", "apiKey": "sk-dummy",
                    "models": [{"id": "mock-model", "name": "mock", "contextWindow": 200_000, "maxTokens": 32_000,
                        "cost": {"input": 3, "output": 15, "cacheRead": 0.3, "cacheWrite": 3.75}}]
                }}})
                .to_string(),
            ),
            Self::Cline => (
                ".cline/data/settings/providers.json",
                serde_json::json!({
                    "version": 1, "lastUsedProvider": "openai-compatible", "modes": {},
                    "providers": {"openai-compatible": {
                        "settings": {"provider": "openai-compatible", "apiKey": "sk-dummy", "model": "mock-model",
                            "baseUrl": format!("{server}/v1")},
                        "updatedAt": "2026-01-01T00:00:00.000Z", "tokenSource": "manual"
                    }}
                })
                .to_string(),
            ),
            Self::Kimi => (
                ".kimi-code/config.toml",
                format!(
                    "default_model = \"mock/m\"\ntelemetry = false\n[providers.mock]\ntype = \"openai\"\n\
                     base_url = \"{server}/v1\"\napi_key = \"sk-dummy\"\n[models.\"mock/m\"]\nprovider = \"mock\"\n\
                     model = \"mock-model\"\nmax_context_size = 200000\ncapabilities = [\"tool_use\"]\n"
                ),
            ),
            Self::Vibe => (
                ".vibe/config.toml",
                format!(
                    "active_model = \"mock\"\nenable_telemetry = false\nenable_update_checks = false\n\
                     [[providers]]\nname = \"mock\"\napi_base = \"{server}/v1\"\napi_key_env_var = \"MOCK_KEY\"\n\
                     backend = \"generic\"\n[[models]]\nname = \"mock-model\"\nprovider = \"mock\"\nalias = \"mock\"\n\
                     input_price = 3.0\noutput_price = 15.0\n"
                ),
            ),
            Self::Cn => (
                ".continue/config.yaml",
                format!(
                    "name: Mock\nversion: 0.0.1\nschema: v1\nmodels:\n  - name: mock\n    provider: openai\n    \
                     model: gpt-4o\n    apiBase: {server}/v1\n    apiKey: sk-dummy\n    capabilities: [tool_use]\n    \
                     roles: [chat]\n"
                ),
            ),
            Self::Gptme => (
                ".config/gptme/config.toml",
                format!(
                    "[prompt]\nabout_user = \"me\"\n[env]\n[[providers]]\nname = \"mock\"\n\
                     base_url = \"{server}/v1\"\napi_key = \"sk-dummy\"\ndefault_model = \"mock-model\"\n"
                ),
            ),
            Self::Claude
            | Self::Qwen
            | Self::Kilo
            | Self::Copilot
            | Self::Aider
            | Self::Mini
            | Self::OpenHands => return None,
        })
    }
}

/// The settings of `OpenCode` and what descends from it.
fn opencode(api: &str) -> String {
    serde_json::json!({
        "autoupdate": false, "share": "disabled",
        "model": "mock/mock-model", "small_model": "mock/mock-model",
        "provider": {"mock": {
            "npm": "@ai-sdk/openai-compatible", "name": "mock",
            "options": {"baseURL": api, "apiKey": "{env:MOCK_KEY}"},
            "models": {"mock-model": {
                "name": "mock-model", "tool_call": true,
                "limit": {"context": 200_000, "output": 32_000}, "cost": {"input": 3, "output": 15}
            }}
        }}
    })
    .to_string()
}

/// The version that a CLI prints.
pub(crate) fn version(cli: Cli, bin: &Path) -> String {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(bin.join(cli.name())).arg("--version").env("HOME", home.path()).output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    let is_number = |w: &&str| w.contains('.') && w.starts_with(|c: char| c.is_ascii_digit());
    let version = text.split_whitespace().map(|w| w.trim_start_matches('v')).find(is_number);
    version.unwrap_or("unknown").trim_end_matches('.').to_owned()
}
