//! One attempt, as it runs inside its window: `seqorch __attempt DIR`. Also what runs in the other windows and panes.
//!
//! Only the hidden verbs run this code. The orchestrator knows an attempt by the files in its folder and by its lock; from
//! here it uses only the names of the verbs and [`window::WindowProgram`].

mod agent_process;
mod awaited_program;
mod capture;
pub mod deadline;
mod limit_watch;
mod log;
mod result;
mod run;
mod sandboxed;
mod screen;
mod stdout;
pub mod window;
mod words;
pub mod work_tree;

pub use run::{VERB, run};
