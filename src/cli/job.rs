//! What a run is to work off: a spec, with what was asked for it now and by the run that it goes on with.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Global;
use super::flags::{Kept, Work};
use super::project::Project;
use crate::error::{Error, ErrorKind, Result};
use crate::project::SpecPlace;
use crate::report::text::command_line;
use crate::state::SpecState;

/// How to go on where an earlier run ended.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct GoOn {
    /// Go on with the last run, with its options, where it ended for a human: the task that halted is tried once more
    /// without an answer, failed tasks are tried afresh, and a commit that git refused is tried first.
    #[arg(long)]
    retry: bool,
    /// Forget the options of the last run: all tasks, and only what is said here.
    #[arg(long)]
    all: bool,
    /// A human's answer, for a run that `resume` begins elsewhere; removed once it is kept in the state.
    #[arg(long, hide = true)]
    handed_answer: Option<PathBuf>,
    /// Limits are forgotten first.
    #[arg(long, hide = true)]
    try_now: bool,
    #[arg(skip)]
    pub(super) answer: Option<String>,
    /// In windows, whatever the earlier run had.
    #[arg(skip)]
    in_windows: bool,
}

impl GoOn {
    /// After an answer to what an agent asked.
    pub(super) fn answered(answer: String, all: bool) -> Self {
        Self { answer: Some(answer), all, ..Self::default() }
    }

    /// Whatever is limited.
    pub(super) fn at_once(all: bool) -> Self {
        Self { try_now: true, all, ..Self::default() }
    }

    /// The same with its answer read, for a run that is detached or not.
    pub(super) fn read(&self, detach: bool) -> Result<Self> {
        let mut read = Self { in_windows: detach, ..self.clone() };
        if let Some(path) = &self.handed_answer {
            read.answer = Some(fs::read_to_string(path).map_err(|e| Error::io("reading", path, e))?);
        }
        Ok(read)
    }

    /// Whether the options of the earlier run count.
    fn keeps_options(&self) -> bool {
        !self.all && self.changes()
    }

    /// The state that it made is saved.
    pub(super) fn is_saved(&self) {
        self.handed_answer.iter().for_each(|path| drop(fs::remove_file(path)));
    }

    /// Whether it changes what an earlier run left.
    pub(super) fn changes(&self) -> bool {
        self.retry || self.try_now || self.answer.is_some()
    }

    /// What an earlier run left, changed by what was said since.
    pub(super) fn apply(&self, spec: &str, mut state: SpecState) -> Result<SpecState> {
        if self.try_now {
            state.forget_limits();
        }
        let reopens = self.retry || self.answer.is_some();
        if reopens && !state.reopen(self.answer.clone()) && self.answer.is_some() {
            return Err(super::resume::not_halted(spec));
        }
        Ok(state)
    }
}

/// A spec to be worked off, and all that was asked for it.
pub(super) struct Job {
    pub(super) global: Global,
    pub(super) work: Work,
    pub(super) project: Project,
    pub(super) place: SpecPlace,
    /// What the run before it was told, where that counts.
    kept: Vec<String>,
}

impl Job {
    /// The options of an earlier run that count, as one types them.
    pub(super) fn kept(&self) -> Option<String> {
        (!self.kept.is_empty()).then(|| command_line(&self.kept))
    }

    /// The arguments of its run in a window of tmux; `answer` is where the answer is that it goes on with, `ready` where it
    /// says that it has begun.
    pub(super) fn detached_argv(&self, go_on: &GoOn, answer: Option<&Path>, ready: &Path) -> Vec<OsString> {
        let mut argv = self.global.argv();
        argv.extend((0..self.global.verbose).map(|_| "-v".into()));
        argv.push("run".into());
        argv.extend(self.work.argv());
        argv.extend(self.work.tmux_argv());
        // what was kept of an earlier run is among the arguments by now
        for (flag, given) in [("--retry", go_on.retry), ("--try-now", go_on.try_now), ("--all", true)] {
            argv.extend(given.then(|| flag.into()));
        }
        argv.extend(answer.iter().flat_map(|path| [OsString::from("--handed-answer"), path.into()]));
        argv.extend(["--in-main".into(), "--ready".into(), ready.into(), "--".into()]);
        argv.push(self.place.dir.clone().into_os_string());
        argv
    }

    /// Finds the spec; with the options of an earlier run below those given now, where `go_on` wants them.
    pub(super) fn find(global: &Global, work: &Work, go_on: &GoOn, spec: Option<&Path>) -> Result<Self> {
        let job = Self::open(global, work, spec)?;
        if !go_on.keeps_options() {
            return Ok(job);
        }
        let state = job.project.store(&job.place).load()?;
        if state.run_args.is_empty() {
            return Ok(job);
        }
        let kept = Kept::parse(&state.run_args).map_err(|e| {
            let what = e.to_string();
            Error::new(ErrorKind::Usage, "the options that the earlier run was given are not known here")
                .detail(format!(
                    "  {}\n  {}",
                    command_line(&state.run_args),
                    what.lines().next().unwrap_or_default()
                ))
                .hint("Give those that count yourself, and --all, which forgets the earlier ones.")
        })?;
        let (global, mut work) = kept.below(global, work);
        if go_on.in_windows {
            work.show_windows();
        }
        let now = Kept::argv(&global, &work, &job.project.cwd);
        let kept: Vec<_> = state.run_args.into_iter().filter(|arg| now.contains(arg)).collect();
        // nobody typed what is wrong then
        let opened = Self::open(&global, &work, spec).map_err(|e| {
            e.hint(format!("The run before was given {}; --all forgets that.", command_line(&kept)))
        })?;
        Ok(Self { kept, ..opened })
    }

    fn open(global: &Global, work: &Work, spec: Option<&Path>) -> Result<Self> {
        let project = Project::open(global, work.settings()?, spec)?;
        let place = project.place(&project.spec(spec)?, work.selection(&project))?;
        Ok(Self { global: global.clone(), work: work.clone(), project, place, kept: Vec::new() })
    }
}
