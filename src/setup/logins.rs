//! Whether an agent seems to be logged in, as far as files and variables tell. Nothing is asked of the network, no
//! command is run, and no value is ever shown.
//!
//! The places are those of Claude Code 2.1, Codex 0.169, Gemini CLI 0.61 and `OpenCode` 1.18.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::Output;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A sign of one, and where it is.
    Found(String),
    /// None of the known signs, and what to do.
    NotSeen(String),
    /// It is not known how this agent logs in.
    Unknown,
}

/// The world as one agent sees it: a variable's value by its name.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Looks for the signs of a login. `root` is the project.
#[must_use]
pub fn look(output: Output, env: Env<'_>, root: &Path) -> Login {
    match output {
        Output::Claude => claude(env),
        Output::Codex => codex(env),
        Output::Gemini => gemini(env),
        Output::Opencode => opencode(env, root),
        Output::Text => Login::Unknown,
    }
}

/// A variable that is set and not empty.
fn set(env: Env<'_>, name: &str) -> Option<String> {
    env(name).filter(|value| !value.trim().is_empty())
}

fn variable(env: Env<'_>, names: &[&str]) -> Option<Login> {
    let name = names.iter().find(|name| set(env, name).is_some())?;
    Some(Login::Found(format!("variable {name}")))
}

/// The folder that `name` names, else `below` the home folder.
fn folder(env: Env<'_>, name: &str, below: &str) -> Option<PathBuf> {
    set(env, name).map(PathBuf::from).or_else(|| Some(home(env)?.join(below)))
}

fn home(env: Env<'_>) -> Option<PathBuf> {
    set(env, "HOME").map(PathBuf::from)
}

/// A file that holds something.
fn file(env: Env<'_>, path: Option<PathBuf>) -> Option<Login> {
    let path = path.filter(|path| fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() > 2))?;
    let shown = match home(env).and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned)) {
        Some(below) => format!("~/{}", below.display()),
        None => path.display().to_string(),
    };
    Some(Login::Found(format!("file {shown}")))
}

fn claude(env: Env<'_>) -> Login {
    let own = folder(env, "CLAUDE_CONFIG_DIR", ".claude");
    // the system's own key store (macOS) cannot be looked at, but the account that belongs to it is named here
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
            Login::NotSeen("Run `claude` once and log in, or set ANTHROPIC_API_KEY.".to_owned())
        })
}

/// A program that hands out the key.
fn helper(env: Env<'_>, settings: &Path) -> Option<Login> {
    let text = fs::read_to_string(settings).ok()?;
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    value["apiKeyHelper"].is_string().then(|| file(env, Some(settings.to_owned())))?
}

fn codex(env: Env<'_>) -> Login {
    let own = folder(env, "CODEX_HOME", ".codex");
    let found = variable(env, &["CODEX_API_KEY"])
        .or_else(|| file(env, own.as_ref().map(|dir| dir.join("auth.json"))));
    if let Some(found) = found {
        return found;
    }
    // a provider of one's own may need no login, or its key in a variable that it names
    if let Some(provider) = own.and_then(|dir| own_provider(&dir.join("config.toml"))) {
        return match provider.key {
            Some(key) if set(env, &key).is_none() => {
                Login::NotSeen(format!("Set {key}, which the provider in codex's config.toml reads."))
            }
            Some(key) => Login::Found(format!("variable {key}")),
            None => Login::Found("a provider without a key in codex's config.toml".to_owned()),
        };
    }
    let not = if set(env, "OPENAI_API_KEY").is_some() { " It does not read OPENAI_API_KEY." } else { "" };
    Login::NotSeen(format!("Run `codex login`, or set CODEX_API_KEY.{not}"))
}

/// A provider of the user's own.
struct Provider {
    /// The variable that holds its key, where it wants one.
    key: Option<String>,
}

/// The provider that codex's configuration chooses, if it is no built-in one.
fn own_provider(config: &Path) -> Option<Provider> {
    let table: toml::Table = fs::read_to_string(config).ok()?.parse().ok()?;
    let provider = table.get("model_providers")?.get(table.get("model_provider")?.as_str()?)?;
    if provider.get("requires_openai_auth").and_then(toml::Value::as_bool) == Some(true) {
        return None;
    }
    Some(Provider { key: provider.get("env_key").and_then(toml::Value::as_str).map(str::to_owned) })
}

