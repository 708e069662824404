//! The settings of a step: the configuration with the overrides and the assignment of its unit applied.

use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};
use regex::Regex;

use super::argv::{ArgvValues, argv};
use super::request::{Progress, SpecInfo};
use super::step::{SPEC_REVIEW, Step, StepSettings};
use super::tmux_names;
use super::unit_tree::{TreeNode, UnitTree};
use crate::agent::Format;
use crate::config::{
    AssignMode, AssignRule, Backend, Config, Done, DoneSignal, Override, PrintsWhen, PromptBy, TaskReview,
    UnchangedRule,
};

/// The settings of one unit, with what the plan says about them.
#[derive(Debug, Clone)]
pub(super) struct ResolvedSettings {
    pub(super) settings: StepSettings,
    /// Why the unit gets this backend, if it is not the common one.
    pub(super) reasons: Vec<String>,
    /// A remark for the notes of the plan.
    pub(super) note: Option<String>,
}

/// The configuration, prepared for resolving one unit after another.
pub(super) struct SettingsResolver<'a> {
    config: &'a Config,
    spec: SpecInfo<'a>,
    progress: &'a Progress,
    cwd: PathBuf,
    overrides: Vec<(&'a Override, TaskMatcher<'a>)>,
    rules: Vec<(&'a AssignRule, GlobSet, Option<Regex>)>,
    /// The settings of a unit without overrides or an assignment. Most units get a copy of them.
    common: Option<ResolvedSettings>,
}

/// The backend of a unit, before a fallback of a limited backend.
#[derive(Default)]
struct BackendChoice<'a> {
    backend: &'a str,
    reason: Option<String>,
    unassigned: bool,
    /// The user chose it for this very unit.
    by_hand: bool,
    /// The backend that an assignment chose to review the unit.
    reviewer: Option<&'a str>,
}

impl<'a> SettingsResolver<'a> {
    pub(super) fn new(config: &'a Config, spec: SpecInfo<'a>, progress: &'a Progress) -> Self {
        let cwd = work_dir(config, spec.root);
        let overrides = config.overrides.iter().map(|one| (one, TaskMatcher::of(one))).collect();
        let regex = |text: &String| Regex::new(text).ok();
        let rules = config.assign.rules.iter();
        let rules =
            rules.map(|rule| (rule, globs(&rule.tasks), rule.title.as_ref().and_then(regex))).collect();
        let mut resolver = Self { config, spec, progress, cwd, overrides, rules, common: None };
        resolver.common = Some(resolver.resolve(&resolver.common_choice(), &[]));
        resolver
    }

    /// The settings of the unit whose top node is `top`.
    pub(super) fn unit(&self, tree: &UnitTree<'_>, top: usize) -> ResolvedSettings {
        let matching: Vec<&Override> = self
            .overrides
            .iter()
            .filter(|(_, matcher)| matcher.matches_unit(tree, top))
            .map(|(one, _)| *one)
            .collect();
        let choice = self.choice(tree, top);
        if let Some(common) = &self.common
            && matching.is_empty()
            && choice.reason.is_none()
        {
            let mut common = common.clone();
            common.settings.unassigned = choice.unassigned;
            return common;
        }
        self.resolve(&choice, &matching)
    }

