//! PURE. The expected times of a plan, for people and for programs.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::live::span;
use super::text::sanitise_line;

/// What is expected of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its unit.
    pub unit: String,
    /// It starts then at the earliest, or did; `None`: not in this run, or nobody knows.
    pub starts: Option<Timestamp>,
    /// What holds it back, as people read it; the last one until `starts`.
    pub held_by: Vec<String>,
    /// How long steps like it took in the past; `None`: none was done yet.
    pub takes: Option<Duration>,
    /// How long a step before it takes is not known, so it may start later.
    pub open: bool,
}

/// What is expected of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// By step, in order; may be shorter than the plan.
    pub steps: Vec<Expected>,
    /// Done attempts that tell how long a step takes.
    pub past: usize,
    /// Steps of the plan beyond those that are looked ahead to.
    pub beyond: usize,
}

/// A line per step (its id, and when it starts and why then), and what all of them stand on.
#[must_use]
pub fn lines(timeline: &Timeline, now: Timestamp, zone: &TimeZone) -> (Vec<(String, String)>, String) {
    let steps = timeline.steps.iter();
    let lines = steps.map(|step| (sanitise_line(&step.unit), line(step, now, zone))).collect();
    let mut foot = match timeline.past {
        0 => "How long a step takes is not known before one is done, so later steps start later.".to_owned(),
        1 => "A step is expected to take as long as the one that is done.".to_owned(),
        n => format!("A step is expected to take the median of the {n} attempts that are done."),
    };
    if timeline.beyond > 0 {
        foot = format!("{foot} {} more steps follow.", timeline.beyond);
    }
    (lines, foot)
}

fn line(step: &Expected, now: Timestamp, zone: &TimeZone) -> String {
    let why = sanitise_line(&step.held_by.join(", then "));
    let Some(starts) = step.starts else { return format!("not in this run: {why}") };
    let clock = starts.to_zoned_datetime(zone.clone()).strftime("%a %Y-%m-%d %H:%M %:z").to_string();
    let when = match (step.open, step.held_by.is_empty()) {
        _ if starts < now => format!("at work since {clock}"),
        (false, true) if starts == now => "now".to_owned(),
        (true, true) => "as soon as the one before is done".to_owned(),
        (true, false) => format!("not before {clock}"),
        (false, true) => format!("about {clock}"),
        (false, false) => format!("from {clock}"),
    };
    let why = if why.is_empty() { why } else { format!(": {why}") };
    let takes = step.takes.map_or_else(String::new, |takes| format!(", for about {}", span(takes)));
    format!("{when}{takes}{why}")
}

/// The same for programs: `null`, or one object a step.
#[must_use]
pub fn json(timeline: Option<&Timeline>) -> Value {
    let step = |step: &Expected| {
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
    fn each_line_says_when_and_why_and_no_more_than_is_known() {
        let now: Timestamp = "2026-01-10T12:00:00Z".parse().unwrap();
        let at = |text: &str| Some(text.parse().unwrap());
        let step = |starts, held_by: &[&str], takes, open| Expected {
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
            (
                step(at("2026-01-10T11:58:00Z"), &[], six, false),
                "at work since Sat 2026-01-10 12:58 +01:00, for about 6m",
            ),
            (
                step(at("2026-01-10T21:00:00Z"), &[rule], six, false),
                "from Sat 2026-01-10 22:00 +01:00, for about 6m: pace.window = \"22:00-07:00\"",
            ),
            (
                step(at("2026-01-10T21:06:00Z"), &[], six, false),
                "about Sat 2026-01-10 22:06 +01:00, for about 6m",
            ),
            (step(at("2026-01-10T21:00:00Z"), &[], None, true), "as soon as the one before is done"),
            (
                step(at("2026-01-11T21:00:00Z"), &[rule], None, true),
                "not before Sun 2026-01-11 22:00 +01:00: pace.window = \"22:00-07:00\"",
            ),
            (step(None, &["after 1"], None, true), "not in this run: after 1"),
        ] {
            assert_eq!(line(&step, now, &TimeZone::get("Europe/Berlin").unwrap()), said);
        }
    }
}
