//! From one authoritative text with its fields to what it means.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use regex::Captures;

use super::facts::{self, Due, Facts};
use super::patterns::{LIBRARY, Meaning, Pattern, Reset};
use super::when::{self, Form, Frame};
use super::{Family, LimitKind, THIS_MODEL};
use crate::agent::sanitise::sanitise;

/// An agent that means to wait longer than this before it tries again by itself is as good as stopped.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// Characters kept of a vendor's words.
const SHOWN: usize = 300;

/// What holds for all messages of one call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) own: &'a [Pattern],
    pub(super) now: Timestamp,
    pub(super) zone: &'a TimeZone,
}

/// How much a text is to be trusted; the end of a stream above all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// A line of text.
    Line,
    /// An error record that may be followed by success.
    Notice,
    /// An event about a window of the plan.
    Window,
    /// The record that ends the stream.
    End,
}

/// Authoritative words and fields.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) family: Family,
    pub(super) rank: Rank,
    /// When it was said.
    pub(super) at: Timestamp,
    pub(super) text: String,
    pub(super) facts: Facts,
    /// The program was ended from outside: only its own plan to wait long counts.
    pub(super) killed: bool,
}

/// What was found.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    /// [`LimitKind::None`]: known to be no limit.
    pub(super) kind: LimitKind,
    pub(super) rank: Rank,
    pub(super) due: Option<Due>,
    /// Pattern, code or status.
    pub(super) source: String,
    pub(super) scope: Option<String>,
    pub(super) message: String,
}

/// Plain apostrophes, spaces and middle dots, and nothing that steers a terminal.
pub(super) fn normalise(text: &str) -> String {
    let plain = |c: char| match c {
        '\u{2019}' | '\u{2018}' | '\u{2bc}' => '\'',
        '\u{202f}' | '\u{a0}' | '\u{2009}' => ' ',
        '\u{2219}' | '\u{2022}' | '\u{22c5}' => '·',
        c => c,
    };
    sanitise(text.as_bytes()).chars().map(plain).collect()
}

/// `None`: nothing is known about such words.
pub(super) fn judge(said: &Said, context: &Context<'_>) -> Option<Finding> {
    let text = normalise(&said.text);
    let (text, pause) = match retrying(&text, said.at) {
        Retrying::No => (text, None),
        Retrying::Soon => return Some(no_limit(said.rank, "common.retrying")),
        Retrying::Late(text, until) => (text, Some(until)),
    };
    if said.killed && pause.is_none() {
        return None;
    }
    let body = LIBRARY.stripped(text.trim());
    let mut texts = vec![body.to_owned()];
    texts.extend(said.facts.messages.iter().map(|m| LIBRARY.stripped(normalise(m).trim()).to_owned()));
    let raw = text.trim();
    let mine = context.own.iter().find_map(|p| {
        let found = texts.iter().map(String::as_str).chain([raw]).find_map(|t| p.find(first_line(t), t));
        found.map(|found| (p, found))
    });
    let known = mine.or_else(|| {
        LIBRARY
            .patterns_for(said.family)
            .filter(|p| p.meaning != Meaning::Skip)
            .find_map(|p| texts.iter().find_map(|t| p.find(first_line(t), t)).map(|found| (p, found)))
    });
    let by_text = known.as_ref().map(|(p, _)| (p.meaning.kind(), p.name.clone()));
    if matches!(&by_text, Some((LimitKind::None, _))) {
        return by_text.map(|(_, name)| no_limit(said.rank, &name));
    }
    let decided = known.as_ref().is_some_and(|(p, _)| context.own.iter().any(|own| own.name == p.name));
    let (kind, source) = if decided { by_text } else { weigh(said, body, by_text) }
        .or_else(|| pause.map(|_| (LimitKind::RateLimited, "common.retrying".to_owned())))?;
    let frame =
        Frame { now: said.at, zone: context.zone, session: LIBRARY.session.is_match(first_line(body)) };
    let mut due = due(kind, said, known.as_ref(), &texts, frame);
    if due.is_none() && !matches!(kind, LimitKind::Auth | LimitKind::Billing) {
        due = pause.map(|at| Due::new(at, Form::Duration.weight(), "retrying"));
    }
    let message = texts.iter().find(|t| !t.is_empty() && !t.starts_with('{'));
    Some(Finding {
        kind,
        rank: said.rank,
        due,
        source,
        scope: scope(known.as_ref().map(|(_, found)| found), &said.facts),
        message: shown(message.map_or(body, String::as_str)),
    })
}

/// A finding that says: this is none.
fn no_limit(rank: Rank, source: &str) -> Finding {
    let source = source.to_owned();
    Finding { kind: LimitKind::None, rank, due: None, source, scope: None, message: String::new() }
}