    fn common_choice(&self) -> BackendChoice<'a> {
        BackendChoice { backend: &self.config.run.backend, ..BackendChoice::default() }
    }

    /// The backend that the user chose for the unit by hand, if it is still configured.
    fn by_hand(&self, id: &str) -> Option<BackendChoice<'a>> {
        let owners = &self.config.assign.owners;
        let (name, backend) = match self.progress.backends_by_hand.get(id) {
            Some(backend) => (backend, backend.as_str()),
            None => self.progress.owners_by_hand.get(id).and_then(|o| Some((o, owners.get(o)?.as_str())))?,
        };
        let (backend, _) = self.config.backends.get_key_value(backend)?;
        let reason = Some(format!("assigned to {name} by hand"));
        if name == REVIEWER && !self.progress.backends_by_hand.contains_key(id) {
            return Some(BackendChoice { reason, ..self.reviewed_by(backend) });
        }
        Some(BackendChoice { backend, reason, by_hand: true, ..BackendChoice::default() })
    }

    /// The common backend works, and the one of the owner that reviews looks at it.
    fn reviewed_by(&self, backend: &'a str) -> BackendChoice<'a> {
        BackendChoice { reviewer: Some(backend), ..self.common_choice() }
    }

    /// A choice by hand beats a rule, a rule beats the assignment of an agent, and that beats the common backend.
    fn choice(&self, tree: &UnitTree<'_>, top: usize) -> BackendChoice<'a> {
        let assign = &self.config.assign;
        if let Some(choice) = self.by_hand(&tree.nodes[top].id) {
            return choice;
        }
        if assign.mode == AssignMode::Off {
            return self.common_choice();
        }
        let node = &tree.nodes[top];
        let applies = |(rule, globs, title): &&(&AssignRule, GlobSet, Option<Regex>)| match title {
            Some(title) => title.is_match(node.title),
            None => matches_unit(&rule.tasks, globs, tree, top),
        };
        if let Some((rule, ..)) = self.rules.iter().rfind(applies) {
            let who = rule.owner.as_ref().map_or_else(String::new, |owner| format!(" to {owner}"));
            let reason = Some(format!("assigned{who} by a rule"));
            if rule.owner.as_deref() == Some(REVIEWER) {
                return BackendChoice { reason, ..self.reviewed_by(&rule.backend) };
            }
            return BackendChoice { backend: &rule.backend, reason, ..BackendChoice::default() };
        }
        if assign.mode != AssignMode::Agent {
            return self.common_choice();
        }
        let owner = self.progress.owners.get(&node.id);
        match owner.and_then(|owner| Some((owner, assign.owners.get(owner)?))) {
            Some((owner, backend)) => {
                let reason = Some(format!("assigned to {owner}"));
                if owner == REVIEWER {
                    return BackendChoice { reason, ..self.reviewed_by(backend) };
                }
                BackendChoice { backend, reason, ..BackendChoice::default() }
            }
            None => BackendChoice { unassigned: true, ..self.common_choice() },
        }
    }

    /// Applies the overrides, then the fallback of a limited backend, then the backend itself.
    fn resolve(&self, choice: &BackendChoice<'_>, overrides: &[&Override]) -> ResolvedSettings {
        let config = self.config;
        let mut name = choice.backend;
        let mut reasons: Vec<String> = choice.reason.iter().cloned().collect();
        let mut settings = StepSettings::of_config(config, self.cwd.clone());
        settings.unassigned = choice.unassigned;
        let mut model = None;
        for one in overrides {
            if let Some(backend) = one.backend.as_ref().filter(|_| !choice.by_hand) {
                if backend != name {
                    model = None; // a model belongs to the backend that it was set for
                }
                name = backend;
                reasons.clear();
                settings.unassigned = false;
            }
            // the model of an override whose backend lost does not fit the one that won
            let fits = one.backend.as_ref().is_none_or(|backend| backend == name);
            model = one.model.as_ref().filter(|_| fits).or(model);
            settings.apply(one);
        }
        let own_model = || config.backends.get(name).and_then(|backend| backend.model.as_ref());
        if !self.progress.fallbacks.is_empty()
            && let Some(fallback) =
                self.progress.fallbacks.get(&(name.to_owned(), model.or_else(own_model).cloned()))
        {
            name = &fallback.backend;
            model = None;
            reasons.push(format!("{name} takes over: {}", fallback.why));
        }
        name.clone_into(&mut settings.backend);
        let mut resolved = ResolvedSettings { settings, reasons, note: None };
        let Some(backend) = config.backends.get(name) else {
            resolved.settings.argv = vec![name.to_owned()];
            resolved.note = Some(format!("the backend `{name}` is not configured"));
            return resolved;
        };
        let model = model.or(backend.model.as_ref());
        if let Some(model) = model.filter(|_| !takes_model(backend)) {
            resolved.note =
                Some(format!("the backend `{name}` has no place for the model `{model}` in its arguments"));
        }
        let agent = backend.agent.as_deref();
        let values = ArgvValues { model: model.map(String::as_str), agent, cwd: &self.cwd, spec: self.spec };
        resolved.settings.use_backend(backend, values);
        let reviewer = match overrides.iter().rev().find_map(|one| one.review.as_ref()) {
            None => choice.reviewer.or(config.review.of_tasks()),
            Some(TaskReview::No) => None,
            Some(TaskReview::Yes) => config.review.backend.as_deref(),
            Some(TaskReview::By(name)) => Some(name.as_str()),
        };
        resolved.settings.review =
            reviewer.and_then(|name| self.review(name, &resolved.settings)).map(Box::new);
        resolved
    }

    /// What a review of work with these settings runs with.
    fn review(&self, name: &str, of: &StepSettings) -> Option<StepSettings> {
        let config = self.config;
        let own = config.review.model.as_ref().filter(|_| config.review.backend.as_deref() == Some(name));
        let model = |name: &str| config.backends.get(name).and_then(|backend| backend.model.as_ref());
        let asked = own.or(model(name)).cloned();
        let fallback = self.progress.fallbacks.get(&(name.to_owned(), asked.clone()));
        let (name, asked) = match fallback {
            Some(fallback) => (fallback.backend.as_str(), model(&fallback.backend).cloned()),
            None => (name, asked),
        };
        let backend = config.backends.get(name)?.for_review();
        let mut settings = StepSettings {
            backend: name.to_owned(),
            unassigned: false,
            done: Done { signal: DoneSignal::Required, nudges: 1, unchanged: UnchangedRule::Accept },
            verify: Vec::new(),
            review: None,
            extra_prompt: None,
            ..of.clone()
        };
        let (model, agent) = (asked.as_deref(), backend.agent.as_deref());
        settings.use_backend(&backend, ArgvValues { model, agent, cwd: &self.cwd, spec: self.spec });
        Some(settings)
    }

    /// The step that fixes what the review of the whole spec finds, if there is one.
    pub(super) fn spec_review(&self, config: &Config) -> Option<Step> {
        let mut settings = self.resolve(&self.common_choice(), &[]).settings;
        let review = self.review(config.review.of_spec()?, &settings)?;
        settings.review = Some(Box::new(review));
        let window = tmux_names::window(&config.tmux.window, "review");
        Some(Step::without_task(SPEC_REVIEW, "Fix what the review of the whole spec found", settings, window))
    }
}

/// The owner whose tasks are done by the common backend and reviewed by the owner's.
const REVIEWER: &str = "codex-review";

impl StepSettings {
    /// The settings that all steps have in common, without a backend.
    pub(super) fn of_config(config: &Config, cwd: PathBuf) -> Self {
        Self {
            backend: String::new(),
            argv: Vec::new(),
            resume_argv: None,
            login_check: None,
            model: None,
            unassigned: false,
            prompt_by: PromptBy::Stdin,
            takes_words: false,
            output: Format::Text,
            prints: PrintsWhen::Live,
            env: Vec::new(),
            env_remove: Vec::new(),
            cwd,
            timeout: config.timeout,
            retry: config.retry,
            done: config.done,
            verify: config.verify.commands.clone(),
            review: None,
            delay: config.run.delay,
            extra_prompt: None,
        }
    }

    /// Applies an override, except for its backend and its model.
    fn apply(&mut self, one: &Override) {
        if let Some(text) = &one.prompt {
            self.extra_prompt = Some(text.clone());
        }
        if let Some(commands) = &one.verify {
            self.verify.clone_from(commands);
        }
        self.timeout = self.timeout.with(one.timeout);
        self.retry = self.retry.with(one.retry);
        self.done = self.done.with(one.done);
    }

    /// Takes over the command line and the environment of a backend.
    pub(super) fn use_backend(&mut self, backend: &Backend, values: ArgvValues<'_>) {
        self.argv = argv(backend, values, false);
        self.resume_argv = (!backend.resume_args().is_empty()).then(|| argv(backend, values, true));
        let check = |args: &Vec<String>| [backend.command.clone()].into_iter().chain(args.clone()).collect();
        self.login_check = Some(&backend.login_check).filter(|args| !args.is_empty()).map(check);
        self.prints = backend.prints;
        self.model = values.model.map(str::to_owned);
        self.prompt_by = backend.prompt;
        self.takes_words = backend.takes_words();
        self.output = backend.output;
        self.env = backend.env.clone().into_iter().collect();
        self.env_remove.clone_from(&backend.env_remove);
    }
}

/// The folder that agents work in: absolute if the root is.
pub(super) fn work_dir(config: &Config, root: &Path) -> PathBuf {
    config.run.workdir.as_ref().map_or_else(|| root.to_owned(), |dir| root.join(dir))
}

/// The glob patterns of a rule. The configuration refuses invalid globs; here they match as plain text only.
pub(super) fn globs(tasks: &[String]) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for glob in tasks.iter().filter_map(|text| Glob::new(text).ok()) {
        builder.add(glob);
    }
    builder.build().unwrap_or_default()
}

