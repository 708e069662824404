//! Checks the ids that the user selected.

use super::leaf_states::LeafStates;
use super::request::{Progress, Selection};
use super::unit_order::cut_before;
use super::unit_tree::UnitTree;
use crate::config::{Config, Granularity};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::TaskFile;

/// How many ids an error lists.
const LISTED: usize = 20;

/// Refuses ids that no task and no group has, with the id that may be meant, and `--only` with `--from` where both
/// together select nothing.
pub fn check_selection(tasks: &TaskFile, config: &Config, selection: &Selection) -> Result<()> {
    known_ids(tasks, selection)?;
    selects_something(tasks, config, selection)
}

fn known_ids(tasks: &TaskFile, selection: &Selection) -> Result<()> {
    let tree = UnitTree::new(tasks, Granularity::Unit);
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

/// The known id that is most similar to this one, if one is similar.
fn closest<'a>(tree: &'a UnitTree<'_>, id: &str) -> Option<&'a str> {
    let scored = tree.nodes.iter().map(|node| (strsim::jaro_winkler(&node.id, id), node.id.as_str()));
    let best = scored.fold((0.0, ""), |best, next| if next.0 > best.0 { next } else { best });
    (best.0 >= 0.75).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::{config, tasks};

    fn check(text: &str, selection: &Selection) -> Result<()> {
        check_selection(&tasks(text), &config(), selection)
    }

    fn only(ids: &[&str]) -> Selection {
        Selection { only: ids.iter().map(ToString::to_string).collect(), ..Selection::default() }
    }

    #[test]
    fn ids_of_tasks_subtasks_and_groups_are_known() {
        assert!(check("1\n  1.1\n## 3. Third\n3.1", &only(&["1", "1.1", "3", "3.1"])).is_ok());
    }

    #[test]
    fn an_unknown_id_is_a_usage_error_with_a_suggestion() {
        let error = check("T001\nT002", &only(&["T01"])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert_eq!(
            error.render(),
            "error: --only: there is no task `T01`\nhint: Did you mean `T001`?\n\
             hint: The units of this spec are: T001, T002.\n"
        );
    }

    #[test]
    fn all_unknown_ids_are_listed_and_a_long_list_is_cut() {
        let text: Vec<String> = (1..=30).map(|n| n.to_string()).collect();
        let selection = Selection { from: Some("zz".into()), ..only(&["yy"]) };
        let error = check(&text.join("\n"), &selection).unwrap_err().render();
        assert!(error.contains("no tasks `yy`, `zz`"), "{error}");
        assert!(error.contains("20, and 10 more."), "{error}");
        assert!(!error.contains("Did you mean"), "{error}");
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
