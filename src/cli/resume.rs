//! `seqorch resume`: answers an agent's question and continues the run.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use super::Global;
use super::flags::{TASKS, Work};
use super::overview::{Unnamed, spec_for};
use super::project::Project;
use super::run::{self, StartOptions};
use super::spec_run::SpecRun;
use super::stop;
use super::trust::TrustFlag;
use crate::error::{Error, ErrorKind, Result};
use crate::report::text::{sanitise_text, shell_word};
use crate::run::preflight::{not_halted, preflight};
use crate::run::resume::ResumeRequest;

/// The heading of the flags about the answer in the help.
const ANSWER: &str = "The answer";

#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// Spec: its name, its folder or its file [default: the only spec, or the one that runs or waits].
    spec: Option<PathBuf>,
    /// The answer. Without it, your editor opens with the question.
    #[arg(help_heading = ANSWER, long, value_name = "TEXT")]
    answer: Option<String>,
    /// Read the answer from this file; - reads standard input.
    #[arg(help_heading = ANSWER, long, value_name = "FILE", conflicts_with = "answer")]
    answer_file: Option<PathBuf>,
    /// Forget all limits and try at once, without an answer. If a run waits for a limit, it retries.
    #[arg(help_heading = ANSWER, long, conflicts_with_all = ["answer", "answer_file"])]
    now: bool,
    /// Forget the options of the last run, such as --only; use only those given here.
    #[arg(help_heading = TASKS, long)]
    all: bool,
    /// Print events as JSON, one per line, like .seqorch/SPEC/events.jsonl.
    #[arg(long, conflicts_with = "detach")]
    json: bool,
    /// Run in the tmux session; you can close this terminal.
    #[arg(long, conflicts_with = "no_tmux")]
    detach: bool,
    #[command(flatten)]
    trust: TrustFlag,
    #[command(flatten)]
    work: Work,
}

pub(super) fn resume(global: &Global, args: &ResumeArgs) -> Result<u8> {
    let spec = spec(global, args)?;
    let run = SpecRun::find(global, &args.work, spec.as_deref(), !args.all, args.detach, Some(args.trust))?;
    let resume = if args.now {
        if stop::retry_now(&run.place)? {
            return Ok(0);
        }
        ResumeRequest::ForgetLimits
    } else {
        answer(&run, args)?
    };
    run.note_kept_options();
    let options = StartOptions {
        resume: Some(resume),
        json: args.json,
        detach: args.detach,
        ..StartOptions::default()
    };
    run::start(&[run], &options)
}

/// The spec that is named; or of several the one that asks, with `--now` the one that waits for a limit.
fn spec(global: &Global, args: &ResumeArgs) -> Result<Option<PathBuf>> {
    let act = if args.now { Unnamed::Retries } else { Unnamed::Answers };
    if args.spec.is_some() {
        return Ok(args.spec.clone());
    }
    let project = Project::open(global, Vec::new(), None)?;
    // where there are not several, the verb finds it with all its options
    let several = !project.works_in_a_spec() && project.specs().len() > 1;
    several.then(|| spec_for(&project, None, "resume", act)).transpose()
}

/// The answer to the oldest question: from the command line, a file or an editor.
fn answer(run: &SpecRun, args: &ResumeArgs) -> Result<ResumeRequest> {
    let place = &run.place;
    let state = place.store().load()?;
    let questions = state.questions();
    let question = questions.first().ok_or_else(|| not_halted(place, &state))?;
    let request = |text: String| ResumeRequest::Answer { unit: question.unit.to_owned(), text };
    let text = match (&args.answer, &args.answer_file) {
        (Some(answer), _) => Some(answer.clone()),
        (None, Some(file)) => Some(read_answer(file)?),
        (None, None) => {
            // a person must not write an answer for a run that cannot begin
            preflight(place, &run.project.loaded.config, Some(&request(String::new())))?;
            edited(question.text)?
        }
    };
    let text = text.filter(|text| !text.trim().is_empty()).ok_or_else(|| {
        let spec = shell_word(&place.typed);
        Error::new(ErrorKind::Usage, "there is no answer, and no editor (VISUAL, EDITOR) on a terminal to write one")
            .hint(format!("Answer with `seqorch resume {spec} --answer \"…\"`; `seqorch run {spec} --retry` tries again without one."))
    })?;
    Ok(request(text))
}

/// The answer in a file, or on standard input.
fn read_answer(file: &Path) -> Result<String> {
    if file == Path::new("-") {
        return io::read_to_string(io::stdin())
            .map_err(|e| Error::io("reading", Path::new("standard input"), e));
    }
    fs::read_to_string(file)
        .map_err(|e| Error::new(ErrorKind::Usage, format!("--answer-file {}", file.display())).caused_by(e))
}

/// Opens the user's editor with the question and returns the answer; `None` where there is no editor or no terminal.
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
    write!(file, "\n# Write the answer above. Lines that begin with # are ignored.\n#\n{}", asked.concat())
        .map_err(failed)?;
    let path = file.path();
    // VISUAL and EDITOR may have arguments (`code --wait`), so a shell splits them
    let status = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(path)
        .status()
        .map_err(|e| Error::io("starting", std::path::Path::new(&editor), e))?;
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("reading", path, e))?;
    let answer = answer_in(&text);
    if !status.success() || answer.is_empty() {
        return Err(Error::new(ErrorKind::Human, "no answer was written, so nothing is resumed").hint(
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
    fn an_answer_has_no_comment_lines() {
        assert_eq!(
            super::answer_in("Use Postgres.\n\n  #not this\n# Which one?\n"),
            "Use Postgres.\n\n  #not this"
        );
        assert_eq!(super::answer_in("\n# Which one?\n"), "");
    }
}
