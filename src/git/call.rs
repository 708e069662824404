//! The one place that starts `git`: each call has a deadline, can be ended at once, and gives output or git's own words.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::sys::command::{self, CommandWatch, Finished, OutputLimit, Supervised, Unfinished};
use crate::sys::programs;
use crate::sys::stop_flag::StopFlag;

/// How long a call may take that runs no hook.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// What git says where another program is in its way for a moment.
const BUSY: [&str; 4] =
    ["Resource temporarily unavailable", "cannot lock ref", "unable to lock", "Cannot allocate memory"];
/// What the system says where no file is to blame: it has no room, no memory, no descriptors left.
const EXHAUSTED: [&str; 6] = [
    "No space left on device",
    "Disk quota exceeded",
    "Read-only file system",
    "Cannot allocate memory",
    "out of memory",
    "Too many open files",
];
/// Bytes that are kept of what a hook prints.
const HOOK_OUTPUT: usize = 64 * 1024;

/// Why a call of git gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitError {
    /// There is no `git` to start, or the system refused to start it.
    NotStarted {
        /// The system's words.
        why: String,
    },
    /// Git ended with an error.
    Failed {
        /// The command, as people read it.
        command: String,
        /// Its exit code, if it has one.
        code: Option<i32>,
        /// Git's own words, and those of its hooks.
        words: String,
    },
    /// The deadline passed; git and its hooks were ended.
    TimedOut {
        /// The command, as people read it.
        command: String,
        /// The deadline.
        after: Duration,
        /// What it had printed to standard error.
        words: String,
    },
    /// Somebody asked for an end of the run; git and its hooks were ended.
    Stopped {
        /// The command, as people read it.
        command: String,
    },
    /// What git printed is not what it prints, or a file of ours could not be written.
    Unusable {
        /// What is wrong.
        why: String,
    },
}

impl GitError {
    /// Whether another program of git was at work: the same call may succeed in a moment.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        let (Self::Failed { words, .. } | Self::NotStarted { why: words }) = self else { return false };
        // only git's own lines: a hook may talk of other locks
        let is_gits = |line: &&str| line.starts_with("fatal: ") || line.starts_with("error: ");
        // what this user may not write stays so
        let mut lines = words.lines().filter(is_gits).filter(|line| !line.ends_with("Permission denied"));
        lines.any(|line| line.contains(".lock': File exists") || BUSY.iter().any(|word| line.contains(word)))
            || matches!(self, Self::NotStarted { .. }) && words.contains(BUSY[0])
    }

    /// Whether the system could not continue, whatever git was asked for.
    #[must_use]
    pub fn is_exhaustion(&self) -> bool {
        matches!(self, Self::Failed { words, .. } if EXHAUSTED.iter().any(|word| words.contains(word)))
    }

    /// Whether a signal ended it that was not ours: somebody killed it, or the system had no memory left.
    #[must_use]
    pub fn was_killed(&self) -> bool {
        matches!(self, Self::Failed { code: None, .. })
    }

    /// The first line of what git says, without its prefix.
    #[must_use]
    pub fn last_word(&self) -> String {
        let words = self.words();
        let line = words.lines().next().unwrap_or_default();
        line.trim_start_matches("fatal: ").trim_start_matches("error: ").to_owned()
    }

    /// Whether git does not have an object that was asked for.
    #[must_use]
    pub fn is_missing_object(&self) -> bool {
        let Self::Failed { words, .. } = self else { return false };
        ["bad object", "bad revision", "unknown revision", "unable to read", "not a tree object"]
            .iter()
            .any(|word| words.contains(word))
    }

    /// Git's own words, or what is wrong in a sentence.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Failed { words, .. } if !words.trim().is_empty() => words.trim().to_owned(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted { why } => write!(f, "git could not be started: {why}"),
            Self::Failed { command, code, words } => {
                let code = code.map_or_else(|| "was killed".to_owned(), |code| format!("failed ({code})"));
                write!(f, "`{command}` {code}: {}", words.trim())
            }
            Self::TimedOut { command, after, words } => {
                let words = words.trim();
                let tail =
                    if words.is_empty() { String::new() } else { format!("; it had printed: {words}") };
                write!(
                    f,
                    "`{command}` took longer than {} and was ended{tail}",
                    humantime::format_duration(*after)
                )
            }
            Self::Stopped { command } => write!(f, "`{command}` was ended on request"),
            Self::Unusable { why } => f.write_str(why),
        }
    }
}

impl std::error::Error for GitError {}

