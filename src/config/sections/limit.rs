//! PURE. `[limit]` and `backend.NAME.limit_patterns`: what a run does when an agent reports a limit.

use std::time::Duration;

use crate::agent::limit::{LimitKind, ResetForm, ResetRule, WordingPattern};
use crate::config::declare::{keys, words};
use crate::config::formats::{BackendNames, Regex};
use crate::config::path::KeyPath;
use crate::config::problem::Problem;

keys! {
    /// What a run does when an agent reports that it is limited: too many requests, or a quota that is used up.
    #[derive(Eq)]
    pub struct Limit {
        /// Whether to wait until a limit, or a rule of `pace`, ends. If not, the next backend of limit.fallback takes over, or
        /// the run ends with exit code 75 and says when it can continue; and INT ends the agent at once, with a grace of at
        /// most 5 s.
        wait: bool = true, inside;
        /// Longest wait for a limit, where no other backend can take over. A limit that lasts longer stops the run.
        max_wait: Duration = "24h", inside;
        /// Time that is added to the end of a limit that a vendor states, since clocks differ.
        margin: Duration = "1m", inside;
        /// Pauses before each new try where a vendor states no end of a limit, and while a service fails or cannot be
        /// reached. The last pause repeats.
        unknown: Vec<Duration> = ["5m", "15m", "30m", "1h"], inside;
        /// Longest time in which a login that is refused is tried again, after the pauses of limit.unknown, where calls with
        /// the same login succeeded in this run or within the last day. After that, and before any success, the run
        /// ends and you have to log in. 0 ends it at once.
        login_wait: Duration = "20m", inside;
        /// Backends that take over while another one is limited, in this order.
        fallback: Vec<String> as BackendNames = [], inside;
    }
}

keys! {
    /// A wording of a limit that seqorch does not know.
    #[derive(Eq, serde::Serialize, serde::Deserialize)]
    pub struct LimitPattern {
        /// Regular expression on the text of an error that ends an attempt.
        r#match as "match": String as Regex, required, like = "(?i)come back in (?P<dur>[0-9]+ minutes)", inside;
        /// What an error with this text means.
        kind: LimitKind, required, like = "rate_limited", inside;
        /// How the end of the limit is found: in the usual ways anywhere in the text (usual), not at all (none), or in a
        /// named group of the regular expression: epoch, iso, hour (clock), dur (duration), m with d and y (day).
        reset: ResetRule = "usual", inside;
    }
}

words! {
    for LimitKind {
        None = "none",
        RateLimited = "rate_limited",
        QuotaExhausted = "quota_exhausted",
        Overloaded = "overloaded",
        ServerError = "server_error",
        Network = "network",
        Billing = "billing",
        Auth = "auth",
    }
}

words! {
    for ResetRule {
        Usual = "usual",
        None = "none",
        Own(ResetForm::Epoch) = "epoch",
        Own(ResetForm::Iso) = "iso",
        Own(ResetForm::Clock) = "clock",
        Own(ResetForm::Duration) = "duration",
        Own(ResetForm::Day) = "day",
    }
}

impl LimitPattern {
    /// The wording, under the name of its source; `None` where it is not valid, which the check of the configuration says.
    #[must_use]
    pub fn wording(&self, source: &str) -> Option<WordingPattern> {
        WordingPattern::of_user(source, &self.r#match, self.kind, self.reset).ok()
    }

    /// What does not fit together: a regular expression without the group that the reset is read from.
    pub(crate) fn problem(&self, at: &KeyPath) -> Option<Problem> {
        let error = WordingPattern::of_user("", &self.r#match, self.kind, self.reset).err()?;
        Some(Problem::of_key(at.join("match"), error))
    }
}
