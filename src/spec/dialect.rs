//! Names the dialect of a file, once its tasks are known.

use super::model::Dialect;
use super::reading_rules::TaskForm;

/// Counts of the signs that distinguish the dialects.
#[derive(Debug, Default)]
pub(crate) struct DialectSigns {
    pub(crate) tasks: usize,
    /// Ids like `T001`, with three digits or more.
    pub(crate) speckit_ids: usize,
    /// Ids that are whole numbers.
    pub(crate) whole: usize,
    /// Dotted ids below a heading with their number.
    pub(crate) grouped: usize,
    /// Kiro's stars.
    pub(crate) stars: usize,
    /// Tasks with an italic pair about requirements.
    pub(crate) requirements: usize,
    /// `_Boundary:_`, `_Depends:_`, `(P)`.
    pub(crate) ccsdd: usize,
}

/// The dialect, and the evidence for it in words for users.
pub(crate) fn name(form: TaskForm, signs: &DialectSigns) -> (Dialect, String) {
    let s = signs;
    match form {
        TaskForm::Headings | TaskForm::NumberedHeadings | TaskForm::Listed => {
            (Dialect::Headings, format!("{} headings name a task", s.tasks))
        }
        TaskForm::Table => (Dialect::Table, format!("{} rows of a table carry an id", s.tasks)),
        TaskForm::Numbered => (Dialect::Numbered, format!("no boxes, {} numbered lines", s.tasks)),
        TaskForm::Trailing => (Dialect::Plain, format!("{} lines with a box behind the title", s.tasks)),
        TaskForm::Nothing => (Dialect::Plain, "nothing that looks like a task".to_owned()),
        TaskForm::Anonymous => (Dialect::Plain, format!("{} boxes, none with an id", s.tasks)),
        TaskForm::Boxes if s.speckit_ids * 2 > s.tasks => {
            (Dialect::SpecKit, format!("{} of {} ids are like T001", s.speckit_ids, s.tasks))
        }
        TaskForm::Boxes if s.ccsdd > 0 => {
            (Dialect::CcSdd, format!("{} signs of cc-sdd: (P), _Boundary:_, _Depends:_", s.ccsdd))
        }
        TaskForm::Boxes if s.requirements > 0 || s.stars > 0 => {
            (Dialect::Kiro, format!("{} requirement notes, {} starred tasks", s.requirements, s.stars))
        }
        TaskForm::Boxes if s.grouped > 0 && s.grouped >= s.whole => {
            (Dialect::OpenSpec, format!("{} ids are numbered below a heading of that number", s.grouped))
        }
        TaskForm::Boxes if s.whole > 0 => {
            (Dialect::Kiro, format!("{} tasks numbered with whole numbers", s.whole))
        }
        TaskForm::Boxes => (Dialect::Plain, format!("{} boxes with ids of their own form", s.tasks)),
    }
}
