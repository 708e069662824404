//! Writes the folder of an attempt before its start: the prompt and `attempt.json`. The environment is never written to it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::{Config, Timeouts};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::prompt::{self, PreviousAttempt, PromptContext, QuestionAnswer};
use crate::plan::{Plan, Step};
use crate::state::{Answer, AttemptRecord, GoesOn, Outcome, SpecState};
use crate::store::attempt_folder;
use crate::store::record::{AttemptDir, AttemptFile, Deadlines, SCHEMA, pack_env};
use crate::store::spec_store::Store;
use crate::sys::{files, random};

/// What an attempt is made from.
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
    pub(super) now: Timestamp,
}

/// An attempt that is ready to launch.
pub(super) struct PreparedAttempt {
    pub(super) dir: AttemptDir,
    pub(super) token: String,
    /// The agent's environment, packed for the socket.
    pub(super) env: Vec<u8>,
}

impl PreparedAttempt {
    /// Writes the attempt's own folder with its own prompt.
    pub(super) fn make(from: &AttemptInputs<'_>) -> Result<Self> {
        Self::make_with(from, &from.prompt()?)
    }

    /// Writes the attempt's own folder with this prompt.
    pub(super) fn make_with(from: &AttemptInputs<'_>, prompt: &str) -> Result<Self> {
        Self::make_in(from, from.store.attempt_dir(&from.step.unit, from.attempt), prompt)
    }

    /// Writes this folder with this prompt.
    pub(super) fn make_in(from: &AttemptInputs<'_>, dir: AttemptDir, prompt: &str) -> Result<Self> {
        let step = from.step;
        if dir.lock().exists() {
            // the state is older than this folder, or was deleted: an attempt that ran is not thrown away
            set_aside(dir.path())?;
        } else {
            // a run was killed between writing this folder and the state, so the attempt never started
            let _ = fs::remove_dir_all(dir.path());
        }
        files::create_private_dir(dir.path())?;
        files::write_private(&dir.prompt(), prompt.as_bytes())?;
        let argv = match (from.resumed(), &step.settings.resume_argv) {
            (Some(resumed), Some(argv)) => {
                argv.iter().map(|arg| arg.replace("{session}", &resumed.session)).collect()
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
            created_at: from.now,
            decided_at: from.record().map(|record| record.started_at),
        };
        let bytes = serde_json::to_vec_pretty(&file)
            .map_err(|e| Error::new(ErrorKind::Internal, "writing the attempt").caused_by(e))?;
        files::write_private(&dir.attempt(), &bytes)?;
        Ok(Self { dir, token, env: from.agent_env() })
    }
}

impl AttemptInputs<'_> {
    /// This attempt in the state.
    fn record(&self) -> Option<&AttemptRecord> {
        self.state.attempt(&self.step.unit, self.attempt)
    }

    /// The session that this attempt resumes, if it does.
    fn resumed(&self) -> Option<&GoesOn> {
        self.record()?.goes_on.as_ref()
    }

    fn prompt(&self) -> Result<String> {
        let previous = self.previous();
        let answers = decisions(self.state, &self.step.unit);
        let mut context = PromptContext::new(self.plan, self.step, &self.config.prompt);
        context.previous = previous.as_ref();
        context.answers = &answers;
        match self.resumed() {
            Some(resumed) => prompt::render_continuation(&context, resumed.reason.word()),
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
        let dir = self.store.attempt_dir(unit, last.number);
        let facts = Some(dir)
            .filter(|dir| attempt_folder::is_of(dir, last))
            .and_then(|dir| attempt_folder::result(&dir));
        let tail = facts.map_or_else(String::new, |f| {
            let said = [f.last_words, f.stderr_tail];
            said.into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("\n")
        });
        Some(PreviousAttempt { attempt: last.number, outcome: outcome.to_string(), tail })
    }

    fn agent_env(&self) -> Vec<u8> {
        let step = self.step;
        let replaced = |name: &OsStr| {
            step.settings.env_remove.iter().any(|n| OsStr::new(n) == name)
                || step.settings.env.iter().any(|(n, _)| OsStr::new(n) == name)
        };
        let kept = self.env.iter().filter(|(name, _)| !replaced(name));
        let kept = kept.map(|(n, v)| (n.as_bytes(), v.as_bytes()));
        pack_env(kept.chain(step.settings.env.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes()))))
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