impl From<GitError> for Error {
    fn from(error: GitError) -> Self {
        let kind = match &error {
            GitError::NotStarted { .. } => ErrorKind::Unavailable,
            GitError::Stopped { .. } => ErrorKind::Interrupted,
            GitError::Failed { .. } | GitError::TimedOut { .. } => ErrorKind::Human,
            GitError::Unusable { .. } => ErrorKind::Internal,
        };
        match error {
            GitError::Failed { words, .. } if words.contains("dubious ownership") => {
                Self::new(kind, "git refuses the repository, because its folder belongs to another user")
                    .detail(format!("  {}", words.trim().replace('\n', "\n  ")))
                    .hint("If you trust it: git config --global --add safe.directory FOLDER; or give the folder to your user.")
            }
            GitError::Failed { command, words, .. } => Self::new(kind, format!("`{command}` failed"))
                .detail(format!("  {}", words.trim().replace('\n', "\n  "))),
            // no key raises the deadline of calls without hooks
            GitError::TimedOut { after, .. } => Self::new(kind, error.to_string()).hint(match after {
                DEADLINE => "Fix what it waits for: a filter of git, a slow disk, another program.",
                _ => "Fix what it waits for (a hook, a signer), or raise git.timeout.",
            }),
            other => Self::new(kind, other.to_string()),
        }
    }
}

/// Who else has a say in the calls of a run.
#[derive(Clone, Default)]
pub struct Supervisor {
    /// Ends a call that works.
    pub stop: Option<StopFlag>,
    /// Gets the calls that take long.
    pub watch: Option<Arc<dyn CommandWatch + Send + Sync>>,
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").finish_non_exhaustive()
    }
}

/// One call.
#[derive(Debug)]
pub struct GitCall<'a> {
    /// What stands behind `git`.
    args: Vec<OsString>,
    dir: &'a Path,
    env: Vec<(&'static str, OsString)>,
    stdin: &'a [u8],
    holds: Option<&'a File>,
    deadline: Duration,
    plain: bool,
    /// Settings that override those of the repository.
    overrides: Vec<(String, String)>,
}

/// Programs that a repository brings do not count: see [`programs::find_tool`].
const NO_GIT: &str = "it is not in PATH, outside of this repository";

/// Settings of every call but a commit: what a repository configures must not run, nor change what is read.
const SETTINGS: [&str; 12] = [
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "safe.bareRepository=explicit",
    "-c",
    "core.safecrlf=false",
    "-c",
    "core.quotePath=false",
    "-c",
    "log.showSignature=false",
];

impl<'a> GitCall<'a> {
    /// A call in this folder that runs no hook of the repository.
    pub fn new<S: AsRef<OsStr>>(dir: &'a Path, args: impl IntoIterator<Item = S>) -> Self {
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        let (env, overrides) = (Vec::new(), Vec::new());
        Self { args, dir, env, stdin: b"", holds: None, deadline: DEADLINE, plain: false, overrides }
    }

    /// A call whose hooks see what they see when a person types it. Only fsmonitor is off.
    pub fn as_typed<S: AsRef<OsStr>>(
        dir: &'a Path,
        args: impl IntoIterator<Item = S>,
        deadline: Duration,
    ) -> Self {
        Self { deadline, plain: true, ..Self::new(dir, args) }
    }

    /// Adds an argument that need not be UTF-8.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    /// Sets several variables.
    #[must_use]
    pub fn envs(mut self, vars: impl IntoIterator<Item = (&'static str, OsString)>) -> Self {
        self.env.extend(vars);
        self
    }

    /// Overrides settings of the repository. Unlike arguments, this takes keys of any form.
    #[must_use]
    pub fn overriding(mut self, settings: impl IntoIterator<Item = (String, String)>) -> Self {
        self.overrides.extend(settings);
        self
    }

    /// What git reads from its standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: &'a [u8]) -> Self {
        self.stdin = bytes;
        self
    }

    /// How long it may take, where that is not [`DEADLINE`].
    #[must_use]
    pub(super) fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// A file that git holds open instead of its standard input, as long as it lives.
    #[must_use]
    pub(super) fn holding(self, file: &'a File) -> Self {
        Self { holds: Some(file), ..self }
    }

    /// The command as people read it, without our settings.
    pub(super) fn shown(&self) -> String {
        let mut args = self.args.iter().map(|arg| arg.to_string_lossy().into_owned()).peekable();
        // `-c KEY=VALUE` is a setting of ours
        while args.next_if(|arg| arg == "-c").is_some() {
            args.next();
        }
        let args: Vec<String> = args.collect();
        let words = args.iter().take(4).map(String::as_str).collect::<Vec<_>>().join(" ");
        if args.len() > 4 { format!("git {words} …") } else { format!("git {words}") }
    }

