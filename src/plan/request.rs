//! What the plan is made from, and the check of what the user asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::tree::Tree;
use crate::config::{Config, Granularity};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::TaskFile;

/// Everything that decides what the plan is.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The spec.
    pub spec: SpecInfo<'a>,
    /// What its tasks.md says.
    pub tasks: &'a TaskFile,
    /// The resolved configuration.
    pub config: &'a Config,
    /// What is done already.
    pub progress: &'a Progress,
    /// What the user asked for.
    pub selection: &'a Selection,
}

/// Where the spec is.
#[derive(Debug, Clone, Copy)]
pub struct SpecInfo<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its folder.
    pub dir: &'a Path,
    /// The project root.
    pub root: &'a Path,
    /// Existing files that every prompt names, relative to the work dir or absolute.
    pub inputs: &'a [String],
}

/// What is known of earlier work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Ids that the state file calls completed.
    pub completed: BTreeSet<String>,
    /// Ids whose boxes count as done: ticked before this run. Empty where boxes are not trusted.
    pub ticked: BTreeSet<String>,
    /// Units that failed for good in this run.
    pub failed: BTreeSet<String>,
    /// Ids that a human marked to be skipped.
    pub skipped: BTreeSet<String>,
    /// Owners that an agent named, by unit.
    pub owners: BTreeMap<String, String>,
    /// Owners that a human named, by unit.
    pub owners_by_hand: BTreeMap<String, String>,
    /// Backends that a human named, by unit.
    pub backends_by_hand: BTreeMap<String, String>,
    /// Backends that cannot work now, with the model that a step asks them for (`None`: their own choice), each with the
    /// one that does the work meanwhile and the reason.
    pub instead: BTreeMap<(String, Option<String>), Instead>,
}

/// A backend that steps in for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instead {
    /// Its name.
    pub backend: String,
    /// Why, as a fragment: `claude is limited until 03:00`.
    pub why: String,
}

/// What the user asked for on the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these ids; empty: all.
    pub only: Vec<String>,
    /// Nothing that the plan has before this id.
    pub from: Option<String>,
    /// Optional tasks are work.
    pub include_optional: bool,
}

/// How many ids an error lists.
const LISTED: usize = 20;

/// Refuses ids that no task and no heading of the file has, with what may have been meant.
pub fn check_selection(tasks: &TaskFile, selection: &Selection) -> Result<()> {
    let tree = Tree::new(tasks, Granularity::Unit);
    let named = selection.only.iter().map(|id| ("--only", id));
    let named = named.chain(selection.from.iter().map(|id| ("--from", id)));
    let unknown: Vec<_> = named.filter(|(_, id)| tree.find(id).is_none()).collect();
    let Some((flag, id)) = unknown.first() else { return Ok(()) };
    let message = if unknown.len() == 1 {
        format!("{flag}: there is no task `{id}`")
    } else {
        let ids: Vec<_> = unknown.iter().map(|(_, id)| format!("`{id}`")).collect();
        format!("there are no tasks {}", ids.join(", "))
    };
    let mut error = Error::new(ErrorKind::Usage, message);
    for (_, id) in &unknown {
        if let Some(close) = closest(&tree, id) {
            error = error.hint(format!("Did you mean `{close}`?"));
        }
    }
    let mut ids: Vec<_> =
        tree.units.iter().take(LISTED).map(|unit| tree.nodes[unit.node].id.as_str()).collect();
    let more = tree.units.len() - ids.len();
    let rest = format!("and {more} more");
    if more > 0 {
        ids.push(&rest);
    }
    Err(error.hint(format!("The units of this spec are: {}.", ids.join(", "))))
}

/// The known id that looks most like this one, if any does.
fn closest<'a>(tree: &'a Tree<'_>, id: &str) -> Option<&'a str> {
    let scored = tree.nodes.iter().map(|node| (strsim::jaro_winkler(&node.id, id), node.id.as_str()));
    let best = scored.fold((0.0, ""), |best, next| if next.0 > best.0 { next } else { best });
    (best.0 >= 0.75).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::tasks;

    fn only(ids: &[&str]) -> Selection {
        Selection { only: ids.iter().map(ToString::to_string).collect(), ..Selection::default() }
    }

    #[test]
    fn ids_of_tasks_subtasks_and_headings_are_known() {
        let file = tasks("1\n  1.1\n## 3. Third\n3.1");
        assert!(check_selection(&file, &only(&["1", "1.1", "3", "3.1"])).is_ok());
    }

    #[test]
    fn an_unknown_id_is_a_usage_error_that_says_what_may_be_meant() {
        let file = tasks("T001\nT002");
        let error = check_selection(&file, &only(&["T01"])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert_eq!(
            error.render(),
            "error: --only: there is no task `T01`\nhint: Did you mean `T001`?\n\
             hint: The units of this spec are: T001, T002.\n"
        );
    }

    #[test]
    fn all_unknown_ids_are_named_at_once_and_long_lists_are_cut() {
        let text: Vec<String> = (1..=30).map(|n| n.to_string()).collect();
        let selection = Selection { from: Some("zz".into()), ..only(&["yy"]) };
        let error = check_selection(&tasks(&text.join("\n")), &selection).unwrap_err().render();
        assert!(error.contains("no tasks `yy`, `zz`"), "{error}");
        assert!(error.contains("20, and 10 more."), "{error}");
        assert!(!error.contains("Did you mean"), "{error}");
    }
}
