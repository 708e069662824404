//! Git processes that stay for a run and answer questions about objects.
//!
//! Starting git costs two milliseconds, a question to one that runs a twentieth of one. They are started when they are
//! needed first, and end with the run: their input ends then, also where it is killed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::call::{DEADLINE, GitError, Supervisor};
use super::change::TreeChange;
use crate::sys::command::{CommandWatch, Unfinished};
use crate::sys::dialogue::{Dialogue, DialogueQuestion};

/// Differences that are remembered.
const REMEMBERED: usize = 1000;

/// The helpers of one run. A clone is the same helpers.
#[derive(Debug, Clone, Default)]
pub struct GitHelpers(Rc<RefCell<HelperSet>>);

#[derive(Debug, Default)]
struct HelperSet {
    running: HashMap<HelperTask, Dialogue>,
    /// Differences that were asked for before: trees do not change.
    compared: HashMap<(String, String), Vec<TreeChange>>,
}

/// What a helper does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum HelperTask {
    /// Compares two trees.
    Compare,
    /// Reads an object.
    Read,
    /// Writes a file as it is as an object.
    WriteFile,
    /// Writes a tree from its entries.
    WriteTree,
}

impl HelperTask {
    pub(super) fn args(self) -> &'static [&'static str] {
        match self {
            Self::Compare => &[
                "diff-tree",
                "--stdin",
                "-r",
                "-z",
                "--raw",
                "--numstat",
                "--no-renames",
                "--no-ext-diff",
                "--ignore-submodules=none",
            ],
            Self::Read => &["cat-file", "--batch"],
            Self::WriteFile => &["hash-object", "-w", "--stdin-paths", "--no-filters"],
            Self::WriteTree => &["mktree", "-z", "--missing", "--batch"],
        }
    }
}

impl GitHelpers {
    /// Ends them all: they know only the places of objects that were there when they began.
    pub(super) fn end(&self) {
        self.0.borrow_mut().running.clear();
    }

    pub(super) fn known_difference(&self, pair: &(String, String)) -> Option<Vec<TreeChange>> {
        self.0.borrow().compared.get(pair).cloned()
    }

    pub(super) fn remember_difference(&self, pair: (String, String), list: Vec<TreeChange>) {
        let compared = &mut self.0.borrow_mut().compared;
        if compared.len() >= REMEMBERED {
            compared.clear();
        }
        compared.insert(pair, list);
    }

    /// Takes a helper that was started.
    pub(super) fn add(&self, task: HelperTask, started: Dialogue) {
        self.0.borrow_mut().running.insert(task, started);
    }

    /// The answer of a helper. One that ended meanwhile is started again, once.
    pub(super) fn ask(
        &self,
        task: HelperTask,
        text: &[u8],
        supervisor: &Supervisor,
        start: impl Fn() -> Result<Dialogue, GitError>,
        is_whole: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<u8>, GitError> {
        let shown = format!("git {}", task.args()[..2].join(" "));
        let watch = supervisor.watch.as_deref().map(|watch| (watch as &dyn CommandWatch, shown.as_str()));
        let question = DialogueQuestion { text, deadline: DEADLINE, stop: supervisor.stop.as_ref(), watch };
        let old = self.0.borrow_mut().running.remove(&task);
        let mut dialogue = None;
        if let Some(mut running) = old {
            match running.ask(&question, &is_whole) {
                Err(Unfinished::Broken(_)) => {}
                answer => dialogue = Some((running, answer)),
            }
        }
        let (running, answer) = if let Some(had) = dialogue {
            had
        } else {
            let mut new = start()?;
            let answer = new.ask(&question, &is_whole);
            (new, answer)
        };
        match answer {
            Ok(answer) => {
                self.add(task, running);
                Ok(answer)
            }
            Err(Unfinished::NotStarted(error)) => Err(GitError::NotStarted { why: error.to_string() }),
            Err(Unfinished::TimedOut(_)) => {
                Err(GitError::TimedOut { command: shown, after: DEADLINE, words: String::new() })
            }
            Err(Unfinished::Stopped) => Err(GitError::Stopped { command: shown }),
            Err(Unfinished::Broken(error)) => Err(GitError::Unusable { why: format!("`{shown}`: {error}") }),
        }
    }

    #[cfg(test)]
    pub(super) fn kill(&self, task: HelperTask) {
        if let Some(helper) = self.0.borrow_mut().running.get_mut(&task) {
            helper.end();
        }
    }
}
