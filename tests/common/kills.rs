//! A series of kills at random moments: its seed, its length, and what it counts.
//!
//! `SEQORCH_CHAOS_SEED` repeats a series, as far as the timing of the machine allows; `SEQORCH_CHAOS_KILLS` sets its length.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use fastrand::Rng;
use rustix::process::Signal;

use crate::common::kill;

/// Sleeps for a moment: mostly short, sometimes up to the last of these milliseconds.
pub(crate) fn pause(dice: &mut Rng, longest_ms: [u64; 4]) {
    let longest = longest_ms[dice.usize(..4)];
    thread::sleep(Duration::from_micros(1 + dice.u64(..longest * 1000)));
}

/// What was killed, and how runs ended.
#[derive(Debug, Default)]
pub(crate) struct KillCounts {
    kills: BTreeMap<&'static str, u32>,
    codes: BTreeMap<i32, u32>,
}

impl KillCounts {
    pub(crate) fn total(&self) -> u32 {
        self.kills.values().sum()
    }

    fn add(&mut self, other: &Self) {
        for (what, n) in &other.kills {
            *self.kills.entry(what).or_default() += n;
        }
        for (code, n) in &other.codes {
            *self.codes.entry(*code).or_default() += n;
        }
    }
}

/// What happened to one project, for the message of a failure.
pub(crate) struct KillLog {
    pub(crate) counts: KillCounts,
    pub(crate) began: Instant,
    lines: Vec<String>,
}

impl KillLog {
    pub(crate) fn new() -> Self {
        Self { counts: KillCounts::default(), began: Instant::now(), lines: Vec::new() }
    }

    pub(crate) fn note(&mut self, text: &str) {
        self.lines.push(format!("{:>7} ms  {text}", self.began.elapsed().as_millis()));
    }

    pub(crate) fn ended(&mut self, code: i32, words: &str) {
        *self.counts.codes.entry(code).or_default() += 1;
        self.note(&format!("run ended with {code}: {}", words.trim()));
    }

    pub(crate) fn kill(&mut self, what: &'static str, pid: i32) {
        kill(pid, Signal::KILL);
        self.note(&format!("kill -9 {what} {pid}"));
        *self.counts.kills.entry(what).or_default() += 1;
    }

    pub(crate) fn text(&self) -> String {
        self.lines.join("\n")
    }
}

/// Plays rounds until enough was killed. A round gets its number and the dice, and gives what it counted; `None`: the
/// system does not allow it.
pub(crate) fn series(of: &str, mut round: impl FnMut(usize, &mut Rng) -> Option<KillCounts>) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
    let seed = number("SEQORCH_CHAOS_SEED").unwrap_or_else(|| u64::from(now()) | 1);
    let wanted = number("SEQORCH_CHAOS_KILLS").unwrap_or(100);
    println!("SEQORCH_CHAOS_SEED={seed}");
    let (mut dice, mut counts) = (Rng::with_seed(seed), KillCounts::default());
    let (began, mut rounds) = (Instant::now(), 0);
    while u64::from(counts.total()) < wanted {
        let Some(counted) = round(rounds, &mut dice) else { return };
        counts.add(&counted);
        rounds += 1;
    }
    let KillCounts { kills, codes } = &counts;
    println!(
        "{} kills in {rounds} specs of {of}, {:?}: {kills:?}; ends of runs by code: {codes:?}",
        counts.total(),
        began.elapsed()
    );
}
