//! Random schedules of limits.

use std::time::Duration;

use jiff::civil::time;

use super::acts::{Act, Does, Happening};
use super::model::Model;
use super::scenario::{TASKS, in_sessions, limited, settings, two_models};
use crate::config::{Granularity, PaceWindow};
use crate::state::Outcome;
use crate::sys::dice::Dice;
use crate::sys::interrupt::Interrupt;

/// Random limits, one after another: of accounts and models, with and without a stated end. There are also pace rules,
/// users who end a wait, and a clock that jumps.
pub(super) fn limits(dice: &mut Dice) -> Model {
    let mut config = settings(|c| {
        c.run.granularity = dice.pick(&[Granularity::Unit, Granularity::Task]);
        c.run.max_iterations = dice.pick(&[2, 50, 50]);
        c.run.delay = Duration::from_secs(dice.pick(&[0, 15]));
        c.run.jitter = Duration::from_secs(dice.pick(&[0, 8]));
        c.retry.attempts = dice.pick(&[1, 2]);
        c.limit.wait = !dice.one_in(12);
        c.limit.margin = Duration::from_secs(dice.pick(&[0, 60]));
        c.limit.max_wait = Duration::from_secs(dice.pick(&[3600, 86_400, 604_800]));
        c.limit.fallback = dice
            .pick(&[&[][..], &["other"], &["other", "third"], &["agent"]])
            .iter()
            .map(|s| (*s).to_owned())
            .collect();
        c.pace.tasks_per_hour = dice.pick(&[None, None, Some(1), Some(3)]);
        c.pace.window = dice
            .pick(&[None, None, None, Some((22, 7)), Some((1, 5))])
            .map(|(from, until)| PaceWindow { from: time(from, 0, 0, 0), until: time(until, 30, 0, 0) });
    });
    if dice.one_in(2) {
        two_models(&mut config);
    }
    let mut model = Model::new(config, TASKS);
    if dice.one_in(2) {
        model = in_sessions(model);
    }
    for _ in 0..=dice.roll(12) {
        let does = match dice.roll(10) {
            0..=5 => limited(dice),
            6 => Outcome::Failed { code: 1, why: None },
            7 => Outcome::Lost,
            8 => Outcome::NoSignal,
            _ => Outcome::Done,
        };
        let act = Act::of(Does::Ends(does), dice.pick(&[0, 1, 60, 4000]));
        model.script.push_back(if dice.one_in(3) { act.mute() } else { act });
    }
    let mut happenings = Vec::new();
    for _ in 0..dice.roll(5) {
        let at = i64::from(dice.roll(100_000));
        let next = match dice.roll(7) {
            5 => {
                happenings.push((at + 1 + i64::from(dice.roll(20_000)), Happening::Resume));
                (at, Happening::Pause(None))
            }
            6 => (at, Happening::Pause(Some(dice.pick(&[60, 4000])))),
            0..=2 => (at, Happening::Signal(Interrupt::TryNow)),
            3 => (
                at,
                Happening::Signal(dice.pick(&[
                    Interrupt::Interrupt,
                    Interrupt::AfterStep,
                    Interrupt::HangUp,
                ])),
            ),
            _ => (at, Happening::Jump(dice.pick(&[-7200, -30, 600, 36_000]))),
        };
        happenings.push(next);
    }
    happenings.sort_by_key(|(at, _)| *at);
    model.happenings = happenings.into();
    model
}
