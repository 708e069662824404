//! The room as it was, until its callers use the new one.

pub mod change;
mod commit;
mod diff;
mod index_backup;
mod overlay;
pub mod repository;
mod runner;
mod snapshot;
mod status;
#[cfg(test)]
mod testing;
mod undo;

pub use change::FileChange;
pub use commit::commit;
pub use diff::changes;
pub use overlay::{overlay, overlay_files};
pub use snapshot::{keep_tree, snapshot};
pub use status::uncommitted_files;
pub use undo::undo;
