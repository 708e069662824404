//! Settings of git that name programs, as they were at one moment: the start of a run.
//!
//! An agent may write to git's configuration, and git would run what it finds there with seqorch's rights. So every call
//! of a run gets the settings of the run's start: what was added or changed since is overridden. Reading the configuration
//! costs a process, so its files are only looked at until one of them changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::call::{GitCall, GitError, Supervisor};
use super::hooks::HookFolder;
use super::stamp::Stamp;

/// The setting that says where hooks are. It is pinned with the hooks.
pub(super) const HOOKS_PATH: &str = "core.hookspath";

/// A setting that names a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutingSetting {
    /// All its values, the last one counts for most.
    pub values: Vec<String>,
    /// The file that has it.
    pub file: String,
    /// Whether it is in the configuration of the repository, not in the person's own.
    pub of_repository: bool,
}

/// All settings that name programs, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutingSettings {
    settings: BTreeMap<String, ExecutingSetting>,
    /// The files that were read or looked for; `None`: there was none.
    watched: BTreeMap<PathBuf, Option<Stamp>>,
}

/// A setting and the value that overrides it.
pub type SettingOverride = (String, String);

impl ExecutingSettings {
    /// Those of the repository that `top` is the work tree of, and of the person.
    pub fn read(top: &Path, git_dirs: [&Path; 2], supervisor: &Supervisor) -> Result<Self, GitError> {
        let args = ["config", "--list", "--includes", "--show-scope", "--show-origin", "-z"];
        let mut found = Self::default();
        for folder in git_dirs {
            for name in ["config", "config.worktree"] {
                found.watch(folder.join(name));
            }
        }
        let printed = GitCall::new(top, args).read(supervisor)?;
        let text = String::from_utf8_lossy(&printed);
        let mut fields = text.split('\0');
        while let (Some(scope), Some(origin), Some(setting)) = (fields.next(), fields.next(), fields.next()) {
            let (key, value) = setting.split_once('\n').unwrap_or((setting, ""));
            let file = origin.strip_prefix("file:").map(|file| top.join(file));
            if let Some(file) = &file {
                found.watch(file.clone());
                if let Some(included) = included(key, value, file) {
                    found.watch(included);
                }
            }
            // those of the command line are ours, or the person's own
            let Some(file) = file.filter(|_| scope != "command" && executes(key, value)) else { continue };
            let of_repository = matches!(scope, "local" | "worktree");
            let entry = found.settings.entry(key.to_owned()).or_insert_with(|| ExecutingSetting {
                values: Vec::new(),
                file: String::new(),
                of_repository,
            });
            entry.values.push(value.to_owned());
            entry.file = file.display().to_string();
            entry.of_repository |= of_repository;
        }
        Ok(found)
    }

    fn watch(&mut self, file: PathBuf) {
        self.watched.entry(file).or_insert_with_key(|file| Stamp::of(file));
    }

    /// Whether a file that was read or looked for is another one now.
    pub(super) fn may_have_changed(&self) -> bool {
        self.watched.is_empty() || self.watched.iter().any(|(file, stamp)| Stamp::of(file) != *stamp)
    }

    /// The settings by their keys.
    #[must_use]
    pub fn settings(&self) -> &BTreeMap<String, ExecutingSetting> {
        &self.settings
    }

    /// What brings `now` back to these settings.
    pub(super) fn overrides(&self, now: &Self) -> Vec<SettingOverride> {
        let mut found = Vec::new();
        let keys: std::collections::BTreeSet<&String> =
            self.settings.keys().chain(now.settings.keys()).collect();
        for key in keys.into_iter().filter(|key| *key != HOOKS_PATH) {
            let values = |of: &Self| of.settings.get(key).map(|setting| setting.values.clone());
            let (before, after) = (values(self), values(now));
            if before == after {
                continue;
            }
            match before {
                Some(values) => {
                    // an empty value resets a list, and is overridden where there is none
                    found.push((key.clone(), String::new()));
                    found.extend(values.into_iter().map(|value| (key.clone(), value)));
                }
                None => found.push((key.clone(), harmless(key).to_owned())),
            }
            if let Some(driver) = filter_of(key) {
                // a filter that is only in part what it was must not let anything pass unfiltered
                let had = self.settings.keys().any(|known| filter_of(known) == Some(driver));
                found.push((format!("filter.{driver}.required"), had.to_string()));
            }
        }
        found
    }
}

