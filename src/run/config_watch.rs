//! Configuration files are read again before each step of a run, where they have changed.

use std::fs;
use std::path::{Path, PathBuf};

use super::trust::{RunTrust, TrustWatch, config_files};
use crate::config::trust::TrustedSetting;
use crate::config::{self, Config, LoadRequest, Loaded, changed_settings};
use crate::error::{Error, Result};
use crate::git::stamp::Stamp;
use crate::project::SpecPlace;
use crate::report::text::{command_line, sanitise_text};
use crate::state::ConfigOutcome;

/// The configuration files of a run, and what it takes of them.
#[derive(Debug)]
pub(super) struct ConfigWatch {
    request: LoadRequest,
    /// What is read here is moved there, where the spec has a work tree of its own.
    moved_to: Option<PathBuf>,
    /// What the run began with.
    begun: Config,
    /// The files as they were taken, or read, last.
    files: Vec<(PathBuf, Option<Stamp>)>,
    /// What a person trusts, as the file was when the run began or took a configuration.
    trusted: Option<(PathBuf, Option<Stamp>)>,
    /// The same, as it was looked at last.
    trust_seen: Option<Stamp>,
    /// What was said of files that are not taken.
    said: Option<ConfigOutcome>,
    /// The files of the configuration that the run has. Where one is gone, a person most likely went to another branch.
    there: Vec<PathBuf>,
}

impl ConfigWatch {
    /// A watch over the files of a run that begins with `config`; `None` where it has none.
    pub(super) fn new(trust: &RunTrust, place: &SpecPlace, config: &Config) -> Option<Self> {
        let loaded = trust.loaded.as_deref()?;
        let trusted = trust.file().ok().map(|file| (file.path().to_owned(), Stamp::of(file.path())));
        Some(Self {
            request: trust.request.clone(),
            moved_to: place.checkout.as_ref().map(|_| place.root.clone()),
            begun: config.clone(),
            files: stamps(&trust.request, loaded),
            there: files_there(&trust.request, loaded),
            trust_seen: trusted.as_ref().and_then(|(_, stamp)| *stamp),
            trusted,
            said: None,
        })
    }

    /// Whether files changed since they were read last: a few looks at files that mostly have not.
    pub(super) fn has_changed(&self) -> bool {
        let waits_for_trust = matches!(self.said, Some(ConfigOutcome::NotTrusted { .. }));
        let trusted = self.trusted.as_ref().filter(|_| waits_for_trust);
        trusted.is_some_and(|(path, _)| Stamp::of(path) != self.trust_seen)
            || self.files.iter().any(|(path, stamp)| stamp_of(path) != *stamp)
    }

    /// What a person has trusted since the run began, or since it took a configuration last.
    /// `None`: nothing was.
    pub(super) fn newly_trusted(&self, trust: &RunTrust) -> Option<Vec<TrustedSetting>> {
        self.trusted.as_ref().filter(|(path, stamp)| Stamp::of(path) != *stamp)?;
        Some(trust.file().ok()?.trusted(&trust.choice()).to_vec())
    }

    /// Reads what changed. Returns what became of it, where that is news, and the configuration that the run has from now on,
    /// if it is another one. `check`: whether a run can have it.
    pub(super) fn look(
        &mut self,
        trust: &mut TrustWatch,
        check: &dyn Fn(&Config) -> Result<()>,
    ) -> Option<(Option<Config>, ConfigOutcome)> {
        // what a broken one lacks may be a file that is not known yet
        if !self.has_changed() && !matches!(self.said, Some(ConfigOutcome::Broken { .. })) {
            return None;
        }
        self.trust_seen = self.trusted.as_ref().and_then(|(path, _)| Stamp::of(path));
        // before they are read: what changes meanwhile is read again
        let before = trust.trust.loaded.clone()?;
        self.files = stamps(&self.request, &before);
        let (config, became) = match config::load(&self.request) {
            Ok(loaded) => {
                self.files = again(&self.files, &self.request, &loaded);
                self.judge(&before, &loaded, trust, check)
            }
            Err(_) if self.lacks_file() => (None, self.files_gone()),
            Err(error) => (None, broken(&error)),
        };
        let is_news = match &became {
            ConfigOutcome::Taken { .. } => true,
            ConfigOutcome::Restored => self.said.is_some(),
            kept => self.said.as_ref() != Some(kept),
        };
        let is_kept = matches!(became, ConfigOutcome::NotTrusted { .. } | ConfigOutcome::Broken { .. });
        if is_kept {
            trust.take_as_said();
        }
        self.said = Some(became.clone()).filter(|_| is_kept);
        is_news.then_some((config, became))
    }

