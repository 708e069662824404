//! People write notes while a run is at work: none is lost, and each reaches the next prompt of its task.

use super::model::Model;
use crate::plan::Step;
use crate::state::Note;

impl Model {
    /// A person writes a note for a unit.
    pub(super) fn write_note(&mut self, unit: &str) {
        self.notes += 1;
        let note = Note {
            id: format!("note {}", self.notes),
            unit: unit.to_owned(),
            title: String::new(),
            text: "words".to_owned(),
            at: self.now(),
            by: None,
            given: None,
            said: false,
            over: false,
        };
        self.note(format!("a person writes {} for {unit}", note.id));
        self.note_box.push(note);
    }

    /// An agent starts: the state on the disk says that it gets all that was written for its task.
    pub(super) fn check_notes(&mut self, step: &Step) {
        let disk = self.load();
        let known = disk.notes.len();
        if known != self.notes {
            self.wrong(format!("{} notes were written, and {known} are known", self.notes));
        }
        let pending: Vec<String> =
            disk.notes_for(&step.unit).filter(|note| note.is_pending()).map(|note| note.id.clone()).collect();
        if step.role.is_work() && !pending.is_empty() {
            self.wrong(format!("{} starts, and its prompt lacks {}", step.unit, pending.join(", ")));
        }
    }
}
