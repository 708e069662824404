//! The time to plan a spec grows in proportion to its length.

use std::time::{Duration, Instant};

use seqorch::config::Config;

use crate::common::large::{SHAPES, all, config};

/// Tasks of the smaller file; the larger one has `TIMES` as many.
const SMALL: usize = 1_000;

const TIMES: u32 = 4;

/// The shortest time of some runs: the one that other processes disturbed least.
fn least(text: &str, config: &Config, runs: u32) -> Duration {
    let times = (0..runs).map(|_| {
        let start = Instant::now();
        assert!(all(text, config) > 0);
        start.elapsed()
    });
    times.min().expect("some runs")
}

#[test]
fn planning_time_grows_in_proportion_to_the_file() {
    let config = config();
    for (name, shape) in SHAPES {
        let (small, large) = (shape(SMALL), shape(SMALL * TIMES as usize));
        // quadratic code takes sixteen times as long; a busy machine may look like that once, but hardly three times
        let mut seen = Vec::new();
        let linear = (0..3).any(|_| {
            let (a, b) = (least(&small, &config, 3), least(&large, &config, 3));
            seen.push((a, b));
            b < a * TIMES * 2
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
