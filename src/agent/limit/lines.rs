//! Which lines of a text have a say.
//!
//! A text may be an agent's whole transcript, so only its end is read, and only what is a program's own error from the
//! first to the last word. A program that was ended from outside has no say, except that it meant to wait.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;
use serde_json::Value;

use super::facts::Reader;
use super::judge::{self, Context, Finding, Rank, Said, normalise};
use super::patterns::{LIBRARY, Meaning};
use super::record::{self, Part};
use super::{Channel, Family, Message};

/// Lines of the end of a text that are looked at.
const TAIL: usize = 60;
/// Lines that may belong to one message.
const BLOCK: usize = 30;
/// Exit codes of programs that somebody ended: timeout, KILL, TERM.
const KILLED: [i32; 3] = [124, 137, 143];

/// How a program marks its own errors.
static MARK: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^[\s│⎿✕✗✖■🖐⚠]*(?:\d{4}-\d\d-\d\d[T ]\S+\s+ERROR\b|(?:ERROR|Error|error):\s|\[?API Error\b|Error when talking to Gemini API\b|(?:[A-Z]\w*)?(?:QuotaError|ApiError|APIError|APICallError)\b)",
    )
});
/// How Codex and others end: what follows is the last word.
static LAST_WORD: LazyLock<Regex> = LazyLock::new(|| regex(r"^ERROR:\s"));
/// A line of a log about an error.
static LOGGED: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"\bERROR\b|(?i:\blevel=error\b)|AI_\w*Error\b|"?statusCode"?[:=] ?4\d\d"#));
/// Texts in quotes on such a line.
static QUOTED: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"\b(?:error(?:\.\w+)?|message|cause)="((?:[^"\\]|\\.)*)""#));
/// A text without them, which is the rest of the line.
static UNQUOTED: LazyLock<Regex> = LazyLock::new(|| regex(r#"\b(?:error|cause)=([A-Za-z][^"{]*)$"#));
static STAMP: LazyLock<Regex> = LazyLock::new(|| regex(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"));
/// What may stand before the JSON of an error on a line; anything else is a sentence that quotes it.
static LEAD: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^(?:API Error:? ?)?\(?(?:\d{3} ?)?$|^(?:error=)?(?:http|unexpected status) \d{3} [A-Za-z ]+: (?:Some\()?.?$",
    )
});

fn regex(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| unreachable!("{text}: {error}"))
}

/// Adds what a message says to `parts`.
pub(super) fn read(message: &Message<'_>, context: &Context<'_>, parts: &mut Vec<Part>) {
    let read = Read { message, context, killed: message.exit.is_some_and(|code| KILLED.contains(&code)) };
    match message.channel {
        Channel::Event => read.events(parts),
        Channel::Stdout => read.stdout(parts),
        Channel::Stderr if message.exit == Some(0) => {}
        Channel::Stderr => read.stderr(parts),
        Channel::Log => read.log(parts),
    }
}

struct Read<'a> {
    message: &'a Message<'a>,
    context: &'a Context<'a>,
    killed: bool,
}

impl Read<'_> {
    /// Records; what is none of them is taken as the program's standard output.
    fn events(&self, parts: &mut Vec<Part>) {
        let whole = serde_json::from_str::<Value>(self.message.text).ok().filter(Value::is_object);
        if let Some(record) = whole {
            parts.extend(record::read(&record, self.message.family, self.context));
            return;
        }
        let mut rest = String::new();
        for line in self.message.text.lines() {
            if let Ok(record) = serde_json::from_str::<Value>(line.trim()) {
                parts.extend(record::read(&record, self.message.family, self.context));
            } else {
                rest.push_str(line);
                rest.push('\n');
            }
        }
        if !rest.trim().is_empty() {
            self.last(&rest, parts);
        }
    }

    fn stdout(&self, parts: &mut Vec<Part>) {
        let last = self.message.text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        if serde_json::from_str::<Value>(self.message.text).is_ok_and(|v| v.is_object())
            || serde_json::from_str::<Value>(last.trim()).is_ok_and(|v| v.is_object())
        {
            self.events(parts);
        } else {
            self.last(self.message.text, parts);
        }
    }

    /// The last thing said. Of a program that ended well, only a text that is nothing else: some end well on a limit.
    fn last(&self, text: &str, parts: &mut Vec<Part>) {
        let text = normalise(text);
        let lines: Vec<&str> = tail(&text);
        let Some(head) = lines.iter().rposition(|line| !says_nothing(line)) else { return };
        // it says that it goes on, with less
        if self.message.exit == Some(0) && lines[head].contains("automatically switch") {
            return;
        }
        let alone = lines[..head].iter().all(|line| says_nothing(line)) && lines.len() < TAIL;
        if self.message.exit != Some(0) || alone {
            let said = lines[head..].join("\n");
            parts.extend(self.judge(&said, false).map(Part::Sign));
        }
    }

    /// The errors at the end; a program's last word beats what it said on the way.
    fn stderr(&self, parts: &mut Vec<Part>) {
        // one error, printed over many lines
        if serde_json::from_str::<Value>(self.message.text).is_ok_and(|value| value.is_object()) {
            parts.extend(self.judge(self.message.text, true).map(Part::Sign));
            return;
        }
        let text = normalise(self.message.text);
        let lines: Vec<&str> = tail(&text);
        let marks: Vec<usize> = (0..lines.len()).filter(|at| MARK.is_match(lines[*at])).collect();
        let block = |from: usize| {
            let end = marks.iter().copied().find(|at| *at > from).unwrap_or(lines.len());
            lines[from..end.min(from + BLOCK)].join("\n")
        };
        let last_word = marks.iter().rev().find(|at| LAST_WORD.is_match(lines[**at]));
        let mut signs: Vec<Finding> = Vec::new();
        for at in &marks {
            if Some(at) == last_word {
                continue;
            }
            // an earlier `ERROR:` may have been overcome
            if last_word.is_none() || !LAST_WORD.is_match(lines[*at]) {
                signs.extend(self.judge(&block(*at), true));
            }
        }
        if let Some(at) = last_word {
            let last = self.judge(&block(*at), true);
            signs.retain(|sign| last.as_ref().is_some_and(|last| last.kind == sign.kind));
            signs.extend(last);
        } else {
            let head = lines.iter().rposition(|line| !says_nothing(line));
            if let Some(head) = head.filter(|head| !marks.contains(head)) {
                signs.extend(self.judge(&lines[head..].join("\n"), false));
            }
        }
        parts.extend(signs.into_iter().map(Part::Sign));
    }

    /// A log is the program's own; each of its errors counts, the last most.
    fn log(&self, parts: &mut Vec<Part>) {
        let mut rest = Vec::new();
        let lines: Vec<&str> = self.message.text.lines().filter(|line| !line.trim().is_empty()).collect();
        for line in &lines[lines.len().saturating_sub(TAIL)..] {
            if let Ok(record) = serde_json::from_str::<Value>(line.trim()) {
                parts.extend(record::read(&record, self.message.family, self.context));
            } else if LOGGED.is_match(line) {
                let said = self.said(line, true, false);
                parts.extend(judge::judge(&said, self.context).map(Part::Sign));
            } else {
                rest.push(*line);
            }
        }
        if let Some(last) = rest.last() {
            let said = self.said(&normalise(last), false, false);
            parts.extend(judge::judge(&said, self.context).map(Part::Sign));
        }
    }

    /// `marked`: the program itself calls it an error.
    fn judge(&self, text: &str, marked: bool) -> Option<Finding> {
        if let Some(record) = serde_json::from_str::<Value>(text.trim()).ok().filter(|_| !self.killed) {
            return match record::read(&record, self.message.family, self.context)? {
                Part::Sign(found) | Part::Failed(Some(found), _) => Some(found),
                Part::Success | Part::Failed(None, _) => None,
            };
        }
        judge::judge(&self.said(text, marked, self.killed), self.context)
    }

    fn said(&self, text: &str, marked: bool, killed: bool) -> Said {
        let at = STAMP.find(text).and_then(|stamp| stamp.as_str().parse::<Timestamp>().ok());
        let at = at.filter(|at| record::recent(*at, self.context.now)).unwrap_or(self.context.now);
        let mut reader = Reader::new(at, self.context.zone);
        let stripped = LIBRARY.stripped(text.trim());
        let lead = stripped.find(['{', '[']).map(|json| &stripped[..json]);
        if lead.is_some_and(|lead| LEAD.is_match(lead)) || (marked && STAMP.is_match(text)) {
            reader.text(stripped);
        }
        if marked && self.message.channel == Channel::Log {
            reader.text(stripped);
            for quoted in QUOTED.captures_iter(text) {
                reader.facts.messages.push(quoted[1].replace("\\\"", "\""));
            }
            if let Some(found) = UNQUOTED.captures(text) {
                reader.facts.messages.push(found[1].to_owned());
            }
        }
        let (family, text) = (self.message.family, text.to_owned());
        Said { family, rank: Rank::Line, at, text, facts: reader.facts, killed }
    }
}

/// The last lines that are not blank.
fn tail(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL)..].to_vec()
}

/// Whether a line only follows a message: a hint of what to do, a frame of a stack.
fn says_nothing(line: &str) -> bool {
    let patterns = LIBRARY.patterns_for(Family::Any).filter(|p| p.meaning == Meaning::Skip);
    let plain = LIBRARY.retrying.iter().all(|regex| !regex.is_match(line));
    plain && patterns.into_iter().any(|p| p.is_match(line))
}
