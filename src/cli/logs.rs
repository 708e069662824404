//! `seqorch logs`: prints the output of an agent, and of the commands of `[verify]` after it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use clap::Args;
use jiff::tz::TimeZone;

use super::global::{Global, colored, stdout};
use super::overview::{Unnamed, spec_for};
use super::printing::{FOLLOW, LogDecoder, LogPrinter, ReaderGone};
use super::project::{Project, warn_of_lost_tree};
use super::values;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Selection;
use crate::project::SpecPlace;
use crate::report::text::{command_line, sanitise_line, spec_command};
use crate::report::times::span;
use crate::run::verdict;
use crate::state::{AttemptRecord, Outcome, SpecState, UnitState};
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_folder;
use crate::store::lock;
use crate::store::said_box::SaidBox;
use crate::store::spec_store::Store;

/// The heading of the flags that choose a part of the log in the help.
const PART: &str = "What to print";

#[derive(Debug, Args)]
#[command(
    after_help = "Each command of [verify] follows the agent's output: its stdout, its stderr, its exit code. \
                  --raw, --stderr and --prompt print only what belongs to the agent. --verify prints only the commands, \
                  also with --raw, --stderr or --follow."
)]
pub(super) struct LogsArgs {
    /// Task: its id, a range (3-5), a pattern (2.*) or a part of its title [default: the one that runs or ran last].
    id: Option<String>,
    /// Spec: its name, its folder or its file [default: the only spec, or the one that runs or waits].
    #[arg(long, value_name = "SPEC")]
    spec: Option<PathBuf>,
    /// Attempt [default: the last].
    #[arg(long, value_name = "N", value_parser = values::count, allow_negative_numbers = true)]
    attempt: Option<u32>,
    /// Keep printing until the attempt is over.
    #[arg(short, long)]
    follow: bool,
    /// Print the bytes as the agent wrote them, including escape sequences.
    #[arg(help_heading = PART, long)]
    raw: bool,
    /// Print stderr instead of stdout.
    #[arg(help_heading = PART, long)]
    stderr: bool,
    /// Print the prompt of the attempt instead of its output.
    #[arg(help_heading = PART, long, conflicts_with = "stderr")]
    prompt: bool,
    /// Print only the lines in about the last so many bytes of a log.
    #[arg(help_heading = PART, long, value_name = "BYTES", conflicts_with = "follow", hide = true)]
    end: Option<u64>,
    /// Print only the output of the [verify] commands.
    #[arg(help_heading = PART, long, conflicts_with = "prompt")]
    verify: bool,
}

pub(super) fn logs(global: &Global, args: &LogsArgs) -> Result<u8> {
    let project = Project::open_to_look(global, args.spec.as_deref())?;
    let spec = spec_for(&project, args.spec.as_deref(), Unnamed::ShowsWork)?;
    let place = project.place(&spec, Selection::default())?;
    warn_of_lost_tree(&place);
    let store = place.store();
    let state = project.state(&place)?;
    let units = match &args.id {
        Some(id) => place.units_named(&state, id)?,
        None => vec![last_unit(&state).ok_or_else(|| {
            let text = format!("{} has not run yet", sanitise_line(&place.name));
            Error::new(ErrorKind::Usage, text).hint(how_to_run(&place))
        })?],
    };
    let several = units.len() > 1;
    for id in units {
        let title = state.units.get(&id).map_or("", |unit| unit.title.as_str());
        if several {
            let heading = sanitise_line(&format!("{id} {title}"));
            if writeln!(stdout(), "# {heading}").is_err() {
                return Ok(0);
            }
        }
        if unit_logs(global, args, (&place, &store), &state, &id)?.is_err() {
            return Ok(0);
        }
    }
    Ok(0)
}

