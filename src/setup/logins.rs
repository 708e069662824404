//! Whether an agent seems to be logged in, judged by files and variables. No network is used, no command is run, and no
//! value is ever shown.
//!
//! The places are those of Claude Code 2.1, Codex 0.169, Gemini CLI 0.61 and `OpenCode` 1.18.

use std::fs;
use std::path::{Path, PathBuf};

use crate::agent::Format;
use crate::config::Backend;

/// The sign of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginSign {
    /// There is a login, at this place.
    Found(String),
    /// There is none at the known places. This says how to log in.
    NotFound(String),
    /// seqorch does not know how this agent logs in.
    Unknown,
}

/// The variables of one agent: a value by its name.
type AgentEnv<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Looks for a login of a backend's agent, in the project `root`.
#[must_use]
pub fn find_login(backend: &Backend, root: &Path) -> LoginSign {
    find_sign(cli_of(backend), &|name| agent_variable(backend, name), root)
}

/// The name of the backend's CLI: where a built-in one has it, that name. A format that only one vendor prints says it,
/// too, whatever the program is called.
fn cli_of(backend: &Backend) -> &str {
    let program = backend.command.rsplit('/').next().unwrap_or_default();
    let named = backend.preset.as_deref().unwrap_or(program);
    match backend.output {
        _ if OTHERS.iter().any(|other| other.cli == named) => named,
        Format::Claude => "claude",
        Format::Codex => "codex",
        Format::Gemini => "gemini",
        Format::Opencode => "opencode",
        _ => named,
    }
}

/// Whether a login is the CLI's own. A CLI that talks to many vendors may read another vendor's key and use none of its
/// models by default.
#[must_use]
pub fn is_own_login(cli: &str, place: &str) -> bool {
    let Some(variable) = place.strip_prefix("variable ") else { return true };
    let vendors = [
        ("claude", "ANTHROPIC"),
        ("claude", "CLAUDE"),
        ("codex", "CODEX"),
        ("gemini", "G"),
        ("qwen", "DASHSCOPE"),
    ];
    let own = vendors.iter().any(|(vendor, prefix)| *vendor == cli && variable.starts_with(prefix));
    own || !MODEL_KEYS.contains(&variable)
}

/// The keys of vendors of models, which many CLIs read.
const MODEL_KEYS: &[&str] = &[
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "GOOGLE_GENERATIVE_AI_API_KEY",
    "OPENROUTER_API_KEY",
    "DEEPSEEK_API_KEY",
    "GROQ_API_KEY",
    "GITHUB_TOKEN",
    "AWS_PROFILE",
];

/// How a CLI logs in: the variables and the files below the home folder that hold a login.
struct LoginPlaces {
    cli: &'static str,
    variables: &'static [&'static str],
    /// Whether it reads the keys of vendors of models.
    model_keys: bool,
    files: &'static [&'static str],
    hint: &'static str,
}

