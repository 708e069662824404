//! Notices while an agent works that it stated a limit, and will do nothing before the limit ends.
//!
//! Some CLIs wait for hours by themselves, without a word. The run knows better what to do in that time.

use std::collections::VecDeque;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::agent::event::{AgentEvent, Channel, RecordTopic};
use crate::agent::limit::{Family, LimitKind, PrintedMessage, classify};
use crate::agent::shown::ShownText;

/// A CLI that waits longer than this before its own retry counts as stopped.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// Lines of stderr that are read together. A vendor's dump of one error takes about thirty.
const LINES: usize = 40;
/// The beginning of a longer line is forgotten.
const LONGEST_LINE: usize = 64 << 10;
/// Words without which no text states a limit, in lower case.
const WORDS: [&str; 8] = ["limit", "quota", "429", "retry", "credit", "billing", "exhausted", "usage"];

/// Watches what an agent prints.
pub(super) struct LimitWatch {
    family: Family,
    zone: TimeZone,
    shown: ShownText,
    lines: VecDeque<String>,
    part: String,
}

impl LimitWatch {
    /// A watch for the wordings of this vendor.
    pub(super) fn new(vendor: &str) -> Self {
        let family = Family::of([vendor]);
        let (shown, lines) = (ShownText::default(), VecDeque::new());
        Self { family, zone: TimeZone::system(), shown, lines, part: String::new() }
    }

    /// Takes a piece of stderr and returns the words of the limit, if it states one.
    pub(super) fn stderr(&mut self, piece: &[u8]) -> Option<String> {
        let mut text = std::mem::take(&mut self.part);
        let old = text.len();
        self.shown.feed(piece, &mut text);
        let Some(end) = text[old..].rfind('\n').map(|at| old + at + 1) else {
            if text.len() > LONGEST_LINE {
                let half = text.len() - LONGEST_LINE / 2;
                text.drain(..(half..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(half));
            }
            self.part = text;
            return None;
        };
        self.part = text.split_off(end);
        self.lines.extend(text.lines().map(str::to_owned));
        while self.lines.len() > LINES {
            self.lines.pop_front();
        }
        let lower = text.to_lowercase();
        if !WORDS.iter().any(|word| lower.contains(word)) {
            return None;
        }
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        self.stated(Channel::Stderr, &lines.join("\n"))
            // a log of its own, which the CLI was asked to print
            .or_else(|| self.stated(Channel::Log, &text))
    }

    /// Takes an event of the stream and returns the words of the limit, if it states one.
    pub(super) fn event(&mut self, event: &AgentEvent) -> Option<String> {
        match event {
            AgentEvent::Retry { text, wait_s: Some(wait) } if *wait > PATIENCE.as_secs_f64() => {
                Some(text.clone())
            }
            AgentEvent::Record { topic: RecordTopic::Error, json } => self.stated(Channel::Event, json),
            _ => None,
        }
    }

    fn stated(&self, channel: Channel, text: &str) -> Option<String> {
        let now = Timestamp::now();
        let message = PrintedMessage { family: self.family, channel, exit: None, text };
        let found = classify(&message, &[], now, &self.zone);
        let far = found.until.is_some_and(|until| until.duration_since(now) > PATIENCE);
        let stops = match found.kind {
            LimitKind::RateLimited | LimitKind::QuotaExhausted | LimitKind::Overloaded => far,
            // a CLI may fall back to another login or plan, so only its end says
            _ => false,
        };
        stops.then_some(found.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_of_the_cli_is_noticed_on_stderr_wherever_it_is_cut() {
        let line = "Attempt 1 failed: You have exhausted your capacity on this model. Your quota will reset after \
                    3h0m0s.. Retrying after 11765846ms...\n";
        for cut in [1, 40, line.len() - 1] {
            let mut watch = LimitWatch::new("gemini");
            assert_eq!(watch.stderr(&line.as_bytes()[..cut]), None);
            assert!(
                watch.stderr(&line.as_bytes()[cut..]).unwrap().contains("exhausted your capacity"),
                "{cut}"
            );
        }
    }

    #[test]
    fn a_short_wait_and_other_words_are_not_a_stop() {
        let mut watch = LimitWatch::new("gemini");
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
    fn records_and_retries_of_the_stream_are_read() {
        let mut watch = LimitWatch::new("");
        let retry = |wait_s| AgentEvent::Retry { text: "429".into(), wait_s };
        assert_eq!(watch.event(&retry(Some(60.0))), None);
        assert_eq!(watch.event(&retry(Some(3600.0))).as_deref(), Some("429"));
        let json = r#"{"type":"session.error","data":{"errorType":"rate_limit","statusCode":429,
            "message":"429 Rate limit reached for gpt-5. Please try again in 3600s."}}"#;
        let record = AgentEvent::Record { topic: RecordTopic::Error, json: json.into() };
        assert!(watch.event(&record).is_some());
    }
}
