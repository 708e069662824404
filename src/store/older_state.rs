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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::UnitStatus;

    /// A project whose spec is its top folder, below a folder with this state file.
    fn top_level(above: &str) -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap().join("app");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("tasks.md"), "- [ ] 1. A\n").unwrap();
        fs::write(dir.path().join("SEQUENTIAL_STATE.json"), above).unwrap();
        let store = Store::new(&root, &root, "app");
        (dir, store)
    }

    #[test]
    fn a_spec_at_the_top_finds_the_state_of_an_earlier_version_above_it() {
        let mut file = crate::store::state_file::StateFile::default();
        let mut entry = SpecState::default();
        entry.units.entry("1".into()).or_default().status = UnitStatus::Done;
        file.specs.insert("app".into(), entry);
        let text = String::from_utf8(file.text().unwrap()).unwrap();
        let (dir, store) = top_level(&text);
        let found = store.load().unwrap();
        assert!(found.units["1"].is_done());
        // from the first save on it is in the project, and the old file stays as it is
        store.save(&SpecState::default()).unwrap();
        assert!(store.load().unwrap().units.is_empty());
        assert_eq!(fs::read_to_string(dir.path().join("SEQUENTIAL_STATE.json")).unwrap(), text);
    }

    #[test]
    fn state_above_a_spec_at_the_top_is_taken_only_if_it_names_the_spec() {
        let python =
            |spec: &str| format!("{{{spec}\"completed\": [\"1\"], \"iteration\": 1, \"halted\": false}}");
        for (text, taken) in [
            (python("\"spec\": \"app\", "), true),
            (python("\"spec\": \"other\", "), false),
            (python(""), false),
            ("nonsense".to_owned(), false),
        ] {
            let (_dir, store) = top_level(&text);
            assert_eq!(store.load().unwrap().completed.contains(&"1".to_owned()), taken, "{text}");
        }
    }
}
