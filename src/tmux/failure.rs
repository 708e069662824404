//! PURE. Why a call of tmux gave nothing.

use std::fmt;
use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// Why a call of tmux gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TmuxError {
    /// The system refused to start it.
    NotStarted {
        /// The system's words.
        why: String,
    },
    /// It ended with an error.
    Failed {
        /// The command, as people read it.
        command: String,
        /// Its own words.
        words: String,
    },
    /// The server did not answer in time, and the call was ended.
    TimedOut {
        /// The command, as people read it.
        command: String,
        /// The deadline.
        after: Duration,
    },
    /// Somebody asked for an end of the run, and the call was ended.
    Stopped {
        /// The command, as people read it.
        command: String,
    },
    /// It printed something that it never prints.
    Unusable {
        /// What is wrong.
        why: String,
    },
}

impl TmuxError {
    /// Whether there is no server, or none with a session: an answer, not trouble.
    #[must_use]
    pub fn is_no_server(&self) -> bool {
        let Self::Failed { words, .. } = self else { return false };
        ["no server running", "error connecting to", "no sessions", "server exited", "lost server"]
            .iter()
            .any(|word| words.contains(word))
    }

    /// Whether another call can't do better now: the server stands still, or the run is to end.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::Stopped { .. } | Self::NotStarted { .. })
    }
}

impl fmt::Display for TmuxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted { why } => write!(f, "tmux could not be started: {why}"),
            Self::Failed { command, words } => write!(f, "`{command}` failed: {words}"),
            Self::TimedOut { command, after } => {
                let after = humantime::format_duration(*after);
                write!(f, "`{command}` got no answer from the tmux server within {after}")
            }
            Self::Stopped { command } => write!(f, "`{command}` was ended on request"),
            Self::Unusable { why } => f.write_str(why),
        }
    }
}

impl std::error::Error for TmuxError {}

impl From<TmuxError> for Error {
    fn from(error: TmuxError) -> Self {
        match error {
            TmuxError::Stopped { .. } => Self::new(ErrorKind::Interrupted, error.to_string()),
            TmuxError::Failed { command, words } => {
                Self::new(ErrorKind::Unavailable, format!("{command} failed"))
                    .detail(format!("  tmux says: {words}"))
            }
            TmuxError::TimedOut { .. } => Self::new(ErrorKind::Unavailable, error.to_string()).hint(
                "Is its process stopped (`kill -CONT PID`)? Else end it with `tmux kill-server`, or set tmux.socket.",
            ),
            other => Self::new(ErrorKind::Unavailable, other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_not_there_is_no_trouble_and_one_that_stands_still_is() {
        let failed = |words: &str| TmuxError::Failed { command: "tmux ls".into(), words: words.into() };
        assert!(failed("no server running on /tmp/tmux-0/default").is_no_server());
        assert!(failed("error connecting to /tmp/x (No such file or directory)").is_no_server());
        assert!(!failed("can't find window: @3").is_no_server());
        let still = TmuxError::TimedOut { command: "tmux ls".into(), after: Duration::from_secs(10) };
        assert!(still.is_final() && !still.is_no_server());
        assert_eq!(still.to_string(), "`tmux ls` got no answer from the tmux server within 10s");
    }
}
