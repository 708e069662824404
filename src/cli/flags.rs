//! The options of the verbs that run or show tasks: which tasks, and settings of the configuration.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, Parser};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::global::Global;
use super::project::Project;
use super::time_flags::TimeFlags;
use super::values;
use crate::config::FlagSetting;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Selection;
use crate::state::RunTimes;

/// The heading of the flags that choose tasks in the help.
pub(super) const TASKS: &str = "Which tasks";

/// Which tasks to run, and how.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Work {
    /// Run only these tasks, separated by commas, like 2,3.1.
    #[arg(help_heading = TASKS, long, value_name = "IDS")]
    only: Vec<String>,
    /// Start with this task and leave out open tasks before it.
    #[arg(help_heading = TASKS, long, value_name = "ID")]
    from: Option<String>,
    #[command(flatten)]
    times: TimeFlags,
    #[command(flatten)]
    flags: RunFlags,
}

/// The options of a run as the state file keeps them, for a later run that continues it.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
pub(super) struct KeptOptions {
    #[command(flatten)]
    global: Global,
    #[command(flatten)]
    work: Work,
}

impl KeptOptions {
    /// The arguments to keep. A relative path of a configuration file becomes absolute, from `cwd`.
    pub(super) fn argv(global: &Global, work: &Work, cwd: &Path) -> Vec<String> {
        let file = global.config.as_ref().map(|file| cwd.join(file));
        let file = file.map(|file| OsString::from(format!("--config={}", file.display())));
        let profile = global.profile.as_ref().map(|name| format!("--profile={name}").into());
        let all = work.argv().into_iter().chain(work.tmux_argv()).chain(file).chain(profile);
        all.map(|arg| arg.to_string_lossy().into_owned()).collect()
    }

    /// Reads what [`KeptOptions::argv`] wrote.
    pub(super) fn parse(argv: &[String]) -> std::result::Result<Self, clap::Error> {
        Self::try_parse_from(argv)
    }

    /// Those that mean the same on any machine, and the others: files, folders, and what a terminal is used for. The remote is
    /// in neither: it is the one that the options came from.
    pub(super) fn on_another_machine(self, cwd: &Path) -> (Self, Vec<String>) {
        let all = Self::argv(&self.global, &self.work, cwd);
        let (mut global, mut work) = (self.global, self.work);
        global.config = None;
        work.flags.remote = None;
        (work.flags.workdir, work.flags.tmux_session) = (None, None);
        (work.flags.no_tmux, work.flags.worktree) = (false, false);
        let same = Self::argv(&global, &work, cwd);
        let is_other = |arg: &String| !same.contains(arg) && !arg.starts_with("--remote=");
        (Self { global, work }, all.into_iter().filter(is_other).collect())
    }

    /// The options given now; a kept option counts where none is given.
    pub(super) fn below(self, global: &Global, work: &Work) -> (Global, Work) {
        let mut global = global.clone();
        global.config = global.config.or(self.global.config);
        global.profile = global.profile.or(self.global.profile);
        (global, work.clone().over(self.work))
    }
}

impl Work {
    /// The flags as the highest layer of the configuration.
    pub(super) fn settings(&self) -> Result<Vec<FlagSetting>> {
        self.flags.settings()
    }

    /// Names the tasks by their ids.
    pub(super) fn set_selection(&mut self, selection: &Selection) {
        self.only.clone_from(&selection.only);
        self.from.clone_from(&selection.from);
    }

    /// Which tasks, in a project that was opened with [`Work::settings`].
    pub(super) fn selection(&self, project: &Project) -> Selection {
        Selection {
            only: self.only.clone(),
            from: self.from.clone(),
            include_optional: project.loaded.config.run.include_optional,
        }
    }

    /// Replaces times of day by the moments that they mean now, so that another start of the program has the same ones.
    pub(super) fn fix_times(&mut self, now: Timestamp, zone: &TimeZone) -> Result<()> {
        self.times.fix(now, zone)
    }

