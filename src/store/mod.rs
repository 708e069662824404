//! What is known of a spec, on disk: the state file, the folders of attempts, the locks.

pub mod activity;
pub mod attempt_folder;
pub mod expiry;
pub mod lock;
mod python_state;
pub mod record;
mod schema1;
pub mod spec_store;
pub mod state_file;

pub use spec_store::Store;
