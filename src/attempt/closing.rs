//! The last words on an attempt: what its streams came to, and the line that closes its window.

use std::time::Duration;

use crate::agent::Verdict;
use crate::agent::digest::Digested;
use crate::agent::event::{Channel, ErrorRecord};
use crate::state::outcome::TimedOut;
use crate::store::record::{Exit, Facts};

/// Puts down what the streams came to, without secrets.
pub(super) fn note_digest(
    facts: &mut Facts,
    digested: Digested,
    stderr: Vec<String>,
    fit: impl Fn(&str) -> String,
) {
    let found = digested.found;
    facts.done = found.done;
    facts.halt = found.halt.map(|text| fit(&text));
    facts.last_words = fit(&found.last_words);
    facts.session = digested.session;
    facts.model = digested.model.map(|text| fit(&text));
    facts.usage = digested.usage;
    facts.verdict = digested.verdict.map(|verdict| match verdict {
        Verdict::Failure(why) => Verdict::Failure(fit(&why)),
        other => other,
    });
    facts.error = digested.error.map(|text| fit(&text));
    facts.utilization = digested.utilization.map(|text| fit(&text));
    let channels = [
        (Channel::Event, digested.error_records),
        (Channel::Stdout, digested.lines),
        (Channel::Stderr, stderr),
    ];
    for (channel, texts) in channels {
        facts.error_records.extend(texts.iter().map(|text| ErrorRecord { channel, text: fit(text) }));
    }
}

/// How it ended, in a line.
pub(super) fn closing_line(facts: &Facts, took: Duration) -> String {
    let end = match (facts.timed_out, facts.cancelled, &facts.unavailable, facts.exit) {
        (Some(TimedOut::Total), ..) => "ended: over its time limit".to_owned(),
        (Some(TimedOut::Idle), ..) if facts.verdict == Some(Verdict::Success) => {
            "ended: it did not exit after its closing record".to_owned()
        }
        (Some(TimedOut::Idle), ..) => "ended: silent for too long".to_owned(),
        (Some(TimedOut::FirstOutput), ..) => "ended: it never said anything".to_owned(),
        (_, Some(_), ..) => "ended from outside".to_owned(),
        (_, _, Some(why), _) => why.clone(),
        (.., Some(Exit::Code(0))) if matches!(facts.verdict, Some(Verdict::Failure(_))) => {
            "failed".to_owned()
        }
        (.., Some(Exit::Code(0))) if facts.verdict == Some(Verdict::Unknown) => {
            "ended without its closing record".to_owned()
        }
        (.., Some(Exit::Code(code))) => format!("exit code {code}"),
        (.., Some(Exit::Signal(signal))) => format!("ended by signal {signal}"),
        (.., None) => "gone".to_owned(),
    };
    let signal = match (&facts.halt, facts.done) {
        (Some(_), _) => ", HALT",
        (None, true) => ", TASK_DONE",
        (None, false) => ", no signal",
    };
    let left = match facts.leftovers {
        0 => String::new(),
        n => format!(", {n} left-over process(es) ended"),
    };
    format!("── {end}{signal}, {:.1} s{left} ──", took.as_secs_f64())
}
