//! PURE. What people write to the agents of tasks without being asked.

use super::note::Note;
use super::spec_state::SpecState;

impl SpecState {
    /// Takes notes that are not known yet, and returns those. One for a task that is done already is late.
    pub fn take_notes(&mut self, notes: Vec<Note>) -> Vec<Note> {
        let mut taken = Vec::new();
        for mut note in notes {
            if self.notes.iter().any(|known| known.id == note.id) {
                continue;
            }
            let unit = self.id_of_title(&note.unit, &note.title).to_owned();
            note.unit = unit;
            note.over = self.units.get(&note.unit).is_some_and(super::UnitState::is_done);
            self.notes.push(note.clone());
            taken.push(note);
        }
        taken
    }

    /// The id of the task that a person meant, where it got another number since the person named it.
    pub(super) fn id_of_title<'a>(&'a self, id: &'a str, title: &str) -> &'a str {
        let mut same = self.entries.iter().filter(|task| !task.gone && task.title == title);
        let is_there = self.entries.iter().any(|task| task.id == id && task.title == title);
        match (is_there || title.is_empty(), same.next(), same.next()) {
            (false, Some(task), None) => &task.id,
            _ => id,
        }
    }

    /// The notes that the next prompt of a unit has, oldest first.
    pub fn notes_for<'a>(&'a self, unit: &'a str) -> impl Iterator<Item = &'a Note> {
        self.notes.iter().filter(move |note| note.unit == unit && !note.over)
    }

    /// The prompt of this attempt has the notes of its unit.
    pub fn give_notes(&mut self, unit: &str, attempt: u32) {
        for note in self.notes.iter_mut().filter(|note| note.unit == unit && note.is_pending()) {
            note.given = Some(attempt);
        }
    }

    /// If the agent of the last attempt never began, the notes that its prompt had are pending again.
    pub fn keep_unheard_notes(&mut self, unit: &str) {
        let last = self.units.get(unit).and_then(|unit| unit.attempts.last());
        let Some(attempt) = last.filter(|last| !last.reached_agent()).map(|last| last.number) else { return };
        for note in self.notes.iter_mut().filter(|note| note.unit == unit && note.given == Some(attempt)) {
            note.given = None;
        }
    }

    /// A unit is done: what was said for it stays, for people, and goes into no prompt any more.
    pub fn end_words(&mut self, unit: &str) {
        self.notes.iter_mut().filter(|note| note.unit == unit).for_each(|note| note.over = true);
        let (over, open) = std::mem::take(&mut self.answers).into_iter().partition(|one| one.unit == unit);
        self.answers = open;
        let over: Vec<_> = over;
        self.decisions.extend(over);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, attempt};
    use super::*;
    use crate::state::{KnownTask, Outcome};

    fn note(id: &str, unit: &str) -> Note {
        let (text, title) = (format!("words {id}"), format!("Title of {unit}"));
        Note {
            id: id.into(),
            unit: unit.into(),
            title,
            text,
            at: at(0),
            by: None,
            given: None,
            said: false,
            over: false,
        }
    }

    fn texts(state: &SpecState, unit: &str) -> Vec<String> {
        state.notes_for(unit).map(|note| note.text.clone()).collect()
    }

    #[test]
    fn a_note_is_taken_once_and_given_until_its_task_is_done() {
        let mut state = SpecState::default();
        assert_eq!(state.take_notes(vec![note("a", "1"), note("b", "2")]).len(), 2);
        assert_eq!(state.take_notes(vec![note("a", "1")]), []);
        assert!(state.notes[0].is_pending());
        state.give_notes("1", 3);
        assert_eq!((state.notes[0].given, state.notes[1].given), (Some(3), None));
        assert_eq!(texts(&state, "1"), ["words a"], "a retry has it, too");
        let ends = |state: &mut SpecState, outcome| {
            state.units.entry("1".into()).or_default().attempts = vec![attempt(3, Some(outcome))];
            state.keep_unheard_notes("1");
        };
        ends(&mut state, Outcome::NoSignal);
        assert_eq!(state.notes[0].given, Some(3), "an agent had it");
        ends(&mut state, Outcome::Unavailable { why: "gone".into() });
        assert!(state.notes[0].is_pending());
        state.done(at(1), "1", &["1".to_owned()]);
        assert!(state.notes[0].is_late() && texts(&state, "1").is_empty());
        assert!(state.take_notes(vec![note("c", "1")])[0].is_late(), "it is done");
        let again: SpecState = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        assert_eq!(again.notes, state.notes);
    }

    #[test]
    fn a_note_follows_its_task_to_another_number() {
        let task =
            |id: &str, title: &str| KnownTask { id: id.into(), title: title.into(), ..KnownTask::default() };
        let mut state =
            SpecState { entries: vec![task("1", "New"), task("2", "Title of 1")], ..SpecState::default() };
        assert_eq!(state.take_notes(vec![note("a", "1")])[0].unit, "2");
        state.entries.push(task("3", "Title of 1"));
        assert_eq!(state.take_notes(vec![note("b", "1")])[0].unit, "1", "two have that title");
    }

    #[test]
    fn answers_are_kept_when_their_task_is_done() {
        let mut state = SpecState::default();
        state.halt(at(0), "1", "A or B?");
        assert!(state.reopen("1", Some("A".into())));
        state.done(at(1), "1", &["1".to_owned()]);
        assert_eq!((state.answers.len(), state.decisions.len()), (0, 1));
        let decided: Vec<_> = state.all_decisions().map(|one| one.answer.as_str()).collect();
        assert_eq!(decided, ["A"]);
    }
}
