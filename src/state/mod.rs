//! What is known of a spec's progress, on disk.

pub mod answers;
pub mod expiry;
pub mod limited;
pub mod lock;
pub mod model;
pub mod outcome;
mod progress;
mod python;
pub mod spent;
pub mod store;

pub use answers::Answer;
pub use limited::{Limited, WindowUse, who};
pub use model::{
    AttemptRecord, Changes, Ended, GoesOn, Learned, Reason, SpecState, StateFile, UnitState, UnitStatus,
};
pub use outcome::Outcome;
pub use progress::NotKept;
pub use spent::Spent;
