//! Questions about objects, answered by the helpers of the run.

use std::os::unix::ffi::OsStrExt;

use super::call::GitError;
use super::helpers::HelperTask;
use super::snapshot::Snapshots;
use crate::sys::dialogue::Dialogue;

/// An object as git has it.
#[derive(Debug)]
pub(super) struct GitObject {
    pub(super) id: String,
    pub(super) bytes: Vec<u8>,
}

impl Snapshots<'_> {
    /// Starts those that each step needs, and asks each a first question: no step waits for their start.
    pub fn start_helpers(&self) -> Result<(), GitError> {
        let head = self.repository().git_dir.join("HEAD");
        let path = [head.as_os_str().as_bytes(), b"\n"].concat();
        let questions: [(HelperTask, &[u8]); 4] = [
            (HelperTask::Compare, b"ready\n"),
            (HelperTask::Read, b"HEAD^{tree}^{commit}\n"),
            (HelperTask::WriteFile, &path),
            (HelperTask::WriteTree, b"\0"),
        ];
        for (task, _) in questions {
            self.helpers().add(task, self.start(task)?);
        }
        for (task, question) in questions {
            self.ask(task, question, |answer| answer.ends_with(b"\n"))?;
        }
        Ok(())
    }

    fn start(&self, task: HelperTask) -> Result<Dialogue, GitError> {
        let call = self.call(task.args().iter().copied());
        Dialogue::start(call.command()?).map_err(|e| GitError::NotStarted { why: e.to_string() })
    }

    /// The answer of a helper.
    pub(super) fn ask(
        &self,
        task: HelperTask,
        text: &[u8],
        is_whole: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<u8>, GitError> {
        self.helpers().ask(task, text, &self.repository().supervisor, || self.start(task), is_whole)
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
        snapshots.helpers().kill(HelperTask::Read);
        assert_eq!(snapshots.read_object("HEAD").unwrap().unwrap().id, second.id);
    }
}
