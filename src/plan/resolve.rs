//! What a step runs with: backend, arguments, deadlines, with the overrides that match it.

use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};
use regex::Regex;

use super::request::{Progress, SpecInfo};
use super::tree::Tree;
use crate::agent::Format;
use crate::config::{AssignMode, AssignRule, Backend, Config, Done, Override, PromptBy, Retry, Timeouts};

/// What the configuration says of one unit.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) backend: String,
    pub(super) argv: Vec<String>,
    pub(super) resume_argv: Option<Vec<String>>,
    pub(super) model: Option<String>,
    pub(super) unassigned: bool,
    pub(super) prompt_by: PromptBy,
    pub(super) output: Format,
    pub(super) env: Vec<(String, String)>,
    pub(super) env_remove: Vec<String>,
    pub(super) timeout: Timeouts,
    pub(super) retry: Retry,
    pub(super) done: Done,
    pub(super) verify: Vec<Vec<String>>,
    pub(super) extra_prompt: Option<String>,
    /// Why it is this backend, where that is not plain.
    pub(super) chosen: Vec<String>,
    /// Something a human should know about it.
    pub(super) remark: Option<String>,
}

/// The configuration, ready to be asked for one unit after another.
pub(super) struct Resolver<'a> {
    config: &'a Config,
    spec: SpecInfo<'a>,
    progress: &'a Progress,
    /// Where agents work, absolute if the root is.
    pub(super) cwd: PathBuf,
    overrides: Vec<(&'a Override, GlobSet)>,
    rules: Vec<(&'a AssignRule, GlobSet, Option<Regex>)>,
    /// What a unit gets that nothing special is said of.
    common: Option<Settings>,
}

/// The backend that is to do a unit, before anything steps in for it.
#[derive(Default)]
struct Choice<'a> {
    backend: &'a str,
    why: Option<String>,
    unassigned: bool,
    /// A human chose it for this very unit.
    by_hand: bool,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(config: &'a Config, spec: SpecInfo<'a>, progress: &'a Progress) -> Self {
        let cwd = config.run.workdir.as_ref().map_or_else(|| spec.root.to_owned(), |dir| spec.root.join(dir));
        let overrides = config.overrides.iter().map(|one| (one, globs(&one.tasks))).collect();
        let regex = |text: &String| Regex::new(text).ok();
        let rules = config.assign.rules.iter();
        let rules =
            rules.map(|rule| (rule, globs(&rule.tasks), rule.title.as_ref().and_then(regex))).collect();
        let mut resolver = Self { config, spec, progress, cwd, overrides, rules, common: None };
        let plain = Choice { backend: &config.run.backend, ..Choice::default() };
        resolver.common = Some(settings(&resolver, &plain, &[]));
        resolver
    }

    /// What the unit with this node on top runs with.
    pub(super) fn unit(&self, tree: &Tree<'_>, top: usize) -> Settings {
        let mut matching: Vec<&Override> = Vec::new();
        for (one, globs) in &self.overrides {
            let mut nodes = tree.upwards(top).chain(tree.below(top).iter().copied());
            if nodes.any(|node| matches(&one.tasks, globs, &tree.nodes[node].id)) {
                matching.push(one);
            }
        }
        let choice = self.choice(tree, top);
        if let Some(common) = &self.common
            && matching.is_empty()
            && choice.why.is_none()
        {
            return Settings { unassigned: choice.unassigned, ..common.clone() };
        }
        settings(self, &choice, &matching)
    }

    /// What a human marked the unit for, if that is still there.
    fn by_hand(&self, id: &str) -> Option<Choice<'a>> {
        let owners = &self.config.assign.owners;
        let (name, backend) = match self.progress.backends_by_hand.get(id) {
            Some(backend) => (backend, backend.as_str()),
            None => self.progress.owners_by_hand.get(id).and_then(|o| Some((o, owners.get(o)?.as_str())))?,
        };
        let (backend, _) = self.config.backends.get_key_value(backend)?;
        Some(Choice {
            backend,
            why: Some(format!("assigned to {name} by hand")),
            by_hand: true,
            unassigned: false,
        })
    }

    /// What a human chose for the unit beats a rule, that beats what an agent said, and that the common backend.
    fn choice(&self, tree: &Tree<'_>, top: usize) -> Choice<'a> {
        let assign = &self.config.assign;
        if let Some(choice) = self.by_hand(&tree.nodes[top].id) {
            return choice;
        }
        let common = Choice { backend: &self.config.run.backend, ..Choice::default() };
        if assign.mode == AssignMode::Off {
            return common;
        }
        let node = &tree.nodes[top];
        let applies = |(rule, globs, title): &&(&AssignRule, GlobSet, Option<Regex>)| {
            if let Some(title) = title {
                return title.is_match(node.title);
            }
            let mut nodes = tree.upwards(top).chain(tree.below(top).iter().copied());
            nodes.any(|at| matches(&rule.tasks, globs, &tree.nodes[at].id))
        };
        if let Some((rule, ..)) = self.rules.iter().rfind(applies) {
            let who = rule.owner.as_ref().map_or_else(String::new, |owner| format!(" to {owner}"));
            let why = Some(format!("assigned{who} by a rule"));
            return Choice { backend: &rule.backend, why, ..Choice::default() };
        }
        if assign.mode != AssignMode::Agent {
            return common;
        }
        let owner = self.progress.owners.get(&node.id);
        match owner.and_then(|owner| Some((owner, assign.owners.get(owner)?))) {
            Some((owner, backend)) => {
                Choice { backend, why: Some(format!("assigned to {owner}")), ..Choice::default() }
            }
            None => Choice { unassigned: true, ..common },
        }
    }
}

