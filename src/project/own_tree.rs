//! Where a spec is that has a work tree of its own: there, not in the checkout in which a person names it.

use std::path::{Path, PathBuf};

use super::spec_place::{Checkout, SpecLocation, SpecPlace, TASKS_FILE};
use crate::error::Result;
use crate::spec;
use crate::store::lock::Holder;
use crate::store::spec_tree::{SpecTree, SpecTreeRecord, TreeStage};

/// The record of the spec's work tree; `None` where the spec is in no repository.
#[must_use]
pub fn record(place: &SpecPlace) -> Option<SpecTreeRecord> {
    SpecTreeRecord::of(&place.root, &place.path())
}

/// The work tree of the spec's own that a place is in.
#[must_use]
pub fn tree_of(place: &SpecPlace) -> Option<SpecTree> {
    let record = record(place)?;
    record.existing().filter(|tree| tree.top == record.here)
}

/// The place in the spec's own tree, if it has one.
#[must_use]
pub fn place(place: SpecPlace) -> SpecPlace {
    let Some(record) = record(&place) else { return place };
    match record.existing() {
        Some(tree) => moved(place, &record, &tree),
        None => place,
    }
}

/// The remote that has the lease of the spec, as far as this clone knows.
#[must_use]
pub fn remote_of(place: &SpecPlace) -> Option<String> {
    record(place)?.read()?.remote
}

/// The process that makes or prepares the work tree of the spec right now.
#[must_use]
pub fn maker(place: &SpecPlace) -> Option<Holder> {
    record(place)?.maker()
}

/// Writes down which remote has the lease of the spec; `None`: none has it any more.
pub fn note_remote(place: &SpecPlace, remote: Option<&str>) -> Result<()> {
    let Some(record) = record(place) else { return Ok(()) };
    let Some(tree) = record.read().filter(|tree| tree.remote.as_deref() != remote) else { return Ok(()) };
    record.write(&SpecTree { remote: remote.map(str::to_owned), ..tree })
}

/// Writes down which branch the spec's own tree is on, where that is another one from now on.
pub fn note_branch(place: &SpecPlace, branch: &str) -> Result<()> {
    let Some(record) = record(place) else { return Ok(()) };
    let Some(tree) = tree_of(place).filter(|tree| tree.branch != branch) else { return Ok(()) };
    record.write(&SpecTree { branch: branch.to_owned(), ..tree })
}

/// The work tree of the spec's own that somebody removed: what is known of the spec is on its branch, and not in the checkout.
#[must_use]
pub fn lost(place: &SpecPlace) -> Option<SpecTree> {
    let record = record(place).filter(|_| place.checkout.is_none())?;
    let tree = record.read().filter(|tree| tree.stage != TreeStage::Begun && tree.top != record.here)?;
    record.existing().is_none().then_some(tree)
}

/// The specs that are not in the checkout at `root`, and in a work tree of their own: where they would be in the checkout,
/// and where they are.
#[must_use]
pub fn only_in_trees(root: &Path) -> Vec<(PathBuf, PathBuf)> {
    let is_spec = |path: &Path| path.is_file() || path.join(TASKS_FILE).is_file();
    let all = SpecTreeRecord::all(root).into_iter();
    let paths = all.map(|(record, tree)| (record.here.join(&record.spec), tree.top.join(&record.spec)));
    paths.filter(|(here, there)| here.starts_with(root) && !is_spec(here) && is_spec(there)).collect()
}

/// The specs of the checkout at `root` that have a work tree of their own.
#[must_use]
pub fn with_trees(root: &Path) -> Vec<PathBuf> {
    let all = SpecTreeRecord::all(root).into_iter().map(|(record, _)| record.here.join(&record.spec));
    all.filter(|here| here.starts_with(root)).collect()
}

/// What the path of such a spec says of it.
#[must_use]
pub fn locate(path: &Path, root: &Path) -> Option<SpecLocation> {
    let (here, there) = only_in_trees(root).into_iter().find(|(here, _)| here == path)?;
    let name = here.file_name()?.to_owned();
    if there.is_dir() {
        return Some(SpecLocation { name: name.to_string_lossy().into_owned(), dir: here, file: None });
    }
    let shown = here.strip_prefix(root).unwrap_or(&here).to_string_lossy().into_owned();
    Some(SpecLocation { dir: here.parent()?.to_owned(), file: Some(name.into()), name: shown })
}

/// The place in this tree.
#[must_use]
pub fn moved(place: SpecPlace, record: &SpecTreeRecord, tree: &SpecTree) -> SpecPlace {
    let there = |path: &Path| {
        let rest = path.strip_prefix(&record.here).ok()?;
        Some(tree.top.join(rest).components().collect())
    };
    // a person who works in the tree names it there
    if record.here == tree.top {
        return place;
    }
    let (Some(root), Some(dir)) = (there(&place.root), there(&place.dir)) else { return place };
    let checkout = Checkout { root: place.root.clone(), spec: place.path(), tree: tree.top.clone() };
    SpecPlace { root, dir, checkout: Some(checkout), ..place }
}

/// Whether two texts of a task list differ in more than what their boxes say.
#[must_use]
pub fn differ_beyond_boxes(place: &SpecPlace, one: &str, other: &str) -> bool {
    let unticked = |text: &str| {
        let tasks = spec::parse_as(text, place.dialect).tasks;
        spec::set_marks(text, tasks.into_iter().filter_map(|task| task.mark).collect(), ' ')
    };
    one != other && unticked(one) != unticked(other)
}
