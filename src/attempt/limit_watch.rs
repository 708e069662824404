//! Notices while an agent works that it stated a limit, and will do nothing before the limit ends.
//!
//! Some CLIs wait for hours by themselves, without a word. The run knows better what to do in that time.

use std::cell::LazyCell;
use std::collections::VecDeque;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::agent::event::{AgentEvent, Channel, RecordTopic};
use crate::agent::limit::{self, Family, LimitKind, PrintedMessage, WordingPattern, classify};
use crate::agent::shown::ShownText;
use crate::config::LimitPattern;

/// A CLI that waits longer than this before its own retry counts as stopped.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// Lines that are read together. A vendor's dump of one error takes about thirty.
const LINES: usize = 40;
/// The beginning of a longer line is forgotten.
const LONGEST_LINE: usize = 64 << 10;
/// Words without which no text states a limit, in lower case.
const WORDS: [&str; 8] = ["limit", "quota", "429", "retry", "credit", "billing", "exhausted", "usage"];
/// Silence after a line that has no end yet: its rest may say something else.
const CUT: Duration = Duration::from_secs(3);
/// Silence after a used-up quota without an end: some CLIs continue with another model.
const UNDATED: Duration = Duration::from_secs(15);
/// Silence after an error among the words of an agent, or of a tool: it may only show it, and continue.
const AMONG_WORDS: Duration = Duration::from_secs(20);

/// A limit that an agent stated while it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StatedLimit {
    /// Its words.
    pub(super) words: String,
    /// It counts only if the agent prints nothing for so long. `None`: it counts in any case.
    pub(super) quiet: Option<Duration>,
}

/// What a text states of a limit.
struct Stated {
    words: String,
    /// Whether it says when the limit ends.
    is_dated: bool,
    /// Whether its words are those of a limit. Else a tool of a busy agent may have printed it.
    is_certain: bool,
}

impl Stated {
    /// Whether the agent can do nothing before the end of the limit.
    fn is_sure(&self) -> bool {
        self.is_dated && self.is_certain
    }
}

/// Watches what an agent prints on one of its streams.
pub(super) struct LimitWatch {
    family: Family,
    own: Vec<WordingPattern>,
    /// Found when it is needed: reading the system's list of zones takes longer than all else here.
    zone: LazyCell<TimeZone>,
    shown: ShownText,
    lines: VecDeque<String>,
    part: String,
    /// What was said last, as long as only lines follow that belong to it.
    last: Option<StatedLimit>,
}

impl LimitWatch {
    /// A watch for the wordings of this vendor, and those of the configuration.
    pub(super) fn new(vendor: &str, patterns: &[LimitPattern]) -> Self {
        Self {
            family: Family::of([vendor]),
            own: patterns.iter().filter_map(|pattern| pattern.wording("limit_patterns")).collect(),
            zone: LazyCell::new(TimeZone::system),
            shown: ShownText::default(),
            lines: VecDeque::new(),
            part: String::new(),
            last: None,
        }
    }

    /// Takes a piece of stderr and returns the limit that it states.
    pub(super) fn stderr(&mut self, piece: &[u8]) -> Option<StatedLimit> {
        let (ended, open) = self.take(piece);
        if self.only_follows(&ended, &open) {
            return self.last.clone();
        }
        self.last = self.on_stderr(&ended, &open);
        self.last.clone()
    }

    /// Takes a piece of a plain stdout, which has the words of the agent, too. Only what is marked as an error counts, or
    /// has a wording of the configuration, or is a limit with an end and all that the agent printed.
    pub(super) fn stdout(&mut self, piece: &[u8]) -> Option<StatedLimit> {
        let (ended, open) = self.take(piece);
        if self.only_follows(&ended, &open) {
            return self.last.clone();
        }
        let is_worth_a_look = self.may_state(&ended) || self.may_state(&open);
        self.last = is_worth_a_look.then(|| self.on_stdout(&self.all_with(&open))).flatten();
        self.last.clone()
    }

