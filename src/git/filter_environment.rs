//! Filters of the user see the environment of a plain `git commit`, also where a snapshot runs them: not our places of
//! objects and indexes, nor our settings.

use super::executing::{ExecutingSettings, SettingOverride};

/// Variables that a call of ours sets, and git hands on to filters.
const OURS: [&str; 9] = [
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_OPTIONAL_LOCKS",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_CONFIG_COUNT",
    "LANGUAGE",
];
/// The one setting that a commit of ours has, as git writes it.
const SETTING: &str = "'core.fsmonitor'='false'";

/// Settings that start the filters of the user in the environment of a plain commit. `others`: how many other settings the
/// call has. `own` gives the value of a variable of this process.
pub(super) fn in_plain_environment(
    settings: &ExecutingSettings,
    others: usize,
    own: impl Fn(&str) -> Option<String>,
) -> Vec<SettingOverride> {
    let filters = settings.settings().iter().filter(|(key, _)| {
        let name = key.rsplit('.').next().unwrap_or_default();
        key.starts_with("filter.") && ["clean", "smudge", "process"].contains(&name)
    });
    let commands = filters.filter_map(|(key, setting)| Some((key, setting.values.last()?)));
    let commands: Vec<_> = commands.filter(|(_, command)| !command.is_empty()).collect();
    if commands.is_empty() {
        return Vec::new();
    }
    let first = own("GIT_CONFIG_COUNT").and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
    let numbers = first..first + others + commands.len();
    let settings = numbers.map(|number| format!("unset GIT_CONFIG_KEY_{number} GIT_CONFIG_VALUE_{number}; "));
    let head = head(own) + &settings.collect::<String>();
    // in all but these git takes a `%f` for the path
    let of = |key: &str| if key.ends_with(".process") { head.clone() } else { head.replace('%', "%%") };
    commands.into_iter().map(|(key, command)| (key.clone(), format!("{}{command}", of(key)))).collect()
}

/// The commands of the shell that bring the environment back.
fn head(own: impl Fn(&str) -> Option<String>) -> String {
    let set = |name: &str, value: Option<String>| match value {
        Some(value) => format!("export {name}='{}'; ", value.replace('\'', "'\\''")),
        None => format!("unset {name}; "),
    };
    let parameters = own("GIT_CONFIG_PARAMETERS").map_or_else(String::new, |own| format!("{own} "));
    let last = set("GIT_CONFIG_PARAMETERS", Some(format!("{parameters}{SETTING}")));
    OURS.iter().map(|name| set(name, own(name))).chain([last]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};

    #[test]
    fn only_filters_that_start_something_are_wrapped() {
        let (_dir, repo) = repository();
        for (key, value) in [("filter.a.clean", "cat %f"), ("filter.b.smudge", ""), ("gpg.program", "x")] {
            git(&repo.top, &["config", key, value]);
        }
        let settings = ExecutingSettings::read(&repo.top, [&repo.git_dir; 2], &repo.supervisor).unwrap();
        let own = |name: &str| (name == "LANGUAGE").then(|| "it's 5%".to_owned());
        let found: Vec<_> = in_plain_environment(&settings, 0, own)
            .into_iter()
            .filter(|(key, _)| ["filter.a.clean", "filter.b.smudge", "gpg.program"].contains(&key.as_str()))
            .collect();
        let [(key, command)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(key, "filter.a.clean");
        assert!(command.starts_with("unset GIT_INDEX_FILE; ") && command.ends_with("; cat %f"), "{command}");
        assert!(command.contains("export LANGUAGE='it'\\''s 5%%'; "), "{command}");
        assert!(command.contains("GIT_CONFIG_PARAMETERS=''\\''core.fsmonitor'\\''"), "{command}");
    }
}
