//! PURE. The timeline of a report: its bars and the marks of its axis.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::spans::{SpanKind, TimelineSpan};

/// A bar of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimelineBar {
    /// Where it begins, as a share of the whole width.
    pub at: f64,
    /// Its share of the whole width.
    pub width: f64,
    /// One of the kinds of the timeline: `done`, `limited`, `pause`, …
    pub kind: SpanKind,
    /// A sentence about it.
    pub label: String,
}

/// Where a moment lies on the width of the timeline.
pub(super) struct TimeScale {
    /// The beginning.
    pub(super) from: Timestamp,
    /// Seconds from the beginning to the end.
    pub(super) length: f64,
}

impl TimeScale {
    fn share(&self, at: Timestamp) -> f64 {
        (at.duration_since(self.from).as_secs_f64() / self.length).clamp(0.0, 1.0)
    }

    pub(super) fn bar(&self, span: &TimelineSpan) -> TimelineBar {
        let at = self.share(span.from);
        TimelineBar {
            at,
            width: self.share(span.until) - at,
            kind: span.kind,
            label: format!("{} ({})", span.label, super::times::span(span.length())),
        }
    }

    pub(super) fn ticks(&self, zone: &TimeZone) -> Vec<(f64, String)> {
        let format = if self.length < 600.0 { "%H:%M:%S" } else { "%H:%M" };
        let at = |share: f64| {
            let offset = Duration::from_secs_f64(self.length * share);
            let time = self.from.checked_add(offset).unwrap_or(self.from);
            (share, clock(time, zone, format))
        };
        let mut ticks = [0.0, 0.25, 0.5, 0.75, 1.0].map(at).to_vec();
        // a run of two seconds has no more than two marks
        ticks.dedup_by(|later, earlier| later.1 == earlier.1);
        ticks
    }
}

/// A moment as text.
pub(super) fn clock(at: Timestamp, zone: &TimeZone, format: &str) -> String {
    at.to_zoned_datetime(zone.clone()).strftime(format).to_string()
}
