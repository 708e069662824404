//! PURE. Texts for people and machines.

pub mod live;
pub mod summary;
