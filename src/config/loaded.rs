//! PURE. What to load, and what was loaded.

use std::path::PathBuf;

use super::git_address::GitAddress;
use super::provenance::Provenance;
use super::sections::root::Config;
use super::vars::FlagSetting;

/// What to load.
#[derive(Debug, Clone, Default)]
pub struct LoadRequest {
    /// The project root, absolute.
    pub root: PathBuf,
    /// A file that is read instead of `seqorch.toml`; it must exist.
    pub config_file: Option<PathBuf>,
    /// The chosen profile.
    pub profile: Option<String>,
    /// The environment; `XDG_CONFIG_HOME` and `HOME` in it lead to the user's file.
    pub env: Vec<(String, String)>,
    /// Settings from the command line.
    pub flags: Vec<FlagSetting>,
}

/// The configuration of one call.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it means.
    pub config: Config,
    /// Who set which value.
    pub provenance: Provenance,
    /// The files that were read, lowest first.
    pub files: Vec<PathBuf>,
    /// The names of all profiles, sorted.
    pub profiles: Vec<String>,
    /// The files that files of the project build on.
    pub extends: Vec<ExtendedFile>,
    /// The presets from repositories of git among them, and those of the user's own file.
    pub git_presets: Vec<GitPreset>,
    /// The project root, absolute.
    pub root: PathBuf,
}

/// A preset from a repository of git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitPreset {
    /// Where it comes from.
    pub address: GitAddress,
    /// The folder of the cache for its repository.
    pub repository: PathBuf,
    /// The lock file that pins its commit.
    pub lock: PathBuf,
    /// The pinned commit.
    pub commit: Option<String>,
}

impl GitPreset {
    /// Where the files of its commit are, once they are fetched; `None`: no commit is pinned.
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        Some(self.repository.join(self.commit.as_ref()?))
    }
}

/// A file that a file of the project builds on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtendedFile {
    /// How it is written there, as TOML.
    pub written: String,
    /// Where that is: `seqorch.toml:1`.
    pub place: String,
    /// The file.
    pub path: PathBuf,
}
