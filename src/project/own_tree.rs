//! Where a spec is that has a work tree of its own: there, not in the checkout in which a person names it.

use super::spec_place::{Checkout, SpecPlace};
use crate::spec;
use crate::store::spec_tree::{SpecTree, SpecTreeRecord};

/// The record of the spec's work tree; `None` where the spec is in no repository.
#[must_use]
pub fn record(place: &SpecPlace) -> Option<SpecTreeRecord> {
    SpecTreeRecord::of(&place.root, &place.path())
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

/// The place in this tree.
#[must_use]
pub fn moved(place: SpecPlace, record: &SpecTreeRecord, tree: &SpecTree) -> SpecPlace {
    let there = |path: &std::path::Path| {
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
