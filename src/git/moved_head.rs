//! Where HEAD is elsewhere than at the end of an agent's work: what of the work is left to commit.

use std::collections::{BTreeSet, HashSet};

use super::call::GitError;
use super::diff::tree_of;
use super::own_commit::{LOOKED_AT, linked};
use super::path::RepoPath;
use super::snapshot::Snapshots;

/// What an agent left.
#[derive(Debug, Clone, Copy)]
pub struct FinishedWork<'a> {
    /// The commit that HEAD was before its work.
    pub before: Option<&'a str>,
    /// The commit that HEAD was after it.
    pub after: Option<&'a str>,
    /// The tree of all files after it.
    pub tree: &'a str,
}

/// What entries of a reflog begin with where HEAD went to a commit that was there before.
const WENT: [&str; 5] = ["checkout", "reset", "clone", "Branch", "seqorch"];
/// And what is in that of a rebase that goes there.
const WENT_ALONG: [&str; 3] = ["(start)", "(finish)", "(abort)"];

/// Whether an entry of a reflog is that of a new commit.
fn is_made(entry: &str) -> bool {
    // what follows may be the subject of a commit
    let (action, rest) = entry.split_once(": ").unwrap_or((entry, ""));
    let is_forward = (action.starts_with("merge") || action.starts_with("pull")) && rest == "Fast-forward";
    !action.is_empty()
        && !is_forward
        && !WENT.contains(&action)
        && !WENT_ALONG.iter().any(|went| action.contains(went))
}

/// What of an agent's work is left to commit.
#[derive(Debug)]
pub struct WorkToCommit {
    /// The commit on which the agent did it.
    pub base: Option<String>,
    /// The paths that a commit takes.
    pub own: BTreeSet<RepoPath>,
    /// Paths that the agent changed in another version than HEAD has, so no commit takes them.
    pub elsewhere: BTreeSet<RepoPath>,
}

