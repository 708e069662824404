//! The looks of a run at the work tree and its history, and what it prints of them.

use super::last_look::LastLook;
use super::recorded_commits::{LostCommit, lost_commits};
use super::world::RealWorld;
use crate::attempt::work_tree::history;
use crate::config::{HistoryRule, HookEvent};
use crate::error::Result;
use crate::git::status::Head;
use crate::report::text::sanitise_line;
use crate::state::work_tree::HistoryChange;
use crate::state::{SpecState, TreeRecord};
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_folder;
use crate::store::attempt_result::AttemptResult;

/// How many files are named at the start that no snapshot has.
const SHOWN_UNSEEN: usize = 20;

impl RealWorld<'_> {
    /// Remembers the look of an attempt, until something else works in the tree: a child, a commit, a hook.
    pub(super) fn remember_look(&mut self, facts: Option<&AttemptResult>) {
        let hooks = &self.config.hooks;
        let has_hooks = HookEvent::ALL.iter().any(|event| hooks.argv(*event).is_some());
        self.last_look = facts.filter(|_| !has_hooks).and_then(LastLook::of);
    }

    /// The work tree before a step.
    pub(super) fn look_before_step(&mut self) -> Result<Option<TreeRecord>> {
        let last = self.last_look.take();
        let Some(repository) = &self.repository else { return Ok(None) };
        let trees = repository.trees();
        let boxes = trees.path_of(&self.place.tasks_path());
        if let Some(last) = last.and_then(|look| look.still_true(self.clock.now()))
            && let Some(boxes) = &boxes
            && let Ok(Some(tree)) = trees.with_ticked_boxes(&last.tree, boxes)
        {
            return Ok(Some(TreeRecord { tree, ..last }));
        }
        Ok(Some(repository.look(boxes.as_ref())?))
    }

    /// The work tree now, and how HEAD moved, after an attempt whose process could not look.
    pub(super) fn look_after(&self, dir: &AttemptDir) -> Option<TreeRecord> {
        let after = self.look_again()?;
        let history = self.repository.as_ref().and_then(|repository| {
            let request = attempt_folder::attempt(dir)?.snapshot?;
            let before = Head { commit: request.commit, branch: request.branch };
            let now = Head { commit: after.commit.clone(), branch: after.branch.clone() };
            // what git cannot say here is no reason to lose the tree
            history(repository.repository(), &before, &now).ok().flatten()
        });
        Some(TreeRecord { history, ..after })
    }

    /// The work tree now.
    pub(super) fn look_again(&self) -> Option<TreeRecord> {
        // if git still fails, the next snapshot says why
        self.repository.as_ref().and_then(|repository| repository.look(None).ok())
    }

    /// Whether two trees differ in no file but tasks.md.
    pub(super) fn has_same_files(&self, before: &str, after: &str) -> bool {
        let Some(repository) = &self.repository else { return false };
        let trees = repository.trees();
        let tasks = trees.path_of(&self.place.tasks_path());
        // what git cannot compare counts as changed
        trees
            .changes(before, after)
            .is_ok_and(|all| all.iter().all(|change| Some(&change.path) == tasks.as_ref()))
    }

    /// Brings the user's index up to date with the commits that it does not have yet. What is missing, and what to do.
    pub(super) fn bring_index_up_to_date(&self) -> Result<Option<String>> {
        let Some(repository) = &self.repository else { return Ok(None) };
        if repository.repository().index_behind().is_none() {
            return Ok(None);
        }
        let behind = repository.snapshots()?.catch_up_index()?;
        Ok(behind.map(|behind| behind.sentence(repository.repository())))
    }

    /// Commits of tasks that are not in the history of HEAD any more, as people read them.
    pub(super) fn find_lost_commits(&mut self, state: &SpecState) -> Result<Vec<String>> {
        let Some(repository) =
            self.repository.as_ref().filter(|_| self.config.git.history != HistoryRule::Off)
        else {
            return Ok(Vec::new());
        };
        let lost = lost_commits(repository.repository(), state)?;
        // what a person rewrote between two runs is no need
        let (before, lost): (Vec<LostCommit>, Vec<LostCommit>) =
            lost.into_iter().partition(|one| self.lost_before.contains(one));
        let names = |list: &[LostCommit]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        if !before.is_empty() {
            self.say(&format!(
                "note: not in the history of HEAD since before this run: {}",
                names(&before).join(", ")
            ));
        }
        let lost = names(&lost);
        if !lost.is_empty() && self.config.git.history == HistoryRule::Warn {
            self.say(&format!(
                "! commits of tasks are no longer in the history of HEAD: {}",
                lost.join(", ")
            ));
        }
        Ok(lost)
    }

    /// Names what neither a snapshot nor a commit of this run will have, whatever agents do to it.
    pub(super) fn say_unseen(&mut self, before: Option<&TreeRecord>) -> Result<()> {
        let (Some(repository), Some(before)) = (&self.repository, before) else { return Ok(()) };
        let hidden = repository.trees().hidden_files()?;
        let hidden = hidden.iter().map(|one| (&one.path, &one.why));
        let all = before.left_out.iter().map(|one| (&one.path, &one.why)).chain(hidden);
        let all: Vec<String> =
            all.map(|(path, why)| format!("{} ({})", sanitise_line(path), sanitise_line(why))).collect();
        for one in all.iter().take(SHOWN_UNSEEN) {
            self.say(&format!("note: neither in snapshots nor in commits: {one}"));
        }
        if all.len() > SHOWN_UNSEEN {
            self.say(&format!("note: … and {} more", all.len() - SHOWN_UNSEEN));
        }
        Ok(())
    }

    /// Names what happened to files and history in this attempt.
    pub(super) fn say_files(&mut self, state: &SpecState, unit: &str, attempt: u32) {
        self.say_left_out(state, unit, attempt);
        self.say_history(state, unit, attempt);
        self.say_review(state, unit, attempt);
    }

    /// Names what no snapshot and no commit has since this attempt.
    fn say_left_out(&mut self, state: &SpecState, unit: &str, attempt: u32) {
        let Some(record) = state.attempt(unit, attempt) else { return };
        let before = record.before.as_ref().map_or(&[][..], |before| &before.left_out);
        let after = record.learned.after.as_ref().map_or(&[][..], |after| &after.left_out);
        for one in after.iter().filter(|one| !before.contains(one)) {
            self.say(&format!("! left out: {} ({})", sanitise_line(&one.path), sanitise_line(&one.why)));
        }
    }

    /// Names what the attempt did to the history.
    fn say_history(&mut self, state: &SpecState, unit: &str, attempt: u32) {
        let history =
            state.attempt(unit, attempt).and_then(|record| record.learned.after.as_ref()?.history.clone());
        match history.filter(|_| self.config.git.history != HistoryRule::Off) {
            None => {}
            Some(HistoryChange::Commits { commits }) => {
                for commit in &commits {
                    self.say(&format!(
                        "  its own commit: {:.9} {}",
                        commit.id,
                        sanitise_line(&commit.subject)
                    ));
                }
            }
            Some(change) => self.say(&format!("! {change}")),
        }
    }
}
