//! PURE. One line per event, for the terminal, the main window and the progress log.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::text::{sanitise_line, sanitise_text};
use crate::engine::decide::{Assigned, Next, Pause, Report};
use crate::state::{Outcome, Reason};

/// A duration as people read it: whole seconds, `2m 5s`; below a second in milliseconds.
#[must_use]
pub fn span(duration: Duration) -> String {
    if duration.as_millis() == 0 {
        return "0s".to_owned();
    }
    let rounded = if duration < Duration::from_secs(1) {
        Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(0))
    } else {
        Duration::from_secs(duration.as_secs())
    };
    humantime::format_duration(rounded).to_string()
}

/// The line (or few lines) for a terminal.
#[must_use]
pub fn line(report: &Report, max_iterations: u32) -> String {
    match report {
        Report::Started { unit, title, attempt, reason, iteration, left } => {
            let mut again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
            again.push_str(match reason {
                None => "",
                Some(Reason::Nudge) => ": asked for its signal",
                Some(Reason::Answer) => ": goes on with the answer",
                Some(Reason::Retry | Reason::Limit) => ": goes on in its session",
            });
            format!(
                "▶ {} {}  (iteration {iteration} of at most {max_iterations}, {left} left{again})",
                sanitise_line(unit),
                sanitise_line(title)
            )
        }
        Report::Ended { unit, outcome, took, next, .. } => {
            let mark = match outcome {
                Outcome::Done => "✓",
                Outcome::Halted { .. } | Outcome::Limited { .. } => "‖",
                _ => "✗",
            };
            let next = match next {
                Next::Plain => String::new(),
                Next::Attempts(1) => "; one attempt left".to_owned(),
                Next::Attempts(n) => format!("; {n} attempts left"),
                Next::Nudge => "; it is asked for it".to_owned(),
                Next::Afresh => "; its session cannot go on, so it begins afresh".to_owned(),
                Next::Failed => "; no attempt left".to_owned(),
            };
            format!(
                "{mark} {} {} after {}{next}",
                sanitise_line(unit),
                sanitise_line(&outcome.to_string()),
                span(*took)
            )
        }
        Report::Assigning { units, backend } => {
            let what = if *units == 1 { "1 task".to_owned() } else { format!("{units} tasks") };
            format!("… {backend} is asked who does {what}")
        }
        Report::Verifying { unit, commands } => {
            let what = if *commands == 1 { "1 command".to_owned() } else { format!("{commands} commands") };
            format!("… {} says it is done; verifying with {what}", sanitise_line(unit))
        }
        Report::Assigned(assigned) => assigned_line(assigned),
        Report::ForeignTicks(ids) => format!(
            "! an agent ticked boxes outside its own task: {}; they are not believed, the tasks stay in the plan",
            ids.join(", ")
        ),
        Report::Unconfirmed(ids) => format!(
            "! ticked without having been done: {}; still not believed, the tasks stay in the plan",
            ids.join(", ")
        ),
        Report::Stopping => "stopping after this step; Ctrl-C once more ends the agent now".to_owned(),
        Report::Ending => "ending the agent".to_owned(),
    }
}

fn assigned_line(assigned: &Assigned) -> String {
    let mut by_owner: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (unit, one) in &assigned.found {
        by_owner.entry(&one.owner_agent).or_default().push(unit);
    }
    let mut lines: Vec<String> = by_owner
        .iter()
        .map(|(owner, units)| format!("  {}: {}", sanitise_line(owner), sanitise_line(&units.join(", "))))
        .collect();
    if !assigned.missing.is_empty() {
        let units = sanitise_line(&assigned.missing.join(", "));
        lines.push(format!(
            "! no usable assignment of {units}; the default backend does it, and the next run asks again"
        ));
        lines.extend(assigned.complaints.iter().map(|c| format!("    {}", sanitise_line(c))));
    }
    lines.join("\n")
}

/// Why nothing runs for a while.
#[must_use]
pub fn pause(why: &Pause) -> String {
    match why {
        Pause::Delay => "next step".to_owned(),
        Pause::Backoff { unit } => format!("next attempt of {}", sanitise_line(unit)),
        Pause::Pace { rule } => format!("{}: next step", sanitise_line(rule)),
        Pause::Limit { backend, kind } => {
            format!("{} is limited ({}); next try", sanitise_line(backend), kind.words())
        }
    }
}

/// The same with what is left of it; where it may be long, also the time of its end.
#[must_use]
pub fn wait(why: &Pause, left: Duration, until: Timestamp, zone: &TimeZone) -> String {
    let line = format!("{} in {}", pause(why), span(left));
    match why {
        Pause::Delay | Pause::Backoff { .. } => line,
        Pause::Pace { .. } | Pause::Limit { .. } => {
            let clock = until.to_zoned_datetime(zone.clone()).strftime("%a %H:%M:%S");
            format!("{line} ({clock})")
        }
    }
}

/// The entry of the progress log; `None` where nothing is worth one.
#[must_use]
pub fn progress_entry(report: &Report, at: Timestamp, zone: &TimeZone) -> Option<String> {
    let Report::Ended { unit, title, attempt, outcome, took, .. } = report else { return None };
    let time = at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z");
    let mut entry = format!(
        "\n## Task {} - {}\n- **Status:** {}\n- **Attempt:** {attempt}\n- **Time:** {time}\n- **Took:** {}\n",
        sanitise_line(unit),
        sanitise_line(title),
        sanitise_line(&outcome.to_string()),
        span(*took)
    );
    if let Outcome::Halted { question } = outcome {
        entry.push_str("- **Question:**\n");
        for line in sanitise_text(question).lines() {
            let _ = writeln!(entry, "  > {line}");
        }
    }
    Some(entry)
}

/// What the progress log says of a wait for a limit.
#[must_use]
pub fn waiting_entry(what: &str, at: Timestamp, until: Timestamp, zone: &TimeZone) -> String {
    let clock =
        |at: Timestamp| at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
    format!("\n**Waiting:** {} ({} until {})\n", sanitise_line(what), clock(at), clock(until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_title_stays_on_its_line_and_steers_nothing() {
        let report = Report::Started {
            reason: None,
            unit: "1".into(),
            title: "a\x1b]0;x\x07\nb".into(),
            attempt: 2,
            iteration: 3,
            left: 4,
        };
        assert_eq!(line(&report, 50), "▶ 1 a b  (iteration 3 of at most 50, 4 left, attempt 2)");
    }

    #[test]
    fn a_long_wait_also_says_when_it_ends() {
        let until: Timestamp = "2026-01-10T21:00:00Z".parse().unwrap();
        let left = Duration::from_secs(3661);
        let wait = |why| wait(&why, left, until, &TimeZone::get("Europe/Berlin").unwrap());
        let rule = "pace.window = \"22:00-07:00\"".to_owned();
        assert_eq!(
            wait(Pause::Pace { rule }),
            "pace.window = \"22:00-07:00\": next step in 1h 1m 1s (Sat 22:00:00)"
        );
        assert_eq!(wait(Pause::Delay), "next step in 1h 1m 1s");
    }

    #[test]
    fn durations_read_like_a_clock() {
        assert_eq!(span(Duration::from_millis(125_900)), "2m 5s");
        assert_eq!(span(Duration::from_millis(340)), "340ms");
        assert_eq!(span(Duration::ZERO), "0s");
    }
}
