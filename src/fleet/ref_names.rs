//! PURE. The refs of a spec on a remote.

use crate::sys::digest::digest;

/// Where all refs of seqorch are that are no branches.
const HOME: &str = "refs/seqorch";

/// How the names of the refs with the leases of all specs begin.
pub const RUNS: &str = "refs/seqorch/run/";

/// The names of the refs of one spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefNames {
    /// The spec's part of the names.
    pub key: String,
    /// The ref with the lease and the state.
    pub run: String,
    /// The ref of the branch on which its tasks are committed.
    pub branch: String,
}

impl RefNames {
    /// Those of the spec at this path, relative to the top of the repository, whose tasks are committed on `branch`.
    #[must_use]
    pub fn of(path: &str, branch: &str) -> Self {
        let key = key(path);
        Self { run: format!("{RUNS}{key}"), branch: format!("refs/heads/{branch}"), key }
    }

    /// The ref that keeps a commit which is not on the branch.
    #[must_use]
    pub fn kept(&self, epoch: u64, number: u64) -> String {
        format!("{HOME}/kept/{}/{epoch}-{number}", self.key)
    }

    /// The refs of answers and of kept commits, as patterns.
    #[must_use]
    pub fn below(&self) -> [String; 2] {
        ["answer", "kept"].map(|kind| format!("{HOME}/{kind}/{}/*", self.key))
    }
}

/// The ref of an account, or the prefix of all of them.
#[must_use]
pub fn account(name: &str) -> String {
    format!("{HOME}/account/{name}")
}

/// A part of a ref's name that differs for different paths: git refuses `a b`, `x.lock` and `a..b`.
fn key(path: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let words: Vec<String> =
        path.split('/').map(|part| part.chars().map(plain).collect::<String>()).collect();
    let name = words.iter().rev().find(|word| word.chars().any(|c| c != '-')).cloned().unwrap_or_default();
    let slug: String = name.trim_matches('-').chars().take(40).collect();
    let slug = slug.trim_end_matches('-');
    let digest = digest(path.as_bytes());
    if slug.is_empty() { digest } else { format!("{slug}-{digest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refs_of_a_spec_are_names_that_git_takes() {
        for path in ["specs/login", "a b", "x.lock", "a..b", "-", "Über/…", "docs/plans/export.md"] {
            let names = RefNames::of(path, "seqorch/login");
            let key = &names.key;
            assert!(key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{key}");
            assert!(!key.starts_with('-') && !key.contains('/'), "{key}");
        }
        let names = RefNames::of(".kiro/specs/login", "seqorch/login");
        assert!(names.run.starts_with("refs/seqorch/run/login-"), "{names:?}");
        assert_eq!(names.branch, "refs/heads/seqorch/login");
        assert_eq!(names.kept(2, 7), format!("refs/seqorch/kept/{}/2-7", names.key));
    }

    #[test]
    fn two_specs_of_one_name_have_two_refs() {
        assert_ne!(RefNames::of("a/login", "b").run, RefNames::of("b/login", "b").run);
    }
}
