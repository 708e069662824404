//! What a person trusts in a project: kept by content, in the person's own state folder, out of reach of the project.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::trust::{ReachingSetting, TrustedSetting};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::digest::digest;
use crate::sys::nofollow::WHOLE_MAX;
use crate::sys::{files, nofollow, paths};

/// Version of the file.
const SCHEMA: u32 = 1;
/// What is trusted in one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustFile {
    path: PathBuf,
    content: TrustContent,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct TrustContent {
    schema: u32,
    /// The project: the name of the file is only a short fingerprint of it.
    root: String,
    /// What is trusted, by the choice that leads to it: `--profile night`, `--config FILE`; empty for none.
    choices: BTreeMap<String, Vec<TrustedSetting>>,
}

impl TrustFile {
    /// The file of the project at `root`, which is canonical. An error where there is no folder to keep it in, or where it
    /// cannot be read.
    pub fn open(root: &Path, var: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let folder = state_folder(var).ok_or_else(|| {
            Error::new(ErrorKind::Config, "there is no folder to keep trust in")
                .hint("Set HOME or XDG_STATE_HOME; or set SEQORCH_TRUST=1, which trusts for one call.")
        })?;
        // the way to it is the person's own, with whatever links
        let path =
            paths::real(&folder).join("trust").join(format!("{}.json", digest(root.as_os_str().as_bytes())));
        let name = root.to_string_lossy().into_owned();
        let empty = TrustContent { schema: SCHEMA, root: name.clone(), ..TrustContent::default() };
        let bytes = match nofollow::read(&path, WHOLE_MAX) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self { path, content: empty }),
            Err(e) => return Err(Error::io("reading", &path, e)),
        };
        // what cannot be understood trusts nothing
        let read = serde_json::from_slice::<TrustContent>(&bytes).ok();
        let content =
            read.filter(|content| content.schema == SCHEMA && content.root == name).unwrap_or(empty);
        Ok(Self { path, content })
    }

    /// What is trusted under this choice; what is trusted without one, where it was never trusted.
    #[must_use]
    pub fn trusted(&self, choice: &str) -> &[TrustedSetting] {
        let choices = &self.content.choices;
        choices.get(choice).or_else(|| choices.get("")).map_or(&[], Vec::as_slice)
    }

    /// Trusts these settings, and no other ones, under this choice.
    pub fn trust(&mut self, choice: &str, settings: &[ReachingSetting]) -> Result<()> {
        let settings = settings.iter();
        let trusted = settings.map(|one| TrustedSetting { key: one.key.clone(), value: one.value.clone() });
        self.content.choices.insert(choice.to_owned(), trusted.collect());
        if let Some(folder) = self.path.parent() {
            files::create_private_dir(folder)?;
        }
        let text = serde_json::to_vec_pretty(&self.content)
            .map_err(|e| Error::new(ErrorKind::Internal, "writing what is trusted").caused_by(e))?;
        files::replace(&self.path, &text, 0o600)
    }

    /// Trusts nothing any more. Returns whether anything was trusted.
    pub fn revoke(&mut self) -> Result<bool> {
        self.content.choices.clear();
        match fs::remove_file(&self.path) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(Error::io("removing", &self.path, e)),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The person's folder for state, as the XDG rules say; `None` where no variable leads to one.
pub fn state_folder(var: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(folder.join("seqorch"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn setting(value: &str) -> ReachingSetting {
        ReachingSetting {
            key: "verify.commands".into(),
            value: value.into(),
            shown: value.into(),
            place: "x".into(),
        }
    }

    fn open(state: &Path, root: &str) -> TrustFile {
        TrustFile::open(Path::new(root), |name| (name == "XDG_STATE_HOME").then(|| state.into())).unwrap()
    }

    #[test]
    fn what_is_trusted_is_kept_by_project_and_content() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = open(dir.path(), "/p");
        assert!(file.trusted("").is_empty());
        file.trust("", &[setting("a")]).unwrap();
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
        let again = open(dir.path(), "/p");
        assert_eq!(again.trusted("")[0].value, "a");
        assert_eq!(again.trusted("--profile night")[0].value, "a", "a new profile is compared with it");
        assert!(open(dir.path(), "/other").trusted("").is_empty());
        assert!(file.revoke().unwrap() && !file.revoke().unwrap());
        assert!(open(dir.path(), "/p").trusted("").is_empty());
    }

    #[test]
    fn a_value_that_was_replaced_is_not_trusted_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = open(dir.path(), "/p");
        file.trust("", &[setting("a")]).unwrap();
        file.trust("", &[setting("b")]).unwrap();
        assert_eq!(open(dir.path(), "/p").trusted("").len(), 1);
    }

    #[test]
    fn a_file_of_another_project_or_a_broken_one_trusts_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = open(dir.path(), "/p");
        file.trust("", &[setting("a")]).unwrap();
        let other = open(dir.path(), "/q").path().to_owned();
        fs::copy(file.path(), &other).unwrap();
        assert!(open(dir.path(), "/q").trusted("").is_empty());
        fs::write(file.path(), "{").unwrap();
        assert!(open(dir.path(), "/p").trusted("").is_empty());
    }

    #[test]
    fn the_folder_is_that_of_the_xdg_rules() {
        let with = |vars: &'static [(&'static str, &'static str)]| {
            state_folder(|name| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
        };
        assert_eq!(with(&[("HOME", "/h")]), Some("/h/.local/state/seqorch".into()));
        assert_eq!(with(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]), Some("/s/seqorch".into()));
        assert_eq!(
            with(&[("HOME", "/h"), ("XDG_STATE_HOME", "relative")]),
            Some("/h/.local/state/seqorch".into())
        );
        assert_eq!(with(&[]), None);
    }
}
