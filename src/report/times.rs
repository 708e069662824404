//! PURE. Durations and times of day as text.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::text::sanitise_line;

/// A duration in whole seconds (`2m 5s`); below one second in milliseconds.
#[must_use]
pub fn span(duration: Duration) -> String {
    if duration.as_millis() == 0 {
        return "0s".to_owned();
    }
    if duration < Duration::from_secs(1) {
        return format!("{} ms", duration.as_millis());
    }
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}

/// A time of day: `22:05:00`.
pub(super) fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// A time for programs, in whole seconds of UTC, not before it: `2026-11-29T04:00:00Z`.
#[must_use]
pub fn to_the_second(at: Timestamp) -> String {
    let late = at.saturating_add(Duration::from_nanos(999_999_999)).unwrap_or(at);
    late.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The line for a command of git or tmux that takes long.
#[must_use]
pub fn busy_line(command: &str, since: Timestamp, now: Timestamp) -> String {
    let for_long = span(now.duration_since(since).try_into().unwrap_or_default());
    format!("waiting for {} ({for_long})", sanitise_line(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_whole_seconds_or_milliseconds() {
        assert_eq!(span(Duration::from_millis(125_900)), "2m 5s");
        assert_eq!(span(Duration::from_millis(340)), "340 ms");
        assert_eq!(span(Duration::ZERO), "0s");
    }

    #[test]
    fn a_time_for_programs_is_rounded_up_to_whole_seconds() {
        for (at, text) in [
            ("2026-11-29T03:59:59.2Z", "2026-11-29T04:00:00Z"),
            ("2026-11-29T04:00:00Z", "2026-11-29T04:00:00Z"),
        ] {
            assert_eq!(to_the_second(at.parse().unwrap()), text);
        }
    }
}
