//! Which lines of a text have authority.
//!
//! A text may be an agent's whole transcript. So only its end counts, and only a line that is a program's own error from
//! its first to its last word. Of a program that was ended from outside, only its own plan to wait counts.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;
use serde_json::Value;

use super::error_text::ErrorText;
use super::family::Family;
use super::fields::FieldReader;
use super::judge::{JudgeContext, LimitFinding, Statement, StatementRank, judge, normalise, one_line};
use super::kind::LimitKind;
use super::message::PrintedMessage;
use super::patterns::{LIBRARY, PatternMeaning};
use super::records::{self, Evidence};
use crate::agent::event::Channel;

/// Lines that are read from the end of a text.
const TAIL: usize = 60;
/// Most lines of one message.
const BLOCK: usize = 30;
/// Most lines that an error is wrapped into.
const WRAPPED: usize = 8;
/// Lines above the last message in which a program that gave up may have said why.
const REACH: usize = 5;
/// Exit codes of a program that was ended from outside: timeout, KILL, TERM.
const KILLED: [i32; 3] = [124, 137, 143];

/// How a program marks its own errors.
static MARK: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^[\s│⎿✕✗✖■🖐⚠]*(?:·\s+ERROR\s|(?:[A-Z]\w*Error: )?litellm\.[A-Z]\w*Error:|\d{4}-\d\d-\d\d[T ]\S+\s+ERROR\b|(?:ERROR|Error|error):\s|ERROR [a-z]|error, status code: \d|Error code: [45]\d\d - |TypeError: (?:fetch failed|terminated)$|panic: |Exception in thread |Unhandled exception\. |rpc error: |\[?API Error\b|Error when talking to Gemini API\b|(?:[A-Z]\w*)?(?:QuotaError|ApiError|APIError|APICallError)\b)",
    )
});
/// How a library that talks to models begins an error.
static LIBRARY_ERROR: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^(?:(?:litellm|openai|anthropic|google\.genai)(?:\.\w+)*\.[A-Z]\w*(?:Error|Timeout): |Error code: [45]\d\d - |(?:AI_)?API(?:Call)?Error\b|\[?API Error: )",
    )
});
/// An error that says nothing but a status: `Error: 401 Unauthorized`.
static BARE_STATUS: LazyLock<Regex> =
    LazyLock::new(|| regex(r"^(?i:error): (?:HTTP )?[45]\d\d(?: [A-Z][A-Za-z]*){0,4}$"));
/// A status with its own phrase, and a reason or none: `429 Too Many Requests: slow down`. No sentence begins so.
static STATUS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)^(?:error: )?(?:HTTP )?(?:401:? Unauthorized|402:? Payment Required|403:? Forbidden|429:? Too Many Requests|500:? Internal Server Error|502:? Bad Gateway|503:? Service (?:Temporarily )?Unavailable|504:? Gateway Time-?out|529:? (?:Site is )?Overloaded)[.!]?(?:$|(?::\s+|\s+[-–—]\s+|\s*\()\S.{0,80}$)",
    )
});
/// A request of a tool, and no error of the service: `429 Too Many Requests - GET https://…`.
static FETCHED: LazyLock<Regex> =
    LazyLock::new(|| regex(r"\b(?:GET|HEAD|POST|PUT|PATCH|DELETE) (?i:https?)://"));
