//! What the plan promises, tested through `build`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::testing::PlanCase;
use super::{Plan, SkipReason};
use crate::config::Granularity;

fn order(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.unit.as_str()).collect()
}

fn open(plan: &Plan, step: usize) -> Vec<&str> {
    plan.steps[step].open.iter().map(|task| task.id.as_str()).collect()
}

fn reason<'a>(plan: &'a Plan, id: &str) -> Option<&'a SkipReason> {
    plan.skipped.iter().find(|skipped| skipped.id == id).map(|skipped| &skipped.reason)
}

fn blocked(on: &[&str]) -> SkipReason {
    SkipReason::Blocked { on: on.iter().map(ToString::to_string).collect() }
}

#[test]
fn without_dependencies_the_document_gives_the_order() {
    let plan = PlanCase::new("3\n1\n10\n2").plan();
    assert_eq!(order(&plan), ["3", "1", "10", "2"]);
    assert_eq!(plan.steps[0].reasons, ["open"]);
}

#[test]
fn a_unit_moves_only_until_after_what_it_depends_on() {
    let plan = PlanCase::new("1\n2 <4\n3\n4\n5").plan();
    assert_eq!(order(&plan), ["1", "3", "4", "2", "5"]);
    assert_eq!(plan.steps[3].reasons, ["open", "moved after 4: depends on it"]);
    assert_eq!(plan.steps[3].after, ["4"]);
    assert_eq!(plan.steps[4].reasons, ["open"]);
}

#[test]
fn a_dependency_of_a_subtask_moves_its_whole_unit() {
    let plan = PlanCase::new("1\n  1.1\n  1.2 <2.1\n2\n  2.1").plan();
    assert_eq!(order(&plan), ["2", "1"]);
    assert_eq!(open(&plan, 1), ["1.1", "1.2"]);
}

#[test]
fn a_dependency_inside_a_unit_moves_nothing() {
    assert_eq!(order(&PlanCase::new("1 <1.2\n  1.1 <1.2\n  1.2 <1\n2").plan()), ["1", "2"]);
    assert_eq!(
        order(&PlanCase::new("1 <1.2\n  1.1 <1.2\n  1.2 <1\n2").by_task().plan()),
        ["1.2", "1.1", "2"]
    );
}

#[test]
fn a_dependency_on_a_parent_is_one_on_all_its_subtasks() {
    let plan = PlanCase::new("1 <2\n2\n  2.1\n  2.2 <3\n3").by_task().plan();
    assert_eq!(order(&plan), ["2.1", "3", "2.2", "1"]);
    assert_eq!(plan.steps[3].after, ["2"]);
    assert_eq!(plan.steps[3].reasons[1], "moved after 2: depends on it");
}

#[test]
fn dependencies_on_done_optional_or_unknown_tasks_are_met() {
    let plan = PlanCase::new("1 <2,3,missing\n2 x\n3 *").plan();
    assert_eq!(order(&plan), ["1"]);
    assert!(plan.steps[0].after.is_empty());
}

#[test]
fn a_heading_makes_a_unit_of_the_tasks_below_it() {
    let plan = PlanCase::new("## 1. Setup\n1.1\n1.2\n## 2. Build\n2.1 <1.2").plan();
    assert_eq!(order(&plan), ["1", "2"]);
    assert_eq!(plan.steps[0].title, "Setup");
    assert_eq!(plan.steps[0].task, None);
    assert_eq!(plan.steps[0].completes, ["1", "1.1", "1.2"]);
    assert_eq!(plan.steps[1].after, ["1"]);
}

#[test]
fn a_step_has_only_the_open_subtasks() {
    let plan = PlanCase::new("1\n  1.1 x\n  1.2\n  1.3").completed(&["1.3"]).plan();
    assert_eq!(open(&plan, 0), ["1.2"]);
    assert_eq!(plan.steps[0].completes, ["1", "1.2"]);
    assert_eq!(plan.steps[0].reasons, ["1 of 3 subtasks open"]);
}

