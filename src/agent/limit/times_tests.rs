use super::*;
use crate::agent::limit::patterns::LIBRARY;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The reset that a line names, on a host in `zone` and shown in that zone.
fn until(line: &str, now: &str, host: &str, session: bool) -> Option<String> {
    let host = zone(host);
    let context = TimeContext { now: at(now), zone: &host, session };
    let (form, found) =
        LIBRARY.resets.iter().find_map(|(form, regex)| Some((*form, regex.captures(line)?)))?;
    read(form, &found, context).map(|t| t.display_with_offset(host.to_offset(t)).to_string())
}

#[track_caller]
fn berlin(line: &str, expected: &str) {
    let found = until(line, "2026-03-01T10:00:00+01:00", "Europe/Berlin", false);
    assert_eq!(found.as_deref().unwrap_or("unknown"), expected, "{line}");
}

#[test]
fn a_clock_time_without_a_date_is_its_next_occurrence() {
    berlin("resets 11am", "2026-03-01T11:00:00+01:00");
    berlin("resets at 11:05 AM", "2026-03-01T11:05:00+01:00");
    berlin("resets 2am", "2026-03-02T02:00:00+01:00");
    berlin("resets 12am", "2026-03-02T00:00:00+01:00");
    berlin("resets 12pm", "2026-03-01T12:00:00+01:00");
    berlin("resets at 15:30", "2026-03-01T15:30:00+01:00");
    berlin("resets at midnight (UTC)", "2026-03-02T01:00:00+01:00");
    berlin("try again tomorrow at 9am", "2026-03-02T09:00:00+01:00");
    berlin("try again at 12:16 p.m.", "2026-03-01T12:16:00+01:00");
}

#[test]
fn a_clock_time_that_just_passed_means_now_and_not_tomorrow() {
    berlin("resets 9:45am", "2026-03-01T10:00:00+01:00");
    berlin("resets 9:15am", "2026-03-02T09:15:00+01:00");
    berlin("resets 10am", "2026-03-01T10:00:00+01:00");
}

#[test]
fn a_sessions_reset_more_than_six_hours_away_means_now() {
    let session = |line: &str| until(line, "2026-03-01T10:00:00+01:00", "Europe/Berlin", true).unwrap();
    assert_eq!(session("resets 3pm"), "2026-03-01T15:00:00+01:00");
    assert_eq!(session("resets 8am"), "2026-03-01T10:00:00+01:00");
    assert_eq!(session("resets 5pm"), "2026-03-01T10:00:00+01:00");
}

#[test]
fn a_weekday_or_a_date_without_a_year_is_the_next_one() {
    berlin("resets Mon 12:00am", "2026-03-02T00:00:00+01:00");
    berlin("resets Sunday, 9pm", "2026-03-01T21:00:00+01:00");
    berlin("resets Sun 9am", "2026-03-08T09:00:00+01:00");
    berlin("resets Mar 3, 7pm (Europe/Moscow)", "2026-03-03T17:00:00+01:00");
    berlin("resets Apr 23 at 4pm (America/Recife)", "2026-04-23T21:00:00+02:00");
    berlin("resets on April 20, 2026 at 2:00 AM", "2026-04-20T02:00:00+02:00");
    berlin("try again at Mar 10th, 2026 3:39 AM.", "2026-03-10T03:39:00+01:00");
    berlin("resets Jan 5, 8pm", "2027-01-05T20:00:00+01:00");
    // within a day it is the date that passed
    berlin("resets Feb 28, 3pm", "2026-02-28T15:00:00+01:00");
    berlin("resets Feb 28, 9am", "2027-02-28T09:00:00+01:00");
    berlin("resets Feb 29, 9am", "2028-02-29T09:00:00+01:00");
    berlin("cycle ends on 10/2/2026", "2026-10-02T00:00:00+02:00");
}

#[test]
fn a_time_that_cannot_be_read_for_certain_is_unknown() {
    for line in [
        "resets 3pm (Mars/Olympus)",
        "resets 3pm (Nowhere)",
        "resets at 3 PM XYZ",
        "resets at 3 PM IST",
        "resets 13pm",
        "resets 0am",
        "resets 25:10",
        "resets 3:75pm",
        "resets Feb 30, 3pm",
        "resets Apr 31, 2026 3pm",
        "resets 7",
        "try again at 10 de jul. de 2026, 11:52.",
        "try again later",
        "Limits reset every 5h and every week.",
        "limit reached|1234567890",
        "cycle ends on 13/2/2026",
        "retry after 3 fortnights",
        "resets in 99999999999999999999 hours",
    ] {
        berlin(line, "unknown");
    }
}

