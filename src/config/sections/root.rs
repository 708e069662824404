//! PURE. All that a file may hold: the sections, and the two keys that shape the layers.

use std::collections::BTreeMap;

use super::account::Account;
use super::assign::Assign;
use super::backend::Backend;
use super::hooks::Hooks;
use super::limit::Limit;
use super::notify::Notify;
use super::pace::Pace;
use super::price::ModelPrice;
use super::prompt::Prompt;
use super::remote::SharedRemote;
use super::review::{Review, TaskReview};
use super::run::{Done, PartialDone, PartialRetry, PartialTimeouts, Retry, RunSettings, Timeouts};
use super::sandbox::Sandbox;
use super::tmux::Tmux;
use super::work::{Git, Log, Tasks, Verify};
use crate::config::declare::keys;
use crate::config::formats::{AnyText, BackendName, Globs, OptionValue, Regex};
use crate::config::key::{ConfigKey, ConfigTable, ConfigType, KeyShape, TableKeys};
use crate::config::path::KeyPath;
use crate::config::problem::Problem;

keys! {
    /// The whole configuration, as it holds for one call of seqorch.
    pub struct Config {
        run: RunSettings;
        retry: Retry;
        timeout: Timeouts;
        done: Done;
        assign: Assign;
        limit: Limit;
        pace: Pace;
        prompt: Prompt;
        tmux: Tmux;
        tasks: Tasks;
        verify: Verify;
        review: Review;
        git: Git;
        remote: SharedRemote;
        sandbox: Sandbox;
        hooks: Hooks;
        notify: Notify;
        log: Log;
        backends as "backend": BTreeMap<String, Backend>;
        accounts as "account": BTreeMap<String, Account>;
        prices as "price": Vec<ModelPrice>;
        overrides as "override": Vec<Override>;
    }
}

keys! {
    /// Other settings for some tasks. A later override wins over an earlier one.
    pub struct Override {
        /// Ids or globs of the tasks that the override is for. Set either this or match.
        tasks: Vec<String> as Globs, like = ["3", "7.*"], inside;
        /// Regular expression on the titles of the tasks that the override is for. Set either this or tasks.
        title as "match": Option<String> as Option<Regex>, like = "(?i)docs", inside;
        /// Backend that does these tasks.
        backend: Option<String> as Option<BackendName>, like = "mine", inside;
        /// Model that does these tasks.
        model: Option<String> as Option<OptionValue>, like = "small", inside;
        /// Whether only a person does these tasks: no agent gets them.
        human: Option<bool>, like = true, loosens = false;
        /// Whether these tasks are reviewed: by review.backend (true), by this backend, or not at all (false).
        review: Option<TaskReview>, like = "codex", executes;
        /// Text that is added to the prompt of these tasks.
        prompt: Option<String> as Option<AnyText>, like = "Keep the public API as it is.", inside;
        /// Commands that replace verify.commands for these tasks. An empty list: none.
        verify: Option<Vec<Vec<String>>>, like = [["cargo", "test", "-p", "core"]], executes;
        /// Deadlines for these tasks, in place of those in the section timeout.
        timeout: PartialTimeouts, like = { task = "4h", idle = "1h", first_output = "20m", grace = "30s" };
        /// Settings for failed attempts at these tasks, in place of those in the section retry.
        retry: PartialRetry, like = { attempts = 5, backoff = "1m", max_backoff = "30m" };
        /// When these tasks count as done, in place of the settings in the section done.
        done: PartialDone, like = { signal = "optional", nudges = 0, unchanged = "accept" };
    }
}

impl Config {
    /// Whether the machine of a run may be taken away at any time, so that nothing may take long at its end.
    #[must_use]
    pub fn is_job(&self) -> bool {
        !self.limit.wait || self.remote.name.is_some()
    }
}

/// The settings: what a file, a profile, a variable or a flag may set.
pub(crate) const SETTINGS: &[ConfigKey] = Config::TABLE.keys;

/// The files that a file builds on. It is read when files are read, and is not a setting.
pub(crate) const EXTENDS: ConfigKey = ConfigKey::new(
    "extends",
    "Files that this file builds on, relative to it; ~/ is your home folder. This file wins over them. A file of a repository of git is \
     git+https://HOST/REPOSITORY@TAG#FILE (git+ssh://, git+file://): `seqorch config fetch` gets it, seqorch.lock pins its commit.",
    <Vec<String> as ConfigType>::SHAPE,
)
.like("[\"team/presets.toml\"]")
.outside();

/// The profiles of a file. A profile is not a setting; what it sets is.
pub(crate) const PROFILE: ConfigKey = ConfigKey::new(
    "profile",
    "A named set of settings: all keys except extends and profile. `--profile NAME` applies it.",
    KeyShape::Named(TableKeys { about: "", keys: SETTINGS }),
);

/// All that a file may hold.
pub(crate) const ROOT: &[ConfigKey] = &{
    let mut keys = [EXTENDS; SETTINGS.len() + 2];
    let mut index = 0;
    while index < SETTINGS.len() {
        keys[index + 1] = SETTINGS[index];
        index += 1;
    }
    keys[SETTINGS.len() + 1] = PROFILE;
    keys
};

impl Override {
    /// What does not fit together: no task at all, a review without a reviewer.
    pub(crate) fn problem(&self, at: &KeyPath, review: &Review) -> Option<Problem> {
        if self.tasks.is_empty() == self.title.is_none() {
            let all = if self.backend.is_some() && self.title.is_none() {
                "; for all tasks, set run.backend"
            } else {
                ""
            };
            let text = format!("must set either tasks or match, to say which tasks it is for{all}");
            return Some(Problem::of_key(at.join("tasks"), text));
        }
        let lacks = self.review == Some(TaskReview::Yes) && review.backend.is_none();
        let text = "no agent reviews, since review.backend is not set; name the backend here, or set that";
        lacks.then(|| Problem::of_key(at.join("review"), text))
    }
}
