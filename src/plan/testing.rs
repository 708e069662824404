//! Tasks from a short notation, and a configuration, for tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Plan, PlanRequest, Progress, Selection, SpecInfo, build};
use crate::config::{
    Assign, AssignMode, Backend, Batch, Config, Done, DoneSignal, Granularity, Keep, OnFailure, Output,
    Prompt, PromptBy, Retry, Run, Skill, Tasks, TasksDialect, Tick, Timeouts, Tmux, TmuxMode,
};
use crate::spec::{Task, TaskFile, TaskGroup, TaskState};

/// Tasks from a notation with one task on each line: two spaces of indentation per level, the id, then any of `*`
/// (optional), `x` (ticked), `!` (blocked), `-` (in progress), `~` (queued), `~?` (a mark without a known meaning), `(*)`
/// (optional by its title), `s` (skipped), `<2,3.1` (depends on). `## 1. Text` starts a heading, `## -` ends it.
/// `waves 1 2.1|3` gives the waves of a dependency graph; `graph 2 1` makes it put 1 before 2.
pub(crate) fn tasks(text: &str) -> TaskFile {
    let mut file = TaskFile::default();
    let mut above: Vec<String> = Vec::new();
    let mut group = None;
    for (index, line) in text.lines().enumerate() {
        if let Some(heading) = line.strip_prefix("## ") {
            group = heading.split_once('.').map(|(id, title)| {
                file.groups.push(TaskGroup { id: id.into(), title: title.trim().into(), line: index + 1 });
                id.to_owned()
            });
            continue;
        }
        if let Some(waves) = line.strip_prefix("waves ") {
            file.waves =
                waves.split('|').map(|w| w.split_whitespace().map(str::to_owned).collect()).collect();
            file.waves_line = index + 1;
            continue;
        }
        if let Some((task, first)) = line.strip_prefix("graph ").and_then(|g| g.split_once(' ')) {
            let task = file.tasks.iter_mut().find(|t| t.id == task).expect("a task above");
            task.after.push(first.to_owned());
            continue;
        }
        let depth = (line.len() - line.trim_start().len()) / 2;
        let mut words = line.split_whitespace();
        let Some(id) = words.next() else { continue };
        above.truncate(depth);
        let mut task = Task {
            id: id.to_owned(),
            title: format!("Do {id}"),
            state: TaskState::Todo,
            doubtful: false,
            optional: false,
            optional_by_text: false,
            parallel: false,
            parent: above.last().cloned(),
            group: group.clone().filter(|_| depth == 0),
            depends_on: Vec::new(),
            after: Vec::new(),
            metadata: Vec::new(),
            details: String::new(),
            line: index + 1,
            span: 0..0,
            mark: None,
        };
        for word in words {
            match word {
                "*" => task.optional = true,
                "x" => task.state = TaskState::Done,
                "!" => task.state = TaskState::Blocked,
                "s" => task.state = TaskState::Skipped,
                "-" => task.state = TaskState::InProgress,
                "~" => task.state = TaskState::Queued,
                "~?" => (task.state, task.doubtful) = (TaskState::InProgress, true),
                "(*)" => task.optional_by_text = true,
                other => {
                    let ids = other.strip_prefix('<').expect("notation");
                    task.depends_on.extend(ids.split(',').map(str::to_owned));
                }
            }
        }
        above.push(task.id.clone());
        file.tasks.push(task);
    }
    file
}

/// A backend that takes the prompt on stdin.
pub(crate) fn backend(command: &str, args: &[&str]) -> Backend {
    Backend {
        command: command.into(),
        args: args.iter().map(ToString::to_string).collect(),
        prompt: PromptBy::Stdin,
        output: Output::Text,
        model: None,
        model_args: Vec::new(),
        agent: None,
        agent_args: Vec::new(),
        resume: Vec::new(),
        permission_args: Vec::new(),
        env: BTreeMap::new(),
        env_remove: Vec::new(),
        preset: None,
        limit_patterns: Vec::new(),
    }
}