    /// When the steps of the run may start, after [`Work::fix_times`].
    pub(super) fn times(&self) -> RunTimes {
        self.times.moments()
    }

    /// Whether `--only` or `--from` is given.
    pub(super) fn names_tasks(&self) -> bool {
        !self.only.is_empty() || self.from.is_some()
    }

    /// The same options for another start of this program in the same folder, without those about tmux.
    pub(super) fn argv(&self) -> Vec<OsString> {
        let mut argv = self.flags.argv();
        // flag and value in one word, so that a value with a leading dash is not read as a flag
        argv.extend(self.only.iter().map(|only| format!("--only={only}").into()));
        argv.extend(self.from.as_ref().map(|from| format!("--from={from}").into()));
        argv.extend(self.times.argv());
        argv
    }

    /// The options about tmux that [`Work::argv`] leaves out.
    pub(super) fn tmux_argv(&self) -> Vec<OsString> {
        let session = self.flags.tmux_session.as_ref().map(|name| format!("--tmux-session={name}").into());
        session.into_iter().chain(self.flags.no_tmux.then(|| "--no-tmux".into())).collect()
    }

    /// Stays on the remote of these options, where none is given.
    pub(super) fn stay_on_remote_of(&mut self, other: &Self) {
        if self.flags.remote.is_none() {
            self.flags.remote.clone_from(&other.flags.remote);
        }
    }

    /// Keeps the spec on this remote.
    pub(super) fn stay_on_remote(&mut self, remote: &str) {
        self.flags.remote = Some(remote.to_owned());
    }

    /// Removes `--no-tmux`.
    pub(super) fn show_windows(&mut self) {
        self.flags.no_tmux = false;
    }

    /// These options, with those of `kept` where nothing is given. Tasks named here replace all of the kept selection.
    fn over(self, kept: Self) -> Self {
        let (only, from) = if self.names_tasks() { (self.only, self.from) } else { (kept.only, kept.from) };
        Self { only, from, times: self.times.over(kept.times), flags: self.flags.over(kept.flags) }
    }
}

/// The heading of these flags in the help.
const SETTINGS: &str = "Settings for this run";

/// Keys of the configuration that one run can override.
#[derive(Debug, Clone, Default, Args)]
struct RunFlags {
    /// Pause between two steps, like 30s or 2m; a plain number is seconds.
    #[arg(help_heading = SETTINGS, long, value_name = "TIME")]
    delay: Option<String>,
    /// Stop after this many iterations.
    #[arg(help_heading = SETTINGS, long, value_name = "N", value_parser = values::count, allow_negative_numbers = true)]
    max_iterations: Option<u32>,
    /// Backend to use.
    #[arg(help_heading = SETTINGS, long, value_name = "NAME")]
    backend: Option<String>,
    /// Model that this backend uses.
    #[arg(help_heading = SETTINGS, long, value_name = "NAME")]
    model: Option<String>,
    /// Let this agent assign tasks to agents.
    #[arg(help_heading = SETTINGS, long, value_name = "NAME")]
    assign_backend: Option<String>,
    /// Let this OpenCode agent assign them.
    #[arg(help_heading = SETTINGS, long, value_name = "NAME")]
    assign_opencode_agent: Option<String>,
    /// Name of the tmux session.
    #[arg(help_heading = SETTINGS, long, value_name = "NAME")]
    tmux_session: Option<String>,
    /// Folder in which agents work.
    #[arg(help_heading = SETTINGS, long, value_name = "DIR")]
    workdir: Option<PathBuf>,
    /// Run agents without tmux windows.
    #[arg(help_heading = SETTINGS, long)]
    no_tmux: bool,
    /// Also run optional tasks.
    #[arg(help_heading = SETTINGS, long)]
    include_optional: bool,
    /// When an agent asks a question: stop (halt), or park its task and run what does not depend on it (skip).
    #[arg(help_heading = SETTINGS, long, value_name = "WHAT", value_parser = ["halt", "skip"])]
    on_halt: Option<String>,
    /// Work in a git work tree of the spec's own, on a branch of its own.
    #[arg(help_heading = SETTINGS, long)]
    worktree: bool,
    /// Keep lease, state and branch of the spec on this remote, so that any machine can continue it.
    #[arg(help_heading = SETTINGS, long, value_name = "NAME")]
    remote: Option<String>,
    /// Commit also to a branch that git.protect names.
    #[arg(help_heading = SETTINGS, long)]
    allow_protected: bool,
}

