//! The wall clock, as a trait so that tests can set the time.

use std::time::Duration;

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// A source of the current time.
pub trait Clock: Send + Sync {
    /// The wall-clock time.
    fn now(&self) -> Timestamp;
}

/// The time since the machine was started, with the time that it slept.
#[must_use]
pub fn boot_time() -> Duration {
    // that of macOS counts while it sleeps
    #[cfg(target_os = "macos")]
    let clock = ClockId::Monotonic;
    #[cfg(not(target_os = "macos"))]
    let clock = ClockId::Boottime;
    let time = clock_gettime(clock);
    let part = |n: i64| u64::try_from(n).unwrap_or_default();
    Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec))
}

/// Why the local time zone is not known: TZ names none, so times would be those of UTC.
#[must_use]
pub fn zone_problem() -> Option<String> {
    let name = std::env::var("TZ").ok().filter(|name| !name.is_empty())?;
    jiff::tz::TimeZone::try_system()
        .err()
        .map(|why| format!("TZ is {name:?}, which is not a time zone: {why}"))
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
