//! PURE. Tasks that no agent gets before a person does something, as the last plan of a run has them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::known_task::KnownTask;
use crate::plan::{SkipReason, SkippedTask};

/// Tasks that no agent gets before a person does something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DueTasks {
    /// Only a person does them, and it is their turn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub humans: Vec<String>,
    /// They depend on tasks that are left out. Those that wait for a failed task, a question or a person are not among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<String>,
    /// What these depend on, and a mark keeps out of the plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub marked: Vec<String>,
    /// What these depend on, and the run was not asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unselected: Vec<String>,
}

impl DueTasks {
    /// Those of a plan with these tasks that have no step; `entries`: all of tasks.md.
    #[must_use]
    pub fn of(skipped: &[SkippedTask], entries: &[KnownTask]) -> Self {
        let is_human = |task: &SkippedTask| task.reason == SkipReason::Human;
        // where a part of a unit is for a person, the part is meant and not the unit
        let by_part: BTreeSet<&String> =
            skipped.iter().filter(|task| is_human(task)).filter_map(|task| task.part_of.as_ref()).collect();
        let humans = skipped.iter().filter(|task| is_human(task) && !by_part.contains(&task.id));
        let mut due = Self { humans: humans.map(|task| task.id.clone()).collect(), ..Self::default() };
        let reasons: BTreeMap<&str, &SkipReason> =
            skipped.iter().rev().map(|task| (&*task.id, &task.reason)).collect();
        for task in skipped {
            let SkipReason::Blocked { on } = &task.reason else { continue };
            let unit = task.part_of.as_ref().and_then(|unit| reasons.get(unit.as_str()));
            let is_unit_blocked = matches!(unit, Some(SkipReason::Blocked { .. }));
            if due.add_causes(on, &reasons, entries) && !is_unit_blocked {
                due.blocked.push(task.id.clone());
            }
        }
        due
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.humans.is_empty() && self.blocked.is_empty()
    }

    /// Adds the tasks at the end of these dependencies that are left out. Whether there are any.
    fn add_causes(
        &mut self,
        on: &[String],
        reasons: &BTreeMap<&str, &SkipReason>,
        entries: &[KnownTask],
    ) -> bool {
        let (mut seen, mut open) = (BTreeSet::new(), on.iter().collect::<Vec<_>>());
        let mut found = false;
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let list = match reason_of(id, reasons, entries) {
                Some(SkipReason::Blocked { on }) => {
                    open.extend(on);
                    continue;
                }
                Some(SkipReason::Marked(_)) => &mut self.marked,
                Some(SkipReason::NotSelected) => &mut self.unselected,
                // what keeps these back is a need of its own
                _ => continue,
            };
            found = true;
            if !list.contains(id) {
                list.push(id.clone());
            }
        }
        found
    }

    /// All ids, to be renamed.
    pub(super) fn ids_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let Self { humans, blocked, marked, unselected } = self;
        humans.iter_mut().chain(blocked).chain(marked).chain(unselected)
    }

    /// A person said how tasks stand: these are over, and nothing keeps back what depends on those.
    pub(super) fn settle(&mut self, is_over: impl Fn(&String) -> bool, is_free: impl Fn(&String) -> bool) {
        for ids in [&mut self.humans, &mut self.blocked] {
            ids.retain(|id| !is_over(id));
        }
        for ids in [&mut self.marked, &mut self.unselected] {
            ids.retain(|id| !is_free(id));
        }
        if self.marked.is_empty() && self.unselected.is_empty() {
            self.blocked.clear();
        }
    }
}

/// Why there is no step for a task: its own reason, or that of what it is a part of.
fn reason_of<'a>(
    id: &str,
    reasons: &BTreeMap<&str, &'a SkipReason>,
    entries: &[KnownTask],
) -> Option<&'a SkipReason> {
    let above = |id: &str| entries.iter().find(|task| task.id == id)?.parent.as_deref();
    let mut all = std::iter::successors(Some(id), |id| above(id)).take(64);
    all.find_map(|id| reasons.get(id).copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::PlanCase;

    fn due(case: &PlanCase) -> DueTasks {
        DueTasks::of(&case.plan().skipped, &[])
    }

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn blocked_tasks_name_what_is_left_out_and_not_each_other() {
        let mut case = PlanCase::new("1\n2\n3 <2,10\n4 <3\n10").skipped(&["2", "10"]);
        let found = due(&case);
        assert_eq!(found.blocked, ids(&["3", "4"]));
        let mut marked = found.marked;
        marked.sort();
        assert_eq!((marked, found.unselected), (ids(&["10", "2"]), ids(&[])));
        case = PlanCase::new("1\n2 <1");
        case.selection.only = ids(&["2"]);
        let found = due(&case);
        assert_eq!((found.blocked, found.marked, found.unselected), (ids(&["2"]), ids(&[]), ids(&["1"])));
    }

    #[test]
    fn a_task_for_a_person_before_a_unit_with_such_a_part_is_named_too() {
        let skipped = |id: &str, part_of: Option<&str>| SkippedTask {
            id: id.into(),
            title: String::new(),
            part_of: part_of.map(str::to_owned),
            reason: SkipReason::Human,
        };
        let found = |list: &[SkippedTask]| DueTasks::of(list, &[]).humans;
        // unit 3 has a step for its other parts
        assert_eq!(found(&[skipped("2", None), skipped("3.2", Some("3"))]), ids(&["2", "3.2"]));
        let all = [skipped("2", None), skipped("3", None), skipped("3.2", Some("3"))];
        assert_eq!(found(&all), ids(&["2", "3.2"]));
    }

    #[test]
    fn what_waits_for_a_failed_task_is_no_need_of_its_own() {
        let mut case = PlanCase::new("1\n2 <1");
        case.progress.failed.insert("1".into());
        assert_eq!(due(&case), DueTasks::default());
    }

    #[test]
    fn nothing_is_blocked_once_its_causes_are_done() {
        let mut due = due(&PlanCase::new("1\n2 <1\n3 <1").skipped(&["1"]));
        due.settle(|id| id == "3", |_| false);
        assert_eq!(due.blocked, ids(&["2"]));
        due.settle(|_| false, |id| id == "1");
        assert!(due.is_empty());
    }
}
