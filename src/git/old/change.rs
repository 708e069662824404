//! PURE. One changed file, and how git lists it.

/// A file that differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its path from the top of the repository.
    pub path: String,
    /// Lines added; `None` for a binary file.
    pub insertions: Option<u64>,
    /// Lines deleted; `None` for a binary file.
    pub deletions: Option<u64>,
}

/// Reads the output of `--numstat -z`.
#[must_use]
pub(super) fn parse_numstat(list: &str) -> Vec<FileChange> {
    list.split('\0')
        .filter_map(|entry| {
            let mut fields = entry.splitn(3, '\t');
            let insertions = fields.next()?.parse().ok();
            let deletions = fields.next()?.parse().ok();
            Some(FileChange { path: fields.next()?.to_owned(), insertions, deletions })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numstat_counts_lines_and_marks_binary_files() {
        let change =
            |path: &str, insertions, deletions| FileChange { path: path.to_owned(), insertions, deletions };
        assert_eq!(
            parse_numstat("2\t1\ta.txt\x001\t0\tnew\tname\x00-\t-\tlogo.png\0"),
            [
                change("a.txt", Some(2), Some(1)),
                change("new\tname", Some(1), Some(0)),
                change("logo.png", None, None)
            ]
        );
        assert_eq!(parse_numstat(""), []);
    }
}
