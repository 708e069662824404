//! PURE. Judges an attempt by its facts.

use crate::agent::CliVerdict;
use crate::agent::question;
use crate::agent::session_error::ends_session;
use crate::config::DoneSignal;
use crate::state::outcome::TimedOut;
use crate::state::{Learned, Outcome, WindowUse};
use crate::store::attempt_result::{AgentExit, AttemptResult};

/// The failure of an agent that is read as JSON and ended well without the last record of it. Most often its command prints
/// plain text.
const NO_RECORD: &str = "it ended without its closing record: its output was cut off, or is not the JSON that `output` of its \
                         [backend.NAME] says; if it prints plain text, set output = \"text\" there";

/// Judges in this order: cancelled, timed out, not started, HALT, a failure (by the exit code or by the agent's closing
/// record), DONE. A failure beats DONE, because an agent may print DONE and then fail. HALT beats a failure.
///
/// A CLI that closed its stream with success and then hung until the idle timeout has done its work. Some CLIs never exit,
/// and a retry would repeat the work.
#[must_use]
pub fn judge(facts: &AttemptResult, signal: DoneSignal) -> Outcome {
    if let Some(by) = facts.cancelled {
        return Outcome::Cancelled { by };
    }
    if facts.stated.is_some() {
        return Outcome::Failed { code: 0, why: facts.stated.clone() };
    }
    let hung_at_exit = facts.timed_out == Some(TimedOut::Idle) && facts.verdict == Some(CliVerdict::Success);
    if let Some(which) = facts.timed_out.filter(|_| !hung_at_exit) {
        return Outcome::TimedOut { which };
    }
    if let Some(why) = &facts.unavailable {
        return Outcome::Unavailable { why: why.clone() };
    }
    if let Some(question) = &facts.halt {
        return Outcome::Halted { question: question.clone() };
    }
    let code = match facts.exit {
        // the idle timeout ended it, so its exit says nothing
        _ if hung_at_exit => 0,
        None => return Outcome::Lost,
        Some(AgentExit::Signal(signal)) => return Outcome::Signaled { signal },
        Some(AgentExit::Code(code)) => code,
    };
    let why = match &facts.verdict {
        Some(CliVerdict::Failure(why)) => Some(why.clone()),
        // some CLIs exit with 0 when they are stopped
        Some(CliVerdict::Unknown) if code == 0 => Some(NO_RECORD.to_owned()),
        // of a CLI that says nothing else, its last line on stderr says most
        None | Some(CliVerdict::Unknown) if code != 0 => last_line(&facts.stderr_tail),
        _ => None,
    };
    if code != 0 || why.is_some() {
        Outcome::Failed { code, why }
    } else if facts.done || signal == DoneSignal::Optional {
        Outcome::Done
    } else {
        Outcome::NoSignal
    }
}

/// The outcome in words that name the backend.
#[must_use]
pub fn of_backend(outcome: Outcome, backend: &str) -> Outcome {
    match outcome {
        Outcome::Failed { code, why: Some(why) } if why == NO_RECORD => {
            Outcome::Failed { code, why: Some(why.replace("NAME", backend)) }
        }
        other => other,
    }
}

/// Judges a review in the same order. Only a verdict is an answer.
#[must_use]
pub fn judge_review(facts: &AttemptResult) -> Outcome {
    let answer = AttemptResult { halt: None, done: facts.approves.is_some(), ..facts.clone() };
    match (judge(&answer, DoneSignal::Required), facts.approves) {
        (Outcome::Done, Some(true)) => Outcome::Approved,
        (Outcome::Done, _) => {
            let said = facts.last_words.trim();
            let findings = if said.is_empty() { "the reviewer does not say which" } else { said };
            Outcome::ChangesWanted { findings: findings.to_owned() }
        }
        (Outcome::NoSignal, _) => Outcome::NoVerdict,
        (outcome, _) => outcome,
    }
}

