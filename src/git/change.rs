//! PURE. A path that differs between two trees, and how git lists it.

use std::collections::BTreeMap;

use super::path::RepoPath;

/// What a path is in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// The mode as git writes it: `100644`, `120000` …
    pub mode: String,
    /// Git's name of the content.
    pub object: String,
}

impl TreeEntry {
    /// Whether there is something: git writes zeros for a path that a tree does not have.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.mode != "000000"
    }

    /// Whether it is a commit of another repository, of which this one has no object.
    #[must_use]
    pub fn is_submodule(&self) -> bool {
        self.mode == "160000"
    }
}

/// A file that differs between two trees, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its path from the top of the repository, as people read it.
    pub path: String,
    /// Lines added; `None` for a binary file.
    pub insertions: Option<u64>,
    /// Lines deleted; `None` for a binary file.
    pub deletions: Option<u64>,
}

impl From<&TreeChange> for FileChange {
    fn from(change: &TreeChange) -> Self {
        let TreeChange { path, insertions, deletions, .. } = change;
        Self { path: path.to_string(), insertions: *insertions, deletions: *deletions }
    }
}

/// A path that differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeChange {
    /// The path.
    pub path: RepoPath,
    /// What it was.
    pub before: TreeEntry,
    /// What it became.
    pub after: TreeEntry,
    /// Lines added; `None` for a binary file.
    pub insertions: Option<u64>,
    /// Lines removed; `None` for a binary file.
    pub deletions: Option<u64>,
}

/// Reads `diff-tree -r -z --raw --numstat`: first all raw records, then all counts.
pub(super) fn parse(printed: &[u8]) -> Option<Vec<TreeChange>> {
    let mut fields = printed.split(|b| *b == 0).filter(|field| !field.is_empty());
    let mut found: BTreeMap<RepoPath, TreeChange> = BTreeMap::new();
    while let Some(field) = fields.next() {
        if let Some(raw) = field.strip_prefix(b":") {
            let raw = String::from_utf8_lossy(raw);
            let mut words = raw.split(' ');
            let mut word = || words.next().map(str::to_owned);
            let (old_mode, new_mode, old, new) = (word()?, word()?, word()?, word()?);
            let path = RepoPath::new(fields.next()?);
            let change = TreeChange {
                path: path.clone(),
                before: TreeEntry { mode: old_mode, object: old },
                after: TreeEntry { mode: new_mode, object: new },
                insertions: None,
                deletions: None,
            };
            found.insert(path, change);
            continue;
        }
        let mut columns = field.splitn(3, |b| *b == b'\t');
        let mut count = || std::str::from_utf8(columns.next()?).ok()?.parse().ok();
        let (insertions, deletions) = (count(), count());
        if let Some(change) = columns.next().map(RepoPath::new).and_then(|path| found.get_mut(&path)) {
            (change.insertions, change.deletions) = (insertions, deletions);
        }
    }
    Some(found.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_records_and_counts_are_joined_by_path() {
        let printed =
            b":100644 100755 aaa bbb M\0a b\0:000000 100644 000 ccc A\0bin\x001\t2\ta b\0-\t-\tbin\0";
        let found = parse(printed).unwrap();
        let [text, binary] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(
            (text.path.to_string(), text.insertions, text.deletions),
            ("a b".to_owned(), Some(1), Some(2))
        );
        assert_eq!((text.before.mode.as_str(), text.after.mode.as_str()), ("100644", "100755"));
        assert!(!binary.before.exists() && binary.insertions.is_none());
    }
}