/// The name of the filter that a setting belongs to.
fn filter_of(key: &str) -> Option<&str> {
    let (driver, _) = key.strip_prefix("filter.")?.rsplit_once('.')?;
    Some(driver)
}

/// The file that a setting includes.
fn included(key: &str, value: &str, file: &Path) -> Option<PathBuf> {
    let (section, rest) = key.split_once('.')?;
    let is_path = rest.rsplit('.').next() == Some("path");
    if !is_path || !matches!(section, "include" | "includeif") {
        return None;
    }
    Some(match value.strip_prefix("~/") {
        Some(rest) => PathBuf::from(std::env::var_os("HOME")?).join(rest),
        None => file.parent()?.join(value),
    })
}

/// Whether git executes what the setting says. git prints section and name of a key in lower case.
fn executes(key: &str, value: &str) -> bool {
    const WHOLE: [&str; 20] = [
        "core.alternaterefscommand",
        "core.askpass",
        "core.editor",
        "core.fsmonitor",
        "core.gitproxy",
        HOOKS_PATH,
        "core.pager",
        "core.sshcommand",
        "credential.helper",
        "diff.external",
        "gc.recentobjectshook",
        "gpg.program",
        "gpg.ssh.defaultkeycommand",
        "help.browser",
        "init.templatedir",
        "interactive.difffilter",
        "sequence.editor",
        "uploadpack.packobjectshook",
        "web.browser",
        "protocol.ext.allow",
    ];
    const NAMED: [(&str, &[&str]); 16] = [
        ("browser", &["cmd", "path"]),
        ("credential", &["helper"]),
        ("diff", &["command", "textconv"]),
        ("difftool", &["cmd", "path"]),
        ("filter", &["clean", "smudge", "process"]),
        ("gpg", &["program"]),
        ("guitool", &["cmd"]),
        ("hook", &["command"]),
        ("man", &["cmd", "path"]),
        ("merge", &["driver"]),
        ("mergetool", &["cmd", "path"]),
        ("pager", &[""]),
        ("remote", &["uploadpack", "receivepack", "vcs"]),
        ("tar", &["command"]),
        ("trailer", &["command", "cmd"]),
        ("submodule", &["update"]),
    ];
    if WHOLE.contains(&key) {
        // these two have values that start nothing
        return match key {
            "core.fsmonitor" => !matches!(value, "" | "true" | "false" | "0" | "1"),
            "protocol.ext.allow" => value != "never",
            _ => true,
        };
    }
    let Some((section, rest)) = key.split_once('.') else { return false };
    let name = rest.rsplit_once('.').map_or(rest, |(_, name)| name);
    match section {
        // `alias.x`, and `alias.NAME.command`
        "alias" => value.trim_start().starts_with('!'),
        "pager" => !matches!(value, "" | "true" | "false"),
        "submodule" => name == "update" && value.starts_with('!'),
        _ => {
            rest.contains('.')
                && NAMED.iter().any(|(known, names)| *known == section && names.contains(&name))
        }
    }
}

/// The value that disables the setting: git then starts nothing new.
fn harmless(key: &str) -> &'static str {
    match key {
        "gpg.program" | "gpg.openpgp.program" => "gpg",
        "gpg.x509.program" => "gpgsm",
        "gpg.ssh.program" => "ssh-keygen",
        "core.sshcommand" => "ssh",
        "core.pager" => "cat",
        // nothing is edited while a run works
        "core.editor" | "sequence.editor" => ":",
        "core.fsmonitor" => "false",
        "protocol.ext.allow" => "never",
        _ => "",
    }
}

/// The settings and hooks that the calls of a run execute, whatever the repository says meanwhile.
#[derive(Debug, Default)]
pub struct GitPin {
    /// The settings.
    pub settings: ExecutingSettings,
    /// The hooks; `None` where no commit is made.
    pub hooks: Option<HookFolder>,
    /// The settings that were read last, and what overrides them.
    last: Mutex<Option<(ExecutingSettings, Vec<SettingOverride>)>>,
}

