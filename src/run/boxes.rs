//! Sets the marks in the checkboxes of tasks.md.

use std::fs;

use super::world::RealWorld;
use crate::error::{Error, Result};
use crate::spec;
use crate::sys::files;

impl RealWorld<'_> {
    /// Sets this mark in the boxes of these tasks. Returns the ids, or none where that failed, which is printed.
    pub(super) fn set_marks(&mut self, ids: &[String], mark: char) -> Vec<String> {
        let path = self.place.tasks_path();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let flip = || -> Result<()> {
            let source = fs::read_to_string(&path).map_err(|e| Error::io("reading", &path, e))?;
            let (changed, _) = spec::tick_as(&source, self.place.dialect, &ids, mark);
            if changed == source {
                return Ok(());
            }
            files::replace(&path, changed.as_bytes(), 0o644)
        };
        match flip() {
            Ok(()) => ids.iter().map(|id| (*id).to_owned()).collect(),
            Err(e) => {
                let text = format!(
                    "! the boxes of {} could not be ticked:\n{}",
                    ids.join(", "),
                    e.render().trim_end()
                );
                self.say(&text);
                Vec::new()
            }
        }
    }
}