#[test]
fn completed_and_ticked_tasks_do_not_run_again() {
    let plan =
        PlanCase::new("1\n2 x\n3\n  3.1 x\n  3.2\n4\n  4.1").completed(&["1", "3.2", "4", "4.1"]).plan();
    assert!(plan.steps.is_empty());
    assert_eq!(reason(&plan, "1"), Some(&SkipReason::Completed));
    assert_eq!(reason(&plan, "2"), Some(&SkipReason::Ticked));
    assert_eq!(reason(&plan, "3"), Some(&SkipReason::Ticked));
    assert_eq!(reason(&plan, "4"), Some(&SkipReason::Completed));
}

#[test]
fn tasks_with_untrusted_ticks_run() {
    let mut case = PlanCase::new("1 x");
    case.progress.ticked.clear();
    assert_eq!(order(&case.plan()), ["1"]);
}

#[test]
fn tasks_in_progress_or_queued_run_and_say_so() {
    let plan = PlanCase::new("1 -\n2 ~").plan();
    assert_eq!(plan.steps[0].reasons, ["open (marked in progress)"]);
    assert_eq!(plan.steps[1].reasons, ["open (marked queued)"]);
}

#[test]
fn a_ticked_parent_does_not_close_its_open_subtasks_and_is_noted() {
    let plan = PlanCase::new("1 x\n  1.1 x\n  1.2\n  1.3\n  1.4 *").plan();
    assert_eq!(open(&plan, 0), ["1.2", "1.3"]);
    assert_eq!(plan.notes.len(), 1);
    assert_eq!(
        (plan.notes[0].line, plan.notes[0].message.as_str()),
        (1, "1 is ticked, but 1.2, 1.3 below it are not done")
    );
}

#[test]
fn a_subtask_added_to_a_completed_parent_runs() {
    let plan = PlanCase::new("1\n  1.1\n  1.2").completed(&["1", "1.1"]).plan();
    assert_eq!(open(&plan, 0), ["1.2"]);
}

#[test]
fn optional_tasks_are_skipped_listed_and_not_completed() {
    let plan = PlanCase::new("1\n  1.1\n  1.2 *\n2 *\n3 *\n  3.1").plan();
    assert_eq!(order(&plan), ["1"]);
    assert_eq!(plan.steps[0].completes, ["1", "1.1"]);
    let skipped: Vec<_> = plan.skipped.iter().map(|s| (s.id.as_str(), s.reason.clone())).collect();
    assert_eq!(
        skipped,
        [("1.2", SkipReason::Optional), ("2", SkipReason::Optional), ("3", SkipReason::Optional)]
    );
}

#[test]
fn a_task_that_only_its_title_calls_optional_runs_and_is_noted() {
    let plan = PlanCase::new("1 (*)\n2").plan();
    assert_eq!(order(&plan), ["1", "2"]);
    assert!(plan.notes[0].message.contains("only the title of 1 calls it optional"), "{:?}", plan.notes);
}

#[test]
fn what_only_a_human_can_do_is_no_step() {
    let mut case = PlanCase::new("1\n2 <1\n3");
    case.tasks.tasks[0].human = true;
    let plan = case.plan();
    assert_eq!(order(&plan), ["3"]);
    assert_eq!(reason(&plan, "1"), Some(&SkipReason::Human));
    assert_eq!(reason(&plan, "2"), Some(&SkipReason::Blocked { on: vec!["1".into()] }));
}

#[test]
fn requested_optional_tasks_run_and_are_completed() {
    let plan = PlanCase::new("1\n  1.1\n  1.2 *\n2 *").include_optional().plan();
    assert_eq!(plan.steps[0].completes, ["1", "1.1", "1.2"]);
    assert_eq!(plan.steps[0].reasons, ["2 of 2 subtasks open", "1 of them optional, asked for"]);
    assert_eq!(plan.steps[1].reasons, ["open", "optional, asked for"]);
}

