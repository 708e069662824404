//! State that an earlier version or the Python tool left: where it lies, and whose it is.

use std::fs;
use std::path::Path;

use super::spec_store::Store;
use super::state_file::StateText;
use crate::error::{Error, ErrorKind, Result};
use crate::state::spec_state::SpecState;
use crate::sys::nofollow::{self, WHOLE_MAX};

impl Store {
    /// The spec's entry in a state file above the project, where earlier versions and the Python tool keep it.
    pub(super) fn entry_above(&self) -> Option<SpecState> {
        let above = self.spec_dir.parent()?.join("SEQUENTIAL_STATE.json");
        if above == self.state_path() {
            return None;
        }
        let text = String::from_utf8(nofollow::read(&above, WHOLE_MAX).ok()?).ok()?;
        match StateText::read(&text).ok()? {
            StateText::Ours(mut file) => file.specs.remove(&self.spec),
            StateText::Python { entry, spec } => Some(*entry).filter(|_| spec.as_ref() == Some(&self.spec)),
        }
    }

    /// The spec whose progress a file of the Python tool holds: the file names it, or the log next to it does, or there is
    /// only one spec. A guess could mark work of another spec as done.
    pub(super) fn owner_of_python_state(&self, named: Option<String>) -> Result<String> {
        if let Some(name) = named.or_else(|| self.spec_in_progress_log()) {
            return Ok(name);
        }
        let path = self.state_path();
        let folder = path.parent().unwrap_or(&self.spec_dir);
        if folder == self.spec_dir {
            return Ok(self.spec.clone());
        }
        let specs: Vec<String> = fs::read_dir(folder)
            .map_err(|e| Error::io("reading", folder, e))?
            .flatten()
            .filter(|e| e.path().join("tasks.md").exists())
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .collect();
        match specs.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(Error::new(
                ErrorKind::Internal,
                format!(
                    "{} is from the Python tool and does not say which spec it means",
                    self.state_path().display()
                ),
            )
            .detail("  It was not touched, and nothing was started.")
            .hint(format!(
                "Add `\"spec\": \"NAME\"` at its top, with one of: {}; or move it away.",
                specs.join(", ")
            ))),
        }
    }

    fn spec_in_progress_log(&self) -> Option<String> {
        let log = nofollow::read(&self.progress_path(), WHOLE_MAX).ok()?;
        let line = String::from_utf8_lossy(&log).into_owned();
        let line = line.lines().find_map(|l| l.strip_prefix("**Spec:** "))?;
        Path::new(line.trim()).file_name().map(|n| n.to_string_lossy().into_owned())
    }
}
