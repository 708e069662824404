//! Overrides and rules that match no task of any spec of a project.

use super::discovery::specs;
use super::spec_place::{SpecPlace, TASKS_FILE};
use crate::config::Config;
use crate::plan::unmatched::{UnmatchedRule, unmatched};
use crate::spec;
use crate::sys::nofollow::{self, WHOLE_MAX};

/// Other specs that are read for rules that match nothing in this one.
const MOST: usize = 100;

/// The overrides and rules that match no task of a spec. One that matches a task of another spec is meant for that.
#[must_use]
pub fn unmatched_rules(place: &SpecPlace, config: &Config) -> Vec<UnmatchedRule> {
    let Ok((_, tasks)) = place.good_tasks() else { return Vec::new() };
    let mut found = unmatched(&tasks, config);
    if found.is_empty() {
        return found;
    }
    let others = specs(&place.root, &config.run.spec_root).into_iter().filter(|spec| spec.dir != place.dir);
    for spec in others.take(MOST) {
        let Ok(bytes) = nofollow::read(&spec.dir.join(TASKS_FILE), WHOLE_MAX) else { continue };
        let Ok(text) = spec::decode(&bytes) else { continue };
        let there = unmatched(&spec::parse_as(text, place.dialect), config);
        found.retain(|rule| there.contains(rule));
    }
    found
}