/// Says which tasks an override is for.
pub(super) struct TaskMatcher<'a> {
    tasks: &'a [String],
    globs: GlobSet,
    title: Option<Regex>,
}

impl<'a> TaskMatcher<'a> {
    pub(super) fn of(one: &'a Override) -> Self {
        // the configuration refuses invalid expressions
        let title = one.title.as_ref().and_then(|title| Regex::new(title).ok());
        Self { tasks: &one.tasks, globs: globs(&one.tasks), title }
    }

    /// Whether it is for this very task.
    pub(super) fn matches(&self, node: &TreeNode<'_>) -> bool {
        self.tasks.contains(&node.id)
            || self.globs.is_match(&node.id)
            || self.title.as_ref().is_some_and(|title| title.is_match(node.title))
    }

    /// Whether it is for a unit: for the unit, something above it or something in it.
    pub(super) fn matches_unit(&self, tree: &UnitTree<'_>, top: usize) -> bool {
        tree.upwards(top).chain(tree.below(top).iter().copied()).any(|node| self.matches(&tree.nodes[node]))
    }
}

/// Whether ids or globs name the unit, something above it or something in it.
fn matches_unit(tasks: &[String], globs: &GlobSet, tree: &UnitTree<'_>, top: usize) -> bool {
    let mut nodes = tree.upwards(top).chain(tree.below(top).iter().copied());
    nodes.any(|node| {
        let id = &tree.nodes[node].id;
        tasks.contains(id) || globs.is_match(id)
    })
}

