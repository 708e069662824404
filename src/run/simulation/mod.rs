//! Runs the machine in a model of the world, kills the orchestrator at every call, and checks from outside that a run
//! keeps its promises.
//!
//! `SEQORCH_SIM_SEED` and `SEQORCH_SIM_RUNS` repeat or extend the random schedules.

mod acts;
mod chance;
mod check;
mod edited_list;
mod edits;
mod ends;
mod git;
mod git_model;
mod limits;
mod model;
mod notes;
mod orchestrator;
mod people;
mod requests;
mod scenario;
mod settings;
mod words;
mod world;

use std::collections::BTreeSet;

use model::Model;
use orchestrator::Orchestrator;

use super::driver::drive;
use super::resume::ResumeRequest;
use super::{End, Machine, Policy};
use crate::config::HaltOrSkip;
use crate::state::Outcome;
use crate::sys::dice::Dice;

/// The most lives of an orchestrator that a schedule may need.
const LIVES: usize = 60;
/// Seconds from a kill to the start of the next orchestrator.
const ABSENCES: [i64; 3] = [0, 2, 100_000];

/// How one life ended.
enum Ended {
    Killed,
    Excused,
    With(End),
}

/// One orchestrator from its start to its end, or to its death at `kill_at`. Returns how many points it passed.
fn live(model: &mut Model, kill_at: Option<u32>) -> (Ended, u32) {
    model.resume_later();
    let loaded = model.load();
    let mut before = loaded.clone();
    // a person asks for it again until it is saved
    let resume = model.resume.take().filter(|request| request.apply(&mut before, &BTreeSet::new()));
    let disk = model.disk.clone();
    let policy = model.policy();
    model.note("an orchestrator starts");
    let mut machine = Machine::new(loaded, policy);
    let start = model.run_start(resume.clone());
    let mut orchestrator = Orchestrator::new(model, kill_at);
    let result = drive(&mut machine, &mut orchestrator, start);
    let points = orchestrator.points;
    let refused = orchestrator.refused && !orchestrator.dead && !orchestrator.save_failed;
    if refused && orchestrator.model.load().running().is_some() {
        orchestrator.wrong("after a start that was refused the disk says that the attempt runs");
    }
    let ended = match result {
        _ if orchestrator.dead => Ended::Killed,
        Ok(end) => {
            orchestrator.check_end(&end, &before);
            Ended::With(end)
        }
        Err(_) if orchestrator.excused => Ended::Excused,
        Err(error) => {
            orchestrator.model.wrong(error.render());
            Ended::Excused
        }
    };
    if let Ended::With(end) = &ended {
        let text = format!("it ends: {end:?}");
        model.note(text);
    }
    if model.disk == disk {
        model.resume = resume;
    }
    model.alive = false;
    model.signals.clear();
    (ended, points)
}

impl Model {
    pub(super) fn policy(&self) -> Policy {
        Policy { ask: self.asks, ..Policy::of(&self.config, jiff::tz::TimeZone::UTC) }
    }
}

/// As `seqorch resume` does, and now and then `seqorch run --retry`.
fn resume(model: &mut Model) {
    model.halts += 1;
    let answer = (!model.halts.is_multiple_of(3)).then(|| format!("B{}", model.halts));
    // a person may have skipped the task while another run waited
    let Some(unit) = model.load().questions().first().map(|question| question.unit.to_owned()) else {
        return;
    };
    model.decided.entry(unit.clone()).or_default().extend(answer.clone());
    model.resume = Some(answer.map_or(ResumeRequest::Retry, |text| ResumeRequest::answer(&unit, &text)));
}

