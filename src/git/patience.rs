//! Trouble that passes: another git at work, no memory for a moment, a git that something killed.

use std::time::Duration;

use super::call::{GitCall, GitError, Supervisor};

/// Pauses before a call is tried again that met another git at work; together about a minute.
const PAUSES_MS: [u64; 14] =
    [20, 50, 100, 200, 400, 800, 1500, 2500, 4000, 6000, 8000, 10_000, 12_000, 14_000];
/// A wait that takes longer is named to the person.
const UNNOTICED: Duration = Duration::from_secs(1);
/// How often a call is made again that was killed.
const KILLED_TRIES: u32 = 5;

impl GitCall<'_> {
    /// Runs it, and again with growing pauses while another git holds a lock, for about a minute.
    pub fn run_patiently(&self, supervisor: &Supervisor) -> Result<Vec<u8>, GitError> {
        patiently(supervisor, &self.shown(), || self.run(supervisor))
    }

    /// The same for a call that only reads: it is also made again where something killed it.
    pub(super) fn read(&self, supervisor: &Supervisor) -> Result<Vec<u8>, GitError> {
        self.run_stubbornly(supervisor, || Ok(()))
    }

    /// The same for a call that writes and may be made twice: it is also made again where something killed it. `mop_up` removes what
    /// it left then.
    pub(super) fn run_stubbornly(
        &self,
        supervisor: &Supervisor,
        mop_up: impl Fn() -> Result<(), GitError>,
    ) -> Result<Vec<u8>, GitError> {
        again_if_killed(|| self.run_patiently(supervisor), mop_up)
    }
}

/// Does `act` again where git was killed.
pub(super) fn again_if_killed<T>(
    mut act: impl FnMut() -> Result<T, GitError>,
    mop_up: impl Fn() -> Result<(), GitError>,
) -> Result<T, GitError> {
    let mut tries = 0;
    loop {
        match act() {
            Err(error) if error.was_killed() && tries < KILLED_TRIES => {
                tries += 1;
                mop_up()?;
            }
            done => return done,
        }
    }
}

/// Tries `act` again with growing pauses while what it meets is passing trouble.
pub(super) fn patiently<T>(
    supervisor: &Supervisor,
    shown: &str,
    act: impl Fn() -> Result<T, GitError>,
) -> Result<T, GitError> {
    let mut pauses = PAUSES_MS.iter().map(|ms| Duration::from_millis(*ms));
    let mut reported = None;
    let done = loop {
        let error = match act() {
            Err(error) if error.is_passing() => error,
            done => break done,
        };
        let Some(pause) = pauses.next() else { break Err(error) };
        if pause >= UNNOTICED && reported.is_none() {
            reported = supervisor.watch.as_ref();
            if let Some(watch) = reported {
                watch.slow(&format!("{shown}: {}", error.last_word()));
            }
        }
        if supervisor.stops_within(pause) {
            break Err(GitError::Stopped { command: shown.to_owned() });
        }
    };
    if let Some(watch) = reported {
        watch.over();
    }
    done
}

impl Supervisor {
    /// Waits; `true` if somebody asks for an end meanwhile.
    pub(super) fn stops_within(&self, pause: Duration) -> bool {
        if let Some(stop) = &self.stop {
            return stop.raised_within(pause);
        }
        std::thread::sleep(pause);
        false
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::sys::command::CommandWatch;
    use crate::sys::stop_flag::StopFlag;

    fn failed(code: Option<i32>, words: &str) -> GitError {
        GitError::Failed { command: "git commit".into(), code, words: words.into() }
    }

    #[derive(Default)]
    struct Notes(Mutex<Vec<String>>);

    impl CommandWatch for Notes {
        fn slow(&self, command: &str) {
            self.0.lock().unwrap().push(command.to_owned());
        }
        fn over(&self) {
            self.0.lock().unwrap().push("over".to_owned());
        }
    }

    #[test]
    fn a_long_wait_is_named_and_ends_on_request() {
        let stop = StopFlag::new().unwrap();
        let notes = Arc::new(Notes::default());
        let supervisor = Supervisor { stop: Some(stop.clone()), watch: Some(notes.clone()) };
        let tries = Cell::new(0);
        let words = "fatal: cannot lock ref 'HEAD': Unable to create '/r/.git/HEAD.lock': File exists.\n\nAnother git process";
        let done = patiently(&supervisor, "git commit", || {
            tries.set(tries.get() + 1);
            if tries.get() == 7 {
                stop.raise();
            }
            Err::<(), _>(failed(Some(128), words))
        });
        assert!(matches!(done, Err(GitError::Stopped { .. })), "{done:?}");
        let notes = notes.0.lock().unwrap();
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(
            notes[0].starts_with("git commit: cannot lock ref 'HEAD'") && notes[1] == "over",
            "{notes:?}"
        );
    }

    #[test]
    fn a_git_that_was_killed_is_started_again_but_not_for_ever() {
        let (tries, mopped) = (Cell::new(0), Cell::new(0));
        let act = |until: i32| {
            tries.set(tries.get() + 1);
            if tries.get() < until { Err(failed(None, "")) } else { Ok(()) }
        };
        let mop_up = || {
            mopped.set(mopped.get() + 1);
            Ok(())
        };
        assert_eq!(again_if_killed(|| act(3), mop_up), Ok(()));
        assert_eq!((tries.get(), mopped.get()), (3, 2));
        tries.set(0);
        assert!(again_if_killed(|| act(99), mop_up).is_err());
        assert_eq!(tries.get(), 6);
    }
}
