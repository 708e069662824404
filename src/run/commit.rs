//! Counts what a done unit changed, keeps the trees for `undo`, and commits the changes if the configuration says so.

use super::world::RealWorld;
use crate::config::Commit;
use crate::git;
use crate::state::{Changes, CommitRefused, SpecState, UnitState};

impl RealWorld<'_> {
    /// Counts and commits the changes since the unit's first attempt. `None` if there is no snapshot from before it.
    ///
    /// If git refused the commit before, the changes are those of that time, because others wrote to the files since.
    pub(super) fn keep_changes(
        &mut self,
        unit: &str,
        state: &SpecState,
    ) -> Result<Option<Changes>, CommitRefused> {
        let root = &self.place.root;
        let Some(known) = state.units.get(unit) else { return Ok(None) };
        let Some(before) = &known.before else { return Ok(None) };
        let Some(now) = git::snapshot(root) else { return Ok(None) };
        let refused = known.changes.as_ref().filter(|_| known.pending_commit.is_some());
        let own = refused.map(|refused| refused.own().to_owned());
        let after = match refused {
            Some(refused) => self.since_refused(before, refused, &now)?,
            None => now,
        };
        let list = git::changes(root, before, &after).unwrap_or_default();
        let trees = [("before", Some(before)), ("after", Some(&after)), ("left", own.as_ref())];
        for (name, tree) in trees.into_iter().filter_map(|(name, tree)| Some((name, tree?))) {
            // git may delete a tree that is not kept after a month; then `undo` cannot use it, and nothing else fails
            let _ = git::keep_tree(root, &self.store.folder(), &format!("{unit}-{name}"), tree);
        }
        let sum = |count: fn(&git::FileChange) -> Option<u64>| list.iter().filter_map(count).sum();
        let mut changes = Changes {
            files: list.len() as u64,
            insertions: sum(|c| c.insertions),
            deletions: sum(|c| c.deletions),
            after,
            left: None,
            commit: None,
        };
        if self.config.git.commit == Commit::Step {
            let ours =
                list.iter().map(|c| c.path.clone()).filter(|path| !state.run.dirty_before().contains(path));
            let ours: Vec<String> = ours.collect();
            let left: Vec<&str> =
                list.iter().map(|c| c.path.as_str()).filter(|path| !ours.iter().any(|o| o == path)).collect();
            if !left.is_empty() {
                self.say(&format!(
                    "! not committed, because they had changes before the run: {}",
                    left.join(", ")
                ));
            }
            if !ours.is_empty() {
                let message = self.message(unit, known);
                let root = &self.place.root;
                match git::commit(root, &ours, &message) {
                    Ok(commit) => changes.commit = commit,
                    Err(e) => {
                        changes.left = Some(own.unwrap_or_else(|| changes.after.clone()));
                        return Err(CommitRefused { why: e.render(), changes: Some(changes) });
                    }
                }
            }
        }
        Ok(Some(changes))
    }

    /// The tree after a unit whose commit git refused. A file of the unit that was changed since was changed to fix the
    /// commit, so the commit takes it as it is now. All other files are as the unit left them.
    fn since_refused(&self, before: &str, refused: &Changes, now: &str) -> Result<String, CommitRefused> {
        let root = &self.place.root;
        if self.config.git.commit == Commit::Off {
            return Ok(refused.after.clone());
        }
        // always from what the unit left: a file may be missing at one try and exist at the next
        let own = refused.own();
        let tree =
            git::changes(root, before, own).and_then(|files| git::overlay_files(root, own, now, &files));
        tree.ok_or_else(|| CommitRefused {
            why: "git does not have the trees before and after the task any more; commit its files by hand"
                .to_owned(),
            changes: Some(refused.clone()),
        })
    }

    /// The title from the last plan, or from tasks.md if the plan does not have the unit.
    fn title(&self, unit: &str) -> String {
        let planned = self.plan.iter().flat_map(|plan| &plan.steps).find(|step| step.unit == unit);
        if let Some(step) = planned {
            return step.title.clone();
        }
        let tasks = self.place.good_tasks().map(|(_, file)| file.tasks).unwrap_or_default();
        tasks.into_iter().find(|task| task.id == unit).map(|task| task.title).unwrap_or_default()
    }

    fn message(&self, unit: &str, known: &UnitState) -> String {
        let title = self.title(unit);
        let last = known.attempts.last();
        let agent = last.map_or("", |a| &a.backend);
        let attempts = known.attempts.iter().filter(|a| a.reached_agent()).count();
        let subject = self
            .config
            .git
            .message
            .replace("{spec}", &self.place.name)
            .replace("{id}", unit)
            .replace("{agent}", agent)
            .replace("{attempts}", &attempts.to_string())
            .replace("{title}", &title);
        let subject = crate::agent::sanitise::sanitise(subject.as_bytes());
        format!(
            "{}\n\nSpec: {}\nTask: {unit}\nAgent: {agent}\nAttempts: {attempts}\n",
            subject.trim(),
            self.place.name
        )
    }
}
