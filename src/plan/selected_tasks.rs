//! What the user selected, as ids.

use super::leaf_states::LeafStates;
use super::request::{Progress, Selection};
use super::task_names::TaskNames;
use super::unit_order::cut_before;
use super::unit_tree::UnitTree;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::spec::TaskFile;

/// The selection with the ids of the tasks that it names. Refuses names that no task has, and `--only` with `--from` where
/// both together select nothing.
pub fn select(tasks: &TaskFile, config: &Config, selection: &Selection) -> Result<Selection> {
    if selection.is_all() {
        return Ok(selection.clone());
    }
    let names = TaskNames::of(tasks);
    let only = names.find_all("--only: ", &selection.only)?;
    let from = selection.from.as_ref().map(|from| names.find("--from: ", from)).transpose()?;
    let from = from.and_then(|ids| ids.into_iter().next());
    let selection = Selection { only, from, ..selection.clone() };
    selects_something(tasks, config, &selection)?;
    Ok(selection)
}

/// What is done already does not matter here: a selection of completed tasks is not an error.
fn selects_something(tasks: &TaskFile, config: &Config, selection: &Selection) -> Result<()> {
    let Some(from) = selection.from.as_ref().filter(|_| !selection.only.is_empty()) else { return Ok(()) };
    let tree = UnitTree::new(tasks, config.run.granularity);
    let mut leaves = LeafStates::new(&tree, config, &Progress::default(), selection);
    let open = |leaves: &LeafStates| (0..tree.nodes.len()).any(|node| leaves.is_open(node));
    if !open(&leaves) {
        return Ok(());
    }
    cut_before(&tree, &mut leaves, tasks, config, selection);
    if open(&leaves) {
        return Ok(());
    }
    let only = selection.only.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    let message = format!("--only and --from select no task: {only} comes before `{from}`");
    Err(Error::new(ErrorKind::Usage, message).hint("Give one of them, or name tasks that are not before it."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::{config, tasks};

    fn check(text: &str, selection: &Selection) -> Result<Selection> {
        select(&tasks(text), &config(), selection)
    }

    fn only(ids: &[&str]) -> Selection {
        Selection { only: ids.iter().map(ToString::to_string).collect(), ..Selection::default() }
    }

    #[test]
    fn ids_of_tasks_subtasks_and_groups_are_known() {
        assert!(check("1\n  1.1\n## 3. Third\n3.1", &only(&["1", "1.1", "3", "3.1"])).is_ok());
    }

    #[test]
    fn names_become_ids_and_an_unknown_one_is_a_usage_error() {
        let selection = Selection { from: Some("2-3".into()), ..only(&["2.*", "3"]) };
        let found = check("1\n2\n  2.1\n  2.2\n3", &selection).unwrap();
        assert_eq!(
            (found.only.as_slice(), found.from.as_deref()),
            (&["2.1", "2.2", "3"].map(String::from)[..], Some("2"))
        );
        let error = check("T001\nT002", &only(&["T01"])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert_eq!(
            error.render(),
            "error: --only: there is no task T01\nhint: Did you mean T001?\nhint: It has: T001, T002.\n"
        );
    }

    #[test]
    fn only_and_from_that_select_nothing_together_are_a_usage_error() {
        let both = |only_id: &str, from: &str| Selection { from: Some(from.into()), ..only(&[only_id]) };
        let error = check("1\n2\n  2.1\n  2.2\n3 <1", &both("1", "2")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.render().contains("select no task: `1` comes before `2`"), "{}", error.render());
        assert!(check("1\n2\n  2.1\n  2.2", &both("2.1", "2.2")).is_err());

        for (only_id, from) in [("2", "1"), ("2", "2"), ("2", "2.2"), ("2.2", "2.1")] {
            assert!(check("1\n2\n  2.1\n  2.2", &both(only_id, from)).is_ok(), "{only_id} {from}");
        }
        // a task that is done is selected all the same
        assert!(check("1\n2 x", &both("2", "1")).is_ok());
    }
}
