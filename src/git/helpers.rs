//! Git processes that stay for a run and answer questions about objects.
//!
//! Starting git costs two milliseconds, a question to one that runs a twentieth of one. They are started when they are
//! needed first, and end with the run: their input ends then, also where it is killed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::call::{DEADLINE, GitError};
use super::change::TreeChange;
use super::snapshot::Snapshots;
use crate::sys::command::{CommandWatch, Unfinished};
use crate::sys::dialogue::{Dialogue, Question};

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
    fn args(self) -> &'static [&'static str] {
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

/// An object as git has it.
#[derive(Debug)]
pub(super) struct GitObject {
    pub(super) id: String,
    pub(super) bytes: Vec<u8>,
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
}

impl Snapshots<'_> {
    /// Starts those that each step needs, so that no step waits for that.
    pub fn start_helpers(&self) -> Result<(), GitError> {
        for task in [HelperTask::Compare, HelperTask::Read, HelperTask::WriteFile, HelperTask::WriteTree] {
            let started = self.start(task)?;
            self.helpers().0.borrow_mut().running.insert(task, started);
        }
        Ok(())
    }

    fn start(&self, task: HelperTask) -> Result<Dialogue, GitError> {
        let call = self.call(task.args().iter().copied());
        Dialogue::start(call.command()).map_err(|e| GitError::NotStarted { why: e.to_string() })
    }

    /// The answer of a helper. One that ended meanwhile is started again, once.
    pub(super) fn ask(
        &self,
        task: HelperTask,
        text: &[u8],
        is_whole: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<u8>, GitError> {
        let shown = format!("git {}", task.args()[..2].join(" "));
        let supervisor = &self.repository().supervisor;
        let watch = supervisor.watch.as_deref().map(|watch| (watch as &dyn CommandWatch, shown.as_str()));
        let question = Question { text, deadline: DEADLINE, stop: supervisor.stop.as_ref(), watch };
        let old = self.helpers().0.borrow_mut().running.remove(&task);
        let mut dialogue = None;
        if let Some(mut running) = old {
            match running.ask(&question, &is_whole) {
                Err(Unfinished::Broken(_)) => {}
                answer => dialogue = Some((running, answer)),
            }
        }
        let (running, answer) = match dialogue {
            Some(had) => had,
            None => {
                let mut new = self.start(task)?;
                let answer = new.ask(&question, &is_whole);
                (new, answer)
            }
        };
        match answer {
            Ok(answer) => {
                self.helpers().0.borrow_mut().running.insert(task, running);
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

    /// An object by its name, or by a name that leads to one, as `HEAD` does. `None` if there is none.
    pub(super) fn read_object(&self, name: &str) -> Result<Option<GitObject>, GitError> {
        let answer = self.ask(HelperTask::Read, format!("{name}\n").as_bytes(), |answer| {
            header(answer).is_some_and(|(line, size)| size.is_none_or(|size| answer.len() > line + size + 1))
        })?;
        let Some((line, Some(size))) = header(&answer) else { return Ok(None) };
        let id = answer[..line].split(|b| *b == b' ').next().unwrap_or_default();
        let bytes = answer.get(line + 1..line + 1 + size).unwrap_or_default().to_vec();
        Ok(Some(GitObject { id: String::from_utf8_lossy(id).into_owned(), bytes }))
    }
}

/// The length of the first line of `ID TYPE SIZE`, and the size; no size where there is no such object.
fn header(answer: &[u8]) -> Option<(usize, Option<usize>)> {
    let line = answer.iter().position(|b| *b == b'\n')?;
    let words =
        std::str::from_utf8(&answer[..line]).ok().map(|line| line.rsplitn(3, ' ').collect::<Vec<_>>());
    let size = words.filter(|words| words.len() == 3).and_then(|words| words[0].parse().ok());
    Some((line, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};

    #[test]
    fn a_helper_sees_what_came_after_its_start_and_is_replaced_when_it_ends() {
        let (_dir, repo) = repository();
        let snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        snapshots.start_helpers().unwrap();
        let first = snapshots.read_object("HEAD").unwrap().unwrap();
        assert!(snapshots.read_object("MERGE_HEAD").unwrap().is_none());
        git(&repo.top, &["commit", "-q", "--allow-empty", "-m", "second"]);
        let second = snapshots.read_object("HEAD").unwrap().unwrap();
        assert!(first.id != second.id && second.bytes.starts_with(b"tree "));
        // a line that breaks off in the middle of its answer
        let helpers = snapshots.helpers().clone();
        helpers.0.borrow_mut().running.get_mut(&HelperTask::Read).unwrap().end();
        assert_eq!(snapshots.read_object("HEAD").unwrap().unwrap().id, second.id);
    }
}
