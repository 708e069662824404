//! PURE. Makes the view from its sources.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::estimate::{RemainingWork, estimate};
use super::model::{Standing, TaskMark, View, ViewRow};
use super::panel;
use super::source::{ViewSource, since};
use super::totals::{take_shared, totals};
use crate::agent::render;
use crate::plan::SkipReason;
use crate::report::event_text::line;
use crate::report::events::EventKind;
use crate::report::limits::brief_outcome;
use crate::report::needs::what as needs_words;
use crate::report::notice::PauseKind;
use crate::report::plan::why_skipped;
use crate::report::task_lines::{commit_words, mark_of, why_left};
use crate::report::text::{sanitise_line, steady};
use crate::report::times::{clock, span};
use crate::report::wait_text::naming;
use crate::state::{AttemptRecord, NeedKind, Outcome, SpecState, UnitState, WorkStanding, counts, needs};

/// Number of recent events that the view shows at most.
const RECENT: usize = 60;

/// Makes the view of a spec.
#[must_use]
pub fn view(source: &ViewSource<'_>) -> View {
    let alive = source.live.is_some_and(|live| live.alive);
    let standing = Standing::of(source.run.is_some(), source.state, source.plan, alive);
    let mut rows = rows(source, standing);
    let of = |wanted: &[TaskMark]| rows.iter().filter(|row| wanted.contains(&row.mark)).count();
    let counts = counts(source.plan, source.state);
    let open = of(&[TaskMark::Running, TaskMark::Waiting, TaskMark::Halted, TaskMark::Next, TaskMark::Todo]);
    // what needs you first, then what runs or comes next
    let needed = needs(source.state).into_iter().find_map(|need| need.task);
    let focus = needed
        .filter(|_| standing.needs_human())
        .and_then(|unit| rows.iter().position(|row| row.id == unit))
        .or_else(|| rows.iter().position(|row| !matches!(row.mark, TaskMark::Done | TaskMark::Failed)))
        .unwrap_or(rows.len().saturating_sub(1));
    let rest = RemainingWork {
        units: open,
        gone: source.running().map_or(Duration::ZERO, |(_, a)| since(a.started_at, source.now)),
        pauses: source.plan.steps.iter().take(open).skip(1).map(|step| step.settings.delay).sum(),
        wait: source
            .waiting()
            .and_then(|(.., until)| until)
            .map_or(Duration::ZERO, |until| since(source.now, until)),
    };
    let shared = take_shared(&mut rows);
    let mut view = View {
        spec: sanitise_line(source.spec),
        standing,
        word: word(source, standing),
        waits: state_of_run(source) == Some(RunWord::Waiting),
        stopping: state_of_run(source) == Some(RunWord::Stopping),
        paused: source.state.pause.as_ref().is_some_and(|pause| pause.holds(source.now)),
        clock: clock(source.now, source.zone),
        done: counts.done,
        total: counts.all,
        // without a run the work does not continue, so there is no estimate
        estimate: source.run.and_then(|_| estimate(source.state, rest)),
        totals: totals(source, &shared),
        rows,
        focus,
        panel: panel::panel(source, standing),
        recent: recent(source),
    };
    steady_texts(&mut view);
    view
}

/// Makes all foreign text of the view equally wide on every terminal, so that its columns stay in line.
fn steady_texts(view: &mut View) {
    let panel = &mut view.panel;
    let lines = panel.head.iter_mut().chain(&mut panel.foot).map(|line| &mut line.text);
    let rows =
        view.rows.iter_mut().flat_map(|row| [&mut row.title, &mut row.remark, &mut row.who, &mut row.id]);
    let texts = [&mut view.spec, &mut view.totals, &mut panel.title].into_iter();
    let texts = texts.chain(lines).chain(&mut panel.body).chain(&mut panel.summary).chain(rows);
    for text in texts.chain(view.recent.iter_mut().map(|(_, text)| text)) {
        if let std::borrow::Cow::Owned(changed) = steady(text) {
            *text = changed;
        }
    }
}

/// What the run does, as far as a word says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RunWord {
    Running,
    Waiting,
    Stopping,
    Ending,
}

fn state_of_run(source: &ViewSource<'_>) -> Option<RunWord> {
    source.run?;
    let found = source.events.iter().rev().find_map(|record| match record.kind {
        EventKind::Ending => Some(RunWord::Ending),
        EventKind::Stopping => Some(RunWord::Stopping),
        EventKind::RunStarted { .. } | EventKind::KeepsRunning => Some(RunWord::Running),
        _ => None,
    })?;
    let waits = found == RunWord::Running && source.waiting().is_some();
    Some(if waits { RunWord::Waiting } else { found })
}

