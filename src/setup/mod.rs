//! Setup and help: what is installed, whether a run could start, and a first configuration.
//!
//! Nothing here works on a task. The only programs that are started are git, `tmux -V`, `<agent> --version` and, for
//! Claude's sandbox, bwrap. Only [`fetch_presets`] uses the network, and of a secret only its place is ever printed.

pub mod backend_list;
pub mod doctor;
pub mod draft;
pub mod fetch_presets;
pub mod findings;
pub mod init;
pub mod logins;
pub mod probe;
pub mod project_facts;
pub mod survey;
mod test_commands;
