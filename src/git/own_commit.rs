//! Finds the commit that git made for us, also where hooks or people commit at the same time.
//!
//! No ref is moved that does not point at a commit of ours: what others commit on top of it, or beneath it, stays.

use super::call::GitError;
use super::change::TreeChange;
use super::commit::CommitRequest;
use super::diff::tree_of;
use super::made_commit::{LinkedCommit, NewCommit};
use super::objects::GitObject;
use super::snapshot::Snapshots;

/// So many commits are looked at between HEAD and the commit that ours was to be made on.
pub(super) const LOOKED_AT: usize = 200;

impl Snapshots<'_> {
    /// The commit that git made for this request; `None` where the history of HEAD has none. `is_made`: git said just now that
    /// it made one.
    pub(super) fn own_commit(
        &self,
        request: &CommitRequest<'_>,
        is_made: bool,
    ) -> Result<Option<NewCommit>, GitError> {
        let mut chain: Vec<GitObject> = Vec::new();
        let mut next = self.head_commit()?;
        while let Some(id) = next.as_deref().filter(|id| Some(*id) != request.head && chain.len() < LOOKED_AT)
        {
            let Some(object) = self.read_object(id)? else { break };
            next = linked(&object).parent;
            chain.push(object);
        }
        let leads_back = next.as_deref() == request.head;
        // newest first
        let has_message = |object: &GitObject| message_has(&object.bytes, request.message);
        if !leads_back {
            // somebody rewrote the history beneath it: it is ours if it has all of the task, and is no older one of the same message
            let Some(index) = chain.iter().position(has_message) else { return Ok(None) };
            let is_old = match request.head {
                Some(head) => self.repository().is_ancestor(&chain[index].id, head)?,
                None => false,
            };
            let new = self.as_new(&chain, index)?;
            return Ok((!is_old && self.has_all(&new, request)?).then_some(new));
        }
        if let Some(index) = chain.iter().rposition(has_message) {
            return self.as_new(&chain, index).map(Some);
        }
        // a hook may have written another message: only the first commit can be ours
        let Some(first) = chain.len().checked_sub(1) else { return Ok(None) };
        let new = self.as_new(&chain, first)?;
        let is_ours = if is_made {
            // hooks change files, too
            new.changes.iter().any(|change| request.paths.contains(&change.path))
        } else {
            let is_of_task = |change: &TreeChange| request.paths.contains(&change.path);
            new.changes.iter().all(is_of_task) && self.has_all(&new, request)?
        };
        Ok(is_ours.then_some(new))
    }

    /// Whether a commit has all paths of the task as they were to be committed. One of a person may have some of them.
    fn has_all(&self, new: &NewCommit, request: &CommitRequest<'_>) -> Result<bool, GitError> {
        let mut wanted = self.changes_of_work_tree(request.head, request.tree)?;
        wanted.retain(|change| request.paths.contains(&change.path));
        let has = |wanted: &TreeChange| {
            new.changes.iter().any(|made| made.path == wanted.path && made.after == wanted.after)
        };
        Ok(!wanted.is_empty() && wanted.iter().all(has))
    }

    /// One of the commits between HEAD and the old one, newest first.
    fn as_new(&self, chain: &[GitObject], index: usize) -> Result<NewCommit, GitError> {
        let object = &chain[index];
        let LinkedCommit { commit, parent } = linked(object);
        let tree = tree_of(&object.bytes)
            .ok_or_else(|| GitError::Unusable { why: format!("{} is not a commit", object.id) })?;
        let changes = self.all_changes_of_work_tree(parent.as_deref(), &tree)?;
        let later = chain[..index].iter().rev().map(linked).collect();
        Ok(NewCommit { commit, parent, changes, later, ended: None })
    }

    /// Whether our commit sits on a commit of others and takes back what that changed: git began it on an older HEAD. A commit that a
    /// person moved there, as a rebase does, takes nothing back.
    pub(super) fn takes_others_back(
        &self,
        new: &NewCommit,
        request: &CommitRequest<'_>,
    ) -> Result<bool, GitError> {
        if new.parent.as_deref() == request.head {
            return Ok(false);
        }
        let parent = new.parent.as_deref().map(|parent| self.read_object(parent)).transpose()?.flatten();
        let Some(tree) = parent.and_then(|parent| tree_of(&parent.bytes)) else { return Ok(false) };
        let since = match self.all_changes_of_work_tree(request.head, &tree) {
            Err(error) if error.is_missing_object() => return Ok(false),
            since => since?,
        };
        let is_back = |change: &TreeChange| {
            let theirs = since.iter().find(|theirs| theirs.path == change.path);
            let is_undone = theirs.is_some_and(|theirs| theirs.before == change.after);
            is_undone && !request.paths.contains(&change.path)
        };
        Ok(new.changes.iter().any(is_back))
    }

    /// Removes our commit from HEAD: it takes back what others committed. Returns the commit beneath it. Fails if HEAD has moved.
    pub(super) fn take_off(&self, new: &NewCommit) -> Result<String, GitError> {
        let (Some(parent), true) = (&new.parent, new.later.is_empty()) else {
            let commit = &new.commit;
            let why = format!(
                "others committed before and after {commit:.9}, which takes back what they committed before it; \
                 `git revert {commit:.9}`, and the next run commits the task again"
            );
            return Err(GitError::Unusable { why });
        };
        // git itself refuses where HEAD is not at our commit at that moment
        let message = "seqorch: HEAD had moved";
        self.repository().ask(["update-ref", "-m", message, "HEAD", parent, &new.commit])?;
        Ok(parent.clone())
    }

    /// The newest commit on top of ours, if one of them has a path of the task as it was before: somebody committed from an index
    /// that did not have our commit yet.
    pub(super) fn undone_by(
        &self,
        new: &NewCommit,
        request: &CommitRequest<'_>,
    ) -> Result<Option<String>, GitError> {
        let Some(newest) = new.later.last() else { return Ok(None) };
        let Some(object) = self.read_object(&newest.commit)? else { return Ok(None) };
        let Some(tree) = tree_of(&object.bytes) else { return Ok(None) };
        let since = self.all_changes_of_work_tree(Some(&new.commit), &tree)?;
        let is_back = |change: &TreeChange| {
            let made = new.changes.iter().find(|made| made.path == change.path);
            request.paths.contains(&change.path) && made.is_some_and(|made| made.before == change.after)
        };
        Ok(since.iter().any(is_back).then(|| newest.commit.clone()))
    }
}