/// Prints the log of one unit. The inner error: its reader is gone.
fn unit_logs(
    global: &Global,
    args: &LogsArgs,
    (place, store): (&SpecPlace, &Store),
    state: &SpecState,
    id: &str,
) -> Result<std::result::Result<(), ReaderGone>> {
    let unit = state.units.get(id).ok_or_else(|| not_run(place, id, state))?;
    let number = args.attempt.unwrap_or_else(|| unit.attempts.last().map_or(1, |a| a.number));
    let dir = store.attempt_dir(state.folder(id), number);
    let path = log_path(args, id, &unit.attempts, number, &dir)?;
    let mut out = LogPrinter::of_end(args.end);
    let is_plain = !(args.raw || args.prompt || args.stderr || args.verify);
    if is_plain && print_words(global, &dir, &mut out).is_err() {
        return Ok(Err(ReaderGone));
    }
    if !args.verify {
        let decoder = match (args.raw, args.prompt || args.stderr) {
            (true, _) => LogDecoder::Raw,
            (_, true) => LogDecoder::text(args.follow),
            _ => LogDecoder::of_attempt(&dir, global, args.follow),
        };
        let over = || !args.follow || !attempt_folder::alive(&dir);
        if out.log(&path, decoder, || bytes(&dir, args.stderr), over)?.is_err() {
            return Ok(Err(ReaderGone));
        }
        let is_empty = |file: &Path| file.metadata().is_ok_and(|data| data.len() == 0);
        let stderr = dir.stderr();
        // where an agent said nothing else, its errors are all there is to see; of one that failed they may say why
        let silent = is_empty(&path);
        if !(args.raw || args.prompt || args.stderr)
            && (silent || failed(unit, number))
            && stderr.exists()
            && !is_empty(&stderr)
        {
            let dim = if colored(global, &io::stdout()) { Style::new().dimmed() } else { Style::new() };
            let decoder = LogDecoder::text(args.follow);
            let heading = if silent { "nothing on stdout; on stderr" } else { "on stderr" };
            if out.heading(dim, heading, false).is_err()
                || out.log(&stderr, decoder, || bytes(&dir, true), || true)?.is_err()
            {
                return Ok(Err(ReaderGone));
            }
        }
    }
    if args.verify || !(args.raw || args.prompt || args.stderr) {
        let color = colored(global, &io::stdout());
        let checks = CheckLogs { store, unit: id, number, dir: &dir, args, color };
        if checks.print(&mut out)? == 0 && args.verify {
            let text = format!("no command of [verify] ran after attempt {number} of task {id}");
            return Err(Error::new(ErrorKind::Usage, text).hint(
                "They run once an agent says that it is done; without --verify its own output is shown.",
            ));
        }
    }
    Ok(Ok(()))
}

/// Prints what people said to the agent while it worked.
fn print_words(
    global: &Global,
    dir: &AttemptDir,
    out: &mut LogPrinter,
) -> std::result::Result<(), ReaderGone> {
    let dim = if colored(global, &io::stdout()) { Style::new().dimmed() } else { Style::new() };
    for words in SaidBox::of(dir).taken_words() {
        let by = words.by.as_deref().unwrap_or("someone");
        let at = words.at.to_zoned_datetime(TimeZone::system()).strftime("%H:%M:%S").to_string();
        out.heading(dim, &sanitise_line(&format!("{at} {by} said: {}", words.text)), false)?;
    }
    Ok(())
}

/// The unit whose attempt started last.
fn last_unit(state: &SpecState) -> Option<String> {
    let started = |id: &&String| state.units[*id].attempts.last().map(|a| a.started_at);
    state.units.keys().max_by_key(started).cloned()
}

/// How a spec that has no log gets one.
fn how_to_run(place: &SpecPlace) -> String {
    format!("`{}` runs it; its output is here then.", spec_command("run", &place.typed, ""))
}

fn not_run(place: &SpecPlace, id: &str, state: &SpecState) -> Error {
    let known: Vec<_> = state.units_by_id().into_iter().map(|(id, _)| id).collect();
    let error = Error::new(ErrorKind::Usage, format!("task {} has not run yet", sanitise_line(id)));
    error.hint(match known.as_slice() {
        [] => how_to_run(place),
        known => format!("There are logs of: {}.", sanitise_line(&known.join(", "))),
    })
}

/// The file to print; an error says why there is none.
fn log_path(
    args: &LogsArgs,
    id: &str,
    attempts: &[AttemptRecord],
    number: u32,
    dir: &AttemptDir,
) -> Result<PathBuf> {
    let error = |text: String| {
        let started = |a: &&AttemptRecord| a.reached_agent();
        let known: Vec<_> = attempts.iter().filter(started).map(|a| a.number.to_string()).collect();
        let error = Error::new(ErrorKind::Usage, text);
        if known.is_empty() { error } else { error.hint(format!("Attempts that ran: {}.", known.join(", "))) }
    };
    let record = attempts.iter().find(|a| a.number == number);
    if record.is_some_and(|record| !attempt_folder::is_of(dir, record)) {
        return Err(error(format!("attempt {number} of task {id} never started, so it has no log")));
    }
    let path = match (args.prompt, args.stderr) {
        (true, _) => dir.prompt(),
        (_, true) => dir.stderr(),
        _ => dir.output(),
    };
    if path.exists() {
        return Ok(path);
    }
    // the state still knows an attempt whose folder is gone
    let was_there = record.is_some_and(AttemptRecord::reached_agent) && !dir.path().exists();
    Err(error(match (record, was_there) {
        (None, _) => format!("task {id} has no attempt {number}"),
        (_, true) => {
            format!("attempt {number} of task {id} has no log any more: log.keep removes those of done tasks")
        }
        (_, false) => format!("attempt {number} of task {id} has no log"),
    }))
}

/// Whether an attempt ended with an error of its agent.
fn failed(unit: &UnitState, number: u32) -> bool {
    let attempt = unit.attempts.iter().find(|attempt| attempt.number == number);
    let outcome = attempt.and_then(|attempt| attempt.outcome.as_ref());
    matches!(outcome, Some(Outcome::Failed { .. } | Outcome::Signaled { .. }))
}

