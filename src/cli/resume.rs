//! `seqorch resume`: answers an agent's question and continues the run.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::Global;
use super::flags::{TASKS, Work};
use super::global::print_line;
use super::overview::{Unnamed, spec_for};
use super::project::{Project, refuse_lost_tree};
use super::remote_view::{self, never_ran};
use super::run::{self, StartOptions};
use super::spec_run::{LeaseFlags, SpecRun};
use super::stop;
use super::trust::TrustFlag;
use crate::error::{Error, ErrorKind, Result};
use crate::project::SpecPlace;
use crate::report::needs::shown;
use crate::report::text::{sanitise_line, sanitise_text, shell_word};
use crate::run::active_run::ActiveRun;
use crate::run::preflight::{not_halted, preflight};
use crate::run::remote::view::RemoteSpec;
use crate::run::requests::{self, RequestStanding};
use crate::run::resume::{GivenAnswer, ResumeRequest};
use crate::state::{NeedKind, Question, SpecState};
use crate::sys::person;

/// The heading of the flags about the answer in the help.
const ANSWER: &str = "The answer";

#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// Spec: its name, its folder or its file [default: the only spec, or the one that runs or waits].
    spec: Option<PathBuf>,
    /// The task to answer: its id or a part of its title [default: each that asks].
    #[arg(value_name = "ID")]
    task: Option<String>,
    /// The answer. Without it, your editor opens with the question.
    #[arg(help_heading = ANSWER, long, value_name = "TEXT")]
    answer: Option<String>,
    /// Read the answer from this file; - reads standard input.
    #[arg(help_heading = ANSWER, long, value_name = "FILE", conflicts_with = "answer")]
    answer_file: Option<PathBuf>,
    /// The name of the question that the answer is for. If it is not open any more, nothing is answered.
    #[arg(long, value_name = "NAME", hide = true)]
    question: Option<String>,
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
    if run.is_shared() {
        if !args.now {
            return answer_remote(&run, args);
        }
    } else {
        refuse_lost_tree(&run.place)?;
    }
    let resume = if args.now {
        if stop::retry_now(&run.place)? {
            return Ok(0);
        }
        ResumeRequest::ForgetLimits
    } else {
        answers(&run, args)?
    };
    if let ResumeRequest::Answers(answers) = &resume
        && ActiveRun::find(&run.place.store(), "resume")?.is_some()
    {
        return answer_run_at_work(&run.place, answers);
    }
    run.note_kept_options();
    let mut runs = [run];
    let options = StartOptions {
        resume: Some(resume),
        json: args.json,
        detach: args.detach,
        lease: LeaseFlags { leaves_it: args.detach, ..LeaseFlags::default() },
        ..StartOptions::default()
    };
    run::start(&mut runs, &options)
}

/// Gives answers to a run at work, which has parked their tasks.
fn answer_run_at_work(place: &SpecPlace, answers: &[GivenAnswer]) -> Result<u8> {
    for given in answers {
        let unit = sanitise_line(&given.unit);
        let line = match requests::answer(place, given)? {
            RequestStanding::Pending(_) => "answered; the run tries it again in its order".to_owned(),
            RequestStanding::Taken(_) => {
                format!("answered; `seqorch run {}` continues", shell_word(&place.typed))
            }
        };
        print_line(&format!("task {unit}: {line}"));
    }
    Ok(0)
}

/// Leaves the answer on the remote: the next run that takes the lease has it.
fn answer_remote(run: &SpecRun, args: &ResumeArgs) -> Result<u8> {
    let (project, place) = (&run.project, &run.place);
    let spec = RemoteSpec::find(place, &project.loaded.config, None)?;
    let view = spec.look()?.ok_or_else(|| never_ran(place, &spec.name))?;
    let shown = remote_view::look(project, place, &spec.name)?;
    let ResumeRequest::Answers(given) = answers_for(&shown.place, &view.state, args, &|_| Ok(()))? else {
        return Ok(0);
    };
    if !view.takes(&given) {
        return Err(not_halted(place, &view.state));
    }
    spec.answer(&view, &given)?;
    let (name, typed) = (sanitise_line(&place.name), shell_word(&place.typed));
    let text = format!(
        "{name}: the answer is on {}; the next run there has it (`seqorch run {typed} --remote {}`)",
        spec.name, spec.name
    );
    print_line(&text);
    Ok(0)
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
    several.then(|| spec_for(&project, None, act)).transpose()
}

