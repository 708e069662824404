//! Writes the folder of an attempt before its start: the prompt and `attempt.json`. The environment is never written to it.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::limit_outcome;
use super::prompt_words::{decisions, known_failures, notes, other_decisions};
use super::run_repository::RunRepository;
use super::sandbox::{self, Unwrapped};
use crate::agent::AttemptRole;
use crate::agent::limit::Family;
use crate::agent::sanitise::sanitise;
use crate::agent::utf8::first_bytes;
use crate::config::{Backend, Config, PrintsWhen, Timeouts};
use crate::error::{Error, ErrorKind, Result};
use crate::git::change::TreeChange;
use crate::git::path::RepoPath;
use crate::plan::prompt::{self, PreviousAttempt, PromptContext};
use crate::plan::{Plan, SPEC_REVIEW, Step};
use crate::project::SpecPlace;
use crate::state::{AttemptRecord, Outcome, Resumption, SpecState};
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_file::{AttemptFile, Deadlines, SCHEMA};
use crate::store::attempt_folder;
use crate::store::spec_store::Store;
use crate::sys::handoff::{Environment, Handoff};
use crate::sys::nofollow;
use crate::sys::{files, random};

/// Most files that a prompt lists as changed so far, most lines of one whose difference it has, and most bytes of all
/// differences.
const FILES_SO_FAR: usize = 50;
const LINES_SO_FAR: u64 = 400;
const PATCH_SO_FAR: usize = 16 << 10;
/// The same for a review. An agent that gets its prompt as an argument can take 128 KiB in all.
const PATCH_TO_REVIEW: usize = 96 << 10;
/// Longest grace of an agent where the machine may be taken away: most engines wait about ten seconds for the whole job.
const JOB_GRACE: Duration = Duration::from_secs(5);