/// Starts orchestrators until the spec is complete. `plan` returns for each life where it is killed, and the seconds until
/// the next one starts. Returns the points of each life.
fn schedule(model: &mut Model, plan: &mut dyn FnMut(usize) -> (Option<u32>, i64)) -> Vec<u32> {
    let mut points = Vec::new();
    for life in 0..LIVES {
        let (kill_at, absence) = plan(life);
        let (ended, passed) = live(model, kill_at);
        points.push(passed);
        if !model.wrong.is_empty() {
            return points;
        }
        match ended {
            Ended::Killed | Ended::Excused | Ended::With(End::HungUp) => model.pass(absence),
            Ended::With(End::Halted { .. }) => {
                if model.load().questions().is_empty() {
                    model.wrong("a run ended halted, and no question is open");
                }
                let (disk, tasks, attempts) = (model.disk.clone(), model.tasks.clone(), model.attempts.len());
                let parks = model.config.run.on_halt == HaltOrSkip::Skip;
                // a run that parks questions tries again what failed
                let tries_again = parks && model.load().failed().next().is_some();
                let (again, _) = live(model, None);
                let changed = disk != model.disk || model.tasks != tasks;
                if !tries_again
                    && (!matches!(again, Ended::With(End::Halted { .. }) | Ended::Excused)
                        || attempts != model.attempts.len()
                        || changed && !parks)
                {
                    model.wrong("a run of a halted spec changes something");
                }
                resume(model);
            }
            Ended::With(End::Complete) if model.happenings.is_empty() => {
                let tasks = model.tasks.clone();
                let before = model.attempts.len();
                let (again, _) = live(model, None);
                let complete = matches!(again, Ended::With(End::Complete) | Ended::Excused);
                if !complete || model.tasks != tasks || model.attempts.len() != before {
                    model.wrong("a run of a complete spec does something");
                }
                return points;
            }
            Ended::With(End::Limited { .. }) => {
                model.pass(absence.max(60));
                model.resume = Some(ResumeRequest::ForgetLimits);
            }
            Ended::With(End::TryLater { until, .. }) => {
                // as a scheduler does
                let wait = until.duration_since(model.now()).as_secs() + 1;
                model.pass(absence.max(wait));
            }
            Ended::With(_) => {
                model.pass(absence.max(60));
                model.unskip();
            }
        }
        // the user repairs tasks.md before the next start
        if model.broken {
            model.pass(1000);
        }
    }
    model.wrong("it never ends");
    points
}

fn good(model: &Model, name: &str) {
    assert!(
        model.wrong.is_empty(),
        "{name}: {}\n{}\ntasks.md:\n{}\nstate: {}",
        model.wrong.join("; "),
        model.log.join("\n"),
        model.tasks,
        model.disk.as_deref().unwrap_or("none")
    );
}

#[test]
fn a_kill_at_a_point_breaks_no_promise() {
    kill_once(743);
}

#[test]
#[ignore = "takes half a minute"]
fn a_kill_at_any_point_breaks_no_promise() {
    kill_once(1);
}

/// Kills each scenario at one point in each of its lives. With `every` = 311 only each 311th point is tried; the first one
/// differs from life to life, so that all kinds of points are among them.
fn kill_once(every: u32) {
    let mut count = 0_u32;
    let mut offset = 0;
    for (name, scenario) in scenario::base() {
        let mut model = scenario.clone();
        let points = schedule(&mut model, &mut |_| (None, 60));
        good(&model, name);
        count += 1;
        // a later life can be killed, too, if the one before it ended by itself
        for (cut, &points) in points.iter().enumerate() {
            offset += 37;
            for kill_at in (1 + offset % every..=points).step_by(every as usize) {
                for absence in ABSENCES {
                    let mut model = scenario.clone();
                    schedule(&mut model, &mut |life| ((life == cut).then_some(kill_at), absence));
                    good(&model, &format!("{name}, life {cut} killed at {kill_at}, {absence} s of absence"));
                    count += 1;
                    if !model.killed_over {
                        break;
                    }
                }
            }
        }
    }
    eprintln!("{count} schedules");
}

#[test]
fn two_kills_in_a_row_break_no_promise() {
    kill_twice(401);
}

#[test]
#[ignore = "takes half a minute"]
fn any_two_kills_in_a_row_break_no_promise() {
    kill_twice(1);
}