/// Codes that decide, words, codes that hint, statuses; what needs a human comes before what needs time.
fn weigh(said: &Said, body: &str, by_text: Option<(LimitKind, String)>) -> Option<(LimitKind, String)> {
    let facts = &said.facts;
    let coded = facts.codes.iter().find_map(|code| {
        let kind = LIBRARY.code(said.family, code)?;
        Some((kind, format!("code {code}")))
    });
    let coded = if facts.zero {
        Some((LimitKind::Billing, "quota of zero".to_owned()))
    } else if coded.is_none() && facts.daily {
        Some((LimitKind::QuotaExhausted, "quota per day".to_owned()))
    } else {
        coded
    };
    for kind in [LimitKind::Auth, LimitKind::Billing] {
        if let Some(found) = [&by_text, &coded].into_iter().flatten().find(|(k, _)| *k == kind) {
            return Some(found.clone());
        }
    }
    // the words may say more than the code, never another kind
    if let (Some(text), Some(code)) = (&by_text, &coded) {
        return Some(if text.0 == code.0 { text.clone() } else { code.clone() });
    }
    if let Some(found) = coded.or(by_text) {
        return Some(found);
    }
    let hint = facts.codes.iter().find_map(|code| Some((LIBRARY.hint(code)?, format!("code {code}"))));
    let status = facts.status.and_then(|s| Some((LIBRARY.status(s)?, format!("status {s}"))));
    let (kind, source) = hint.or(status)?;
    // new words for an old thing: a limit with a clock on it is a window of the plan, not a throttle
    let window = kind == LimitKind::RateLimited
        && body.contains("limit")
        && LIBRARY.resets.iter().any(|(form, regex)| *form == Form::Clock && regex.is_match(body));
    Some((if window { LimitKind::QuotaExhausted } else { kind }, source))
}

fn due(
    kind: LimitKind,
    said: &Said,
    known: Option<&(&Pattern, Captures<'_>)>,
    texts: &[String],
    frame: Frame<'_>,
) -> Option<Due> {
    let reset = known.map_or(Reset::Usual, |(pattern, _)| pattern.reset);
    if kind == LimitKind::Auth || reset == Reset::None || said.facts.zero {
        return None;
    }
    let daily = said.facts.daily || texts.iter().any(|t| t.contains("daily quota") || t.contains("per day"));
    let from_text = match (reset, known) {
        (Reset::Own(form), Some((_, found))) => when::read(form, found, frame).map(|at| (form, at)),
        _ => texts.iter().find_map(|text| usual(text, frame)),
    };
    let from_text = from_text
        .filter(|(form, at)| *form != Form::Duration || !(daily && facts::too_soon(*at, frame.now)))
        .filter(|(form, _)| kind != LimitKind::Billing || *form != Form::Duration)
        .map(|(form, at)| Due::new(at, form.weight(), form.name()));
    let from_fields = said.facts.due(frame.now).filter(|_| kind != LimitKind::Billing);
    from_fields.or(from_text)
}

/// The first of the usual ways to name a reset; where that cannot be read, no other is tried.
fn usual(text: &str, frame: Frame<'_>) -> Option<(Form, Timestamp)> {
    let (form, found) =
        LIBRARY.resets.iter().find_map(|(form, regex)| Some((*form, regex.captures(text)?)))?;
    when::read(form, &found, frame).map(|at| (form, at))
}

enum Retrying {
    No,
    /// Soon enough to let it.
    Soon,
    /// The rest of the text, and when it means to go on.
    Late(String, Timestamp),
}

fn retrying(text: &str, now: Timestamp) -> Retrying {
    let Some(found) = LIBRARY.retrying.iter().find_map(|regex| regex.captures(text)) else {
        return Retrying::No;
    };
    let pause = found.name("dur").and_then(|dur| when::duration(dur.as_str()));
    let Some(until) = pause.filter(|p| *p > PATIENCE).and_then(|p| when::after(now, p)) else {
        return Retrying::Soon;
    };
    let rest =
        found.get(0).map_or(String::new(), |all| format!("{}{}", &text[..all.start()], &text[all.end()..]));
    let rest = rest.trim();
    let attempt = rest.strip_prefix("Attempt ").and_then(|r| r.split_once(" failed: "));
    let rest = attempt.filter(|(n, _)| n.parse::<u32>().is_ok()).map_or(rest, |(_, rest)| rest);
    Retrying::Late(rest.to_owned(), until)
}

/// The model that a message limits: what a pattern calls one, what is left of "your … limit", or a field's.
fn scope(found: Option<&Captures<'_>>, facts: &Facts) -> Option<String> {
    let group = |name: &str| found?.name(name).map(|m| m.as_str());
    let text = match group("model") {
        Some(model) => model.to_owned(),
        None => group("what")
            .or_else(|| group("what2"))
            .map(|what| LIBRARY.windows.replace_all(what, "").into_owned())
            .unwrap_or_default(),
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let named = text.chars().any(char::is_alphanumeric).then_some(text);
    named.or_else(|| facts.model.clone()).or_else(|| group("this").map(|_| THIS_MODEL.to_owned()))
}

pub(super) fn first_line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).map_or("", str::trim_end)
}

fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(SHOWN).collect()
}