/// A commit and its first parent.
pub(super) fn linked(object: &GitObject) -> LinkedCommit {
    let line = object.bytes.split(|b| *b == b'\n').nth(1).and_then(|line| line.strip_prefix(b"parent "));
    let parent = line.and_then(|line| String::from_utf8(line.to_vec()).ok());
    LinkedCommit { parent, commit: object.id.clone() }
}

/// Whether the message of a commit object has this one in it: hooks add lines before and after it.
fn message_has(commit: &[u8], message: &str) -> bool {
    let wanted = message.trim().as_bytes();
    let Some(head) = commit.windows(2).position(|pair| pair == b"\n\n") else { return false };
    !wanted.is_empty() && commit[head..].windows(wanted.len()).any(|text| text == wanted)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::git::commit::{CommitError, CommitOutcome};
    use crate::git::testing::{git, hook, last_commit, repository, status, step};

    /// What is in the history, newest first.
    fn subjects(top: &std::path::Path) -> String {
        git(top, &["log", "--format=%s"]).replace('\n', " ")
    }

    #[test]
    fn a_commit_that_a_hook_makes_on_top_stays() {
        let ways = [
            "unset GIT_INDEX_FILE; echo x >> CHANGES; git add CHANGES; git commit -qm log -- CHANGES",
            "echo x >> CHANGES; git add CHANGES; git commit -qm log",
        ];
        for way in ways {
            let (_dir, repo) = repository();
            let top = &repo.top;
            hook(top, "post-commit", &format!("[ -n \"$AGAIN\" ] && exit 0\nexport AGAIN=1\n{way}"));
            for name in ["one", "two"] {
                let done = step(&repo, |top| fs::write(top.join(name), "x").unwrap());
                let Ok(CommitOutcome::New { commit, note, .. }) = done else { panic!("{way}: {done:?}") };
                assert_eq!(git(top, &["rev-parse", "HEAD~1"]), commit, "{way}");
                assert_eq!(note, None);
                assert_eq!(status(top), [""; 0], "{way}");
            }
            assert_eq!(subjects(top), "log the step log the step first");
        }
    }

    #[test]
    fn a_commit_that_a_person_makes_while_a_hook_runs_stays() {
        // the person's index does not have our commit yet, so theirs takes it back
        let ways = ["git add human; git commit -qm human", "git commit -qm human --only human"];
        for way in ways {
            let (_dir, repo) = repository();
            let top = &repo.top;
            let script = format!(
                "[ -e .git/once ] && exit 0\ntouch .git/once\nunset GIT_INDEX_FILE\necho x > human; git add human\n{way}"
            );
            hook(top, "post-commit", &script);
            let done = step(&repo, |top| fs::write(top.join("made"), "x").unwrap());
            assert!(matches!(&done, Ok(CommitOutcome::New { .. })), "{way}: {done:?}");
            let kept = git(top, &["ls-tree", "--name-only", "HEAD"]);
            assert_eq!(kept, "first\nhuman\nmade", "{way}: {done:?}");
            assert_eq!(status(top), [""; 0], "{way}: {}", subjects(top));
        }
    }

    #[test]
    fn a_hook_that_takes_the_commit_back_keeps_the_commits_before_it() {
        let (_dir, repo) = repository();
        let top = &repo.top;
        git(top, &["commit", "-q", "--allow-empty", "-m", "second"]);
        hook(top, "post-commit", "git reset -q --soft HEAD~1");
        let done = step(&repo, |top| fs::write(top.join("made"), "x").unwrap());
        assert!(matches!(&done, Err(CommitError::TakenBack { .. })), "{done:?}");
        assert_eq!(subjects(top), "second first");
        assert_eq!(status(top), ["?? made"]);
    }

    #[test]
    fn a_commit_that_a_hook_amends_is_the_tasks() {
        let (_dir, repo) = repository();
        let top = &repo.top;
        let script = "[ -n \"$AGAIN\" ] && exit 0\nexport AGAIN=1\ngit commit -q --amend -m amended";
        hook(top, "post-commit", script);
        let done = step(&repo, |top| fs::write(top.join("made"), "x").unwrap());
        let Ok(CommitOutcome::New { commit, .. }) = done else { panic!("{done:?}") };
        assert_eq!(git(top, &["rev-parse", "HEAD"]), commit);
        assert_eq!((last_commit(top), status(top)), (vec!["A\tmade".to_owned()], Vec::new()));
    }

    #[test]
    fn a_commit_during_a_hook_that_comes_before_ours_stays() {
        let (_dir, repo) = repository();
        let top = &repo.top;
        // git finds HEAD moved, and the commit is made anew
        let script = "[ -e .git/once ] && exit 0\ntouch .git/once\nunset GIT_INDEX_FILE\n\
                      echo x > human; git add human; git commit -qm human";
        hook(top, "pre-commit", script);
        hook(top, "post-commit", "git log -1 --format=%s >> .git/made");
        let done = step(&repo, |top| fs::write(top.join("made"), "x").unwrap());
        assert!(matches!(&done, Ok(CommitOutcome::New { .. })), "{done:?}");
        assert_eq!(
            (last_commit(top), subjects(top)),
            (vec!["A\tmade".to_owned()], "the step human first".into())
        );
        let made = fs::read_to_string(top.join(".git/made")).unwrap();
        assert_eq!(made, "human\nthe step\n", "no commit was made that takes the person's back");
        assert_eq!(status(top), [""; 0]);
    }

    #[test]
    fn a_hook_that_is_ended_after_the_commit_is_named() {
        let (_dir, repo) = repository();
        let top = &repo.top;
        hook(top, "post-commit", "kill -9 $PPID");
        let done = step(&repo, |top| fs::write(top.join("made"), "x").unwrap());
        let Ok(CommitOutcome::New { note, .. }) = done else { panic!("{done:?}") };
        assert!(note.as_ref().is_some_and(|note| note.contains("the commit is made, but")), "{note:?}");
    }
}
