//! Machines that share a remote, with clocks that differ, pushes that are refused, lost or late, people who push, stops that
//! are longer than the lease, and kills.

mod fleet;
mod machine;
mod remote;

use self::fleet::{Fleet, FleetCounts};

/// A pseudo-random source that a seed repeats.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Below `n`.
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % n
    }

    /// True in `percent` of 100 cases.
    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

fn schedules(runs: u64) -> FleetCounts {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let from = number("SEQORCH_SIM_SEED").unwrap_or(1);
    let runs = number("SEQORCH_FLEET_SIM_RUNS").unwrap_or(runs);
    let mut all = FleetCounts::default();
    for seed in from..from + runs {
        let mut fleet = Fleet::new(Chance::new(seed));
        fleet.run();
        let wrong = &fleet.remote.wrong;
        assert!(
            wrong.is_empty(),
            "SEQORCH_SIM_SEED={seed} SEQORCH_FLEET_SIM_RUNS=1: {}\n{}",
            wrong.join("; "),
            fleet.remote.log.join("\n")
        );
        all.add(&fleet.counts());
    }
    eprintln!("{runs} schedules of machines, seeds from {from}: {all:?}");
    all
}

#[test]
fn no_schedule_of_machines_does_a_task_twice_or_pushes_without_lease() {
    let all = schedules(1500);
    assert!(all.is_wild(1500), "the schedules are too tame: {all:?}");
}

#[test]
#[ignore = "takes some seconds"]
fn ten_thousand_schedules_of_machines_do_no_task_twice() {
    schedules(10_000);
}