impl RunFlags {
    fn over(self, kept: Self) -> Self {
        Self {
            delay: self.delay.or(kept.delay),
            max_iterations: self.max_iterations.or(kept.max_iterations),
            // a model belongs to the backend that it was given for
            model: self
                .model
                .or(kept.model.filter(|_| self.backend.is_none() || self.backend == kept.backend)),
            backend: self.backend.or(kept.backend),
            assign_backend: self.assign_backend.or(kept.assign_backend),
            assign_opencode_agent: self.assign_opencode_agent.or(kept.assign_opencode_agent),
            tmux_session: self.tmux_session.or(kept.tmux_session),
            workdir: self.workdir.or(kept.workdir),
            no_tmux: self.no_tmux || kept.no_tmux,
            include_optional: self.include_optional || kept.include_optional,
            on_halt: self.on_halt.or(kept.on_halt),
            worktree: self.worktree || kept.worktree,
            remote: self.remote.or(kept.remote),
            allow_protected: self.allow_protected || kept.allow_protected,
        }
    }

    fn argv(&self) -> Vec<OsString> {
        let mut argv: Vec<OsString> = Vec::new();
        let absolute = |dir: &PathBuf| std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
        let workdir = self.workdir.as_ref().map(|dir| absolute(dir).display().to_string());
        let most = self.max_iterations.map(|n| n.to_string());
        for (flag, value) in [
            ("--delay", &self.delay),
            ("--backend", &self.backend),
            ("--model", &self.model),
            ("--assign-backend", &self.assign_backend),
            ("--assign-opencode-agent", &self.assign_opencode_agent),
            ("--workdir", &workdir),
            ("--max-iterations", &most),
            ("--on-halt", &self.on_halt),
            ("--remote", &self.remote),
        ] {
            argv.extend(value.as_ref().map(|value| OsString::from(format!("{flag}={value}"))));
        }
        if self.include_optional {
            argv.push("--include-optional".into());
        }
        if self.worktree {
            argv.push("--worktree".into());
        }
        if self.allow_protected {
            argv.push("--allow-protected".into());
        }
        argv
    }

