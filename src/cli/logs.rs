//! `seqorch logs`: what an agent printed, as its window showed it, and what the commands of `[verify]` said to its work.

use std::io;
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use clap::Args;

use super::printing::{Gone, Out, Shown};
use super::project::Project;
use super::{Global, colored};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Selection;
use crate::report::live::span;
use crate::report::text::{command_line, sanitise_line};
use crate::run::verdict;
use crate::state::{AttemptRecord, Outcome};
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_folder;
use crate::store::lock;
use crate::store::spec_store::Store;

#[derive(Debug, Args)]
#[command(
    after_help = "After the agent's output comes what each command of [verify] printed, on stdout and then on \
                        stderr, with its exit code. --raw, --stderr and --prompt show the agent alone; --verify shows \
                        the commands alone, and goes with --raw (their bytes, without headings), --stderr and --follow."
)]
pub(super) struct LogsArgs {
    /// The task; none: the one that runs, or ran last.
    id: Option<String>,
    /// The spec: a folder, a tasks.md, or a name under run.spec_root, .kiro/specs, specs or openspec/changes.
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,
    /// The attempt; none: the last.
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
    /// Go on printing until the attempt is over.
    #[arg(short, long)]
    follow: bool,
    /// The bytes as the agent wrote them, records and escape sequences included.
    #[arg(long)]
    raw: bool,
    /// What it wrote to stderr instead of stdout.
    #[arg(long)]
    stderr: bool,
    /// The prompt that it got instead of its output.
    #[arg(long, conflicts_with = "stderr")]
    prompt: bool,
    /// What the commands of [verify] printed after it, and nothing of the agent.
    #[arg(long, conflicts_with = "prompt")]
    verify: bool,
}

pub(super) fn logs(global: &Global, args: &LogsArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    let place = project.place(&project.spec(args.spec.as_deref())?, Selection::default())?;
    let store = project.store(&place);
    let state = store.load()?;
    let none = |what: String| {
        let known: Vec<_> = state.units.keys().cloned().collect();
        let error = Error::new(ErrorKind::Usage, what);
        if known.is_empty() { error } else { error.hint(format!("There are logs of: {}.", known.join(", "))) }
    };
    let last = || {
        let started = |id: &&String| state.units[*id].attempts.last().map(|a| a.started_at);
        state.units.keys().max_by_key(started).cloned()
    };
    let id = match &args.id {
        // a subtask is told of in the log of the task that it was done with
        Some(id) => state.unit_of(id).unwrap_or(id).to_owned(),
        None => last().ok_or_else(|| none(format!("nothing of {} has run yet", place.name)))?,
    };
    let unit = state.units.get(&id).ok_or_else(|| none(format!("task {id} has not run yet")))?;
    let number = match args.attempt {
        Some(n) => n,
        None => unit.attempts.last().map_or(1, |a| a.number),
    };
    let dir = store.attempt_dir(&id, number);
    let record = unit.attempts.iter().find(|a| a.number == number);
    if record.is_some_and(|record| !attempt_folder::is_of(&dir, record)) {
        return Err(none(format!("attempt {number} of task {id} never started, so it has no log")));
    }
    let path = match (args.prompt, args.stderr) {
        (true, _) => dir.prompt(),
        (_, true) => dir.stderr(),
        _ => dir.output(),
    };
    if !path.exists() {
        // the state still knows it, so its folder was there once
        let was_there = record.is_some_and(AttemptRecord::came_to_its_start) && !dir.path().exists();
        let gone = if was_there { " any more: those of done tasks go after log.keep" } else { "" };
        return Err(none(format!("attempt {number} of task {id} has no log{gone}")));
    }
    let mut out = Out::default();
    if !args.verify {
        let shown = match (args.raw, args.prompt || args.stderr) {
            (true, _) => Shown::Raw,
            (_, true) => Shown::text(),
            _ => Shown::of(&dir, global),
        };
        let over = || !args.follow || !attempt_folder::alive(&dir);
        if out.log(&path, shown, || bytes(&dir, args.stderr), over)?.is_err() {
            return Ok(0);
        }
    }
    if args.verify || !(args.raw || args.prompt || args.stderr) {
        let color = colored(global, &io::stdout());
        let checks = Checks { store: &store, unit: &id, number, dir: &dir, args, color };
        if checks.print(&mut out)? == 0 && args.verify {
            let text = format!("no command of [verify] ran after attempt {number} of task {id}");
            return Err(Error::new(ErrorKind::Usage, text).hint(
                "They run once an agent says that it is done; without --verify its own output is shown.",
            ));
        }
    }
    Ok(0)
}

/// How many bytes an attempt that is over printed.
fn bytes(dir: &AttemptDir, stderr: bool) -> Option<u64> {
    attempt_folder::result(dir).map(|facts| if stderr { facts.stderr_bytes } else { facts.stdout_bytes })
}

