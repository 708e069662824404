//! What a step runs with: backend, arguments, deadlines, with the overrides that match it.

use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::request::SpecInfo;
use super::tree::Tree;
use crate::config::{
    Backend, Config, DoneSignal, Output, Override, PartialRetry, PartialTimeouts, PromptBy, Retry, Timeouts,
};

/// What the configuration says of one unit.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) backend: String,
    pub(super) argv: Vec<String>,
    pub(super) prompt_by: PromptBy,
    pub(super) output: Output,
    pub(super) env: Vec<(String, String)>,
    pub(super) env_remove: Vec<String>,
    pub(super) timeout: Timeouts,
    pub(super) retry: Retry,
    pub(super) signal: DoneSignal,
    pub(super) extra_prompt: Option<String>,
    /// Something a human should know about it.
    pub(super) remark: Option<String>,
}

/// The configuration, ready to be asked for one unit after another.
pub(super) struct Resolver<'a> {
    config: &'a Config,
    spec: SpecInfo<'a>,
    /// Where agents work, absolute if the root is.
    pub(super) cwd: PathBuf,
    overrides: Vec<(&'a Override, GlobSet)>,
    /// What units without an override get.
    common: Settings,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(config: &'a Config, spec: SpecInfo<'a>) -> Self {
        let cwd = config.run.workdir.as_ref().map_or_else(|| spec.root.to_owned(), |dir| spec.root.join(dir));
        let overrides = config.overrides.iter().map(|one| (one, globs(one))).collect();
        let common = settings(config, spec, &cwd, &[]);
        Self { config, spec, cwd, overrides, common }
    }

    /// What the unit with this node on top runs with.
    pub(super) fn unit(&self, tree: &Tree<'_>, top: usize) -> Settings {
        let matching: Vec<&Override> = self
            .overrides
            .iter()
            .filter(|(one, globs)| {
                let mut nodes = tree.upwards(top).chain(tree.below(top).iter().copied());
                nodes.any(|node| matches(one, globs, &tree.nodes[node].id))
            })
            .map(|(one, _)| *one)
            .collect();
        if matching.is_empty() {
            return self.common.clone();
        }
        settings(self.config, self.spec, &self.cwd, &matching)
    }
}

/// The patterns of an override; one that is no glob (the configuration refuses it) matches as plain text only.
fn globs(one: &Override) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for glob in one.tasks.iter().filter_map(|text| Glob::new(text).ok()) {
        builder.add(glob);
    }
    builder.build().unwrap_or_default()
}

fn matches(one: &Override, globs: &GlobSet, id: &str) -> bool {
    one.tasks.iter().any(|task| task == id) || globs.is_match(id)
}

fn settings(config: &Config, spec: SpecInfo<'_>, cwd: &Path, overrides: &[&Override]) -> Settings {
    let mut name = &config.run.backend;
    let mut model = None;
    let mut timeout = config.timeout;
    let mut retry = config.retry;
    let mut extra_prompt = None;
    for one in overrides {
        if let Some(backend) = &one.backend {
            if backend != name {
                model = None; // a model belongs to the backend that it was said for
            }
            name = backend;
        }
        model = one.model.as_ref().or(model);
        extra_prompt = one.prompt.as_ref().or(extra_prompt);
        timeout = with_timeouts(timeout, one.timeout);
        retry = with_retry(retry, one.retry);
    }
    let mut settings = Settings {
        backend: name.clone(),
        argv: vec![name.clone()],
        prompt_by: PromptBy::Stdin,
        output: Output::Text,
        env: Vec::new(),
        env_remove: Vec::new(),
        timeout,
        retry,
        signal: config.done,
        extra_prompt: extra_prompt.cloned(),
        remark: None,
    };
    let Some(backend) = config.backends.get(name) else {
        settings.remark = Some(format!("the backend `{name}` is not configured"));
        return settings;
    };
    let model = model.or(backend.model.as_ref());
    if let Some(model) = model.filter(|_| !takes_model(backend)) {
        settings.remark =
            Some(format!("the backend `{name}` has no place for the model `{model}` in its arguments"));
    }
    settings.argv = argv(backend, model.map(String::as_str), cwd, spec);
    settings.prompt_by = backend.prompt;
    settings.output = backend.output;
    settings.env = backend.env.clone().into_iter().collect();
    settings.env_remove.clone_from(&backend.env_remove);
    settings
}

