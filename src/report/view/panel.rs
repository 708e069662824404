//! PURE. What goes on right now, in a few lines.

use std::time::Duration;

use super::model::{Line, Panel, Standing};
use super::source::{Doing, Seen, since};
use crate::agent::render;
use crate::report::events::What;
use crate::report::needs::{retry_command, shown};
use crate::report::text::{logs_command, sanitise_line, shell_word};
use crate::report::times::{clock, span};
use crate::state::{AttemptRecord, NeedKind, ResumeReason, who};

/// The panel for how things stand.
pub(super) fn panel(seen: &Seen<'_>, standing: Standing) -> Panel {
    let mut panel = match (standing, seen.running()) {
        (Standing::Halted | Standing::Uncommitted | Standing::NeedsHuman, _) => needs(seen),
        (Standing::Running | Standing::Orphaned, Some((unit, attempt))) => {
            works(seen, unit, attempt, standing)
        }
        (Standing::Running, None) => between(seen),
        (Standing::Complete, _) => Panel { title: "✓ all complete".to_owned(), ..Panel::default() },
        _ => idle(seen),
    };
    if let Some(trouble) = seen.trouble {
        panel.head.insert(0, Line::warning(sanitise_line(trouble)));
    }
    panel
}

fn title_of(seen: &Seen<'_>, unit: &str) -> String {
    let title = seen.units.iter().find(|u| u.id == unit).map_or("", |u| u.title.as_str());
    sanitise_line(&format!("{unit} {title}"))
}

/// A command of this program, about this spec.
fn command(seen: &Seen<'_>, verb: &str, more: &str) -> Line {
    let more = if more.is_empty() { String::new() } else { format!(" {more}") };
    Line::command(format!("seqorch {verb} {}{more}", sanitise_line(&shell_word(seen.typed))))
}

/// What a human must do: the most urgent need with its reason, and the others by name.
fn needs(seen: &Seen<'_>) -> Panel {
    let all = shown(seen.typed, seen.state);
    let Some((first, others)) = all.split_first() else { return idle(seen) };
    let sign = if first.kind == NeedKind::Question { "‖" } else { "✗" };
    let title = seen.units.iter().find(|unit| Some(&unit.id) == first.task.as_ref());
    let title = title.map_or_else(String::new, |unit| format!(" ({})", sanitise_line(&unit.title)));
    let mut foot = vec![Line::plain(format!("{}:", first.lead()))];
    foot.extend(first.look.iter().map(Line::command));
    foot.push(Line::command(&first.command));
    let retry = retry_command(seen.typed);
    match first.kind {
        NeedKind::Question => {
            foot.extend([Line::plain("or try it again without an answer:"), Line::command(retry)]);
        }
        _ => foot.extend(first.or(&retry).map(Line::plain)),
    }
    Panel {
        title: format!("{sign} needs you: {}{title}", first.what),
        head: others.iter().map(|need| Line::warning(format!("also: {}", need.what))).collect(),
        body: first.why.lines().map(|line| line.replace('\t', "    ")).collect(),
        tail: first.kind == NeedKind::PendingCommit,
        foot,
    }
}

fn works(seen: &Seen<'_>, unit: &str, attempt: &AttemptRecord, standing: Standing) -> Panel {
    let doing = seen.doing;
    let heard = doing.map(|d| &d.heard);
    let mut who = vec![sanitise_line(&attempt.backend)];
    who.extend(heard.and_then(|h| h.model.as_deref()).map(sanitise_line));
    who.push(format!("attempt {}", attempt.number));
    who.extend(attempt.resumes.as_ref().map(|resumes| {
        match resumes.reason {
            ResumeReason::Nudge => "asked for its signal",
            ResumeReason::Answer => "continues with the answer",
            ResumeReason::Retry | ResumeReason::Limit => "resumes its session",
        }
        .to_owned()
    }));
    let used = heard.and_then(|h| h.usage).and_then(|usage| render::spent(&usage));
    who.extend(used.map(|used| sanitise_line(&used)));
    let mut lines = vec![Line::plain(who.join(" · ")), Line::plain(times(seen, attempt, doing))];
    let verifying = seen.events.iter().rev().find_map(|record| match &record.what {
        What::Verifying { unit: of, commands } => Some((of == unit).then_some(*commands)),
        What::StepStarted { .. } => Some(None),
        _ => None,
    });
    if let Some(commands) = verifying.flatten() {
        let what = if commands == 1 { "1 command".to_owned() } else { format!("{commands} commands") };
        lines.push(Line::plain(format!("it says it is done; verifying with {what}")));
    }
    let mut foot = Vec::new();
    if standing == Standing::Orphaned {
        foot.push(Line::warning("no run watches it; this takes it over:"));
        foot.push(command(seen, "run", "--retry"));
    } else if doing.is_some_and(|doing| !doing.alive) && verifying.flatten().is_none() {
        lines.push(Line::plain("its process is over"));
    }
    Panel {
        title: format!("▶ {}", title_of(seen, unit)),
        head: lines,
        body: heard.map(super::Heard::lines).unwrap_or_default(),
        tail: true,
        foot,
    }
}

