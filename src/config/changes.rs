//! PURE. What differs between two readings of the configuration, and which of it a run at work can take.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::explain::shown;
use super::loaded::Loaded;
use super::path::KeyPath;
use super::sections::root::Config;
use super::sections::run::RunSettings;
use super::tree::TomlNode;

/// A setting whose value differs between two readings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedSetting {
    /// The key: `run.model`.
    pub key: String,
    /// The value before, without what looks secret; `None`: it was not set.
    pub was: Option<String>,
    /// The value now; `None`: it is not set any more.
    pub now: Option<String>,
    /// Who sets it now: `seqorch.toml:4`; empty: nothing does.
    pub place: String,
    /// A run at work keeps the value before; the next run has this one.
    pub waits: bool,
}

/// Sections and keys that a run at work does not take: what it set up with them when it began stays as it is.
const OF_NEXT_RUN: [&str; 10] = [
    "git",
    "tmux",
    "hooks",
    "sandbox",
    "log",
    "tasks",
    "run.spec_root",
    "run.workdir",
    "run.granularity",
    "run.keep_awake",
];

/// The settings that differ, in the order of their keys.
#[must_use]
pub fn changed_settings(before: &Loaded, now: &Loaded) -> Vec<ChangedSetting> {
    let mut found = Vec::new();
    let trees = (before.provenance.tree(), now.provenance.tree());
    compare(&KeyPath::default(), Some(&trees.0), Some(&trees.1), &mut |path, was, is| {
        let place = now.provenance.current(path).map(|(origin, _)| origin.place).unwrap_or_default();
        let text = |node: Option<&TomlNode>| node.map(|node| shown(path, node));
        let key = path.to_string();
        let waits = waits(&key);
        found.push(ChangedSetting { key, was: text(was), now: text(is), place, waits });
    });
    found
}

fn waits(key: &str) -> bool {
    let is_below =
        |name: &str| key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    OF_NEXT_RUN.into_iter().any(is_below)
}

/// Gets a path, and the values before and now.
type OnChange<'a> = &'a mut dyn FnMut(&KeyPath, Option<&TomlNode>, Option<&TomlNode>);

/// Calls `found` for each value that differs. Tables are compared key by key, and so are lists of as many tables.
fn compare(path: &KeyPath, was: Option<&TomlNode>, now: Option<&TomlNode>, found: OnChange<'_>) {
    let tables = (was.and_then(TomlNode::table), now.and_then(TomlNode::table));
    if tables.0.is_some() && (now.is_none() || tables.1.is_some()) || tables.1.is_some() && was.is_none() {
        let names: BTreeSet<&String> =
            [tables.0, tables.1].into_iter().flatten().flat_map(|table| table.keys()).collect();
        for name in names {
            let [was, now] = [was, now].map(|node| node.and_then(|node| node.key(name)));
            compare(&path.join(name), was, now, found);
        }
        return;
    }
    let lists = (was.and_then(TomlNode::list), now.and_then(TomlNode::list));
    if let (Some(was), Some(now)) = lists
        && was.len() == now.len()
        && was.iter().chain(now).all(|item| item.table().is_some())
    {
        for (index, (was, now)) in was.iter().zip(now).enumerate() {
            compare(&path.element(index), Some(was), Some(now), found);
        }
    } else if was.map(TomlNode::to_json) != now.map(TomlNode::to_json) {
        found(path, was, now);
    }
}

