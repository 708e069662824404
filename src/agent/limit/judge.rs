//! Decides what one statement with authority means.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use regex::Captures;

use super::error_text::ErrorText;
use super::family::Family;
use super::fields::{ErrorFields, ResetTime, too_soon};
use super::kind::LimitKind;
use super::message::{RETRYING, THIS_MODEL};
use super::patterns::{LIBRARY, PatternMeaning, ResetRule, WordingPattern};
use super::times::{self, ResetForm, TimeContext};
use crate::agent::sanitise::sanitise;
use crate::agent::session_error::ends_session;

/// An agent that waits longer than this before its own retry counts as stopped.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// Characters kept of a vendor's words.
const MESSAGE_CHARS: usize = 300;

/// What all messages of one classification share.
#[derive(Debug, Clone, Copy)]
pub(super) struct JudgeContext<'a> {
    pub(super) own: &'a [WordingPattern],
    pub(super) now: Timestamp,
    pub(super) zone: &'a TimeZone,
}

/// How much authority a statement has, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StatementRank {
    /// A line of text.
    Line,
    /// An error record that a success may still follow.
    Notice,
    /// An event about a window of the plan.
    Window,
    /// The record that ends the stream.
    End,
}

/// Words with authority, and their fields.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) family: Family,
    pub(super) rank: StatementRank,
    /// When it was printed.
    pub(super) at: Timestamp,
    pub(super) text: String,
    pub(super) fields: ErrorFields,
    /// Whether the program itself calls it an error.
    pub(super) marked: bool,
    /// Whether the program was ended from outside. Then only its own plan to wait for long counts.
    pub(super) killed: bool,
    /// Whether the program gave up by itself. Then its last plan to retry did not help.
    pub(super) gave_up: bool,
}

/// What a statement means.
#[derive(Debug, Clone)]
pub(super) struct LimitFinding {
    /// [`LimitKind::None`] means that the words are known and are not a limit.
    pub(super) kind: LimitKind,
    pub(super) rank: StatementRank,
    pub(super) reset: Option<ResetTime>,
    /// The pattern, code or status that decided.
    pub(super) source: String,
    pub(super) scope: Option<String>,
    pub(super) message: String,
}

/// The text with plain apostrophes, spaces and middle dots, and without control characters.
pub(super) fn normalise(text: &str) -> String {
    let plain = |c: char| match c {
        '\u{2019}' | '\u{2018}' | '\u{2bc}' => '\'',
        '\u{202f}' | '\u{a0}' | '\u{2009}' => ' ',
        '\u{2219}' | '\u{2022}' | '\u{22c5}' => '·',
        c => c,
    };
    sanitise(text.as_bytes()).chars().map(plain).collect()
}

/// Judges a statement. `None` if its words are unknown.
pub(super) fn judge(statement: &Statement, context: &JudgeContext<'_>) -> Option<LimitFinding> {
    let text = normalise(&statement.text);
    let (text, pause) = match retry_notice(&text, statement.at, statement.gave_up) {
        RetryNotice::None => (text, None),
        RetryNotice::Soon => return Some(no_limit(statement.rank, RETRYING)),
        RetryNotice::Late(text, until) => (text, Some(until)),
    };
    if statement.killed && pause.is_none() {
        return None;
    }
    let body = LIBRARY.stripped(text.trim());
    let mut texts = vec![body.to_owned()];
    texts.extend(statement.fields.messages.iter().map(|m| LIBRARY.stripped(normalise(m).trim()).to_owned()));
    let own = own_wording(context.own, &texts, text.trim());
    let is_own = own.is_some();
    let error = ErrorText::read(&text, statement.marked);
    let known = own
        .or_else(|| built_in_wording(LIBRARY.patterns_for(statement.family), &texts))
        .or_else(|| words_of_error(statement, &error, &texts));
    let by_text = known.as_ref().map(|(p, _)| (p.meaning.kind(), p.name.clone()));
    if matches!(&by_text, Some((LimitKind::None, _))) {
        return by_text.map(|(_, name)| no_limit(statement.rank, &name));
    }
    let (kind, source) =
        if is_own { by_text } else { weigh(statement, &error, body, by_text) }.or_else(|| {
            // many programs retry something: only one that speaks of a service means a limit
            let speaks = LIBRARY.service.is_match(body);
            pause.filter(|_| speaks).map(|_| (LimitKind::RateLimited, RETRYING.to_owned()))
        })?;
    let session = LIBRARY.session.is_match(first_line(body));
    let times = TimeContext { now: statement.at, zone: context.zone, session };
    let mut reset = reset_time(kind, statement, known.as_ref(), &texts, times);
    let pause = pause.map(|at| ResetTime::new(at, ResetForm::Duration.weight(), "retrying"));
    if let Some(pause) = pause.filter(|_| !matches!(kind, LimitKind::Auth | LimitKind::Billing))
        && reset.is_none_or(|reset| {
            // the program's own plan, where that is short
            let soon = pause.at.duration_since(statement.at) <= PATIENCE;
            soon && reset.field == ResetForm::Duration.name() && reset.at < pause.at
        })
    {
        reset = Some(pause);
    }
    let message = texts.iter().find(|t| !t.is_empty() && !t.starts_with('{'));
    Some(LimitFinding {
        kind,
        rank: statement.rank,
        reset,
        source,
        scope: scope(known.as_ref().map(|(_, found)| found), &statement.fields),
        message: one_line(message.map_or(body, String::as_str)),
    })
}

