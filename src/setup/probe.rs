//! Runs programs briefly, for their version or to see whether they work.
//!
//! Each program gets its own session (so that it cannot read the terminal), no input and a deadline, and ends with this
//! process. What it leaves behind is found by a variable in its environment and by its output file, and ended as well.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use regex::Regex;
use serde::Serialize;
use tempfile::TempDir;

use crate::agent::redact::Redactor;
use crate::agent::sanitise::sanitise;
use crate::config::Backend;
use crate::error::{Error, Result};
use crate::sys::variables::text_variables;
use crate::sys::{process, session};

/// How long a program may run. Some need two seconds of a whole core to print their version.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// The variable that marks the processes of a probe.
const MARK: &str = "SEQORCH_PROBE";
/// The time between TERM and KILL.
const GRACE: Duration = Duration::from_millis(300);
/// How many bytes of the output are read.
const OUTPUT_MAX: u64 = 4096;
/// How many characters of the output are shown.
const SHOWN_MAX: usize = 60;
/// Variables that keep agents from updating themselves or using the network just to print a version.
const QUIET_ENV: [(&str, &str); 6] = [
    ("NO_COLOR", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
    ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
    // mini names its version only in the greeting that this would switch off
    ("MSWEA_SILENT_STARTUP", ""),
];

static VERSION_NUMBER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b\d+\.\d+(?:\.\d+)*(?:[-+][0-9A-Za-z.-]+|[a-z]\b)?").ok());

static GREETING: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:This is )?[\w.-]+ version (\d+\.\d[\w.+-]*?)\.?$").ok());

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeCommand {
    /// Its path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// The folder that it runs in.
    pub cwd: PathBuf,
    /// Variables added to those of this process.
    pub env: Vec<(String, String)>,
    /// Variables that it does not get.
    pub env_remove: Vec<String>,
}

impl ProbeCommand {
    /// Asks the program of a backend for its version. It gets nothing that the project chose: a variable, or a file in
    /// its folder, could make it execute something.
    #[must_use]
    pub fn version(backend: &Backend, program: PathBuf, is_own: impl Fn(&str) -> bool) -> Self {
        let own = backend.env.iter().filter(|(name, _)| is_own(name));
        let env = own.map(|(name, value)| (name.clone(), value.clone())).collect();
        let args = vec!["--version".to_owned()];
        Self { program, args, cwd: "/".into(), env, env_remove: backend.env_remove.clone() }
    }
}

/// What a program answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ProbeAnswer {
    /// It printed something and succeeded.
    Ok {
        /// The version number in its first line, or the whole line if there is none.
        version: String,
    },
    /// It failed.
    Failed {
        /// The exit code or signal, and the first line that it printed.
        why: String,
    },
    /// It did not end before the deadline, and was killed.
    Hung,
    /// It was not run, because it is a file of the project.
    NotRun,
}

impl ProbeAnswer {
    /// The answer in a few words.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Ok { version } => version.clone(),
            Self::Failed { why } => why.clone(),
            Self::NotRun => "not run: it is in the project".to_owned(),
            Self::Hung => format!("no answer within {} s", DEADLINE.as_secs()),
        }
    }
}

/// Runs the commands, a few at a time, and returns their answers in the same order. Equal commands run once.
pub fn run_probes(commands: &[ProbeCommand], deadline: Duration) -> Result<Vec<ProbeAnswer>> {
    let parallel = thread::available_parallelism().map_or(2, usize::from);
    let mut answers: Vec<Option<ProbeAnswer>> = vec![None; commands.len()];
    let first_equal = |command| commands.iter().position(|other| other == command).unwrap_or(0);
    let mut waiting: VecDeque<usize> =
        (0..commands.len()).filter(|i| first_equal(&commands[*i]) == *i).collect();
    let mut running: Vec<(usize, RunningProbe)> = Vec::new();
    while !waiting.is_empty() || !running.is_empty() {
        while running.len() < parallel
            && let Some(next) = waiting.pop_front()
        {
            match RunningProbe::start(&commands[next])? {
                Ok(probe) => running.push((next, probe)),
                Err(why) => answers[next] = Some(ProbeAnswer::Failed { why }),
            }
        }
        running.retain_mut(|(index, probe)| {
            let answer = probe.poll(deadline, &commands[*index]);
            let runs = answer.is_none();
            answers[*index] = answer;
            runs
        });
        if !running.is_empty() {
            thread::sleep(Duration::from_millis(5));
        }
    }
    let all =
        commands.iter().map(|command| answers[first_equal(command)].clone().unwrap_or(ProbeAnswer::Hung));
    Ok(all.collect())
}

