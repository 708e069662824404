//! What lies between two trees.

use super::call::{DEADLINE, GitCall, GitError, one_line};
use super::change::{TreeChange, parse};
use super::repository::also_objects_of;
use super::snapshot::{Snapshots, private_folder};

/// How differences are shown to a person.
#[derive(Debug, Clone, Copy)]
pub struct DiffLook {
    /// Only files with counts of lines.
    pub stat: bool,
    /// With or without colours; `None`: as the user's git does it.
    pub color: Option<bool>,
}

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

    /// As [`Self::changes`]; `None` where git does not have one of the trees any more.
    pub fn changes_if_kept(&self, from: &str, to: &str) -> Result<Option<Vec<TreeChange>>, GitError> {
        match self.changes(from, to) {
            Err(error) if error.is_missing_object() => Ok(None),
            found => found.map(Some),
        }
    }

    /// What a commit is compared with: its first parent, or the tree without entries.
    pub fn before_commit(&self, commit: &str) -> Result<String, GitError> {
        let (name, parent) = (format!("{commit}^{{commit}}"), format!("{commit}^"));
        let verify = |name: &str| self.call(["rev-parse", "--verify", "--quiet", name]);
        match verify(&parent).run(&self.repository().supervisor) {
            Ok(printed) => Ok(one_line(&printed)),
            Err(GitError::Failed { .. }) => {
                verify(&name).run(&self.repository().supervisor).map_err(|error| match error {
                    GitError::Failed { .. } => {
                        GitError::Unusable { why: format!("git does not have the commit {commit} any more") }
                    }
                    error => error,
                })?;
                Ok(empty_tree(commit).to_owned())
            }
            Err(error) => Err(error),
        }
    }

    /// The tree `base` with these changes: what one task changed, without what others did meanwhile.
    pub fn tree_with(&self, base: &str, changes: &[TreeChange]) -> Result<String, GitError> {
        private_folder(&self.objects())?;
        let folder = tempfile::Builder::new().prefix("diff-").tempdir_in(self.folder());
        let folder = folder.map_err(|e| GitError::Unusable {
            why: format!("making a folder in {}: {e}", self.folder().display()),
        })?;
        let index = folder.path().join("index");
        let supervisor = &self.repository().supervisor;
        self.call(["read-tree", base]).env("GIT_INDEX_FILE", &index).run(supervisor)?;
        let entries = changes.iter().map(|change| (&change.path, &change.after));
        self.write_entries(&index, entries)?;
        let tree = self.call(["write-tree"]).env("GIT_INDEX_FILE", &index).run(supervisor)?;
        Ok(one_line(&tree))
    }

    /// The call with which a person sees what lies between two trees or commits: with the pager and the colours of the
    /// user's git. `kept`: the trees are those of snapshots.
    #[must_use]
    pub fn diff_call(&self, (from, to): (&str, &str), kept: bool, look: DiffLook) -> GitCall<'_> {
        let stat = look.stat.then_some("--stat");
        let color = look.color.map(|color| if color { "--color" } else { "--no-color" });
        let args = ["diff"].into_iter().chain(stat).chain(color).chain([from, to, "--"]);
        let call = GitCall::as_typed(&self.repository().top, args, DEADLINE);
        if kept { call.envs([also_objects_of(&self.objects())]) } else { call }
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
