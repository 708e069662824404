//! A run on a remote: what it publishes in its course, and how it releases the lease at its end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::keeper::{Keeper, Kept};
use super::packed;
use super::request::note;
use super::strayed::{LeftCommits, TreeHead, left_commits, tree_head};
use super::synced::{Synced, sync};
use crate::config::Config;
use crate::error::Result;
use crate::fleet::hold::{HoldAnswer, Publication};
use crate::fleet::lease::Lease;
use crate::plan::Step;
use crate::project::SpecPlace;
use crate::report::text::sanitise_line;
use crate::report::times::to_the_second;
use crate::state::{End, SpecState};
use crate::sys::stop_flag::StopFlag;

/// How long the last push of a job may take that is about to be ended.
const HURRY: Duration = Duration::from_millis(3500);
/// How long another one may take.
const UNHURRIED: Duration = Duration::from_secs(60);
/// How often people may push while a run ends.
const MOVES: usize = 6;

/// The exit code of a run that is to be tried again.
const TRY_AGAIN: u8 = 75;
/// The exit code of a run that needs a person.
const NEEDS_YOU: u8 = 2;

/// A run that has the lease of its spec.
#[derive(Debug)]
pub struct RemoteRun {
    pub(super) keeper: Keeper,
    /// The random id of this process, and the number of the take, as commits name them.
    pub(super) take: String,
    /// The spec's part of the names of its refs.
    pub(super) key: String,
    /// When this process took the lease.
    pub(super) since: Timestamp,
    /// Raised where the process is to end.
    pub(super) ends: StopFlag,
    /// People moved the branch, and what they pushed is not taken in yet.
    pub(super) moved: Cell<bool>,
    /// Why a person is needed, so that the branch stays as it is.
    pub(super) trouble: RefCell<Option<String>>,
    /// The number of the ref that is to keep the commits of this run that are not on the branch.
    pub(super) kept_as: Cell<Option<u64>>,
    /// The objects of the accounts' refs, as they were seen last.
    pub(super) accounts: RefCell<BTreeMap<String, String>>,
    /// The step whose checks ran last, and its attempt.
    pub(super) checked: RefCell<Option<(Box<Step>, u32)>>,
    /// They run once more, on top of what people pushed.
    pub(super) checks_again: Cell<bool>,
    /// What an earlier run had no time to check was not looked for yet.
    pub(super) looks_for_unchecked: Cell<bool>,
}

impl RemoteRun {
    /// The trailers of a commit: the audit of a fleet needs git alone.
    pub(in crate::run) fn trailers(&self, unit: &str) -> String {
        format!("Seqorch-Task: {}/{unit}\nSeqorch-Run: {}\n", self.key, self.take)
    }

    /// The checks of a step begin.
    pub(in crate::run) fn note_checks(&self, step: &Step, attempt: u32) {
        *self.checked.borrow_mut() = Some((Box::new(step.clone()), attempt));
    }

    /// Releases the lease with the last push. `code`: the exit code of the run; returns that of the process.
    pub fn release(&self, place: &SpecPlace, config: &Config, code: u8) -> Result<u8> {
        let store = place.store();
        let hurries = matches!(code, 130 | 143) || self.ends.is_raised();
        let until = Instant::now() + if hurries { HURRY } else { UNHURRIED };
        let mut code = code;
        if hurries {
            self.keeper.hurry(HURRY);
        } else {
            self.keeper.kept().remote.limit_calls(UNHURRIED / 2);
        }
        for _ in 0..MOVES {
            let until = if hurries { until } else { Instant::now() + UNHURRIED };
            let mut state = store.load()?;
            let mut kept = self.keeper.kept();
            if self.moved.replace(false) {
                // what people pushed is not below the commits of this run: a push would take it off the branch
                let why = match sync(&mut kept, place, config) {
                    Ok(Synced::TakenIn(names)) => {
                        state.rename_commits(&names);
                        if self.leaves_checks(&names, &mut state) && code == 0 {
                            note("people pushed to the branch; the next run checks the last task again");
                            code = TRY_AGAIN;
                        }
                        None
                    }
                    Ok(Synced::Diverged(why)) => Some(why),
                    Err(error) => Some(format!("what people pushed cannot be taken in: {}", error.brief())),
                };
                if let Some(why) = why {
                    code = NEEDS_YOU;
                    self.need(&mut kept, &mut state, &why);
                }
                store.save(&state)?;
            }
            if self.leave_strayed(&mut kept, &mut state)? {
                code = if matches!(code, 130 | 143) { code } else { NEEDS_YOU };
                store.save(&state)?;
            }
            let answer = self.publish_last(&mut kept, place, &state, until)?;
            match answer {
                HoldAnswer::Published => {
                    kept.remote.leave();
                    return Ok(code);
                }
                HoldAnswer::BranchMoved(_) => self.moved.set(true),
                HoldAnswer::Refused if self.trouble.borrow().is_none() && !hurries => {
                    code = NEEDS_YOU;
                    let words = sanitise_line(&kept.remote.words);
                    let why = format!("{} refuses the push: {words}", kept.remote.name);
                    self.need(&mut kept, &mut state, &why);
                }
                HoldAnswer::Lost(lease) => {
                    let words = kept.remote.words.clone();
                    drop(kept);
                    return Ok(say_lost(place, lease.as_ref(), &words, code));
                }
                HoldAnswer::Refused | HoldAnswer::NoAnswer => {
                    let words = sanitise_line(&kept.remote.words);
                    let name = &kept.remote.name;
                    note(&format!(
                        "not pushed to {name}: {words}; the next run in this clone pushes it, if no other machine takes the spec first"
                    ));
                    return Ok(if code == 0 { TRY_AGAIN } else { code });
                }
            }
            drop(kept);
            store.save(&state)?;
        }
        note("people push to the branch again and again; the next run in this clone tries again");
        Ok(if code == 0 { TRY_AGAIN } else { code })
    }

