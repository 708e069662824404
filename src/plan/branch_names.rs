//! PURE. The names of branches on which runs work, and which of them are protected.

use globset::Glob;

/// Characters that no name of a branch may have.
const REFUSED: [char; 8] = [' ', '~', '^', ':', '?', '*', '[', '\\'];

/// The pattern for the branch of a work tree of a spec's own, where none is set.
pub const OF_OWN_TREES: &str = "seqorch/{spec}";

/// The branch for a spec: the pattern with its name. What git refuses in a name is a dash; the pattern stays as it is.
#[must_use]
pub fn branch(pattern: &str, spec: &str) -> String {
    let is_refused = |c: char| c.is_control() || REFUSED.contains(&c);
    let plain: String = spec.chars().map(|c| if is_refused(c) { '-' } else { c }).collect();
    let parts = plain.split('/').filter(|part| !part.is_empty()).map(|part| {
        let part = part.replace("..", "-").replace("@{", "-");
        let part = part.trim_start_matches(['.', '-']).trim_end_matches('.');
        let part = part.strip_suffix(".lock").unwrap_or(part);
        if part.is_empty() { "-".to_owned() } else { part.to_owned() }
    });
    pattern.replace("{spec}", &parts.collect::<Vec<_>>().join("/"))
}

/// Whether one of the names and globs of `git.protect` means the branch.
#[must_use]
pub fn is_protected(protect: &[String], branch: &str) -> bool {
    let matches = |glob: &String| Glob::new(glob).is_ok_and(|glob| glob.compile_matcher().is_match(branch));
    protect.iter().any(|glob| glob == branch || matches(glob))
}

#[cfg(test)]
mod tests {
    use super::{branch, is_protected};

    #[test]
    fn a_branch_is_protected_by_its_name_or_by_a_glob() {
        let protect = ["main", "release/*"].map(str::to_owned);
        for (name, expected) in [
            ("main", true),
            ("release/1.2", true),
            ("release/1/x", true),
            ("mainly", false),
            ("seqorch/a", false),
        ] {
            assert_eq!(is_protected(&protect, name), expected, "{name}");
        }
        assert!(!is_protected(&[], "main"));
    }

    #[test]
    fn the_branch_of_a_spec_has_its_name_without_what_git_refuses() {
        for (spec, expected) in [
            ("shop", "seqorch/shop"),
            ("docs/plans/export.md", "seqorch/docs/plans/export.md"),
            ("a b:c", "seqorch/a-b-c"),
            (".hidden/x..y.lock", "seqorch/hidden/x-y"),
            ("über", "seqorch/über"),
            ("...", "seqorch/-"),
        ] {
            assert_eq!(branch("seqorch/{spec}", spec), expected);
        }
        assert_eq!(branch("night", "shop"), "night");
    }
}
