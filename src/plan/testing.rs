//! Tasks from a short notation, and a configuration, for tests.

use std::path::{Path, PathBuf};

use super::{Plan, PlanRequest, Progress, Selection, SpecInfo, build};
use crate::config::{AssignMode, Backend, Config, Granularity};
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
            placed_id: false,
            section: "".into(),
            title: format!("Do {id}"),
            state: TaskState::Todo,
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
            ..Task::default()
        };
        for word in words {
            match word {
                "*" => task.optional = true,
                "x" => task.state = TaskState::Done,
                "!" => task.state = TaskState::Blocked,
                "s" => task.state = TaskState::Skipped,
                "-" => task.state = TaskState::InProgress,
                "~" => task.state = TaskState::Queued,
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
        ..Backend::default()
    }
}

/// The default configuration with one backend, `agent`.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.run.backend = "agent".into();
    config.assign.mode = AssignMode::Rules;
    config.assign.backend = "agent".into();
    config.assign.owners.clear();
    config.backends.insert("agent".into(), backend("agent", &["-p"]));
    config
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
                tasks_path: Path::new("/project/.kiro/specs/demo/tasks.md"),
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
