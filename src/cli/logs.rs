//! `seqorch logs`: what an agent printed, as its window showed it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::project::Project;
use super::{Global, colored, terminal_width};
use crate::agent::sanitise::Sanitiser;
use crate::agent::{AgentEvent, Format, Reader, Renderer};
use crate::attempt::record::{AttemptDir, AttemptFile, log_parts};
use crate::engine::launch;
use crate::error::{Error, Kind, Result};
use crate::plan::Selection;

/// Columns where there is no terminal.
const WIDTH: usize = 100;

#[derive(Debug, Args)]
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
}

pub(super) fn logs(global: &Global, args: &LogsArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    let place = project.place(&project.spec(args.spec.as_deref())?, Selection::default())?;
    let store = project.store(&place);
    let state = store.load()?;
    let none = |what: String| {
        let known: Vec<_> = state.units.keys().cloned().collect();
        let error = Error::new(Kind::Usage, what);
        if known.is_empty() { error } else { error.hint(format!("There are logs of: {}.", known.join(", "))) }
    };
    let last = || {
        let started = |id: &&String| state.units[*id].attempts.last().map(|a| a.started_at);
        state.units.keys().max_by_key(started).cloned()
    };
    let id = match &args.id {
        Some(id) => id.clone(),
        None => last().ok_or_else(|| none(format!("nothing of {} has run yet", place.name)))?,
    };
    let unit = state.units.get(&id).ok_or_else(|| none(format!("task {id} has not run yet")))?;
    let number = match args.attempt {
        Some(n) => n,
        None => unit.attempts.last().map_or(1, |a| a.number),
    };
    let dir = store.attempt_dir(&id, number);
    let path = match (args.prompt, args.stderr) {
        (true, _) => dir.prompt(),
        (_, true) => dir.stderr(),
        _ => dir.output(),
    };
    if !path.exists() {
        // the state still knows it, so its folder was there once
        let was_there = unit.attempts.iter().any(|a| a.number == number) && !dir.path().exists();
        let gone = if was_there { " any more: those of done tasks go after log.keep" } else { "" };
        return Err(none(format!("attempt {number} of task {id} has no log{gone}")));
    }
    let shown = if args.raw {
        Shown::Raw
    } else if args.prompt || args.stderr {
        Shown::Text(Sanitiser::default())
    } else {
        Shown::of(&dir, global)
    };
    copy(&path, &dir, args, shown)
}

/// Prints a log in its parts; `follow` goes on until the attempt is over.
fn copy(log: &Path, dir: &AttemptDir, args: &LogsArgs, shown: Shown) -> Result<u8> {
    let mut out = Out { shown, text: String::new() };
    let [whole, older, newer] = log_parts(log);
    let mut file = File::open(&whole).map_err(|e| Error::io("reading", &whole, e))?;
    let mut printed = 0;
    loop {
        let over = !args.follow || !launch::alive(dir);
        printed += match out.copy(&mut file, &whole)? {
            Some(bytes) => bytes,
            // a pager that was left is a normal end
            None => return Ok(0),
        };
        if over {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let ends: Vec<_> = [older, newer].into_iter().filter_map(|p| Some((File::open(&p).ok()?, p))).collect();
    let kept: u64 = ends.iter().filter_map(|(f, _)| Some(f.metadata().ok()?.len())).sum();
    let all = launch::result(dir).map(|f| if args.stderr { f.stderr_bytes } else { f.stdout_bytes });
    if let Some(missing) =
        all.and_then(|all| all.checked_sub(printed + kept)).filter(|n| *n > 0 && !ends.is_empty())
    {
        let _ = writeln!(io::stderr(), "\n[{missing} bytes are not kept, see log.max_mb]");
        out.gap();
    }
    for (mut file, path) in ends {
        if out.copy(&mut file, &path)?.is_none() {
            return Ok(0);
        }
    }
    out.finish();
    Ok(0)
}

/// What becomes of the bytes.
enum Shown {
    Raw,
    Text(Sanitiser),
    Events(Box<(Reader, Renderer)>),
}

impl Shown {
    /// What the attempt's window showed.
    fn of(dir: &AttemptDir, global: &Global) -> Self {
        let attempt = fs::read(dir.attempt()).ok();
        let attempt = attempt.and_then(|bytes| serde_json::from_slice::<AttemptFile>(&bytes).ok());
        match attempt.filter(|attempt| attempt.format() != Format::Text) {
            None => Self::Text(Sanitiser::default()),
            Some(attempt) => {
                let width = terminal_width().unwrap_or(WIDTH);
                let renderer = Renderer::new(width, colored(global, &io::stdout()));
                let renderer = renderer.root(&attempt.cwd.to_string_lossy());
                Self::Events(Box::new((Reader::new(attempt.format()), renderer)))
            }
        }
    }
}

struct Out {
    shown: Shown,
    text: String,
}

impl Out {
    /// Prints what is left of a file and gives its length; `None` when nobody reads any more.
    fn copy(&mut self, file: &mut File, path: &Path) -> Result<Option<u64>> {
        let mut out = io::stdout().lock();
        let mut piece = vec![0; 64 * 1024];
        let mut bytes = 0;
        loop {
            let n = file.read(&mut piece).map_err(|e| Error::io("reading", path, e))?;
            bytes += n as u64;
            self.text.clear();
            match &mut self.shown {
                Shown::Raw => {}
                Shown::Text(sanitiser) => sanitiser.feed(&piece[..n], &mut self.text),
                Shown::Events(of) => {
                    let (reader, renderer) = &mut **of;
                    reader.feed(&piece[..n], &mut |event| renderer.render(&event, &mut self.text));
                }
            }
            let shown = if matches!(self.shown, Shown::Raw) { &piece[..n] } else { self.text.as_bytes() };
            let written = out.write_all(shown);
            if written.and_then(|()| if n == 0 { out.flush() } else { Ok(()) }).is_err() {
                return Ok(None);
            }
            if n == 0 {
                return Ok(Some(bytes));
            }
        }
    }

    /// Something is missing here: a record that began before it does not end behind it.
    fn gap(&mut self) {
        if let Shown::Events(of) = &mut self.shown {
            // a stray piece says nothing that is not said of the gap
            let (reader, renderer) = &mut **of;
            self.text.clear();
            reader.feed(b"\n", &mut |event| {
                if !matches!(event, AgentEvent::Stray { .. }) {
                    renderer.render(&event, &mut self.text);
                }
            });
            let _ = io::stdout().lock().write_all(self.text.as_bytes());
        }
    }

    /// What is still to be said at the end.
    fn finish(&mut self) {
        if let Shown::Events(of) = &mut self.shown {
            let (reader, renderer) = &mut **of;
            self.text.clear();
            reader.finish(&mut |event| renderer.render(&event, &mut self.text));
            renderer.finish(&mut self.text);
            let mut out = io::stdout().lock();
            let _ = out.write_all(self.text.as_bytes()).and_then(|()| out.flush());
        }
    }
}
