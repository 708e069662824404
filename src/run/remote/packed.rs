//! What is published of a spec: its state, its progress log, and the commit that they belong to.

use std::sync::Arc;

use super::keeper::Kept;
use crate::error::{Error, ErrorKind, Result};
use crate::fleet::saved::{RunningTask, SavedSpec};
use crate::project::SpecPlace;
use crate::state::{SpecState, UnitState};
use crate::store::state_file::StateFile;
use crate::sys::nofollow::{self, WHOLE_MAX};

/// Bytes of the progress log that are published: its end.
const PROGRESS: usize = 64 << 10;

/// The commit that HEAD of the work tree is.
pub(super) fn head(kept: &Kept) -> Result<Option<String>> {
    Ok(kept.remote.repository.head()?)
}

/// What is published of a state, on this commit of the branch; `None`: the branch stays as the remote has it.
pub(super) fn saved(
    kept: &mut Kept,
    place: &SpecPlace,
    state: &SpecState,
    commit: Option<&str>,
) -> Result<Arc<SavedSpec>> {
    let at = &mut kept.at;
    at.running =
        state.running().map(|(task, attempt)| RunningTask { task: task.to_owned(), attempt: attempt.number });
    at.lost.retain(|task, _| state.units.get(task).is_some_and(|unit| !UnitState::is_done(unit)));
    match commit.filter(|commit| at.tip.as_deref() != Some(commit)) {
        Some(commit) => at.prev_tip = at.tip.replace(commit.to_owned()),
        // an earlier push that was to move it may not have landed
        None if commit.is_none() => at.tip = kept.hold.branch().map(str::to_owned),
        None => {}
    }
    let mut file = StateFile::default();
    file.specs.insert(place.name.clone(), state.clone());
    let failed = |e: serde_json::Error| Error::new(ErrorKind::Internal, "writing the state").caused_by(e);
    let text = String::from_utf8_lossy(&file.text().map_err(failed)?).into_owned();
    Ok(Arc::new(SavedSpec { at: at.clone(), state: text, progress: progress(place) }))
}

/// The end of the progress log, from the beginning of a line.
fn progress(place: &SpecPlace) -> String {
    let bytes = nofollow::read(&place.store().progress_path(), WHOLE_MAX).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let Some(from) = text.len().checked_sub(PROGRESS) else { return text.into_owned() };
    let line = text.bytes().enumerate().skip(from).find(|(_, byte)| *byte == b'\n');
    line.map_or_else(String::new, |(at, _)| text[at + 1..].to_owned())
}