/// How many bytes an attempt wrote, once it is over.
fn bytes(dir: &AttemptDir, stderr: bool) -> Option<u64> {
    attempt_folder::result(dir).map(|facts| if stderr { facts.stderr_bytes } else { facts.stdout_bytes })
}

/// The logs of the commands that check an attempt.
struct CheckLogs<'a> {
    store: &'a Store,
    unit: &'a str,
    number: u32,
    dir: &'a AttemptDir,
    args: &'a LogsArgs,
    color: bool,
}

impl CheckLogs<'_> {
    /// Prints them one after the other and returns how many there were.
    fn print(&self, out: &mut LogPrinter) -> Result<usize> {
        for number in 1.. {
            let check = self.dir.verify(number);
            if !self.comes(&check) {
                return Ok(number - 1);
            }
            let printed = self.section(number, &check, out)?;
            // no command runs after one that failed; further folders are of an earlier check of the same attempt
            if printed.is_err() || verdict::failure(attempt_folder::result(&check).as_ref()).is_some() {
                return Ok(number);
            }
        }
        Ok(0)
    }

    /// Whether there is such a command. `--follow` waits for it as long as it may still start.
    fn comes(&self, check: &AttemptDir) -> bool {
        self.appears(&check.attempt(), || self.over())
    }

    /// Whether a file is there. `--follow` waits for it until `over` returns true.
    fn appears(&self, file: &Path, over: impl Fn() -> bool) -> bool {
        loop {
            let over = !self.args.follow || over();
            if file.exists() || over {
                return file.exists();
            }
            std::thread::sleep(FOLLOW);
        }
    }

    /// How the attempt ended, as the state has it.
    fn outcome(&self) -> Option<Outcome> {
        let state = self.store.load().ok()?;
        state.units.get(self.unit)?.attempts.iter().find(|a| a.number == self.number)?.outcome.clone()
    }

    /// Whether no further command will start.
    fn over(&self) -> bool {
        lock::holder(&self.store.run_lock()).is_none() || self.outcome().is_some()
    }

    /// Whether the command has ended, or its process is gone.
    fn ended(&self, check: &AttemptDir) -> bool {
        check.result().exists() || self.over() && !attempt_folder::alive(check)
    }

    fn section(
        &self,
        number: usize,
        check: &AttemptDir,
        out: &mut LogPrinter,
    ) -> Result<std::result::Result<(), ReaderGone>> {
        let (raw, dim) = (self.args.raw, self.style(Style::new().dimmed()));
        let decoder = || if raw { LogDecoder::Raw } else { LogDecoder::text(self.args.follow) };
        let argv = attempt_folder::attempt(check).map(|attempt| attempt.argv).unwrap_or_default();
        let command = command_line(&argv);
        if !raw && out.heading(dim, &format!("verify {number}: {command}"), true).is_err() {
            return Ok(Err(ReaderGone));
        }
        let (stdout, stderr) = (check.output(), check.stderr());
        let both = !raw && !self.args.stderr;
        let first = if self.args.stderr { &stderr } else { &stdout };
        let over = || !self.args.follow || self.ended(check);
        // a command that could not be started has no output file
        if self.appears(first, || self.ended(check))
            && out.log(first, decoder(), || bytes(check, self.args.stderr), over)?.is_err()
        {
            return Ok(Err(ReaderGone));
        }
        if both && stderr.metadata().is_ok_and(|file| file.len() > 0) {
            if out.heading(dim, "on stderr", false).is_err() {
                return Ok(Err(ReaderGone));
            }
            if out.log(&stderr, decoder(), || bytes(check, true), || true)?.is_err() {
                return Ok(Err(ReaderGone));
            }
        }
        if raw {
            return Ok(Ok(()));
        }
        let last = !self.dir.verify(number + 1).attempt().exists();
        let (good, text) = self.end_of(check, &command, last);
        let style = if good { dim } else { self.style(AnsiColor::Red.on_default()) };
        Ok(out.heading(style, &text, false))
    }

    fn style(&self, style: Style) -> Style {
        if self.color { style } else { Style::new() }
    }

    /// Whether the command succeeded or may still do so, and how it ended.
    fn end_of(&self, check: &AttemptDir, command: &str, last: bool) -> (bool, String) {
        let facts = attempt_folder::result(check);
        let failure = verdict::failure(facts.as_ref());
        // only the run knows that a command could not be started or ran too few tests
        let known = self.outcome().and_then(|outcome| match outcome {
            // the same command may have succeeded earlier in the list
            Outcome::VerifyFailed { command: failed, tail, .. } if last && failed == command => {
                tail.lines().next().map(sanitise_line)
            }
            _ => None,
        });
        let Some(facts) = facts else {
            return match (self.ended(check), known) {
                (false, _) => (true, "still running".to_owned()),
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
