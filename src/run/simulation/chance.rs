//! Random schedules.

use std::time::Duration;

use super::acts::{Act, Does, Happening};
use super::git_model::GitModel;
use super::model::Model;
use super::scenario::{
    TASKS, cancelled, checked_before, committed, halted, in_sessions, kept, limited, reviewed, settings,
    unchecked, verified, wants,
};
use crate::config::{Granularity, HaltOrSkip};
use crate::state::Outcome;
use crate::state::outcome::{CancelledBy, TimedOut};
use crate::sys::dice::Dice;
use crate::sys::interrupt::Interrupt;

/// A random review.
pub(super) fn review(dice: &mut Dice, number: u32) -> Act {
    let outcome = match dice.roll(10) {
        0..=2 => Outcome::Approved,
        3..=5 => wants(number),
        6 => Outcome::NoVerdict,
        7 => Outcome::Lost,
        8 => Outcome::Failed { code: 1, why: None },
        _ => limited(dice),
    };
    let act = Act::of(Does::Ends(outcome), dice.pick(&[0, 1, 60, 400]));
    if dice.one_in(3) { act.mute() } else { act }
}

/// Who ends an attempt from outside, apart from TERM.
const ENDERS: [CancelledBy; 3] = [CancelledBy::HangUp, CancelledBy::Interrupt, CancelledBy::SessionEnd];

/// A random scenario.
pub(super) fn random(dice: &mut Dice) -> Model {
    let config = settings(|c| {
        c.run.granularity = dice.pick(&[Granularity::Unit, Granularity::Task]);
        c.run.on_failure = dice.pick(&[HaltOrSkip::Halt, HaltOrSkip::Skip]);
        c.run.on_halt = dice.pick(&[HaltOrSkip::Halt, HaltOrSkip::Skip]);
        c.run.max_iterations = dice.pick(&[1, 2, 3, 5, 50, 50]);
        c.run.delay = Duration::from_secs(dice.pick(&[0, 15]));
        c.run.jitter = Duration::from_secs(dice.pick(&[0, 0, 8]));
        c.retry.attempts = dice.pick(&[1, 2, 3]);
        c.retry.backoff = Duration::from_secs(dice.pick(&[0, 30]));
        c.run.include_optional = dice.one_in(4);
        c.limit.wait = !dice.one_in(8);
        c.limit.max_wait = Duration::from_secs(dice.pick(&[3600, 86_400, 86_400]));
        c.limit.fallback = dice.pick(&[vec![], vec!["other".to_owned()]]);
        c.run.hard_stop = dice.one_in(3);
    });
    let mut model = Model::new(config, TASKS);
    if dice.one_in(3) {
        model = if dice.one_in(2) { checked_before(model) } else { verified(model) };
    }
    if dice.one_in(2) {
        model = in_sessions(model);
    }
    if dice.one_in(3) {
        model = kept(model);
        let number = 1 + dice.roll(3) as usize;
        model.keep_fails.extend(dice.one_in(2).then_some(number));
    }
    if dice.one_in(4) {
        let git = GitModel::by_chance(dice);
        model = committed(model, git);
    }
    if dice.one_in(4) {
        model.config.review.rounds = dice.pick(&[1, 2, 3]);
        let reviews: Vec<Act> = (0..dice.roll(6)).map(|n| review(dice, n)).collect();
        model = reviewed(model, &reviews);
    }
    let ids = ["1", "2", "2.1", "2.2", "3", "4", "5"];
    for _ in 0..dice.roll(9) {
        let does = match dice.roll(25) {
            24 => Does::Ends(unchecked()),
            20..=23 => Does::Ends(limited(dice)),
            0..=7 => Does::Ends(Outcome::Done),
            8..=9 => Does::Ends(Outcome::Failed { code: 1, why: None }),
            10 | 19 => Does::Ends(Outcome::NoSignal),
            11 => Does::Ends(halted()),
            12..=13 => Does::Ends(Outcome::Lost),
            14 => Does::Ends(Outcome::TimedOut { which: TimedOut::Total }),
            15 => Does::Ends(cancelled(dice.pick(&ENDERS))),
            16 => Does::Ends(cancelled(CancelledBy::Terminate)),
            17 => Does::NotThere,
            18 => Does::NoHandshake,
            _ => Does::LateHandshake,
        };
        let mut act = Act::of(does, dice.pick(&[0, 1, 60, 60, 400, 7200]));
        act.ticks_own = dice.one_in(4);
        act.finishes = dice.one_in(4);
        act.passes = !dice.one_in(3);
        act.speaks = !dice.one_in(2);
        act.moves_head = dice.one_in(12);
        if dice.one_in(3) {
            act.ticks.push(dice.pick(&ids).to_owned());
        }
        model.script.push_back(act);
    }
    let mut happenings = Vec::new();
    for n in 0..dice.roll(6) {
        let at = i64::from(dice.roll(900));
        let id = dice.pick(&ids).to_owned();
        let int = Happening::Signal(Interrupt::Interrupt);
        match dice.roll(13) {
            10 => happenings.push((at, Happening::Pause(Some(dice.pick(&[5, 60, 5000]))))),
            11 => {
                let ends = at + i64::from(dice.roll(2000));
                happenings.extend([(at, Happening::Pause(None)), (ends, Happening::Resume)]);
            }
            12 => happenings.push((at, Happening::Skip(id))),
            0 => happenings.push((at, dice.pick(&[int, Happening::Signal(Interrupt::AfterStep)]))),
            1 => happenings.extend([(at, int.clone()), (at + i64::from(dice.roll(20)), int)]),
            2 => happenings.push((at, Happening::Signal(Interrupt::Terminate))),
            3 => happenings.push((at, Happening::Signal(Interrupt::HangUp))),
            4 => happenings.push((at, Happening::Jump(dice.pick(&[-7200, -5, 20, 36_000])))),
            5 => happenings.push((at, Happening::Add(format!("{}", 10 + n)))),
            6 => happenings.push((at, Happening::AddBelow(id.clone(), format!("{id}.{}", 7 + n)))),
            7 => happenings.push((at, Happening::Remove(id))),
            8 => happenings.push((at, dice.pick(&[Happening::Tick(id.clone()), Happening::Untick(id)]))),
            _ if dice.one_in(3) => {
                happenings.extend([(at, Happening::Break), (at + 100, Happening::Fix)]);
            }
            _ => {
                model.full.insert(1 + dice.roll(20));
                model.hook_fails.insert(1 + dice.roll(6));
            }
        }
    }
    happenings.extend(people(dice, &mut model));
    happenings.sort_by_key(|(at, _)| *at);
    model.happenings = happenings.into();
    model
}

/// What people want of the runs, and whether one talks to an agent.
fn people(dice: &mut Dice, model: &mut Model) -> Option<(i64, Happening)> {
    if dice.one_in(5) {
        // the shortest one is enough for checks, a question to a person, a step and its own checks
        model.people.hours = Some((dice.pick(&[0, 0, 300, 5000]), dice.pick(&[150, 300, 3000])));
    }
    let mut talk = None;
    if dice.one_in(6) {
        let at = i64::from(dice.roll(900));
        talk = Some((at, Happening::Talk(dice.pick(&[5, 60, 5000]))));
    }
    model.asks = dice.one_in(6);
    talk
}
