//! Large specs of every shape, and the work on one before the first agent starts. Used by `speed.rs` and
//! `benches/parse.rs`.

use std::fmt::Write as _;
use std::path::Path;

use seqorch::config::{Config, LoadRequest, load};
use seqorch::plan::{self, PlanRequest, Progress, Selection, SpecInfo};
use seqorch::report::plan_json;
use seqorch::spec::{self, TaskState};

/// Makes a tasks.md with this many tasks.
type Shape = fn(usize) -> String;

/// All shapes, by name.
pub(crate) const SHAPES: [(&str, Shape); 9] = [
    ("kiro", kiro),
    ("cc-sdd", cc_sdd),
    ("spec-kit", spec_kit),
    ("openspec", open_spec),
    ("headings", headings),
    ("backwards", backwards),
    ("hub", hub),
    ("waves", waves),
    ("plain", plain),
];

/// Kiro's layout, about 110 bytes a task: tasks with four subtasks each.
pub(crate) fn kiro(tasks: usize) -> String {
    let mut text = String::from("# Implementation Plan\n\n");
    for index in 0..tasks {
        let (top, sub) = (index / 5 + 1, index % 5);
        let line = if sub == 0 {
            format!(
                "- [ ] {top}. Build the part of the system that has this number\n  - Keep it small and tested\n"
            )
        } else {
            format!(
                "  - [ ] {top}.{sub} Write the module and its unit tests\n    - Handle the errors of the store\n    - _Requirements: 1.{sub}, 2.1_\n"
            )
        };
        text.push_str(&line);
    }
    text
}

/// Subtasks that are not indented, each depending on the one before.
fn cc_sdd(tasks: usize) -> String {
    (1..=tasks).fold(String::new(), |mut text, n| {
        let (top, sub) = (n / 5 + 1, n % 5 + 1);
        let _ = writeln!(text, "- [ ] {top}.{sub} Do it (P)\n  - _Boundary: Store_");
        if sub > 1 {
            let _ = writeln!(text, "  - _Depends: {top}.{}_", sub - 1);
        }
        text
    })
}

fn spec_kit(tasks: usize) -> String {
    (1..=tasks).fold("# Tasks: All\n\n## Phase 1: Setup\n\n".to_owned(), |mut text, n| {
        let _ = writeln!(text, "- [ ] T{n:06} [P] [US1] Create the model in src/models/m{n}.rs");
        text
    })
}

fn open_spec(tasks: usize) -> String {
    (0..tasks).fold(String::new(), |mut text, n| {
        let (top, sub) = (n / 4 + 1, n % 4 + 1);
        if sub == 1 {
            let _ = writeln!(text, "\n## {top}. Section\n");
        }
        let _ = writeln!(text, "- [{}] {top}.{sub} Text of the task", if n % 3 == 0 { 'x' } else { ' ' });
        text
    })
}

fn headings(tasks: usize) -> String {
    (1..=tasks).fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "### Task {n}: Title\n\n- [ ] a step\n- [ ] another\n");
        if n > 1 {
            let _ = writeln!(text, "**Dependencies:** Task {}\n", n - 1);
        }
        text
    })
}

/// Each task depends on the next one: the order is reversed.
fn backwards(tasks: usize) -> String {
    (1..=tasks).fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "- [ ] T{n:06} Title");
        if n < tasks {
            let _ = writeln!(text, "  - Depends on: T{:06}", n + 1);
        }
        text
    })
}

/// All tasks depend on the last one.
fn hub(tasks: usize) -> String {
    (1..=tasks).fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "- [ ] T{n:06} Title");
        if n < tasks {
            let _ = writeln!(text, "  - Depends on: T{tasks:06}");
        }
        text
    })
}

fn waves(tasks: usize) -> String {
    let mut text = (1..=tasks).fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "- [ ] {n}. Title");
        text
    });
    let all: Vec<String> = (1..=tasks).rev().map(|n| format!("{{\"id\":{n},\"tasks\":[\"{n}\"]}}")).collect();
    let _ = write!(text, "\n## Task Dependency Graph\n\n```json\n{{\"waves\":[{}]}}\n```\n", all.join(",\n"));
    text
}

fn plain(tasks: usize) -> String {
    (1..=tasks).fold("# To do\n\n".to_owned(), |mut text, n| {
        let _ = writeln!(text, "- [ ] Something to be done for the house, part {}\n  - with a detail", n % 7);
        text
    })
}

/// The default configuration.
pub(crate) fn config() -> Config {
    let root = tempfile::tempdir().expect("a temporary folder");
    let request = LoadRequest {
        root: root.path().to_owned(),
        config_file: None,
        profile: None,
        env: Vec::new(),
        flags: Vec::new(),
    };
    load(&request).expect("the defaults").config
}

/// The number of tasks in a text, and of steps in its plan.
pub(crate) fn steps(text: &str, config: &Config) -> (usize, usize) {
    let tasks = spec::parse(text);
    let plan = planned(&tasks, config);
    (tasks.tasks.len(), plan.steps.len())
}

fn planned(tasks: &spec::TaskFile, config: &Config) -> plan::Plan {
    let progress = Progress {
        ticked: tasks.tasks.iter().filter(|t| t.state == TaskState::Done).map(|t| t.id.clone()).collect(),
        ..Progress::default()
    };
    plan::build(&PlanRequest {
        spec: SpecInfo {
            name: "large",
            dir: Path::new("/p/large"),
            tasks_path: Path::new("/p/large/tasks.md"),
            root: Path::new("/p"),
            inputs: &[],
        },
        tasks,
        config,
        progress: &progress,
        selection: &Selection::default(),
    })
}

/// All work on a text except that of agents: reads, plans, prints and ticks it.
pub(crate) fn all(text: &str, config: &Config) -> usize {
    let tasks = spec::parse(text);
    let plan = planned(&tasks, config);
    let shown = plan_json::json(Some(&plan), &tasks, None).to_string();
    let ids: Vec<&str> = tasks.tasks.iter().map(|t| t.id.as_str()).collect();
    let (ticked, _) = spec::tick(text, &ids, 'x');
    shown.len() + ticked.len()
}