#[test]
fn naming_an_optional_task_requests_it_and_naming_its_parent_does_not() {
    assert_eq!(open(&PlanCase::new("1\n  1.1\n  1.2 *").only(&["1"]).plan(), 0), ["1.1"]);
    assert_eq!(open(&PlanCase::new("1\n  1.1\n  1.2 *").only(&["1.2"]).plan(), 0), ["1.2"]);
    assert_eq!(open(&PlanCase::new("1 *\n  1.1\n  1.2 *").only(&["1"]).plan(), 0), ["1.1"]);
    assert_eq!(open(&PlanCase::new("1 *\n  1.1\n  1.2").only(&["1.2"]).plan(), 0), ["1.2"]);
}

#[test]
fn a_unit_with_only_optional_work_left_counts_as_done_or_optional() {
    let plan = PlanCase::new("1\n  1.1 x\n  1.2 *\n2\n  2.1 *").plan();
    assert_eq!(reason(&plan, "1"), Some(&SkipReason::Ticked));
    assert_eq!(reason(&plan, "1.2"), Some(&SkipReason::Optional));
    assert_eq!(reason(&plan, "2"), Some(&SkipReason::Optional));
}

#[test]
fn selecting_a_subtask_limits_the_step_and_keeps_the_unit_open() {
    let plan = PlanCase::new("1\n  1.1\n  1.2\n2").only(&["1.2"]).plan();
    assert_eq!(order(&plan), ["1"]);
    assert_eq!(plan.steps[0].completes, ["1.2"]);
    assert_eq!(reason(&plan, "1.1"), Some(&SkipReason::NotSelected));
    assert_eq!(reason(&plan, "2"), Some(&SkipReason::NotSelected));
    let last = PlanCase::new("1\n  1.1 x\n  1.2").only(&["1.2"]).plan();
    assert_eq!(last.steps[0].completes, ["1", "1.2"]);
}

#[test]
fn only_accepts_the_id_of_a_heading() {
    assert_eq!(order(&PlanCase::new("9\n## 1. Setup\n1.1").only(&["1"]).plan()), ["1"]);
}

#[test]
fn an_unknown_id_selects_nothing() {
    assert!(PlanCase::new("1\n2").only(&["7"]).plan().steps.is_empty());
}

#[test]
fn from_cuts_the_order_of_work() {
    assert_eq!(order(&PlanCase::new("1\n2 <4\n3\n4\n5").plan()), ["1", "3", "4", "2", "5"]);
    let plan = PlanCase::new("1\n2 <4\n3\n4\n5").from("4").plan();
    assert_eq!(order(&plan), ["4", "2", "5"]);
    assert_eq!(reason(&plan, "3"), Some(&SkipReason::NotSelected));
}

#[test]
fn from_a_subtask_starts_at_it() {
    let plan = PlanCase::new("1\n2\n  2.1\n  2.2\n3").from("2.2").plan();
    assert_eq!(order(&plan), ["2", "3"]);
    assert_eq!(open(&plan, 0), ["2.2"]);
}

#[test]
fn a_task_that_depends_on_an_unselected_task_is_blocked() {
    let plan = PlanCase::new("1\n2 <1").only(&["2"]).plan();
    assert_eq!(reason(&plan, "2"), Some(&blocked(&["1"])));
    let inside = PlanCase::new("1\n  1.1\n  1.2 <1.1").only(&["1.2"]).plan();
    assert_eq!(reason(&inside, "1"), Some(&blocked(&["1.1"])));
}

#[test]
fn a_failed_unit_blocks_all_that_depends_on_it() {
    let plan = PlanCase::new("1\n2 <1\n3\n4 <2").failed(&["1"]).plan();
    assert_eq!(order(&plan), ["3"]);
    assert_eq!(reason(&plan, "1"), Some(&SkipReason::Failed));
    assert_eq!(reason(&plan, "2"), Some(&blocked(&["1"])));
    assert_eq!(reason(&plan, "4"), Some(&blocked(&["2"])));
}

