//! PURE. What a run waits for, as text: for the terminal, the event log and the progress log.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::events::EventKind;
use super::notice::{Pause, PauseKind};
use super::text::{sanitise_line, shell_word, spec_command};
use super::times::{clock, span};
use crate::state::{RunPause, SpecState, TakenRequest, WaitReason};

/// What ends a pause that has no end of its own.
pub const ENDS_A_PAUSE: &str = "seqorch resume --now";
/// What ends the wait for an answer.
const ENDS_ASKING: &str = "your answer in the terminal of the run";
/// What ends the wait for a talk.
const ENDS_TALKING: &str = "the end of that session";

/// What a pause ends with, and why there is one.
#[must_use]
fn pause(why: &Pause) -> String {
    match why {
        Pause::Delay => "next step".to_owned(),
        Pause::Backoff { unit } => format!("next attempt of {}", sanitise_line(unit)),
        Pause::Wait(WaitReason::Program { program }) => {
            format!("{} is not there any more; looking again", sanitise_line(program))
        }
        Pause::Wait(WaitReason::Limit { backend, kind }) if kind.is_trouble() => {
            format!("{}: {}; next try", sanitise_line(backend), kind.words())
        }
        Pause::Wait(WaitReason::Limit { backend, kind }) => {
            let backend = sanitise_line(backend);
            match kind.need() {
                Some(need) => format!("{backend} {need}; next try"),
                None => format!("{backend} is limited ({}); next try", kind.words()),
            }
        }
        Pause::Wait(WaitReason::Ask { unit, .. }) => format!("task {}: starts", sanitise_line(unit)),
        Pause::Wait(
            reason @ (WaitReason::Pace { .. }
            | WaitReason::Begin
            | WaitReason::Talk { .. }
            | WaitReason::Pause { .. }),
        ) => {
            format!("{}: next step", sanitise_line(&reason.to_string()))
        }
    }
}

/// The same with the time that is left; for a wait that may be long also the time of its end. Without an end: what ends it.
#[must_use]
pub fn wait(why: &Pause, left: Option<Duration>, until: Option<Timestamp>, zone: &TimeZone) -> String {
    let Some((left, until)) = left.zip(until) else {
        return format!("{} after {}", pause(why), ender(why.kind()));
    };
    let line = format!("{} in {}", pause(why), span(left));
    match why {
        Pause::Delay | Pause::Backoff { .. } => line,
        Pause::Wait(_) => {
            let clock = until.to_zoned_datetime(zone.clone()).strftime("%a %H:%M:%S");
            format!("{line} ({clock})")
        }
    }
}

/// A line about a wait, in which the command that ends it names the spec.
#[must_use]
pub fn naming(line: &str, spec: &str) -> String {
    line.replace(ENDS_A_PAUSE, &spec_command("resume", spec, "--now"))
}

/// What ends a wait that has no end of its own.
fn ender(why: PauseKind) -> String {
    match why {
        PauseKind::Ask => ENDS_ASKING.to_owned(),
        PauseKind::Talk => ENDS_TALKING.to_owned(),
        _ => format!("`{ENDS_A_PAUSE}`"),
    }
}

/// What a spec waits for, and what a person can do about it. `runs`: a run is active.
#[must_use]
pub fn wait_lines(spec: &str, state: &SpecState, runs: bool, now: Timestamp, zone: &TimeZone) -> Vec<String> {
    let mut lines = Vec::new();
    let wait = state.run.wait();
    let spec = sanitise_line(&shell_word(spec));
    if let Some(wait) = wait {
        let what = match wait.reason {
            WaitReason::Begin
            | WaitReason::Pause { .. }
            | WaitReason::Ask { .. }
            | WaitReason::Talk { .. } => "next step",
            _ => "next try",
        };
        let end = match wait.until {
            Some(until) => {
                let left = until.duration_since(now).try_into().unwrap_or_default();
                format!("in {} ({})", span(left), moment(until, zone))
            }
            None if matches!(wait.reason, WaitReason::Ask { .. }) => format!("after {ENDS_ASKING}"),
            None if matches!(wait.reason, WaitReason::Talk { .. }) => format!("after {ENDS_TALKING}"),
            None => format!("after `seqorch resume {spec} --now`"),
        };
        lines.push(format!("waiting: {}; {what} {end}", sanitise_line(&wait.reason.to_string())));
    }
    let is_paused = wait.is_some_and(|wait| matches!(wait.reason, WaitReason::Pause { .. }));
    if let Some(pause) = state.pause.as_ref().filter(|pause| !is_paused && pause.holds(now)) {
        let by = pause.by.as_deref().map_or_else(String::new, |by| format!(" by {}", sanitise_line(by)));
        let end = match pause.until {
            Some(until) => moment(until, zone),
            None => format!("`seqorch resume {spec} --now`"),
        };
        let who = if runs { "the run pauses before its next step" } else { "a new run waits, too" };
        lines.push(format!("paused{by} until {end}; {who}"));
    }
    if let Some(until) = state.run.times().until {
        lines.push(format!("no step starts after {}", moment(until, zone)));
    }
    if state.run.waits_for_person() {
        lines.push(if runs {
            format!("try at once with: seqorch resume {spec} --now")
        } else {
            format!("no run is active; continue with: seqorch run {spec} --retry")
        });
    }
    lines
}

