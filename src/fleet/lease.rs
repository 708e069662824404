//! PURE. The lease of a spec: who works on it, and how long others leave it alone.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many times a lease is renewed in its length.
const RENEWALS: u32 = 3;

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
    /// Its timing.
    #[must_use]
    pub fn timing(&self) -> LeaseTiming {
        LeaseTiming {
            lease: Duration::from_millis(self.lease_ms),
            renew: Duration::from_millis(self.renew_ms),
        }
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
