//! PURE. What is known of a spec's progress.

pub mod answer;
pub mod assignments;
pub mod attempt;
mod baseline;
pub mod by_id;
mod config_note;
pub mod counts;
pub mod end;
mod follow;
#[cfg(test)]
mod follow_tests;
mod gap_slots;
mod known_checks;
mod known_task;
pub mod limited;
mod limits;
mod matching;
pub mod needs;
pub mod next_start;
mod note;
pub mod notes;
pub mod outcome;
#[cfg(test)]
mod own_entry_tests;
mod person_request;
mod progress;
pub mod questions;
mod rewording;
pub mod run;
mod run_pause;
mod sessions;
pub mod spec_state;
pub mod spent;
mod task_moves;
mod task_pairs;
#[cfg(test)]
pub(crate) mod testing;
mod title_notes;
mod title_text;
pub mod unit;
pub mod work_tree;

pub use answer::Answer;
pub use assignments::AssignmentKey;
pub use attempt::{AttemptRecord, Learned, ResumeReason, Resumption, UntrustedChange};
pub use baseline::{BaselineRecord, FailedCheck, LeftOutCheck};
pub use by_id::ById;
pub use config_note::{ConfigNote, ConfigOutcome};
pub use counts::{Counts, counts, left};
pub use end::{End, EndKind, Remedy};
pub use known_task::{IdentityDoubt, KnownTask, SeenPlace, SeenTasks};
pub use limited::{Limited, WindowUse, who};
pub use needs::{Need, NeedKind, needs};
pub use note::Note;
pub use outcome::Outcome;
pub use person_request::{AskedChange, PersonRequest, SkipTarget, TakenRequest};
pub use questions::Question;
pub use run::{OpenRun, OverRun, Run, RunTimes, Wait, WaitReason};
pub use run_pause::RunPause;
pub use spec_state::SpecState;
pub use spent::Spent;
pub use task_moves::TaskMoves;
pub use unit::{Changes, CommitRefused, PendingCommit, UnitState, UnitStatus};
pub use work_tree::{LeftOutPath, TreeRecord, UndoRecord};