/// The inputs of an attempt.
pub(super) struct AttemptInputs<'a> {
    pub(super) config: &'a Config,
    pub(super) store: &'a Store,
    pub(super) plan: &'a Plan,
    pub(super) step: &'a Step,
    pub(super) attempt: u32,
    pub(super) state: &'a SpecState,
    pub(super) place: &'a SpecPlace,
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
            let _ = files::remove_folder(dir.path());
        }
        files::create_private_dir(dir.path())?;
        files::write_private(&dir.prompt(), prompt.as_bytes())?;
        let (argv, session) = match (from.resumes(), &step.settings.resume_argv) {
            (Some(resumes), Some(argv)) => {
                let argv = argv.iter().map(|arg| arg.replace("{session}", &resumes.session)).collect();
                (argv, None)
            }
            _ => begin_session(&step.settings.argv)?,
        };
        let token = token()?;
        let env = from.agent_env();
        let unwrapped = Unwrapped {
            argv: &argv,
            backend: &step.settings.backend,
            cwd: &step.settings.cwd,
            is_check: dir.is_check(),
            token: &token,
        };
        let (argv, sandbox) = match sandbox::wrapped(from.place, from.config, &env, unwrapped) {
            Some(wrapped) => (wrapped.argv, Some(wrapped.used)),
            None => (argv, None),
        };
        let file = AttemptFile {
            schema: SCHEMA,
            spec: from.plan.spec.clone(),
            unit: step.unit.clone(),
            title: step.title.clone(),
            attempt: from.attempt,
            backend: step.settings.backend.clone(),
            argv,
            role: step.role,
            sandbox,
            prompt_by: step.settings.prompt_by,
            takes_words: step.settings.takes_words,
            output: step.settings.output,
            vendor: from.vendor().name().to_owned(),
            limit_patterns: from.backend().map_or_else(Vec::new, |backend| backend.limit_patterns.clone()),
            cwd: step.settings.cwd.clone(),
            deadlines: deadlines(&step.settings.timeout, step.settings.prints, from.config.is_job()),
            session,
            resumes: from.resumes().is_some() && step.settings.resume_argv.is_some(),
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
        Ok(Self { dir, token, handoff: Handoff { argv: Vec::new(), env } })
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

    fn backend(&self) -> Option<&Backend> {
        self.config.backends.get(&self.step.settings.backend)
    }

    fn vendor(&self) -> Family {
        let name = self.step.settings.backend.as_str();
        self.backend().map_or(Family::Any, |backend| limit_outcome::family(name, backend))
    }

    fn prompt(&self) -> Result<String> {
        let answers = decisions(self.state, &self.step.unit);
        let mut context = PromptContext::new(self.plan, self.step, &self.config.prompt);
        if self.step.role == AttemptRole::Review {
            let reason = self.resumes().map(|resumes| resumes.reason.word());
            let changes = if reason.is_none() { self.changes_to_review() } else { None };
            return prompt::render_review(
                &context,
                &review_template(self.config)?,
                changes.as_deref(),
                reason,
            );
        }
        let previous = self.previous();
        context.previous = previous.as_ref();
        context.answers = &answers;
        let notes = notes(self.state, &self.step.unit);
        context.notes = &notes;
        let decided = self.config.prompt.decisions.then(|| self.place.read_tasks().ok()).flatten();
        let decided = decided.map(|(_, tasks)| other_decisions(self.state, &tasks, self.step));
        let decided = decided.unwrap_or_default();
        context.decisions = &decided;
        let known = known_failures(self.state, self.step);
        context.known_failures = &known;
        let so_far = self.resumes().is_none().then(|| self.changes_so_far()).flatten();
        context.so_far = so_far.as_deref();
        match self.resumes() {
            Some(resumes) => prompt::render_continuation(&context, resumes.reason.word()),
            None => prompt::render(&context, &template(self.config)?),
        }
    }

    /// What the unit has changed before this attempt: the files, and the difference as far as there is room for it.
    fn changes_so_far(&self) -> Option<String> {
        let before = self.state.units.get(&self.step.unit)?.before.as_deref()?;
        self.changes_since(before, PATCH_SO_FAR)
    }

    /// What a review looks at: what the task has changed, or all tasks together.
    fn changes_to_review(&self) -> Option<String> {
        let units = self.state.units.iter();
        let mine = units.filter(|(id, _)| self.step.unit == SPEC_REVIEW || **id == self.step.unit);
        let first = mine.filter_map(|(_, unit)| {
            Some((unit.work().next()?.started_at, unit.work().find_map(|a| Some(&a.before.as_ref()?.tree))?))
        });
        let before = match self.step.unit.as_str() {
            SPEC_REVIEW => first.min_by_key(|(at, _)| *at)?.1,
            unit => self.state.units.get(unit)?.before.as_ref()?,
        };
        self.changes_since(before, PATCH_TO_REVIEW)
    }

    /// The files that changed since a tree, and their difference, of which at most so many bytes.
    fn changes_since(&self, before: &str, most: usize) -> Option<String> {
        let now = &self.record()?.before.as_ref()?.tree;
        let trees = self.repository?.trees();
        // a prompt without it is better than none
        let mut changes = trees.changes(before, now).ok()?;
        // its boxes are not work
        let tasks = trees.path_of(&self.place.tasks_path());
        changes.retain(|change| Some(&change.path) != tasks.as_ref());
        if changes.is_empty() {
            return None;
        }
        let count = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let mut text = String::new();
        for change in changes.iter().take(FILES_SO_FAR) {
            let (more, less) = (count(change.insertions), count(change.deletions));
            let _ = writeln!(text, "{}  (+{more} -{less})", change.path);
        }
        if let Some(more) = changes.len().checked_sub(FILES_SO_FAR).filter(|more| *more > 0) {
            let _ = writeln!(text, "and {more} more files");
        }
        let small = |change: &&TreeChange| change.insertions.unwrap_or(u64::MAX) <= LINES_SO_FAR;
        let paths: Vec<&RepoPath> =
            changes.iter().filter(small).take(FILES_SO_FAR).map(|c| &c.path).collect();
        if let Some(patch) =
            Some(paths).filter(|all| !all.is_empty()).and_then(|all| trees.patch(before, now, &all).ok())
        {
            let patch = sanitise(patch.as_bytes());
            let begin = first_bytes(&patch, most);
            let rest = if begin.len() < patch.len() { "\n… the rest is left out" } else { "" };
            let _ = write!(text, "\n{}{rest}", begin.trim_end());
        }
        Some(text)
    }

    /// What went wrong in the last attempt, from the state and from its folder.
    fn previous(&self) -> Option<PreviousAttempt> {
        let unit = &self.step.unit;
        let known = self.state.units.get(unit)?;
        if let Some(findings) = known.findings.as_ref().filter(|_| unit == SPEC_REVIEW)
            && let Some(review) = known.attempts.iter().rfind(|a| a.role == AttemptRole::Review)
        {
            let outcome = "the review of the whole spec wants changes".to_owned();
            let (tail, denied) = (findings.clone(), Vec::new());
            return Some(PreviousAttempt { attempt: review.number, outcome, tail, denied });
        }
        let last = known.work().rev().find(|a| a.number < self.attempt)?;
        let outcome = last.outcome.as_ref()?;
        if matches!(outcome, Outcome::Halted { .. } | Outcome::Done) {
            return None;
        }
        let mut tail = match outcome {
            Outcome::VerifyFailed { tail, .. } => tail.clone(),
            _ => self.last_words(last),
        };
        if !last.learned.denied.is_empty() {
            let denied = last.learned.denied.join("\n");
            let refused =
                "These calls were refused, and no human is there to allow them. Find a way without them:";
            tail = format!("{refused}\n{denied}\n\n{}", tail.trim_end());
        }
        let denied = last.learned.denied.clone();
        Some(PreviousAttempt { attempt: last.number, outcome: outcome.to_string(), tail, denied })
    }

    /// The last words of an attempt at the step, and the end of its stderr.
    fn last_words(&self, attempt: &AttemptRecord) -> String {
        let dir = self.store.attempt_dir(self.state.folder(&self.step.unit), attempt.number);
        let result = Some(dir)
            .filter(|dir| attempt_folder::is_of(dir, attempt))
            .and_then(|dir| attempt_folder::result(&dir));
        result.map_or_else(String::new, |result| {
            let said = [result.last_words, result.stderr_tail];
            said.into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("\n")
        })
    }

    fn agent_env(&self) -> Environment {
        let step = self.step;
        let replaced = |name: &OsStr| {
            // what a person trusts for this call is not for what its agents start
            name == "SEQORCH_TRUST"
                || step.settings.env_remove.iter().any(|n| OsStr::new(n) == name)
                || step.settings.env.iter().any(|(n, _)| OsStr::new(n) == name)
        };
        let kept = self.env.iter().filter(|(name, _)| !replaced(name)).cloned();
        kept.chain(step.settings.env.iter().map(|(name, value)| (name.into(), value.into()))).collect()
    }
}