/// Kills a scenario in two lives in a row; `every` as for [`kill_once`].
fn kill_twice(every: u32) {
    let mut count = 0_u32;
    for (name, scenario) in
        scenario::base().into_iter().filter(|(name, _)| name.contains("halt") || name.contains("failed"))
    {
        let mut model = scenario.clone();
        let points = schedule(&mut model, &mut |_| (None, 60));
        for first in 1..=points[0] {
            // a life that resumes passes these points first: begin, save, tick, report, recover
            for second in (1 + first % every..=14).step_by(every as usize) {
                let mut model = scenario.clone();
                let kills = [Some(first), Some(second)];
                schedule(&mut model, &mut |life| (kills.get(life).copied().flatten(), 2));
                good(&model, &format!("{name}, killed at {first}, then at {second}"));
                count += 1;
            }
        }
    }
    eprintln!("{count} schedules");
}

#[test]
fn no_schedule_of_limits_loses_a_unit_or_does_one_twice() {
    limits_by_chance(20);
}

#[test]
#[ignore = "takes a minute"]
fn ten_thousand_schedules_of_limits_lose_and_repeat_nothing() {
    limits_by_chance(10_000);
}

/// Tries `runs` schedules of limits, or as many as `SEQORCH_SIM_RUNS` says.
fn limits_by_chance(runs: u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let from = number("SEQORCH_SIM_SEED").unwrap_or(1);
    let runs = number("SEQORCH_SIM_RUNS").unwrap_or(runs);
    let began = std::time::Instant::now();
    let (mut limited, mut dispatched, mut by_fallback) = (0, 0, 0);
    for seed in from..from + runs {
        let mut dice = Dice::new(seed ^ 0x5EED_0F11);
        let mut model = limits::limits(&mut dice);
        let kills = dice.roll(4) as usize;
        schedule(&mut model, &mut |life| {
            let kill_at = (life < kills).then(|| 1 + dice.roll(80));
            (kill_at, dice.pick(&[0, 2, 700, 30_000]))
        });
        good(&model, &format!("SEQORCH_SIM_SEED={seed} SEQORCH_SIM_RUNS=1"));
        dispatched += model.attempts.len();
        limited += model
            .attempts
            .iter()
            .filter(|a| matches!(a.reported_end, Some((Outcome::Limited { .. }, _))))
            .count();
        let state = model.load();
        by_fallback +=
            state.units.values().flat_map(|u| &u.attempts).filter(|a| a.backend != "agent").count();
        // each open leaf was done, by exactly one attempt
        let done: Vec<&String> =
            model.attempts.iter().filter(|a| a.wrote_done()).flat_map(|a| &a.completes).collect();
        for leaf in ["2.1", "2.2", "3", "5"] {
            let times = done.iter().filter(|id| **id == leaf).count();
            assert_eq!(times, 1, "{leaf} was done {times} times; SEQORCH_SIM_SEED={seed} SEQORCH_SIM_RUNS=1");
        }
    }
    eprintln!(
        "{runs} schedules of limits, seeds from {from}: {dispatched} attempts, {limited} of them limited, \
         {by_fallback} by a fallback, in {:.1} s",
        began.elapsed().as_secs_f32()
    );
    let enough = usize::try_from(runs).unwrap_or(usize::MAX);
    let tame = limited < enough || by_fallback < enough / 2;
    assert!(runs < 100 || !tame, "the schedules are too tame");
}

#[test]
fn no_night_of_reviews_and_limits_skips_a_review_or_works_twice() {
    nights_of_reviews(12);
}

#[test]
#[ignore = "takes a minute"]
fn ten_thousand_nights_of_reviews_and_limits_keep_every_promise() {
    nights_of_reviews(10_000);
}

