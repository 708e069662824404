//! PURE. The names of the files in an attempt's folder.

use std::path::{Path, PathBuf};

/// How the folder of a command that checks an attempt begins.
const CHECK: &str = "verify-";

/// An attempt's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptDir(PathBuf);

impl AttemptDir {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
    /// `attempt.json`: what the attempt does.
    #[must_use]
    pub fn attempt(&self) -> PathBuf {
        self.0.join("attempt.json")
    }
    /// `prompt.md`
    #[must_use]
    pub fn prompt(&self) -> PathBuf {
        self.0.join("prompt.md")
    }
    /// `output.jsonl`: the agent's stdout, byte for byte.
    #[must_use]
    pub fn output(&self) -> PathBuf {
        self.0.join("output.jsonl")
    }
    /// `stderr.log`: the agent's stderr, byte for byte.
    #[must_use]
    pub fn stderr(&self) -> PathBuf {
        self.0.join("stderr.log")
    }
    /// `result.json`: what happened. It exists only after the end of the attempt.
    #[must_use]
    pub fn result(&self) -> PathBuf {
        self.0.join("result.json")
    }
    /// `verify-1`, …: the folder of a command that checks the attempt. It has the files of an attempt, too.
    #[must_use]
    pub fn verify(&self, number: usize) -> Self {
        Self(self.0.join(format!("{CHECK}{number}")))
    }
    /// The folder of the spec.
    #[must_use]
    pub fn of_spec(&self) -> &Path {
        // a check's folder is in that of its attempt
        let up = if self.is_check() { 3 } else { 2 };
        self.0.ancestors().nth(up).unwrap_or(&self.0)
    }
    /// Whether this is the folder of such a command.
    #[must_use]
    pub fn is_check(&self) -> bool {
        let name = self.0.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with(CHECK)
    }
    /// `session`: the id of the agent's own session, as soon as it is known.
    #[must_use]
    pub fn session(&self) -> PathBuf {
        self.0.join("session")
    }
    /// `said`: what people say to the agent while it works.
    #[must_use]
    pub fn said(&self) -> PathBuf {
        self.0.join("said")
    }
    /// `lock`: held while anything of the attempt is alive. It says who holds it.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }
}

/// The files of a log in the order of their content.
///
/// A log that is too long continues in two more files, the older one first, which take turns for its end.
#[must_use]
pub fn log_parts(log: &Path) -> [PathBuf; 3] {
    let with = |suffix: &str| {
        let mut path = log.as_os_str().to_owned();
        path.push(suffix);
        PathBuf::from(path)
    };
    [log.to_owned(), with(".1"), with(".2")]
}