/// The CLIs whose logins are only a variable or a file.
const OTHERS: &[LoginPlaces] = &[
    LoginPlaces {
        cli: "qwen",
        variables: &["DASHSCOPE_API_KEY", "OPENAI_API_KEY"],
        model_keys: false,
        files: &[".qwen/oauth_creds.json", ".qwen/.env"],
        hint: "Run `qwen` once and log in, or set OPENAI_API_KEY.",
    },
    LoginPlaces {
        cli: "kilo",
        variables: &["KILO_API_KEY"],
        model_keys: true,
        files: &[".local/share/kilo/auth.json"],
        hint: "Run `kilo auth login`, unless your model needs no login.",
    },
    LoginPlaces {
        cli: "copilot",
        variables: &["COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN", "COPILOT_PROVIDER_API_KEY"],
        model_keys: false,
        files: &[".copilot/config.json"],
        hint: "Run `copilot` once and type /login, or set COPILOT_GITHUB_TOKEN.",
    },
    LoginPlaces {
        cli: "pi",
        variables: &[],
        model_keys: true,
        files: &[".pi/agent/auth.json"],
        hint: "Run `pi` once and type /login, or set the key of your model's vendor.",
    },
    LoginPlaces {
        cli: "cline",
        variables: &["CLINE_API_KEY"],
        model_keys: true,
        files: &[".cline/data/secrets.json"],
        hint: "Run `cline auth`.",
    },
    LoginPlaces {
        cli: "kimi",
        variables: &["KIMI_API_KEY", "MOONSHOT_API_KEY"],
        model_keys: false,
        files: &[".kimi-code/config.toml", ".kimi-code/credentials.json"],
        hint: "Run `kimi` once and log in, or set KIMI_API_KEY.",
    },
    LoginPlaces {
        cli: "vibe",
        variables: &["MISTRAL_API_KEY"],
        model_keys: false,
        files: &[".vibe/.env"],
        hint: "Run `vibe --setup`, or set MISTRAL_API_KEY.",
    },
    LoginPlaces {
        cli: "cn",
        variables: &["CONTINUE_API_KEY"],
        model_keys: false,
        files: &[".continue/auth.json", ".continue/config.yaml"],
        hint: "Run `cn login`.",
    },
    LoginPlaces {
        cli: "aider",
        variables: &[],
        model_keys: true,
        files: &[".aider.conf.yml", ".aider/oauth-keys.env"],
        hint: "Set the key of your model's vendor, like OPENAI_API_KEY.",
    },
    LoginPlaces {
        cli: "mini",
        variables: &["MSWEA_MODEL_API_KEY"],
        model_keys: true,
        files: &[".config/mini-swe-agent/.env"],
        hint: "Run `mini-extra config setup`.",
    },
    LoginPlaces {
        cli: "gptme",
        variables: &[],
        model_keys: true,
        files: &[".config/gptme/config.toml"],
        hint: "Set the key of your model's vendor, like OPENAI_API_KEY.",
    },
    LoginPlaces {
        cli: "openhands",
        variables: &["LLM_API_KEY"],
        model_keys: false,
        files: &[".openhands/agent_settings.json"],
        hint: "Set LLM_API_KEY and LLM_MODEL.",
    },
    LoginPlaces {
        cli: "droid",
        variables: &["FACTORY_API_KEY"],
        model_keys: false,
        files: &[".factory/auth.json"],
        hint: "Run `droid` once and log in, or set FACTORY_API_KEY.",
    },
    LoginPlaces {
        cli: "amp",
        variables: &["AMP_API_KEY"],
        model_keys: false,
        files: &[".local/share/amp/secrets.json"],
        hint: "Run `amp login`, or set AMP_API_KEY.",
    },
    LoginPlaces {
        cli: "auggie",
        variables: &["AUGMENT_SESSION_AUTH"],
        model_keys: false,
        files: &[".augment/session.json"],
        hint: "Run `auggie login`.",
    },
    LoginPlaces {
        cli: "cursor-agent",
        variables: &["CURSOR_API_KEY"],
        model_keys: false,
        files: &[".config/cursor/auth.json", ".cursor/auth.json"],
        hint: "Run `cursor-agent login`, or set CURSOR_API_KEY.",
    },
    LoginPlaces {
        cli: "goose",
        variables: &[],
        model_keys: true,
        files: &[".config/goose/config.yaml"],
        hint: "Run `goose configure`.",
    },
    LoginPlaces {
        cli: "crush",
        variables: &[],
        model_keys: true,
        files: &[".local/share/crush/crush.json", ".config/crush/crush.json"],
        hint: "Run `crush` once and log in, or set the key of your model's vendor.",
    },
];

fn other(places: &LoginPlaces, env: AgentEnv<'_>) -> LoginSign {
    let below = |path: &&str| file(env, Some(home(env)?.join(path)));
    let keys = if places.model_keys { MODEL_KEYS } else { &[] };
    variable(env, places.variables)
        .or_else(|| places.files.iter().find_map(below))
        .or_else(|| variable(env, keys))
        .unwrap_or_else(|| LoginSign::NotFound(places.hint.to_owned()))
}

/// A variable as seqorch passes it to a backend's agent.
#[must_use]
pub fn agent_variable(backend: &Backend, name: &str) -> Option<String> {
    let removed = backend.env_remove.iter().any(|n| n == name);
    let inherited = || std::env::var(name).ok().filter(|_| !removed);
    backend.env.get(name).cloned().or_else(inherited)
}

fn find_sign(cli: &str, env: AgentEnv<'_>, root: &Path) -> LoginSign {
    match cli {
        "claude" => claude(env),
        "codex" => codex(env),
        "gemini" => gemini(env),
        "opencode" => opencode(env, root),
        _ => OTHERS
            .iter()
            .find(|places| places.cli == cli)
            .map_or(LoginSign::Unknown, |places| other(places, env)),
    }
}

/// A variable that is set and not empty.
fn set(env: AgentEnv<'_>, name: &str) -> Option<String> {
    env(name).filter(|value| !value.trim().is_empty())
}

fn variable(env: AgentEnv<'_>, names: &[&str]) -> Option<LoginSign> {
    let name = names.iter().find(|name| set(env, name).is_some())?;
    Some(LoginSign::Found(format!("variable {name}")))
}

/// The folder in the variable `name`, or else the folder `below` in the home folder.
fn folder(env: AgentEnv<'_>, name: &str, below: &str) -> Option<PathBuf> {
    set(env, name).map(PathBuf::from).or_else(|| Some(home(env)?.join(below)))
}

