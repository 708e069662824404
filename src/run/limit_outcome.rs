//! PURE. Recognises a limit in what an agent printed, and names the way out.

use jiff::tz::TimeZone;

use crate::agent::event::Channel;
use crate::agent::limit::{Family, LimitKind, PrintedMessage, THIS_MODEL, WordingPattern, classify_all};
use crate::config::Backend;
use crate::state::Outcome;
use crate::state::outcome::TimedOut;
use crate::store::attempt_result::{AgentExit, AttemptResult};

/// The exit code of a program that TERM ended.
const ENDED_FROM_OUTSIDE: i32 = 143;
/// Lines in which a notice that the CLI retries is looked for: a stack trace may follow it.
const TRACE: usize = 40;
/// Over so many lines a notice may be wrapped.
const WRAPPED: usize = 3;
/// Lines of stderr that are read of a program that ended well.
const LAST_WORDS: usize = 6;

/// The outcome of an attempt that a limit ended; `None` if no limit did. An end that has another explanation is not a
/// limit: the agent asked, succeeded, was ended by hand or never began.
#[must_use]
pub fn limited(
    outcome: &Outcome,
    facts: &AttemptResult,
    name: &str,
    backend: Option<&Backend>,
    zone: &TimeZone,
) -> Option<Outcome> {
    // an agent may end well without having been let in
    let unsaid = !facts.done && facts.verdict.is_none();
    let open = matches!(
        outcome,
        Outcome::Failed { .. }
            | Outcome::NoSignal
            | Outcome::NoVerdict
            | Outcome::Signaled { .. }
            | Outcome::TimedOut { .. }
    ) || (*outcome == Outcome::Done && unsaid);
    if !open {
        return None;
    }
    let was_silent = matches!(facts.timed_out, Some(TimedOut::Idle | TimedOut::FirstOutput));
    let (family, own) = match backend {
        Some(backend) => (family(name, backend), patterns(name, backend)),
        None => (Family::of([name]), Vec::new()),
    };
    // where seqorch ended the process, its exit code proves nothing: a silent agent has given up, and of a busy one only
    // its own plan to wait counts
    let exit = match facts.exit {
        _ if was_silent || facts.stated.is_some() => Some(1),
        _ if facts.timed_out.is_some() => Some(ENDED_FROM_OUTSIDE),
        Some(AgentExit::Code(0)) if unsaid => None,
        Some(AgentExit::Code(code)) => Some(code),
        _ => None,
    };
    let ended_well = facts.exit == Some(AgentExit::Code(0)) && facts.timed_out.is_none();
    // in the order of their output; consecutive lines of one channel are one message
    let mut texts: Vec<(Channel, String)> = Vec::new();
    let stderr = facts.error_records.iter().filter(|record| record.channel == Channel::Stderr).count();
    let mut skipped = match () {
        // the agent continued after it
        () if facts.timed_out.is_some() && facts.stdout_bytes > 0 && !facts.stderr_is_last => stderr,
        // the program itself says that all is well, so only its very last words can say otherwise
        () if ended_well => stderr.saturating_sub(LAST_WORDS),
        () => 0,
    };
    for record in &facts.error_records {
        let channel = record.channel;
        if channel == Channel::Stderr && skipped > 0 {
            skipped -= 1;
            continue;
        }
        match texts.last_mut() {
            Some((last, text)) if *last == channel => {
                text.push('\n');
                text.push_str(&record.text);
            }
            _ => texts.push((channel, record.text.clone())),
        }
    }
    let messages: Vec<PrintedMessage<'_>> = texts
        .iter()
        .map(|(channel, text)| PrintedMessage { family, channel: *channel, exit, text })
        .collect();
    let gave_up = was_silent || facts.stated.is_some();
    let mut verdict = classify_all(&messages, &own, facts.ended_at, zone);
    if verdict.kind == LimitKind::None && gave_up {
        // some CLIs say it only in the log that they were asked to print there
        let logs: Vec<PrintedMessage<'_>> = messages
            .iter()
            .filter(|message| message.channel == Channel::Stderr)
            .map(|message| PrintedMessage { channel: Channel::Log, ..*message })
            .collect();
        verdict = classify_all(&logs, &own, facts.ended_at, zone);
    }
    if verdict.kind == LimitKind::None {
        // it was silent because its CLI kept retrying
        let why = facts.retrying.clone().or_else(|| printed_retry(&texts));
        let why = why.filter(|_| gave_up)?;
        let limit = LimitKind::of_retry(&why);
        return Some(Outcome::Limited { limit, why, until: None, model: None });
    }
    Some(Outcome::Limited {
        limit: verdict.kind,
        why: verdict.message,
        until: verdict.until,
        // a limit that names no model counts for the whole account
        model: verdict
            .scope
            .and_then(|named| if named == THIS_MODEL { facts.model.clone() } else { Some(named) }),
    })
}

/// The last notice that the CLI retries. Some wrap it over several lines, and some print a stack trace behind it.
fn printed_retry(texts: &[(Channel, String)]) -> Option<String> {
    let last = |channel| {
        let text = &texts.iter().rfind(|(of, _)| *of == channel)?.1;
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let lines = &lines[lines.len().saturating_sub(TRACE)..];
        let from = |at: usize, count: usize| lines[at..lines.len().min(at + count)].join(" ");
        let says = |text: &str| {
            let lower = text.to_lowercase();
            ["retrying in ", "retrying with ", "retrying after ", "attempt #"]
                .iter()
                .any(|word| lower.contains(word))
                // `Retrying <unknown> in 4 seconds as it raised …`
                || lower.starts_with("retrying ") && lower.contains(" seconds as it raised ")
        };
        let at = (0..lines.len()).rev().find(|at| says(&from(*at, WRAPPED)))?;
        // a notice that is wrapped begins with its reason
        let notice = if says(lines[at]) {
            at..at + 1
        } else {
            at.saturating_sub(WRAPPED)..lines.len().min(at + WRAPPED)
        };
        Some(lines[notice].join(" "))
    };
    last(Channel::Stderr).or_else(|| last(Channel::Stdout))
}

/// How to fix a limit that does not end by itself; `None` if it does.
#[must_use]
pub fn how_to_fix(kind: LimitKind, program: &str, backend: &str) -> Option<String> {
    let login = match Family::of([program, backend]) {
        Family::Claude => "`claude` and type /login",
        Family::Codex => "`codex login`",
        Family::Gemini => "`gemini` and type /auth",
        Family::Opencode => "`opencode auth login`",
        _ => "its own login command",
    };
    match kind {
        LimitKind::Auth => Some(format!("log in with {login}, then run again")),
        LimitKind::Billing => Some("fix the plan or the credits of that account, then run again".to_owned()),
        _ => None,
    }
}

/// The vendor whose wordings count for a backend.
#[must_use]
pub fn family(name: &str, backend: &Backend) -> Family {
    backend.family(name)
}

/// The user's patterns for a backend. The configuration check has accepted them.
#[must_use]
pub fn patterns(name: &str, backend: &Backend) -> Vec<WordingPattern> {
    let each =
        backend.limit_patterns.iter().enumerate().filter_map(|(index, pattern)| {
            pattern.wording(&format!("backend.{name}.limit_patterns[{index}]"))
        });
    each.collect()
}
