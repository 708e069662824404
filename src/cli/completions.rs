//! `seqorch completions` and `seqorch man`: completion scripts and manual pages, made from the command line's definition.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::help::{HelpTopic, TOPICS};
use super::shells::{SHELLS, VARIABLE};
use crate::error::{Error, Result};

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell to print the script for.
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The folder to write the pages to: one per verb, one per topic of the documentation, and seqorch.toml(5). Without it
    /// the main page goes to standard output.
    dir: Option<PathBuf>,
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
    let _ = std::io::stdout().write_all(&script);
    0
}

pub(super) fn man(command: &clap::Command, args: &ManArgs) -> Result<u8> {
    let command = for_people(command);
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        let _ = clap_mangen::Man::new(command).render(&mut page);
        let _ = std::io::stdout().write_all(&page);
        return Ok(0);
    };
    fs::create_dir_all(dir)
        .and_then(|()| clap_mangen::generate_to(command, dir))
        .and_then(|()| {
            TOPICS
                .iter()
                .map(HelpTopic::manual_page)
                .try_for_each(|(file, page)| fs::write(dir.join(file), page))
        })
        .map_err(|e| Error::io("writing man pages to", dir, e))?;
    Ok(0)
}

/// The command line without the hidden verbs, which completion scripts would list.
fn for_people(command: &clap::Command) -> clap::Command {
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
    let text = |text: Option<&clap::builder::StyledStr>| text.cloned().unwrap_or_default();
    clap::Command::new("seqorch")
        .version(env!("CARGO_PKG_VERSION"))
        .about(text(command.get_about()))
        .after_help(text(command.get_after_help()))
        .disable_help_subcommand(true)
        .args(command.get_arguments().cloned())
        .subcommands(verbs)
}
