//! A plan of GSD has no marks: it is done when its summary lies beside it.

use std::path::Path;

use crate::spec::{Dialect, TaskFile, TaskState};

/// Marks all tasks of a plan as done whose `NN-NN-SUMMARY.md` lies beside it.
pub(super) fn apply(plan: &Path, tasks: &mut TaskFile) {
    let name = plan.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(stem) = name.strip_suffix("PLAN.md").filter(|_| tasks.dialect == Dialect::Gsd) else { return };
    if plan.with_file_name(format!("{stem}SUMMARY.md")).is_file() {
        for task in tasks.tasks.iter_mut().filter(|task| task.mark.is_none()) {
            task.state = TaskState::Done;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::parse;

    #[test]
    fn a_plan_with_a_summary_beside_it_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let plan = dir.path().join("01-02-PLAN.md");
        let read = || {
            let mut tasks =
                parse("<tasks>\n<task type=\"auto\">\n<name>Task 1: A</name>\n</task>\n</tasks>\n");
            apply(&plan, &mut tasks);
            tasks.tasks[0].state
        };
        assert_eq!(read(), TaskState::Todo);
        std::fs::write(dir.path().join("01-02-SUMMARY.md"), "").unwrap();
        assert_eq!(read(), TaskState::Done);
    }
}
