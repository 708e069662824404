//! The commands that lead back to where HEAD was before an agent moved it.

use std::collections::BTreeSet;
use std::fs;

use super::call::GitError;
use super::operation::GitOperation;
use super::path::RepoPath;
use super::repository::Repository;
use super::status::Head;

/// How a person gets back to an earlier HEAD.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WayBack {
    /// The arguments of git, command by command; `None`: the commit is not in the repository any more.
    pub commands: Option<Vec<Vec<String>>>,
    /// The branch has another name now.
    pub is_renamed: bool,
}

impl Repository {
    /// How a person gets from `after` back to `before`.
    pub fn way_back(&self, before: &Head, after: &Head) -> Result<WayBack, GitError> {
        if let Some(commit) = &before.commit
            && !self.has_commit(commit)?
        {
            return Ok(WayBack::default());
        }
        let operation = self.operation()?;
        let abort = operation.map(|operation| words(operation.abort()));
        if operation == Some(GitOperation::Rebase) && self.rebase_began_at(before) {
            return Ok(WayBack { commands: Some(abort.into_iter().collect()), is_renamed: false });
        }
        let is_renamed = match (&before.branch, &after.branch) {
            (Some(old), Some(new)) if old != new => self.was_renamed(old, new)?,
            _ => false,
        };
        let steps = match (&before.branch, &before.commit, &after.branch) {
            (Some(old), _, Some(new)) if is_renamed => {
                vec![words_and("branch -m", [new, old])]
            }
            // a branch without a commit
            (Some(old), None, _) => vec![words_and("symbolic-ref HEAD", [&format!("refs/heads/{old}")])],
            (None, Some(commit), _) => vec![words(&format!("switch --detach {commit:.9}"))],
            (Some(old), Some(commit), new) if new.as_ref() == Some(old) => match &after.commit {
                Some(_) => vec![words(&format!("reset --keep {commit:.9}"))],
                None => vec![words(&format!("update-ref HEAD {commit:.9}"))],
            },
            (Some(old), Some(commit), _) => self.to_branch(old, commit)?,
            (None, None, _) => Vec::new(),
        };
        let steps = if is_renamed {
            steps
        } else {
            let softly = self.without_own_files(before, steps.clone())?;
            // an abort takes back what the operation left in files
            let changes_files = softly == steps && operation.is_none();
            if changes_files { self.around_edits(before, softly)? } else { softly }
        };
        Ok(WayBack { commands: Some(abort.into_iter().chain(steps).collect()), is_renamed })
    }

