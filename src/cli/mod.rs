//! The command line: one file per verb. It turns arguments into a call, and the answer into text.
#![expect(clippy::doc_markdown, reason = "the help shows these comments as they are")]

mod assign;
mod attach;
mod backends;
mod bash_words;
mod command_line;
mod complete;
mod completions;
mod config;
mod diff;
mod doctor;
mod examples;
mod export;
mod flags;
mod forget;
mod global;
mod help;
mod hidden;
mod home;
mod init;
mod init_questions;
mod limits;
mod logs;
mod mark;
mod note;
mod overview;
mod pause;
mod plan;
mod printing;
mod program;
mod project;
mod report;
mod resume;
mod run;
mod shells;
mod spec_run;
mod specs;
mod status;
mod stop;
mod time_flags;
mod trust;
mod undo;
mod usage;
mod watch;

use self::global::Global;
pub use self::program::main;