    /// Notes that the checks of the last task are to run once more, where it has any and its commit has another name now.
    fn leaves_checks(&self, names: &[(String, String)], state: &mut SpecState) -> bool {
        let checked = self.checked.borrow();
        let Some((_, last)) = names.last() else { return false };
        let unit = match checked.as_ref() {
            Some((step, _)) => Some(step.unit.clone()).filter(|_| !step.settings.verify.is_empty()),
            // an earlier run checked it, if it has any
            None => state.unit_of_commit(last).map(str::to_owned),
        };
        let Some(unit) = unit else { return false };
        state.must_check_again(&unit);
        true
    }

    fn publish_last(
        &self,
        kept: &mut Kept,
        place: &SpecPlace,
        state: &SpecState,
        until: Instant,
    ) -> Result<HoldAnswer> {
        if kept.is_lost {
            return Ok(HoldAnswer::Lost(kept.lost_to.clone()));
        }
        let to_keep = self.kept_as.get().zip(packed::head(kept)?);
        let commit = match tree_head(kept)? {
            TreeHead::OnTop(head) if self.trouble.borrow().is_none() => head,
            TreeHead::OnTop(_) | TreeHead::Strayed(_) => None,
        };
        let saved = packed::saved(kept, place, state, commit.as_deref())?;
        let patience = || Some(until.saturating_duration_since(Instant::now()));
        if to_keep.is_some() {
            // while the lease holds: no machine takes the spec before they are there
            let saved = Arc::clone(&saved);
            let patience = patience();
            let publication = Publication { saved, commit: None, kept: to_keep, releases: false, patience };
            let answer = kept.publish(publication);
            if answer != HoldAnswer::Published {
                return Ok(answer);
            }
            self.kept_as.set(None);
        }
        Ok(kept.publish(Publication { saved, commit, kept: None, releases: true, patience: patience() }))
    }

    /// Leaves the branch as it is where HEAD is not on top of it any more, and has commits kept that only HEAD has. `true`: a
    /// person is needed, and the state says why.
    fn leave_strayed(&self, kept: &mut Kept, state: &mut SpecState) -> Result<bool> {
        if self.trouble.borrow().is_some() || kept.is_lost {
            return Ok(false);
        }
        let TreeHead::Strayed(why) = tree_head(kept)? else { return Ok(false) };
        let has_left = left_commits(kept, self.since)? != LeftCommits::None;
        let changed = state.run.over_mut().and_then(|over| match &mut over.end {
            End::History { reason, .. } => Some(reason),
            _ => None,
        });
        match changed {
            Some(reason) => {
                let left = self.divergence(kept, &why);
                note(&left);
                *reason = format!("{reason}; {left}");
            }
            None if has_left => self.need(kept, state, &why),
            None => return Ok(false),
        }
        Ok(true)
    }

    /// A person is needed: says so in the state, and has the commits kept under a ref.
    fn need(&self, kept: &mut Kept, state: &mut SpecState, why: &str) {
        let reason = self.divergence(kept, why);
        note(&reason);
        state.end_run(Timestamp::now(), End::Branch { reason }, true);
    }

    /// The reason of the need, for people. From now on the branch stays as it is.
    pub(super) fn divergence(&self, kept: &mut Kept, why: &str) -> String {
        // where git does not answer, the push says so
        let reason = match left_commits(kept, self.since).unwrap_or(LeftCommits::ForRemote) {
            LeftCommits::ForRemote => {
                let number = kept.hold.next_number();
                self.kept_as.set(Some(number));
                let place = kept.remote.names.kept(kept.hold.epoch(), number);
                format!(
                    "the commits of this run are kept on {} as {place}, since {why}. Bring them to the branch, or leave them, and run it again",
                    kept.remote.name
                )
            }
            LeftCommits::Here(place) => format!(
                "the commits of this run are kept in this clone only, as {place}, since {why}. Bring them to the branch, or leave them, and run it again"
            ),
            LeftCommits::None => {
                format!("{} has all commits of this run, and {why}", kept.remote.name)
            }
        };
        *self.trouble.borrow_mut() = Some(reason.clone());
        reason
    }
}

/// Says who has the spec, or what git said last of the remote; returns the exit code.
fn say_lost(place: &SpecPlace, lease: Option<&Lease>, words: &str, code: u8) -> u8 {
    let name = sanitise_line(&place.name);
    note(&match lease {
        Some(lease) if !lease.is_held() => format!(
            "the lease of {name} is lost: {} took the spec over and has released it; nothing more was pushed from here",
            sanitise_line(&lease.host)
        ),
        Some(lease) => format!(
            "the lease of {name} is lost: {} has the spec until {}; nothing more was pushed from here",
            sanitise_line(&lease.who()),
            to_the_second(lease.expires)
        ),
        None if words.is_empty() => format!("the lease of {name} is lost; nothing more was pushed from here"),
        None => format!(
            "the lease of {name} is lost; nothing more was pushed from here: {}",
            sanitise_line(words)
        ),
    });
    if matches!(code, 130 | 143) { code } else { TRY_AGAIN }
}
