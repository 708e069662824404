//! PURE. What people said and decided, as far as the prompt of a step has it.

use crate::plan::Step;
use crate::plan::decisions::{text_of, things_in};
use crate::plan::prompt::{KnownFailure, OtherDecision, QuestionAnswer};
use crate::spec::TaskFile;
use crate::state::{Answer, FailedCheck, SpecState};

/// The questions and answers for a unit that its prompt repeats.
#[must_use]
pub fn decisions(state: &SpecState, unit: &str) -> Vec<QuestionAnswer> {
    let pair = |a: &Answer| QuestionAnswer { question: a.question.clone(), answer: a.answer.clone() };
    state.answers_for(unit).map(pair).collect()
}

/// The notes for a unit that its prompt has.
#[must_use]
pub fn notes(state: &SpecState, unit: &str) -> Vec<String> {
    state.notes_for(unit).map(|note| note.text.clone()).collect()
}

/// The checks of a step that failed before any agent worked, and since.
#[must_use]
pub fn known_failures(state: &SpecState, step: &Step) -> Vec<KnownFailure> {
    let of_step = state.known_failures().filter(|check| step.settings.verify.contains(&check.argv));
    let known = |check: &FailedCheck| KnownFailure {
        command: check.command.clone(),
        how: check.how.clone(),
        tail: check.tail.clone(),
    };
    of_step.map(known).collect()
}

/// What people decided for other units about things that this step names, too.
#[must_use]
pub fn other_decisions(state: &SpecState, tasks: &TaskFile, step: &Step) -> Vec<OtherDecision> {
    let of_step = step.task.iter().chain(&step.above).chain(&step.open).map(text_of);
    let wanted = things_in(&format!("{}\n{}", step.title, of_step.collect::<Vec<_>>().join("\n")));
    let depends: Vec<&String> = step
        .task
        .iter()
        .chain(&step.open)
        .flat_map(|task| task.depends_on.iter().chain(&task.after))
        .collect();
    let others = state.all_decisions().filter(|one| one.unit != step.unit && !one.answer.trim().is_empty());
    others
        .filter_map(|one| {
            let task = tasks.task(&one.unit);
            let of_task = task.map(text_of).unwrap_or_default();
            let named = things_in(&format!("{}\n{}\n{of_task}", one.question, one.answer));
            let is_dependency = depends.contains(&&one.unit);
            (is_dependency || !named.is_disjoint(&wanted)).then(|| OtherDecision {
                task: one.unit.clone(),
                title: state.units.get(&one.unit).map(|unit| unit.title.clone()).unwrap_or_default(),
                question: one.question.clone(),
                answer: one.answer.clone(),
            })
        })
        .collect()
}
