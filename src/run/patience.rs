//! Waits for its turn at what another process has: the lock of a spec or of a work tree, or the right to make one.

use std::io::{self, Write};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// Pause between two tries.
const AGAIN: Duration = Duration::from_millis(500);

/// What a try to take something gave.
pub(super) enum Turn<T> {
    /// It is ours.
    Ours(T),
    /// Another process has it.
    Busy {
        /// Which one: `the run of shop (process 123)`.
        who: String,
        /// What it does with it, after `which`: `works in this work tree`.
        does: String,
    },
}

/// Tries to take something until it is ours. `stopped` says, at most after the given time, whether somebody ends the wait.
/// An error is one of `try_take`, or that the wait was ended.
pub(super) fn take_turn<T>(
    stopped: &dyn Fn(Duration) -> bool,
    mut try_take: impl FnMut() -> Result<Turn<T>>,
) -> Result<T> {
    let mut noted = false;
    loop {
        let (who, does) = match try_take()? {
            Turn::Ours(taken) => return Ok(taken),
            Turn::Busy { who, does } => (who, does),
        };
        if !noted {
            noted = true;
            let _ = writeln!(io::stderr(), "note: waiting for {who}, which {does}");
        }
        if stopped(AGAIN) {
            return Err(Error::new(ErrorKind::Interrupted, format!("stopped while waiting for {who}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn busy() -> Turn<u32> {
        Turn::Busy { who: "the run of a".into(), does: "works".into() }
    }

    #[test]
    fn a_turn_is_taken_as_soon_as_it_is_free() {
        let tries = Cell::new(0);
        let taken = take_turn(&|_| false, || {
            tries.set(tries.get() + 1);
            Ok(if tries.get() == 3 { Turn::Ours(7) } else { busy() })
        });
        assert_eq!((taken.unwrap(), tries.get()), (7, 3));
    }

    #[test]
    fn a_wait_for_a_turn_ends_when_it_is_stopped_and_on_errors() {
        let stopped = take_turn(&|_| true, || Ok(busy())).unwrap_err();
        assert_eq!(
            (stopped.kind(), stopped.to_string()),
            (ErrorKind::Interrupted, "stopped while waiting for the run of a".into())
        );
        let failed = take_turn::<u32>(&|_| false, || Err(Error::new(ErrorKind::Internal, "no disk")));
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Internal);
    }
}
