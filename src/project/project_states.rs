//! What is known of all specs of a project.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::SpecPlace;
use super::discovery;
use crate::state::SpecState;
use crate::store::spec_store::Store;
use crate::store::spec_tree::SpecTreeRecord;
use crate::store::state_file::{StateFile, StateText};
use crate::sys::nofollow::{self, WHOLE_MAX};

/// The states of all specs of the project of a spec, those in work trees of their own included. A state file that cannot be
/// read, or is that of the Python tool, is passed over.
#[must_use]
pub fn all(place: &SpecPlace, spec_root: &Path) -> Vec<SpecState> {
    let root = place.checkout.as_ref().map_or(&place.root, |checkout| &checkout.root);
    let found = discovery::specs(root, spec_root).into_iter();
    let found = found.map(|spec| Store::new(root, &spec.dir, &spec.name));
    let trees = SpecTreeRecord::all(root).into_iter().filter_map(|(_, tree)| {
        let spec = tree.top.join(&tree.spec);
        let name = spec.file_name()?.to_string_lossy().into_owned();
        Some(Store::new(&tree.top, &spec, &name))
    });
    // specs side by side share a file
    let files: BTreeSet<PathBuf> =
        [place.store()].into_iter().chain(found).chain(trees).map(|store| store.state_path()).collect();
    files.iter().filter_map(|path| read(path)).flat_map(|file| file.specs.into_values()).collect()
}

fn read(path: &Path) -> Option<StateFile> {
    let text = String::from_utf8(nofollow::read(path, WHOLE_MAX).ok()?).ok()?;
    match StateText::read(&text).ok()? {
        StateText::Ours(file) => Some(file),
        StateText::Python { .. } => None,
    }
}
