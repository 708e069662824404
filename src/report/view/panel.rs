//! PURE. Makes the panel: what happens now, or what you must do.

use std::time::Duration;

use super::model::{KeptPart, Panel, PanelLine, Standing};
use super::source::{LiveAttempt, ViewSource, since};
use crate::agent::question::from_question;
use crate::agent::render;
use crate::report::events::EventKind;
use crate::report::limits::limited_words;
use crate::report::needs::shown;
use crate::report::notice::PauseKind;
use crate::report::summary::lasting_lines;
use crate::report::text::{plural, sanitise_line, sanitise_text, spec_command};
use crate::report::times::{clock, span};
use crate::state::{AttemptRecord, EndKind, NeedKind, ResumeReason, UnitState, counts, who};

/// The panel of a spec in this state.
pub(super) fn panel(source: &ViewSource<'_>, standing: Standing) -> Panel {
    let mut panel = match (standing, source.running()) {
        (Standing::Halted | Standing::Uncommitted | Standing::NeedsHuman, _) => needs(source),
        (Standing::Running | Standing::Orphaned, Some((unit, attempt))) => {
            works(source, unit, attempt, standing)
        }
        (Standing::Running, None) => between(source),
        (Standing::Complete, _) => Panel { title: "✓ all complete".to_owned(), ..Panel::default() },
        (Standing::CommitsLost, _) => {
            Panel { title: format!("! {}", Standing::CommitsLost.label()), ..Panel::default() }
        }
        _ => idle(source),
    };
    if let Some(summary) = source.summary.filter(|_| source.run.is_none()) {
        let (counts, needs) = (counts(source.plan, source.state), shown(source.typed, source.state));
        // the panel has the needs already
        let lines = lasting_lines(&sanitise_text(summary), &counts, &needs).into_iter();
        panel.summary = lines.map(|line| line.replace('\t', "    ")).collect();
    }
    if let Some(trouble) = source.trouble {
        panel.head.insert(0, PanelLine::warning(sanitise_line(trouble)));
    }
    panel
}

fn title_of(source: &ViewSource<'_>, unit: &str) -> String {
    let title = source.units.iter().find(|u| u.id == unit).map(|u| u.title.as_str());
    let title = title.or_else(|| source.state.units.get(unit).map(|known| known.title.as_str()));
    let title = title.unwrap_or_default();
    sanitise_line(&format!("{unit} {title}"))
}

/// A seqorch command for this spec.
fn command(source: &ViewSource<'_>, verb: &str, more: &str) -> PanelLine {
    PanelLine::command(spec_command(verb, source.typed, more))
}

/// What you must do: the most urgent need with its reason, the others in a line each.
fn needs(source: &ViewSource<'_>) -> Panel {
    let all = shown(source.typed, source.state);
    let Some((first, others)) = all.split_first() else { return idle(source) };
    let sign = if first.kind == NeedKind::Question { "‖" } else { "✗" };
    let title = source.units.iter().find(|unit| Some(&unit.id) == first.task.as_ref());
    let title = title.map_or_else(String::new, |unit| format!(" ({})", sanitise_line(&unit.title)));
    let mut foot = Vec::new();
    if let Some(look) = &first.look {
        foot.extend([PanelLine::plain("See what happened:"), PanelLine::command(look)]);
    }
    foot.push(PanelLine::plain(format!("{}:", first.lead())));
    foot.push(PanelLine::command(&first.command));
    match first.kind {
        NeedKind::Question => {
            foot.extend([
                PanelLine::plain("or try it again without an answer:"),
                PanelLine::command(&first.retry),
            ]);
        }
        _ => foot.extend(first.or().map(PanelLine::plain)),
    }
    Panel {
        title: format!("{sign} needs you: {}{title}", first.what),
        head: others
            .iter()
            .map(|need| PanelLine::warning(format!("also: {} ({})", need.what, need.command)))
            .collect(),
        body: first.why.lines().map(|line| line.replace('\t', "    ")).collect(),
        keeps: match first.kind {
            NeedKind::PendingCommit => KeptPart::End,
            _ => KeptPart::Start,
        },
        // agents put the question last
        brief: match first.kind {
            NeedKind::Question => {
                from_question(&first.why).lines().map(|line| line.replace('\t', "    ")).collect()
            }
            _ => Vec::new(),
        },
        foot,
        ..Panel::default()
    }
}

fn works(source: &ViewSource<'_>, unit: &str, attempt: &AttemptRecord, standing: Standing) -> Panel {
    let live = source.live;
    let output = live.map(|d| &d.output);
    let mut lines = vec![
        PanelLine::plain(attempt_words(source, unit, attempt)),
        PanelLine::plain(times(source, attempt, live)),
    ];
    let verifying = verifying_words(source, unit);
    lines.extend(verifying.clone().map(PanelLine::plain));
    let mut foot = Vec::new();
    if standing == Standing::Orphaned {
        foot.push(PanelLine::warning("no run watches it; this takes it over:"));
        foot.push(command(source, "run", "--retry"));
    } else if live.is_some_and(|live| !live.alive) && verifying.is_none() {
        lines.push(PanelLine::plain("its process is over"));
    }
    Panel {
        title: if attempt.role.is_work() {
            format!("▶ {}", title_of(source, unit))
        } else {
            format!("▶ reviewing {}", title_of(source, unit))
        },
        head: lines,
        body: output.map(super::RecentOutput::lines).unwrap_or_default(),
        keeps: KeptPart::Latest,
        foot,
        ..Panel::default()
    }
}