/// Whether a rule is for a unit.
pub(super) fn matches_rule(rule: &AssignRule, tree: &UnitTree<'_>, top: usize) -> bool {
    match rule.title.as_ref().and_then(|title| Regex::new(title).ok()) {
        Some(title) => title.is_match(tree.nodes[top].title),
        None => matches_unit(&rule.tasks, &globs(&rule.tasks), tree, top),
    }
}

fn takes_model(backend: &Backend) -> bool {
    backend.args.iter().any(|arg| arg == "{model_args}" || arg.contains("{model}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{PartialDone, PartialRetry, PartialTimeouts};
    use crate::plan::testing::{PlanCase, backend};
    use crate::plan::{Fallback, Step};

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
            human: None,
            title: None,
            review: None,
            timeout: PartialTimeouts::default(),
            retry: PartialRetry::default(),
            done: PartialDone::default(),
            prompt: None,
            verify: None,
        }
    }

    fn steps(change: impl FnOnce(&mut Config)) -> Vec<Step> {
        let mut case = PlanCase::new("1\n4\n  4.1\n  4.2\n40");
        change(&mut case.config);
        case.plan().steps
    }

    #[test]
    fn the_work_dir_is_below_the_root_or_absolute() {
        assert_eq!(steps(|_| ())[0].settings.cwd, Path::new("/project"));
        assert_eq!(
            steps(|config| config.run.workdir = Some("web".into()))[0].settings.cwd,
            Path::new("/project/web")
        );
        assert_eq!(
            steps(|config| config.run.workdir = Some("/else".into()))[0].settings.cwd,
            Path::new("/else")
        );
    }

    #[test]
    fn an_override_matches_by_id_or_glob_of_the_unit_or_of_a_subtask() {
        let quick = Override { prompt: Some("quick".into()), ..override_for(&["4.*"]) };
        let steps = steps(|config| config.overrides.push(quick));
        let extra: Vec<_> = steps.iter().map(|s| s.settings.extra_prompt.as_deref()).collect();
        assert_eq!(extra, [None, Some("quick"), None]);
    }

    #[test]
    fn an_override_matches_by_title_and_says_who_reviews() {
        let titled = Override {
            title: Some("^Do 4$".into()),
            review: Some(TaskReview::By("other".into())),
            ..override_for(&[])
        };
        let never = Override { review: Some(TaskReview::No), ..override_for(&["40"]) };
        let steps = steps(|config| {
            config.backends.insert("other".into(), backend("other", &[]));
            config.review.backend = Some(config.run.backend.clone());
            config.overrides.extend([titled, never]);
        });
        let reviewer = |step: &Step| step.settings.review.as_ref().map(|review| review.backend.clone());
        let common = reviewer(&steps[0]);
        let reviewers: Vec<_> = steps.iter().map(reviewer).collect();
        assert!(common.is_some());
        assert_eq!(reviewers, [common, Some("other".to_owned()), None]);
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
        let StepSettings { timeout, retry, .. } = step.settings;
        assert_eq!((timeout.task, timeout.idle), (seconds(5), seconds(2)));
        assert_eq!((timeout.grace, retry.attempts), (seconds(10), 9));
        assert_eq!(retry.backoff, seconds(30));
    }

    #[test]
    fn a_step_can_resume_only_if_its_backend_can() {
        let resume_argv = |agent: Backend| {
            let change = |config: &mut Config| drop(config.backends.insert("agent".into(), agent));
            steps(change).remove(0).settings.resume_argv
        };
        let agent = backend("agent", &["-x"]);
        assert_eq!(resume_argv(agent.clone()), None);
        let resume = vec!["--resume={session}".to_owned()];
        assert_eq!(resume_argv(Backend { resume, ..agent }).unwrap(), ["agent", "-x", "--resume={session}"]);
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
        assert_eq!(steps[0].settings.argv, ["other", "own"]);
        assert_eq!(steps[1].settings.backend, "agent");
    }

    #[test]
    fn a_model_that_does_not_fit_the_arguments_is_noted_once() {
        let mut case = PlanCase::new("1\n2");
        case.config
            .backends
            .insert("agent".into(), Backend { model: Some("big".into()), ..backend("agent", &[]) });
        let notes = case.plan().notes;
        assert_eq!(notes.len(), 1);
        assert_eq!(notes[0].message, "the backend `agent` has no place for the model `big` in its arguments");
    }

    #[test]
    fn an_unknown_backend_is_noted_and_its_name_is_the_command() {
        let mut case = PlanCase::new("1");
        case.config.run.backend = "unknown".into();
        let plan = case.plan();
        assert_eq!(plan.steps[0].settings.argv, ["unknown"]);
        assert_eq!(plan.notes[0].message, "the backend `unknown` is not configured");
    }

    #[test]
    fn a_rule_beats_an_agents_assignment_and_an_override_beats_both() {
        let mut case = PlanCase::new("1\n2\n3\n4");
        for name in ["ruled", "assigned", "forced"] {
            case.config.backends.insert(name.into(), backend(name, &[]));
        }
        case.config.assign.mode = AssignMode::Agent;
        case.config.assign.owners.insert("codex".into(), "assigned".into());
        case.config.assign.rules.push(rule_for(&[], Some("^Do [23]$"), "ruled"));
        case.config.overrides.push(Override { backend: Some("forced".into()), ..override_for(&["3"]) });
        for id in ["1", "2", "3"] {
            case.progress.owners.insert(id.into(), "codex".into());
        }
        let steps = case.plan().steps;
        let got: Vec<_> =
            steps.iter().map(|s| (s.settings.backend.as_str(), s.settings.unassigned)).collect();
        assert_eq!(got, [("assigned", false), ("ruled", false), ("forced", false), ("agent", true)]);
        case.config.assign.mode = AssignMode::Rules;
        let steps = case.plan().steps;
        assert_eq!((steps[0].settings.backend.as_str(), steps[3].settings.unassigned), ("agent", false));
    }

    #[test]
    fn a_choice_by_hand_beats_all_others_if_it_is_configured() {
        let mut case = PlanCase::new("1\n2\n3");
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
        let got: Vec<_> =
            steps.iter().map(|s| (s.settings.backend.as_str(), s.settings.model.as_deref())).collect();
        assert_eq!(got, [("mine", None), ("mine", None), ("ruled", None)]);
        case.config.assign.mode = AssignMode::Off;
        assert_eq!(case.plan().steps[0].settings.backend, "mine");
    }

    #[test]
    fn a_unit_whose_owner_has_no_backend_is_unassigned() {
        let mut case = PlanCase::new("1");
        case.config.assign.mode = AssignMode::Agent;
        case.progress.owners.insert("1".into(), "unmapped".into());
        assert!(case.plan().steps[0].settings.unassigned);
    }

    #[test]
    fn a_fallback_of_a_limited_backend_is_named_in_the_plan() {
        let mut case = PlanCase::new("1");
        case.config.backends.insert("other".into(), backend("other", &[]));
        let why = "agent is limited until 03:00".to_owned();
        case.progress.fallbacks.insert(("agent".into(), None), Fallback { backend: "other".into(), why });
        let step = case.plan().steps.remove(0);
        assert_eq!(step.settings.backend, "other");
        assert!(step.reasons.contains(&"other takes over: agent is limited until 03:00".to_owned()));
    }
}
