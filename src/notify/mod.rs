//! Messages to a person: what a run needs of them, and that it ended. The run puts each message into a folder and continues;
//! a process of its own delivers it, and tries again where that fails.

pub mod address;
pub mod delivery;
pub mod message;
pub mod messenger;
pub mod outbox;
