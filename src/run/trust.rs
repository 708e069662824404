//! What a run executes because of the project's settings and hooks: trusted by a person before it begins, and the same
//! until its end, whatever an agent writes meanwhile.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::agent::redact::redact;
use crate::agent::sanitise::{sanitise, sanitise_line};
use crate::config::trust::{ReachingSetting, TrustedSetting, lost_guards, reaching_settings};
use crate::config::{self, Commit, LoadRequest, Loaded};
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::{GitError, Supervisor};
use crate::git::executing::GitPin;
use crate::git::repository::Repository;
use crate::git::stamp::Stamp;
use crate::state::{SpecState, UntrustedChange};
use crate::store::trust_file::TrustFile;
use crate::sys::paths::leads_out;

/// How the keys of settings of git begin.
const GIT_SETTING: &str = "git setting ";
/// Lines of a hook that are shown.
const HOOK_LINES: usize = 12;

/// Where a run pushes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushTarget {
    /// The name of the remote.
    pub remote: String,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// The key that names it.
    pub key: &'static str,
}

/// What a run of this project would execute because of its files.
#[derive(Debug, Clone)]
pub struct RunTrust {
    pub(super) request: LoadRequest,
    /// The configuration that it is of; `None`: none counts.
    pub(super) loaded: Option<Box<Loaded>>,
    /// A folder in the work tree whose hooks and settings of git count.
    ground: PathBuf,
    /// Everything that a person has to trust.
    pub settings: Vec<ReachingSetting>,
    /// The hooks and settings of git that the run executes.
    pub git: Option<Arc<GitPin>>,
    commits: bool,
    push: Option<PushTarget>,
    /// The files of the configuration as they were.
    files: Vec<(PathBuf, Option<Stamp>)>,
}

impl RunTrust {
    /// That of the project as it is now, for work in the work tree that `ground` is in.
    pub fn of(request: LoadRequest, loaded: &Loaded, ground: &Path) -> Result<Self> {
        let files = stamps(&request, loaded, ground);
        let commits = loaded.config.git.commit == Commit::Step;
        let (shared, pushed) = (&loaded.config.remote.name, &loaded.config.git.push);
        let shared = shared.as_ref().map(|name| (name, "remote.name"));
        let remote = shared.or(pushed.as_ref().map(|name| (name, "git.push"))).filter(|_| commits);
        let push = remote.map(|(name, key)| push_target(ground, name, key)).transpose()?;
        let needs_git = commits || loaded.config.git.snapshot;
        let git = if needs_git { git(ground, commits, push.is_some())? } else { None };
        let mut settings = of_configuration(loaded);
        settings.extend(git.as_ref().into_iter().flat_map(|pin| of_git(pin, commits)));
        settings.extend(push.as_ref().map(of_push));
        let ground = ground.to_owned();
        let loaded = Some(Box::new(loaded.clone()));
        Ok(Self { request, loaded, ground, settings, git: git.map(Arc::new), commits, push, files })
    }

    /// The same, only with settings of git that `wanted` accepts by their keys, for verbs that start nothing else.
    pub fn of_git(request: LoadRequest, wanted: impl Fn(&str) -> bool) -> Result<Self> {
        let all = git(&request.root, false, false)?.map(|pin| of_git(&pin, true)).unwrap_or_default();
        let settings = all.into_iter().filter(|one| one.key.strip_prefix(GIT_SETTING).is_some_and(&wanted));
        let settings = settings.collect();
        let (ground, files) = (request.root.clone(), Vec::new());
        Ok(Self { request, loaded: None, ground, settings, git: None, commits: false, push: None, files })
    }

    /// The same, with what was trusted because it protects the person, and is no longer set.
    #[must_use]
    pub fn compared_with(mut self, loaded: &Loaded, file: &TrustFile) -> Self {
        let lost = lost_guards(loaded, file.trusted(&self.choice()));
        self.settings.extend(lost);
        self
    }

    /// What of it a person does not trust yet.
    #[must_use]
    pub fn new_settings(&self, trusted: &[TrustedSetting]) -> Vec<&ReachingSetting> {
        self.settings.iter().filter(|one| !one.is_among(trusted)).collect()
    }

    /// Where the run pushes to.
    #[must_use]
    pub fn push_target(&self) -> Option<&PushTarget> {
        self.push.as_ref()
    }

    /// The choice under which it is trusted.
    #[must_use]
    pub fn choice(&self) -> String {
        let file = self.request.config_file.as_ref().map(|file| format!("--config {}", file.display()));
        let profile = self.request.profile.as_ref().map(|name| format!("--profile {name}"));
        file.into_iter().chain(profile).collect::<Vec<_>>().join(" ")
    }

    /// The file that keeps what is trusted in this project.
    pub fn file(&self) -> Result<TrustFile> {
        let root = self.request.root.canonicalize().unwrap_or_else(|_| self.request.root.clone());
        TrustFile::open(&root, |name| std::env::var_os(name))
    }