impl GitPin {
    /// A pin of these settings and hooks.
    #[must_use]
    pub fn new(settings: ExecutingSettings, hooks: Option<HookFolder>) -> Self {
        Self { settings, hooks, last: Mutex::new(None) }
    }

    /// Whether git may execute something else now.
    #[must_use]
    pub fn may_have_changed(&self) -> bool {
        self.settings.may_have_changed() || self.hooks.as_ref().is_some_and(|hooks| !hooks.is_as_it_was())
    }

    /// What overrides the settings of now. Where git cannot read them, it cannot do anything else either.
    pub(super) fn overrides(
        &self,
        top: &Path,
        git_dirs: [&Path; 2],
        supervisor: &Supervisor,
    ) -> Vec<SettingOverride> {
        if !self.settings.may_have_changed() {
            return Vec::new();
        }
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((read, overrides)) = last.as_ref().filter(|(read, _)| !read.may_have_changed()) {
            let _ = read;
            return overrides.clone();
        }
        let Ok(now) = ExecutingSettings::read(top, git_dirs, supervisor) else { return Vec::new() };
        let overrides = self.settings.overrides(&now);
        *last = Some((now, overrides.clone()));
        overrides
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};

    #[test]
    fn settings_that_name_programs_are_known() {
        for (key, value) in [
            ("core.hookspath", ".husky"),
            ("filter.lfs.clean", "git-lfs clean %f"),
            ("filter.a.b.process", "x"),
            ("diff.pdf.textconv", "x"),
            ("alias.x", "!rm"),
            ("core.fsmonitor", ".git/hooks/query"),
            ("gpg.ssh.program", "x"),
            ("merge.ours.driver", "true"),
            ("submodule.a.update", "!x"),
        ] {
            assert!(executes(key, value), "{key}");
        }
        for (key, value) in [
            ("core.fsmonitor", "true"),
            ("alias.st", "status"),
            ("filter.lfs.required", "true"),
            ("user.name", "x"),
            ("diff.renames", "true"),
            ("submodule.a.update", "none"),
            ("remote.origin.url", "x"),
        ] {
            assert!(!executes(key, value), "{key}");
        }
    }

    fn read(top: &Path) -> ExecutingSettings {
        let dir = top.join(".git");
        ExecutingSettings::read(top, [&dir, &dir], &Supervisor::default()).unwrap()
    }

    #[test]
    fn what_was_added_changed_or_removed_is_overridden() {
        let (_dir, repo) = repository();
        git(&repo.top, &["config", "filter.kept.clean", "cat"]);
        git(&repo.top, &["config", "filter.gone.clean", "cat"]);
        let start = read(&repo.top);
        assert!(!start.may_have_changed());
        git(&repo.top, &["config", "filter.kept.clean", "evil"]);
        git(&repo.top, &["config", "--unset", "filter.gone.clean"]);
        git(&repo.top, &["config", "filter.a=b.process", "evil"]);
        git(&repo.top, &["config", "gpg.program", "evil"]);
        assert!(start.may_have_changed());
        let overrides = start.overrides(&read(&repo.top));
        let last =
            |key: &str| overrides.iter().rfind(|(known, _)| known == key).map(|(_, value)| value.as_str());
        assert_eq!(last("filter.kept.clean"), Some("cat"));
        assert_eq!(last("filter.gone.clean"), Some("cat"));
        assert_eq!((last("filter.a=b.process"), last("filter.a=b.required")), (Some(""), Some("false")));
        assert_eq!(last("gpg.program"), Some("gpg"));
        assert_eq!(last("filter.kept.required"), Some("true"));
    }

    #[test]
    fn a_file_that_is_included_is_watched_before_it_exists() {
        let (_dir, repo) = repository();
        git(&repo.top, &["config", "include.path", "../more"]);
        let start = read(&repo.top);
        std::fs::write(repo.top.join("more"), "[core]\n\tsshCommand = evil\n").unwrap();
        assert!(start.may_have_changed());
        let overrides = start.overrides(&read(&repo.top));
        assert_eq!(overrides, [("core.sshcommand".to_owned(), "ssh".to_owned())]);
    }
}
