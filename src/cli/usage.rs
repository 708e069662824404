//! Errors of the command line: clap's own text, with a tip only where it leads somewhere.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind as ClapErrorKind};

use crate::config::nearest;
use crate::error::ErrorKind;

/// Words that people try as verbs, and what does that here.
const VERBS: &[(&str, &str)] = &[
    ("answer", "seqorch resume --answer TEXT"),
    ("cancel", "seqorch stop"),
    ("check", "seqorch doctor"),
    ("continue", "seqorch resume"),
    ("clean", "seqorch forget SPEC"),
    ("done", "seqorch mark ID done"),
    ("kill", "seqorch stop --now"),
    ("list", "seqorch specs"),
    ("retry", "seqorch run --retry"),
    ("revert", "seqorch undo ID"),
    ("skip", "seqorch mark ID skip"),
    ("start", "seqorch run"),
    ("summary", "seqorch report"),
    ("todo", "seqorch mark ID todo"),
    ("watch", "seqorch status --watch"),
];

/// Flags that people try, and where that is set.
const FLAGS: &[(&str, &str)] = &[
    ("--agent", "set `agent` of [backend.NAME] in seqorch.toml, or choose a backend with --backend"),
    ("--model", "set `model` of [backend.NAME] in seqorch.toml, or of an [[override]] for some tasks"),
    ("--parallel", "seqorch runs one task at a time"),
    ("--skip", "seqorch mark ID skip"),
    ("--task", "--only ID"),
    ("--tasks", "--only ID,ID"),
    ("--yes", "only `forget` asks a question; what agents may do is `permission` of [backend.NAME]"),
];

/// Prints what clap says, with better tips, and returns the exit code.
pub(super) fn report(mut error: clap::Error, command: &clap::Command) -> u8 {
    improve(&mut error, command);
    let _ = error.print();
    // clap's own 2 would read as "needs you"
    if error.use_stderr() { ErrorKind::Usage.exit_code() } else { 0 }
}

/// Replaces tips that only share some letters with the mistake.
fn improve(error: &mut clap::Error, command: &clap::Command) {
    match error.kind() {
        ClapErrorKind::InvalidSubcommand => {
            let Some(word) = text(error, ContextKind::InvalidSubcommand) else { return };
            error.remove(ContextKind::SuggestedSubcommand);
            let verbs =
                command.get_subcommands().filter(|verb| !verb.is_hide_set()).map(clap::Command::get_name);
            if let Some(instead) = instead(VERBS, &word) {
                tip(error, &format!("use `{instead}`"));
            } else if let Some(near) = nearest(&word, verbs) {
                tip(error, &format!("did you mean `seqorch {near}`?"));
            }
        }
        ClapErrorKind::UnknownArgument => {
            let Some(flag) = text(error, ContextKind::InvalidArg) else { return };
            if let Some(instead) = instead(FLAGS, &flag) {
                error.remove(ContextKind::SuggestedArg);
                tip(error, instead);
            } else if text(error, ContextKind::SuggestedArg).is_some_and(|near| is_far(&flag, &near)) {
                error.remove(ContextKind::SuggestedArg);
                // it would show the flag that is not suggested any more
                error.remove(ContextKind::Usage);
            }
        }
        _ => {}
    }
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    }
}

fn instead(table: &[(&str, &'static str)], word: &str) -> Option<&'static str> {
    table.iter().find(|(wrong, _)| *wrong == word).map(|(_, instead)| *instead)
}

fn is_far(flag: &str, near: &str) -> bool {
    let name = |flag: &str| flag.trim_start_matches('-').to_owned();
    nearest(&name(flag), [name(near).as_str()]).is_none()
}

fn tip(error: &mut clap::Error, tip: &str) {
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip.to_owned())]));
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};

    use super::*;

    fn said(args: &[&str]) -> String {
        let run = Command::new("run").arg(Arg::new("from").long("from")).arg(Arg::new("spec"));
        let command = Command::new("seqorch").subcommand(run).subcommand(Command::new("report"));
        let mut error = command.clone().try_get_matches_from([&["seqorch"], args].concat()).unwrap_err();
        improve(&mut error, &command);
        error.to_string()
    }

    #[test]
    fn a_mistyped_verb_is_corrected() {
        assert!(said(&["rnu"]).contains("tip: did you mean `seqorch run`?"), "{}", said(&["rnu"]));
    }

    #[test]
    fn a_verb_of_other_tools_leads_to_ours() {
        let said = said(&["retry"]);
        assert!(said.contains("tip: use `seqorch run --retry`") && !said.contains("report"), "{said}");
    }

    #[test]
    fn a_flag_that_is_a_key_leads_to_the_configuration() {
        let said = said(&["run", "--model", "x"]);
        assert!(
            said.contains("tip: set `model` of [backend.NAME]") && !said.contains("-- --model"),
            "{said}"
        );
    }

    #[test]
    fn a_flag_is_suggested_only_where_it_is_close() {
        assert!(!said(&["run", "--foo"]).contains("--from"), "{}", said(&["run", "--foo"]));
        assert!(said(&["run", "--form"]).contains("'--from'"), "{}", said(&["run", "--form"]));
    }
}
