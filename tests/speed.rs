//! The time to plan a spec grows in proportion to its length.

use std::fs;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use seqorch::config::Config;

use crate::common::large::{SHAPES, all, config};

/// The larger file has this many times as many tasks.
const TIMES: u32 = 4;

/// How exactly the system counts a thread's work.
const TICK: Duration = Duration::from_millis(4);

/// How long this thread has worked so far; where the system does not say that, what time it is.
fn worked() -> Duration {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let nanos = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = nanos.and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| BEGIN.elapsed(), Duration::from_nanos)
}

fn time_of(text: &str, config: &Config) -> Duration {
    let start = worked();
    assert!(all(text, config) > 0);
    worked().saturating_sub(start)
}

#[test]
#[ignore = "slow"]
fn planning_time_grows_in_proportion_to_the_file() {
    grows_in_proportion(200);
}

#[test]
#[ignore = "takes seconds"]
fn planning_time_grows_in_proportion_to_a_long_file() {
    grows_in_proportion(1_000);
}

/// Plans specs of `small` tasks, and of [`TIMES`] as many.
fn grows_in_proportion(small: usize) {
    let config = config();
    for (name, shape) in SHAPES {
        let (small, large) = (shape(small), shape(small * TIMES as usize));
        // quadratic code takes sixteen times as long; a busy machine may look like that once, but hardly three times
        let mut seen = Vec::new();
        let linear = (0..3).any(|_| {
            let (a, b) = (time_of(&small, &config), time_of(&large, &config));
            seen.push((a, b));
            b < a.max(TICK) * TIMES * 2
        });
        assert!(linear, "{name}: {seen:?}");
    }
}

#[test]
fn every_large_test_file_has_the_tasks_that_it_should() {
    let config = config();
    for (name, shape) in SHAPES {
        let (tasks, steps) = crate::common::large::steps(&shape(200), &config);
        assert_eq!(tasks, 200, "{name}");
        assert!(steps >= 40, "{name}: {steps}");
    }
}