/// Tries `runs` nights of reviews, limits, dead sessions and kills, or as many as `SEQORCH_SIM_RUNS` says.
fn nights_of_reviews(runs: u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let from = number("SEQORCH_SIM_SEED").unwrap_or(1);
    let runs = number("SEQORCH_SIM_RUNS").unwrap_or(runs);
    let (mut work, mut reviews, mut changes, mut limited, mut dead) = (0, 0, 0, 0, 0);
    for seed in from..from + runs {
        let mut dice = Dice::new(seed ^ 0x0BE7_1E55);
        let acts: Vec<acts::Act> = (0..dice.roll(8)).map(|n| chance::review(&mut dice, n)).collect();
        let mut model = scenario::reviewed(limits::limits(&mut dice), &acts);
        model.config.review.rounds = dice.pick(&[1, 2]);
        let kills = dice.roll(4) as usize;
        schedule(&mut model, &mut |life| {
            let kill_at = (life < kills).then(|| 1 + dice.roll(120));
            (kill_at, dice.pick(&[0, 2, 700, 30_000]))
        });
        good(&model, &format!("SEQORCH_SIM_SEED={seed} SEQORCH_SIM_RUNS=1"));
        let ended = |is: fn(&Outcome) -> bool| {
            let ends = model.attempts.iter().filter_map(|a| a.reported_end.as_ref());
            ends.filter(|(outcome, _)| is(outcome)).count()
        };
        work += model.attempts.iter().filter(|a| a.role.is_work()).count();
        reviews += model.attempts.iter().filter(|a| !a.role.is_work()).count();
        changes += ended(|outcome| matches!(outcome, Outcome::ChangesWanted { .. }));
        limited += ended(|outcome| matches!(outcome, Outcome::Limited { .. }));
        let mute =
            |a: &&acts::Attempt| a.reported_end.as_ref().is_some_and(|(end, _)| a.lost_its_session(end));
        dead += model.attempts.iter().filter(mute).count();
        for leaf in ["2.1", "2.2", "3", "5"] {
            let done =
                model.attempts.iter().filter(|a| model.did(a) && a.completes.iter().any(|id| id == leaf));
            assert_eq!(done.count(), 1, "{leaf}: SEQORCH_SIM_SEED={seed} SEQORCH_SIM_RUNS=1");
        }
    }
    eprintln!(
        "{runs} nights with reviews, seeds from {from}: {work} attempts at tasks, {reviews} reviews, {changes} of them \
         want changes, {limited} limits, {dead} dead sessions"
    );
    let enough = usize::try_from(runs).unwrap_or(usize::MAX);
    assert!(runs < 60 || (changes >= enough && limited >= enough && dead > 0), "the nights are too tame");
}

#[test]
fn a_run_that_must_try_now_does_not_wait_for_the_limit() {
    let mut model = scenario::base().into_iter().find(|(name, _)| name.contains("try now")).unwrap().1;
    schedule(&mut model, &mut |_| (None, 60));
    good(&model, "try now");
    assert!(model.time < 2000, "it took {} s", model.time);
}

#[test]
fn no_schedule_by_chance_breaks_a_promise() {
    by_chance(15);
}

#[test]
#[ignore = "takes a minute"]
fn none_of_ten_thousand_schedules_by_chance_breaks_a_promise() {
    by_chance(10_000);
}

/// Tries `runs` random schedules, or as many as `SEQORCH_SIM_RUNS` says.
fn by_chance(runs: u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let from = number("SEQORCH_SIM_SEED").unwrap_or(1);
    let runs = number("SEQORCH_SIM_RUNS").unwrap_or(runs);
    for seed in from..from + runs {
        let mut dice = Dice::new(seed);
        let mut model = chance::random(&mut dice);
        let kills = dice.roll(7) as usize;
        schedule(&mut model, &mut |life| {
            let kill_at = 1 + dice.pick(&[10, 60, 200]);
            let kill_at = (life < kills).then(|| 1 + dice.roll(kill_at));
            (kill_at, dice.pick(&[0, 0, 2, 50, 10_000]))
        });
        good(&model, &format!("SEQORCH_SIM_SEED={seed} SEQORCH_SIM_RUNS=1"));
    }
    eprintln!("{runs} schedules, seeds from {from}");
}
