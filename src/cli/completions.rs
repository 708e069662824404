//! `seqorch completions`: completion scripts.

use std::io::Write;

use clap::Args;
use clap_complete::Shell;

use super::global::raw_stdout;
use super::shells::{SHELLS, VARIABLE};

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell to print the script for.
    shell: Shell,
}

/// zsh reads the file `_seqorch` at the first Tab, as the function of that name: it has to answer that Tab, too.
const ZSH_FIRST: &str = "
if [[ \"$funcstack[1]\" == _seqorch ]]; then
    _clap_dynamic_completer_seqorch \"$@\"
fi
";

pub(super) fn completions(args: &CompletionsArgs) -> u8 {
    let mut script = Vec::new();
    let name = args.shell.to_string();
    if let Some(shell) = SHELLS.iter().find(|shell| shell.is(&name)) {
        // the program is looked up when the shell asks, so a script stays right where it is installed
        let _ = shell.write_registration(VARIABLE, "seqorch", "seqorch", "seqorch", &mut script);
    }
    if args.shell == Shell::Zsh {
        script.extend_from_slice(ZSH_FIRST.as_bytes());
    }
    let _ = raw_stdout().write_all(&script);
    0
}
