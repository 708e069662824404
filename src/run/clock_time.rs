//! PURE. Times of day as a person types them for a run: `--at 23:00 --until 07:00`, `--for 8h`.
//!
//! A time of day means its next occurrence in the local zone. Where summer time skips it, that is the time after the gap;
//! where it comes twice, the first one that is still to come.

use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

use crate::state::RunTimes;

/// A time that a person typed, or that an earlier start of the program made of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockTime {
    /// A time of day.
    OfDay(Time),
    /// A moment.
    Moment(Timestamp),
}

impl FromStr for ClockTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let form = |format: &str| Time::strptime(format, text).ok().map(Self::OfDay);
        // a moment is what this program hands on
        let read = form("%H:%M").or_else(|| form("%H:%M:%S")).or_else(|| text.parse().ok().map(Self::Moment));
        read.ok_or_else(|| "write it like 23:00 or 07:30:00".to_owned())
    }
}

impl ClockTime {
    /// Its next occurrence after a moment.
    #[must_use]
    pub fn next(self, after: Timestamp, zone: &TimeZone) -> Timestamp {
        let time = match self {
            Self::Moment(at) => return at,
            Self::OfDay(time) => time,
        };
        let today = after.to_zoned_datetime(zone.clone()).date();
        // the day before, since a gap at midnight moves a time of yesterday to today
        let days = (-1..=2).filter_map(|n| today.checked_add(n.days()).ok());
        let moments = days.flat_map(|day| {
            let local = zone.to_ambiguous_timestamp(day.to_datetime(time));
            let twice = matches!(local.offset(), AmbiguousOffset::Fold { .. });
            let second = twice.then(|| local.later().ok()).flatten();
            [local.compatible().ok(), second]
        });
        moments.flatten().filter(|at| *at > after).min().unwrap_or(Timestamp::MAX)
    }
}

/// What a person says about the times of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AskedTimes {
    /// `--at`.
    pub at: Option<ClockTime>,
    /// `--until`.
    pub until: Option<ClockTime>,
    /// `--for`: it counts from the time to begin.
    pub length: Option<Duration>,
}

impl AskedTimes {
    /// The moments that it means now.
    #[must_use]
    pub fn moments(&self, now: Timestamp, zone: &TimeZone) -> RunTimes {
        let not_before = self.at.map(|at| at.next(now, zone));
        let begins = not_before.unwrap_or(now).max(now);
        let until = self.until.map(|until| until.next(begins, zone));
        let length = self.length.map(|length| begins.saturating_add(length).unwrap_or(Timestamp::MAX));
        RunTimes { not_before, until: until.into_iter().chain(length).min() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    fn next(time: &str, after: &str) -> String {
        time.parse::<ClockTime>().unwrap().next(after.parse().unwrap(), &berlin()).to_string()
    }

    #[test]
    fn a_time_of_day_is_its_next_occurrence() {
        assert_eq!(next("23:00", "2026-01-10T12:00:00Z"), "2026-01-10T22:00:00Z");
        assert_eq!(next("07:00", "2026-01-10T12:00:00Z"), "2026-01-11T06:00:00Z");
        assert_eq!(next("13:00:00", "2026-01-10T12:00:00Z"), "2026-01-11T12:00:00Z", "now is not next");
        assert_eq!(next("13:00:01", "2026-01-10T12:00:00Z"), "2026-01-10T12:00:01Z");
        assert_eq!(next("2026-01-10T12:00:00Z", "2026-01-10T13:00:00Z"), "2026-01-10T12:00:00Z");
        for wrong in ["24:00", "7", "7pm", "07:60", "", "tomorrow"] {
            assert!(wrong.parse::<ClockTime>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_time_that_summer_time_skips_is_after_the_gap() {
        // 29 March 2026: 02:00 becomes 03:00
        assert_eq!(next("02:30", "2026-03-28T23:00:00Z"), "2026-03-29T01:30:00Z");
        assert_eq!(next("02:30", "2026-03-29T01:30:00Z"), "2026-03-30T00:30:00Z");
        // from before the gap to after it
        assert_eq!(next("07:00", "2026-03-28T23:00:00Z"), "2026-03-29T05:00:00Z");
    }

    #[test]
    fn a_time_that_comes_twice_is_the_first_that_is_still_to_come() {
        // 25 October 2026: 03:00 becomes 02:00
        assert_eq!(next("02:30", "2026-10-24T22:00:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(next("02:30", "2026-10-25T00:30:00Z"), "2026-10-25T01:30:00Z", "half past two again");
        assert_eq!(next("02:30", "2026-10-25T01:30:00Z"), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn a_night_lasts_from_its_begin_to_its_end() {
        let moments = |at: Option<&str>, until: Option<&str>, hours: Option<u64>| {
            let time = |text: &str| text.parse().unwrap();
            let length = hours.map(|hours| Duration::from_secs(hours * 3600));
            let asked = AskedTimes { at: at.map(time), until: until.map(time), length };
            let times = asked.moments("2026-01-10T12:00:00Z".parse().unwrap(), &berlin());
            let shown = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
            (shown(times.not_before), shown(times.until))
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(moments(None, None, None), pair("-", "-"));
        assert_eq!(
            moments(Some("23:00"), Some("07:00"), None),
            pair("2026-01-10T22:00:00Z", "2026-01-11T06:00:00Z")
        );
        // the next 22:30 after the begin
        assert_eq!(
            moments(Some("23:00"), Some("22:30"), None),
            pair("2026-01-10T22:00:00Z", "2026-01-11T21:30:00Z")
        );
        assert_eq!(
            moments(Some("23:00"), None, Some(8)),
            pair("2026-01-10T22:00:00Z", "2026-01-11T06:00:00Z")
        );
        assert_eq!(moments(None, None, Some(8)), pair("-", "2026-01-10T20:00:00Z"));
    }
}