/// The commands that had to succeed before an attempt counted as done.
struct Checks<'a> {
    store: &'a Store,
    unit: &'a str,
    number: u32,
    dir: &'a AttemptDir,
    args: &'a LogsArgs,
    color: bool,
}

impl Checks<'_> {
    /// Prints them one after the other and says how many there were.
    fn print(&self, out: &mut Out) -> Result<usize> {
        for number in 1.. {
            let gate = self.dir.verify(number);
            if !self.comes(&gate) {
                return Ok(number - 1);
            }
            let printed = self.section(number, &gate, out)?;
            // nothing is run after one that failed: what is there was left by an earlier look at the same attempt
            if printed.is_err() || verdict::failure(attempt_folder::result(&gate).as_ref()).is_some() {
                return Ok(number);
            }
        }
        Ok(0)
    }

    /// Whether there is such a command; who follows waits for it as long as it may come.
    fn comes(&self, gate: &AttemptDir) -> bool {
        self.appears(&gate.attempt(), || self.over())
    }

    /// Whether a file is there; who follows waits for it until it is `over`.
    fn appears(&self, file: &Path, over: impl Fn() -> bool) -> bool {
        loop {
            let over = !self.args.follow || over();
            if file.exists() || over {
                return file.exists();
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }

    /// How the attempt ended, by the state.
    fn outcome(&self) -> Option<Outcome> {
        let state = self.store.load().ok()?;
        state.units.get(self.unit)?.attempts.iter().find(|a| a.number == self.number)?.outcome.clone()
    }

    /// Whether nobody starts a command any more.
    fn over(&self) -> bool {
        lock::holder(&self.store.run_lock()).is_none() || self.outcome().is_some()
    }

    /// Whether the command has ended, or never will by itself.
    fn ended(&self, gate: &AttemptDir) -> bool {
        gate.result().exists() || self.over() && !attempt_folder::alive(gate)
    }

    fn section(
        &self,
        number: usize,
        gate: &AttemptDir,
        out: &mut Out,
    ) -> Result<std::result::Result<(), Gone>> {
        let (raw, dim) = (self.args.raw, self.style(Style::new().dimmed()));
        let shown = || if raw { Shown::Raw } else { Shown::text() };
        let argv = attempt_folder::attempt(gate).map(|attempt| attempt.argv).unwrap_or_default();
        let command = command_line(&argv);
        if !raw && out.line(dim, &format!("verify {number}: {command}"), true).is_err() {
            return Ok(Err(Gone));
        }
        let (stdout, stderr) = (gate.output(), gate.stderr());
        let both = !raw && !self.args.stderr;
        let first = if self.args.stderr { &stderr } else { &stdout };
        let over = || !self.args.follow || self.ended(gate);
        // one that could not be started printed nothing
        if self.appears(first, || self.ended(gate))
            && out.log(first, shown(), || bytes(gate, self.args.stderr), over)?.is_err()
        {
            return Ok(Err(Gone));
        }
        if both && stderr.metadata().is_ok_and(|file| file.len() > 0) {
            if out.line(dim, "on stderr", false).is_err() {
                return Ok(Err(Gone));
            }
            if out.log(&stderr, shown(), || bytes(gate, true), || true)?.is_err() {
                return Ok(Err(Gone));
            }
        }
        if raw {
            return Ok(Ok(()));
        }
        let last = !self.dir.verify(number + 1).attempt().exists();
        let (good, text) = self.verdict(gate, &command, last);
        let style = if good { dim } else { self.style(AnsiColor::Red.on_default()) };
        Ok(out.line(style, &text, false))
    }

    fn style(&self, style: Style) -> Style {
        if self.color { style } else { Style::new() }
    }

    /// How the command ended, and whether that is good.
    fn verdict(&self, gate: &AttemptDir, command: &str, last: bool) -> (bool, String) {
        let facts = attempt_folder::result(gate);
        let failure = verdict::failure(facts.as_ref());
        // what the run knows beside: that it could not be started, that it ran too few tests
        let known = self.outcome().and_then(|outcome| match outcome {
            // the same command may have succeeded before
            Outcome::VerifyFailed { command: of, tail } if last && of == command => {
                tail.lines().next().map(sanitise_line)
            }
            _ => None,
        });
        let Some(facts) = facts else {
            return match (self.ended(gate), known) {
                (false, _) => (true, "still at work".to_owned()),
                (true, Some(how)) => (false, how),
                (true, None) => (false, Outcome::Lost.to_string()),
            };
        };
        let took = span(facts.ended_at.duration_since(facts.started_at).try_into().unwrap_or_default());
        match (failure, known) {
            (Some(failure), _) => (false, format!("{} after {took}", sanitise_line(&failure.to_string()))),
            (None, Some(how)) => (false, format!("succeeded after {took}, but {how}")),
            (None, None) => (true, format!("succeeded after {took}")),
        }
    }
}
