//! What is known of a spec, on disk: the state file, the folders of attempts, the locks.

pub mod activity;
pub mod attempt_folder;
pub mod expiry;
pub mod lock;
pub mod record;
pub mod spec_store;

pub use spec_store::Store;
