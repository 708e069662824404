//! The refs of a spec on a remote: reads them, makes the objects that they lead to, and moves several of them at once.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::call::{GitCall, GitError, one_line};
use super::path::RepoPath;
use super::repository::Repository;

/// Settings of calls to a remote: nothing else is pushed or fetched, and no clean-up begins.
const ALONE: [&str; 12] = [
    "-c",
    "push.followTags=false",
    "-c",
    "push.gpgSign=false",
    "-c",
    "push.recurseSubmodules=no",
    "-c",
    "fetch.recurseSubmodules=no",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
];
/// Who makes the commits that carry a state. They are on no branch.
pub(super) const MAKER: [(&str, &str); 4] = [
    ("GIT_AUTHOR_NAME", "seqorch"),
    ("GIT_AUTHOR_EMAIL", "seqorch@localhost"),
    ("GIT_COMMITTER_NAME", "seqorch"),
    ("GIT_COMMITTER_EMAIL", "seqorch@localhost"),
];

/// How the names of the files begin that a run keeps beside a spec.
const OWN_FILES: &str = "SEQUENTIAL_";

/// A ref of a remote, and what it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// Its whole name.
    pub name: String,
    /// What it must be; `None`: it must not exist.
    pub from: Option<String>,
    /// What it gets; `None`: it is removed.
    pub to: Option<String>,
}

/// What a remote has, as it was fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchedRefs {
    /// The ref with the lease.
    pub run: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The ref that keeps commits, where one was asked for.
    pub kept: Option<String>,
}

/// The names of the refs of a spec that are fetched.
#[derive(Debug, Clone, Copy)]
pub struct FetchNames<'a> {
    /// The ref with the lease.
    pub run: &'a str,
    /// The branch.
    pub branch: &'a str,
    /// A ref that keeps commits.
    pub kept: Option<&'a str>,
}

impl Repository {
    /// Fetches refs of a spec with their objects; `into`: where they are noted in this repository.
    pub fn fetch_spec_refs(
        &self,
        address: &str,
        FetchNames { run, branch, kept }: FetchNames<'_>,
        into: &str,
        deadline: Duration,
    ) -> Result<FetchedRefs, GitError> {
        // a pattern is no error where the ref does not exist
        let runs = format!("+{run}*:{into}/run*");
        let branches = format!("+{branch}:{into}/branch");
        let keeps = kept.map(|kept| format!("+{kept}*:{into}/kept*"));
        let without_branch: Vec<&str> =
            [Some(&runs), keeps.as_ref()].into_iter().flatten().map(String::as_str).collect();
        let fetch = |refs: &[&str]| {
            let flags = ["fetch", "--quiet", "--no-tags", "--prune", "--no-write-fetch-head", "--", address];
            let call = self.call(ALONE.iter().chain(&flags).chain(refs)).env("GIT_TERMINAL_PROMPT", "0");
            call.within(deadline).run(&self.supervisor)
        };
        let has_branch = match fetch(&[&without_branch[..], &[&branches]].concat()) {
            Ok(_) => true,
            Err(error) if error.words().contains("couldn't find remote ref") => {
                fetch(&without_branch)?;
                false
            }
            Err(error) => return Err(error),
        };
        let printed = self.ask(["for-each-ref", "--format=%(refname) %(objectname)", into])?;
        let of = |name: &str| {
            let wanted = format!("{into}/{name} ");
            printed.lines().find_map(|line| line.strip_prefix(wanted.as_str())).map(str::to_owned)
        };
        let kept = of("kept").filter(|_| kept.is_some());
        Ok(FetchedRefs { run: of("run"), branch: of("branch").filter(|_| has_branch), kept })
    }

    /// Fetches the refs of a remote that begin like this, with their objects: the rest of their names, and the objects. `into`:
    /// where they are noted in this repository.
    pub fn fetch_below(
        &self,
        address: &str,
        prefix: &str,
        into: &str,
        deadline: Duration,
    ) -> Result<Vec<(String, String)>, GitError> {
        let refs = format!("+{prefix}*:{into}/*");
        let flags =
            ["fetch", "--quiet", "--no-tags", "--prune", "--no-write-fetch-head", "--", address, &refs];
        let call = self.call(ALONE.iter().chain(&flags)).env("GIT_TERMINAL_PROMPT", "0");
        call.within(deadline).run(&self.supervisor)?;
        let printed = self.ask(["for-each-ref", "--format=%(objectname) %(refname)", into])?;
        let own = format!("{into}/");
        let entry = |line: &str| {
            let (object, name) = line.split_once(' ')?;
            Some((name.strip_prefix(&own)?.to_owned(), object.to_owned()))
        };
        Ok(printed.lines().filter_map(entry).collect())
    }

