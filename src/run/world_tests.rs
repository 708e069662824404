//! Pauses of the real world while the clock jumps.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::driver::World;
use super::inbox::Inbox;
use super::launch::Launcher;
use super::machine::{Event, Pause};
use super::world::RealWorld;
use crate::plan::Selection;
use crate::plan::testing::config;
use crate::project::SpecPlace;
use crate::project::last_parsed::LastParsed;
use crate::store::spec_store::Store;
use crate::sys::clock::Clock;

/// A clock that jumps once, soon after its start.
struct Jumping {
    start: Instant,
    by: SignedDuration,
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        let passed = self.start.elapsed();
        let jump = if passed > Duration::from_millis(50) { self.by } else { SignedDuration::ZERO };
        "2026-03-01T22:00:00Z".parse::<Timestamp>().unwrap()
            + SignedDuration::try_from(passed).unwrap()
            + jump
    }
}

/// How long a pause of this length takes.
fn paused(length: Duration, jump: SignedDuration) -> Duration {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path(), &dir.path().join("specs/login"), "login");
    store.prepare().unwrap();
    let place = SpecPlace {
        name: "login".to_owned(),
        typed: "login".to_owned(),
        dir: dir.path().join("specs/login"),
        file: None,
        root: dir.path().to_owned(),
        dialect: None,
        selection: Selection::default(),
        keeps_in_git: false,
        checkout: None,
        last: LastParsed::default(),
    };
    let launcher = Launcher::new(PathBuf::from("seqorch"), &store.folder(), None).unwrap();
    let (config, inbox) = (config(), Inbox::without_signals().unwrap());
    let clock = Jumping { start: Instant::now(), by: jump };
    let mut world =
        RealWorld::new(&place, &config, &store, &clock, launcher, &inbox, Box::new(std::io::sink()));
    // the pause is measured from before its end is computed
    let start = Instant::now();
    let until = clock.now() + SignedDuration::try_from(length).unwrap();
    let event = world.next(Some((Some(until), &Pause::Delay)), None);
    assert!(matches!(event, Event::Woke), "{event:?}");
    start.elapsed()
}

#[test]
fn a_pause_ends_soon_after_a_suspended_machine_wakes_up() {
    assert!(paused(Duration::from_secs(7200), SignedDuration::from_hours(8)) < Duration::from_secs(30));
}

#[test]
fn a_clock_that_is_set_back_does_not_change_a_pause() {
    let took = paused(Duration::from_millis(300), SignedDuration::from_hours(-10));
    assert!((Duration::from_millis(300)..Duration::from_secs(30)).contains(&took), "{took:?}");
}

#[test]
fn a_pause_has_its_length() {
    let took = paused(Duration::from_millis(300), SignedDuration::ZERO);
    assert!((Duration::from_millis(300)..Duration::from_secs(30)).contains(&took), "{took:?}");
}
