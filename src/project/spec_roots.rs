//! The folders that tools keep specs in.

use std::path::Path;

/// A folder of specs, relative to the project root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecRoot {
    /// The folder.
    pub folder: &'static str,
    /// The tool that writes specs there; `None` for folders that people choose themselves.
    pub tool: Option<&'static str>,
    /// A folder that only this tool makes in the root of a project.
    mark: Option<&'static str>,
}

/// All folders that are searched for specs besides `run.spec_root`, the most common first.
pub const SPEC_ROOTS: [SpecRoot; 7] = [
    SpecRoot { folder: ".kiro/specs", tool: Some("Kiro"), mark: Some(".kiro") },
    SpecRoot { folder: "specs", tool: Some("spec-kit"), mark: Some(".specify") },
    SpecRoot { folder: ".specify/specs", tool: Some("spec-kit"), mark: Some(".specify") },
    SpecRoot { folder: ".spec-workflow/specs", tool: Some("Spec Workflow"), mark: Some(".spec-workflow") },
    SpecRoot { folder: "openspec/changes", tool: Some("OpenSpec"), mark: Some("openspec/changes") },
    SpecRoot { folder: "docs/specs", tool: None, mark: None },
    SpecRoot { folder: "spec", tool: None, mark: None },
];

/// `OpenSpec` keeps finished changes here. It is not a spec, even if it has a tasks.md.
pub(super) const ARCHIVE: &str = "openspec/changes/archive";

/// Folders that mark the root of a project.
pub(super) fn root_marks() -> impl Iterator<Item = &'static str> {
    SPEC_ROOTS.iter().filter_map(|root| root.mark).chain([".git"])
}

/// The folders that are searched for specs, for an error: `run.spec_root` first.
pub(super) fn searched(spec_root: &Path) -> String {
    let configured = spec_root.display().to_string();
    let mut names: Vec<String> = Vec::new();
    if SPEC_ROOTS.iter().all(|root| root.folder != configured) {
        names.push(configured);
    }
    names.extend(SPEC_ROOTS.iter().map(|root| match root.tool {
        Some(tool) => format!("{} ({tool})", root.folder),
        None => root.folder.to_owned(),
    }));
    let last = names.pop().unwrap_or_default();
    format!("{} and {last}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_searched_folders_name_their_tools_and_the_configured_folder() {
        let all = searched(Path::new(".kiro/specs"));
        assert!(all.starts_with(".kiro/specs (Kiro), specs (spec-kit), "), "{all}");
        assert!(all.ends_with(", openspec/changes (OpenSpec), docs/specs and spec"), "{all}");
        assert!(searched(Path::new("plans")).starts_with("plans, .kiro/specs (Kiro), "));
    }
}