    /// Removes refs of this repository that begin like this. What another process holds stays.
    pub fn remove_own_refs(&self, prefix: &str) {
        let Ok(printed) = self.ask(["for-each-ref", "--format=%(refname)", prefix]) else { return };
        for name in printed.lines() {
            let _ = self.call(["update-ref", "--no-deref", "-d", name]).run(&self.supervisor);
        }
    }

    /// Moves refs of a remote: all of them, or none.
    pub fn push_refs(
        &self,
        address: &str,
        updates: &[RefUpdate],
        deadline: Duration,
    ) -> Result<(), GitError> {
        let mut args: Vec<String> = ALONE.map(str::to_owned).to_vec();
        args.extend(["push", "--porcelain", "--atomic", "--no-verify"].map(str::to_owned));
        for update in updates {
            let from = update.from.as_deref().unwrap_or_default();
            args.push(format!("--force-with-lease={}:{from}", update.name));
        }
        args.extend(["--".to_owned(), address.to_owned()]);
        let refs =
            updates.iter().map(|one| format!("{}:{}", one.to.as_deref().unwrap_or_default(), one.name));
        args.extend(refs);
        let call = self.call(args).env("GIT_TERMINAL_PROMPT", "0").within(deadline);
        call.run(&self.supervisor).map(drop)
    }

    /// An error where a remote does not say that it moves several refs at once or not at all. Nothing is pushed. Where it does
    /// not answer, that is no error.
    pub fn check_atomic_pushes(&self, address: &str, deadline: Duration) -> Result<(), GitError> {
        let flags = ["push", "--porcelain", "--atomic", "--dry-run", "--no-verify", "--", address];
        let args = ALONE.iter().chain(&flags).chain(&["HEAD:refs/seqorch/probe"]);
        let pushed = self.call(args).env("GIT_TERMINAL_PROMPT", "0").within(deadline).run(&self.supervisor);
        pushed.map(drop).or_else(|error| if error.words().contains("--atomic") { Err(error) } else { Ok(()) })
    }

