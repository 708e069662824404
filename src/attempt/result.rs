//! PURE. What goes into an attempt's result from its streams, and the line that closes its window.

use std::time::Duration;

use crate::agent::digest::StreamFacts;
use crate::agent::event::{Channel, CliVerdict, ErrorRecord};
use crate::state::outcome::TimedOut;
use crate::store::attempt_result::{AgentExit, AttemptResult};

/// What codex prints where its sandbox cannot run.
const NO_SANDBOX: &str = "Refusing to create helper binaries under temporary dir";

/// Notes the facts of the streams; `clean` removes secrets and control characters.
pub(super) fn note_stream_facts(
    result: &mut AttemptResult,
    facts: StreamFacts,
    stderr: &[String],
    clean: impl Fn(&str) -> String,
) {
    let signals = facts.signals;
    result.done = signals.done;
    result.approves = signals.approves;
    result.halt = signals.halt.map(|text| clean(&text));
    result.last_words = clean(&signals.last_words);
    result.session = facts.session;
    result.model = facts.model.map(|text| clean(&text));
    result.usage = facts.usage;
    result.verdict = facts.verdict.map(|verdict| match verdict {
        CliVerdict::Failure(why) => CliVerdict::Failure(clean(&why)),
        other => other,
    });
    result.error = facts.error.map(|text| clean(&text));
    result.denied = facts.denied.iter().map(|call| clean(call)).collect();
    // codex says nothing of commands that its sandbox could not even begin
    if facts.calls == 0 && stderr.iter().any(|line| line.contains(NO_SANDBOX)) {
        result.denied.push(
            "all commands: codex's sandbox cannot run with CODEX_HOME in the temporary folder".to_owned(),
        );
    }
    result.retrying = facts.retrying.map(|text| clean(&text));
    result.utilization = facts.utilization.map(|text| clean(&text));
    let events = facts.error_records.iter().map(|text| clean(text)).collect();
    // lines are cleaned together, because a private key has many
    let cleaned = |lines: &[String]| clean(&lines.join("\n")).lines().map(str::to_owned).collect();
    let channels: [(Channel, Vec<String>); 3] = [
        (Channel::Event, events),
        (Channel::Stdout, cleaned(&facts.lines)),
        (Channel::Stderr, cleaned(stderr)),
    ];
    for (channel, texts) in channels {
        result.error_records.extend(texts.into_iter().map(|text| ErrorRecord { channel, text }));
    }
}

/// How the attempt ended, in one line for its window. The signal is named only if one was wanted.
pub(super) fn closing_line(result: &AttemptResult, wants_signal: bool, took: Duration) -> String {
    let signal = match (&result.halt, result.done) {
        _ if !wants_signal => "",
        (Some(_), _) => ", HALT",
        (None, true) => ", TASK_DONE",
        (None, false) => ", no signal",
    };
    let left = match result.leftovers {
        0 => String::new(),
        1 => ", 1 left-over process ended".to_owned(),
        n => format!(", {n} left-over processes ended"),
    };
    format!("── {}{signal}, {:.1} s{left} ──", ending(result), took.as_secs_f64())
}

fn ending(result: &AttemptResult) -> String {
    match (result.timed_out, result.cancelled, &result.unavailable, result.exit) {
        (Some(TimedOut::Total), ..) => "ended: over its time limit".to_owned(),
        (Some(TimedOut::Idle), ..) if result.verdict == Some(CliVerdict::Success) => {
            "ended: it did not exit after its closing record".to_owned()
        }
        (Some(TimedOut::Idle), ..) => "ended: quiet for too long".to_owned(),
        (Some(TimedOut::FirstOutput), ..) => "ended: it never printed anything".to_owned(),
        (_, Some(_), ..) => "ended from outside".to_owned(),
        _ if result.stated.is_some() => "ended: it waits for the end of a limit".to_owned(),
        (_, _, Some(why), _) => why.clone(),
        (.., Some(AgentExit::Code(0))) if matches!(result.verdict, Some(CliVerdict::Failure(_))) => {
            "failed".to_owned()
        }
        (.., Some(AgentExit::Code(0))) if result.verdict == Some(CliVerdict::Unknown) => {
            "ended without its closing record".to_owned()
        }
        (.., Some(AgentExit::Code(code))) => format!("exit code {code}"),
        (.., Some(AgentExit::Signal(signal))) => format!("ended by signal {signal}"),
        (.., None) => "its process is gone".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_names_the_ending_the_signal_and_the_left_overs() {
        let ended = |exit| AttemptResult { exit, ..AttemptResult::begun(jiff::Timestamp::UNIX_EPOCH) };
        let took = Duration::from_millis(1250);
        let done = AttemptResult { done: true, leftovers: 1, ..ended(Some(AgentExit::Code(0))) };
        assert_eq!(
            closing_line(&done, true, took),
            "── exit code 0, TASK_DONE, 1.2 s, 1 left-over process ended ──"
        );
        let killed = AttemptResult { leftovers: 2, ..ended(Some(AgentExit::Signal(9))) };
        assert_eq!(
            closing_line(&killed, true, took),
            "── ended by signal 9, no signal, 1.2 s, 2 left-over processes ended ──"
        );
        assert_eq!(closing_line(&ended(Some(AgentExit::Code(4))), false, took), "── exit code 4, 1.2 s ──");
    }
}
