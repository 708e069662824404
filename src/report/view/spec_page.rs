//! PURE. The live view of a spec as the values of a web page.
//!
//! Times that pass are moments here and not texts: the reader's browser counts, and what is shown changes only where the spec
//! does.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::build::view;
use super::model::{PanelLine, Standing, TaskMark, View, ViewRow};
use super::panel::{attempt_words, verifying_words};
use super::source::{ViewSource, since};
use crate::report::needs::{ShownNeed, shown};
use crate::report::text::sanitise_line;
use crate::report::times::span;
use crate::state::{NeedKind, Question};

/// Lines of a working agent that the page shows.
const OUTPUT: usize = 40;
/// Events that the page shows.
const RECENT: usize = 20;

/// What the page of a spec shows. No text in it has escape sequences.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpecPage {
    /// The spec.
    pub name: String,
    /// Its state in words.
    pub word: String,
    /// Its colour: `running`, `halted`, `done`, `stopped`.
    pub tone: &'static str,
    /// Tasks that are done.
    pub done: usize,
    /// All tasks, also skipped ones: as in the counts.
    pub total: usize,
    /// How long its run has run.
    pub runs: Option<PageTimer>,
    /// What all attempts used, and who works on all tasks.
    pub totals: String,
    /// The remaining time, roughly.
    pub estimate: Option<String>,
    /// What a person must do, the most urgent first.
    pub needs: Vec<NeedCard>,
    /// What happens now.
    pub now: Option<WorkCard>,
    /// The tasks, in the order of the live view.
    pub tasks: Vec<TaskCard>,
    /// The last events, the newest first: time and text.
    pub recent: Vec<(String, String)>,
    /// Which file cannot be read, or what takes long.
    pub trouble: Option<String>,
    /// A run is active.
    pub is_held: bool,
    /// It waits for a time, a limit, or the end of a pause.
    pub waits: bool,
    /// A person asked for a pause.
    pub paused: bool,
    /// It was asked to stop after this step.
    pub stopping: bool,
    /// Something is left that a run could do.
    pub can_retry: bool,
}

/// A time that passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageTimer {
    /// What it is the time of; may be empty.
    pub label: String,
    /// The moment that it counts from or to, in milliseconds since 1970.
    pub at_ms: i64,
    /// It counts down.
    pub down: bool,
    /// What it shows before a browser counts.
    pub text: String,
    /// What follows it: a limit, a time of day.
    pub after: String,
}

/// Something that a person must do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NeedCard {
    /// What it is, with the command that resolves it.
    #[serde(flatten)]
    pub need: ShownNeed,
    /// The words before the command.
    pub lead: &'static str,
    /// The name of the question, where an answer resolves it.
    pub asked: Option<String>,
    /// The task, as the state names it.
    pub id: Option<String>,
    /// Whether another attempt may resolve it.
    pub can_retry: bool,
}

/// What happens now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WorkCard {
    /// The task that is worked on, or what the run waits for.
    pub title: String,
    /// The id of the task.
    pub task: Option<String>,
    /// Sentences about it.
    pub lines: Vec<String>,
    /// Times that pass.
    pub timers: Vec<PageTimer>,
    /// The last lines of the agent, or what a vendor printed.
    pub output: Vec<String>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskCard {
    /// Its id, as people read it.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its state as a sign.
    pub sign: &'static str,
    /// Its state in a word; empty for one that is to do.
    pub word: &'static str,
    /// Its colour.
    pub tone: &'static str,
    /// Why it is skipped, or what went wrong.
    pub remark: String,
    /// Backend, attempts, time, tokens and cost, as far as they are known.
    pub facts: Vec<String>,
}

/// Makes the page of a spec.
#[must_use]
pub fn spec_page(source: &ViewSource<'_>) -> SpecPage {
    let trouble = source.trouble.map(sanitise_line);
    let source = &ViewSource { trouble: None, ..*source };
    let view = view(source);
    let needs = needs(source);
    let is_over = matches!(view.standing, Standing::Complete | Standing::CommitsLost);
    SpecPage {
        name: view.spec.clone(),
        word: view.word.clone(),
        tone: tone_of(view.standing),
        done: view.done,
        total: view.total,
        runs: source.run.map(|run| up(source, "", run.since, String::new())),
        totals: totals(source, &view),
        estimate: view.estimate.clone(),
        now: work(source, &view),
        tasks: view.rows.iter().map(task).collect(),
        recent: view.recent.iter().rev().take(RECENT).cloned().collect(),
        trouble,
        is_held: source.run.is_some(),
        waits: view.waits,
        paused: view.paused,
        stopping: view.stopping,
        can_retry: source.run.is_none() && !is_over && needs.iter().all(|need| need.asked.is_none()),
        needs,
    }
}