fn last_line(text: &str) -> Option<String> {
    text.lines().map(str::trim).rfind(|line| line.chars().any(char::is_alphanumeric)).map(str::to_owned)
}

/// Why a verify command failed; `None` if it succeeded. A signal in its output does not count.
#[must_use]
pub fn failure(facts: Option<&AttemptResult>) -> Option<Outcome> {
    let Some(facts) = facts else { return Some(Outcome::Lost) };
    // the output of a command is shown with its failure
    let facts = AttemptResult { halt: None, stderr_tail: String::new(), ..facts.clone() };
    Some(judge(&facts, DoneSignal::Optional)).filter(|outcome| *outcome != Outcome::Done)
}

/// A refusal to resume a session has at most this many bytes of stdout.
const ONLY_A_REFUSAL: u64 = 8192;

/// What is known of an attempt apart from its outcome; `resumed`: it was to resume a session.
#[must_use]
pub fn learned(facts: &AttemptResult, resumed: bool) -> Learned {
    let spoke = !facts.last_words.is_empty() || facts.halt.is_some() || facts.done;
    let used = facts.usage.as_ref().and_then(|usage| usage.output).is_some_and(|tokens| tokens > 0);
    Learned {
        session: facts.session.clone(),
        model: facts.model.clone(),
        usage: facts.usage,
        window: facts.utilization.as_deref().and_then(WindowUse::of_claude),
        after: facts.after.clone(),
        untrusted: Vec::new(),
        undone: Vec::new(),
        session_total: facts.usage.filter(|usage| usage.cumulative),
        // a CLI that cannot resume a session prints only a line or two
        worked: spoke || used || facts.stdout_bytes > ONLY_A_REFUSAL,
        session_over: session_over(facts, resumed),
        over_at: None,
        unchanged: false,
        login_worked: false,
        denied: facts.denied.clone(),
        asks: question::asked(&facts.last_words),
    }
}

