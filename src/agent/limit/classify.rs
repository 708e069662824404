//! From an agent's printed messages to one verdict.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::judge::JudgeContext;
use super::lines;
use super::merge::merge;
use super::message::{LimitVerdict, PrintedMessage};
use super::patterns::WordingPattern;
use super::records::Evidence;

/// What a message means that was printed at `now` on a host in `zone`. The user's own patterns are tried first.
#[must_use]
pub fn classify(
    message: &PrintedMessage<'_>,
    own: &[WordingPattern],
    now: Timestamp,
    zone: &TimeZone,
) -> LimitVerdict {
    classify_all(std::slice::from_ref(message), own, now, zone)
}

/// What all messages of one attempt mean together, in the order in which they were printed.
///
/// The last record that ends a stream decides. The time comes from the best source that reports the same kind of limit.
#[must_use]
pub fn classify_all(
    messages: &[PrintedMessage<'_>],
    own: &[WordingPattern],
    now: Timestamp,
    zone: &TimeZone,
) -> LimitVerdict {
    let context = JudgeContext { own, now, zone };
    let mut evidence = Vec::new();
    for message in messages {
        lines::read(message, &context, &mut evidence);
    }
    if evidence.is_empty() {
        evidence.extend(lines::by_exit(messages).map(Evidence::Sign));
    }
    merge(evidence)
}

#[cfg(test)]
#[path = "failures_tests.rs"]
mod failures;
#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "wordings_tests.rs"]
mod wordings;
