//! Measures how fast a large spec is read, compared with a plain `CommonMark` pass over the same bytes:
//! `cargo bench --bench parse`. `SEQORCH_BENCH_TASKS` sets the number of tasks; the default is 100,000.

use std::hint::black_box;
use std::time::{Duration, Instant};

use seqorch::spec;

#[path = "../tests/common/large.rs"]
mod large;

const RUNS: usize = 5;

fn main() {
    // `cargo bench` passes `--bench`; `cargo test --all-targets` does not and must not spend minutes here
    if !std::env::args().any(|a| a == "--bench") {
        return;
    }
    let tasks = std::env::var("SEQORCH_BENCH_TASKS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let config = large::config();
    println!("{tasks} tasks; MB/s, the best of {RUNS} runs");
    println!("shape         MB  pulldown-cmark     parse  parse + plan  … + json + tick   steps");
    for (name, shape) in large::SHAPES {
        let text = shape(tasks);
        let (read, steps) = large::steps(&text, &config);
        assert_eq!(read, tasks, "{name}");
        let speed = |what: &dyn Fn()| rate(text.len(), best(what));
        println!(
            "{name:<10} {:>5.1}  {:>14.1}  {:>8.1}  {:>12.1}  {:>15.1}  {steps:>6}",
            mb(text.len()),
            speed(&|| {
                black_box(pulldown_cmark::Parser::new(black_box(&text)).count());
            }),
            speed(&|| {
                black_box(spec::parse(black_box(&text)));
            }),
            speed(&|| {
                black_box(large::steps(black_box(&text), &config));
            }),
            speed(&|| {
                black_box(large::all(black_box(&text), &config));
            }),
        );
    }
}

fn best(what: &dyn Fn()) -> Duration {
    let runs = (0..RUNS).map(|_| {
        let start = Instant::now();
        what();
        start.elapsed()
    });
    runs.min().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "people read the number; it is rounded anyway")]
fn mb(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

fn rate(bytes: usize, time: Duration) -> f64 {
    mb(bytes) / time.as_secs_f64()
}