#[test]
fn a_failed_leaf_blocks_what_depends_on_its_parent() {
    let plan = PlanCase::new("1\n  1.1\n  1.2\n2 <1\n3").by_task().failed(&["1.1"]).plan();
    assert_eq!(order(&plan), ["1.2", "3"]);
    assert_eq!(reason(&plan, "2"), Some(&blocked(&["1"])));
}

#[test]
fn a_mark_keeps_out_a_task_and_what_depends_on_it() {
    let plan = PlanCase::new("1 !\n2 s\n3\n4 <1,2\n5\n  5.1 !\n  5.2 <5.1\n  5.3").skipped(&["3"]).plan();
    assert_eq!(order(&plan), ["5"]);
    assert_eq!(reason(&plan, "1"), Some(&SkipReason::Marked("1 is marked `[!]`".into())));
    assert_eq!(reason(&plan, "2"), Some(&SkipReason::Marked("2 is marked as skipped".into())));
    assert_eq!(reason(&plan, "3"), Some(&SkipReason::Marked("skipped by you".into())));
    assert_eq!(reason(&plan, "4"), Some(&blocked(&["1", "2"])));
    assert_eq!(reason(&plan, "5.2"), Some(&blocked(&["5.1"])));
    assert_eq!(open(&plan, 0), ["5.3"]);
    assert_eq!(plan.steps[0].completes, ["5.3"]);
}

#[test]
fn a_mark_on_a_parent_holds_for_everything_below_it() {
    let plan = PlanCase::new("1 !\n  1.1\n  1.2").plan();
    assert!(plan.steps.is_empty());
    assert_eq!(reason(&plan, "1"), Some(&SkipReason::Marked("1 is marked `[!]`".into())));
}

#[test]
fn units_that_wait_for_each_other_are_blocked_and_noted() {
    let text = "1\n  1.1 <2.2\n  1.2\n2\n  2.1 <1.2\n  2.2\n3\n4 <1";
    let plan = PlanCase::new(text).plan();
    assert_eq!(order(&plan), ["3"]);
    assert_eq!(reason(&plan, "1"), Some(&blocked(&["2.2"])));
    assert_eq!(reason(&plan, "2"), Some(&blocked(&["1.2"])));
    assert_eq!(reason(&plan, "4"), Some(&blocked(&["1"])));
    assert_eq!(plan.notes.len(), 1);
    assert!(plan.notes[0].message.contains("(1 → 2 → 1)"), "{}", plan.notes[0].message);
    assert_eq!(order(&PlanCase::new(text).by_task().plan()), ["1.2", "2.1", "2.2", "1.1", "3", "4"]);
}

#[test]
fn with_task_granularity_the_last_leaf_completes_its_parents() {
    let plan = PlanCase::new("1\n  1.1\n    1.1.1\n  1.2\n  1.3 *").by_task().plan();
    let completes: Vec<_> = plan.steps.iter().map(|step| step.completes.clone()).collect();
    assert_eq!(completes, [vec!["1.1", "1.1.1"], vec!["1", "1.2"]]);
}

#[test]
fn a_window_is_named_after_its_unit() {
    assert_eq!(PlanCase::new("1\n  1.1").by_task().plan().steps[0].window, "task-1.1");
}

#[test]
fn units_list_their_members() {
    let case = PlanCase::new("## 1. Setup\n1.1\n  1.1.1\n1.2");
    let units = super::units(&case.tasks, Granularity::Unit);
    assert_eq!(units.len(), 1);
    assert_eq!(units[0].members, ["1", "1.1", "1.1.1", "1.2"]);
}

/// A spec of `units` units of five lines, most depending on what came before.
fn large(units: usize) -> PlanCase {
    let mut text = String::new();
    for n in 1..=units {
        let before = if n > 1 { format!(" <{}", n - 1) } else { String::new() };
        let _ = write!(text, "{n}{before}\n  {n}.1\n  {n}.2 <{n}.1\n  {n}.3 *\n  {n}.4\n");
    }
    PlanCase::new(&text)
}