    fn settings(&self) -> Result<Vec<FlagSetting>> {
        let mut flags: Vec<FlagSetting> = Vec::new();
        if let Some(delay) = &self.delay {
            // the Python tool accepted fractions of a second
            let value = match delay.parse::<f64>() {
                Ok(seconds) if (0.0..1e9).contains(&seconds) => {
                    let duration = std::time::Duration::from_secs_f64(seconds);
                    toml::Value::String(humantime::format_duration(duration).to_string())
                }
                _ => toml::Value::String(delay.clone()),
            };
            flags.push(FlagSetting::new("--delay", value));
        }
        if let Some(n) = self.max_iterations {
            flags.push(FlagSetting::new("--max-iterations", n));
        }
        if let Some(name) = &self.backend {
            flags.push(FlagSetting::new("--backend", name.clone()));
        }
        if let Some(name) = &self.model {
            flags.push(FlagSetting::new("--model", name.clone()));
        }
        if let Some(name) = &self.assign_backend {
            flags.push(FlagSetting::new("--assign-backend", name.clone()));
        } else if self.assign_opencode_agent.is_some() {
            // the flag also chooses the backend
            let name = "--assign-opencode-agent".to_owned();
            let (key, value) = ("assign.backend".to_owned(), "opencode".into());
            flags.push(FlagSetting { key, value, name, kept: false });
        }
        if let Some(name) = &self.assign_opencode_agent {
            flags.push(FlagSetting::new("--assign-opencode-agent", name.clone()));
        }
        if let Some(name) = &self.tmux_session {
            flags.push(FlagSetting::new("--tmux-session", name.clone()));
        }
        if let Some(dir) = &self.workdir {
            let dir = std::path::absolute(dir).map_err(|e| Error::io("finding", dir, e))?;
            if !dir.is_dir() {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!("--workdir: no such folder: {}", dir.display()),
                )
                .hint("Make it, or name a folder that exists."));
            }
            flags.push(FlagSetting::new("--workdir", dir.display().to_string()));
        }
        if self.no_tmux {
            flags.push(FlagSetting::new("--no-tmux", "off"));
        }
        if self.include_optional {
            flags.push(FlagSetting::new("--include-optional", true));
        }
        if let Some(what) = &self.on_halt {
            flags.push(FlagSetting::new("--on-halt", what.clone()));
        }
        if self.worktree {
            flags.push(FlagSetting::new("--worktree", true));
        }
        if let Some(name) = &self.remote {
            flags.push(FlagSetting::new("--remote", name.clone()));
        }
        if self.allow_protected {
            let (key, name) = ("git.protect".to_owned(), "--allow-protected".to_owned());
            flags.push(FlagSetting { key, value: toml::Value::Array(Vec::new()), name, kept: false });
        }
        Ok(flags)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::config::pages;

    #[test]
    fn every_flag_of_a_run_sets_the_key_that_declares_it() {
        let text = |text: &str| Some(text.to_owned());
        let all = RunFlags {
            delay: text("1.5"),
            max_iterations: Some(3),
            backend: text("claude"),
            model: text("large"),
            assign_backend: None,
            assign_opencode_agent: text("gawain"),
            tmux_session: text("night"),
            workdir: Some("/".into()),
            no_tmux: true,
            include_optional: true,
            on_halt: text("skip"),
            worktree: true,
            remote: text("origin"),
            allow_protected: true,
        };
        let flags = all.settings().unwrap();
        let set: Vec<(&str, String)> =
            flags.iter().map(|flag| (flag.key.as_str(), flag.value.to_string())).collect();
        let expected = [
            ("run.delay", "\"1s 500ms\""),
            ("run.max_iterations", "3"),
            ("run.backend", "\"claude\""),
            ("run.model", "\"large\""),
            ("assign.backend", "\"opencode\""),
            ("assign.agent", "\"gawain\""),
            ("tmux.session", "\"night\""),
            ("run.workdir", "\"/\""),
            ("tmux.mode", "\"off\""),
            ("run.include_optional", "true"),
            ("run.on_halt", "\"skip\""),
            ("git.worktree", "true"),
            ("remote.name", "\"origin\""),
            ("git.protect", "[]"),
        ];
        assert_eq!(set, expected.map(|(key, value)| (key, value.to_owned())));
    }

    #[test]
    fn options_of_another_machine_are_those_that_name_nothing_of_it() {
        let given = [
            "--only=2",
            "--profile=night",
            "--no-tmux",
            "--workdir=/a",
            "--remote=origin",
            "--config=/a/b.toml",
        ];
        let kept = KeptOptions::parse(&given.map(str::to_owned)).unwrap();
        let (same, others) = kept.on_another_machine(Path::new("/"));
        assert_eq!(
            KeptOptions::argv(&same.global, &same.work, Path::new("/")),
            ["--only=2", "--profile=night"]
        );
        assert_eq!(others, ["--workdir=/a", "--no-tmux", "--config=/a/b.toml"]);
    }

    #[test]
    fn every_flag_that_the_reference_names_exists() {
        let reference = pages::reference();
        let named: Vec<&str> =
            reference.split("Flag: `--").skip(1).filter_map(|rest| rest.split('`').next()).collect();
        assert_eq!(named.len(), 13, "{named:?}");
        let command = KeptOptions::command();
        for name in named {
            assert!(command.get_arguments().any(|arg| arg.get_long() == Some(name)), "--{name}");
        }
    }
}