/// Whether the CLI says that the session cannot continue.
fn session_over(facts: &AttemptResult, resumed: bool) -> bool {
    let failed = match (facts.exit, &facts.verdict) {
        (_, Some(CliVerdict::Failure(_))) => true,
        (Some(AgentExit::Code(code)), _) => code != 0 && facts.timed_out.is_none(),
        _ => false,
    };
    let words = facts.error_records.iter().map(|record| record.text.as_str());
    let last = facts.last_words.lines().last().filter(|_| facts.verdict.is_none());
    let mut said =
        facts.error.as_deref().into_iter().chain(words).chain(last).chain([facts.stderr_tail.as_str()]);
    failed && !facts.done && said.any(|error| ends_session(error, resumed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::outcome::CancelledBy;

    fn facts() -> AttemptResult {
        AttemptResult { exit: Some(AgentExit::Code(0)), ..AttemptResult::begun(jiff::Timestamp::UNIX_EPOCH) }
    }

    #[test]
    fn a_stream_without_its_last_record_names_the_section_of_its_backend() {
        let facts = AttemptResult { verdict: Some(CliVerdict::Unknown), ..facts() };
        let outcome = of_backend(judge(&facts, DoneSignal::Required), "claude");
        let text = outcome.to_string();
        assert!(text.contains("`output` of its [backend.claude] says"), "{text}");
    }

    #[test]
    fn done_needs_its_signal_and_a_good_end() {
        assert_eq!(judge(&facts(), DoneSignal::Required), Outcome::NoSignal);
        assert_eq!(judge(&facts(), DoneSignal::Optional), Outcome::Done);
        let done = AttemptResult { done: true, ..facts() };
        assert_eq!(judge(&done, DoneSignal::Required), Outcome::Done);
        let failed = AttemptResult { exit: Some(AgentExit::Code(3)), ..done };
        assert_eq!(judge(&failed, DoneSignal::Required), Outcome::Failed { code: 3, why: None });
    }

    #[test]
    fn a_signal_in_the_output_of_a_check_neither_fails_nor_saves_it() {
        let says = |code| AttemptResult {
            halt: Some("Which?".into()),
            exit: Some(AgentExit::Code(code)),
            ..facts()
        };
        assert_eq!(failure(Some(&says(0))), None);
        assert_eq!(failure(Some(&says(4))), Some(Outcome::Failed { code: 4, why: None }));
        assert_eq!(failure(None), Some(Outcome::Lost));
    }

    #[test]
    fn an_agent_that_says_it_failed_has_failed_whatever_its_exit_code() {
        let failed = |code, verdict| {
            let facts = AttemptResult {
                done: true,
                exit: Some(AgentExit::Code(code)),
                verdict: Some(verdict),
                ..facts()
            };
            judge(&facts, DoneSignal::Optional)
        };
        let why = |why: &str| Some(why.to_owned());
        let refused = CliVerdict::Failure("refused".into());
        assert_eq!(failed(0, refused.clone()), Outcome::Failed { code: 0, why: why("refused") });
        assert_eq!(failed(1, refused), Outcome::Failed { code: 1, why: why("refused") });
        assert_eq!(failed(1, CliVerdict::Success), Outcome::Failed { code: 1, why: None });
        assert!(matches!(failed(0, CliVerdict::Unknown), Outcome::Failed { code: 0, why: Some(_) }));
        assert_eq!(failed(0, CliVerdict::Success), Outcome::Done);
    }

    #[test]
    fn halt_beats_done_and_a_bad_end() {
        let both = AttemptResult {
            done: true,
            halt: Some("A or B?".into()),
            exit: Some(AgentExit::Code(1)),
            ..facts()
        };
        assert_eq!(judge(&both, DoneSignal::Required), Outcome::Halted { question: "A or B?".into() });
    }

    #[test]
    fn an_attempt_that_was_ended_from_outside_is_never_done() {
        let late = AttemptResult { done: true, timed_out: Some(TimedOut::Idle), ..facts() };
        assert_eq!(judge(&late, DoneSignal::Required), Outcome::TimedOut { which: TimedOut::Idle });
        let ended = AttemptResult { cancelled: Some(CancelledBy::HangUp), halt: Some(String::new()), ..late };
        assert_eq!(judge(&ended, DoneSignal::Required), Outcome::Cancelled { by: CancelledBy::HangUp });
    }

    #[test]
    fn a_cli_that_hangs_after_success_is_judged_by_its_signal() {
        let closed = |timed_out| AttemptResult {
            timed_out: Some(timed_out),
            exit: Some(AgentExit::Signal(15)),
            verdict: Some(CliVerdict::Success),
            ..facts()
        };
        let hung = closed(TimedOut::Idle);
        assert_eq!(judge(&hung, DoneSignal::Required), Outcome::NoSignal);
        assert_eq!(judge(&AttemptResult { done: true, ..hung.clone() }, DoneSignal::Required), Outcome::Done);
        let asks = AttemptResult { halt: Some("A or B?".into()), ..hung.clone() };
        assert_eq!(judge(&asks, DoneSignal::Required), Outcome::Halted { question: "A or B?".into() });
        // without its closing record the work may be unfinished
        let working = AttemptResult { done: true, verdict: Some(CliVerdict::Unknown), ..hung };
        assert_eq!(judge(&working, DoneSignal::Required), Outcome::TimedOut { which: TimedOut::Idle });
        let late = AttemptResult { done: true, ..closed(TimedOut::Total) };
        assert_eq!(judge(&late, DoneSignal::Required), Outcome::TimedOut { which: TimedOut::Total });
    }

    #[test]
    fn no_exit_is_lost_even_if_the_agent_said_done() {
        let gone = AttemptResult { done: true, exit: None, ..facts() };
        assert_eq!(judge(&gone, DoneSignal::Optional), Outcome::Lost);
    }
}