#[test]
fn zones_are_known_by_all_their_names() {
    berlin("resets 5:50pm (Asia/Calcutta)", "2026-03-01T13:20:00+01:00");
    berlin("resets 6pm (asia/kolkata)", "2026-03-01T13:30:00+01:00");
    berlin("resets 2pm (UTC)", "2026-03-01T15:00:00+01:00");
    berlin("resets 4pm (GMT+5:30)", "2026-03-01T11:30:00+01:00");
    berlin("resets 7am (America/New York)", "2026-03-01T13:00:00+01:00");
    berlin("resets at 2:00 PM CEST", "2026-03-01T14:00:00+01:00");
    berlin("resets at 2:00 PM UTC-3", "2026-03-01T18:00:00+01:00");
    berlin("resets 2pm (in 4 hours)", "2026-03-01T14:00:00+01:00");
}

#[test]
fn another_zone_may_have_another_day() {
    // 10 in Berlin is 18 in Seoul and 1 in Los Angeles
    berlin("resets 12am (Asia/Seoul)", "2026-03-01T16:00:00+01:00");
    berlin("resets Mar 1, 11pm (America/Los_Angeles)", "2026-03-02T08:00:00+01:00");
    berlin("resets Mon 1am (Pacific/Kiritimati)", "2026-03-01T12:00:00+01:00");
}

#[test]
fn an_hour_that_summer_time_skips_is_the_hour_after_it() {
    let night = "2026-03-29T00:30:00+01:00";
    let found = until("resets 2:30am", night, "Europe/Berlin", false).unwrap();
    assert_eq!(found, "2026-03-29T03:30:00+02:00");
    let found = until("resets 9am", night, "Europe/Berlin", false).unwrap();
    assert_eq!(found, "2026-03-29T09:00:00+02:00");
    let found = until("resets Mar 9, 3pm (America/Los_Angeles)", night, "UTC", false).unwrap();
    assert_eq!(found, "2027-03-09T23:00:00+00:00");
}

#[test]
fn an_hour_that_happens_twice_is_the_next_of_the_two() {
    let until = |now: &str| until("resets 2:30am", now, "Europe/Berlin", false).unwrap();
    assert_eq!(until("2026-10-25T01:00:00+02:00"), "2026-10-25T02:30:00+02:00");
    // the first passed longer ago than the grace
    assert_eq!(until("2026-10-25T02:10:00+01:00"), "2026-10-25T02:30:00+01:00");
    assert_eq!(until("2026-10-25T03:10:00+01:00"), "2026-10-26T02:30:00+01:00");
}

#[test]
fn durations_in_all_spellings_are_added_up() {
    for (text, millis) in [
        ("8h44m7s", 31_447_000),
        ("71h15m27.79s", 256_527_790),
        ("5 days 22 hours 11 minutes", 511_860_000),
        ("10 days 19 hours", 932_400_000),
        ("3 hours 2 minutes", 10_920_000),
        ("19hr", 68_400_000),
        ("6h16m", 22_560_000),
        ("8h 13m", 29_580_000),
        ("34.337s", 34_337),
        ("900.2ms", 900),
        ("28ms", 28),
        ("1 hour, 5 minutes and 3 seconds", 3_903_000),
        ("~2 weeks", 1_209_600_000),
        ("2733 seconds", 2_733_000),
        ("51 hours", 183_600_000),
        ("0s", 0),
        ("90", 90_000),
        ("1.5", 1_500),
    ] {
        assert_eq!(duration(text).map(|d| d.as_millis()), Some(millis), "{text}");
    }
    for text in
        ["", "~", "h", "5 parsecs", "2 months", "5h later", "1..5s", "-5s", "1e30s", "inf", "nan", "5h 3"]
    {
        assert_eq!(duration(text), None, "{text}");
    }
}

#[test]
fn epochs_in_seconds_or_milliseconds_and_iso_times_are_read() {
    assert_eq!(epoch(1_772_366_400), Some(at("2026-03-01T12:00:00Z")));
    assert_eq!(epoch(1_772_366_400_500), Some(at("2026-03-01T12:00:00.5Z")));
    for number in [0, 12, -5, i64::MAX, i64::MIN, 17_723_664_000] {
        assert_eq!(epoch(number), None, "{number}");
    }
    berlin("resets 2026-08-09 00:00 UTC", "2026-08-09T02:00:00+02:00");
    berlin("resets at 2026-08-09T00:00:00Z", "2026-08-09T02:00:00+02:00");
    berlin("resets 2026-08-09 00:00", "2026-08-09T00:00:00+02:00");
    berlin("try again at 2026-08-09T10:00:00-07:00", "2026-08-09T19:00:00+02:00");
}
