//! What is known of a spec's progress, on disk.

pub mod lock;
pub mod model;
mod progress;
pub mod store;

pub use model::{
    Answer, AttemptRecord, Changes, GoesOn, Learned, Outcome, Reason, SpecState, StateFile, UnitState,
    UnitStatus,
};