/// The line of the event of a pause.
pub(super) fn waiting_line(
    why: PauseKind,
    reason: &str,
    unit: Option<&str>,
    until: Option<Timestamp>,
    zone: &TimeZone,
) -> String {
    let what = match why {
        PauseKind::Delay => "next step".to_owned(),
        PauseKind::Backoff => format!("next attempt of {}", sanitise_line(unit.unwrap_or_default())),
        PauseKind::Program => format!("{}; looking again", sanitise_line(reason)),
        PauseKind::Limit => format!("{}; next try", sanitise_line(reason)),
        PauseKind::Pace | PauseKind::Begin | PauseKind::Ask | PauseKind::Talk | PauseKind::Pause => {
            format!("{}: next step", sanitise_line(reason))
        }
    };
    match until {
        Some(until) => format!("… {what} at {}", clock(until, zone)),
        None => format!("… {what} after {}", ender(why)),
    }
}

/// The line of an event that a person caused.
pub(super) fn asked_event(what: &EventKind, zone: &TimeZone) -> String {
    let taken = match what {
        EventKind::Paused { until, by } => {
            TakenRequest::Paused(RunPause { since: Timestamp::UNIX_EPOCH, until: *until, by: by.clone() })
        }
        EventKind::Skipped { ids } => TakenRequest::Skipped(ids.clone()),
        EventKind::NotAnswered { unit } => TakenRequest::NotAnswered(unit.clone()),
        EventKind::NotSkipped { ids } => TakenRequest::NotSkipped(ids.clone()),
        _ => return "▶ a person ended the pause".to_owned(),
    };
    asked_line(&taken, zone)
}

/// The line for what a person asked of a run at work.
pub(super) fn asked_line(taken: &TakenRequest, zone: &TimeZone) -> String {
    match taken {
        TakenRequest::Paused(pause) => {
            let by = pause.by.as_deref().map_or_else(|| "someone".to_owned(), sanitise_line);
            match pause.until {
                Some(until) => format!("‖ {by} paused the run until {}", clock(until, zone)),
                None => format!("‖ {by} paused the run; `{ENDS_A_PAUSE}` continues it"),
            }
        }
        TakenRequest::Skipped(ids) => {
            format!("✎ skipped, as a person asked: {}", sanitise_line(&ids.join(", ")))
        }
        TakenRequest::NotAnswered(unit) => {
            format!(
                "! an answer to task {} came too late: its question is not open any more",
                sanitise_line(unit)
            )
        }
        TakenRequest::NotSkipped(ids) => {
            format!("! too late to be skipped, or not there: {}", sanitise_line(&ids.join(", ")))
        }
    }
}

/// The entry of the progress log for what a person asked of a run at work.
pub(super) fn asked_entry(taken: &TakenRequest, at: Timestamp, zone: &TimeZone) -> String {
    let line = asked_line(taken, zone);
    let line = line.split_once(' ').map_or(line.as_str(), |(_, words)| words);
    format!("\n**A person:** {line} ({})\n", moment(at, zone))
}

/// The entry of the progress log for a wait.
#[must_use]
pub fn waiting_entry(what: &str, at: Timestamp, until: Option<Timestamp>, zone: &TimeZone) -> String {
    let end = until.map_or_else(|| format!("`{ENDS_A_PAUSE}`"), |until| moment(until, zone));
    format!("\n**Waiting:** {} ({} until {end})\n", sanitise_line(what), moment(at, zone))
}

/// A moment with its date and its zone.
#[must_use]
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_also_says_when_it_ends() {
        let until: Timestamp = "2026-01-10T21:00:00Z".parse().unwrap();
        let left = Duration::from_secs(3661);
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let ends = |why| wait(&why, Some(left), Some(until), &zone);
        let rule = "pace.window = \"22:00-07:00\"".to_owned();
        assert_eq!(
            ends(Pause::Wait(WaitReason::Pace { rule })),
            "pace.window = \"22:00-07:00\": next step in 1h 1m 1s (Sat 22:00:00)"
        );
        assert_eq!(ends(Pause::Delay), "next step in 1h 1m 1s");
        let paused = Pause::Wait(WaitReason::Pause { by: Some("ann\x1b[1m".into()) });
        assert_eq!(wait(&paused, None, None, &zone), "paused by ann: next step after `seqorch resume --now`");
        assert_eq!(
            waiting_entry("paused", until, None, &zone),
            "\n**Waiting:** paused (2026-01-10 22:00:00 +01:00 until `seqorch resume --now`)\n"
        );
    }
}
