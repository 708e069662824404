//! PURE. From what is known to what is shown.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::estimate::{Rest, estimate};
use super::model::{Mark, Row, Standing, View};
use super::panel;
use super::source::{Seen, since};
use crate::agent::render;
use crate::plan::SkipReason;
use crate::report::events::What;
use crate::report::live::line;
use crate::report::plan::why_skipped;
use crate::report::text::sanitise_line;
use crate::report::times::{clock, span};
use crate::state::{SpecState, UnitState, counts};

/// Events that are kept for the view.
const RECENT: usize = 60;

/// What is to be shown.
#[must_use]
pub fn view(seen: &Seen<'_>) -> View {
    let alive = seen.doing.is_some_and(|doing| doing.alive);
    let standing = Standing::of(seen.run.is_some(), seen.state, seen.plan, alive);
    let rows = rows(seen, standing);
    let of = |wanted: &[Mark]| rows.iter().filter(|row| wanted.contains(&row.mark)).count();
    let counts = counts(seen.plan, seen.state);
    let open = of(&[Mark::Running, Mark::Waiting, Mark::Halted, Mark::Next, Mark::Todo]);
    let focus = rows
        .iter()
        .position(|row| !matches!(row.mark, Mark::Done | Mark::Failed))
        .unwrap_or(rows.len().saturating_sub(1));
    let rest = Rest {
        units: open,
        gone: seen.running().map_or(Duration::ZERO, |(_, a)| since(a.started_at, seen.now)),
        pauses: seen.plan.steps.iter().take(open).skip(1).map(|step| step.settings.delay).sum(),
        wait: seen.waiting().map_or(Duration::ZERO, |(.., until)| since(seen.now, until)),
    };
    View {
        spec: sanitise_line(seen.spec),
        standing,
        word: word(seen, standing),
        clock: clock(seen.now, seen.zone),
        done: counts.done,
        total: counts.all - counts.skipped,
        // nobody works, so no time passes
        estimate: seen.run.and_then(|_| estimate(seen.state, rest)),
        rows,
        focus,
        panel: panel::panel(seen, standing),
        recent: recent(seen),
    }
}

fn word(seen: &Seen<'_>, standing: Standing) -> String {
    let asked = seen.run.and_then(|_| {
        seen.events.iter().rev().find_map(|record| match record.what {
            What::Ending => Some("running, ending the agent"),
            What::Stopping => Some("running, stopping after this step"),
            What::RunStarted { .. } => Some("running"),
            _ => None,
        })
    });
    match (asked, seen.waiting()) {
        (Some("running"), Some(_)) => "waiting".to_owned(),
        (asked, _) => asked.unwrap_or(standing.word()).to_owned(),
    }
}

