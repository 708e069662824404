//! PURE. The lease of a spec: who works on it, and how long others leave it alone.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many times a lease is renewed in its length.
const RENEWALS: u32 = 3;

/// The longest lease. A longer one comes from a broken record: no one could wait for its end.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a lease holds, and when it is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTiming {
    /// How long others leave the spec alone after the last push.
    pub lease: Duration,
    /// The time between two renewals.
    pub renew: Duration,
}

impl LeaseTiming {
    /// The timing of a lease of this length.
    #[must_use]
    pub fn of(lease: Duration) -> Self {
        let lease = lease.min(LONGEST);
        Self { lease, renew: lease / RENEWALS }
    }

    /// How long one call of git to the remote may take.
    #[must_use]
    pub fn call(&self) -> Duration {
        (self.renew / 2).max(Duration::from_secs(1))
    }
}

/// The two clocks of a machine at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Time since the machine was started, with the time that it slept. Only this one decides.
    pub boot: Duration,
    /// The wall clock, which differs from machine to machine. It is a hint.
    pub wall: Timestamp,
}

/// Who works on a spec, as the remote has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Version of this record.
    pub schema: u32,
    /// The random id of the process that works on the spec; null: nothing does.
    pub holder: Option<String>,
    /// The machine that wrote this.
    pub host: String,
    /// One more with each take.
    pub epoch: u64,
    /// One more with each push of the same holder.
    pub seq: u64,
    /// How long others leave the spec alone after they saw this for the first time, in milliseconds.
    pub lease_ms: u64,
    /// The time between two renewals, in milliseconds.
    pub renew_ms: u64,
    /// When the lease ends by the wall clock of the holder.
    pub expires: Timestamp,
    /// New in every push, so that no two objects are the same.
    pub nonce: String,
}

/// The version that this program writes.
pub const LEASE_SCHEMA: u32 = 1;

impl Lease {
    /// Reads it; an error says why that cannot be done.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let Version { schema } = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        if schema != LEASE_SCHEMA {
            return Err(format!("it has schema {schema}, and this seqorch knows schema {LEASE_SCHEMA}"));
        }
        let lease: Self = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        // the next take counts one more
        lease.epoch.checked_add(1).ok_or("no take has a higher number than it")?;
        Ok(lease)
    }

    /// Its timing.
    #[must_use]
    pub fn timing(&self) -> LeaseTiming {
        let lease = Duration::from_millis(self.lease_ms).min(LONGEST);
        LeaseTiming { lease, renew: Duration::from_millis(self.renew_ms).min(lease / RENEWALS) }
    }

    /// When it ends, as far as the wall clock says it; `None`: nothing holds it, or it has ended. A clock of its holder that is
    /// wrong does not make it longer than it is.
    #[must_use]
    pub fn holds_until(&self, now: Timestamp) -> Option<Timestamp> {
        let last = now.saturating_add(self.timing().lease).unwrap_or(self.expires);
        Some(self.expires.min(last)).filter(|end| self.is_held() && *end > now)
    }

    /// Whether a process holds it.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.holder.is_some()
    }

    /// Who has the spec, for people: `build-7 (process 1f2e…)`.
    #[must_use]
    pub fn who(&self) -> String {
        let id: String = self.holder.as_deref().unwrap_or("none").chars().take(8).collect();
        format!("{} (run {id})", self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::testing::lease;
    use super::*;

    fn read(change: impl FnOnce(&mut serde_json::Value)) -> Result<Lease, String> {
        let mut value = serde_json::to_value(lease(Some("a"))).unwrap();
        change(&mut value);
        Lease::read(&serde_json::to_vec(&value).unwrap())
    }

    #[test]
    fn a_lease_of_another_version_is_not_read_as_one_of_this() {
        assert_eq!(read(|_| ()).unwrap(), lease(Some("a")));
        let newer = |value: &mut serde_json::Value| {
            *value = serde_json::json!({ "schema": 2, "lease": {} });
        };
        assert_eq!(read(newer).unwrap_err(), "it has schema 2, and this seqorch knows schema 1");
        assert!(read(|value| value["expires"] = "garbage".into()).is_err());
        assert!(read(|value| value["epoch"] = u64::MAX.into()).is_err());
        assert!(Lease::read(b"").is_err());
    }

    #[test]
    fn no_record_makes_a_lease_longer_than_a_day() {
        let now = Timestamp::from_second(0).unwrap();
        let broken = read(|value| {
            (value["lease_ms"], value["renew_ms"]) = (u64::MAX.into(), u64::MAX.into());
            value["expires"] = "9999-01-01T00:00:00Z".into();
        });
        let broken = broken.unwrap();
        assert_eq!((broken.timing().lease, broken.timing().renew), (LONGEST, LONGEST / RENEWALS));
        assert_eq!(broken.holds_until(now), Some(now + LONGEST));
        assert_eq!(LeaseTiming::of(LONGEST * 2).lease, LONGEST);
        assert_eq!(lease(Some("a")).holds_until(now), Some(now + Duration::from_secs(60)));
        assert_eq!(lease(Some("a")).holds_until(Timestamp::from_second(2000).unwrap()), None);
        assert_eq!(lease(None).holds_until(now), None);
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A lease of a minute that ends at 1000 by the holder's clock.
    pub(crate) fn lease(holder: Option<&str>) -> Lease {
        Lease {
            schema: LEASE_SCHEMA,
            holder: holder.map(str::to_owned),
            host: "h".into(),
            epoch: 1,
            seq: 0,
            lease_ms: 60_000,
            renew_ms: 20_000,
            expires: Timestamp::from_second(1000).unwrap(),
            nonce: "n".into(),
        }
    }
}