/// The patterns of a rule; one that is no glob (the configuration refuses it) matches as plain text only.
fn globs(tasks: &[String]) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for glob in tasks.iter().filter_map(|text| Glob::new(text).ok()) {
        builder.add(glob);
    }
    builder.build().unwrap_or_default()
}

fn matches(tasks: &[String], globs: &GlobSet, id: &str) -> bool {
    tasks.iter().any(|task| task == id) || globs.is_match(id)
}

fn settings(resolver: &Resolver<'_>, choice: &Choice<'_>, overrides: &[&Override]) -> Settings {
    let Resolver { config, spec, progress, cwd, .. } = resolver;
    let mut name = choice.backend;
    let mut chosen: Vec<String> = choice.why.iter().cloned().collect();
    let mut unassigned = choice.unassigned;
    let mut model = None;
    let mut timeout = config.timeout;
    let mut retry = config.retry;
    let mut extra_prompt = None;
    let mut verify = &config.verify.commands;
    for one in overrides {
        if let Some(backend) = one.backend.as_ref().filter(|_| !choice.by_hand) {
            if backend != name {
                model = None; // a model belongs to the backend that it was said for
            }
            name = backend;
            chosen.clear();
            unassigned = false;
        }
        // so does this one, where the backend was not taken over
        let fits = one.backend.as_ref().is_none_or(|backend| backend == name);
        model = one.model.as_ref().filter(|_| fits).or(model);
        extra_prompt = one.prompt.as_ref().or(extra_prompt);
        verify = one.verify.as_ref().unwrap_or(verify);
        timeout = timeout.with(one.timeout);
        retry = retry.with(one.retry);
    }
    let own_model = || config.backends.get(name).and_then(|backend| backend.model.as_ref());
    if !progress.instead.is_empty()
        && let Some(instead) = progress.instead.get(&(name.to_owned(), model.or_else(own_model).cloned()))
    {
        name = &instead.backend;
        model = None;
        chosen.push(format!("{name} steps in: {}", instead.why));
    }
    let mut settings = Settings {
        backend: name.to_owned(),
        argv: vec![name.to_owned()],
        resume_argv: None,
        model: None,
        unassigned,
        prompt_by: PromptBy::Stdin,
        output: Format::Text,
        env: Vec::new(),
        env_remove: Vec::new(),
        timeout,
        retry,
        done: config.done,
        verify: verify.clone(),
        extra_prompt: extra_prompt.cloned(),
        chosen,
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
    let given = Given { model: model.map(String::as_str), agent: backend.agent.as_deref(), cwd, spec: *spec };
    settings.argv = argv(backend, given, false);
    settings.resume_argv = (!backend.resume.is_empty()).then(|| argv(backend, given, true));
    settings.model = model.cloned();
    settings.prompt_by = backend.prompt;
    settings.output = backend.output;
    settings.env = backend.env.clone().into_iter().collect();
    settings.env_remove.clone_from(&backend.env_remove);
    settings
}

fn takes_model(backend: &Backend) -> bool {
    backend.args.iter().any(|arg| arg == "{model_args}" || arg.contains("{model}"))
}

/// What arguments are made from.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) model: Option<&'a str>,
    pub(crate) agent: Option<&'a str>,
    pub(crate) cwd: &'a Path,
    pub(crate) spec: SpecInfo<'a>,
}