/// The answers: from the command line or a file for one question, from an editor for each.
fn answers(run: &SpecRun, args: &ResumeArgs) -> Result<ResumeRequest> {
    let state = run.project.state(&run.place)?;
    // a person must not write an answer for a run that cannot begin
    let check = |unit: &str| {
        let request = ResumeRequest::answer(unit, "");
        preflight(&run.place, &run.project.loaded.config, Some(&request)).map(drop)
    };
    answers_for(&run.place, &state, args, &check)
}

/// The same for a state. `check` is called before an editor opens for this unit.
fn answers_for(
    place: &SpecPlace,
    state: &SpecState,
    args: &ResumeArgs,
    check: &dyn Fn(&str) -> Result<()>,
) -> Result<ResumeRequest> {
    let mut questions = state.questions();
    if let Some(task) = &args.task {
        let units = place.units_named(state, task)?;
        questions.retain(|question| units.iter().any(|unit| unit == question.unit));
        if questions.is_empty() && state.is_halted() {
            return Err(unasked(place, state, task));
        }
    }
    if let Some(name) = &args.question {
        questions.retain(|question| question.id() == *name);
    }
    let Some(first) = questions.first() else { return Err(not_halted(place, state)) };
    let given = match &args.answer_file {
        Some(file) => Some(read_answer(file)?),
        None => args.answer.clone(),
    };
    if given.is_some() && questions.len() > 1 {
        return Err(each_by_name(place, state));
    }
    if let Some(text) = given {
        return if text.trim().is_empty() {
            Err(no_answer(place))
        } else {
            Ok(ResumeRequest::Answers(vec![given_answer(first, text)]))
        };
    }
    check(first.unit)?;
    let Some(editor) = person::editor() else {
        return Err(if questions.len() > 1 { each_by_name(place, state) } else { no_answer(place) });
    };
    let mut answers = Vec::new();
    for question in &questions {
        // a question that gets no answer stays open
        if let Some(text) = edited(&editor, question)? {
            answers.push(given_answer(question, text));
        }
    }
    if answers.is_empty() {
        return Err(Error::new(ErrorKind::Human, "no answer was written, so nothing is resumed").hint(
            "Write one, or give it with --answer \"…\"; `seqorch run --retry` tries again without one.",
        ));
    }
    Ok(ResumeRequest::Answers(answers))
}

fn given_answer(question: &Question<'_>, text: String) -> GivenAnswer {
    GivenAnswer {
        unit: question.unit.to_owned(),
        question: Some(question.id()),
        text,
        by: Some(person::name()),
        at: Some(Timestamp::now()),
    }
}

fn no_answer(place: &SpecPlace) -> Error {
    let spec = shell_word(&place.typed);
    Error::new(ErrorKind::Usage, "there is no answer, and no editor (VISUAL, EDITOR) on a terminal to write one")
        .hint(format!("Answer with `seqorch resume {spec} --answer \"…\"`; `seqorch run {spec} --retry` tries again without one."))
}

fn each_by_name(place: &SpecPlace, state: &SpecState) -> Error {
    let asked = shown(&place.typed, state).into_iter().filter(|need| need.kind == NeedKind::Question);
    let asked: Vec<_> = asked.collect();
    let text = format!("{} tasks ask, so the answer needs the task that it is for", asked.len());
    asked.iter().fold(Error::new(ErrorKind::Usage, text), |error, need| {
        error.hint(format!("{}   ({})", need.command, need.why.lines().next().unwrap_or_default()))
    })
}

fn unasked(place: &SpecPlace, state: &SpecState, task: &str) -> Error {
    let asking: Vec<&str> = state.questions().iter().map(|question| question.unit).collect();
    Error::new(ErrorKind::Usage, format!("task {} of {} asks nothing", sanitise_line(task), place.name))
        .hint(format!("These ask: {}.", asking.join(", ")))
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

/// Opens the editor with the question and returns the answer; `None` where none was written.
fn edited(editor: &str, question: &Question<'_>) -> Result<Option<String>> {
    let failed = |e| Error::io("writing a file in", &std::env::temp_dir(), e);
    let mut file = tempfile::Builder::new().prefix("answer-").suffix(".md").tempfile().map_err(failed)?;
    let asked: Vec<String> = sanitise_text(question.text).lines().map(|line| format!("# {line}\n")).collect();
    write!(
        file,
        "\n# Write the answer for task {} above. Lines that begin with # are ignored.\n#\n{}",
        sanitise_line(question.unit),
        asked.concat()
    )
    .map_err(failed)?;
    let path = file.path();
    let status = person::edit(editor, path).map_err(|e| Error::io("starting", Path::new(editor), e))?;
    let text = fs::read_to_string(path).map_err(|e| Error::io("reading", path, e))?;
    let answer = answer_in(&text);
    Ok((status.success() && !answer.is_empty()).then_some(answer))
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
