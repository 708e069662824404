//! PURE. `[tasks]`, `[verify]`, `[git]` and `[log]`: how tasks are read and checked, and what is kept of the work.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::declare::{keys, words};
use crate::config::formats::{Count, CountOrZero, Globs, OptionValue, not_one_of};
use crate::config::key::{ConfigType, KeyShape, ValueError, ValueFormat};
use crate::config::tree::TomlNode;
use crate::spec::Dialect;

keys! {
    /// How tasks.md is read and marked.
    #[derive(Copy, Eq)]
    pub struct Tasks {
        /// Whether a task whose box was ticked before the run counts as done.
        trust_checkboxes: bool = true, inside;
        /// When the box of a task is ticked in tasks.md: when the task is done (done), also as `[-]` while it runs (live),
        /// or never (off).
        tick: Tick = "done", inside;
        /// Dialect in which tasks.md is written. auto recognises it by what the file contains.
        dialect: Option<Dialect> as DialectOrAuto = "auto", inside;
    }
}

words! {
    /// When the box of a task is ticked.
    pub enum Tick {
        /// When the task is done.
        Done = "done",
        /// When it is done, and as `[-]` while it runs.
        Live = "live",
        /// Never.
        Off = "off",
    }
}

/// A dialect of tasks.md, or `auto`.
struct DialectOrAuto;

const AUTO: &str = "auto";

/// `auto`, then the dialects by their names.
const DIALECTS: [&str; Dialect::ALL.len() + 1] = {
    let mut names = [AUTO; Dialect::ALL.len() + 1];
    let mut index = 0;
    while index < Dialect::ALL.len() {
        names[index + 1] = Dialect::ALL[index].name();
        index += 1;
    }
    names
};

impl ConfigType for DialectOrAuto {
    type Value = Option<Dialect>;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        words: &DIALECTS,
        schema: || serde_json::json!({ "enum": DIALECTS }),
        ..ValueFormat::of::<Self>("word", "")
    });

    fn read(node: &TomlNode) -> Result<Option<Dialect>, ValueError> {
        let word = node.text().unwrap_or_default();
        let dialect = Dialect::ALL.into_iter().find(|dialect| dialect.name() == word);
        if dialect.is_some() || word == AUTO { Ok(dialect) } else { Err(not_one_of(node, &DIALECTS)) }
    }
}

keys! {
    /// What seqorch checks itself before a task counts as done.
    #[derive(Eq)]
    pub struct Verify {
        /// Commands that must succeed after an agent says that it is done. The output of a command that fails goes into
        /// the next prompt of the agent. {id}, {title} and {spec} stand for those of the task. An argument that is exactly
        /// {files} becomes one argument for each file that the task changed.
        commands: Vec<Vec<String>> = [], executes;
        /// Longest time that one command of verify.commands may take.
        timeout: Duration = "30m", inside;
        /// Tests that all commands of verify.commands together must have run, as cargo test, pytest, go test, vitest and
        /// jest count them. 0: tests are not counted.
        min_tests: u32 as CountOrZero = 0, inside;
        /// Whether a run tries the commands of its tasks before its first agent works, on a tree that holds no unfinished
        /// work of agents. What fails then is said, and is in the prompts of the tasks that the command checks. It still
        /// has to succeed before such a task is done.
        baseline: bool = false, inside;
    }
}