    /// Takes an event of the stream and returns the limit that it states.
    pub(super) fn event(&mut self, event: &AgentEvent) -> Option<StatedLimit> {
        match event {
            AgentEvent::Retry { text, wait_s: Some(wait) } if *wait > PATIENCE.as_secs_f64() => {
                Some(StatedLimit { words: text.clone(), quiet: None })
            }
            AgentEvent::Record { topic: RecordTopic::Error, json } => {
                let Stated { words, is_dated, .. } = self.stated(Channel::Event, json)?;
                Some(StatedLimit { words, quiet: (!is_dated).then_some(UNDATED) })
            }
            AgentEvent::Stray { text, verbatim: true } if self.may_state(text) => self.among_words(text),
            _ => None,
        }
    }

    /// Takes a piece. Returns the lines that ended in it, and the line that did not.
    fn take(&mut self, piece: &[u8]) -> (String, String) {
        let mut text = std::mem::take(&mut self.part);
        let old = text.len();
        self.shown.feed(piece, &mut text);
        let ended = text[old..].rfind('\n').map_or(0, |at| old + at + 1);
        let mut rest = text.split_off(ended);
        if rest.len() > LONGEST_LINE {
            let half = rest.len() - LONGEST_LINE / 2;
            rest.drain(..(half..rest.len()).find(|at| rest.is_char_boundary(*at)).unwrap_or(half));
        }
        let open = format!("{rest}{}", self.shown.open_line());
        self.part = rest;
        self.lines.extend(text.lines().map(str::to_owned));
        while self.lines.len() > LINES {
            self.lines.pop_front();
        }
        (text, open)
    }

