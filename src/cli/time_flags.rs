//! The options that say when the steps of a run may start.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::error::{Error, ErrorKind, Result};
use crate::run::clock_time::{AskedTimes, ClockTime};
use crate::state::RunTimes;

/// The heading of these flags in the help.
const TIMES: &str = "When";

/// When the steps of a run may start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub(super) struct TimeFlags {
    /// Start no step before this time of day (HH:MM or HH:MM:SS): its next occurrence.
    #[arg(help_heading = TIMES, long, value_name = "TIME")]
    at: Option<ClockTime>,
    /// Start no step at this time of day or later, and end the run: its next occurrence after --at.
    #[arg(help_heading = TIMES, long, value_name = "TIME")]
    until: Option<ClockTime>,
    /// The same after this long, like 8h, counted from --at.
    #[arg(help_heading = TIMES, long = "for", value_name = "TIME", value_parser = length, conflicts_with = "until")]
    length: Option<Duration>,
}

/// Reads a length of time that is not zero.
pub(super) fn length(text: &str) -> std::result::Result<Duration, String> {
    let bare = text.trim();
    let seconds = bare.parse::<u64>().ok().map(Duration::from_secs);
    let read = seconds.or_else(|| humantime::parse_duration(bare).ok());
    read.filter(|length| !length.is_zero() && *length <= LONGEST)
        .ok_or_else(|| "write it like 8h, 90m or 1h 30m".to_owned())
}

/// More is never meant, and would overflow a clock.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

impl TimeFlags {
    /// Replaces times of day by moments. A moment that is over was that of an earlier run.
    pub(super) fn fix(&mut self, now: Timestamp, zone: &TimeZone) -> Result<()> {
        let asked = AskedTimes { at: self.at, until: self.until, length: self.length };
        let times = asked.moments(now, zone);
        if times.is_up(now) {
            return Err(Error::new(ErrorKind::Usage, "the time of --until is over"));
        }
        *self = Self {
            at: times.not_before.map(ClockTime::Moment),
            until: times.until.map(ClockTime::Moment),
            length: None,
        };
        Ok(())
    }

    /// The moments, after [`TimeFlags::fix`].
    pub(super) fn moments(&self) -> RunTimes {
        let moment = |time: Option<ClockTime>| match time {
            Some(ClockTime::Moment(at)) => Some(at),
            _ => None,
        };
        RunTimes { not_before: moment(self.at), until: moment(self.until) }
    }

    /// These times; where there are none, those of `kept` that are still to come.
    pub(super) fn over(self, kept: Self) -> Self {
        if self != Self::default() {
            return self;
        }
        let now = Timestamp::now();
        let is_to_come = |time: &ClockTime| !matches!(time, ClockTime::Moment(at) if *at <= now);
        Self { at: kept.at.filter(is_to_come), until: kept.until.filter(is_to_come), length: kept.length }
    }

    pub(super) fn argv(&self) -> Vec<OsString> {
        let shown = |time: ClockTime| match time {
            ClockTime::OfDay(time) => time.strftime("%H:%M:%S").to_string(),
            ClockTime::Moment(at) => at.to_string(),
        };
        let length =
            self.length.map(|length| humantime::format_duration(length).to_string().replace(' ', ""));
        let all = [("--at", self.at.map(shown)), ("--until", self.until.map(shown)), ("--for", length)];
        all.into_iter().filter_map(|(flag, value)| Some(format!("{flag}={}", value?).into())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_run_are_kept_as_moments_while_they_are_to_come() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let day = |time: &str| Some(time.parse::<ClockTime>().unwrap());
        let mut typed = TimeFlags { at: day("23:00"), until: None, length: length("8h").ok() };
        typed.fix("2026-01-10T12:00:00Z".parse().unwrap(), &zone).unwrap();
        assert_eq!(typed.argv(), ["--at=2026-01-10T22:00:00Z", "--until=2026-01-11T06:00:00Z"]);
        let before = typed;
        typed.fix("2026-01-10T23:00:00Z".parse().unwrap(), &zone).unwrap();
        assert_eq!(typed, before, "they are not counted again");
        let future = TimeFlags { at: None, until: day("9999-01-01T00:00:00Z"), length: None };
        let kept = TimeFlags { at: day("2026-01-10T22:00:00Z"), ..future };
        assert_eq!(TimeFlags::default().over(kept), future, "the time to begin is over");
        assert_eq!(before.over(kept), before);
        for wrong in ["0", "0s", "soon", "-1h"] {
            assert!(length(wrong).is_err(), "{wrong}");
        }
    }
}