keys! {
    /// What is kept in git.
    #[derive(Eq)]
    pub struct Git {
        /// Whether each done step becomes one commit, for which git runs its hooks (step), or nothing is committed (off).
        commit: Commit = "off", inside;
        /// What a run with commit = "step" does if there are uncommitted changes before it: it does not start (refuse), or
        /// it leaves those files out of every commit (allow).
        dirty: Dirty = "refuse", inside;
        /// What a run does if an agent moves the branch away from commits that were there before it (reset, rebase, amend),
        /// or goes to another branch: it ends and needs you (halt), it says so, at its end, too (warn), or it does not look (off).
        history: HistoryRule = "halt", inside;
        /// What a run does if git or one of its hooks refuses a commit: the output goes to the agent as that of a check that
        /// failed, within retry.attempts (retry), or the run ends and needs you (halt). If a hook has changed files of the
        /// task, they are staged again first, and the commit is tried once more.
        on_refused: RefusedRule = "retry", inside;
        /// Message of a commit. {spec}, {id}, {title}, {agent} and {attempts} are filled in.
        message: String = "{id}: {title}", inside;
        /// Whether the body of a commit has what people decided for its task: the question, the answer, who and when.
        decisions: bool = false, inside;
        /// Whether a snapshot of the work dir is taken before each step. `seqorch undo` and the changes per task need it.
        snapshot: bool = true, inside;
        /// Largest new file, in megabytes (of 1,000,000 bytes), that snapshots and commits take. Larger ones are left out
        /// and named; files that git tracks are always taken. 0: no limit.
        max_file: u32 as CountOrZero = 50, inside;
        /// Longest time that a commit may take, with its hooks and its signature. All other calls of git get a minute.
        timeout: Duration = "10m", inside;
        /// Branch on which runs work, with {spec} for the name of the spec. A run switches to it before it begins, and makes
        /// it from HEAD where it does not exist. Not set: runs work on the branch that is there, and in a work tree of the
        /// spec's own on "seqorch/{spec}".
        branch: Option<String> as Option<OptionValue>, like = "seqorch/{spec}", inside;
        /// Whether the spec gets a git work tree of its own, in which its runs work: with a branch from HEAD, and with what is
        /// committed. Your checkout stays as it is. Once the tree is there, all verbs use it; `seqorch forget` removes it.
        worktree: bool = false, flag = "--worktree", inside;
        /// Folder in which these work trees are made, relative to the project. Not set: your own folder for state.
        worktree_dir: Option<PathBuf>, like = "../trees", outside;
        /// Files and folders of the project that a new work tree gets copies of, because git does not have them.
        worktree_copy: Vec<String> = [], like = [".env"], outside;
        /// Commands that prepare a new work tree, run in it one after another. Each may take verify.timeout. Where one fails,
        /// no agent starts.
        worktree_setup: Vec<Vec<String>> = [], like = [["npm", "ci"]], executes;
        /// Names or globs of branches to which no run commits. One that would ends with exit code 78 before its first task,
        /// unless it has --allow-protected.
        protect: Vec<String> as Globs = [], like = ["main", "release/*"], guards = [];
        /// Remote to which the branch is pushed after each commit. A push that fails is a warning; it is tried again with the
        /// next commit and at the end of the run. Not set: nothing is pushed.
        push: Option<String> as Option<OptionValue>, like = "origin", executes;
    }
}

words! {
    /// Whether steps are committed.
    pub enum Commit {
        /// Nothing is committed.
        Off = "off",
        /// Each done step is one commit.
        Step = "step",
    }
}

words! {
    /// What a run does if there are uncommitted changes before it.
    pub enum Dirty {
        /// It does not start.
        Refuse = "refuse",
        /// It leaves those files out of every commit.
        Allow = "allow",
    }
}

words! {
    /// What a run does if git refuses a commit.
    pub enum RefusedRule {
        /// The agent gets the output.
        Retry = "retry",
        /// It ends and needs a human.
        Halt = "halt",
    }
}

words! {
    /// What a run does if an agent rewrites history.
    pub enum HistoryRule {
        /// It ends and needs a human.
        Halt = "halt",
        /// It says so.
        Warn = "warn",
        /// It does not look.
        Off = "off",
    }
}

keys! {
    /// How much is kept of what agents print.
    #[derive(Copy, Eq)]
    pub struct Log {
        /// Megabytes (of 1,000,000 bytes) that are kept of the output of one attempt: half from its beginning, half from
        /// its end.
        max_mb: u32 as Count = 1000, inside;
        /// How long the folders of the attempts of a done task are kept. Those of the last run are always kept. "0s":
        /// forever.
        keep: Duration = "30d", inside;
    }
}