    fn all_with(&self, open: &str) -> String {
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).chain([open]).collect();
        lines.join("\n")
    }

    /// Whether a piece has only lines that belong to the message before them.
    fn only_follows(&self, ended: &str, open: &str) -> bool {
        let lines = || ended.lines().chain([open]).filter(|line| !line.trim().is_empty());
        self.last.is_some() && lines().all(limit::is_follow_up)
    }

    fn may_state(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        WORDS.iter().any(|word| lower.contains(word)) || self.is_own(text)
    }

    fn is_own(&self, text: &str) -> bool {
        text.lines().any(|line| self.own.iter().any(|pattern| pattern.is_in(line)))
    }

    fn on_stderr(&self, ended: &str, open: &str) -> Option<StatedLimit> {
        if self.may_state(ended) {
            let dated = |channel, text: &str| self.stated(channel, text).filter(Stated::is_sure);
            // a log of its own, which the CLI was asked to print
            let found = dated(Channel::Stderr, &self.all_with("")).or_else(|| dated(Channel::Log, ended));
            if let Some(Stated { words, .. }) = found {
                return Some(StatedLimit { words, quiet: None });
            }
        }
        let in_open = self.may_state(open);
        if !in_open && !self.may_state(ended) {
            return None;
        }
        // a limit without an end counts only in the last message
        let text = if in_open { self.all_with(open) } else { format!("{ended}{open}") };
        let stated = self.stated(Channel::Stderr, &limit::last_message(&text)?)?;
        let quiet = match stated {
            Stated { is_certain: false, .. } => AMONG_WORDS,
            Stated { is_dated: true, .. } => CUT,
            Stated { is_dated: false, .. } => UNDATED,
        };
        Some(StatedLimit { words: stated.words, quiet: Some(quiet) })
    }

    fn on_stdout(&self, text: &str) -> Option<StatedLimit> {
        // among words, an agent may quote it
        let alone = || {
            let last = limit::last_message(text).filter(|_| self.is_one_message(text))?;
            let Stated { words, .. } = self.stated(Channel::Stderr, &last).filter(Stated::is_sure)?;
            Some(StatedLimit { words, quiet: Some(AMONG_WORDS) })
        };
        self.among_words(text).or_else(alone)
    }

    /// Whether all that an agent printed is one message and what belongs to it.
    fn is_one_message(&self, text: &str) -> bool {
        let lines = text.lines().filter(|line| !line.trim().is_empty() && !limit::is_follow_up(line));
        // of a longer text, the beginning is forgotten
        self.lines.len() < LINES && lines.count() == 1
    }

    fn among_words(&self, text: &str) -> Option<StatedLimit> {
        let last = limit::last_message(text)?;
        if !limit::is_marked_error(&last) && !self.is_own(&last) {
            return None;
        }
        let Stated { words, .. } = self.stated(Channel::Stderr, &last)?;
        Some(StatedLimit { words, quiet: Some(AMONG_WORDS) })
    }

    /// The limit that a text states.
    fn stated(&self, channel: Channel, text: &str) -> Option<Stated> {
        let now = Timestamp::now();
        let message = PrintedMessage { family: self.family, channel, exit: None, text };
        let found = classify(&message, &self.own, now, &self.zone);
        let is_certain = found.is_certain();
        let is_dated = match (found.kind, found.until) {
            (LimitKind::RateLimited | LimitKind::QuotaExhausted | LimitKind::Overloaded, Some(until)) => {
                (until.duration_since(now) > PATIENCE).then_some(true)
            }
            (LimitKind::QuotaExhausted, None) => Some(false),
            // it passes soon; or a CLI may fall back to another login or plan, so only its end says
            _ => None,
        }?;
        Some(Stated { words: found.message, is_dated, is_certain })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(vendor: &str) -> LimitWatch {
        LimitWatch::new(vendor, &[])
    }

    /// How long nothing may follow; zero where it counts in any case.
    fn quiet(stated: Option<StatedLimit>) -> Option<Duration> {
        stated.map(|limit| limit.quiet.unwrap_or_default())
    }

    #[test]
    fn a_long_wait_of_the_cli_is_noticed_on_stderr_wherever_it_is_cut() {
        let line = "Attempt 1 failed: You have exhausted your capacity on this model. Your quota will reset after \
                    3h0m0s.. Retrying after 11765846ms...\n";
        for cut in [1, 40, line.len() - 1] {
            let mut watch = watch("gemini");
            let begun = watch.stderr(&line.as_bytes()[..cut]);
            assert!(begun.is_none_or(|limit| limit.quiet.is_some()), "{cut}");
            let stated = watch.stderr(&line.as_bytes()[cut..]).unwrap();
            assert!(stated.words.contains("exhausted your capacity") && stated.quiet.is_none(), "{cut}");
        }
    }

    #[test]
    fn a_short_wait_and_other_words_are_not_a_stop() {
        let mut watch = watch("gemini");
        for line in [
            "Attempt 1 failed: You have exhausted your capacity on this model. Your quota will reset after 5s.. \
             Retrying after 6173ms...\n",
            "warning: the usage of tabs is not recommended\n",
            "test limits::quota_of_429 ... ok\n",
        ] {
            assert_eq!(watch.stderr(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn what_a_tool_retries_ends_no_busy_agent() {
        for line in [
            "  expected: \"Retrying after 7200s\"\n",
            "The job now logs Retrying in 3600 seconds when the queue is full.\n",
            "docker: pulling layer failed, retrying in 700s\n",
        ] {
            assert_eq!(watch("").stderr(line.as_bytes()), None, "{line}");
        }
        for line in [
            "WARN  worker: upload failed: 503. Retrying in 15m\n",
            "npm warn retry 429 Too Many Requests - GET http://127.0.0.1/x - retrying after 660000ms\n",
        ] {
            let mut watch = watch("");
            assert_eq!(quiet(watch.stderr(line.as_bytes())), Some(AMONG_WORDS), "{line}");
            assert_eq!(watch.stderr(b"added 3 packages\n"), None, "it works, so it waits for nothing");
        }
    }

    #[test]
    fn records_and_retries_of_the_stream_are_read() {
        let mut watch = watch("");
        let retry = |wait_s| AgentEvent::Retry { text: "429".into(), wait_s };
        assert_eq!(watch.event(&retry(Some(60.0))), None);
        assert_eq!(watch.event(&retry(Some(3600.0))).unwrap().words, "429");
        let json = r#"{"type":"session.error","data":{"errorType":"rate_limit","statusCode":429,
            "message":"429 Rate limit reached for gpt-5. Please try again in 3600s."}}"#;
        let record = AgentEvent::Record { topic: RecordTopic::Error, json: json.into() };
        assert!(watch.event(&record).is_some());
    }
    const CAPACITY: &str =
        "ApiError: You have exhausted your capacity on this model. Your quota will reset after 5h0m9s.";

    #[test]
    fn a_line_without_an_end_counts_once_nothing_follows_it() {
        let mut watch = watch("");
        let line = "You have hit your usage limit. Try again in 4 hours.";
        assert_eq!(quiet(watch.stderr(line.as_bytes())), Some(CUT));
        assert_eq!(quiet(watch.stderr(b"\n")), Some(Duration::ZERO), "its end makes it certain");
        let begun = self::watch("").stderr(b"You have hit your usage limit. Try again in 4 ");
        assert_eq!(quiet(begun), Some(UNDATED), "its end may still come");
    }

    #[test]
    fn a_quota_without_an_end_counts_as_the_last_message_if_nothing_follows() {
        let mut watch = watch("gemini");
        let line = "ApiError: You have exhausted your daily quota on this model.\n";
        assert_eq!(quiet(watch.stderr(line.as_bytes())), Some(UNDATED));
        assert_eq!(quiet(watch.stderr(b"    at run (file:///x.js:1:2)\n")), Some(UNDATED));
        assert_eq!(watch.stderr(b"Continuing with a flash model\n"), None);
        assert_eq!(watch.stderr(b"retry 1 of the build\n"), None, "the quota is not the last message");
        let both = format!("{line}Continuing with a flash model\n");
        assert_eq!(self::watch("gemini").stderr(both.as_bytes()), None);
    }

    #[test]
    fn an_error_among_the_words_of_an_agent_counts_if_nothing_follows() {
        for end in ["\n", "", "\n\n    at run (file:///x.js:1:2)\n"] {
            let mut watch = watch("");
            assert_eq!(watch.stdout(b"I look at the parser now.\n"), None);
            assert_eq!(quiet(watch.stdout(format!("{CAPACITY}{end}").as_bytes())), Some(AMONG_WORDS));
            assert_eq!(watch.stdout(b"\nI see why it fails.\n"), None);
        }
        let mut watch = watch("");
        for words in [
            format!("The log says:\n{CAPACITY}\nSo I wait in the client, too.\n"),
            "You've hit your usage limit. Try again in 4 hours.\n".to_owned(),
            "I added the text \"You have exhausted your daily quota on this model.\" to the page.\n"
                .to_owned(),
            "Now the client waits 5 hours at a rate limit.\n".to_owned(),
            "ApiError: 429, retry after 5 s\n".to_owned(),
        ] {
            assert_eq!(watch.stdout(words.as_bytes()), None, "{words}");
        }
    }

    #[test]
    fn a_dated_limit_that_is_all_an_agent_printed_counts() {
        let limit = "You've hit your usage limit. Try again in 4 hours.\n";
        assert_eq!(quiet(watch("").stdout(limit.as_bytes())), Some(AMONG_WORDS));
        assert_eq!(quiet(watch("").stdout(format!("\n{limit}\n").as_bytes())), Some(AMONG_WORDS));
        for words in [
            format!("The page shows this.\n{limit}"),
            format!("{limit}That is what the page shows.\n"),
            "You've hit your usage limit.\n".to_owned(),
            "You've hit your usage limit. Try again in 5 minutes.\n".to_owned(),
        ] {
            assert_eq!(watch("").stdout(words.as_bytes()), None, "{words}");
        }
        let mut watch = watch("");
        assert!(watch.stdout(limit.as_bytes()).is_some());
        assert_eq!(watch.stdout(b"I add this text to the page.\n"), None);
    }

    #[test]
    fn wordings_of_the_configuration_count_on_both_streams() {
        let pattern = LimitPattern {
            r#match: r"^Gadget pool is empty, back in (?P<dur>\S+)".to_owned(),
            kind: LimitKind::QuotaExhausted,
            reset: limit::ResetRule::Own(limit::ResetForm::Duration),
        };
        let line = b"Gadget pool is empty, back in 3h\n";
        let watch = || LimitWatch::new("", std::slice::from_ref(&pattern));
        assert_eq!(quiet(watch().stderr(line)), Some(Duration::ZERO));
        assert_eq!(quiet(watch().stdout(line)), Some(AMONG_WORDS));
        assert_eq!(watch().stdout(b"The Gadget pool is empty, back in 3h\n"), None);
        assert_eq!(LimitWatch::new("", &[]).stderr(line), None);
    }

    #[test]
    fn a_line_on_a_stream_of_records_that_is_none_is_read_like_an_error() {
        let stray = |text: &str| AgentEvent::Stray { text: text.to_owned(), verbatim: true };
        assert_eq!(quiet(watch("").event(&stray(CAPACITY))), Some(AMONG_WORDS));
        assert_eq!(watch("").event(&stray("the limit of the parser is 5 hours")), None);
    }
}
