//! What lies between two trees.

use super::call::{DEADLINE, GitCall, GitError, one_line};
use super::change::{TreeChange, parse};
use super::files::{private_folder, remove, with_suffix};
use super::helpers::HelperTask;
use super::path::RepoPath;
use super::repository::also_objects_of;
use super::snapshot::Snapshots;
use super::spec_refs::MAKER;

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
        self.all_changes_of_work_tree(commit, tree).map(without_own)
    }

    /// The same with the files of seqorch.
    pub(super) fn all_changes_of_work_tree(
        &self,
        commit: Option<&str>,
        tree: &str,
    ) -> Result<Vec<TreeChange>, GitError> {
        let Some(commit) = commit else { return self.all_changes(empty_tree(tree), tree) };
        match self.read_object(commit)?.and_then(|object| tree_of(&object.bytes)) {
            Some(root) => self.all_changes(&root, tree),
            // git says what is wrong with it
            None => self.all_changes(commit, tree),
        }
    }

    /// What lies between two trees, sorted by path. An error where git does not have one of them any more.
    /// Files of seqorch are left out.
    pub fn changes(&self, from: &str, to: &str) -> Result<Vec<TreeChange>, GitError> {
        self.all_changes(from, to).map(without_own)
    }

    fn all_changes(&self, from: &str, to: &str) -> Result<Vec<TreeChange>, GitError> {
        if from == to {
            return Ok(Vec::new());
        }
        let pair = (from.to_owned(), to.to_owned());
        if let Some(known) = self.helpers().known_difference(&pair) {
            return Ok(known);
        }
        let are_ids = [from, to].iter().all(|name| is_id(name));
        if let Some(printed) = are_ids.then(|| self.compare(from, to)).transpose()?.flatten() {
            let list = parse(&printed).ok_or_else(unknown_format)?;
            self.helpers().remember_difference(pair, list.clone());
            return Ok(list);
        }
        let args = HelperTask::Compare.args().iter().copied().filter(|arg| *arg != "--stdin");
        let call = self.call(args.chain([from, to]));
        let printed = call.read(&self.repository().supervisor)?;
        parse(&printed).ok_or_else(unknown_format)
    }

    /// What the helper prints for two trees. `None` where it cannot compare them: a call of its own then says why.
    fn compare(&self, from: &str, to: &str) -> Result<Option<Vec<u8>>, GitError> {
        // a line that names no object comes back as it is, after all that was asked before
        let end = format!("end {from} {to}\n");
        let question = format!("{from} {to}\n{end}");
        let answer =
            self.ask(HelperTask::Compare, question.as_bytes(), |answer| answer.ends_with(end.as_bytes()));
        match answer {
            Ok(answer) => {
                let list = answer.strip_suffix(end.as_bytes()).unwrap_or(&answer);
                Ok(list.strip_prefix(format!("{from} {to}\n").as_bytes()).map(<[u8]>::to_vec))
            }
            // it ended over a tree that git does not have
            Err(GitError::Unusable { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// As [`Self::changes`]; `None` where git does not have one of the trees any more.
    pub fn changes_if_kept(&self, from: &str, to: &str) -> Result<Option<Vec<TreeChange>>, GitError> {
        match self.changes(from, to) {
            Err(error) if error.is_missing_object() => Ok(None),
            found => found.map(Some),
        }
    }

    /// Whether git has a tree.
    pub fn has_tree(&self, tree: &str) -> Result<bool, GitError> {
        self.read_object(tree).map(|object| object.is_some())
    }

    /// What a commit is compared with: its first parent, or the tree without entries.
    pub fn before_commit(&self, commit: &str) -> Result<String, GitError> {
        let (name, parent) = (format!("{commit}^{{commit}}"), format!("{commit}^"));
        let verify = |name: &str| self.call(["rev-parse", "--verify", "--quiet", name]);
        match verify(&parent).read(&self.repository().supervisor) {
            Ok(printed) => Ok(one_line(&printed)),
            Err(GitError::Failed { .. }) => {
                verify(&name).read(&self.repository().supervisor).map_err(|error| match error {
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
        let mop_up = || remove(&with_suffix(&index, ".lock"));
        self.call(["read-tree", base]).env("GIT_INDEX_FILE", &index).run_stubbornly(supervisor, mop_up)?;
        let entries = changes.iter().map(|change| (&change.path, &change.after));
        self.write_entries(&index, entries)?;
        let tree =
            self.call(["write-tree"]).env("GIT_INDEX_FILE", &index).run_stubbornly(supervisor, mop_up)?;
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

impl Snapshots<'_> {
    /// As [`Self::diff_call`], for several pairs one after another: what one task did each time, without what others did
    /// between. Git shows one pair at a time, so each pair is made two commits that no ref has.
    pub fn diffs_call(&self, pairs: &[(String, String)], look: DiffLook) -> Result<GitCall<'_>, GitError> {
        private_folder(&self.objects())?;
        let commits = pairs.iter().map(|(from, to)| {
            let before = self.unnamed_commit(from, None)?;
            self.unnamed_commit(to, Some(&before))
        });
        let commits = commits.collect::<Result<Vec<String>, GitError>>()?;
        let stat = look.stat.then_some("--stat");
        let color = look.color.map(|color| if color { "--color" } else { "--no-color" });
        let args = ["show", "--format="].into_iter().chain(stat).chain(color);
        let args = args.chain(commits.iter().map(String::as_str)).chain(["--"]);
        let call = GitCall::as_typed(&self.repository().top, args.collect::<Vec<_>>(), DEADLINE);
        Ok(call.envs([also_objects_of(&self.objects())]))
    }

    /// A commit of a tree, or of that of another commit.
    fn unnamed_commit(&self, of: &str, parent: Option<&str>) -> Result<String, GitError> {
        let tree = format!("{of}^{{tree}}");
        let mut args = vec!["commit-tree", "--no-gpg-sign", "-m", "-"];
        args.extend(parent.iter().flat_map(|parent| ["-p", *parent]));
        args.push(&tree);
        let call = self.call(args).envs(MAKER.map(|(name, value)| (name, value.into())));
        Ok(one_line(&call.run_stubbornly(&self.repository().supervisor, || Ok(()))?))
    }

    /// The difference between two trees in these paths, as git prints it for people.
    pub fn patch(&self, from: &str, to: &str, paths: &[&RepoPath]) -> Result<String, GitError> {
        let mut call =
            self.call(["diff-tree", "-r", "-p", "--no-renames", "--no-ext-diff", "--no-textconv", from, to]);
        call = call.arg("--");
        for path in paths {
            call = call.arg(path.as_path());
        }
        let printed = call.env("GIT_LITERAL_PATHSPECS", "1").read(&self.repository().supervisor)?;
        Ok(String::from_utf8_lossy(&printed).into_owned())
    }
}

fn without_own(mut list: Vec<TreeChange>) -> Vec<TreeChange> {
    list.retain(|change| !change.path.is_of_seqorch());
    list
}

fn is_id(name: &str) -> bool {
    name.len() >= 40 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

fn unknown_format() -> GitError {
    GitError::Unusable { why: "git diff-tree prints an unknown format".into() }
}

/// The tree of a commit object.
pub(super) fn tree_of(commit: &[u8]) -> Option<String> {
    let line = commit.strip_prefix(b"tree ")?.split(|b| *b == b'\n').next()?;
    String::from_utf8(line.to_vec()).ok()
}

/// The tree without entries, in a repository whose names are as long as this one.
fn empty_tree(like: &str) -> &'static str {
    if like.len() == 64 {
        "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
    } else {
        "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    }
}
