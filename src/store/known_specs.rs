//! Which specs of a project a run has worked on, wherever they are: any file that lists tasks can be one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::spec_folder::owner;
use super::state_file::StateText;
use crate::sys::nofollow::{self, WHOLE_MAX};

/// The paths of these specs relative to the root of the project, in the order of their names: folders, and files. They may
/// be gone.
///
/// Their folders in `.seqorch` name them. In a fresh checkout only the state file at the root does, and it names files alone
/// by their paths.
#[must_use]
pub fn known_specs(root: &Path) -> BTreeSet<PathBuf> {
    let folders = fs::read_dir(root.join(".seqorch")).into_iter().flatten().flatten();
    let owners = folders.filter_map(|folder| owner(&folder.path()));
    let names = names_in(&root.join("SEQUENTIAL_STATE.json")).into_iter().map(PathBuf::from);
    // an agent may have written either
    let is_inside = |path: &PathBuf| path.components().all(|part| matches!(part, Component::Normal(_)));
    owners.chain(names).filter(is_inside).collect()
}

fn names_in(state: &Path) -> Vec<String> {
    let text = nofollow::read(state, WHOLE_MAX).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match text.and_then(|text| StateText::read(&text).ok()) {
        Some(StateText::Ours(file)) => file.specs.into_keys().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::SpecState;
    use crate::store::spec_store::Store;

    #[test]
    fn files_with_a_state_are_known_also_in_a_fresh_checkout() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        assert!(known_specs(root).is_empty());
        for spec in ["TODO.md", "docs/plan.md"] {
            let path = root.join(spec);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "- [ ] 1. A\n").unwrap();
            let store = Store::new(root, &path, spec).prepared().unwrap();
            store.save(&SpecState::default()).unwrap();
        }
        let known = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<BTreeSet<_>>();
        assert_eq!(known_specs(root), known(&["TODO.md", "docs/plan.md"]));
        fs::write(root.join(".seqorch/TODO.md/spec"), "../elsewhere.md").unwrap();
        assert_eq!(known_specs(root), known(&["TODO.md", "docs/plan.md"]));
        fs::remove_dir_all(root.join(".seqorch")).unwrap();
        assert_eq!(known_specs(root), known(&["TODO.md"]));
    }
}