impl Config {
    /// The configuration as a run at work takes it that began with `begun`: what waits for the next run stays as it was.
    #[must_use]
    pub fn for_run_at_work(self, begun: &Self) -> Self {
        let run = RunSettings {
            spec_root: begun.run.spec_root.clone(),
            workdir: begun.run.workdir.clone(),
            granularity: begun.run.granularity,
            keep_awake: begun.run.keep_awake,
            ..self.run
        };
        Self {
            run,
            git: begun.git.clone(),
            tmux: begun.tmux.clone(),
            hooks: begun.hooks.clone(),
            sandbox: begun.sandbox.clone(),
            log: begun.log,
            tasks: begun.tasks,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::load::load;
    use super::super::loaded::LoadRequest;
    use super::*;

    fn loaded(text: &str) -> Loaded {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("seqorch.toml"), text).unwrap();
        load(&LoadRequest { root: dir.path().to_owned(), ..LoadRequest::default() }).unwrap()
    }

    #[test]
    fn changed_settings_say_their_values_and_their_place() {
        let before = loaded("[run]\nmodel = \"a\"\n[[override]]\ntasks = [\"1\"]\nmodel = \"x\"\n");
        let now = loaded("[run]\nmodel = \"b\"\n[[override]]\ntasks = [\"1\"]\n[git]\ncommit = \"step\"\n");
        let found = changed_settings(&before, &now);
        let lines: Vec<String> = found
            .iter()
            .map(|one| {
                let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
                format!("{} {} {} {} {}", one.key, text(&one.was), text(&one.now), one.place, one.waits)
            })
            .collect();
        assert_eq!(
            lines,
            [
                "git.commit \"off\" \"step\" seqorch.toml:6 true",
                "override[0].model \"x\" -  false",
                "run.model \"a\" \"b\" seqorch.toml:2 false"
            ]
        );
        assert_eq!(changed_settings(&now, &now), []);
    }

    #[test]
    fn a_secret_does_not_show_in_what_changed() {
        let before = loaded("[backend.claude.env]\nMY_TOKEN = \"geheim1\"\n");
        let found = changed_settings(&before, &loaded("[backend.claude.env]\nMY_TOKEN = \"geheim2\"\n"));
        assert_eq!(found.len(), 1);
        assert!(!format!("{found:?}").contains("geheim"), "{found:?}");
    }

    /// What the list says of each key is what the configuration of a run at work does.
    #[test]
    fn a_key_waits_if_and_only_if_a_run_at_work_keeps_it() {
        let begun = loaded("");
        for (toml, key) in [
            ("[run]\nmodel = \"a\"", "run.model"),
            ("[run]\nmax_iterations = 9", "run.max_iterations"),
            ("[run]\nspec_root = \"x\"", "run.spec_root"),
            ("[run]\nworkdir = \".\"", "run.workdir"),
            ("[run]\ngranularity = \"task\"", "run.granularity"),
            ("[run]\nkeep_awake = false", "run.keep_awake"),
            ("[run]\non_halt = \"skip\"", "run.on_halt"),
            ("[retry]\nattempts = 9", "retry.attempts"),
            ("[timeout]\nidle = \"1s\"", "timeout.idle"),
            ("[done]\nnudges = 0", "done.nudges"),
            ("[limit]\nfallback = [\"codex\"]", "limit.fallback"),
            ("[pace]\ntokens = \"2M per 5h\"", "pace.tokens"),
            ("[prompt]\ndecisions = true", "prompt.decisions"),
            ("[verify]\ncommands = [[\"true\"]]", "verify.commands"),
            ("[review]\nbackend = \"codex\"", "review.backend"),
            ("[tmux]\nmode = \"off\"", "tmux.mode"),
            ("[tasks]\ntick = \"off\"", "tasks.tick"),
            ("[git]\ncommit = \"step\"", "git.commit"),
            ("[sandbox]\nnetwork = \"none\"", "sandbox.network"),
            ("[hooks]\nrequired = true", "hooks.required"),
            ("[log]\nkeep = \"1d\"", "log.keep"),
        ] {
            let now = loaded(toml);
            let found = changed_settings(&begun, &now);
            assert!(found.iter().any(|one| one.key.starts_with(key)), "{key}: {found:?}");
            let taken = now.config.clone().for_run_at_work(&begun.config) != begun.config;
            assert!(found.iter().all(|one| one.waits != taken), "{key}: {found:?}");
        }
    }
}