    /// What of a configuration that changed since a person has to trust before the run takes it, a line each. A setting that
    /// is trusted and gone is among it: else an agent could remove a check. `trusted`: what a person trusted since the run
    /// began.
    pub(super) fn untrusted_of(&self, loaded: &Loaded, trusted: Option<&[TrustedSetting]>) -> Vec<String> {
        let before = self.loaded.as_deref().map(of_configuration).unwrap_or_default();
        let begun: Vec<TrustedSetting> = before
            .iter()
            .map(|one| TrustedSetting { key: one.key.clone(), value: one.value.clone() })
            .collect();
        let mut now = of_configuration(loaded);
        now.extend(lost_guards(loaded, &begun));
        let gone = before.iter().filter(|old| !now.iter().any(|new| new.key == old.key));
        let gone: Vec<&ReachingSetting> = gone.collect();
        let new: Vec<&ReachingSetting> = now.iter().filter(|one| !one.is_among(&begun)).collect();
        let agreed = trusted.is_some_and(|trusted| {
            now.iter().all(|one| one.is_among(trusted)) && !gone.iter().any(|one| one.is_among(trusted))
        });
        if agreed {
            return Vec::new();
        }
        let gone = gone.into_iter().map(|one| sanitise_line(&format!("{} is gone ({})", one.key, one.place)));
        new.into_iter().map(one_line).chain(gone).collect()
    }

    /// From now on the run executes what this configuration says.
    pub(super) fn take(&mut self, loaded: &Loaded) {
        let before = self.loaded.as_deref().map(of_configuration).unwrap_or_default();
        self.settings.retain(|one| !before.contains(one));
        self.settings.extend(of_configuration(loaded));
        self.files = stamps(&self.request, loaded, &self.ground);
        self.loaded = Some(Box::new(loaded.clone()));
    }

    /// What would be executed now that is not part of the run.
    fn changes(&self) -> Vec<(UntrustedChange, (String, String))> {
        let mut now = Vec::new();
        if self.files.iter().any(|(path, stamp)| Stamp::of(path) != *stamp) {
            // one that is broken is read again before the next step, and can't be run with: no task is to blame for a typo
            if let Ok(loaded) = config::load(&self.request) {
                let settings = self.settings.iter();
                let begun: Vec<TrustedSetting> = settings
                    .map(|one| TrustedSetting { key: one.key.clone(), value: one.value.clone() })
                    .collect();
                let lost = lost_guards(&loaded, &begun);
                now.extend(of_configuration(&loaded).into_iter().chain(lost).map(|one| (one, false)));
            }
        }
        if self.git.as_ref().is_some_and(|pin| pin.may_have_changed())
            && let Ok(Some(other)) = git(&self.ground, self.commits, self.push.is_some())
        {
            now.extend(of_git(&other, self.commits).into_iter().map(|one| (one, true)));
        }
        let known = |one: &ReachingSetting| {
            self.settings.iter().any(|known| known.key == one.key && known.value == one.value)
        };
        let changed = now.into_iter().filter(|(one, _)| !known(one));
        let line = |one: &ReachingSetting, of_git: bool| match one.key.as_str() {
            key if of_git => format!("{key} ({})", one.place),
            _ => one_line(one),
        };
        changed
            .map(|(one, of_git)| {
                (UntrustedChange { what: line(&one, of_git), of_git }, (one.key.clone(), one.value.clone()))
            })
            .collect()
    }
}

/// Watches what comes up during a run.
#[derive(Debug)]
pub struct TrustWatch {
    pub(super) trust: RunTrust,
    reported: BTreeSet<(String, String)>,
}

impl TrustWatch {
    /// A watch over a run that was trusted like this.
    #[must_use]
    pub fn new(trust: &RunTrust) -> Self {
        Self { trust: trust.clone(), reported: BTreeSet::new() }
    }

    /// Where the run pushes to.
    #[must_use]
    pub fn push_target(&self) -> Option<&PushTarget> {
        self.trust.push.as_ref()
    }

    /// What came up since the last look, without what a person has `trusted` since the run began.
    pub(super) fn look(&mut self, trusted: &[TrustedSetting]) -> Vec<UntrustedChange> {
        let is_trusted = |(key, value): &(String, String)| {
            trusted.iter().any(|one| one.key == *key && one.value == *value)
        };
        let new = self.trust.changes().into_iter().filter(|(_, content)| !is_trusted(content));
        new.filter(|(_, content)| self.reported.insert(content.clone())).map(|(change, _)| change).collect()
    }

    /// The configuration changed between two steps, which was said: no task is to blame for it.
    pub(super) fn take_as_said(&mut self) {
        let said = self.trust.changes().into_iter().filter(|(change, _)| !change.of_git);
        self.reported.extend(said.map(|(_, content)| content));
    }
}