fn word(source: &ViewSource<'_>, standing: Standing) -> String {
    let word = match state_of_run(source) {
        None if source.has_bad_tasks && matches!(standing, Standing::Idle | Standing::Complete) => {
            "can't be run"
        }
        None => standing.label(),
        Some(RunWord::Running)
            if source.state.pause.as_ref().is_some_and(|pause| pause.holds(source.now)) =>
        {
            "running, pausing after this step"
        }
        Some(RunWord::Running) => {
            let parked = source.state.questions();
            let tasks: Vec<&str> = parked.iter().map(|question| question.unit).collect();
            return match tasks.as_slice() {
                [] => "running".to_owned(),
                [one] => sanitise_line(&format!("running, task {one} asks")),
                several => format!("running, {} tasks ask", several.len()),
            };
        }
        Some(RunWord::Waiting) if matches!(source.waiting(), Some((PauseKind::Pause, ..))) => "paused",
        Some(RunWord::Waiting) => "waiting",
        Some(RunWord::Stopping) => "running, stopping after this step",
        Some(RunWord::Ending) => "running, ending the agent",
    };
    word.to_owned()
}

fn rows(source: &ViewSource<'_>, standing: Standing) -> Vec<ViewRow> {
    let titles: BTreeMap<&str, &str> =
        source.units.iter().map(|u| (u.id.as_str(), u.title.as_str())).collect();
    let running = source.running().map(|(unit, _)| unit);
    let reviews = source.running().is_some_and(|(_, attempt)| !attempt.role.is_work());
    let asked_for = source.asked_for();
    let mut over: Vec<(Option<Timestamp>, ViewRow)> = Vec::new();
    let (mut asks, mut left_out) = (Vec::new(), Vec::new());
    for skipped in source.plan.skipped.iter().filter(|skipped| !skipped.is_part()) {
        let stands = WorkStanding::of_skipped(source.state, skipped);
        if stands == WorkStanding::Running {
            // its row is made below
            continue;
        }
        let mut row = row(source, &skipped.id, &skipped.title, mark_of(stands));
        let unit = source.state.units.get(&skipped.id);
        let ended = unit.and_then(|unit| unit.attempts.last()?.ended_at);
        match stands {
            WorkStanding::Done => {
                let words = match skipped.reason {
                    SkipReason::Ticked => Some("ticked before"),
                    _ => unit.and_then(commit_words),
                };
                row.remark.push_str(words.unwrap_or_default());
                over.push((ended, row));
            }
            WorkStanding::Failed => {
                row.remark = last_outcome(source.state, &skipped.id);
                over.push((ended, row));
            }
            WorkStanding::Asks => {
                row.remark = why_skipped(&SkipReason::Asks);
                asks.push(row);
            }
            _ => {
                row.remark = why_left(source.state, skipped, stands);
                left_out.push(row);
            }
        }
    }
    // by their end; tasks without an attempt come first, in the order of the file
    over.sort_by_key(|(ended, _)| *ended);
    let mut open = Vec::new();
    for step in &source.plan.steps {
        let known = asked_for.as_ref().is_none_or(|ids| ids.contains(step.unit.as_str()));
        let stands = WorkStanding::of_step(source.state, step);
        let mark = match stands {
            _ if running == Some(step.unit.as_str()) => TaskMark::Running,
            // what is done since the plan was made has its row at its place
            WorkStanding::Done | WorkStanding::Running | WorkStanding::Todo if known => TaskMark::Todo,
            WorkStanding::Failed if standing == Standing::Running => TaskMark::Todo,
            WorkStanding::Asks | WorkStanding::Failed => mark_of(stands),
            _ => TaskMark::Deferred,
        };
        let mut row = row(source, &step.unit, &step.title, mark);
        if row.who.is_empty() {
            row.who = sanitise_line(&step.settings.backend);
            if let Some(model) = &step.settings.model {
                row.who = format!("{} · {}", row.who, sanitise_line(model));
            }
        }
        match mark {
            TaskMark::Deferred => {
                row.remark.push_str("not in this run");
                left_out.push(row);
            }
            TaskMark::Running => open.insert(0, row),
            _ => {
                if source.state.is_done_in_part(&step.unit, stands) {
                    row.remark.push_str("done in part");
                } else if matches!(mark, TaskMark::Failed) || (mark == TaskMark::Todo && row.tries > 0) {
                    row.remark = last_outcome(source.state, &step.unit);
                }
                open.push(row);
            }
        }
    }
    if let Some(unit) = running
        && open.first().is_none_or(|row| row.mark != TaskMark::Running)
    {
        let known = source.state.units.get(unit).map(|known| known.title.as_str());
        let title = titles.get(unit).copied().or(known).unwrap_or_default();
        open.insert(0, row(source, unit, title, TaskMark::Running));
    }
    if let Some(row) = open.first_mut().filter(|row| row.mark == TaskMark::Running && reviews) {
        row.remark.push_str("in review");
    }
    let next =
        if running.is_none() && source.waiting().is_some() { TaskMark::Waiting } else { TaskMark::Next };
    // while something needs you, nothing comes next
    if !standing.needs_human()
        && let Some(row) = open.iter_mut().find(|row| row.mark == TaskMark::Todo)
    {
        row.mark = next;
    }
    over.into_iter().map(|(_, row)| row).chain(asks).chain(open).chain(left_out).collect()
}