/// A program that has been started.
struct RunningProbe {
    child: Child,
    mark: OsString,
    since: Instant,
    dir: TempDir,
}

impl RunningProbe {
    /// Starts a command. The inner error is the program's, not seqorch's.
    fn start(probe: &ProbeCommand) -> Result<Result<Self, String>> {
        let dir = tempfile::Builder::new()
            .prefix("seqorch-")
            .tempdir()
            .map_err(|e| Error::io("creating a folder in", &std::env::temp_dir(), e))?;
        // files, not pipes: a process left behind would keep a pipe open
        let file = |name: &str| {
            let path = dir.path().join(name);
            File::create(&path).map_err(|e| Error::io("creating", &path, e))
        };
        let mark = dir.path().as_os_str().to_owned();
        let mut command = Command::new(&probe.program);
        command.args(&probe.args).current_dir(&probe.cwd);
        session::lead(&mut command);
        for name in &probe.env_remove {
            command.env_remove(name);
        }
        command.envs(probe.env.iter().map(|(name, value)| (name, value))).envs(QUIET_ENV).env(MARK, &mark);
        command.stdin(Stdio::null()).stdout(file("stdout")?).stderr(file("stderr")?);
        Ok(match command.spawn() {
            Ok(child) => Ok(Self { child, mark, since: Instant::now(), dir }),
            Err(error) => Err(format!("cannot be started: {error}")),
        })
    }

    /// The answer, if the program has ended or its time is over.
    fn poll(&mut self, deadline: Duration, probe: &ProbeCommand) -> Option<ProbeAnswer> {
        let status = match self.child.try_wait() {
            Ok(Some(status)) => Some(status),
            Ok(None) if self.since.elapsed() < deadline => return None,
            Ok(None) | Err(_) => None,
        };
        self.end();
        Some(match status {
            None => ProbeAnswer::Hung,
            Some(status) => answer(status, &self.read("stdout"), &self.read("stderr"), probe),
        })
    }

    /// Ends the program and everything that it left behind.
    fn end(&mut self) {
        let mut mark = OsString::from(format!("{MARK}="));
        mark.push(&self.mark);
        let stdout = self.dir.path().join("stdout");
        let child = &mut self.child;
        process::terminate(|| process::leftovers(&stdout, &mark, None), GRACE, || drop(child.try_wait()));
        // without a process list, at least the program itself
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    fn read(&self, name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Ok(file) = File::open(self.dir.path().join(name)) {
            let _ = file.take(OUTPUT_MAX).read_to_end(&mut bytes);
        }
        bytes
    }
}

fn answer(status: ExitStatus, stdout: &[u8], stderr: &[u8], probe: &ProbeCommand) -> ProbeAnswer {
    let mut own = text_variables();
    own.extend(probe.env.iter().cloned());
    let redactor = Redactor::new(own);
    let line = |bytes: &[u8]| {
        let text = sanitise(bytes);
        let line = text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)?;
        Some(redactor.redact(&line))
    };
    let short = |line: String| match line.char_indices().nth(SHOWN_MAX) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    };
    if status.success() {
        // some programs print their version on stderr
        return match line(stdout).or_else(|| line(stderr)) {
            Some(line) => ProbeAnswer::Ok { version: version_number(&line).unwrap_or_else(|| short(line)) },
            None => ProbeAnswer::Failed { why: "no output".to_owned() },
        };
    }
    // a program without `--version` may still name its version in its greeting: mini does
    if let Some(version) = line(stdout).as_deref().and_then(version_in_greeting) {
        return ProbeAnswer::Ok { version };
    }
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    };
    match line(stderr).or_else(|| line(stdout)) {
        Some(line) => ProbeAnswer::Failed { why: format!("{how}: {}", short(line)) },
        None => ProbeAnswer::Failed { why: how },
    }
}

/// The version in a line that says nothing but a name and its version. A sentence about another program's version is
/// an error.
fn version_in_greeting(line: &str) -> Option<String> {
    Some(GREETING.as_ref()?.captures(line)?[1].to_owned())
}

/// The first version number in a line.
fn version_number(line: &str) -> Option<String> {
    Some(VERSION_NUMBER.as_ref()?.find(line)?.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_names_a_version_and_an_error_about_one_does_not() {
        let of = |line: &str| version_in_greeting(line);
        assert_eq!(of("This is mini-swe-agent version 2.4.6."), Some("2.4.6".to_owned()));
        assert_eq!(of("tool version 1.0-beta.2"), Some("1.0-beta.2".to_owned()));
        for error in
            ["Your Node.js version 18.0.1 is not supported", "it needs node version 20.1.", "version 2.0"]
        {
            assert_eq!(of(error), None, "{error}");
        }
    }
}
