//! Writes the folder of an attempt before its start: the prompt and `attempt.json`. The environment is never written to it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::run_repository::RunRepository;
use crate::config::{Config, Timeouts};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::prompt::{self, PreviousAttempt, PromptContext, QuestionAnswer};
use crate::plan::{Plan, Step};
use crate::state::{Answer, AttemptRecord, Outcome, Resumption, SpecState};
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_file::{AttemptFile, Deadlines, SCHEMA};
use crate::store::attempt_folder;
use crate::store::spec_store::Store;
use crate::sys::handoff::{Environment, Handoff};
use crate::sys::{files, random};

/// The inputs of an attempt.
pub(super) struct AttemptInputs<'a> {
    pub(super) config: &'a Config,
    pub(super) store: &'a Store,
    pub(super) plan: &'a Plan,
    pub(super) step: &'a Step,
    pub(super) attempt: u32,
    pub(super) state: &'a SpecState,
    pub(super) socket: &'a Path,
    /// The environment of the shell that typed `seqorch run`.
    pub(super) env: &'a [(OsString, OsString)],
    /// Where the snapshot after it is taken.
    pub(super) repository: Option<&'a RunRepository>,
    pub(super) now: Timestamp,
}

/// An attempt that is ready to launch.
pub(super) struct PreparedAttempt {
    pub(super) dir: AttemptDir,
    pub(super) token: String,
    /// Its environment. Its program is in `attempt.json`.
    pub(super) handoff: Handoff,
}

impl PreparedAttempt {
    /// Writes the attempt's own folder with its own prompt.
    pub(super) fn make(from: &AttemptInputs<'_>) -> Result<Self> {
        Self::make_with(from, &from.prompt()?)
    }

    /// Writes the attempt's own folder with this prompt.
    pub(super) fn make_with(from: &AttemptInputs<'_>, prompt: &str) -> Result<Self> {
        Self::make_in(from, from.store.attempt_dir(from.state.folder(&from.step.unit), from.attempt), prompt)
    }

    /// Writes this folder with this prompt.
    pub(super) fn make_in(from: &AttemptInputs<'_>, dir: AttemptDir, prompt: &str) -> Result<Self> {
        let step = from.step;
        if dir.lock().exists() {
            // an attempt ran here, so the state is older than the folder or was deleted; its files stay
            set_aside(dir.path())?;
        } else {
            // no attempt ran here: a run was killed between writing this folder and the start
            let _ = fs::remove_dir_all(dir.path());
        }
        files::create_private_dir(dir.path())?;
        files::write_private(&dir.prompt(), prompt.as_bytes())?;
        let argv = match (from.resumes(), &step.settings.resume_argv) {
            (Some(resumes), Some(argv)) => {
                argv.iter().map(|arg| arg.replace("{session}", &resumes.session)).collect()
            }
            _ => step.settings.argv.clone(),
        };
        let token = token()?;
        let file = AttemptFile {
            schema: SCHEMA,
            spec: from.plan.spec.clone(),
            unit: step.unit.clone(),
            title: step.title.clone(),
            attempt: from.attempt,
            backend: step.settings.backend.clone(),
            argv,
            prompt_by: step.settings.prompt_by,
            output: step.settings.output,
            cwd: step.settings.cwd.clone(),
            deadlines: deadlines(&step.settings.timeout),
            log_max_bytes: u64::from(from.config.log.max_mb) * 1_000_000,
            socket: from.socket.to_owned(),
            token: token.clone(),
            snapshot: from.repository.map(|repository| {
                repository.request(from.record().and_then(|record| record.before.as_ref()))
            }),
            created_at: from.now,
            decided_at: from.record().map(|record| record.started_at),
        };
        let bytes = serde_json::to_vec_pretty(&file)
            .map_err(|e| Error::new(ErrorKind::Internal, "writing the attempt").caused_by(e))?;
        files::write_private(&dir.attempt(), &bytes)?;
        Ok(Self { dir, token, handoff: Handoff { argv: Vec::new(), env: from.agent_env() } })
    }
}

