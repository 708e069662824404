//! Set-up and help: what is installed, whether a run could start, and a first configuration.
//!
//! Nothing here works off a task. The only programs that are run are `git`, `tmux -V` and `<agent> --version`; nothing
//! asks the network, and of a secret only its place is ever said.

pub mod backends;
pub mod doctor;
pub mod draft;
pub mod findings;
pub mod init;
pub mod logins;
pub mod probe;
pub mod survey;