/// Bytes that a template may have.
const TEMPLATE_MAX: u64 = 1_000_000;

/// The prompt template that the configuration names, or the built-in one.
pub fn template(config: &Config) -> Result<String> {
    read_template(config.prompt.template.as_deref(), prompt::BUILT_IN)
}

/// The template of a review that the configuration names, or the built-in one.
pub fn review_template(config: &Config) -> Result<String> {
    read_template(config.review.template.as_deref(), prompt::REVIEW)
}

fn read_template(path: Option<&Path>, built_in: &str) -> Result<String> {
    match path {
        None => Ok(built_in.to_owned()),
        Some(path) => {
            let failed = |e: std::io::Error| {
                Error::new(ErrorKind::Config, format!("reading the template {}", path.display())).caused_by(e)
            };
            let bytes = nofollow::read_regular(path, TEMPLATE_MAX).map_err(failed)?;
            String::from_utf8(bytes).map_err(|e| failed(std::io::Error::other(e)))
        }
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

fn deadlines(timeouts: &Timeouts, prints: PrintsWhen, is_job: bool) -> Deadlines {
    let grace = if is_job { timeouts.grace.min(JOB_GRACE) } else { timeouts.grace };
    let ms = |d: Duration| (!d.is_zero()).then(|| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
    // silence says nothing of an agent that prints at its end
    let silence = |d: Duration| ms(d).filter(|_| prints == PrintsWhen::Live);
    Deadlines {
        total_ms: ms(timeouts.task),
        idle_ms: silence(timeouts.idle),
        first_output_ms: silence(timeouts.first_output),
        grace_ms: u64::try_from(grace.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The command line with the id of a new session, and that id, if the agent takes one.
fn begin_session(argv: &[String]) -> Result<(Vec<String>, Option<String>)> {
    const NEW: &str = "{new_session}";
    if !argv.iter().any(|arg| arg.contains(NEW)) {
        return Ok((argv.to_vec(), None));
    }
    let id = uuid()?;
    Ok((argv.iter().map(|arg| arg.replace(NEW, &id)).collect(), Some(id)))
}

/// A random UUID (version 4), the form of id that agents take.
fn uuid() -> Result<String> {
    let hex = token()?;
    let variant = match hex.as_bytes()[16] {
        b'0'..=b'3' => '8',
        b'4'..=b'7' => '9',
        b'8' | b'9' | b'a' | b'b' => 'a',
        _ => 'b',
    };
    Ok(format!("{}-{}-4{}-{variant}{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..]))
}

fn token() -> Result<String> {
    let part = || {
        random::bits().map_err(|e| Error::new(ErrorKind::Internal, "drawing a random number").caused_by(e))
    };
    Ok(format!("{:016x}{:016x}", part()?, part()?))
}
