//! PURE. `attempt.json`: what an attempt does.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agent::AttemptRole;
use crate::agent::event::Format;
use crate::config::{LimitPattern, PromptBy};
use crate::sandbox::used::UsedSandbox;

/// Version of the files in an attempt's folder.
pub const SCHEMA: u32 = 1;

/// All that the process of an attempt needs, except the environment, which never touches the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptFile {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Name of the spec.
    pub spec: String,
    /// Id of the unit.
    pub unit: String,
    /// Title of the unit.
    pub title: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Name of the backend.
    pub backend: String,
    /// Program and arguments, with the placeholders `{prompt}` and `{prompt_file}`.
    pub argv: Vec<String>,
    /// What the agent is asked for.
    #[serde(default)]
    pub role: AttemptRole,
    /// The sandbox that `argv` begins with; `None` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<UsedSandbox>,
    /// How the agent gets the prompt.
    pub prompt_by: PromptBy,
    /// Its standard input stays open, and gets what people say while it works.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takes_words: bool,
    /// How the agent's stdout is read.
    pub output: Format,
    /// Whose wordings of limits are expected.
    #[serde(default)]
    pub vendor: String,
    /// The wordings of limits that the configuration has for its backend.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limit_patterns: Vec<LimitPattern>,
    /// The folder where the agent works.
    pub cwd: PathBuf,
    /// When the agent is ended.
    pub deadlines: Deadlines,
    /// The id of the session that it begins, if seqorch chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Whether it resumes a session.
    #[serde(default)]
    pub resumes: bool,
    /// Most bytes of stdout that the log keeps.
    pub log_max_bytes: u64,
    /// The orchestrator's socket.
    pub socket: PathBuf,
    /// Proves to the orchestrator that this is the attempt that it started.
    pub token: String,
    /// Where the tree of all files is taken after it; `None` where no snapshots are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotRequest>,
    /// When this file was written.
    pub created_at: Timestamp,
    /// When the attempt began according to the state. `None` if it is not an attempt at a unit.
    pub decided_at: Option<Timestamp>,
}

impl AttemptFile {
    /// Whether this is the attempt that began at `decided_at` according to the state. A folder may be that of an older
    /// attempt of the same number.
    #[must_use]
    pub fn is_of(&self, decided_at: Timestamp) -> bool {
        self.decided_at == Some(decided_at)
    }
}

/// The snapshot that an attempt's process takes as its last act, so that no change of a later moment is its agent's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRequest {
    /// The top of the work tree.
    pub top: PathBuf,
    /// Git's folder of this work tree.
    pub git_dir: PathBuf,
    /// Git's folder that all work trees share.
    pub common_dir: PathBuf,
    /// The user's index.
    pub index: PathBuf,
    /// The repository's objects.
    pub objects: PathBuf,
    /// The name of the spec's private folder in git's folder.
    pub key: String,
    /// The commit that HEAD was before the attempt.
    #[serde(default)]
    pub commit: Option<String>,
    /// The branch before the attempt.
    #[serde(default)]
    pub branch: Option<String>,
    /// Untracked files that are larger are left out. Bytes; 0: no limit.
    pub max_file: u64,
    /// How long git's logs were before the attempt, as the room `git` writes it; `None`: it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<serde_json::Value>,
    /// The settings of git that may execute something, as the room `git` writes them; `None`: those of now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executing: Option<serde_json::Value>,
}

/// When an agent is ended, in milliseconds. `None` means never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadlines {
    /// Most time for the whole attempt.
    pub total_ms: Option<u64>,
    /// Most time between two outputs.
    pub idle_ms: Option<u64>,
    /// Most time until the first output.
    pub first_output_ms: Option<u64>,
    /// Time between TERM and KILL.
    pub grace_ms: u64,
}

impl Deadlines {
    /// The time between TERM and KILL.
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_an_older_attempt_of_the_same_number_is_noticed() {
        let json = r#"{"schema":1,"spec":"s","unit":"1","title":"A","attempt":1,"backend":"b","argv":["sh"],
            "prompt_by":"stdin","output":"text","cwd":"/","deadlines":{"total_ms":null,"idle_ms":null,
            "first_output_ms":null,"grace_ms":1},"log_max_bytes":1,"socket":"/s","token":"t",
            "created_at":"2026-01-01T00:00:01Z","decided_at":"2026-01-01T00:00:00Z"}"#;
        let file: AttemptFile = serde_json::from_str(json).unwrap();
        let at = |second: i64| Timestamp::from_second(1_767_225_600 + second).unwrap();
        assert_eq!([-1, 0, 1].map(|second| file.is_of(at(second))), [false, true, false]);
    }
}