fn row(source: &ViewSource<'_>, id: &str, title: &str, mark: TaskMark) -> ViewRow {
    let unit = source.state.units.get(id);
    let attempts = unit.map(|u| u.attempts.as_slice()).unwrap_or_default();
    let took: Duration = attempts.iter().map(|a| since(a.started_at, a.until(source.now))).sum();
    let output = source.live.filter(|_| mark == TaskMark::Running).map(|live| &live.output);
    let model = attempts.iter().rev().find_map(|a| a.learned.model.as_ref());
    let who = attempts.last().map_or_else(String::new, |last| {
        let model = output.and_then(|h| h.model.as_ref()).or(model);
        let model = model.map_or_else(String::new, |model| format!(" · {model}"));
        sanitise_line(&format!("{}{model}", last.backend))
    });
    let mut usage = unit.map(|u| u.usage.usage).unwrap_or_default();
    // the total of a session includes earlier attempts
    if let Some(more) = output.and_then(|h| h.usage).filter(|more| !more.cumulative) {
        usage.add(&more);
    }
    let used = [usage.tokens().map(render::tokens), render::cost(&usage)];
    ViewRow {
        mark,
        id: sanitise_line(id),
        title: sanitise_line(title),
        ran: attempts.iter().any(AttemptRecord::reached_agent),
        remark: String::new(),
        who,
        tries: unit.map_or(0, UnitState::shown_tries),
        // whole seconds while it runs, so that the screen changes once a second
        took: match (attempts.is_empty(), mark) {
            (true, _) => String::new(),
            (_, TaskMark::Running) => span(Duration::from_secs(took.as_secs())),
            _ => span(took),
        },
        used: used.into_iter().flatten().collect::<Vec<_>>().join(" "),
    }
}

fn last_outcome(state: &SpecState, unit: &str) -> String {
    let last = state.units.get(unit).and_then(|u| u.attempts.last()?.outcome.as_ref());
    // a row has little room, and the cause says most
    let words = |outcome: &Outcome| outcome.cause().map_or_else(|| brief_outcome(outcome), str::to_owned);
    last.map(|outcome| sanitise_line(&words(outcome))).unwrap_or_default()
}

fn recent(source: &ViewSource<'_>) -> Vec<(String, String)> {
    let from = source.events.len().saturating_sub(RECENT);
    let most = Some(source.plan.max_iterations);
    let is_account = |kind: NeedKind| matches!(kind, NeedKind::Login | NeedKind::Payment);
    let needs_account = needs(source.state).first().is_some_and(|need| is_account(need.kind));
    let mut all = Vec::new();
    for record in &source.events[from..] {
        let text = match &record.kind {
            kind if needs_account => naming(&line(&without_words(kind), most, source.zone), source.typed),
            // Ctrl-C may leave the view instead; its keys say what ends the agent
            EventKind::Stopping => "stopping after this step".to_owned(),
            kind => naming(&line(kind, most, source.zone), source.typed),
        };
        let mut time = clock(record.at, source.zone);
        for part in text.lines() {
            all.push((std::mem::take(&mut time), sanitise_line(part)));
        }
    }
    all
}

/// The event without the words of a vendor about a login or a payment: the panel has them.
fn without_words(kind: &EventKind) -> EventKind {
    let mut kind = kind.clone();
    match &mut kind {
        EventKind::StepEnded { outcome, says, .. } => *says = brief_outcome(outcome),
        EventKind::NeedsHuman { reason, needs, .. } => {
            if let Some(need) = needs.first() {
                *reason = needs_words(need.kind, need.task.as_deref());
            }
            needs.clear();
        }
        _ => {}
    }
    kind
}