/// A pattern and what it captured.
type KnownWording<'a> = (&'a WordingPattern, Captures<'a>);

/// The first of the user's patterns that matches a stripped text or the whole one.
fn own_wording<'a>(
    own: &'a [WordingPattern],
    texts: &'a [String],
    whole: &'a str,
) -> Option<KnownWording<'a>> {
    own.iter().find_map(|p| {
        let mut candidates = texts.iter().map(String::as_str).chain([whole]);
        candidates.find_map(|t| p.find(first_line(t), t)).map(|found| (p, found))
    })
}

fn built_in_wording<'a>(
    patterns: impl Iterator<Item = &'a WordingPattern>,
    texts: &'a [String],
) -> Option<KnownWording<'a>> {
    patterns
        .filter(|p| p.meaning != PatternMeaning::Skip)
        .find_map(|p| texts.iter().find_map(|t| p.find(first_line(t), t)).map(|found| (p, found)))
}

/// The words of a text that its program calls an error. A session that is over, and a request that is refused as it is, are
/// no trouble of the service, whatever else their error says.
fn words_of_error<'a>(
    statement: &Statement,
    error: &ErrorText,
    texts: &'a [String],
) -> Option<KnownWording<'a>> {
    let coded = |code: &String| LIBRARY.code(statement.family, code).or_else(|| LIBRARY.hint(code)).is_some();
    if !error.is_error || statement.fields.codes.iter().chain(&error.classes).any(coded) {
        return None;
    }
    let found = built_in_wording(LIBRARY.patterns_for_errors(), texts)?;
    let status = statement.fields.status.or(error.status);
    let refused = status.is_some_and(|status| LIBRARY.status(status).is_none())
        || texts.iter().any(|text| ends_session(text, false));
    let person = matches!(found.0.meaning.kind(), LimitKind::Auth | LimitKind::Billing);
    (person || !refused).then_some(found)
}

/// A finding that the words are known and are not a limit.
fn no_limit(rank: StatementRank, source: &str) -> LimitFinding {
    let source = source.to_owned();
    LimitFinding { kind: LimitKind::None, rank, reset: None, source, scope: None, message: String::new() }
}

/// Weighs, in this order: codes that decide, words, codes that hint, statuses. A limit that needs a person comes before
/// one that needs time.
fn weigh(
    statement: &Statement,
    error: &ErrorText,
    body: &str,
    by_text: Option<(LimitKind, String)>,
) -> Option<(LimitKind, String)> {
    let fields = &statement.fields;
    let coded = fields.codes.iter().find_map(|code| {
        let kind = LIBRARY.code(statement.family, code)?;
        Some((kind, format!("code {code}")))
    });
    let coded = if fields.zero {
        Some((LimitKind::Billing, "quota of zero".to_owned()))
    } else if coded.is_none() && fields.daily {
        Some((LimitKind::QuotaExhausted, "quota per day".to_owned()))
    } else {
        coded
    };
    for kind in [LimitKind::Auth, LimitKind::Billing] {
        if let Some(found) = [&by_text, &coded].into_iter().flatten().find(|(k, _)| *k == kind) {
            return Some(found.clone());
        }
    }
    // the words may be more precise than the code, but they cannot change its kind
    if let (Some(text), Some(code)) = (&by_text, &coded) {
        return Some(if text.0 == code.0 { text.clone() } else { code.clone() });
    }
    let unpaid = || {
        // the same words throttle where they say when to try again
        let throttles = LIBRARY.resets.iter().any(|(_, regex)| regex.is_match(body));
        let hint = fields.codes.iter().find(|code| LIBRARY.hint(code) == Some(LimitKind::Billing))?;
        (!throttles).then(|| (LimitKind::Billing, format!("code {hint}")))
    };
    if by_text.as_ref().is_some_and(|(kind, _)| *kind == LimitKind::RateLimited)
        && let Some(found) = unpaid()
    {
        return Some(found);
    }
    if let Some(found) = coded.or(by_text) {
        return Some(found);
    }
    let mut names = fields.codes.iter().chain(&error.classes);
    let hint = names.find_map(|code| Some((LIBRARY.hint(code)?, format!("code {code}"))));
    let status =
        fields.status.or(error.status).and_then(|s| Some((LIBRARY.status(s)?, format!("status {s}"))));
    let (kind, source) = hint.or(status)?;
    // unknown words: a limit with a clock time is a window of the plan, not a throttle
    let window = kind == LimitKind::RateLimited
        && body.contains("limit")
        && LIBRARY.resets.iter().any(|(form, regex)| *form == ResetForm::Clock && regex.is_match(body));
    Some((if window { LimitKind::QuotaExhausted } else { kind }, source))
}

