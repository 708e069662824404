//! What a run does with the model of git.

use super::acts::Refusal;
use super::git_model::GitAct;
use super::model::Model;
use super::orchestrator::Orchestrator;
use crate::agent::AttemptRole;
use crate::config::RefusedRule;
use crate::error::Result;
use crate::state::{Changes, CommitRefused, SpecState, TreeRecord};

/// Seconds that a commit may take.
const DEADLINE: i64 = 600;
/// Seconds for which a lock is waited for.
const PATIENCE: i64 = 60;

fn refused(why: &str, for_agent: bool) -> std::result::Result<Option<Changes>, CommitRefused> {
    Err(CommitRefused {
        why: why.to_owned(),
        changes: Some(Box::default()),
        by_git: true,
        for_agent,
        left: None,
    })
}

impl Orchestrator<'_> {
    /// Whether the index still lacks commits.
    pub(super) fn index_in_model(&mut self) -> Option<String> {
        let now = self.model.time;
        let git = self.model.git.as_mut()?;
        git.index_behind = git.index_behind.filter(|until| *until > now);
        git.index_behind.map(|_| "committed; the index is not brought up to date".to_owned())
    }

    /// A look at the work tree.
    pub(super) fn look_at_tree(&mut self) -> Result<Option<TreeRecord>> {
        self.point()?;
        if let Some(git) = &mut self.model.git {
            git.looks += 1;
            if git.look_fails.contains(&git.looks) {
                return Err(self.excused("git fails to look at the work tree"));
            }
        }
        let tree = format!("tree at {}", self.model.time);
        Ok(self.model.config.git.snapshot.then(|| TreeRecord { tree, ..TreeRecord::default() }))
    }

    /// Makes the commit of a unit, as far as git lets it. It may be killed before and after each step of it.
    pub(super) fn commit_in_model(
        &mut self,
        unit: &str,
        state: &SpecState,
    ) -> std::result::Result<Option<Changes>, CommitRefused> {
        let number =
            state.units.get(unit).and_then(|unit| unit.attempts.last()).map_or(0, |last| last.number);
        let wanted = (unit.to_owned(), number);
        let Some(git) = &mut self.model.git else { return Ok(Some(Changes::default())) };
        // what a killed run noted and git then made is taken, not made again
        let is_made = git.started.as_ref() == Some(&wanted) && git.commits.last() == Some(&wanted);
        if !is_made {
            let act = git.acts.pop_front().unwrap_or(GitAct::Commits);
            let (takes, why) = match act {
                GitAct::Refuses | GitAct::SendsBack => (1, Some("a hook of git refused it")),
                GitAct::Hangs => (DEADLINE, Some("it took longer than 10m and was ended")),
                GitAct::Fails => (0, Some("git could not be started")),
                GitAct::IsLocked(seconds) if seconds > PATIENCE => {
                    (PATIENCE, Some("index.lock: File exists"))
                }
                GitAct::IsLocked(seconds) => (seconds, None),
                GitAct::KeepsIndex(seconds) => (seconds.min(PATIENCE), None),
                GitAct::Commits | GitAct::IsKilled => (0, None),
            };
            self.model.pass(takes);
            if let Some((_, since, ..)) = &mut self.last {
                // the pause begins after it
                *since += takes;
            }
            if let Some(why) = why {
                let for_agent =
                    act == GitAct::SendsBack && self.model.config.git.on_refused == RefusedRule::Retry;
                // a commit that git itself could not make stays pending, whatever a hook says later
                let is_pending = state.is_refused(unit);
                self.model.note(format!("the changes of {unit} cannot be committed: {why}"));
                if for_agent && !is_pending {
                    self.note_refusal(unit, Refusal::Heard);
                    // the pause that follows depends on how many attempts the unit has had
                    self.last = None;
                } else {
                    self.keep_failed = true;
                }
                return refused(why, for_agent);
            }
            if let Some(git) = &mut self.model.git {
                git.started = Some(wanted.clone());
            }
            if !self.lives() {
                return refused("killed", false);
            }
            // a run that heard of a refusal was killed, and git makes the commit for the next one
            self.note_refusal(unit, Refusal::No);
            let until = self.model.time;
            if let Some(git) = &mut self.model.git {
                if let GitAct::KeepsIndex(seconds) = act {
                    git.index_behind = (seconds > PATIENCE).then_some(until + seconds - PATIENCE);
                }
                if git.commits.contains(&wanted) {
                    self.wrong(format!("commits attempt {number} of {unit} twice"));
                } else {
                    git.commits.push(wanted);
                }
            }
            self.model.note(format!("git commits {unit}"));
        }
        if !self.lives() {
            return refused("killed", false);
        }
        Ok(Some(Changes { commit: Some(format!("commit of {unit}")), ..Changes::default() }))
    }
}

impl Orchestrator<'_> {
    /// What a hook said about the work that is to be committed.
    fn note_refusal(&mut self, unit: &str, refusal: Refusal) {
        let mut work = self.model.attempts.iter_mut().rev();
        if let Some(last) = work.find(|a| a.unit == unit && a.role == AttemptRole::Work) {
            last.refusal = refusal;
        }
    }
}

impl Model {
    /// What is wrong with the commits of a complete spec.
    pub(super) fn check_commits(&mut self) {
        let Some(git) = self.git.clone() else { return };
        if git.index_behind.is_some() {
            self.wrong("the spec is called complete, and the index lacks a commit");
        }
        for (id, unit) in self.load().units {
            let Some(number) = unit.attempts.last().map(|last| last.number).filter(|_| unit.is_done()) else {
                continue;
            };
            let has_commit = unit.changes.as_ref().is_some_and(|changes| changes.commit.is_some());
            let times = git.commits.iter().filter(|commit| **commit == (id.clone(), number)).count();
            if unit.before.is_some() && (!has_commit || times != 1) {
                self.wrong(format!("{id} is done and in {times} commits; the state names one: {has_commit}"));
            }
        }
    }
}