/// Who works on a task, which attempt it is, and what it used.
pub(super) fn attempt_words(source: &ViewSource<'_>, unit: &str, attempt: &AttemptRecord) -> String {
    let output = source.live.map(|live| &live.output);
    let mut who = vec![sanitise_line(&attempt.backend)];
    who.extend(output.and_then(|h| h.model.as_deref()).map(sanitise_line));
    let tries = source.state.units.get(unit).map_or(0, UnitState::shown_tries).max(1);
    who.push(if attempt.role.is_work() {
        format!("attempt {tries}")
    } else {
        format!("review of attempt {tries}")
    });
    who.extend(attempt.resumes.as_ref().map(|resumes| {
        match resumes.reason {
            ResumeReason::Nudge => "asked for its signal",
            ResumeReason::Unchanged => "asked whether it is done",
            ResumeReason::Answer => "continues with the answer",
            ResumeReason::Retry | ResumeReason::Limit => "resumes its session",
        }
        .to_owned()
    }));
    let used = output.and_then(|h| h.usage).and_then(|usage| render::spent(&usage));
    who.extend(used.map(|used| sanitise_line(&used)));
    who.join(" · ")
}

/// That the agent of a task says that it is done, and commands check it.
pub(super) fn verifying_words(source: &ViewSource<'_>, unit: &str) -> Option<String> {
    let verifying = source.events.iter().rev().find_map(|record| match &record.kind {
        EventKind::Verifying { unit: of, commands } => Some((of == unit).then_some(*commands)),
        EventKind::StepStarted { .. } => Some(None),
        _ => None,
    });
    let commands = plural(verifying.flatten()?, "command");
    Some(format!("it says it is done; verifying with {commands}"))
}

/// `3m 12s (limit 2h) · quiet 10s (limit 30m)`
fn times(source: &ViewSource<'_>, attempt: &AttemptRecord, live: Option<&LiveAttempt>) -> String {
    let whole = |length: Duration| span(Duration::from_secs(length.as_secs()));
    let most = |limit: Option<Duration>| limit.map_or_else(String::new, |l| format!(" (limit {})", span(l)));
    let gone = since(attempt.started_at, source.now);
    let Some(live) = live else { return whole(gone) };
    let silence = match live.last_output {
        None => format!("no output yet{}", most(live.first_output)),
        Some(last) => format!("quiet {}{}", whole(since(last, source.now)), most(live.idle)),
    };
    format!("{}{} · {silence}", whole(gone), most(live.total))
}

/// A run is active, but no agent works.
fn between(source: &ViewSource<'_>) -> Panel {
    let next = source.plan.steps.first().map(|step| format!("then: {}", title_of(source, &step.unit)));
    if let Some((why, reason, until)) = source.waiting() {
        let title = match why {
            PauseKind::Delay => "the pause between two steps".to_owned(),
            PauseKind::Backoff => "the pause before the next attempt".to_owned(),
            PauseKind::Limit
            | PauseKind::Pace
            | PauseKind::Program
            | PauseKind::Begin
            | PauseKind::Ask
            | PauseKind::Talk
            | PauseKind::Pause => sanitise_line(reason),
        };
        let mut head = vec![PanelLine::plain(match until {
            Some(until) => {
                let left = since(source.now, until).as_millis().div_ceil(1000).try_into().unwrap_or(0);
                format!("until {}, in {}", moment(source, until), span(Duration::from_secs(left)))
            }
            None if why == PauseKind::Ask => "until you answer in the terminal of the run".to_owned(),
            None if why == PauseKind::Talk => "until that session is left".to_owned(),
            None => format!("until p, or `{}`", spec_command("resume", source.typed, "--now")),
        })];
        head.extend(next.map(PanelLine::plain));
        // what the vendor printed
        let limits = source.state.all_limits().filter(|(_, _, limited)| limited.holds(source.now));
        let body = limits.map(|(backend, model, limited)| limited_words(&who(backend, model), limited));
        return Panel {
            title: format!("… waiting: {title}"),
            head,
            body: body.collect(),
            ..Panel::default()
        };
    }
    let asked = source.events.iter().rev().find_map(|record| match &record.kind {
        EventKind::Assigning { units, backend } => Some(Some((*units, backend))),
        EventKind::Assigned { .. } | EventKind::StepStarted { .. } => Some(None),
        _ => None,
    });
    let title = match asked.flatten() {
        Some((units, backend)) => {
            format!("… asking {} to assign {}", sanitise_line(backend), plural(units, "task"))
        }
        None => "… between two steps".to_owned(),
    };
    Panel { title, head: next.map(PanelLine::plain).into_iter().collect(), ..Panel::default() }
}

/// A time of day, with its date if that is not today.
fn moment(source: &ViewSource<'_>, at: jiff::Timestamp) -> String {
    let day = |at: jiff::Timestamp| at.to_zoned_datetime(source.zone.clone()).date();
    let time = clock(at, source.zone);
    if day(at) == day(source.now) { time } else { format!("{} {time}", day(at)) }
}

/// Nothing runs, nothing needs you, and tasks are left.
fn idle(source: &ViewSource<'_>) -> Panel {
    let mut head = Vec::new();
    let mut foot = Vec::new();
    match source.events.last().map(|record| (record.at, &record.kind)) {
        Some((at, EventKind::RunEnded { why, .. })) => {
            let why = match why {
                EndKind::Interrupted | EndKind::Terminated => "stopped by you".to_owned(),
                why => why.label(),
            };
            head.push(PanelLine::plain(format!("the last run ended at {}: {why}", moment(source, at))));
        }
        Some(_) => head.push(PanelLine::warning("the last run was cut off; nothing is lost")),
        None => {}
    }
    if let Some((unit, _)) = source.running() {
        head.push(PanelLine::plain(format!("task {} was at work; its process is over", sanitise_line(unit))));
    }
    foot.push(command(source, "run", ""));
    Panel { title: "no run is active".to_owned(), head, foot, ..Panel::default() }
}
