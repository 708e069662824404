//! When a limit ends: clock times, dates, durations and epochs, as vendors write them.
//!
//! jiff knows the zones and their summer times. A time that cannot be read for certain is unknown: a guess would either
//! waste attempts on a closed window or sleep past an open one.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{self, AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp, ToSpan};
use regex::Captures;

/// A clock time that passed this recently means now, not tomorrow: vendors print whole minutes, and clocks differ.
const GRACE: SignedDuration = SignedDuration::from_mins(30);
/// A session lasts five hours, so a clock time that is further away than this has passed.
const SESSION: SignedDuration = SignedDuration::from_hours(6);
/// A date without a year that passed this recently means that day, not next year.
const STALE_DATE: SignedDuration = SignedDuration::from_hours(24);

/// How a reset is written, and which named groups of the regex hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetForm {
    /// `epoch`: seconds or milliseconds since 1970.
    Epoch,
    /// `iso`: a date and time of RFC 3339. Without an offset it is in the zone that `tz` names, or the host's.
    Iso,
    /// `hour` with `min`, `sec`, `ampm`, `dow`, `mon`, `day`, `year`, `rel`, `tz`, `abbr`; or `word`. `day2` and `mon2` are
    /// the same as `day` and `mon`, for the other order.
    Clock,
    /// `dur`: the sum of numbers with units. A bare number is seconds.
    Duration,
    /// `m`, `d`, `y`: a day in numbers. It means the day's beginning.
    Day,
}

impl ResetForm {
    /// The group that the form cannot do without.
    pub(super) fn needs(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Iso => "iso",
            Self::Clock => "hour",
            Self::Duration => "dur",
            Self::Day => "m",
        }
    }

    /// The form's name in a configuration.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Iso => "iso",
            Self::Clock => "clock",
            Self::Duration => "duration",
            Self::Day => "day",
        }
    }

    /// How exact the form is. Of several times the one with the greatest weight counts.
    pub(super) fn weight(self) -> u8 {
        match self {
            Self::Duration => 1,
            Self::Clock => 2,
            Self::Day => 3,
            Self::Iso => 4,
            Self::Epoch => 5,
        }
    }
}

/// What a relative or incomplete time refers to.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeContext<'a> {
    /// When the message was written.
    pub(super) now: Timestamp,
    /// Zone of the host, for times that name none.
    pub(super) zone: &'a TimeZone,
    /// Whether the limit is a session's window of five hours.
    pub(super) session: bool,
}

/// Reads the time from a regex's groups.
pub(super) fn read(form: ResetForm, found: &Captures<'_>, context: TimeContext<'_>) -> Option<Timestamp> {
    let text = |name: &str| found.name(name).map(|m| m.as_str());
    match form {
        ResetForm::Epoch => epoch(text("epoch")?.parse().ok()?),
        ResetForm::Iso => match text("tz") {
            Some(name) => iso(text("iso")?, &zone_named(name, context.zone)?),
            None => iso(text("iso")?, context.zone),
        },
        ResetForm::Clock => clock(found, context),
        ResetForm::Duration => after(context.now, duration(text("dur")?)?),
        ResetForm::Day => {
            let part = |name: &str| text(name)?.parse::<i16>().ok();
            let date =
                Date::new(part("y")?, part("m")?.try_into().ok()?, part("d")?.try_into().ok()?).ok()?;
            context.zone.to_timestamp(date.to_datetime(Time::midnight())).ok()
        }
    }
}

/// The time that is `later` after `now`.
pub(super) fn after(now: Timestamp, later: SignedDuration) -> Option<Timestamp> {
    now.checked_add(later).ok()
}

/// A time in seconds or milliseconds since 1970. A number before 2020 or after 2100 is not a time.
pub(super) fn epoch(number: i64) -> Option<Timestamp> {
    let seconds = 1_577_836_800..4_102_444_800;
    if seconds.contains(&number) {
        Timestamp::from_second(number).ok()
    } else if seconds.contains(&(number / 1000)) {
        Timestamp::from_millisecond(number).ok()
    } else {
        None
    }
}