/// What became of such a change: `git hook pre-commit (…) is new; …`.
#[must_use]
pub fn not_used(change: &UntrustedChange) -> String {
    format!("{} is new; this run does not execute it, and the next one asks for trust", change.what)
}

/// A line for each hook and setting of git that came up in the attempts of a unit.
#[must_use]
pub fn git_lines(state: &SpecState) -> Vec<String> {
    let mut lines = Vec::new();
    for (id, unit) in state.units_by_id() {
        let changes = unit.attempts.iter().flat_map(|attempt| &attempt.learned.untrusted);
        lines.extend(
            changes
                .filter(|change| change.of_git)
                .map(|change| format!("task {}: {}", sanitise_line(id), not_used(change))),
        );
    }
    lines
}

/// `verify.commands = [["make"]] (seqorch.toml:4)`, without anything that a terminal acts on.
#[must_use]
pub fn one_line(setting: &ReachingSetting) -> String {
    let text = format!("{} = {} ({})", setting.key, setting.shown, setting.place);
    sanitise(text.as_bytes()).replace('\n', " ")
}

fn of_configuration(loaded: &Loaded) -> Vec<ReachingSetting> {
    reaching_settings(loaded, &|path| leads_out(&loaded.root, path))
}

/// The files of a configuration as they are now, as far as agents that work in `ground` can reach them.
fn stamps(request: &LoadRequest, loaded: &Loaded, ground: &Path) -> Vec<(PathBuf, Option<Stamp>)> {
    // beside the checkout no agent works in it, and its files change because a person edits them
    let watched = config_files(request, loaded).into_iter().filter(|_| ground == request.root);
    watched.map(|path| (path.clone(), Stamp::of(&path))).collect()
}

/// The files that a configuration is read from, and those that may come up.
pub(super) fn config_files(request: &LoadRequest, loaded: &Loaded) -> BTreeSet<PathBuf> {
    let names = ["seqorch.toml", "seqorch.local.toml", "seqorch.lock"].map(|name| request.root.join(name));
    let extended = loaded.extends.iter().map(|file| file.path.clone());
    loaded.files.iter().cloned().chain(names).chain(extended).collect()
}

/// The remote that a person names, and where it is now.
fn push_target(root: &Path, remote: &str, key: &'static str) -> Result<PushTarget> {
    let repository = Repository::find(root, &Supervisor::default())?;
    let addresses = repository.map(|found| found.push_addresses(remote)).transpose()?.flatten();
    let addresses = addresses.ok_or_else(|| {
        Error::new(ErrorKind::Config, format!("{key}: git has no remote {remote:?}"))
            .hint("List the remotes with `git remote`, or add one with `git remote add`.")
    })?;
    Ok(PushTarget { remote: remote.to_owned(), addresses, key })
}

/// A repository somewhere else can execute hooks of its own, so a person has to know which one it is.
fn of_push(target: &PushTarget) -> ReachingSetting {
    let value = target.addresses.join("\n");
    ReachingSetting {
        key: format!("git remote {}", target.remote),
        shown: redact(&value),
        value,
        place: target.key.to_owned(),
    }
}

fn git(root: &Path, commits: bool, pushes: bool) -> Result<Option<GitPin>, GitError> {
    let supervisor = Supervisor::default();
    match Repository::find(root, &supervisor) {
        // without git nothing of it is executed; a run that needs it says so itself
        Err(GitError::NotStarted { .. }) | Ok(None) => Ok(None),
        Ok(Some(repository)) => repository.executing(commits, pushes).map(Some),
        Err(error) => Err(error),
    }
}

/// What git executes for a run: filters for its snapshots, and hooks and the rest for its commits.
fn of_git(pin: &GitPin, commits: bool) -> Vec<ReachingSetting> {
    let settings = pin
        .settings
        .settings()
        .iter()
        .filter(|(key, setting)| setting.of_repository && (commits || key.starts_with("filter.")));
    let mut found: Vec<ReachingSetting> = settings
        .map(|(key, setting)| {
            let value = setting.values.join("\n");
            ReachingSetting {
                key: format!("{GIT_SETTING}{key}"),
                shown: value.clone(),
                value,
                place: setting.file.clone(),
            }
        })
        .collect();
    let hooks = pin.hooks.iter().flat_map(|hooks| hooks.files.iter().map(|file| (&hooks.folder, file)));
    found.extend(hooks.map(|(folder, (name, file))| {
        let value: String = match std::str::from_utf8(&file.content) {
            Ok(text) => text.to_owned(),
            Err(_) => file.content.iter().copied().map(char::from).collect(),
        };
        ReachingSetting {
            key: format!("git hook {name}"),
            shown: first_lines(&value),
            value,
            place: folder.join(name).display().to_string(),
        }
    }));
    found
}

fn first_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut shown: Vec<String> = lines.iter().take(HOOK_LINES).map(|line| (*line).to_owned()).collect();
    if lines.len() > HOOK_LINES {
        shown.push(format!("… ({} lines)", lines.len()));
    }
    shown.join("\n")
}
