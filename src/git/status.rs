//! PURE. What `git status --porcelain=v2 -z --branch` says: HEAD, and the paths that differ from the index.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::path::RepoPath;

/// Where HEAD is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The commit; `None` before the first one.
    pub commit: Option<String>,
    /// The branch; `None` where HEAD is detached.
    pub branch: Option<String>,
}

/// What one look at the work tree found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkTreeStatus {
    /// Where HEAD is.
    pub head: Head,
    /// Tracked paths that differ from the index, removed ones included.
    pub changed: Vec<RepoPath>,
    /// Paths that are staged otherwise than HEAD has them.
    pub staged: Vec<RepoPath>,
    /// New paths.
    pub untracked: Vec<RepoPath>,
    /// New paths that are repositories of their own.
    pub nested: Vec<RepoPath>,
    /// Submodules with edits that are not committed inside them.
    pub edited_submodules: Vec<RepoPath>,
}

impl WorkTreeStatus {
    /// Paths that are not committed as they are, each once.
    #[must_use]
    pub fn uncommitted(&self) -> BTreeSet<&RepoPath> {
        let lists = [&self.staged, &self.changed, &self.untracked, &self.nested, &self.edited_submodules];
        lists.into_iter().flatten().collect()
    }

    /// Reads what git printed. Files of seqorch itself are left out.
    #[must_use]
    pub fn parse(printed: &[u8]) -> Self {
        let mut look = Self::default();
        for record in printed.split(|b| *b == 0) {
            let Some((kind, rest)) = record.split_first() else { continue };
            let rest = rest.strip_prefix(b" ").unwrap_or(rest);
            match kind {
                b'#' => look.head(rest),
                // `XY sub mH mI mW hH hI path`: the letter of the work tree is the second
                b'1' => look.tracked(rest, 7),
                // `XY sub m1 m2 m3 mW h1 h2 h3 path`: a conflict
                b'u' => look.tracked(rest, 9),
                b'?' => look.untracked(rest),
                _ => {}
            }
        }
        look
    }

    fn head(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        match line.split_once(' ') {
            Some(("branch.oid", oid)) if oid != "(initial)" => self.head.commit = Some(oid.to_owned()),
            Some(("branch.head", name)) if name != "(detached)" => self.head.branch = Some(name.to_owned()),
            _ => {}
        }
    }

    /// `XY …`: the index differs from HEAD (X), the file from the index (Y).
    fn tracked(&mut self, record: &[u8], fields: usize) {
        let Some(path) = record.splitn(fields + 1, |b| *b == b' ').nth(fields) else { return };
        let path = RepoPath::new(path);
        if path.is_of_seqorch() {
            return;
        }
        if record.first() != Some(&b'.') {
            self.staged.push(path.clone());
        }
        if record.get(1) == Some(&b'.') {
            return;
        }
        // `S<c><m><u>`: its commit moved, it has edits, it has new files
        let submodule = record.get(3..7).filter(|field| field.first() == Some(&b'S'));
        if submodule.is_some_and(|field| field[2] != b'.' || field[3] != b'.') {
            self.edited_submodules.push(path.clone());
        }
        // one that is gone, or something else now, has no commit that could have moved
        if submodule.is_none_or(|field| field[1] == b'C') || record.get(1) != Some(&b'M') {
            self.changed.push(path);
        }
    }

    fn untracked(&mut self, path: &[u8]) {
        let nested = path.strip_suffix(b"/");
        let path = RepoPath::new(nested.unwrap_or(path));
        if path.is_of_seqorch() {
            return;
        }
        if nested.is_some() { self.nested.push(path) } else { self.untracked.push(path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text)
    }

    #[test]
    fn head_changes_new_files_and_nested_repositories_are_distinct() {
        let printed = b"# branch.oid f44d\0# branch.head main\0# branch.upstream origin/main\0\
            1 .M N... 100644 100644 100644 7898 7898 a b.txt\x001 A. N... 000000 100644 100644 0000 7898 staged\0\
            1 AD N... 000000 100644 000000 0000 7898 gone\0u UU N... 100644 100644 100644 100644 1 2 3 both\0\
            1 .M S.MU 160000 160000 160000 7898 7898 edited\x001 .D S... 160000 160000 000000 7898 7898 removed\x001 .T S... 160000 160000 100644 7898 7898 replaced\x001 .M SC.. 160000 160000 160000 7898 7898 moved\0? app/\0? new\0? specs/SEQUENTIAL_STATE.json\0";
        let look = WorkTreeStatus::parse(printed);
        assert_eq!(look.head, Head { commit: Some("f44d".into()), branch: Some("main".into()) });
        assert_eq!(
            look.changed,
            [path("a b.txt"), path("gone"), path("both"), path("removed"), path("replaced"), path("moved")]
        );
        assert_eq!(look.edited_submodules, [path("edited")]);
        assert_eq!((look.untracked, look.nested), (vec![path("new")], vec![path("app")]));
    }

    #[test]
    fn an_unborn_or_detached_head_has_no_commit_or_no_branch() {
        let unborn = WorkTreeStatus::parse(b"# branch.oid (initial)\0# branch.head main\0").head;
        assert_eq!(unborn, Head { commit: None, branch: Some("main".into()) });
        let detached = WorkTreeStatus::parse(b"# branch.oid f44d\0# branch.head (detached)\0").head;
        assert_eq!(detached, Head { commit: Some("f44d".into()), branch: None });
    }
}