/// `2026-08-09T00:00:00Z`, `2026-08-09 00:00 UTC`, `2026-08-09 00:00`.
pub(super) fn iso(text: &str, host: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let (civil, zone) = match text.strip_suffix(['Z', 'z']) {
        Some(rest) => (rest, Some("UTC")),
        None => match text.rsplit_once(' ') {
            Some((rest, last)) if last.starts_with(|c: char| c.is_ascii_alphabetic()) => (rest, Some(last)),
            _ => (text, None),
        },
    };
    let civil: DateTime = civil.trim().parse().ok()?;
    let zone = match zone {
        Some(name) => zone_named(name, host)?,
        None => host.clone(),
    };
    zone.to_timestamp(civil).ok()
}

/// The value of an HTTP header `retry-after`: seconds, with or without a fraction, or a date.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return after(now, seconds_of(seconds)?);
    }
    jiff::fmt::rfc2822::parse(text).map(|zoned| zoned.timestamp()).or_else(|_| text.parse()).ok()
}

fn seconds_of(seconds: f64) -> Option<SignedDuration> {
    // ten years; a longer wait is a mistake
    (0.0..=315_360_000.0).contains(&seconds).then(|| SignedDuration::try_from_secs_f64(seconds).ok())?
}

/// `8h44m7s`, `5 days 22 hours 11 minutes`, `19hr`, `34.337s`, `900.2ms`, `1h, 5m and 3s`. A bare number is seconds.
///
/// `None` if any part is neither a number, a unit nor filler.
pub(super) fn duration(text: &str) -> Option<SignedDuration> {
    let mut rest = text.trim().trim_start_matches('~').trim_start();
    if let Ok(seconds) = rest.parse::<f64>() {
        return seconds_of(seconds);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        total += number * unit_seconds(&rest[..letters])?;
        rest = rest[letters..].trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest).trim_start();
    }
    seconds_of(total)
}

/// Seconds in a unit.
fn unit_seconds(word: &str) -> Option<f64> {
    Some(match word.to_ascii_lowercase().as_str() {
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        _ => return None,
    })
}

fn clock(found: &Captures<'_>, context: TimeContext<'_>) -> Option<Timestamp> {
    let text = |name: &str| found.name(name).map(|m| m.as_str());
    let time = time_of_day(found)?;
    let zone = match (text("tz"), text("abbr")) {
        (Some(name), _) if name.contains(char::is_whitespace) && !name.contains('/') => context.zone.clone(),
        (Some(name), _) | (None, Some(name)) => zone_named(name, context.zone)?,
        (None, None) => context.zone.clone(),
    };
    let today = zone.to_datetime(context.now).date();
    if let Some(month) = text("mon").or_else(|| text("mon2")) {
        let day = text("day").or_else(|| text("day2"))?;
        let (month, day) = (month_named(month)?, day.parse().ok()?);
        return match text("year") {
            Some(year) => {
                let date = Date::new(year.parse().ok()?, month, day).ok()?;
                zone.to_timestamp(date.to_datetime(time)).ok()
            }
            // nine years include a 29 February
            None => nearest(
                (-1..=8).filter_map(|years| Date::new(today.year() + years, month, day).ok()),
                time,
                &zone,
                context.now - STALE_DATE,
            ),
        };
    }
    let weekday = match text("dow") {
        Some(name) => Some(weekday_named(name)?),
        None => None,
    };
    let shift = match text("rel").map(str::to_ascii_lowercase).as_deref() {
        Some("today") => Some(0),
        Some("tomorrow") => Some(1),
        _ => None,
    };
    let days = (-1..=8).filter(|day| shift.is_none_or(|s| s == *day)).filter_map(|day| {
        let date = today.checked_add(day.days()).ok()?;
        weekday.is_none_or(|w| w == date.weekday()).then_some(date)
    });
    let at = nearest(days, time, &zone, context.now - GRACE)?;
    let stale = context.session && weekday.is_none() && at > context.now + SESSION;
    Some(if stale || at < context.now { context.now } else { at })
}