fn takes_model(backend: &Backend) -> bool {
    backend.args.iter().any(|arg| arg == "{model_args}" || arg.contains("{model}"))
}

/// Program and arguments with everything filled in but the prompt.
fn argv(backend: &Backend, model: Option<&str>, cwd: &Path, spec: SpecInfo<'_>) -> Vec<String> {
    let (workdir, spec_dir) = (cwd.to_string_lossy(), spec.dir.to_string_lossy());
    let values = [("{model}", model.unwrap_or("")), ("{workdir}", &*workdir), ("{spec_dir}", &*spec_dir)];
    let mut argv = vec![program(&backend.command, spec.root)];
    for arg in &backend.args {
        if arg != "{model_args}" {
            argv.push(fill(arg, &values));
        } else if model.is_some() {
            argv.extend(backend.model_args.iter().map(|arg| fill(arg, &values)));
        }
    }
    let wanted = match backend.prompt {
        PromptBy::Stdin => return argv,
        PromptBy::Arg => "{prompt}",
        PromptBy::File => "{prompt_file}",
    };
    if !backend.args.iter().any(|arg| arg.contains(wanted)) {
        argv.push(wanted.to_owned());
    }
    argv
}

/// A path is taken from the project root, a plain name from PATH.
fn program(command: &str, root: &Path) -> String {
    if command.contains('/') { root.join(command).to_string_lossy().into_owned() } else { command.to_owned() }
}

/// Puts values in place of their names, once: what a value says is not looked at again.
fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((name, value)) = values.iter().find(|(name, _)| rest.starts_with(name)) {
            out.push_str(value);
            rest = &rest[name.len()..];
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out + rest
}

fn with_timeouts(common: Timeouts, own: PartialTimeouts) -> Timeouts {
    Timeouts {
        task: own.task.unwrap_or(common.task),
        idle: own.idle.unwrap_or(common.idle),
        first_output: own.first_output.unwrap_or(common.first_output),
        grace: own.grace.unwrap_or(common.grace),
    }
}