/// The default configuration with one backend, `agent`.
pub(crate) fn config() -> Config {
    let seconds = Duration::from_secs;
    Config {
        log: crate::config::Log { max_mb: 1, keep: seconds(0) },
        verify: crate::config::Verify { commands: Vec::new(), timeout: seconds(60), min_tests: 0 },
        git: crate::config::Git {
            commit: crate::config::Commit::Off,
            dirty: crate::config::Dirty::Refuse,
            message: "{id}".into(),
            snapshot: false,
        },
        hooks: crate::config::Hooks { argv: BTreeMap::new(), timeout: seconds(1), required: false },
        limit: crate::config::Limit::default(),
        pace: crate::config::Pace::default(),
        run: Run {
            spec_root: ".kiro/specs".into(),
            backend: "agent".into(),
            delay: seconds(15),
            jitter: seconds(0),
            max_iterations: 50,
            workdir: None,
            granularity: Granularity::Unit,
            include_optional: false,
            on_failure: OnFailure::Halt,
        },
        retry: Retry { attempts: 3, backoff: seconds(30), max_backoff: seconds(600) },
        timeout: Timeouts {
            task: seconds(7200),
            idle: seconds(1800),
            first_output: seconds(600),
            grace: seconds(10),
        },
        done: Done { signal: DoneSignal::Required, nudges: 1 },
        assign: Assign {
            mode: AssignMode::Rules,
            backend: "agent".into(),
            agent: None,
            batch: Batch::All,
            timeout: seconds(180),
            owners: BTreeMap::new(),
            rules: Vec::new(),
        },
        prompt: Prompt {
            template: None,
            inputs: Vec::new(),
            skills: vec![Skill { name: "test-driven-development".into(), when: "ANY code changes".into() }],
            rules: Vec::new(),
        },
        tmux: Tmux {
            mode: TmuxMode::Auto,
            session: "sequential-{spec}".into(),
            window: "task-{id}".into(),
            socket: None,
            size: (220, 50),
            main: true,
            keep: Keep::All,
            layout: None,
            panes: Vec::new(),
            windows: Vec::new(),
        },
        tasks: Tasks { trust_checkboxes: true, tick: Tick::Done, dialect: TasksDialect::Auto },
        backends: BTreeMap::from([("agent".into(), backend("agent", &["-p"]))]),
        overrides: Vec::new(),
    }
}

/// The input of a plan.
pub(crate) struct PlanCase {
    pub(crate) tasks: TaskFile,
    pub(crate) config: Config,
    pub(crate) progress: Progress,
    pub(crate) selection: Selection,
    pub(crate) root: PathBuf,
}

impl PlanCase {
    pub(crate) fn new(text: &str) -> Self {
        let tasks = tasks(text);
        let ticked =
            tasks.tasks.iter().filter(|t| t.state == TaskState::Done).map(|t| t.id.clone()).collect();
        Self {
            tasks,
            config: config(),
            progress: Progress { ticked, ..Progress::default() },
            selection: Selection::default(),
            root: "/project".into(),
        }
    }

    pub(crate) fn completed(mut self, ids: &[&str]) -> Self {
        self.progress.completed = ids.iter().map(ToString::to_string).collect();
        self
    }

    pub(crate) fn failed(mut self, ids: &[&str]) -> Self {
        self.progress.failed = ids.iter().map(ToString::to_string).collect();
        self
    }

    pub(crate) fn skipped(mut self, ids: &[&str]) -> Self {
        self.progress.skipped = ids.iter().map(ToString::to_string).collect();
        self
    }

    pub(crate) fn only(mut self, ids: &[&str]) -> Self {
        self.selection.only = ids.iter().map(ToString::to_string).collect();
        self
    }

    pub(crate) fn from(mut self, id: &str) -> Self {
        self.selection.from = Some(id.into());
        self
    }

    pub(crate) fn include_optional(mut self) -> Self {
        self.selection.include_optional = true;
        self
    }

    pub(crate) fn by_task(mut self) -> Self {
        self.config.run.granularity = Granularity::Task;
        self
    }

    pub(crate) fn plan(&self) -> Plan {
        build(&PlanRequest {
            spec: SpecInfo {
                name: "demo",
                dir: Path::new("/project/.kiro/specs/demo"),
                root: &self.root,
                inputs: &["design.md".into()],
            },
            tasks: &self.tasks,
            config: &self.config,
            progress: &self.progress,
            selection: &self.selection,
        })
    }
}