impl AttemptInputs<'_> {
    /// This attempt in the state.
    fn record(&self) -> Option<&AttemptRecord> {
        self.state.attempt(&self.step.unit, self.attempt)
    }

    /// The session that the state says this attempt resumes.
    fn resumes(&self) -> Option<&Resumption> {
        self.record()?.resumes.as_ref()
    }

    fn prompt(&self) -> Result<String> {
        let previous = self.previous();
        let answers = decisions(self.state, &self.step.unit);
        let mut context = PromptContext::new(self.plan, self.step, &self.config.prompt);
        context.previous = previous.as_ref();
        context.answers = &answers;
        match self.resumes() {
            Some(resumes) => prompt::render_continuation(&context, resumes.reason.word()),
            None => prompt::render(&context, &template(self.config)?),
        }
    }

    /// What went wrong in the last attempt, from the state and from its folder.
    fn previous(&self) -> Option<PreviousAttempt> {
        let unit = &self.step.unit;
        let last = self.state.units.get(unit)?.attempts.iter().rev().find(|a| a.number < self.attempt)?;
        let outcome = last.outcome.as_ref()?;
        if matches!(outcome, Outcome::Halted { .. } | Outcome::Done) {
            return None;
        }
        if let Outcome::VerifyFailed { tail, .. } = outcome {
            return Some(PreviousAttempt {
                attempt: last.number,
                outcome: outcome.to_string(),
                tail: tail.clone(),
            });
        }
        let dir = self.store.attempt_dir(self.state.folder(unit), last.number);
        let result = Some(dir)
            .filter(|dir| attempt_folder::is_of(dir, last))
            .and_then(|dir| attempt_folder::result(&dir));
        let tail = result.map_or_else(String::new, |result| {
            let said = [result.last_words, result.stderr_tail];
            said.into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("\n")
        });
        Some(PreviousAttempt { attempt: last.number, outcome: outcome.to_string(), tail })
    }

    fn agent_env(&self) -> Environment {
        let step = self.step;
        let replaced = |name: &OsStr| {
            step.settings.env_remove.iter().any(|n| OsStr::new(n) == name)
                || step.settings.env.iter().any(|(n, _)| OsStr::new(n) == name)
        };
        let kept = self.env.iter().filter(|(name, _)| !replaced(name)).cloned();
        kept.chain(step.settings.env.iter().map(|(name, value)| (name.into(), value.into()))).collect()
    }
}

/// The questions and answers for a unit that its prompt repeats.
#[must_use]
pub fn decisions(state: &SpecState, unit: &str) -> Vec<QuestionAnswer> {
    let pair = |a: &Answer| QuestionAnswer { question: a.question.clone(), answer: a.answer.clone() };
    state.answers_for(unit).map(pair).collect()
}

/// The prompt template that the configuration names, or the built-in one.
pub fn template(config: &Config) -> Result<String> {
    match &config.prompt.template {
        None => Ok(prompt::BUILT_IN.to_owned()),
        Some(path) => fs::read_to_string(path).map_err(|e| {
            Error::new(ErrorKind::Config, format!("reading the template {}", path.display())).caused_by(e)
        }),
    }
}

/// Renames a folder to a free name in the same place.
pub(super) fn set_aside(dir: &Path) -> Result<()> {
    let mut name = dir.as_os_str().to_owned();
    name.push("~");
    let free = (1_u32..).map(|n| {
        let mut name = name.clone();
        name.push(n.to_string());
        name
    });
    let Some(free) = free.into_iter().find(|path| !Path::new(path).exists()) else { return Ok(()) };
    fs::rename(dir, &free).map_err(|e| Error::io("moving aside", dir, e))
}

fn deadlines(timeouts: &Timeouts) -> Deadlines {
    let ms = |d: Duration| (!d.is_zero()).then(|| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
    Deadlines {
        total_ms: ms(timeouts.task),
        idle_ms: ms(timeouts.idle),
        first_output_ms: ms(timeouts.first_output),
        grace_ms: u64::try_from(timeouts.grace.as_millis()).unwrap_or(u64::MAX),
    }
}

fn token() -> Result<String> {
    let part = || {
        random::bits().map_err(|e| Error::new(ErrorKind::Internal, "drawing a random number").caused_by(e))
    };
    Ok(format!("{:016x}{:016x}", part()?, part()?))
}
