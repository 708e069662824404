//! PURE. The keys, each declared once. A new key is one entry in one of these files, and nothing else.
//!
//! The notation is [`super::declare`]'s.

pub(crate) mod account;
pub(crate) mod assign;
pub(crate) mod backend;
pub(crate) mod hooks;
pub(crate) mod limit;
pub(crate) mod notify;
pub(crate) mod pace;
pub(crate) mod price;
pub(crate) mod prompt;
pub(crate) mod remote;
pub(crate) mod review;
pub(crate) mod root;
pub(crate) mod run;
pub(crate) mod sandbox;
pub(crate) mod tmux;
pub(crate) mod work;