    pub(super) fn command(&self) -> Result<Command, GitError> {
        let path = std::env::var_os("PATH");
        let git = programs::find_tool("git", path.as_deref(), self.dir)
            .ok_or_else(|| GitError::NotStarted { why: NO_GIT.to_owned() })?;
        let mut command = Command::new(git);
        if self.plain {
            command.args(["-c", "core.fsmonitor=false"]);
        } else {
            // git's own words in English; LC_ALL would change what a filter of the user writes
            command.args(SETTINGS).env("LANGUAGE", "en").env("GIT_OPTIONAL_LOCKS", "0");
        }
        command.args(&self.args).current_dir(self.dir);
        command.envs(absolute_places());
        for (name, value) in &self.env {
            command.env(name, value);
        }
        if !self.overrides.is_empty() {
            let own = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse::<usize>().ok());
            let first = own.unwrap_or(0);
            for (index, (key, value)) in self.overrides.iter().enumerate() {
                command.env(format!("GIT_CONFIG_KEY_{}", first + index), key);
                command.env(format!("GIT_CONFIG_VALUE_{}", first + index), value);
            }
            command.env("GIT_CONFIG_COUNT", (first + self.overrides.len()).to_string());
        }
        Ok(command)
    }

    /// Runs it once. The bytes that git printed, or why there are none.
    pub fn run(&self, supervisor: &Supervisor) -> Result<Vec<u8>, GitError> {
        self.run_with_warnings(supervisor).map(|(printed, _)| printed)
    }

    /// The same with what git said to standard error although it succeeded.
    pub(super) fn run_with_warnings(&self, supervisor: &Supervisor) -> Result<(Vec<u8>, String), GitError> {
        let shown = self.shown();
        let supervised = Supervised {
            command: self.command()?,
            stdin: self.stdin,
            holds: self.holds,
            deadline: self.deadline,
            keep: if self.plain { OutputLimit::End(HOOK_OUTPUT) } else { OutputLimit::All },
            shown: &shown,
        };
        let watch = supervisor.watch.as_deref().map(|watch| watch as &dyn CommandWatch);
        match command::run(supervised, supervisor.stop.as_ref(), watch) {
            Ok(Finished { status, stdout, stderr }) if status.success() => {
                Ok((stdout, String::from_utf8_lossy(&stderr).into_owned()))
            }
            Ok(Finished { status, stdout, stderr }) => {
                // some hooks print their complaints to standard output
                let said = [stderr, if self.plain { stdout } else { Vec::new() }].concat();
                let words = String::from_utf8_lossy(&said).trim().to_owned();
                Err(GitError::Failed { command: shown, code: status.code(), words })
            }
            Err(Unfinished::NotStarted(error)) => Err(GitError::NotStarted { why: error.to_string() }),
            Err(Unfinished::TimedOut(words)) => {
                let words = String::from_utf8_lossy(&words).trim().to_owned();
                Err(GitError::TimedOut { command: shown, after: self.deadline, words })
            }
            Err(Unfinished::Stopped) => Err(GitError::Stopped { command: shown }),
            Err(Unfinished::Broken(error)) => Err(GitError::Unusable { why: format!("`{shown}`: {error}") }),
        }
    }

    /// Puts git in the place of this process, with its terminal. Returns only where git cannot be started.
    #[must_use]
    pub fn exec(&self) -> GitError {
        use std::os::unix::process::CommandExt;
        match self.command() {
            Ok(mut command) => GitError::NotStarted { why: command.exec().to_string() },
            Err(error) => error,
        }
    }
}

/// Variables of the caller that name places of git, where they are relative: a call has a folder of its own.
fn absolute_places() -> Vec<(&'static str, PathBuf)> {
    const PLACES: [&str; 5] =
        ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"];
    let relative = PLACES.iter().filter_map(|name| {
        let value = PathBuf::from(std::env::var_os(name)?);
        (value.is_relative() && !value.as_os_str().is_empty()).then_some((*name, value))
    });
    let found: Vec<_> = relative.collect();
    if found.is_empty() {
        return found;
    }
    let Ok(here) = std::env::current_dir() else { return Vec::new() };
    found.into_iter().map(|(name, value)| (name, here.join(value))).collect()
}

/// What git printed as one line of text.
pub(super) fn one_line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(words: &str) -> GitError {
        GitError::Failed { command: "git commit".into(), code: Some(128), words: words.into() }
    }

    #[test]
    fn locks_of_another_git_are_passing_trouble() {
        for words in [
            "fatal: Unable to create '/r/.git/index.lock': File exists.",
            "error: cannot lock ref 'refs/heads/main': Unable to create '/r/.git/refs/heads/main.lock': File exists.",
            "error: unable to create thread: Resource temporarily unavailable",
            "fatal: cannot lock ref 'HEAD': is at 1234 but expected 5678",
        ] {
            assert!(failed(words).is_passing(), "{words}");
        }
        for words in [
            "fatal: not a git repository",
            "fatal: cannot lock ref 'HEAD': Unable to create '/r/.git/refs/heads/main.lock': Permission denied",
            "hook: see build.lock for details",
            "the hook cannot lock ref x",
            "flock: Resource temporarily unavailable",
            "",
        ] {
            assert!(!failed(words).is_passing(), "{words}");
        }
    }

    #[test]
    fn an_error_has_gits_own_words() {
        let dir = tempfile::tempdir().unwrap();
        let error = GitCall::new(dir.path(), ["rev-parse", "--show-toplevel"]).run(&Supervisor::default());
        let Err(GitError::Failed { code, words, .. }) = error else { panic!("{error:?}") };
        assert_eq!(code, Some(128));
        assert!(words.contains("not a git repository"), "{words}");
    }
}
