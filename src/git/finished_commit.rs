//! What follows a commit of ours: the user's index gets it, and the note says that it is made.

use super::commit::{CommitOutcome, CommitRequest};
use super::made_commit::NewCommit;
use super::snapshot::Snapshots;
use super::stamp::Stamp;
use super::user_index::UserIndex;

impl Snapshots<'_> {
    /// Brings the user's index up to date with the commit. Whatever fails from here on, the commit is made.
    pub(super) fn finish(
        &mut self,
        new: NewCommit,
        request: &CommitRequest<'_>,
        asked: &str,
        index: &UserIndex,
    ) -> CommitOutcome {
        let before = Stamp::of(&self.repository().index);
        let entries = if before.is_some() && before == index.known {
            Ok(new.changes.iter().map(|change| (change.path.clone(), change.after.clone())).collect())
        } else {
            self.entries_not_staged(&new)
        };
        let updated = entries.and_then(|entries| self.update_user_index(&entries, index.is_locked));
        let updated = match updated.and_then(|()| self.update_for_later(&new)) {
            Ok(()) => self.note_own_update(before),
            Err(error) => self.note_behind(&new, &error),
        };
        // where it cannot be noted, the next run finds the commit by its own note, and comes here again
        let _ = updated.and_then(|()| self.note_made(request, asked, &new.commit));
        let ended = new.ended.map(|error| format!("the commit is made, but {}", error.words()));
        let beyond = new.changes.into_iter().map(|change| change.path);
        let beyond = beyond.filter(|path| !request.paths.contains(path)).collect();
        CommitOutcome::New { commit: new.commit, beyond, left: Vec::new(), note: ended }
    }
}