/// A line by which an agent continues its own words, or ends what it quotes. One in lower case continues a sentence.
static CONTINUES: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^[a-z][a-z'-]*,?\s+\S|^\s*```|(?:^|[^\w'])I(?:'[a-z]+)?[ ,]|(?i:^\s*(?:and|but|so|then|because|which)\b|\btests?\b)",
    )
});
/// How Codex and others begin their final error.
static FINAL: LazyLock<Regex> = LazyLock::new(|| regex(r"^ERROR:\s"));
/// A log line about an error.
static LOGGED: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"\bERROR\b|(?i:\blevel=error\b)|AI_\w*Error\b|"?statusCode"?[:=] ?4\d\d"#));
/// Quoted texts on a log line.
static QUOTED: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"\b(?:error(?:\.\w+)?|message|cause)="((?:[^"\\]|\\.)*)""#));
/// An unquoted text, which is the rest of the log line.
static UNQUOTED: LazyLock<Regex> = LazyLock::new(|| regex(r#"\b(?:error|cause)=([A-Za-z][^"{]*)$"#));
/// A log line's time.
static STAMP: LazyLock<Regex> = LazyLock::new(|| regex(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"));
/// What may precede the JSON of an error on a line. Any other text is a sentence that quotes the JSON.
static LEAD: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^(?:API Error:? ?)?\(?(?:\d{3}:? ?)?$|^(?:error=)?(?:http|unexpected status) \d{3} [A-Za-z ]+: (?:Some\()?.?$",
    )
});

fn regex(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| unreachable!("{text}: {error}"))
}

/// Adds a message's evidence to `evidence`.
pub(super) fn read(message: &PrintedMessage<'_>, context: &JudgeContext<'_>, evidence: &mut Vec<Evidence>) {
    let killed = message.exit.is_some_and(|code| KILLED.contains(&code));
    let gave_up = message.exit.is_some_and(|code| code != 0) && !killed;
    let reader = LineReader { message, context, killed, gave_up };
    match message.channel {
        Channel::Event => reader.events(evidence),
        Channel::Stdout => reader.stdout(evidence),
        Channel::Stderr if message.exit == Some(0) => {}
        Channel::Stderr => reader.stderr(evidence),
        Channel::Log => reader.log(evidence),
    }
}

/// The kind of limit that an agent ends with by its exit code, whatever its words are.
pub(super) fn by_exit(messages: &[PrintedMessage<'_>]) -> Option<LimitFinding> {
    let (code, kind) = messages.iter().find_map(|message| {
        let code = message.exit?;
        Some((code, LIBRARY.exit(message.family, code)?))
    })?;
    let words = messages.iter().rev().find_map(|message| last_message(message.text)).unwrap_or_default();
    Some(LimitFinding {
        kind,
        rank: StatementRank::Line,
        reset: None,
        source: format!("exit code {code}"),
        scope: None,
        message: one_line(&words),
    })
}

struct LineReader<'a> {
    message: &'a PrintedMessage<'a>,
    context: &'a JudgeContext<'a>,
    killed: bool,
    gave_up: bool,
}

impl LineReader<'_> {
    /// Reads records. Other lines count as the program's standard output.
    fn events(&self, evidence: &mut Vec<Evidence>) {
        let whole = serde_json::from_str::<Value>(self.message.text).ok().filter(Value::is_object);
        if let Some(record) = whole {
            evidence.extend(records::read(&record, self.message.family, self.context));
            return;
        }
        let mut rest = String::new();
        for line in self.message.text.lines() {
            if let Ok(record) = serde_json::from_str::<Value>(line.trim()) {
                evidence.extend(records::read(&record, self.message.family, self.context));
            } else {
                rest.push_str(line);
                rest.push('\n');
            }
        }
        if !rest.trim().is_empty() {
            self.last_line(&rest, evidence);
        }
    }

    fn stdout(&self, evidence: &mut Vec<Evidence>) {
        let last = self.message.text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        if serde_json::from_str::<Value>(self.message.text).is_ok_and(|v| v.is_object())
            || serde_json::from_str::<Value>(last.trim()).is_ok_and(|v| v.is_object())
        {
            self.events(evidence);
        } else {
            self.last_line(self.message.text, evidence);
        }
    }

    /// Reads the last message. Of a program that ended well, the message counts only if it is the whole text, because
    /// some programs end well at a limit.
    fn last_line(&self, text: &str, evidence: &mut Vec<Evidence>) {
        let text = normalise(text);
        let lines: Vec<&str> = tail(&text);
        let Some(head) = lines.iter().rposition(|line| !is_filler(line)) else { return };
        // the program continues with a lesser model
        if self.message.exit == Some(0) && lines[head].contains("automatically switch") {
            return;
        }
        let alone = lines[..head].iter().all(|line| is_filler(line)) && lines.len() < TAIL;
        if self.message.exit != Some(0) || alone {
            // an agent has more to say than a status
            let marked = is_status(&lines, head) || (alone && BARE_STATUS.is_match(lines[head]));
            let found = self.judge(&lines[head..].join("\n"), marked);
            evidence.extend(found.or_else(|| self.above(&lines, head)).map(Evidence::Sign));
        }
        if self.message.exit != Some(0) {
            evidence.extend(self.wrapped_error(&lines).map(Evidence::Sign));
        }
    }

    /// Reads the lines above the last message. After its reason to give up, a program may print a last word: what to buy,
    /// or a farewell. The last known wording counts.
    fn above(&self, lines: &[&str], head: usize) -> Option<LimitFinding> {
        if !self.gave_up {
            return None;
        }
        let found = (head.saturating_sub(REACH)..head)
            .rev()
            .take_while(|at| !is_prose(lines[at + 1]))
            .filter(|at| !lines[*at].starts_with(char::is_whitespace) && !is_quoted(lines, *at))
            .find_map(|at| self.judge(&lines[at..].join("\n"), is_status(lines, at)))?;
        // what a tool said of its network may be long over
        let stays = !matches!(found.kind, LimitKind::Network | LimitKind::ServerError);
        stays.then_some(found)
    }

    /// Reads the last error of a library that talks to models. Some agents print it in their text and continue in their
    /// own words, and they wrap its lines.
    fn wrapped_error(&self, lines: &[&str]) -> Option<LimitFinding> {
        let bare: Vec<&str> = lines.iter().map(|line| unboxed(line)).collect();
        let from = bare.iter().rposition(|line| LIBRARY_ERROR.is_match(line))?;
        let is_rule = |line: &str| line.starts_with("Retrying ") || line.chars().all(|c| "─━═-".contains(c));
        let words: Vec<&str> =
            bare[from..].iter().copied().take(WRAPPED).take_while(|line| !is_rule(line)).collect();
        self.judge(&words.join(" "), true)
    }

    /// Reads the errors at the end. A program's final error beats its earlier ones.
    fn stderr(&self, evidence: &mut Vec<Evidence>) {
        // one error that spans all lines
        if serde_json::from_str::<Value>(self.message.text).is_ok_and(|value| value.is_object()) {
            evidence.extend(self.judge(self.message.text, true).map(Evidence::Sign));
            return;
        }
        let text = normalise(self.message.text);
        let lines: Vec<&str> = tail(&text);
        let marks: Vec<usize> = (0..lines.len()).filter(|at| is_marked(lines[*at])).collect();
        let block = |from: usize| {
            let end = marks.iter().copied().find(|at| *at > from).unwrap_or(lines.len());
            lines[from..end.min(from + BLOCK)].join("\n")
        };
        let final_error = marks.iter().rev().find(|at| FINAL.is_match(lines[**at]));
        let mut signs: Vec<LimitFinding> = Vec::new();
        for at in &marks {
            if Some(at) == final_error {
                continue;
            }
            // the program may have recovered from an earlier `ERROR:`
            if final_error.is_none() || !FINAL.is_match(lines[*at]) {
                signs.extend(self.judge(&block(*at), true));
            }
        }
        if let Some(at) = final_error {
            let last = self.judge(&block(*at), true);
            signs.retain(|sign| last.as_ref().is_some_and(|last| last.kind == sign.kind));
            signs.extend(last);
        } else {
            let head = lines.iter().rposition(|line| !is_filler(line));
            if let Some(head) = head.filter(|head| !marks.contains(head)) {
                signs.extend(self.judge(&lines[head..].join("\n"), is_status(&lines, head)));
            }
            if let Some(head) = head.filter(|_| signs.is_empty()) {
                signs.extend(self.above(&lines, head));
            }
        }
        evidence.extend(signs.into_iter().map(Evidence::Sign));
    }

    /// Reads a log, which is the program's own. Each of its errors counts, the last one most.
    fn log(&self, evidence: &mut Vec<Evidence>) {
        let mut rest = Vec::new();
        let lines: Vec<&str> = self.message.text.lines().filter(|line| !line.trim().is_empty()).collect();
        for line in &lines[lines.len().saturating_sub(TAIL)..] {
            if let Ok(record) = serde_json::from_str::<Value>(line.trim()) {
                evidence.extend(records::read(&record, self.message.family, self.context));
            } else if LOGGED.is_match(line) {
                let statement = self.statement(line, true, false);
                evidence.extend(judge(&statement, self.context).map(Evidence::Sign));
            } else {
                rest.push(*line);
            }
        }
        if let Some(last) = rest.last() {
            let statement = self.statement(&normalise(last), false, false);
            evidence.extend(judge(&statement, self.context).map(Evidence::Sign));
        }
    }

    /// Judges a text. `marked` means that the program itself calls it an error.
    fn judge(&self, text: &str, marked: bool) -> Option<LimitFinding> {
        if let Some(record) = serde_json::from_str::<Value>(text.trim()).ok().filter(|_| !self.killed) {
            return match records::read(&record, self.message.family, self.context)? {
                Evidence::Sign(finding) | Evidence::Failed { finding: Some(finding), .. } => Some(finding),
                Evidence::Success | Evidence::Failed { finding: None, .. } => None,
            };
        }
        judge(&self.statement(text, marked, self.killed), self.context)
    }

    fn statement(&self, text: &str, marked: bool, killed: bool) -> Statement {
        let at = STAMP.find(text).and_then(|stamp| stamp.as_str().parse::<Timestamp>().ok());
        let at = at.filter(|at| records::is_recent(*at, self.context.now)).unwrap_or(self.context.now);
        let mut reader = FieldReader::new(at, self.context.zone);
        let stripped = LIBRARY.stripped(text.trim());
        let lead = stripped.find(['{', '[']).map(|json| &stripped[..json]);
        if lead.is_some_and(|lead| LEAD.is_match(lead)) || (marked && STAMP.is_match(text)) {
            reader.text(stripped);
        }
        if marked && self.message.channel == Channel::Log {
            reader.text(stripped);
            for quoted in QUOTED.captures_iter(text) {
                reader.fields.messages.push(quoted[1].replace("\\\"", "\""));
            }
            if let Some(found) = UNQUOTED.captures(text) {
                reader.fields.messages.push(found[1].to_owned());
            }
        }
        let (family, text) = (self.message.family, text.to_owned());
        let fields = reader.fields;
        let rank = StatementRank::Line;
        Statement { family, rank, at, text, fields, marked, killed, gave_up: self.gave_up }
    }
}

/// The last message of a text: the last line that is no follow-up, and what follows it. `None`: there is none.
#[must_use]
pub fn last_message(text: &str) -> Option<String> {
    let text = normalise(text);
    let lines = tail(&text);
    let head = lines.iter().rposition(|line| !is_filler(line))?;
    Some(lines[head..].join("\n"))
}

/// Whether a program itself calls a message an error, by how it begins.
#[must_use]
pub fn is_marked_error(message: &str) -> bool {
    message.lines().next().is_some_and(is_marked)
}

/// Whether a line only follows a message: a hint of what to do, or a frame of a stack.
#[must_use]
pub fn is_follow_up(line: &str) -> bool {
    is_filler(&normalise(line))
}

/// Whether a line begins an error of the program itself.
fn is_marked(line: &str) -> bool {
    MARK.is_match(line) || ErrorText::read(line, false).is_error
}

/// Whether an agent continues in its own words.
fn is_prose(line: &str) -> bool {
    CONTINUES.is_match(line) && !is_marked(line)
}

/// Whether a line is a status with its own phrase, and not a quoted one.
fn is_status(lines: &[&str], at: usize) -> bool {
    let line = lines[at];
    STATUS.is_match(line) && !FETCHED.is_match(line) && !is_prose(line) && !is_quoted(lines, at)
}

/// Whether the line above announces a line: `The log says:`.
fn is_quoted(lines: &[&str], at: usize) -> bool {
    at.checked_sub(1).is_some_and(|above| lines[above].ends_with(':'))
}

/// A line without the border of a box around it.
fn unboxed(line: &str) -> &str {
    line.trim().trim_matches(['│', '┃', '║']).trim()
}

/// The last lines that are not blank.
fn tail(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL)..].to_vec()
}

fn is_filler(line: &str) -> bool {
    let patterns = LIBRARY.patterns_for(Family::Any).filter(|p| p.meaning == PatternMeaning::Skip);
    let plain = LIBRARY.retrying.iter().all(|regex| !regex.is_match(line));
    plain && patterns.into_iter().any(|p| p.is_in(line))
}
