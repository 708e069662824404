//! PURE. Tasks that a person wants done after all, or once more.

use super::spec_state::SpecState;
use crate::plan::TaskNames;

impl SpecState {
    /// A person wants these tasks done, of those that tasks.md has. Where a task above them was left out, its other parts
    /// still are. Gives the tasks above them that were done and are not any more: their boxes have to be opened.
    pub fn want(&mut self, all: &TaskNames, ids: &[String]) -> Vec<String> {
        let is_wanted = |id: &String| ids.contains(id);
        for above in self.skipped.clone() {
            let below = all.with_all_below(&above);
            if !is_wanted(&above) && below.iter().any(is_wanted) {
                self.skipped.remove(&above);
                let is_leaf = |id: &&String| all.with_all_below(id).len() == 1;
                self.skipped.extend(below.iter().filter(is_leaf).cloned());
            }
        }
        self.skipped.retain(|id| !is_wanted(id));
        let mut above = all.all_above(ids);
        above.retain(|id| self.completed.contains(id));
        self.completed.retain(|id| !above.contains(id));
        above
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::spec::parse;

    #[test]
    fn the_other_parts_of_a_task_that_is_left_out_stay_out() {
        let tasks =
            "- [ ] 1. A\n  - [ ] 1.1 B\n  - [ ] 1.2 C\n    - [ ] 1.2.1 D\n    - [ ] 1.2.2 E\n- [ ] 2. F\n";
        let all = TaskNames::of(&parse(tasks));
        let left_out_without = |ids: &[&str]| {
            let mut state =
                SpecState { skipped: BTreeSet::from(["1".into(), "2".into()]), ..SpecState::default() };
            state.want(&all, &ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
            Vec::from_iter(state.skipped)
        };
        assert_eq!(left_out_without(&["1.2", "1.2.1", "1.2.2"]), ["1.1", "2"]);
        assert_eq!(left_out_without(&["1.2.2"]), ["1.1", "1.2.1", "2"]);
        assert_eq!(left_out_without(&["1", "1.1", "1.2", "1.2.1", "1.2.2"]), ["2"]);
        assert_eq!(left_out_without(&["3"]), ["1", "2"]);
    }

    #[test]
    fn what_a_task_is_a_part_of_is_not_done_without_it() {
        let tasks = "- [x] 1. A\n  - [x] 1.1 B\n  - [x] 1.2 C\n    - [x] 1.2.1 D\n- [x] 2. F\n";
        let all = TaskNames::of(&parse(tasks));
        let done = ["1", "1.1", "1.2", "1.2.1", "2"].map(str::to_owned);
        let mut state = SpecState { completed: done.to_vec(), ..SpecState::default() };
        assert_eq!(state.want(&all, &["1.2.1".to_owned()]), ["1", "1.2"]);
        assert_eq!(state.completed, ["1.1", "1.2.1", "2"], "its own standing is set by what asks for it");
    }
}
