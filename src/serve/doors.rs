//! What all connections of the page share: who may come in, and how many.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::access::{AccessVerdict, Gate, RequestHead};
use super::rate::TokenBucket;
use super::site::Site;
use super::token::PageToken;

/// Connections at one time.
const CONNECTIONS: usize = 64;
/// How long a further one waits for one that makes room.
const ROOM_TIME: Duration = Duration::from_secs(1);
/// Readers of events at one time.
const READERS: usize = 32;

/// What all connections share.
pub(super) struct Doors {
    gate: Mutex<Gate>,
    token: PageToken,
    pub(super) site: Arc<Site>,
    /// Connections that have sent no request yet, by their numbers, and what ends them.
    silent: Mutex<BTreeMap<u64, AbortHandle>>,
    connections: Arc<Semaphore>,
    pub(super) readers: Arc<Semaphore>,
    rates: Mutex<Rates>,
    start: Instant,
}

/// How much is served: to those who have no key, to those who have it, and of what changes something.
struct Rates {
    strangers: TokenBucket,
    readers: TokenBucket,
    forms: TokenBucket,
}

impl Doors {
    pub(super) fn new(gate: Gate, token: PageToken, site: Arc<Site>) -> Self {
        let rates = Rates {
            strangers: TokenBucket::new(60, 10),
            readers: TokenBucket::new(300, 60),
            forms: TokenBucket::new(20, 2),
        };
        Self {
            gate: Mutex::new(gate),
            token,
            site,
            silent: Mutex::default(),
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
            readers: Arc::new(Semaphore::new(READERS)),
            rates: Mutex::new(rates),
            start: Instant::now(),
        }
    }

    /// Whether a request may be served, by the secret that counts now.
    pub(super) fn judge(&self, asked: &RequestHead<'_>) -> AccessVerdict {
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        gate.token = self.token.now();
        gate.judge(asked)
    }

    pub(super) fn silent(&self) -> MutexGuard<'_, BTreeMap<u64, AbortHandle>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection. Where there is none, the one that has sent nothing for the longest time makes room.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.connections).try_acquire_owned() {
            return Some(place);
        }
        let (_, oldest) = self.silent().pop_first()?;
        oldest.abort();
        timeout(ROOM_TIME, Arc::clone(&self.connections).acquire_owned()).await.ok()?.ok()
    }

    /// Whether one more request of this kind is served now.
    pub(super) fn has_room(&self, verdict: &AccessVerdict, is_form: bool) -> bool {
        let now = self.start.elapsed();
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        match verdict {
            AccessVerdict::Refused(..) | AccessVerdict::ComesAgain { .. } => rates.strangers.passes(now),
            _ if is_form => rates.forms.passes(now),
            _ => rates.readers.passes(now),
        }
    }
}
