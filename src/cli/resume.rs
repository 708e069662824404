//! `seqorch resume`: go on after an agent asked for a human.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::Command;

use clap::Args;

use super::Global;
use super::project::Project;
use super::run::{self, RunArgs};
use crate::engine::place::Place;
use crate::error::{Error, Kind, Result};
use crate::plan::Selection;
use crate::report::text::{sanitise_text, shell_word};
use crate::state::lock::{Holder, RunLock};
use crate::state::store::Store;
use crate::state::{Answer, UnitStatus};

#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// The spec: a folder, a tasks.md, or a name under run.spec_root, .kiro/specs, specs or openspec/changes.
    spec: Option<PathBuf>,
    /// What to tell the agent; without it your editor is opened.
    #[arg(long, value_name = "TEXT")]
    answer: Option<String>,
    /// Try limited backends at once instead of waiting for the end of their limits; a run that waits is told to.
    #[arg(long, conflicts_with = "answer")]
    now: bool,
    #[command(flatten)]
    run: run::RunFlags,
}

pub(super) fn resume(global: &Global, args: &ResumeArgs) -> Result<u8> {
    let project = Project::open(global, args.run.settings()?, args.spec.as_deref())?;
    let dir = project.spec(args.spec.as_deref())?;
    let place = project.place(&dir, Selection::default())?;
    let store = project.store(&place);
    let state = store.load()?;
    if args.now {
        if super::stop::try_now(&project, &place, &store)? {
            return Ok(0);
        }
        forget_limits(&store, &place)?;
        return run::run(global, &RunArgs::of_spec(dir, args.run.clone()));
    }
    if !state.halted {
        return Err(Error::new(
            Kind::Usage,
            format!("{} is not halted, so there is nothing to resume", place.name),
        )
        .hint("Go on with `seqorch run`."));
    }
    run::preflight(&project, &place)?;
    let answer = match &args.answer {
        Some(answer) => Some(answer.clone()),
        None => edited(state.question.as_deref().unwrap_or_default())?,
    };
    let answer = answer.filter(|answer| !answer.trim().is_empty()).ok_or_else(|| {
        let spec = shell_word(&place.name);
        Error::new(Kind::Usage, "there is no answer, and no editor (VISUAL, EDITOR) on a terminal to write one")
            .hint(format!("Answer with `seqorch resume {spec} --answer \"…\"`; `seqorch run {spec} --retry` tries again without one."))
    })?;
    reopen(&store, &place, Some(answer))?;
    run::run(global, &RunArgs::of_spec(dir, args.run.clone()))
}

/// Forgets when limits end, so that the next run asks.
fn forget_limits(store: &Store, place: &Place) -> Result<()> {
    store.prepare()?;
    let _lock = RunLock::take(&store.run_lock(), &Holder::me(&place.dir, jiff::Timestamp::now()))?;
    let mut state = store.load()?;
    state.forget_limits();
    store.save(&state)
}

/// Takes a spec out of its halt, so that the unit that asked is tried again, with the answer where there is one.
pub(super) fn reopen(store: &Store, place: &Place, answer: Option<String>) -> Result<()> {
    store.prepare()?;
    let _lock = RunLock::take(&store.run_lock(), &Holder::me(&place.dir, jiff::Timestamp::now()))?;
    let mut state = store.load()?;
    if !state.halted {
        return Ok(());
    }
    let unit = state.halted_task.take().unwrap_or_default();
    let question = state.question.take().unwrap_or_default();
    if let Some(unit) = state.units.get_mut(&unit) {
        unit.status = UnitStatus::Todo;
    }
    state.answer = answer.map(|answer| Answer { unit, question, answer });
    state.halted = false;
    state.halted_at = None;
    store.save(&state)
}

/// What a person writes in their editor below the question; `None` where there is no editor or no terminal.
fn edited(question: &str) -> Result<Option<String>> {
    let Some(editor) =
        ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
    else {
        return Ok(None);
    };
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Ok(None);
    }
    let failed = |e| Error::io("writing a file in", &std::env::temp_dir(), e);
    let mut file = tempfile::Builder::new().prefix("answer-").suffix(".md").tempfile().map_err(failed)?;
    let asked: Vec<String> = sanitise_text(question).lines().map(|line| format!("# {line}\n")).collect();
    write!(file, "\n# Write the answer above; lines that begin with # are left out.\n#\n{}", asked.concat())
        .map_err(failed)?;
    let path = file.path();
    // an editor is often a command with arguments (`code --wait`), which is a shell's business
    let status = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(path)
        .status()
        .map_err(|e| Error::io("starting", std::path::Path::new(&editor), e))?;
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("reading", path, e))?;
    let answer = answer_in(&text);
    if !status.success() || answer.is_empty() {
        return Err(Error::new(Kind::Human, "no answer was written, so nothing is resumed").hint(
            "Write one, or give it with --answer \"…\"; `seqorch run --retry` tries again without one.",
        ));
    }
    Ok(Some(answer))
}

fn answer_in(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_answer_is_what_stands_outside_the_comments() {
        assert_eq!(
            super::answer_in("Use Postgres.\n\n  #not this\n# Which one?\n"),
            "Use Postgres.\n\n  #not this"
        );
        assert_eq!(super::answer_in("\n# Which one?\n"), "");
    }
}
