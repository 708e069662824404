//! PURE. From what was written to what it means: paths made absolute, references checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::backend::{Backend, Permission, PromptBy};
use super::hooks::Hooks;
use super::limit::check_pattern;
use super::raw::{Raw, RawAssign, RawBackend, RawOverride, RawTimeouts, Span};
use super::schema;
use super::tree::KeyPath;
use super::types::{
    Assign, AssignMode, AssignRule, Config, Done, Git, Log, Override, PartialRetry, PartialTimeouts, Prompt,
    Retry, Run, Tasks, Timeouts, Verify,
};

/// A mistake that shows only once all layers are together.
pub(super) type Mistake = (KeyPath, String);

/// The meaning of `raw` for the project at `root`, and every mistake in it.
pub(crate) fn resolve(raw: Raw, root: &Path) -> (Config, Vec<Mistake>) {
    let mut mistakes = Vec::new();
    check_references(&raw, &mut mistakes);
    let assign = assign(raw.assign, &raw.run.backend, &raw.backend, &mut mistakes);
    let backends: BTreeMap<String, Backend> = raw
        .backend
        .into_iter()
        .map(|(name, raw)| {
            let key = KeyPath::parse("backend").join(&name);
            let backend = backend(raw, root, &key, &mut mistakes);
            (name, backend)
        })
        .collect();
    let workdir = raw.run.workdir.as_ref().map_or_else(|| root.to_owned(), |dir| root.join(dir));
    let tmux = raw.tmux.resolve(root, &workdir, &mut mistakes);
    let config = Config {
        run: Run {
            spec_root: raw.run.spec_root,
            backend: raw.run.backend,
            delay: raw.run.delay.0,
            jitter: raw.run.jitter.0,
            max_iterations: raw.run.max_iterations,
            workdir: raw.run.workdir.map(|dir| root.join(dir)),
            granularity: raw.run.granularity,
            include_optional: raw.run.include_optional,
            on_failure: raw.run.on_failure,
        },
        retry: Retry {
            attempts: raw.retry.attempts,
            backoff: raw.retry.backoff.0,
            max_backoff: raw.retry.max_backoff.0,
        },
        timeout: timeouts(&raw.timeout),
        done: Done { signal: raw.done.signal, nudges: raw.done.nudges },
        assign,
        limit: raw.limit.resolve(),
        pace: raw.pace.resolve(),
        prompt: Prompt {
            template: raw.prompt.template.map(|file| root.join(file)),
            inputs: raw.prompt.inputs,
            skills: raw.prompt.skills,
            rules: raw.prompt.rules,
        },
        tmux,
        tasks: Tasks {
            trust_checkboxes: raw.tasks.trust_checkboxes,
            tick: raw.tasks.tick,
            dialect: raw.tasks.dialect,
        },
        verify: Verify {
            commands: raw.verify.commands,
            timeout: raw.verify.timeout.0,
            min_tests: raw.verify.min_tests,
        },
        git: Git {
            commit: raw.git.commit,
            dirty: raw.git.dirty,
            message: raw.git.message,
            snapshot: raw.git.snapshot,
        },
        hooks: Hooks {
            argv: raw.hooks.argv.into_iter().filter(|(_, argv)| !argv.is_empty()).collect(),
            timeout: raw.hooks.timeout.0,
            required: raw.hooks.required,
        },
        log: Log { max_mb: raw.log.max_mb, keep: raw.log.keep.0 },
        backends,
        overrides: raw.r#override.into_iter().map(one_override).collect(),
    };
    (config, mistakes)
}

fn check_references(raw: &Raw, mistakes: &mut Vec<Mistake>) {
    let named = std::iter::once((KeyPath::parse("run.backend"), &raw.run.backend));
    let overrides = raw.r#override.iter().enumerate().filter_map(|(index, one)| {
        let key = KeyPath::parse("override").join(index.to_string()).join("backend");
        one.backend.as_ref().map(|name| (key, name))
    });
    for (index, one) in raw.r#override.iter().enumerate().filter(|(_, one)| one.tasks.is_empty()) {
        let key = KeyPath::parse("override").join(index.to_string()).join("tasks");
        let all = if one.backend.is_some() { "; for all tasks, set run.backend" } else { "" };
        mistakes.push((key, format!("names no task{all}")));
    }
    let fallbacks = raw.limit.fallback.iter().map(|name| (KeyPath::parse("limit.fallback"), name));
    for (key, name) in named.chain(overrides).chain(fallbacks) {
        check_backend(key, name, &raw.backend, mistakes);
    }
}

fn check_backend(
    key: KeyPath,
    name: &str,
    backends: &BTreeMap<String, RawBackend>,
    mistakes: &mut Vec<Mistake>,
) {
    if !backends.contains_key(name) {
        let known: Vec<&str> = backends.keys().map(String::as_str).collect();
        let near = schema::nearest(name, known.iter().copied());
        let near = near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
        mistakes.push((key, format!("there is no backend {name:?}{near} (known: {})", known.join(", "))));
    }
}

