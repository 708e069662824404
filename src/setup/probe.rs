//! Asks programs for their version, or whether they work at all.
//!
//! They are strangers: each gets a session of its own (nothing reads the terminal), no input, a deadline, and dies with
//! this process. What it leaves behind is found by a variable of its environment and by the file it writes to, and ended.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
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
use crate::sys::{process, programs};

/// How long a program may take to say its version; some need two seconds of a core that is all theirs.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Marks the processes of a probe.
const MARK: &str = "SEQORCH_PROBE";
/// Between TERM and KILL for one that does not answer.
const GRACE: Duration = Duration::from_millis(300);
/// Bytes of an answer that are looked at.
const MOST: u64 = 4096;
/// Characters of an answer that are shown.
const SHOWN: usize = 60;
/// Agents must not update themselves or call home for the sake of a version.
const QUIET: [(&str, &str); 5] = [
    ("NO_COLOR", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
    ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
];

static NUMBER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b\d+\.\d+(?:\.\d+)*(?:[-+][0-9A-Za-z.-]+|[a-z]\b)?").ok());

/// A program to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Where it is.
    pub program: PathBuf,
    /// What it is told.
    pub args: Vec<String>,
    /// Where it is run: version managers choose by folder.
    pub cwd: PathBuf,
    /// Variables that it gets beside those of this process.
    pub env: Vec<(String, String)>,
    /// Variables that it must not see.
    pub env_remove: Vec<String>,
}

impl Ask {
    /// What asks the program of a backend, dressed as the agent would be.
    #[must_use]
    pub fn of(backend: &Backend, program: PathBuf, cwd: &Path) -> Self {
        let env = backend.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let args = vec!["--version".to_owned()];
        Self { program, args, cwd: cwd.to_owned(), env, env_remove: backend.env_remove.clone() }
    }
}

/// What a program answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Answer {
    /// It said something and ended well.
    Ok {
        /// The version number in it, or all of its first line.
        version: String,
    },
    /// It failed.
    Failed {
        /// How.
        why: String,
    },
    /// It did not end in time, and was ended.
    Hung,
}

impl Answer {
    /// A few words for a table.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Ok { version } => version.clone(),
            Self::Failed { why } => why.clone(),
            Self::Hung => format!("no answer within {} s", DEADLINE.as_secs()),
        }
    }
}

/// Asks all, each one once, a few at a time; the answers come in the same order. `exe` is this program.
pub fn versions(exe: &Path, asks: &[Ask], deadline: Duration) -> Result<Vec<Answer>> {
    let together = thread::available_parallelism().map_or(2, usize::from);
    let mut answers: Vec<Option<Answer>> = vec![None; asks.len()];
    let first = |ask: &Ask| asks.iter().position(|other| other == ask).unwrap_or(0);
    let mut waiting: VecDeque<usize> = (0..asks.len()).filter(|i| first(&asks[*i]) == *i).collect();
    let mut running: Vec<(usize, Probe)> = Vec::new();
    while !waiting.is_empty() || !running.is_empty() {
        while running.len() < together
            && let Some(next) = waiting.pop_front()
        {
            match Probe::start(exe, &asks[next])? {
                Ok(probe) => running.push((next, probe)),
                Err(why) => answers[next] = Some(Answer::Failed { why }),
            }
        }
        running.retain_mut(|(index, probe)| {
            let answer = probe.look(deadline, &asks[*index]);
            let on = answer.is_none();
            answers[*index] = answer;
            on
        });
        if !running.is_empty() {
            thread::sleep(Duration::from_millis(5));
        }
    }
    let all = asks.iter().map(|ask| answers[first(ask)].clone().unwrap_or(Answer::Hung));
    Ok(all.collect())
}

struct Probe {
    child: Child,
    mark: OsString,
    since: Instant,
    dir: TempDir,
}

impl Probe {
    /// The inner error is the program's, not ours.
    fn start(exe: &Path, ask: &Ask) -> Result<Result<Self, String>> {
        let dir = tempfile::Builder::new()
            .prefix("seqorch-")
            .tempdir()
            .map_err(|e| Error::io("creating a folder in", &std::env::temp_dir(), e))?;
        // a file, not a pipe: something left behind would hold a pipe open
        let file = |name: &str| {
            let path = dir.path().join(name);
            File::create(&path).map_err(|e| Error::io("creating", &path, e))
        };
        let mark = dir.path().as_os_str().to_owned();
        let mut command = Command::new(exe);
        command.arg("__session").arg(std::process::id().to_string()).arg(dir.path()).arg("--");
        command.arg(&ask.program).args(&ask.args).current_dir(&ask.cwd);
        for name in &ask.env_remove {
            command.env_remove(name);
        }
        command.envs(ask.env.iter().map(|(name, value)| (name, value))).envs(QUIET).env(MARK, &mark);
        command.stdin(Stdio::null()).stdout(file("said")?).stderr(file("errors")?);
        Ok(match command.spawn() {
            Ok(child) => Ok(Self { child, mark, since: Instant::now(), dir }),
            Err(error) => Err(format!("cannot be started: {error}")),
        })
    }

    /// The answer, once there is one.
    fn look(&mut self, deadline: Duration, ask: &Ask) -> Option<Answer> {
        let status = match self.child.try_wait() {
            Ok(Some(status)) => Some(status),
            Ok(None) if self.since.elapsed() < deadline => return None,
            Ok(None) | Err(_) => None,
        };
        self.end();
        Some(match status {
            None => Answer::Hung,
            Some(status) => answer(status, &self.read("said"), &self.read("errors"), ask),
        })
    }

    /// Ends whatever is left of it.
    fn end(&mut self) {
        let mut mark = OsString::from(format!("{MARK}="));
        mark.push(&self.mark);
        let said = self.dir.path().join("said");
        let child = &mut self.child;
        process::terminate(|| process::leftovers(&said, &mark), GRACE, || drop(child.try_wait()));
        // where no process list can be read, at least the program itself
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    fn read(&self, name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Ok(file) = File::open(self.dir.path().join(name)) {
            let _ = file.take(MOST).read_to_end(&mut bytes);
        }
        bytes
    }
}

fn answer(status: ExitStatus, said: &[u8], errors: &[u8], ask: &Ask) -> Answer {
    let own: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .chain(ask.env.iter().cloned())
        .collect();
    let redactor = Redactor::new(own.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let line = |bytes: &[u8]| {
        let text = sanitise(bytes);
        let line = text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)?;
        Some(redactor.redact(&line))
    };
    let short = |line: String| match line.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    };
    if status.success() {
        // some say it on stderr
        return match line(said).or_else(|| line(errors)) {
            Some(line) => Answer::Ok { version: number(&line).unwrap_or_else(|| short(line)) },
            None => Answer::Failed { why: "said nothing".to_owned() },
        };
    }
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended oddly".to_owned(),
    };
    match line(errors).or_else(|| line(said)) {
        Some(line) => Answer::Failed { why: format!("{how}: {}", short(line)) },
        None => Answer::Failed { why: how },
    }
}

/// The first version number of a line.
fn number(line: &str) -> Option<String> {
    Some(NUMBER.as_ref()?.find(line)?.as_str().to_owned())
}

/// Where the program of a backend is, `cwd` being the folder where it would work.
#[must_use]
pub fn find(backend: &Backend, cwd: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH");
    programs::find_program(OsStr::new(&backend.command), path.as_deref(), cwd)
}