fn home(env: AgentEnv<'_>) -> Option<PathBuf> {
    set(env, "HOME").map(PathBuf::from)
}

/// A file, if it is not empty.
fn file(env: AgentEnv<'_>, path: Option<PathBuf>) -> Option<LoginSign> {
    let path = path.filter(|path| fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() > 2))?;
    let shown = match home(env).and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned)) {
        Some(below) => format!("~/{}", below.display()),
        None => path.display().to_string(),
    };
    Some(LoginSign::Found(format!("file {shown}")))
}

fn claude(env: AgentEnv<'_>) -> LoginSign {
    let own = folder(env, "CLAUDE_CONFIG_DIR", ".claude");
    // the key store of macOS cannot be read, but this file names the account that belongs to it
    let account = set(env, "CLAUDE_CONFIG_DIR").map(PathBuf::from).or_else(|| home(env));
    let account = account.map(|dir| dir.join(".claude.json")).filter(|path| {
        let read = fs::read_to_string(path).ok().and_then(|t| serde_json::from_str(&t).ok());
        read.is_some_and(|v: serde_json::Value| {
            v["oauthAccount"].is_object() || v["primaryApiKey"].is_string()
        })
    });
    let keys = [
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_VERTEX",
    ];
    variable(env, &keys)
        .or_else(|| file(env, own.as_ref().map(|dir| dir.join(".credentials.json"))))
        .or_else(|| file(env, account))
        .or_else(|| helper(env, &own?.join("settings.json")))
        .unwrap_or_else(|| {
            LoginSign::NotFound("Run `claude` once and log in, or set ANTHROPIC_API_KEY.".to_owned())
        })
}

/// The settings file, if it names a program that prints the key.
fn helper(env: AgentEnv<'_>, settings: &Path) -> Option<LoginSign> {
    let text = fs::read_to_string(settings).ok()?;
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    value["apiKeyHelper"].is_string().then(|| file(env, Some(settings.to_owned())))?
}

fn codex(env: AgentEnv<'_>) -> LoginSign {
    let own = folder(env, "CODEX_HOME", ".codex");
    let found = variable(env, &["CODEX_API_KEY"])
        .or_else(|| file(env, own.as_ref().map(|dir| dir.join("auth.json"))));
    if let Some(found) = found {
        return found;
    }
    // the user's own provider needs no login, or it names the variable with its key
    if let Some(provider) = own.and_then(|dir| own_provider(&dir.join("config.toml"))) {
        return match provider.key {
            Some(key) if set(env, &key).is_none() => {
                LoginSign::NotFound(format!("Set {key}, which the provider in codex's config.toml reads."))
            }
            Some(key) => LoginSign::Found(format!("variable {key}")),
            None => LoginSign::Found("a provider without a key in codex's config.toml".to_owned()),
        };
    }
    let hint = if set(env, "OPENAI_API_KEY").is_some() { " Codex does not read OPENAI_API_KEY." } else { "" };
    LoginSign::NotFound(format!("Run `codex login`, or set CODEX_API_KEY.{hint}"))
}

/// A provider that the user has configured for codex.
struct CodexProvider {
    /// The variable with its key, if it needs one.
    key: Option<String>,
}

/// The provider that codex's configuration chooses, unless it is a built-in one.
fn own_provider(config: &Path) -> Option<CodexProvider> {
    let table: toml::Table = fs::read_to_string(config).ok()?.parse().ok()?;
    let provider = table.get("model_providers")?.get(table.get("model_provider")?.as_str()?)?;
    if provider.get("requires_openai_auth").and_then(toml::Value::as_bool) == Some(true) {
        return None;
    }
    Some(CodexProvider { key: provider.get("env_key").and_then(toml::Value::as_str).map(str::to_owned) })
}

fn gemini(env: AgentEnv<'_>) -> LoginSign {
    let own = folder(env, "GEMINI_CLI_HOME", "").map(|dir| dir.join(".gemini"));
    let at = |name: &str| own.as_ref().map(|dir| dir.join(name));
    let keys = ["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_GCA"];
    variable(env, &keys)
        .or_else(|| file(env, at("oauth_creds.json")))
        .or_else(|| file(env, at("gemini-credentials.json")))
        .or_else(|| file(env, at(".env")))
        .unwrap_or_else(|| {
            LoginSign::NotFound("Run `gemini` once and log in, or set GEMINI_API_KEY.".to_owned())
        })
}

