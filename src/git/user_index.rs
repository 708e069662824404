//! What the user's index says that no look at the files shows.

use std::collections::BTreeSet;
use std::fs;

use super::call::GitError;
use super::path::RepoPath;
use super::snapshot::Snapshots;

impl Snapshots<'_> {
    /// What changed in the user's index and no look at the files shows: names that came though git
    /// ignores them, and names that went whose files git ignores now.
    pub(super) fn user_index_changes(&self) -> Result<(BTreeSet<RepoPath>, BTreeSet<RepoPath>), GitError> {
        let theirs = names(&self.repository().call(["ls-files", "-z"]).run(&self.repository().supervisor)?);
        let ours = names(&self.call(["ls-files", "-z"]).run(&self.repository().supervisor)?);
        let exists = |path: &&RepoPath| fs::symlink_metadata(self.at(path)).is_ok();
        let came: BTreeSet<RepoPath> = theirs.difference(&ours).filter(exists).cloned().collect();
        let went: Vec<&RepoPath> = ours.difference(&theirs).filter(exists).collect();
        let mut forget = BTreeSet::new();
        if !went.is_empty() {
            let input = went.iter().flat_map(|path| [path.bytes(), b"\0"].concat()).collect::<Vec<u8>>();
            let call = self.repository().call(["check-ignore", "-z", "--no-index", "--stdin"]).stdin(&input);
            match call.run(&self.repository().supervisor) {
                Ok(ignored) => forget = names(&ignored),
                // none of them is ignored: they are files like any other
                Err(GitError::Failed { code: Some(1), .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((came, forget))
    }
}

fn names(list: &[u8]) -> BTreeSet<RepoPath> {
    let names = list.split(|b| *b == 0).filter(|name| !name.is_empty());
    names.map(RepoPath::new).filter(|path| !path.is_of_seqorch()).collect()
}