fn time_of_day(found: &Captures<'_>) -> Option<Time> {
    let text = |name: &str| found.name(name).map(|m| m.as_str());
    if let Some(word) = text("word") {
        return Time::new(if word.eq_ignore_ascii_case("noon") { 12 } else { 0 }, 0, 0, 0).ok();
    }
    let number = |name: &str| text(name).map_or(Some(0), |t| t.parse::<i8>().ok());
    let hour = text("hour")?.parse::<i8>().ok()?;
    let hour = match text("ampm").or_else(|| text("ampm2")).and_then(|t| t.chars().next()) {
        // a bare hour is ambiguous
        None => text("min").map(|_| hour)?,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(c) => hour % 12 + if c.eq_ignore_ascii_case(&'p') { 12 } else { 0 },
    };
    Time::new(hour, number("min")?, number("sec")?, 0).ok()
}

/// The first of these days' times that is not before `earliest`. An hour that happens twice counts twice.
fn nearest(
    days: impl Iterator<Item = Date>,
    time: Time,
    zone: &TimeZone,
    earliest: Timestamp,
) -> Option<Timestamp> {
    days.flat_map(|date| {
        let instant = zone.to_ambiguous_timestamp(date.to_datetime(time));
        let twice = matches!(instant.offset(), AmbiguousOffset::Fold { .. });
        let second = twice.then(|| instant.later().ok()).flatten();
        [instant.compatible().ok(), second]
    })
    .flatten()
    .filter(|at| *at >= earliest)
    .min()
}

/// A zone by its IANA name, its offset from UTC, or the abbreviation of the host's own zone.
///
/// No other abbreviation counts, because one (`IST`, `CST`) may mean many zones.
pub(super) fn zone_named(name: &str, host: &TimeZone) -> Option<TimeZone> {
    let name = name.trim().replace(' ', "_");
    if let Some(rest) = name.strip_prefix("UTC").or_else(|| name.strip_prefix("GMT"))
        && let Some(offset) = offset(rest)
    {
        return Some(TimeZone::fixed(offset));
    }
    if !name.contains('/') && is_abbreviation_of(&name, host) {
        return Some(host.clone());
    }
    // the system's data is newer than the built-in data, but may lack old names
    tz::db().get(&name).or_else(|_| TimeZoneDatabase::bundled().get(&name)).ok()
}

/// `+2`, `-03`, `+5:30`.
fn offset(text: &str) -> Option<Offset> {
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text[1..].split_once(':').unwrap_or((&text[1..], "0"));
    let (hours, minutes) = (hours.parse::<i32>().ok()?, minutes.parse::<i32>().ok()?);
    let plain = (0..=14).contains(&hours) && (0..60).contains(&minutes);
    plain.then(|| Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok())?
}

fn is_abbreviation_of(name: &str, host: &TimeZone) -> bool {
    // a winter and a summer day under today's rules
    [1_767_225_600, 1_782_864_000].iter().any(|at| {
        Timestamp::from_second(*at)
            .is_ok_and(|at| host.to_offset_info(at).abbreviation().eq_ignore_ascii_case(name))
    })
}

fn month_named(name: &str) -> Option<i8> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start = name.get(..3)?.to_ascii_lowercase();
    MONTHS.iter().position(|month| *month == start).and_then(|at| i8::try_from(at + 1).ok())
}

fn weekday_named(name: &str) -> Option<Weekday> {
    Some(match name.get(..3)?.to_ascii_lowercase().as_str() {
        "mon" => Weekday::Monday,
        "tue" => Weekday::Tuesday,
        "wed" => Weekday::Wednesday,
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        "sun" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "times_tests.rs"]
mod tests;