    fn judge(
        &mut self,
        before: &Loaded,
        loaded: &Loaded,
        trust: &mut TrustWatch,
        check: &dyn Fn(&Config) -> Result<()>,
    ) -> (Option<Config>, ConfigOutcome) {
        let settings = changed_settings(before, loaded);
        if settings.is_empty() && !self.lacks_file() {
            return (None, ConfigOutcome::Restored);
        }
        let untrusted = trust.trust.untrusted_of(loaded, self.newly_trusted(&trust.trust).as_deref());
        if !untrusted.is_empty() {
            return (None, ConfigOutcome::NotTrusted { settings: untrusted, command: self.trust_command() });
        }
        if self.lacks_file() {
            return (None, self.files_gone());
        }
        let config = loaded.config.clone();
        let config = match &self.moved_to {
            Some(to) => config.moved(&self.request.root, to),
            None => config,
        };
        let config = config.for_run_at_work(&self.begun);
        if let Err(error) = check(&config) {
            return (None, broken(&error));
        }
        trust.trust.take(loaded);
        self.there = files_there(&self.request, loaded);
        if let Some((path, stamp)) = &mut self.trusted {
            *stamp = Stamp::of(path);
        }
        (Some(config), ConfigOutcome::Taken { settings })
    }

    fn lacks_file(&self) -> bool {
        self.there.iter().any(|path| !path.exists())
    }

    fn files_gone(&self) -> ConfigOutcome {
        let gone = self.there.iter().filter(|path| !path.exists());
        let problem = |path: &PathBuf| sanitise_text(&format!("{} is not there any more", path.display()));
        ConfigOutcome::Broken { problems: gone.map(problem).collect() }
    }

    /// The command by which a person trusts the configuration of the run.
    fn trust_command(&self) -> String {
        let mut words = vec!["seqorch".to_owned(), "trust".to_owned()];
        if let Some(file) = &self.request.config_file {
            words.extend(["--config".to_owned(), file.display().to_string()]);
        }
        if let Some(name) = &self.request.profile {
            words.extend(["--profile".to_owned(), name.clone()]);
        }
        command_line(&words)
    }
}

/// The files of a configuration that are there.
fn files_there(request: &LoadRequest, loaded: &Loaded) -> Vec<PathBuf> {
    config_files(request, loaded).into_iter().filter(|path| path.exists()).collect()
}

/// The files of a configuration, and the user's own file if it comes up.
fn stamps(request: &LoadRequest, loaded: &Loaded) -> Vec<(PathBuf, Option<Stamp>)> {
    let mut files = config_files(request, loaded);
    files.extend(config::user_file(&request.env));
    files.into_iter().map(|path| (path.clone(), stamp_of(&path))).collect()
}

/// Those of the configuration that was read, with the stamps from before the reading where they are known.
fn again(
    known: &[(PathBuf, Option<Stamp>)],
    request: &LoadRequest,
    loaded: &Loaded,
) -> Vec<(PathBuf, Option<Stamp>)> {
    let stamp = |path: &PathBuf| known.iter().find(|(one, _)| one == path).map(|(_, stamp)| *stamp);
    let files = stamps(request, loaded).into_iter();
    files.map(|(path, now)| (path.clone(), stamp(&path).unwrap_or(now))).collect()
}

/// A file may be a link: what it leads to counts.
fn stamp_of(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().map(|data| Stamp::from(&data))
}

fn broken(error: &Error) -> ConfigOutcome {
    let details = error.details().iter().flat_map(|text| text.lines());
    let mut problems: Vec<String> = details.map(|line| sanitise_text(line.trim_end())).collect();
    if problems.is_empty() {
        problems.push(sanitise_text(&error.brief()));
    }
    ConfigOutcome::Broken { problems }
}