fn with_retry(common: Retry, own: PartialRetry) -> Retry {
    Retry {
        attempts: own.attempts.unwrap_or(common.attempts),
        backoff: own.backoff.unwrap_or(common.backoff),
        max_backoff: own.max_backoff.unwrap_or(common.max_backoff),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::plan::Step;
    use crate::plan::testing::{Case, backend};

    fn override_for(tasks: &[&str]) -> Override {
        Override {
            tasks: tasks.iter().map(ToString::to_string).collect(),
            backend: None,
            model: None,
            timeout: PartialTimeouts::default(),
            retry: PartialRetry::default(),
            prompt: None,
        }
    }

    fn steps(change: impl FnOnce(&mut Config)) -> Vec<Step> {
        let mut case = Case::new("1\n4\n  4.1\n  4.2\n40");
        change(&mut case.config);
        case.plan().steps
    }

    fn argv_of(agent: Backend) -> Vec<String> {
        steps(|config| drop(config.backends.insert("agent".into(), agent))).remove(0).argv
    }

    #[test]
    fn folders_and_model_are_filled_in_and_the_prompt_is_left_for_dispatch() {
        let mut agent =
            backend("agent", &["--model={model}", "-C", "{workdir}", "{spec_dir}/x", "{prompt}", "{other}"]);
        agent.model = Some("{workdir}".into());
        agent.prompt = PromptBy::Arg;
        assert_eq!(
            argv_of(agent),
            [
                "agent",
                "--model={workdir}",
                "-C",
                "/project",
                "/project/.kiro/specs/demo/x",
                "{prompt}",
                "{other}"
            ]
        );
    }

    #[test]
    fn model_args_stand_only_where_a_model_is_set() {
        let mut agent = backend("agent", &["run", "{model_args}", "-q"]);
        agent.model_args = vec!["-m".into(), "{model}".into()];
        assert_eq!(argv_of(agent.clone()), ["agent", "run", "-q"]);
        agent.model = Some("big".into());
        assert_eq!(argv_of(agent), ["agent", "run", "-m", "big", "-q"]);
    }

    #[test]
    fn a_prompt_with_no_place_of_its_own_comes_last() {
        let mut agent = backend("agent", &["-x"]);
        agent.prompt = PromptBy::Arg;
        assert_eq!(argv_of(agent.clone()), ["agent", "-x", "{prompt}"]);
        agent.prompt = PromptBy::File;
        assert_eq!(argv_of(agent.clone()), ["agent", "-x", "{prompt_file}"]);
        agent.args = vec!["--file={prompt_file}".into()];
        assert_eq!(argv_of(agent), ["agent", "--file={prompt_file}"]);
    }

    #[test]
    fn a_command_with_a_slash_is_a_path_below_the_root() {
        assert_eq!(argv_of(backend("tools/agent.sh", &[])), ["/project/tools/agent.sh"]);
        assert_eq!(argv_of(backend("/opt/agent", &[])), ["/opt/agent"]);
    }

    #[test]
    fn the_work_dir_is_below_the_root_or_absolute() {
        assert_eq!(steps(|_| ())[0].cwd, Path::new("/project"));
        assert_eq!(steps(|config| config.run.workdir = Some("web".into()))[0].cwd, Path::new("/project/web"));
        assert_eq!(steps(|config| config.run.workdir = Some("/else".into()))[0].cwd, Path::new("/else"));
    }

    #[test]
    fn an_override_matches_by_id_or_glob_of_the_unit_or_of_a_subtask() {
        let quick = Override { prompt: Some("quick".into()), ..override_for(&["4.*"]) };
        let steps = steps(|config| config.overrides.push(quick));
        let extra: Vec<_> = steps.iter().map(|s| s.extra_prompt.as_deref()).collect();
        assert_eq!(extra, [None, Some("quick"), None]);
    }

    #[test]
    fn a_later_override_wins_and_leaves_what_it_does_not_say() {
        let seconds = Duration::from_secs;
        let one = Override {
            timeout: PartialTimeouts {
                task: Some(seconds(1)),
                idle: Some(seconds(2)),
                ..PartialTimeouts::default()
            },
            retry: PartialRetry { attempts: Some(9), ..PartialRetry::default() },
            ..override_for(&["*"])
        };
        let two = Override {
            timeout: PartialTimeouts { task: Some(seconds(5)), ..PartialTimeouts::default() },
            ..override_for(&["1"])
        };
        let step = steps(|config| config.overrides.extend([one, two])).remove(0);
        assert_eq!((step.timeout.task, step.timeout.idle), (seconds(5), seconds(2)));
        assert_eq!((step.timeout.grace, step.retry.attempts), (seconds(10), 9));
        assert_eq!(step.retry.backoff, seconds(30));
    }

    #[test]
    fn a_model_does_not_follow_to_another_backend() {
        let one = Override { model: Some("big".into()), ..override_for(&["1"]) };
        let two = Override { backend: Some("other".into()), ..override_for(&["1"]) };
        let steps = steps(|config| {
            config.backends.insert("agent".into(), backend("agent", &["{model}"]));
            let other = Backend { model: Some("own".into()), ..backend("other", &["{model}"]) };
            config.backends.insert("other".into(), other);
            config.overrides.extend([one, two]);
        });
        assert_eq!(steps[0].argv, ["other", "own"]);
        assert_eq!(steps[1].backend, "agent");
    }

    #[test]
    fn a_model_that_the_arguments_have_no_place_for_is_noted_once() {
        let mut case = Case::new("1\n2");
        case.config
            .backends
            .insert("agent".into(), Backend { model: Some("big".into()), ..backend("agent", &[]) });
        let notes = case.plan().notes;
        assert_eq!(notes.len(), 1);
        assert_eq!(notes[0].message, "the backend `agent` has no place for the model `big` in its arguments");
    }

    #[test]
    fn a_backend_that_is_not_configured_is_noted_and_its_name_is_run() {
        let mut case = Case::new("1");
        case.config.run.backend = "nobody".into();
        let plan = case.plan();
        assert_eq!(plan.steps[0].argv, ["nobody"]);
        assert_eq!(plan.notes[0].message, "the backend `nobody` is not configured");
    }
}
