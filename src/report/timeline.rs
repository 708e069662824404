//! PURE. The expected times of a plan, for people and for programs.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::text::sanitise_line;
use super::times::span;

/// When a step is expected to start, and how long it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedStep {
    /// Its unit.
    pub unit: String,
    /// The earliest start, or the actual start of a running step; `None` where it does not start in this run or the start
    /// is not known.
    pub starts: Option<Timestamp>,
    /// The rules and limits that hold it back, as text for people; the last one holds until `starts`.
    pub held_by: Vec<String>,
    /// How long such steps took before; `None` before the first done step.
    pub takes: Option<Duration>,
    /// A step of unknown length comes before it, so it may start later.
    pub open: bool,
}

/// The expected times of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// In the order of the plan; may be shorter than the plan.
    pub steps: Vec<ExpectedStep>,
    /// Number of done attempts that the length of a step is estimated from.
    pub past: usize,
    /// Number of further steps of the plan that have no estimate.
    pub beyond: usize,
}

/// A line per step (its id; when it starts, and why then), and a sentence on what the times are based on.
#[must_use]
pub fn lines(timeline: &Timeline, now: Timestamp, zone: &TimeZone) -> (Vec<(String, String)>, String) {
    let steps = timeline.steps.iter();
    let lines = steps.map(|step| (sanitise_line(&step.unit), line(step, now, zone))).collect();
    let mut foot = match timeline.past {
        0 => {
            "How long a step takes is not known until one is done, so later steps may start later.".to_owned()
        }
        1 => "Each step is expected to take as long as the one that is done.".to_owned(),
        n => format!("Each step is expected to take as long as the median of {n} done attempts."),
    };
    if timeline.beyond > 0 {
        foot = format!("{foot} {} more steps follow.", timeline.beyond);
    }
    (lines, foot)
}

fn line(step: &ExpectedStep, now: Timestamp, zone: &TimeZone) -> String {
    let why = sanitise_line(&step.held_by.join(", then "));
    let Some(starts) = step.starts else { return format!("not in this run: {why}") };
    let here = |at: Timestamp| at.to_zoned_datetime(zone.clone());
    let is_today = here(starts).date() == here(now).date();
    let clock = here(starts).strftime(if is_today { "%H:%M" } else { "%a %Y-%m-%d %H:%M" }).to_string();
    let when = match (step.open, step.held_by.is_empty()) {
        _ if starts < now => format!("running since {clock}"),
        (false, true) if starts == now => "now".to_owned(),
        (true, true) => "when the step before it is done".to_owned(),
        (true, false) => format!("not before {clock}"),
        (false, true) => format!("about {clock}"),
        (false, false) => format!("from {clock}"),
    };
    let why = if why.is_empty() { why } else { format!(": {why}") };
    let takes = step.takes.map_or_else(String::new, |takes| format!(", for about {}", span(takes)));
    format!("{when}{takes}{why}")
}

/// The expected times as JSON: one object a step, or `null`.
#[must_use]
pub fn json(timeline: Option<&Timeline>) -> Value {
    let step = |step: &ExpectedStep| {
        json!({
            "id": step.unit,
            "starts_at": step.starts,
            "held_by": step.held_by,
            "takes_s": step.takes.map(|takes| takes.as_secs()),
            "exact": !step.open && step.starts.is_some(),
        })
    };
    timeline.map_or(Value::Null, |timeline| timeline.steps.iter().map(step).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_line_says_when_a_step_starts_and_why_then() {
        let now: Timestamp = "2026-01-10T12:00:00Z".parse().unwrap();
        let at = |text: &str| Some(text.parse().unwrap());
        let step = |starts, held_by: &[&str], takes, open| ExpectedStep {
            unit: "1".to_owned(),
            starts,
            held_by: held_by.iter().map(ToString::to_string).collect(),
            takes,
            open,
        };
        let six = Some(Duration::from_secs(360));
        let rule = "pace.window = \"22:00-07:00\"";
        for (step, said) in [
            (step(Some(now), &[], None, false), "now"),
            (step(at("2026-01-10T11:58:00Z"), &[], six, false), "running since 12:58, for about 6m"),
            (
                step(at("2026-01-10T21:00:00Z"), &[rule], six, false),
                "from 22:00, for about 6m: pace.window = \"22:00-07:00\"",
            ),
            (step(at("2026-01-10T21:06:00Z"), &[], six, false), "about 22:06, for about 6m"),
            (step(at("2026-01-10T21:00:00Z"), &[], None, true), "when the step before it is done"),
            (
                step(at("2026-01-11T21:00:00Z"), &[rule], None, true),
                "not before Sun 2026-01-11 22:00: pace.window = \"22:00-07:00\"",
            ),
            (step(None, &["after 1"], None, true), "not in this run: after 1"),
        ] {
            assert_eq!(line(&step, now, &TimeZone::get("Europe/Berlin").unwrap()), said);
        }
    }
}
