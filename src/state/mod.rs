//! PURE. What is known of a spec's progress.

pub mod answers;
pub mod end;
pub mod limited;
pub mod model;
pub mod outcome;
mod progress;
mod python;
pub mod spent;

pub use answers::Answer;
pub use end::End;
pub use limited::{Limited, WindowUse, who};
pub use model::{
    AttemptRecord, Changes, Ended, GoesOn, Learned, Reason, SpecState, StateFile, UnitState, UnitStatus,
};
pub use outcome::Outcome;
pub use progress::NotKept;
pub use spent::Spent;
