//! What is known of a spec, on disk: the state file, the folders of attempts, the locks.

pub mod activity;
pub mod attempt_dir;
pub mod attempt_file;
pub mod attempt_folder;
pub mod attempt_lock;
pub mod attempt_result;
pub mod busy_file;
mod calls;
pub mod entry_box;
pub mod expiry;
mod git_folder;
mod kept_files;
pub mod kept_log;
pub mod known_specs;
mod last_written;
pub mod lock;
mod older_state;
mod python_state;
mod removed_repository;
pub mod said_box;
mod schema1;
pub mod spec_folder;
pub mod spec_store;
pub mod spec_tree;
pub mod state_file;
pub mod talk_lock;
pub mod trust_file;
pub mod work_tree_folders;

pub use spec_store::Store;
