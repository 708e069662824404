//! Git: what changed in the work tree, a commit per task, and the way back.
//!
//! Every call of git has a deadline and can be ended at once ([`call`]). Snapshots lie in a folder of their own below
//! git's folder, so the user's index, refs, objects and files stay as they are ([`snapshot`]). [`commit`] changes the
//! branch and the index entries of the committed paths, [`restore`] changes files.

pub mod aside;
pub mod behind_index;
pub mod branch;
pub mod call;
pub mod change;
pub mod commit;
pub mod diff;
pub mod executing;
pub mod fetch;
mod files;
mod filter_environment;
mod finished_commit;
pub mod helpers;
pub mod history;
pub mod hook_changes;
pub mod hooks;
mod ignore_rules;
mod index_entries;
mod index_update;
pub mod left_out;
pub mod linked_trees;
mod made_commit;
pub mod moved_head;
mod objects;
pub mod operation;
mod overtaken;
mod own_commit;
pub mod path;
mod patience;
mod prune;
pub mod remote;
pub mod repository;
pub mod restore;
pub mod snapshot;
pub mod spec_refs;
pub mod stamp;
mod started_commit;
pub mod status;
#[cfg(test)]
mod step_tests;
mod submodules;
#[cfg(test)]
mod testing;
mod tree_edit;
mod unseen;
mod user_index;
pub mod way_back;
pub mod work_tree_lock;

pub use change::FileChange;