    /// Where HEAD has files of seqorch in its commits, as an agent's `git add -A` puts them there, git would not leave it: they
    /// change while a run works. Then all files stay as they are, and only HEAD and the index go back.
    fn without_own_files(
        &self,
        before: &Head,
        steps: Vec<Vec<String>>,
    ) -> Result<Vec<Vec<String>>, GitError> {
        let Some(commit) = before.commit.as_deref().filter(|_| !steps.is_empty()) else { return Ok(steps) };
        let args = ["diff", "--name-only", "-z", "--diff-filter=A", commit, "HEAD"];
        let added = match self.ask(args) {
            Ok(added) => added,
            // a branch without a commit has none
            Err(GitError::Failed { .. }) => return Ok(steps),
            Err(error) => return Err(error),
        };
        if !added.split('\0').any(|path| RepoPath::new(path).is_of_seqorch()) {
            return Ok(steps);
        }
        let to = |branch: &str| words_and("symbolic-ref HEAD", [&format!("refs/heads/{branch}")]);
        let softly = |step: Vec<String>| match step.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["reset", "--keep", commit] => vec![words_and("reset --quiet", [commit])],
            ["switch", "--detach", commit] => {
                vec![words("switch --detach"), words_and("reset --quiet", [commit])]
            }
            ["switch", "-c", branch, commit] => {
                vec![words_and("branch", [branch, commit]), to(branch), words("reset --quiet")]
            }
            ["switch", branch] => vec![to(branch), words("reset --quiet")],
            _ => vec![step],
        };
        Ok(steps.into_iter().flat_map(softly).collect())
    }

    /// With files put aside that have edits and are otherwise in the commit to go to: git would refuse to go there.
    fn around_edits(&self, before: &Head, steps: Vec<Vec<String>>) -> Result<Vec<Vec<String>>, GitError> {
        let changes_files =
            |step: &Vec<String>| step[0] == "switch" || step.iter().any(|word| word == "--keep");
        let Some(commit) = before.commit.as_deref().filter(|_| steps.iter().any(changes_files)) else {
            return Ok(steps);
        };
        let names = |args: &[&str]| match self.ask(["diff", "--name-only", "-z"].iter().chain(args)) {
            Ok(names) => Ok(names),
            // a branch without a commit
            Err(GitError::Failed { .. }) => Ok(String::new()),
            Err(error) => Err(error),
        };
        // this refreshes the index, without which `reset --keep` refuses files that were only written again
        let edited = names(&["HEAD"])?;
        let changed = names(&["HEAD", commit])?;
        let changed: BTreeSet<&str> = changed.split('\0').filter(|name| !name.is_empty()).collect();
        if !edited.split('\0').any(|name| changed.contains(name)) {
            return Ok(steps);
        }
        Ok([words("stash")].into_iter().chain(steps).chain([words("stash pop")]).collect())
    }

    /// From elsewhere to this commit on this branch.
    fn to_branch(&self, branch: &str, commit: &str) -> Result<Vec<Vec<String>>, GitError> {
        let Some(tip) = self.commit_of(&format!("refs/heads/{branch}"))? else {
            return Ok(vec![words_and("switch -c", [branch, &format!("{commit:.9}")])]);
        };
        let mut steps = vec![words_and("switch", [branch])];
        if !self.is_ancestor(commit, &tip)? {
            steps.push(words(&format!("reset --keep {commit:.9}")));
        }
        Ok(steps)
    }

    /// Whether this repository has a commit.
    pub fn has_commit(&self, commit: &str) -> Result<bool, GitError> {
        self.commit_of(commit).map(|found| found.is_some())
    }

    /// The commit that a name leads to, if there is one.
    fn commit_of(&self, name: &str) -> Result<Option<String>, GitError> {
        match self.ask(["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]) {
            Ok(commit) => Ok(Some(commit)),
            Err(GitError::Failed { code: Some(_), .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether git's own log says that a branch got another name.
    fn was_renamed(&self, old: &str, new: &str) -> Result<bool, GitError> {
        if self.commit_of(&format!("refs/heads/{old}"))?.is_some() {
            return Ok(false);
        }
        let name = format!("refs/heads/{new}");
        let renamed = format!("Branch: renamed refs/heads/{old} to {name}");
        match self.ask(["log", "--walk-reflogs", "--format=%gs", "--max-count=50", &name, "--"]) {
            Ok(log) => Ok(log.lines().any(|line| line == renamed)),
            Err(GitError::Failed { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the end of the rebase in progress is where HEAD was.
    fn rebase_began_at(&self, before: &Head) -> bool {
        ["rebase-merge", "rebase-apply"].iter().any(|folder| {
            let says = |name: &str| fs::read_to_string(self.git_dir.join(folder).join(name)).ok();
            let (name, commit) = (says("head-name"), says("orig-head"));
            let branch = before
                .branch
                .as_ref()
                .map_or_else(|| "detached HEAD".to_owned(), |branch| format!("refs/heads/{branch}"));
            name.is_some_and(|name| name.trim_end() == branch)
                && commit.as_deref().map(str::trim_end) == before.commit.as_deref()
        })
    }
}

fn words(command: &str) -> Vec<String> {
    command.split(' ').map(str::to_owned).collect()
}

/// Words, and arguments that may have any characters.
fn words_and<const N: usize>(command: &str, more: [&str; N]) -> Vec<String> {
    words(command).into_iter().chain(more.into_iter().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::git::testing::{git, repository};

    fn head(top: &Path) -> Head {
        let line = |args: &[&str]| {
            let out = Command::new("git").args(args).current_dir(top).output().unwrap();
            let text = String::from_utf8_lossy(&out.stdout).trim().to_owned();
            (out.status.success() && !text.is_empty()).then_some(text)
        };
        Head {
            commit: line(&["rev-parse", "--verify", "--quiet", "HEAD"]),
            branch: line(&["symbolic-ref", "--quiet", "--short", "HEAD"]),
        }
    }

    fn sh(top: &Path, script: &str) {
        let status = Command::new("sh").args(["-c", script]).current_dir(top).output().unwrap();
        assert!(status.status.success(), "{script}: {status:?}");
    }

    #[test]
    #[ignore = "slow"]
    fn the_way_back_leads_back_from_everywhere() {
        const CONFLICT: &str = "git checkout -q -b theirs; echo theirs > first; git commit -qam theirs; git checkout -q main; \
             echo ours > first; git commit -qam ours";
        for (setup, act, commands, renamed) in [
            ("", "git branch -m other", "git branch -m other main", true),
            ("", "git branch -m other; git commit -q --allow-empty -m x", "git branch -m other main", true),
            ("", "git switch -q -c other", "git switch main", false),
            ("", "git switch -q -c other; git branch -q -D main", "git switch -c main HASH", false),
            ("", "git checkout -q --detach", "git switch main", false),
            (
                "",
                "git checkout -q --detach; git branch -f main HEAD~1",
                "git switch main; git reset --keep HASH",
                false,
            ),
            ("", "git update-ref -d refs/heads/main", "git update-ref HEAD HASH", false),
            ("", "git reset -q --hard HEAD~1", "git reset --keep HASH", false),
            ("", "git commit -q --amend --allow-empty -m amended", "git reset --keep HASH", false),
            ("git checkout -q --detach", "git switch -q main", "git switch --detach HASH", false),
            ("git checkout -q --detach", "git reset -q --hard HEAD~1", "git switch --detach HASH", false),
            (CONFLICT, "git rebase -q theirs || true", "git rebase --abort", false),
            (
                CONFLICT,
                "git switch -q theirs; git merge -q main || true",
                "git merge --abort; git switch main",
                false,
            ),
            (
                "",
                "git bisect start -q HEAD HEAD~1 >/dev/null; git checkout -q HEAD~1",
                "git bisect reset; git switch main",
                false,
            ),
            (
                "",
                "echo 1 > SEQUENTIAL_STATE.json; git checkout -q --detach; git add -A; git commit -qm x; \
                 echo 2 > SEQUENTIAL_STATE.json",
                "git symbolic-ref HEAD refs/heads/main; git reset --quiet",
                false,
            ),
            (
                "",
                "echo 1 > SEQUENTIAL_STATE.json; git add -A; git commit -q --amend -m x; echo 2 > SEQUENTIAL_STATE.json",
                "git reset --quiet HASH",
                false,
            ),
            (
                "seq 9 > first; git commit -qam nine; sed -i.x s/1/one/ first; git commit -qam one",
                "git reset -q --hard HEAD~1; sed -i.x s/9/nine/ first",
                "git stash; git reset --keep HASH; git stash pop",
                false,
            ),
            (
                "",
                "echo x > made; git add made; git commit -q --amend --allow-empty -m x; touch -d 2001-01-01 made",
                "git reset --keep HASH",
                false,
            ),
            (
                "echo a > made; git add made; git commit -qm made; git checkout -q --detach; echo 1 > SEQUENTIAL_STATE.json",
                "echo b > made; git add -A; git commit -q --amend -m x; echo 2 > SEQUENTIAL_STATE.json",
                "git switch --detach; git reset --quiet HASH",
                false,
            ),
            ("git checkout -q -b 'odd;name'", "git switch -q main", "git switch odd;name", false),
        ] {
            let (_dir, repo) = repository();
            git(&repo.top, &["commit", "-q", "--allow-empty", "-m", "second"]);
            sh(&repo.top, setup);
            let before = head(&repo.top);
            sh(&repo.top, act);
            let after = head(&repo.top);
            let way = repo.way_back(&before, &after).unwrap();
            let hash: String = before.commit.as_ref().unwrap().chars().take(9).collect();
            let found = way.commands.unwrap();
            let shown: Vec<String> =
                found.iter().map(|args| format!("git {}", args.join(" ").replace(&hash, "HASH"))).collect();
            assert_eq!((shown.join("; ").as_str(), way.is_renamed), (commands, renamed), "{act}");
            for args in &found {
                git(&repo.top, &args.iter().map(String::as_str).collect::<Vec<_>>());
            }
            let back = head(&repo.top);
            assert_eq!(back.branch, before.branch, "{act}");
            let is_there = repo.is_ancestor(before.commit.as_ref().unwrap(), "HEAD").unwrap();
            assert!(is_there, "{act}: {back:?}");
            assert_eq!(repo.operation().unwrap(), None, "{act}");
        }
    }

    #[test]
    fn nothing_leads_back_to_a_commit_that_is_gone() {
        let (_dir, repo) = repository();
        let before = Head { commit: Some("1".repeat(40)), branch: Some("main".into()) };
        let way = repo.way_back(&before, &head(&repo.top)).unwrap();
        assert_eq!(way, WayBack { commands: None, is_renamed: false });
    }
}