fn opencode(env: AgentEnv<'_>, root: &Path) -> LoginSign {
    let own = folder(env, "XDG_DATA_HOME", ".local/share").map(|dir| dir.join("opencode/auth.json"));
    let user = folder(env, "XDG_CONFIG_HOME", ".config").map(|dir| dir.join("opencode"));
    let configs = [
        set(env, "OPENCODE_CONFIG").map(PathBuf::from),
        Some(root.join("opencode.json")),
        Some(root.join("opencode.jsonc")),
        user.as_ref().map(|dir| dir.join("opencode.json")),
        user.as_ref().map(|dir| dir.join("opencode.jsonc")),
    ];
    // these files may hold comments, so they are not parsed
    let names_key = |path: &PathBuf| fs::read_to_string(path).is_ok_and(|text| text.contains("\"apiKey\""));
    let keys = [
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "GEMINI_API_KEY",
        "GOOGLE_GENERATIVE_AI_API_KEY",
        "OPENROUTER_API_KEY",
        "GITHUB_TOKEN",
        "GROQ_API_KEY",
        "OPENCODE_API_KEY",
        "AWS_PROFILE",
    ];
    file(env, own)
        .or_else(|| {
            let content = set(env, "OPENCODE_CONFIG_CONTENT")?;
            content
                .contains("\"apiKey\"")
                .then(|| LoginSign::Found("variable OPENCODE_CONFIG_CONTENT".to_owned()))
        })
        .or_else(|| file(env, configs.into_iter().flatten().find(names_key)))
        .or_else(|| variable(env, &keys))
        .unwrap_or_else(|| {
            LoginSign::NotFound("Run `opencode auth login`, unless your model needs no login.".to_owned())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(home: &Path, more: &[(&str, &str)], cli: &str) -> LoginSign {
        let env = |name: &str| match name {
            "HOME" => Some(home.display().to_string()),
            _ => more.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()),
        };
        find_sign(cli, &env, Path::new("/nowhere"))
    }

    fn found(text: &str) -> LoginSign {
        LoginSign::Found(text.to_owned())
    }

    #[test]
    fn an_empty_home_has_no_login_of_any_vendor() {
        let home = tempfile::tempdir().unwrap();
        for output in ["claude", "codex", "gemini", "opencode", "qwen", "crush"] {
            assert!(matches!(with(home.path(), &[], output), LoginSign::NotFound(_)), "{output:?}");
        }
        assert_eq!(with(home.path(), &[], "mine"), LoginSign::Unknown);
    }

    #[test]
    fn each_vendors_file_is_a_login_and_is_named_from_the_home_folder() {
        let home = tempfile::tempdir().unwrap();
        for (output, path) in [
            ("claude", ".claude/.credentials.json"),
            ("codex", ".codex/auth.json"),
            ("gemini", ".gemini/oauth_creds.json"),
            ("opencode", ".local/share/opencode/auth.json"),
        ] {
            let file = home.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "{}").unwrap();
            assert!(
                matches!(with(home.path(), &[], output), LoginSign::NotFound(_)),
                "an empty file is not a login"
            );
            fs::write(&file, "{\"secret\": 1}").unwrap();
            assert_eq!(with(home.path(), &[], output), found(&format!("file ~/{path}")));
        }
    }

    #[test]
    fn codex_reads_the_key_that_its_provider_names() {
        let home = tempfile::tempdir().unwrap();
        let key = [("OPENAI_API_KEY", "sk-x")];
        assert!(
            matches!(with(home.path(), &key, "codex"), LoginSign::NotFound(t) if t.contains("not read OPENAI"))
        );
        fs::create_dir_all(home.path().join(".codex")).unwrap();
        let text = "model_provider = \"mock\"\n[model_providers.mock]\nenv_key = \"MOCK_KEY\"\n";
        fs::write(home.path().join(".codex/config.toml"), text).unwrap();
        assert!(matches!(with(home.path(), &key, "codex"), LoginSign::NotFound(t) if t.contains("MOCK_KEY")));
        let key = [("MOCK_KEY", "x")];
        assert_eq!(with(home.path(), &key, "codex"), found("variable MOCK_KEY"));
    }

    #[test]
    fn a_key_of_another_vendor_is_not_a_clis_own_login() {
        assert!(is_own_login("claude", "variable ANTHROPIC_API_KEY"));
        assert!(!is_own_login("opencode", "variable ANTHROPIC_API_KEY"));
        assert!(is_own_login("opencode", "file ~/.local/share/opencode/auth.json"));
        assert!(is_own_login("amp", "variable AMP_API_KEY"));
    }

    #[test]
    fn an_account_in_claudes_own_file_is_a_login() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(".claude.json"), "{\"numStartups\": 1}").unwrap();
        assert!(matches!(with(home.path(), &[], "claude"), LoginSign::NotFound(_)));
        fs::write(home.path().join(".claude.json"), "{\"oauthAccount\": {}}").unwrap();
        assert_eq!(with(home.path(), &[], "claude"), found("file ~/.claude.json"));
    }
}