/// Program and arguments with everything filled in but the prompt and, where it `resumes`, the session.
pub(crate) fn argv(backend: &Backend, given: Given<'_>, resumes: bool) -> Vec<String> {
    let (workdir, spec_dir) = (given.cwd.to_string_lossy(), given.spec.dir.to_string_lossy());
    let values = [
        ("{model}", given.model.unwrap_or("")),
        ("{agent}", given.agent.unwrap_or("")),
        ("{workdir}", &*workdir),
        ("{spec_dir}", &*spec_dir),
    ];
    let mut argv = vec![program(&backend.command, given.spec.root)];
    for arg in &backend.args {
        let several = match arg.as_str() {
            "{model_args}" => given.model.map_or(&[][..], |_| &backend.model_args),
            "{agent_args}" => given.agent.map_or(&[][..], |_| &backend.agent_args),
            "{permission_args}" => backend.permission_args(),
            "{resume}" if resumes => &backend.resume,
            "{resume}" => &[],
            _ => std::slice::from_ref(arg),
        };
        argv.extend(several.iter().map(|arg| fill(arg, &values)));
    }
    if resumes && !backend.args.iter().any(|arg| arg == "{resume}") {
        argv.extend(backend.resume.iter().map(|arg| fill(arg, &values)));
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{PartialRetry, PartialTimeouts};
    use crate::plan::testing::{Case, backend};
    use crate::plan::{Instead, Step};

    fn rule_for(tasks: &[&str], title: Option<&str>, backend: &str) -> AssignRule {
        AssignRule {
            tasks: tasks.iter().map(ToString::to_string).collect(),
            title: title.map(str::to_owned),
            owner: None,
            backend: backend.into(),
        }
    }

    fn override_for(tasks: &[&str]) -> Override {
        Override {
            tasks: tasks.iter().map(ToString::to_string).collect(),
            backend: None,
            model: None,
            timeout: PartialTimeouts::default(),
            retry: PartialRetry::default(),
            prompt: None,
            verify: None,
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

    #[test]
    fn going_on_in_a_session_puts_its_arguments_where_they_belong() {
        let mut agent = backend("agent", &["exec", "{resume}", "-"]);
        agent.resume = vec!["resume".into(), "{session}".into()];
        let with = |agent: &Backend| {
            let agent = agent.clone();
            steps(|config| drop(config.backends.insert("agent".into(), agent))).remove(0)
        };
        let step = with(&agent);
        assert_eq!(step.argv, ["agent", "exec", "-"]);
        assert_eq!(step.resume_argv.unwrap(), ["agent", "exec", "resume", "{session}", "-"]);
        agent.args.remove(1);
        assert_eq!(with(&agent).resume_argv.unwrap(), ["agent", "exec", "-", "resume", "{session}"]);
        agent.resume.clear();
        assert_eq!(with(&agent).resume_argv, None);
    }

    #[test]
    fn permission_and_agent_become_arguments() {
        let mut agent = backend("agent", &["{permission_args}", "{agent_args}", "-q"]);
        agent.permission_args.auto = vec!["--mode".into(), "safe".into()];
        agent.agent_args = vec!["--agent".into(), "{agent}".into()];
        assert_eq!(argv_of(agent.clone()), ["agent", "--mode", "safe", "-q"]);
        agent.agent = Some("gawain".into());
        assert_eq!(argv_of(agent), ["agent", "--mode", "safe", "--agent", "gawain", "-q"]);
    }

    #[test]
    fn a_rule_beats_what_an_agent_said_and_an_override_beats_both() {
        let mut case = Case::new("1\n2\n3\n4");
        for name in ["ruled", "said", "forced"] {
            case.config.backends.insert(name.into(), backend(name, &[]));
        }
        case.config.assign.mode = AssignMode::Agent;
        case.config.assign.owners.insert("codex".into(), "said".into());
        case.config.assign.rules.push(rule_for(&[], Some("^Do [23]$"), "ruled"));
        case.config.overrides.push(Override { backend: Some("forced".into()), ..override_for(&["3"]) });
        for id in ["1", "2", "3"] {
            case.progress.owners.insert(id.into(), "codex".into());
        }
        let steps = case.plan().steps;
        let got: Vec<_> = steps.iter().map(|s| (s.backend.as_str(), s.unassigned)).collect();
        assert_eq!(got, [("said", false), ("ruled", false), ("forced", false), ("agent", true)]);
        case.config.assign.mode = AssignMode::Rules;
        let steps = case.plan().steps;
        assert_eq!((steps[0].backend.as_str(), steps[3].unassigned), ("agent", false));
    }

    #[test]
    fn what_a_human_chose_for_a_unit_beats_all_else_as_long_as_it_is_configured() {
        let mut case = Case::new("1\n2\n3");
        for name in ["ruled", "mine", "forced"] {
            case.config.backends.insert(name.into(), backend(name, &[]));
        }
        case.config.assign.mode = AssignMode::Rules;
        case.config.assign.owners.insert("me".into(), "mine".into());
        case.config.assign.rules.push(rule_for(&["*"], None, "ruled"));
        let model = Some("for forced".to_owned());
        case.config.overrides.push(Override {
            backend: Some("forced".into()),
            model,
            ..override_for(&["2"])
        });
        case.progress.owners_by_hand.insert("1".into(), "me".into());
        case.progress.backends_by_hand.insert("2".into(), "mine".into());
        case.progress.backends_by_hand.insert("3".into(), "gone".into());
        let steps = case.plan().steps;
        let got: Vec<_> = steps.iter().map(|s| (s.backend.as_str(), s.model.as_deref())).collect();
        assert_eq!(got, [("mine", None), ("mine", None), ("ruled", None)]);
        case.config.assign.mode = AssignMode::Off;
        assert_eq!(case.plan().steps[0].backend, "mine");
    }

    #[test]
    fn an_owner_that_nobody_maps_is_asked_for_again() {
        let mut case = Case::new("1");
        case.config.assign.mode = AssignMode::Agent;
        case.progress.owners.insert("1".into(), "nobody".into());
        assert!(case.plan().steps[0].unassigned);
    }

    #[test]
    fn a_backend_steps_in_for_one_that_cannot_work_and_the_plan_says_so() {
        let mut case = Case::new("1");
        case.config.backends.insert("other".into(), backend("other", &[]));
        let why = "agent is limited until 03:00".to_owned();
        case.progress.instead.insert(("agent".into(), None), Instead { backend: "other".into(), why });
        let step = case.plan().steps.remove(0);
        assert_eq!(step.backend, "other");
        assert!(step.reasons.contains(&"other steps in: agent is limited until 03:00".to_owned()));
    }
}
