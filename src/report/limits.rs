//! PURE. The limits of now as text.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::text::sanitise_line;
use crate::agent::limit::LimitKind;
use crate::state::{Limited, SpecState, who};

/// A line for each account or model that is limited now. `fix` gives what you must do about a limit that does not end by
/// itself.
#[must_use]
pub fn lines(
    state: &SpecState,
    now: Timestamp,
    zone: &TimeZone,
    fix: impl Fn(LimitKind, &str) -> Option<String>,
) -> Vec<String> {
    let held = state.all_limits().filter(|(.., limited)| limited.holds(now));
    let line = |(backend, model, limited): (&str, Option<&str>, &Limited)| {
        let until = match (limited.until, limited.stated) {
            (None, _) => fix(limited.kind, backend).unwrap_or_else(|| "until you fix it".to_owned()),
            (Some(at), stated) => {
                let clock = at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z");
                if stated { format!("until {clock}") } else { format!("end unknown; next try {clock}") }
            }
        };
        let what = format!("{}: {}", limited.kind.words(), limited.why);
        format!("{} is limited: {} ({until})", sanitise_line(&who(backend, model)), sanitise_line(&what))
    };
    held.map(line).collect()
}
