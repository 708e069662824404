//! The task list that was parsed last: a run reads the same file several times in each step.

use std::sync::{Arc, Mutex};

use crate::spec::{self, Dialect, TaskFile};

/// The text that was parsed last, with what it means.
#[derive(Debug, Clone, Default)]
pub struct LastParsed(Arc<Mutex<Option<ParsedText>>>);

#[derive(Debug)]
struct ParsedText {
    text: String,
    dialect: Option<Dialect>,
    tasks: TaskFile,
}

impl LastParsed {
    /// The tasks in this text; a given dialect decides how it is read.
    pub(super) fn parse(&self, text: &str, dialect: Option<Dialect>) -> TaskFile {
        let Ok(mut last) = self.0.lock() else { return spec::parse_as(text, dialect) };
        if let Some(last) = last.as_ref().filter(|last| last.text == text && last.dialect == dialect) {
            return last.tasks.clone();
        }
        let tasks = spec::parse_as(text, dialect);
        *last = Some(ParsedText { text: text.to_owned(), dialect, tasks: tasks.clone() });
        tasks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_text_or_dialect_is_parsed_anew() {
        let (one, two) = ("- [ ] 1. A\n", "- [ ] 1. B\n");
        let last = LastParsed::default();
        for (text, dialect) in
            [(one, None), (one, None), (two, None), (two, Some(Dialect::SpecKit)), (one, None)]
        {
            assert_eq!(last.parse(text, dialect), spec::parse_as(text, dialect), "{text} {dialect:?}");
        }
    }
}