fn rows(seen: &Seen<'_>, standing: Standing) -> Vec<Row> {
    let titles: BTreeMap<&str, &str> = seen.units.iter().map(|u| (u.id.as_str(), u.title.as_str())).collect();
    let running = seen.running().map(|(unit, _)| unit);
    let asked_for = seen.asked_for();
    let mut over: Vec<(Option<Timestamp>, Row)> = Vec::new();
    let mut left_out = Vec::new();
    for skipped in &seen.plan.skipped {
        let mark = match skipped.reason {
            SkipReason::Completed | SkipReason::Ticked => Mark::Done,
            SkipReason::Failed => Mark::Failed,
            _ => Mark::Skipped,
        };
        let mut row = row(seen, &skipped.id, &skipped.title, mark);
        let ended = seen.state.units.get(&skipped.id).and_then(|u| u.attempts.last()?.ended_at);
        match (&skipped.reason, mark) {
            (SkipReason::Completed, _) => {
                if seen.state.is_refused(&skipped.id) {
                    row.remark.push_str("not committed");
                }
                over.push((ended, row));
            }
            (SkipReason::Ticked, _) => {
                row.remark.push_str("ticked before");
                over.push((ended, row));
            }
            (_, Mark::Failed) => {
                row.remark = last_outcome(seen.state, &skipped.id);
                over.push((ended, row));
            }
            (reason, _) => {
                row.remark = why_skipped(reason);
                left_out.push(row);
            }
        }
    }
    // in the order in which they were over; what was done before comes first, as the file has it
    over.sort_by_key(|(ended, _)| *ended);
    let mut open = Vec::new();
    for step in &seen.plan.steps {
        let known = asked_for.as_ref().is_none_or(|ids| ids.contains(step.unit.as_str()));
        let unit = seen.state.units.get(&step.unit);
        let halted = unit.is_some_and(UnitState::is_halted);
        let failed = standing != Standing::Running && unit.is_some_and(UnitState::is_failed);
        let mark = if running == Some(step.unit.as_str()) {
            Mark::Running
        } else if halted {
            Mark::Halted
        } else if failed {
            Mark::Failed
        } else if known {
            Mark::Todo
        } else {
            Mark::Skipped
        };
        let mut row = row(seen, &step.unit, &step.title, mark);
        if row.who.is_empty() {
            row.who = sanitise_line(&step.settings.backend);
            if let Some(model) = &step.settings.model {
                row.who = format!("{} · {}", row.who, sanitise_line(model));
            }
        }
        match mark {
            Mark::Skipped => {
                row.remark.push_str("not in this run");
                left_out.push(row);
            }
            Mark::Running => open.insert(0, row),
            _ => {
                if matches!(mark, Mark::Failed) || (mark == Mark::Todo && row.tries > 0) {
                    row.remark = last_outcome(seen.state, &step.unit);
                }
                open.push(row);
            }
        }
    }
    if let Some(unit) = running
        && open.first().is_none_or(|row| row.mark != Mark::Running)
    {
        let title = titles.get(unit).copied().unwrap_or_default();
        open.insert(0, row(seen, unit, title, Mark::Running));
    }
    if running.is_none()
        && let Some(next) = open.iter_mut().find(|row| row.mark == Mark::Todo)
    {
        next.mark = if seen.waiting().is_some() { Mark::Waiting } else { Mark::Next };
    } else if let Some(next) = open.iter_mut().find(|row| row.mark == Mark::Todo) {
        next.mark = Mark::Next;
    }
    over.into_iter().map(|(_, row)| row).chain(open).chain(left_out).collect()
}

fn row(seen: &Seen<'_>, id: &str, title: &str, mark: Mark) -> Row {
    let unit = seen.state.units.get(id);
    let attempts = unit.map(|u| u.attempts.as_slice()).unwrap_or_default();
    let took: Duration = attempts.iter().map(|a| since(a.started_at, a.ended_at.unwrap_or(seen.now))).sum();
    let heard = seen.doing.filter(|_| mark == Mark::Running).map(|doing| &doing.heard);
    let model = attempts.iter().rev().find_map(|a| a.learned.model.as_ref());
    let who = attempts.last().map_or_else(String::new, |last| {
        let model = heard.and_then(|h| h.model.as_ref()).or(model);
        let model = model.map_or_else(String::new, |model| format!(" · {model}"));
        sanitise_line(&format!("{}{model}", last.backend))
    });
    let mut usage = unit.map(|u| u.usage.usage).unwrap_or_default();
    // the total of a session holds what earlier attempts used, too
    if let Some(more) = heard.and_then(|h| h.usage).filter(|more| !more.cumulative) {
        usage.add(&more);
    }
    let used = [usage.tokens().map(render::tokens), usage.cost_usd.map(render::dollars)];
    Row {
        mark,
        id: sanitise_line(id),
        title: sanitise_line(title),
        remark: String::new(),
        who,
        tries: unit.map_or(0, UnitState::shown_tries),
        // while it runs whole seconds are enough
        took: match (attempts.is_empty(), mark) {
            (true, _) => String::new(),
            (_, Mark::Running) => span(Duration::from_secs(took.as_secs())),
            _ => span(took),
        },
        used: used.into_iter().flatten().collect::<Vec<_>>().join(" "),
    }
}

fn last_outcome(state: &SpecState, unit: &str) -> String {
    let last = state.units.get(unit).and_then(|u| u.attempts.last()?.outcome.as_ref());
    last.map(|outcome| sanitise_line(&outcome.to_string())).unwrap_or_default()
}

fn recent(seen: &Seen<'_>) -> Vec<(String, String)> {
    let from = seen.events.len().saturating_sub(RECENT);
    let most = Some(seen.plan.max_iterations);
    let mut all = Vec::new();
    for record in &seen.events[from..] {
        let text = line(&record.what, most, seen.zone);
        let mut time = clock(record.at, seen.zone);
        for part in text.lines() {
            all.push((std::mem::take(&mut time), sanitise_line(part)));
        }
    }
    all
}