/// The colour of where a spec stands, by the name of its class.
#[must_use]
pub fn tone_of(standing: Standing) -> &'static str {
    match standing {
        Standing::Running => "running",
        Standing::Halted | Standing::Uncommitted | Standing::NeedsHuman => "halted",
        Standing::Complete => "done",
        Standing::CommitsLost | Standing::Orphaned => "failed",
        Standing::Idle => "stopped",
    }
}

fn needs(source: &ViewSource<'_>) -> Vec<NeedCard> {
    let questions = source.state.questions();
    let card = |need: ShownNeed| {
        let is_question = need.kind == NeedKind::Question;
        let question = questions.iter().find(|question| {
            is_question && need.task.as_deref() == Some(sanitise_line(question.unit).as_str())
        });
        let titled = source.units.iter().find(|unit| Some(sanitise_line(&unit.id)) == need.task);
        let title = titled.map_or(need.title.clone(), |unit| sanitise_line(&unit.title));
        NeedCard {
            lead: need.lead(),
            asked: question.map(Question::id),
            id: question.map(|question| question.unit.to_owned()),
            can_retry: matches!(need.kind, NeedKind::FailedTask | NeedKind::Error | NeedKind::Unavailable),
            need: ShownNeed { title, ..need },
        }
    };
    shown(source.typed, source.state).into_iter().map(card).collect()
}

/// The totals without the time, which passes.
fn totals(source: &ViewSource<'_>, view: &View) -> String {
    let parts = view.totals.split(" · ");
    parts
        .filter(|part| source.run.is_none() || !part.starts_with("running for "))
        .collect::<Vec<_>>()
        .join(" · ")
}

fn work(source: &ViewSource<'_>, view: &View) -> Option<WorkCard> {
    let panel = &view.panel;
    let texts = |lines: &[PanelLine]| lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
    let card = WorkCard { title: panel.title.clone(), ..WorkCard::default() };
    Some(match (view.standing, source.running()) {
        (Standing::Halted | Standing::Uncommitted | Standing::NeedsHuman, _) => return None,
        (Standing::Running | Standing::Orphaned, Some((unit, attempt))) => {
            let most =
                |limit: Option<Duration>| limit.map_or_else(String::new, |l| format!("(limit {})", span(l)));
            let mut timers =
                vec![up(source, "for", attempt.started_at, most(source.live.and_then(|live| live.total)))];
            timers.extend(
                source.live.and_then(|live| Some(up(source, "quiet", live.last_output?, most(live.idle)))),
            );
            let mut lines = vec![attempt_words(source, unit, attempt)];
            lines.extend(verifying_words(source, unit));
            lines.extend(texts(&panel.foot));
            let from = panel.body.len().saturating_sub(OUTPUT);
            WorkCard {
                task: Some(unit.to_owned()),
                lines,
                timers,
                output: panel.body[from..].to_vec(),
                ..card
            }
        }
        (Standing::Running, None) => {
            let until = source.waiting().and_then(|(.., until)| until);
            // the first line is the time
            let lines = texts(&panel.head[usize::from(until.is_some()).min(panel.head.len())..]);
            let timers = until.map(|until| down(source, until)).into_iter().collect();
            WorkCard { lines, timers, output: panel.body.clone(), ..card }
        }
        _ => WorkCard { lines: texts(&panel.head), output: panel.summary.clone(), ..card },
    })
}

fn task(row: &ViewRow) -> TaskCard {
    let tries = (row.tries > 1).then(|| format!("{} attempts", row.tries));
    // the time of a running task passes, and stands above
    let took = (row.mark != TaskMark::Running).then(|| row.took.clone());
    let facts = [Some(row.who.clone()), tries, took, Some(row.used.clone())];
    TaskCard {
        id: row.id.clone(),
        title: row.title.clone(),
        sign: row.mark.sign(),
        word: row.mark.word(),
        tone: match row.mark {
            TaskMark::Done => "done",
            TaskMark::Running => "running",
            TaskMark::Waiting => "limited",
            TaskMark::Halted => "halted",
            TaskMark::Failed => "failed",
            TaskMark::Next | TaskMark::Todo | TaskMark::Deferred | TaskMark::Skipped => "stopped",
        },
        remark: row.remark.clone(),
        facts: facts.into_iter().flatten().filter(|fact| !fact.is_empty()).collect(),
    }
}

fn up(source: &ViewSource<'_>, label: &str, from: Timestamp, after: String) -> PageTimer {
    let gone = Duration::from_secs(since(from, source.now).as_secs());
    PageTimer { label: label.to_owned(), at_ms: from.as_millisecond(), down: false, text: span(gone), after }
}

fn down(source: &ViewSource<'_>, until: Timestamp) -> PageTimer {
    let left = Duration::from_secs(since(source.now, until).as_secs());
    let clock = crate::report::times::clock(until, source.zone);
    PageTimer {
        label: "in".to_owned(),
        at_ms: until.as_millisecond(),
        down: true,
        text: span(left),
        after: format!("({clock})"),
    }
}
