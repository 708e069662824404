//! The wall clock, as a trait so that tests can set the time.

use jiff::Timestamp;

/// A source of the current time.
pub trait Clock: Send + Sync {
    /// The wall-clock time.
    fn now(&self) -> Timestamp;
}

/// Why the local time zone is not known: TZ names none, so times would be those of UTC.
#[must_use]
pub fn zone_problem() -> Option<String> {
    let name = std::env::var("TZ").ok().filter(|name| !name.is_empty())?;
    jiff::tz::TimeZone::try_system().err().map(|why| format!("TZ is {name:?}, which is no time zone: {why}"))
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