    /// Whether files of a commit are kept by Git LFS.
    pub fn uses_lfs(&self, commit: &str) -> Result<bool, GitError> {
        let args = ["grep", "--quiet", "-e", "filter=lfs", commit, "--", ":(glob)**/.gitattributes"];
        match self.call(args).read(&self.supervisor) {
            Ok(_) => Ok(true),
            Err(GitError::Failed { code: Some(1), .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the program of Git LFS is installed.
    #[must_use]
    pub fn has_lfs(&self) -> bool {
        self.call(["lfs", "version"]).run(&self.supervisor).is_ok()
    }

    /// Uploads the files of a commit that Git LFS keeps, which is else done by a hook of pushes.
    pub fn push_lfs(&self, remote: &str, commit: &str, deadline: Duration) -> Result<(), GitError> {
        let call = self.call(["lfs", "push", remote, commit]).env("GIT_TERMINAL_PROMPT", "0");
        call.within(deadline).run(&self.supervisor).map(drop)
    }

    /// Writes a file's content and returns the name of its object.
    pub fn write_content(&self, bytes: &[u8]) -> Result<String, GitError> {
        self.call(["hash-object", "-w", "--stdin"])
            .stdin(bytes)
            .run(&self.supervisor)
            .map(|out| one_line(&out))
    }

    /// Makes a commit, on no branch, whose tree has these files: their names, and the objects of their contents.
    pub fn write_record(
        &self,
        parent: Option<&str>,
        files: &[(&str, &str)],
        message: &str,
    ) -> Result<String, GitError> {
        let line = |(name, object): &(&str, &str)| format!("100644 blob {object}\t{name}\n");
        let list = files.iter().map(line).collect::<Vec<_>>().concat();
        let tree = self.call(["mktree"]).stdin(list.as_bytes()).run(&self.supervisor)?;
        let tree = one_line(&tree);
        let mut args = vec!["commit-tree", "--no-gpg-sign", "-m", message];
        args.extend(parent.iter().flat_map(|parent| ["-p", *parent]));
        args.push(&tree);
        let call = self.call(args).envs(MAKER.map(|(name, value)| (name, value.into())));
        call.run(&self.supervisor).map(|out| one_line(&out))
    }

    /// A file in a commit; `None` where it has none of that name.
    pub fn read_record(&self, commit: &str, file: &str) -> Result<Option<Vec<u8>>, GitError> {
        let name = format!("{commit}:{file}");
        match self.call(["cat-file", "blob", &name]).read(&self.supervisor) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(GitError::Failed { words, .. }) if words.contains("does not exist in") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The values of a trailer in commits of `to` that `from` does not have, with the commits, oldest first.
    pub fn trailers(
        &self,
        from: Option<&str>,
        to: &str,
        key: &str,
    ) -> Result<Vec<(String, String)>, GitError> {
        let range = from.map_or_else(|| to.to_owned(), |from| format!("{from}..{to}"));
        let format = format!("--format=%H %(trailers:key={key},valueonly,separator=%x20)");
        let printed = self.ask(["log", "--reverse", "--no-show-signature", &format, &range, "--"])?;
        let pairs = printed.lines().filter_map(|line| line.split_once(' '));
        let with_value = pairs.filter(|(_, value)| !value.trim().is_empty());
        Ok(with_value.map(|(commit, value)| (commit.to_owned(), value.trim().to_owned())).collect())
    }

    /// Has a branch of this repository lead to a commit. It must be checked out nowhere.
    pub fn set_branch(&self, branch: &str, commit: &str) -> Result<(), GitError> {
        let args = ["branch", "--quiet", "--force", "--no-track", "--", branch, commit];
        self.call(args).run_patiently(&self.supervisor).map(drop)
    }

    /// Has a ref of this repository keep a commit.
    pub fn keep_under(&self, name: &str, commit: &str) -> Result<(), GitError> {
        self.call(["update-ref", "--no-deref", name, commit]).run_patiently(&self.supervisor).map(drop)
    }

    /// Moves HEAD and the files that differ; an error that names them where files that are not committed are in the way.
    pub fn move_head(&self, commit: &str, deadline: Duration) -> Result<(), GitError> {
        // `reset` takes a file for changed whose times are not those in the index, as after a commit of ours
        self.call(["update-index", "-q", "--refresh"]).within(deadline).run_patiently(&self.supervisor)?;
        let call = self.call(["reset", "--quiet", "--keep", commit]).within(deadline);
        match call.run_patiently(&self.supervisor) {
            Err(GitError::Failed { command, code: Some(code), words }) => {
                let words = self.in_the_way(commit).ok().flatten().unwrap_or(words);
                Err(GitError::Failed { command, code: Some(code), words })
            }
            done => done.map(drop),
        }
    }

    /// The sentence about the files which are not committed and which `commit` has otherwise than HEAD; `None` where there
    /// are none.
    fn in_the_way(&self, commit: &str) -> Result<Option<String>, GitError> {
        let status = self.status()?;
        let args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "HEAD", commit, "--"];
        let printed = self.call(args).read(&self.supervisor)?;
        let names = printed.split(|b| *b == 0).filter(|name| !name.is_empty());
        let moved: BTreeSet<RepoPath> = names.map(RepoPath::new).collect();
        let is_moved = |path: &&RepoPath| moved.contains(*path);
        let names: Vec<String> =
            status.uncommitted().into_iter().filter(is_moved).map(ToString::to_string).collect();
        Ok((!names.is_empty()).then(|| {
            let names = names.join(", ");
            format!("not committed here, and changed by what was pushed; commit or move them: {names}")
        }))
    }

    /// Puts everything that is not committed on git's stash. Returns whether there was something.
    pub fn stash_all(&self, deadline: Duration) -> Result<bool, GitError> {
        let status = self.status()?;
        if !status.uncommitted().iter().any(|path| !path.to_string().contains(OWN_FILES)) {
            return Ok(false);
        }
        let message = "seqorch: left in the work tree before it started over";
        let others = format!(":(exclude,glob)**/{OWN_FILES}*");
        let args = ["stash", "push", "--quiet", "--include-untracked", "-m", message, "--", ".", &others];
        self.call(args).within(deadline).run_patiently(&self.supervisor)?;
        Ok(true)
    }

    /// Goes to a branch, and has it and all files be those of a commit, whatever they are. The branch where HEAD was stays as it
    /// is.
    pub fn start_over_on(&self, branch: &str, commit: &str, deadline: Duration) -> Result<(), GitError> {
        let args = ["checkout", "--quiet", "--force", "--no-track", "-B", branch, commit, "--"];
        self.call(args).within(deadline).run_patiently(&self.supervisor).map(drop)
    }

    /// Makes the commits of `to` that `from` does not have once more, on top of `base`, in a work tree of their own at
    /// `folder`. Returns the old and the new names, oldest first; `None` where one of them does not fit.
    pub fn pick_onto(
        &self,
        base: &str,
        (from, to): (Option<&str>, &str),
        folder: &Path,
        deadline: Duration,
    ) -> Result<Option<Vec<(String, String)>>, GitError> {
        let range = from.map_or_else(|| to.to_owned(), |from| format!("{from}..{to}"));
        let commits = self.ask(["rev-list", "--reverse", "--topo-order", &range, "--"])?;
        let add = self.call(["worktree", "add", "--quiet", "--detach", "--"]).arg(folder).arg(base);
        add.within(deadline).run_patiently(&self.supervisor)?;
        let picked = self.pick(commits.lines(), folder, deadline);
        let _ = self.remove_tree(folder, deadline);
        picked
    }

    fn pick<'c>(
        &self,
        commits: impl Iterator<Item = &'c str>,
        folder: &Path,
        deadline: Duration,
    ) -> Result<Option<Vec<(String, String)>>, GitError> {
        let mut picked = Vec::new();
        for commit in commits {
            let args = ["cherry-pick", "--allow-empty", "--keep-redundant-commits", commit];
            let call = GitCall::new(folder, args).overriding(self.overrides()).within(deadline);
            match call.run(&self.supervisor) {
                Ok(_) => {}
                Err(GitError::Failed { code: Some(1), .. }) => return Ok(None),
                Err(error) => return Err(error),
            }
            let head = GitCall::new(folder, ["rev-parse", "--verify", "HEAD^{commit}"]);
            picked.push((commit.to_owned(), one_line(&head.read(&self.supervisor)?)));
        }
        Ok(Some(picked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};

    const MINUTE: Duration = Duration::from_secs(60);
    const RUN: &str = "refs/seqorch/run/a-1";
    const BRANCH: &str = "refs/heads/seqorch/a";
    const KEPT: &str = "refs/seqorch/kept/a-1/1-1";

    fn remote() -> (tempfile::TempDir, Repository, String) {
        let (dir, repo) = repository();
        git(dir.path(), &["init", "-q", "--bare", "remote.git"]);
        let address = dir.path().join("remote.git").to_str().unwrap().to_owned();
        (dir, repo, address)
    }

    fn fetched(repo: &Repository, address: &str) -> FetchedRefs {
        let names = FetchNames { run: RUN, branch: BRANCH, kept: Some(KEPT) };
        repo.fetch_spec_refs(address, names, "refs/seqorch/seen/a", MINUTE).unwrap()
    }

    fn update(name: &str, from: Option<&str>, to: Option<&str>) -> RefUpdate {
        RefUpdate { name: name.to_owned(), from: from.map(str::to_owned), to: to.map(str::to_owned) }
    }

    #[test]
    fn two_refs_move_at_once_or_not_at_all() {
        let (_dir, repo, address) = remote();
        assert_eq!(fetched(&repo, &address), FetchedRefs::default());
        let head = repo.head().unwrap().unwrap();
        let content = repo.write_content(b"{}\n").unwrap();
        let first = repo.write_record(None, &[("lease.json", &content)], "take").unwrap();
        let push = |updates: &[RefUpdate]| repo.push_refs(&address, updates, MINUTE);
        push(&[update(RUN, None, Some(&first)), update(BRANCH, None, Some(&head))]).unwrap();
        let both = FetchedRefs { run: Some(first.clone()), branch: Some(head.clone()), kept: None };
        assert_eq!(fetched(&repo, &address), both);
        assert_eq!(repo.read_record(&first, "lease.json").unwrap().as_deref(), Some(&b"{}\n"[..]));
        assert_eq!(repo.read_record(&first, "other").unwrap(), None);
        let second = repo.write_record(Some(&first), &[("lease.json", &content)], "renew").unwrap();
        git(&repo.top, &["commit", "-q", "--allow-empty", "-m", "more"]);
        let more = repo.head().unwrap().unwrap();
        // the branch is not what is expected, so the other ref does not move, either
        push(&[update(RUN, Some(&first), Some(&second)), update(BRANCH, None, Some(&more))]).unwrap_err();
        assert_eq!(fetched(&repo, &address), both);
        push(&[update(RUN, Some(&first), None)]).unwrap();
        assert_eq!(fetched(&repo, &address), FetchedRefs { run: None, ..both });
    }

    #[test]
    fn a_removed_ref_and_one_with_a_similar_name_are_not_the_ref() {
        let (_dir, repo, address) = remote();
        let head = repo.head().unwrap().unwrap();
        let like = format!("{BRANCH}2");
        let other = format!("{KEPT}0");
        let all = [BRANCH, &like, KEPT, &other].map(|name| update(name, None, Some(&head)));
        repo.push_refs(&address, &all, MINUTE).unwrap();
        let found = fetched(&repo, &address);
        assert_eq!((found.branch.as_ref(), found.kept.as_ref()), (Some(&head), Some(&head)));
        let gone = [BRANCH, KEPT].map(|name| update(name, Some(&head), None));
        repo.push_refs(&address, &gone, MINUTE).unwrap();
        assert_eq!(fetched(&repo, &address), FetchedRefs::default());
    }

    #[test]
    fn files_with_other_times_move_and_changed_ones_are_named() {
        let (_dir, repo) = repository();
        let file = repo.top.join("f1");
        std::fs::write(&file, "1\n").unwrap();
        git(&repo.top, &["add", "f1"]);
        git(&repo.top, &["commit", "-q", "-m", "ours"]);
        let ours = repo.head().unwrap().unwrap();
        git(&repo.top, &["rm", "-q", "f1"]);
        git(&repo.top, &["commit", "-q", "-m", "theirs"]);
        let theirs = repo.head().unwrap().unwrap();
        git(&repo.top, &["reset", "-q", "--hard", &ours]);
        let long_ago = std::time::SystemTime::UNIX_EPOCH + MINUTE;
        std::fs::File::options().append(true).open(&file).unwrap().set_modified(long_ago).unwrap();
        repo.move_head(&theirs, MINUTE).unwrap();
        assert!(!file.exists());
        repo.move_head(&ours, MINUTE).unwrap();
        std::fs::write(&file, "mine\n").unwrap();
        let words = repo.move_head(&theirs, MINUTE).unwrap_err().words();
        assert!(words.starts_with("not committed here") && words.ends_with(": f1"), "{words}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine\n");
    }

    #[test]
    fn commits_are_made_again_on_top_of_others_unless_they_conflict() {
        let (dir, repo) = repository();
        let base = repo.head().unwrap().unwrap();
        let commit = |file: &str, text: &str| {
            std::fs::write(repo.top.join(file), text).unwrap();
            git(&repo.top, &["add", file]);
            git(&repo.top, &["commit", "-q", "-m", &format!("{file}\n\nSeqorch-Task: a/1")]);
            repo.head().unwrap().unwrap()
        };
        let ours = commit("ours", "1\n");
        git(&repo.top, &["checkout", "-q", "--detach", &base]);
        let theirs = commit("theirs", "1\n");
        let folder = dir.path().join("pick");
        let range = (Some(base.as_str()), ours.as_str());
        let picked = repo.pick_onto(&theirs, range, &folder, MINUTE).unwrap().unwrap();
        assert_eq!((picked.len(), &picked[0].0), (1, &ours));
        assert!(repo.is_ancestor(&theirs, &picked[0].1).unwrap() && !folder.exists());
        let tasks = repo.trailers(Some(&theirs), &picked[0].1, "Seqorch-Task").unwrap();
        assert_eq!(tasks, [(picked[0].1.clone(), "a/1".to_owned())]);
        let other = commit("ours", "2\n");
        assert_eq!(repo.pick_onto(&other, range, &folder, MINUTE).unwrap(), None);
        assert!(!folder.exists());
        std::fs::write(repo.top.join("left"), "x").unwrap();
        assert!(repo.stash_all(MINUTE).unwrap() && !repo.stash_all(MINUTE).unwrap());
        repo.start_over_on("main", &base, MINUTE).unwrap();
        assert!(!repo.top.join("left").exists() && !repo.top.join("theirs").exists());
        assert!(git(&repo.top, &["stash", "list"]).contains("started over"));
        assert_eq!(git(&repo.top, &["symbolic-ref", "HEAD"]), "refs/heads/main");
    }

    #[test]
    fn a_tree_that_starts_over_leaves_the_branch_where_it_was() {
        let (_dir, repo) = repository();
        let base = repo.head().unwrap().unwrap();
        git(&repo.top, &["checkout", "-q", "-b", "feature"]);
        git(&repo.top, &["commit", "-q", "--allow-empty", "-m", "mine"]);
        let mine = repo.head().unwrap().unwrap();
        repo.start_over_on("seqorch/a", &base, MINUTE).unwrap();
        assert_eq!(repo.branch().unwrap().as_deref(), Some("seqorch/a"));
        assert_eq!(
            (repo.head().unwrap(), repo.commit_of_branch("feature").unwrap()),
            (Some(base), Some(mine))
        );
    }
}