fn gemini(env: Env<'_>) -> Login {
    let own = folder(env, "GEMINI_CLI_HOME", "").map(|dir| dir.join(".gemini"));
    let at = |name: &str| own.as_ref().map(|dir| dir.join(name));
    let keys = ["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_GCA"];
    variable(env, &keys)
        .or_else(|| file(env, at("oauth_creds.json")))
        .or_else(|| file(env, at("gemini-credentials.json")))
        .or_else(|| file(env, at(".env")))
        .unwrap_or_else(|| Login::NotSeen("Run `gemini` once and log in, or set GEMINI_API_KEY.".to_owned()))
}

fn opencode(env: Env<'_>, root: &Path) -> Login {
    let own = folder(env, "XDG_DATA_HOME", ".local/share").map(|dir| dir.join("opencode/auth.json"));
    let user = folder(env, "XDG_CONFIG_HOME", ".config").map(|dir| dir.join("opencode"));
    let configs = [
        set(env, "OPENCODE_CONFIG").map(PathBuf::from),
        Some(root.join("opencode.json")),
        Some(root.join("opencode.jsonc")),
        user.as_ref().map(|dir| dir.join("opencode.json")),
        user.as_ref().map(|dir| dir.join("opencode.jsonc")),
    ];
    // a word is enough: these files may hold comments
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
                .then(|| Login::Found("variable OPENCODE_CONFIG_CONTENT".to_owned()))
        })
        .or_else(|| file(env, configs.into_iter().flatten().find(names_key)))
        .or_else(|| variable(env, &keys))
        .unwrap_or_else(|| {
            Login::NotSeen(
                "Run `opencode auth login`, unless it uses a model that needs no login.".to_owned(),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(home: &Path, more: &[(&str, &str)], output: Output) -> Login {
        let env = |name: &str| match name {
            "HOME" => Some(home.display().to_string()),
            _ => more.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()),
        };
        look(output, &env, Path::new("/nowhere"))
    }

    fn found(text: &str) -> Login {
        Login::Found(text.to_owned())
    }

    #[test]
    fn a_fresh_home_shows_no_login_of_any_vendor() {
        let home = tempfile::tempdir().unwrap();
        for output in [Output::Claude, Output::Codex, Output::Gemini, Output::Opencode] {
            assert!(matches!(with(home.path(), &[], output), Login::NotSeen(_)), "{output:?}");
        }
        assert_eq!(with(home.path(), &[], Output::Text), Login::Unknown);
    }

    #[test]
    fn each_vendors_file_is_a_sign_and_is_named_from_the_home_folder() {
        let home = tempfile::tempdir().unwrap();
        for (output, path) in [
            (Output::Claude, ".claude/.credentials.json"),
            (Output::Codex, ".codex/auth.json"),
            (Output::Gemini, ".gemini/oauth_creds.json"),
            (Output::Opencode, ".local/share/opencode/auth.json"),
        ] {
            let file = home.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "{}").unwrap();
            assert!(matches!(with(home.path(), &[], output), Login::NotSeen(_)), "an empty one is no sign");
            fs::write(&file, "{\"secret\": 1}").unwrap();
            assert_eq!(with(home.path(), &[], output), found(&format!("file ~/{path}")));
        }
    }

    #[test]
    fn codex_does_not_read_the_usual_key_and_its_own_provider_names_another() {
        let home = tempfile::tempdir().unwrap();
        let key = [("OPENAI_API_KEY", "sk-x")];
        assert!(
            matches!(with(home.path(), &key, Output::Codex), Login::NotSeen(t) if t.contains("not read OPENAI"))
        );
        fs::create_dir_all(home.path().join(".codex")).unwrap();
        let text = "model_provider = \"mock\"\n[model_providers.mock]\nenv_key = \"MOCK_KEY\"\n";
        fs::write(home.path().join(".codex/config.toml"), text).unwrap();
        assert!(
            matches!(with(home.path(), &key, Output::Codex), Login::NotSeen(t) if t.contains("MOCK_KEY"))
        );
        let key = [("MOCK_KEY", "x")];
        assert_eq!(with(home.path(), &key, Output::Codex), found("variable MOCK_KEY"));
    }

    #[test]
    fn an_account_in_claudes_own_file_is_a_sign_where_the_key_is_kept_by_the_system() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(".claude.json"), "{\"numStartups\": 1}").unwrap();
        assert!(matches!(with(home.path(), &[], Output::Claude), Login::NotSeen(_)));
        fs::write(home.path().join(".claude.json"), "{\"oauthAccount\": {}}").unwrap();
        assert_eq!(with(home.path(), &[], Output::Claude), found("file ~/.claude.json"));
    }
}
