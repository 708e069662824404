//! PURE. Tasks that a person had left out, and wants done after all.

use super::spec_state::SpecState;
use crate::plan::TaskNames;

impl SpecState {
    /// A person wants these tasks done, of those that tasks.md has. Where a task above them was left out, its other parts
    /// still are.
    pub fn take_back_in(&mut self, all: &TaskNames, ids: &[String]) {
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
            state.take_back_in(&all, &ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
            Vec::from_iter(state.skipped)
        };
        assert_eq!(left_out_without(&["1.2", "1.2.1", "1.2.2"]), ["1.1", "2"]);
        assert_eq!(left_out_without(&["1.2.2"]), ["1.1", "1.2.1", "2"]);
        assert_eq!(left_out_without(&["1", "1.1", "1.2", "1.2.1", "1.2.2"]), ["2"]);
        assert_eq!(left_out_without(&["3"]), ["1", "2"]);
    }
}