fn assign(
    raw: RawAssign,
    common: &str,
    backends: &BTreeMap<String, RawBackend>,
    mistakes: &mut Vec<Mistake>,
) -> Assign {
    let at = KeyPath::parse("assign");
    if let Some(name) = &raw.backend {
        check_backend(at.join("backend"), name, backends, mistakes);
    }
    for (owner, name) in &raw.owners {
        check_backend(at.join("owners").join(owner), name, backends, mistakes);
    }
    let mut rules = Vec::new();
    for (index, rule) in raw.rule.into_iter().enumerate() {
        let key = at.join("rule").join(index.to_string());
        if rule.tasks.is_empty() == rule.r#match.is_none() {
            mistakes.push((key.clone(), "says either `tasks` or `match`, for which tasks it is".to_owned()));
        }
        let backend = match (&rule.owner, rule.backend) {
            (None, Some(name)) => {
                check_backend(key.join("backend"), &name, backends, mistakes);
                name
            }
            (Some(owner), None) => {
                let backend = raw.owners.get(owner).cloned();
                if backend.is_none() {
                    let known: Vec<&str> = raw.owners.keys().map(String::as_str).collect();
                    let text = format!("assign.owners has no {owner:?} (known: {})", known.join(", "));
                    mistakes.push((key.join("owner"), text));
                }
                backend.unwrap_or_default()
            }
            _ => {
                mistakes.push((key, "says either `owner` or `backend`, who works".to_owned()));
                String::new()
            }
        };
        rules.push(AssignRule { tasks: rule.tasks, title: rule.r#match, owner: rule.owner, backend });
    }
    let mode = match raw.mode {
        AssignMode::Auto if raw.backend.is_some() => AssignMode::Agent,
        AssignMode::Auto => AssignMode::Rules,
        mode => mode,
    };
    Assign {
        mode,
        backend: raw.backend.unwrap_or_else(|| common.to_owned()),
        agent: raw.agent,
        batch: raw.batch,
        timeout: raw.timeout.0,
        owners: raw.owners,
        rules,
    }
}

fn backend(raw: RawBackend, root: &Path, key: &KeyPath, mistakes: &mut Vec<Mistake>) -> Backend {
    if raw.command.is_none() {
        mistakes
            .push((key.join("command"), "a backend needs a command, or a preset to take it from".to_owned()));
    }
    for (placeholder, way, word) in
        [("{prompt}", PromptBy::Arg, "arg"), ("{prompt_file}", PromptBy::File, "file")]
    {
        if raw.prompt != way && raw.args.iter().any(|arg| arg.contains(placeholder)) {
            mistakes
                .push((key.join("args"), format!("{placeholder} is filled in only with prompt = {word:?}")));
        }
    }
    if raw.model.is_some() && raw.model_args.is_empty() && !raw.args.iter().any(|arg| arg.contains("{model}"))
    {
        mistakes.push((
            key.join("model"),
            "nothing passes it on; name {model} in args, or say how in model_args".to_owned(),
        ));
    }
    for (word, given) in [("{session}", raw.resume.is_empty()), ("{agent}", raw.agent_args.is_empty())] {
        let (name, list) =
            if word == "{session}" { ("resume", &raw.resume) } else { ("agent_args", &raw.agent_args) };
        if !given && !list.iter().any(|arg| arg.contains(word)) {
            mistakes.push((key.join(name), format!("has no {word} in it")));
        }
    }
    if raw.agent.is_some() && raw.agent_args.is_empty() && !raw.args.iter().any(|arg| arg.contains("{agent}"))
    {
        let text = "nothing passes it on; name {agent} in args, or say how in agent_args";
        mistakes.push((key.join("agent"), text.to_owned()));
    }
    for (index, pattern) in raw.limit_patterns.iter().enumerate() {
        let at = key.join("limit_patterns").join(index.to_string());
        mistakes.extend(check_pattern(pattern, &at));
    }
    let permission_args = match raw.permission {
        Permission::Auto => raw.permission_args.auto,
        Permission::Bypass => raw.permission_args.bypass,
        Permission::Ask => raw.permission_args.ask,
    };
    Backend {
        agent: raw.agent,
        agent_args: raw.agent_args,
        resume: raw.resume,
        permission_args,
        command: raw.command.map(|command| program(command, root)).unwrap_or_default(),
        args: raw.args,
        model_args: raw.model_args,
        prompt: raw.prompt,
        output: raw.output,
        model: raw.model,
        env: raw.env,
        env_remove: raw.env_remove,
        preset: raw.preset,
        limit_patterns: raw.limit_patterns,
    }
}

/// A name stays one for PATH; a path is taken from the project root.
pub(super) fn program(command: String, root: &Path) -> String {
    if command.contains('/') && !Path::new(&command).is_absolute() {
        let tidy: PathBuf = root.join(&command).components().collect();
        return tidy.to_string_lossy().into_owned();
    }
    command
}

fn timeouts(raw: &RawTimeouts) -> Timeouts {
    Timeouts { task: raw.task.0, idle: raw.idle.0, first_output: raw.first_output.0, grace: raw.grace.0 }
}

fn one_override(raw: RawOverride) -> Override {
    let span = |span: Option<Span>| span.map(|span| span.0);
    Override {
        tasks: raw.tasks,
        backend: raw.backend,
        model: raw.model,
        timeout: PartialTimeouts {
            task: span(raw.timeout.task),
            idle: span(raw.timeout.idle),
            first_output: span(raw.timeout.first_output),
            grace: span(raw.timeout.grace),
        },
        retry: PartialRetry {
            attempts: raw.retry.attempts,
            backoff: span(raw.retry.backoff),
            max_backoff: span(raw.retry.max_backoff),
        },
        prompt: raw.prompt,
        verify: raw.verify,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_command_is_looked_up_on_path_and_a_path_starts_at_the_root() {
        let root = Path::new("/project");
        for (command, program_) in [
            ("claude", "claude"),
            ("./tools/a", "/project/tools/a"),
            ("tools/a", "/project/tools/a"),
            ("/bin/a", "/bin/a"),
        ] {
            assert_eq!(program(command.to_owned(), root), program_);
        }
    }
}