/// The best of three tries counts, since other work on the machine only adds time.
fn plan_within(case: &PlanCase, steps: usize, bound: Duration) {
    let tries = (0..3).map(|_| {
        let start = Instant::now();
        assert_eq!(case.plan().steps.len(), steps);
        start.elapsed()
    });
    let best = tries.min().unwrap_or_default();
    assert!(best < bound, "{steps} steps took {best:?}");
}

#[test]
#[ignore = "slow"]
fn a_hundred_thousand_tasks_are_planned_in_a_second() {
    let (units, bound) = if cfg!(debug_assertions) { (4_000, 5) } else { (20_000, 1) };
    plan_within(&large(units), units, Duration::from_secs(bound));
    plan_within(&large(units).by_task(), units * 3, Duration::from_secs(bound));
}

#[test]
#[ignore = "slow"]
fn many_that_depend_on_a_parent_of_many_are_planned_in_a_second() {
    let n = if cfg!(debug_assertions) { 5_000 } else { 50_000 };
    let mut text = String::from("1\n");
    for i in 0..n {
        let _ = writeln!(text, "  1.{i}");
    }
    text += "2 <1\n";
    for i in 0..n {
        let _ = writeln!(text, "  2.{i} <1");
    }
    let all: Vec<_> = (0..n).map(|i| format!("2.{i}")).collect();
    let _ = writeln!(text, "3 <{}", all.join(","));
    let bound = if cfg!(debug_assertions) { 5 } else { 1 };
    plan_within(&PlanCase::new(&text).by_task(), 2 * n + 1, Duration::from_secs(bound));
    plan_within(&PlanCase::new(&text), 3, Duration::from_secs(bound));
}

/// Tasks with dependencies on any other task, in two levels.
fn graphs() -> impl Strategy<Value = (Vec<usize>, Vec<(usize, usize)>)> {
    prop::collection::vec(0..4_usize, 1..14).prop_flat_map(|children| {
        let edge = (0..children.len(), 0..children.len());
        (Just(children), prop::collection::vec(edge, 0..20))
    })
}

fn notation(children: &[usize], edges: &[(usize, usize)]) -> String {
    let mut text = String::new();
    for (unit, count) in children.iter().enumerate() {
        let _ = write!(text, "u{unit}");
        for (_, to) in edges.iter().filter(|(from, _)| *from == unit) {
            let _ = write!(text, " <u{to}");
        }
        text.push('\n');
        for child in 0..*count {
            let _ = writeln!(text, "  u{unit}.{child}");
        }
    }
    text
}

proptest! {
    #[test]
    fn each_step_comes_after_its_dependencies_and_none_is_lost((children, edges) in graphs(), by_task: bool) {
        let mut case = PlanCase::new(&notation(&children, &edges));
        if by_task {
            case = case.by_task();
        }
        let plan = case.plan();
        let place: HashMap<&str, usize> =
            plan.steps.iter().enumerate().flat_map(|(i, s)| s.open.iter().map(move |t| (t.id.as_str(), i))).collect();
        let leaves = |unit: usize| -> Vec<String> {
            let below: Vec<_> = (0..children[unit]).map(|child| format!("u{unit}.{child}")).collect();
            if below.is_empty() { vec![format!("u{unit}")] } else { below }
        };
        for &(from, to) in edges.iter().filter(|(from, to)| from != to) {
            for late in leaves(from).iter().filter_map(|id| place.get(id.as_str())) {
                for early in leaves(to) {
                    prop_assert!(place.get(early.as_str()).is_some_and(|early| early < late));
                }
            }
        }
        let known = super::units(&case.tasks, case.config.run.granularity).len();
        prop_assert_eq!(plan.steps.len() + plan.skipped.len(), known);
        // only units in a circle or after one are missing
        let forward = edges.iter().all(|(from, to)| from >= to);
        prop_assert!(!forward || plan.skipped.is_empty());
    }

    #[test]
    fn backward_dependencies_keep_the_document_order((children, edges) in graphs(), by_task: bool) {
        let backwards: Vec<_> = edges.into_iter().filter(|(from, to)| from > to).collect();
        let mut case = PlanCase::new(&notation(&children, &backwards));
        if by_task {
            case = case.by_task();
        }
        let lines: Vec<_> = case.plan().steps.iter().map(|step| step.line).collect();
        prop_assert!(lines.is_sorted());
    }
}

