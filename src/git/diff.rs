//! What lies between two trees.

use super::call::GitError;
use super::change::{TreeChange, parse};
use super::path::RepoPath;
use super::snapshot::Snapshots;

impl Snapshots<'_> {
    /// What lies between a commit and a tree; all files where there is no commit yet.
    pub fn changes_of_work_tree(
        &self,
        commit: Option<&str>,
        tree: &str,
    ) -> Result<Vec<TreeChange>, GitError> {
        self.changes(commit.unwrap_or_else(|| empty_tree(tree)), tree)
    }

    /// What lies between two trees, sorted by path. An error where git does not have one of them any more.
    pub fn changes(&self, from: &str, to: &str) -> Result<Vec<TreeChange>, GitError> {
        if from == to {
            return Ok(Vec::new());
        }
        let pair = (from.to_owned(), to.to_owned());
        if let Some(known) = self.compared.borrow().get(&pair) {
            return Ok(known.clone());
        }
        let call = self.call([
            "diff-tree",
            "-r",
            "-z",
            "--raw",
            "--numstat",
            "--no-renames",
            "--no-ext-diff",
            "--ignore-submodules=none",
            from,
            to,
        ]);
        let printed = call.run(&self.repository().supervisor)?;
        let list = parse(&printed)
            .ok_or_else(|| GitError::Unusable { why: "git diff-tree prints an unknown format".into() })?;
        let is_id = |name: &str| name.len() >= 40 && name.bytes().all(|b| b.is_ascii_hexdigit());
        if is_id(from) && is_id(to) {
            self.compared.borrow_mut().insert(pair, list.clone());
        }
        Ok(list)
    }
}

impl Snapshots<'_> {
    /// The difference between two trees in these paths, as git prints it for people.
    pub fn patch(&self, from: &str, to: &str, paths: &[&RepoPath]) -> Result<String, GitError> {
        let mut call =
            self.call(["diff-tree", "-r", "-p", "--no-renames", "--no-ext-diff", "--no-textconv", from, to]);
        call = call.arg("--");
        for path in paths {
            call = call.arg(path.as_path());
        }
        let printed = call.env("GIT_LITERAL_PATHSPECS", "1").run(&self.repository().supervisor)?;
        Ok(String::from_utf8_lossy(&printed).into_owned())
    }
}

/// The tree without entries, in a repository whose names are as long as this one.
fn empty_tree(like: &str) -> &'static str {
    if like.len() == 64 {
        "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
    } else {
        "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    }
}