/// When the limit ends: a field beats the text.
fn reset_time(
    kind: LimitKind,
    statement: &Statement,
    known: Option<&KnownWording<'_>>,
    texts: &[String],
    times: TimeContext<'_>,
) -> Option<ResetTime> {
    let rule = known.map_or(ResetRule::Usual, |(pattern, _)| pattern.reset);
    if kind == LimitKind::Auth || rule == ResetRule::None || statement.fields.zero {
        return None;
    }
    let daily =
        statement.fields.daily || texts.iter().any(|t| t.contains("daily quota") || t.contains("per day"));
    let from_text = match (rule, known) {
        (ResetRule::Own(form), Some((_, found))) => times::read(form, found, times).map(|at| (form, at)),
        _ => texts.iter().find_map(|text| usual_reset(text, times)),
    };
    let from_text = from_text
        .filter(|(form, at)| *form != ResetForm::Duration || !(daily && too_soon(*at, times.now)))
        .filter(|(form, _)| kind != LimitKind::Billing || *form != ResetForm::Duration)
        .map(|(form, at)| ResetTime::new(at, form.weight(), form.name()));
    let from_fields = statement.fields.reset(times.now).filter(|_| kind != LimitKind::Billing);
    from_fields.or(from_text)
}

/// The reset in the first of the usual forms that occurs. If it cannot be read, no other form is tried.
fn usual_reset(text: &str, times: TimeContext<'_>) -> Option<(ResetForm, Timestamp)> {
    let (form, found) =
        LIBRARY.resets.iter().find_map(|(form, regex)| Some((*form, regex.captures(text)?)))?;
    times::read(form, &found, times).map(|at| (form, at))
}

/// What a text says about the agent's own retry.
enum RetryNotice {
    None,
    /// The agent retries soon, so it is not stopped.
    Soon,
    /// The rest of the text, and when the agent would retry.
    Late(String, Timestamp),
}

/// What the text says about the agent's own retry. An agent that gave up will not retry, if its words are such a notice
/// from the beginning.
fn retry_notice(text: &str, now: Timestamp, gave_up: bool) -> RetryNotice {
    let Some(found) = LIBRARY.retrying.iter().find_map(|regex| regex.captures(text)) else {
        return RetryNotice::None;
    };
    let pause = found.name("dur").and_then(|dur| times::duration(dur.as_str()));
    let begins = found.get(0).is_some_and(|all| all.start() == 0 && all.end() < text.trim_end().len());
    let counts = |pause: &SignedDuration| *pause > PATIENCE || (gave_up && begins);
    let Some(until) = pause.filter(counts).and_then(|p| times::after(now, p)) else {
        return RetryNotice::Soon;
    };
    let rest =
        found.get(0).map_or(String::new(), |all| format!("{}{}", &text[..all.start()], &text[all.end()..]));
    let rest = rest.trim().trim_start_matches([':', '(']).trim_start();
    let attempt = rest.strip_prefix("Attempt ").and_then(|r| r.split_once(" failed: "));
    let rest = attempt.filter(|(n, _)| n.parse::<u32>().is_ok()).map_or(rest, |(_, rest)| rest);
    RetryNotice::Late(rest.to_owned(), until)
}

/// The limited model: a pattern's group, what is left of "your … limit", or a field.
fn scope(found: Option<&Captures<'_>>, fields: &ErrorFields) -> Option<String> {
    let group = |name: &str| found?.name(name).map(|m| m.as_str());
    let text = match group("model") {
        Some(model) => model.to_owned(),
        None => group("what")
            .or_else(|| group("what2"))
            .map(|words| LIBRARY.windows.replace_all(words, "").into_owned())
            .unwrap_or_default(),
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let named = text.chars().any(char::is_alphanumeric).then_some(text);
    named.or_else(|| fields.model.clone()).or_else(|| group("this").map(|_| THIS_MODEL.to_owned()))
}

pub(super) fn first_line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).map_or("", str::trim_end)
}

/// The vendor's words in one line.
pub(super) fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(MESSAGE_CHARS).collect()
}
