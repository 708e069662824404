//! From what an attempt left behind to its end.

use std::fs;

use jiff::tz::TimeZone;

use super::driver::Ending;
use super::verdict::{judge, learned};
use super::{launch, limits};
use crate::attempt::record::AttemptDir;
use crate::config::{Config, DoneSignal};
use crate::state::{Learned, Outcome};

/// What an attempt that is over came to. Without a result it is lost, but its session may still be known.
pub(super) fn conclusion(config: &Config, dir: &AttemptDir, signal: DoneSignal) -> Ending {
    if let Some(facts) = launch::result(dir) {
        let outcome = judge(&facts, signal);
        let limited = launch::attempt(dir).and_then(|attempt| {
            let backend = config.backends.get(&attempt.backend);
            limits::limited(&outcome, &facts, &attempt.backend, backend, &TimeZone::system())
        });
        return (limited.unwrap_or(outcome), learned(&facts));
    }
    let session = fs::read_to_string(dir.session()).ok().map(|id| id.trim().to_owned());
    (Outcome::Lost, Learned { session: session.filter(|id| !id.is_empty()), ..Learned::default() })
}
