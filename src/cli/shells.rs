//! The shells that can ask what they may propose.

use clap_complete::env::EnvCompleter;

use super::bash_words::BashWords;

/// The variable with the shell that asks.
pub(super) const VARIABLE: &str = "SEQORCH_COMPLETE";

/// The shells that can ask.
pub(super) const SHELLS: &[&dyn EnvCompleter] = &[
    &BashWords,
    &clap_complete::env::Elvish,
    &clap_complete::env::Fish,
    &clap_complete::env::Powershell,
    &clap_complete::env::Zsh,
];
