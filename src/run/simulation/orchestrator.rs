//! One life of an orchestrator: what it has done so far, and its death at a given call.

use super::acts::Attempt;
use super::model::Model;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Step;
use crate::run::event::BaselineResult;
use crate::state::{ConfigOutcome, Outcome};
use crate::sys::interrupt::Interrupt;

/// One life of an orchestrator.
pub(super) struct Orchestrator<'a> {
    pub(super) model: &'a mut Model,
    /// The point at which it is killed.
    kill_at: Option<u32>,
    pub(super) points: u32,
    pub(super) dead: bool,
    /// It ends with an error, as it should.
    pub(super) excused: bool,
    pub(super) save_failed: bool,
    /// A hook refused a start.
    pub(super) refused: bool,
    pub(super) starts: u32,
    pub(super) asked: Vec<Interrupt>,
    pub(super) cancelled: bool,
    /// The time of the run was up in this life.
    pub(super) rang: bool,
    /// The end of a run was saved in this life.
    pub(super) over: bool,
    pub(super) current: Option<usize>,
    /// The verify commands that run: the attempt's index, the time of their end, and their failure.
    pub(super) verifying: Option<(usize, i64, Option<Outcome>)>,
    /// The checks before any agent: the time of their end, and what comes of them.
    pub(super) baselining: Option<(i64, BaselineResult)>,
    pub(super) keep_failed: bool,
    /// The result of a commit is not saved yet.
    pub(super) commit_unsaved: bool,
    pub(super) recovered: bool,
    pub(super) first: Option<Step>,
    /// The last end that was reported: unit, time, number of clock jumps before it, and the pause that must follow.
    pub(super) last: Option<(String, i64, u32, i64)>,
    pub(super) random: u32,
    /// The unit that a person wanted run.
    pub(super) confirmed: Option<String>,
    /// A person talked to an agent when the run looked last.
    pub(super) talk_seen: bool,
    /// What became of the last change of the configuration.
    pub(super) became: Option<ConfigOutcome>,
}

impl<'a> Orchestrator<'a> {
    pub(super) fn new(model: &'a mut Model, kill_at: Option<u32>) -> Self {
        model.alive = true;
        Self {
            model,
            kill_at,
            points: 0,
            dead: false,
            excused: false,
            save_failed: false,
            refused: false,
            starts: 0,
            asked: Vec::new(),
            cancelled: false,
            rang: false,
            over: false,
            current: None,
            verifying: None,
            baselining: None,
            keep_failed: false,
            commit_unsaved: false,
            recovered: false,
            first: None,
            last: None,
            random: 0,
            became: None,
            confirmed: None,
            talk_seen: false,
        }
    }

    /// A point at which it may die.
    pub(super) fn lives(&mut self) -> bool {
        if !self.dead {
            self.points += 1;
            self.dead = self.kill_at == Some(self.points);
            if self.dead {
                self.model.killed_over = self.model.attempts.iter().any(Attempt::lasts);
                self.model.note("the orchestrator is killed");
            }
        }
        !self.dead
    }

    pub(super) fn point(&mut self) -> Result<()> {
        if self.lives() { Ok(()) } else { Err(Error::new(ErrorKind::Internal, "killed")) }
    }

    pub(super) fn excused(&mut self, what: &str) -> Error {
        self.excused = true;
        self.model.note(what);
        Error::new(ErrorKind::Internal, what)
    }

    pub(super) fn wrong(&mut self, what: impl Into<String>) {
        self.model.wrong(what);
    }
}