#[test]
fn waves_give_the_order_and_checkpoints_stay_after_what_precedes_them() {
    let plan = PlanCase::new("1\n2\n3\n4\n5\n6\nwaves 1 4|2|3 6").plan();
    // 5 is a checkpoint, so everything before it comes first
    assert_eq!(order(&plan), ["1", "4", "2", "3", "5", "6"]);
    assert_eq!(plan.steps[1].reasons, ["open", "wave 1 of 3"]);
    assert_eq!(plan.steps[1].waves, [1]);
    assert!(plan.steps[4].waves.is_empty());
    assert_eq!(plan.waves.len(), 3);
    assert!(plan.notes.is_empty(), "{:?}", plan.notes);
}

#[test]
fn a_unit_comes_with_its_first_wave_and_leaves_with_their_own() {
    let text = "1\n  1.1\n  1.2\n2\n  2.1\n  2.2\nwaves 2.1|1.1 2.2|1.2";
    let plan = PlanCase::new(text).plan();
    assert_eq!(order(&plan), ["2", "1"]);
    assert_eq!(plan.steps[0].reasons[1], "waves 1 to 2 of 3");
    assert!(plan.notes.is_empty(), "{:?}", plan.notes);
    assert_eq!(order(&PlanCase::new(text).by_task().plan()), ["2.1", "1.1", "2.2", "1.2"]);
}

#[test]
fn waves_that_alternate_between_units_are_noted() {
    let text = "1\n  1.1\n  1.2\n2\n  2.1\n  2.2\nwaves 1.1 2.1|1.2|2.2";
    let plan = PlanCase::new(text).plan();
    assert_eq!(order(&plan), ["1", "2"]);
    assert_eq!(plan.notes.len(), 1);
    assert!(plan.notes[0].message.contains("between 1 and 2"), "{:?}", plan.notes);
    let exact = PlanCase::new(text).by_task().plan();
    assert_eq!(order(&exact), ["1.1", "2.1", "1.2", "2.2"]);
    assert!(exact.notes.is_empty());
}

#[test]
fn a_dependency_beats_a_wave_and_a_failed_wave_blocks_nothing() {
    assert_eq!(order(&PlanCase::new("1 <3\n2\n3\nwaves 1 2|3").plan()), ["2", "3", "1"]);
    assert_eq!(order(&PlanCase::new("1\n2\n3\nwaves 1|2|3").failed(&["1"]).plan()), ["2", "3"]);
}

#[test]
fn the_graph_makes_dependencies_between_units_but_not_their_parts() {
    let plan = PlanCase::new("1\n2\n3\nwaves 2|1|3\ngraph 1 2").failed(&["2"]).plan();
    assert_eq!(order(&plan), ["3"]);
    assert_eq!(reason(&plan, "1"), Some(&blocked(&["2"])));
    // through their subtasks these two wait for each other
    let text = "1\n  1.1\n  1.2\n2\n  2.1\n  2.2\nwaves 1.1 2.1|1.2 2.2\ngraph 1.2 2.1\ngraph 2.2 1.1";
    assert_eq!(order(&PlanCase::new(text).plan()), ["1", "2"]);
    let by_task = PlanCase::new(text).by_task().failed(&["2.1"]).plan();
    assert_eq!(reason(&by_task, "1.2"), Some(&blocked(&["2.1"])));
}

#[test]
fn a_wave_may_name_a_parent_or_a_heading() {
    let text = "## 1. A\n1.1\n1.2\n## -\n2\n  2.1\n  2.2\nwaves 2|1";
    assert_eq!(order(&PlanCase::new(text).plan()), ["2", "1"]);
    assert_eq!(order(&PlanCase::new(text).by_task().plan()), ["2.1", "2.2", "1.1", "1.2"]);
}