/// `3m 12s of at most 2h · silent for 10s of at most 30m`
fn times(seen: &Seen<'_>, attempt: &AttemptRecord, doing: Option<&Doing>) -> String {
    let whole = |length: Duration| span(Duration::from_secs(length.as_secs()));
    let most =
        |limit: Option<Duration>| limit.map_or_else(String::new, |l| format!(" of at most {}", span(l)));
    let gone = since(attempt.started_at, seen.now);
    let Some(doing) = doing else { return whole(gone) };
    let silence = match doing.last_output {
        None => format!("nothing said yet{}", most(doing.first_output)),
        Some(last) => format!("silent for {}{}", whole(since(last, seen.now)), most(doing.idle)),
    };
    format!("{}{} · {silence}", whole(gone), most(doing.total))
}

/// A run is there, and no agent works.
fn between(seen: &Seen<'_>) -> Panel {
    let next = seen.plan.steps.first().map(|step| format!("then: {}", title_of(seen, &step.unit)));
    if let Some((why, reason, until)) = seen.waiting() {
        let title = match why {
            "delay" => "the pause between two steps".to_owned(),
            "backoff" => "the pause before the next attempt".to_owned(),
            _ => sanitise_line(reason),
        };
        let left =
            Duration::from_secs(since(seen.now, until).as_millis().div_ceil(1000).try_into().unwrap_or(0));
        let mut head = vec![Line::plain(format!("until {}, in {}", moment(seen, until), span(left)))];
        head.extend(next.map(Line::plain));
        // the vendor's own words
        let limits = seen.state.all_limits().filter(|(_, _, limited)| limited.holds(seen.now));
        let body = limits.map(|(backend, model, limited)| {
            let name = who(backend, model);
            sanitise_line(&format!("{name} is limited: {}: {}", limited.kind.words(), limited.why))
        });
        return Panel {
            title: format!("… waiting: {title}"),
            head,
            body: body.collect(),
            ..Panel::default()
        };
    }
    let asked = seen.events.iter().rev().find_map(|record| match &record.what {
        What::Assigning { units, backend } => Some(Some((*units, backend))),
        What::Assigned { .. } | What::StepStarted { .. } => Some(None),
        _ => None,
    });
    let title = match asked.flatten() {
        Some((units, backend)) => {
            let tasks = if units == 1 { "1 task".to_owned() } else { format!("{units} tasks") };
            format!("… {} is asked who does {tasks}", sanitise_line(backend))
        }
        None => "… between two steps".to_owned(),
    };
    Panel { title, head: next.map(Line::plain).into_iter().collect(), ..Panel::default() }
}

/// A time of day, with its date where that is another day.
fn moment(seen: &Seen<'_>, at: jiff::Timestamp) -> String {
    let day = |at: jiff::Timestamp| at.to_zoned_datetime(seen.zone.clone()).date();
    let time = clock(at, seen.zone);
    if day(at) == day(seen.now) { time } else { format!("{} {time}", day(at)) }
}

/// Nobody works, and something is left.
fn idle(seen: &Seen<'_>) -> Panel {
    let mut head = Vec::new();
    let mut foot = Vec::new();
    let mut more = "";
    match seen.events.last().map(|record| (record.at, &record.what)) {
        Some((at, What::RunEnded { why, failed, blocked, .. })) => {
            let why = sanitise_line(&why.replace('_', " "));
            head.push(Line::plain(format!("the last run ended at {}: {why}", moment(seen, at))));
            for (ids, what) in [(failed, "failed, no attempts left"), (blocked, "blocked by others")] {
                if !ids.is_empty() {
                    head.push(Line::warning(format!("{what}: {}", sanitise_line(&ids.join(", ")))));
                }
            }
            if let Some(first) = failed.first() {
                foot.push(Line::command(logs_command(seen.typed, first)));
                more = "--retry";
            }
        }
        Some(_) => head.push(Line::warning("the last run was cut off; nothing is lost")),
        None => {}
    }
    if let Some((unit, _)) = seen.running() {
        head.push(Line::plain(format!("task {} was at work; its process is over", sanitise_line(unit))));
    }
    foot.push(command(seen, "run", more));
    Panel { title: "no run is at work".to_owned(), head, foot, ..Panel::default() }
}
