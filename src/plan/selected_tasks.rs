//! What the user selected, as ids.

use std::collections::HashSet;

use super::leaf_states::LeafStates;
use super::request::{Progress, Selection};
use super::task_names::TaskNames;
use super::unit_order::before_from;
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

/// What an agent can do of it does not matter here: a selection of tasks that are done, marked or for a person is not an error.
fn selects_something(tasks: &TaskFile, config: &Config, selection: &Selection) -> Result<()> {
    let Some(from) = selection.from.as_ref().filter(|_| !selection.only.is_empty()) else { return Ok(()) };
    let tree = UnitTree::new(tasks, config.run.granularity);
    let leaves = LeafStates::new(&tree, config, &Progress::default(), selection);
    let before: HashSet<usize> = before_from(&tree, &leaves, tasks, config, selection).into_iter().collect();
    let only: HashSet<usize> = selection.only.iter().filter_map(|id| tree.find(id)).collect();
    let is_selected =
        |leaf: usize| !before.contains(&leaf) && tree.upwards(leaf).any(|node| only.contains(&node));
    if (0..tree.nodes.len()).any(|node| tree.nodes[node].children.is_empty() && is_selected(node)) {
        return Ok(());
    }
    let comes = if only.len() == 1 { "comes" } else { "come" };
    let only = selection.only.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    let message = format!("--only and --from select no task: {only} {comes} before `{from}`");
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
        // a task that no agent does is selected all the same, and not before the other one
        for text in ["1\n2 x", "1\n2 !", "1\n2 s", "1\n2 *"] {
            assert!(check(text, &both("2", "1")).is_ok(), "{text}");
            assert!(check(&format!("{text}\n3"), &both("2", "3")).is_err(), "{text}");
        }
        let mut file = tasks("1\n2\n3");
        file.tasks[1].human = true;
        let select = |from: &str| select(&file, &config(), &both("2", from));
        assert!(select("1").is_ok() && select("2").is_ok() && select("3").is_err());
        let several = Selection { from: Some("3".into()), ..only(&["1", "2"]) };
        let error = check("1\n2\n3", &several).unwrap_err();
        assert!(error.render().contains("`1`, `2` come before `3`"), "{}", error.render());
    }
}
