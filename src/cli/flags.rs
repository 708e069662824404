//! What `run` and `plan` take of the configuration on the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use crate::config::Flag;
use crate::error::{Error, Kind, Result};

/// Settings of the configuration that a run may be given on the command line.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct RunFlags {
    /// Pause between two steps; a bare number is seconds.
    #[arg(long, value_name = "TIME")]
    delay: Option<String>,
    /// Iterations (attempts in all) that this run may take.
    #[arg(long, value_name = "N")]
    max_iterations: Option<u32>,
    /// Who works.
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Ask this backend's agent which agent does which task.
    #[arg(long, value_name = "NAME")]
    assign_backend: Option<String>,
    /// The `OpenCode` agent that is asked; without --assign-backend, opencode is.
    #[arg(long, value_name = "NAME")]
    assign_opencode_agent: Option<String>,
    /// Name of the tmux session.
    #[arg(long, value_name = "NAME")]
    tmux_session: Option<String>,
    /// Where agents work.
    #[arg(long, value_name = "DIR")]
    workdir: Option<PathBuf>,
    /// Plain child processes instead of tmux windows.
    #[arg(long)]
    no_tmux: bool,
    /// Optional tasks are work too.
    #[arg(long)]
    pub(super) include_optional: bool,
}

impl RunFlags {
    /// The same for another start of this program in the same folder; tmux is left out.
    pub(super) fn argv(&self) -> Vec<OsString> {
        let mut argv: Vec<OsString> = Vec::new();
        let workdir = self.workdir.as_ref().map(|dir| dir.display().to_string());
        let most = self.max_iterations.map(|n| n.to_string());
        for (flag, value) in [
            ("--delay", &self.delay),
            ("--backend", &self.backend),
            ("--assign-backend", &self.assign_backend),
            ("--assign-opencode-agent", &self.assign_opencode_agent),
            ("--workdir", &workdir),
            ("--max-iterations", &most),
        ] {
            // in one word, so that no value is taken for a flag
            argv.extend(value.as_ref().map(|value| OsString::from(format!("{flag}={value}"))));
        }
        if self.include_optional {
            argv.push("--include-optional".into());
        }
        argv
    }

    /// The flags as the highest layer of the configuration.
    pub(super) fn settings(&self) -> Result<Vec<Flag>> {
        let mut flags: Vec<Flag> = Vec::new();
        let mut set =
            |key: &str, value: toml::Value, flag: &str| flags.push((key.to_owned(), value, flag.to_owned()));
        if let Some(delay) = &self.delay {
            // the Python tool took fractions of a second
            let value = match delay.parse::<f64>() {
                Ok(seconds) if (0.0..1e9).contains(&seconds) => {
                    let duration = std::time::Duration::from_secs_f64(seconds);
                    toml::Value::String(humantime::format_duration(duration).to_string())
                }
                _ => toml::Value::String(delay.clone()),
            };
            set("run.delay", value, "--delay");
        }
        if let Some(n) = self.max_iterations {
            set("run.max_iterations", toml::Value::Integer(n.into()), "--max-iterations");
        }
        if let Some(name) = &self.backend {
            set("run.backend", toml::Value::String(name.clone()), "--backend");
        }
        if let Some(name) = &self.assign_backend {
            set("assign.backend", toml::Value::String(name.clone()), "--assign-backend");
        } else if self.assign_opencode_agent.is_some() {
            set("assign.backend", toml::Value::String("opencode".to_owned()), "--assign-opencode-agent");
        }
        if let Some(name) = &self.assign_opencode_agent {
            set("assign.agent", toml::Value::String(name.clone()), "--assign-opencode-agent");
        }
        if let Some(name) = &self.tmux_session {
            set("tmux.session", toml::Value::String(name.clone()), "--tmux-session");
        }
        if let Some(dir) = &self.workdir {
            let dir = std::path::absolute(dir).map_err(|e| Error::io("finding", dir, e))?;
            if !dir.is_dir() {
                return Err(Error::new(
                    Kind::Usage,
                    format!("--workdir: there is no folder {}", dir.display()),
                ));
            }
            set("run.workdir", toml::Value::String(dir.display().to_string()), "--workdir");
        }
        if self.no_tmux {
            set("tmux.mode", toml::Value::String("off".to_owned()), "--no-tmux");
        }
        if self.include_optional {
            set("run.include_optional", toml::Value::Boolean(true), "--include-optional");
        }
        Ok(flags)
    }
}