impl Snapshots<'_> {
    /// What is left to commit of an agent's changes to its paths `own`. Where a person led HEAD back from where the agent had
    /// moved it, what the agent only took from the history there is not its work.
    pub fn follow_head(
        &self,
        work: &FinishedWork<'_>,
        mut own: BTreeSet<RepoPath>,
    ) -> Result<WorkToCommit, GitError> {
        let all_on = |base: Option<&str>, own| WorkToCommit {
            base: base.map(str::to_owned),
            own,
            elsewhere: BTreeSet::new(),
        };
        let head = self.head_commit()?;
        let (Some(now), Some(after)) = (head.as_deref(), work.after) else {
            return Ok(all_on(work.after, own));
        };
        let is_beneath = |old: Option<&str>, new: &str| match old {
            Some(old) => self.repository().is_ancestor(old, new),
            None => Ok(true),
        };
        // HEAD has what the agent left, and not only because the agent went back in history
        let is_kept = now == after
            || is_beneath(Some(after), now)?
                && (is_beneath(work.before, after)? || !is_beneath(work.before, now)?);
        if is_kept {
            return Ok(all_on(work.after, own));
        }
        let ground = self.ground(work.before, after)?;
        let changed = self.paths_unlike(ground.as_deref(), work.tree)?;
        own.retain(|path| changed.contains(path));
        let Some(before) = work.before else { return Ok(all_on(None, own)) };
        let moved = self.paths_between(ground.as_deref(), before)?;
        let differs = self.paths_unlike(Some(before), work.tree)?;
        let (elsewhere, own) =
            own.into_iter().partition(|path| moved.contains(path) && differs.contains(path));
        Ok(WorkToCommit { base: Some(before.to_owned()), own, elsewhere })
    }

    /// The newest commit beneath `after` that the agent did not make; `None` where it made all of them. What HEAD did is in
    /// its reflog. Without one, it is the newest that `before` has, too.
    fn ground(&self, before: Option<&str>, after: &str) -> Result<Option<String>, GitError> {
        let Some(made) = self.made_by_agent(before, after)? else {
            return before.map_or(Ok(None), |before| self.repository().common_commit(before, after));
        };
        let mut next = Some(after.to_owned());
        for _ in 0..LOOKED_AT {
            let Some(id) = next.as_deref().filter(|id| made.contains(*id)) else { break };
            next = self.read_object(id)?.and_then(|object| linked(&object).parent);
        }
        Ok(next)
    }

    /// The commits that were made in the work tree between these two; `None` where the reflog does not say it.
    fn made_by_agent(&self, before: Option<&str>, after: &str) -> Result<Option<HashSet<String>>, GitError> {
        let log =
            match self.repository().ask(["log", "--walk-reflogs", "-n", "1000", "--format=%H %gs", "HEAD"]) {
                Ok(log) => log,
                Err(GitError::Failed { .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
        // newest first
        let entries = log.lines().filter_map(|line| line.split_once(' '));
        let entries: Vec<(&str, &str)> = entries.skip_while(|(id, _)| *id != after).collect();
        let began = match before {
            Some(before) => entries.iter().position(|(id, _)| *id == before),
            None => Some(entries.len()),
        };
        let Some(of_agent) = began.filter(|began| *began > 0).map(|began| &entries[..began]) else {
            return Ok(None);
        };
        let made = of_agent.iter().filter(|(_, what)| is_made(what));
        Ok(Some(made.map(|(id, _)| (*id).to_owned()).collect()))
    }

    /// The paths at which two commits differ; `None` is before the first one.
    pub fn paths_between(&self, one: Option<&str>, other: &str) -> Result<BTreeSet<RepoPath>, GitError> {
        let tree = self.read_object(other)?.and_then(|object| tree_of(&object.bytes));
        tree.map_or_else(|| Ok(BTreeSet::new()), |tree| self.paths_unlike(one, &tree))
    }

    /// The paths at which a tree is not as a commit; `None` is before the first one.
    pub(super) fn paths_unlike(
        &self,
        commit: Option<&str>,
        tree: &str,
    ) -> Result<BTreeSet<RepoPath>, GitError> {
        match self.changes_of_work_tree(commit, tree) {
            // history was rewritten, and git forgot it
            Err(error) if error.is_missing_object() => Ok(BTreeSet::new()),
            changes => Ok(changes?.into_iter().map(|change| change.path).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::git::commit::{CommitOutcome, CommitRequest};
    use crate::git::testing::{git, last_commit, repository, status};

    /// What is there after a task whose agent moved HEAD.
    #[derive(Debug, PartialEq)]
    struct Left {
        /// What the last commit changed.
        last: Vec<String>,
        status: Vec<String>,
        /// What `first` holds in the last commit.
        first: String,
        /// The agent's paths that are in no commit.
        elsewhere: Vec<String>,
    }

    fn left(last: &[&str], status: &[&str], first: &str, elsewhere: &[&str]) -> Left {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Left {
            last: owned(last),
            status: owned(status),
            first: first.to_owned(),
            elsewhere: owned(elsewhere),
        }
    }

    /// A repository with two commits and a branch `side` of a person's, an agent that works in it, and a person who finds the way back.
    fn after(agent: impl FnOnce(&Path), person: impl FnOnce(&Path, &str)) -> Left {
        let (_dir, repo) = repository();
        let top = &repo.top;
        fs::write(top.join("one"), "1\n").unwrap();
        fs::write(top.join("first"), "first\none\n").unwrap();
        git(top, &["add", "."]);
        git(top, &["commit", "-qm", "one"]);
        git(top, &["switch", "-qc", "side", "HEAD~1"]);
        fs::write(top.join("theirs"), "side\n").unwrap();
        fs::write(top.join("first"), "first\nside\n").unwrap();
        git(top, &["add", "."]);
        git(top, &["commit", "-qm", "side"]);
        git(top, &["switch", "-q", "-"]);
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        let before = snapshots.take().unwrap();
        agent(top);
        fs::write(top.join("two"), "2\n").unwrap();
        let left = snapshots.take().unwrap();
        let old = before.head.commit.clone().unwrap();
        person(top, &old);
        let changes = snapshots.changes(&before.tree, &left.tree).unwrap();
        let own = changes.into_iter().map(|change| change.path).collect();
        let after = left.head.commit.as_deref();
        let work = FinishedWork { before: Some(&old), after, tree: &left.tree };
        let WorkToCommit { base, own, elsewhere } = snapshots.follow_head(&work, own).unwrap();
        let head = snapshots.head_commit().unwrap();
        let request = CommitRequest {
            tree: &left.tree,
            paths: &own,
            head: head.as_deref(),
            base: base.as_deref(),
            is_late: true,
            message: "two\n",
            deadline: std::time::Duration::from_secs(30),
        };
        let done = snapshots.commit(&request).unwrap().0;
        assert!(matches!(done, CommitOutcome::New { .. }), "{done:?}");
        Left {
            last: last_commit(top),
            status: status(top),
            first: git(top, &["show", "HEAD:first"]),
            elsewhere: elsewhere.iter().map(ToString::to_string).collect(),
        }
    }

    fn switched_back(top: &Path, _: &str) {
        git(top, &["switch", "-q", "-f", "main"]);
    }

    fn back(top: &Path, old: &str) {
        git(top, &["update-index", "-q", "--refresh"]);
        git(top, &["reset", "-q", "--keep", old]);
    }

    #[test]
    fn the_way_back_from_a_reset_keeps_the_commits_before_it() {
        let reset = |top: &Path| drop(git(top, &["reset", "-q", "--hard", "HEAD~1"]));
        assert_eq!(after(reset, back), left(&["A\ttwo"], &[], "first\none", &[]));
    }

    #[test]
    fn work_on_an_older_version_of_a_file_is_not_committed_over_a_newer_one() {
        let reset = |top: &Path| {
            git(top, &["reset", "-q", "--hard", "HEAD~1"]);
            fs::write(top.join("first"), "first\ntwo\n").unwrap();
        };
        let person = |top: &Path, old: &str| drop(git(top, &["reset", "-q", "--hard", old]));
        assert_eq!(after(reset, person), left(&["A\ttwo"], &[], "first\none", &["first"]));
    }

    #[test]
    fn the_way_back_from_another_branch_keeps_the_work() {
        let branch = |top: &Path| {
            git(top, &["switch", "-qc", "feature"]);
            fs::write(top.join("first"), "first\none\ntwo\n").unwrap();
            fs::write(top.join("two"), "2\n").unwrap();
            fs::remove_file(top.join("one")).unwrap();
            git(top, &["add", "-A"]);
            git(top, &["commit", "-qm", "work"]);
        };
        let expected = left(&["M\tfirst", "D\tone", "A\ttwo"], &[], "first\none\ntwo", &[]);
        assert_eq!(after(branch, switched_back), expected);
    }

    #[test]
    fn what_another_branch_has_is_no_work_of_an_agent_that_went_there() {
        let goes = |top: &Path| drop(git(top, &["switch", "-q", "side"]));
        assert_eq!(after(goes, switched_back), left(&["A\ttwo"], &[], "first\none", &[]));
        let works = |top: &Path| {
            git(top, &["switch", "-q", "side"]);
            for name in ["theirs", "own"] {
                fs::write(top.join(name), "agent\n").unwrap();
            }
            git(top, &["add", "-A"]);
            git(top, &["commit", "-qm", "work"]);
        };
        assert_eq!(after(works, switched_back), left(&["A\town", "A\ttwo"], &[], "first\none", &["theirs"]));
    }

    #[test]
    fn a_branch_that_is_ahead_brings_nothing_into_the_work() {
        let goes = |top: &Path| {
            git(top, &["worktree", "add", "-q", "-b", "ahead", "../up", "main"]);
            let up = top.join("../up");
            fs::write(up.join("theirs"), "x\n").unwrap();
            git(&up, &["add", "theirs"]);
            git(&up, &["commit", "-qm", "theirs"]);
            git(top, &["worktree", "remove", "--force", "../up"]);
            git(top, &["switch", "-q", "ahead"]);
        };
        assert_eq!(after(goes, switched_back), left(&["A\ttwo"], &[], "first\none", &[]));
        let works = |top: &Path| {
            git(top, &["switch", "-qc", "other"]);
            fs::write(top.join("made"), "agent\n").unwrap();
            git(top, &["add", "made"]);
            git(top, &["commit", "-qm", "Handle (abort): Fast-forward"]);
        };
        let expected = left(&["A\tmade", "A\ttwo"], &[], "first\none", &[]);
        assert_eq!(after(works, switched_back), expected);
    }

    #[test]
    fn new_commits_are_known_by_the_reflog() {
        for (entry, expected) in [
            ("commit: Handle (abort) of: Fast-forward", true),
            ("commit (amend): x", true),
            ("rebase (pick): x", true),
            ("merge side: Merge made by the 'ort' strategy.", true),
            ("merge side: Fast-forward", false),
            ("pull: Fast-forward", false),
            ("rebase (start): checkout side", false),
            ("rebase -i (finish): returning to refs/heads/main", false),
            ("reset: moving to HEAD~1", false),
            ("checkout: moving from main to side", false),
            ("", false),
        ] {
            assert_eq!(is_made(entry), expected, "{entry}");
        }
    }

    #[test]
    fn what_a_rebase_brings_is_no_work_of_the_agent() {
        for rule in ["-Xtheirs", "-Xours"] {
            let rebase = |top: &Path| drop(git(top, &["rebase", "-q", rule, "side"]));
            assert_eq!(after(rebase, back), left(&["A\ttwo"], &[], "first\none", &[]), "{rule}");
        }
    }

    #[test]
    fn a_branch_without_history_takes_no_file_away() {
        let orphan = |top: &Path| {
            git(top, &["switch", "-q", "--orphan", "new"]);
            fs::write(top.join("made"), "agent\n").unwrap();
            git(top, &["add", "made"]);
            git(top, &["commit", "-qm", "made"]);
        };
        assert_eq!(after(orphan, switched_back), left(&["A\tmade", "A\ttwo"], &[], "first\none", &[]));
    }

    #[test]
    fn the_way_back_from_an_amended_commit_keeps_both() {
        let amend = |top: &Path| {
            fs::write(top.join("two"), "2\n").unwrap();
            git(top, &["add", "two"]);
            git(top, &["commit", "-q", "--amend", "--no-edit"]);
        };
        assert_eq!(after(amend, back), left(&["A\ttwo"], &[], "first\none", &[]));
    }

    #[test]
    fn without_a_reflog_the_common_history_is_no_work_of_the_agent() {
        let reset = |top: &Path| {
            git(top, &["reset", "-q", "--hard", "HEAD~1"]);
            fs::remove_dir_all(top.join(".git/logs")).unwrap();
        };
        assert_eq!(after(reset, back), left(&["A\ttwo"], &[], "first\none", &[]));
    }
}
