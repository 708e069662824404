//! Errors of the command line: clap's own text, with a tip only where it leads somewhere.

use std::io::Write;
use std::path::Path;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind as ClapErrorKind};

use super::global::remember;
use crate::config::{self, nearest};
use crate::error::ErrorKind;
use crate::project::discovery;
use crate::project::project_folders::ProjectFolders;
use crate::project::spec_roots::SPEC_ROOTS;
use crate::report::text::{sanitise_line, shell_word};
use crate::report::theme::{WARNING, paint};

/// Words that people try as verbs, and what does that here.
const VERBS: &[(&str, &str)] = &[
    ("abort", "seqorch stop --now"),
    ("answer", "seqorch resume --answer TEXT"),
    ("cancel", "seqorch stop"),
    ("check", "seqorch doctor"),
    ("continue", "seqorch resume"),
    ("clean", "seqorch forget SPEC"),
    ("done", "seqorch mark ID done"),
    ("kill", "seqorch stop --now"),
    ("list", "seqorch specs"),
    ("log", "seqorch logs"),
    ("ls", "seqorch specs"),
    ("new", "seqorch init"),
    ("next", "seqorch plan --dry-run"),
    ("pause", "seqorch stop"),
    ("progress", "seqorch status"),
    ("ps", "seqorch status"),
    ("rerun", "seqorch run --retry"),
    ("reset", "seqorch mark ID todo"),
    ("restart", "seqorch run --retry"),
    ("retry", "seqorch run --retry"),
    ("revert", "seqorch undo ID"),
    ("setup", "seqorch init"),
    ("show", "seqorch status"),
    ("skip", "seqorch mark ID skip"),
    ("start", "seqorch run"),
    ("summary", "seqorch report"),
    ("tail", "seqorch logs --follow"),
    ("tasks", "seqorch plan --dry-run"),
    ("todo", "seqorch mark ID todo"),
    ("tui", "seqorch status --watch"),
    ("validate", "seqorch doctor"),
    ("view", "seqorch status --watch"),
    ("watch", "seqorch status --watch"),
];

/// Words that people try below a verb, and what does that here.
const BELOW: &[(&str, &str, &str)] = &[
    ("config", "check", "seqorch doctor"),
    ("config", "get", "seqorch config show KEY"),
    ("config", "help", "seqorch help config"),
    ("config", "init", "seqorch init"),
    ("config", "list", "seqorch config show"),
    ("config", "ls", "seqorch config show"),
    ("config", "print", "seqorch config show"),
    ("config", "set", "seqorch config explain KEY"),
    ("config", "validate", "seqorch doctor"),
    ("limits", "check", "seqorch limits test"),
    ("limits", "list", "seqorch status"),
    ("limits", "show", "seqorch status"),
];

/// Flags whose value is missing, and how to give it.
const VALUES: &[(&str, &str)] = &[
    ("--html", "name a file for the page, as in `seqorch report --html report.html`; - prints it"),
    ("--prompt", "name a task, as in `seqorch plan --prompt 2`"),
    ("--only", "name tasks, as in `seqorch run --only 2,3`; `seqorch plan --dry-run` lists them"),
    ("--from", "name a task, as in `seqorch run --from 2`"),
    (
        "--answer",
        "write it, as in `seqorch resume --answer \"the first\"`; without the flag, an editor opens",
    ),
    ("--backend", "name a backend; `seqorch backends` lists them"),
    ("--profile", "name a profile: [profile.NAME] of seqorch.toml"),
    ("--spec", "name a spec; `seqorch specs` lists them"),
    ("--attempt", "name an attempt by its number, as in `seqorch logs 2 --attempt 1`"),
];

/// Flags that people try, and where that is set.
const FLAGS: &[(&str, &str)] = &[
    ("--agent", "set `agent` of [backend.NAME] in seqorch.toml, or choose a backend with --backend"),
    ("--parallel", "seqorch runs one task at a time"),
    ("--skip", "seqorch mark ID skip"),
    ("--task", "--only ID"),
    ("--tasks", "--only ID,ID"),
    (
        "--yes",
        "`forget` takes it; --trust trusts the settings of a project; what agents may do is `permission` of [backend.NAME]",
    ),
];

/// What is missing where an argument is, and how to give it.
const MISSING: &[(&str, &str)] = &[
    (
        "<done|todo|skip>",
        "say what it is now, such as `seqorch mark 2 done`, or who does it: `seqorch mark 2 --backend codex`",
    ),
    (
        "<ID>",
        "name a task: its id, a range (3-5), a pattern (2.*) or a part of its title; `seqorch status` lists them",
    ),
    (
        "<TEXT>",
        "write the words in quotes, as in `seqorch note 4 'Use the old form.'`, or read them from a file with --file FILE",
    ),
    ("<SPEC>", "name a spec; `seqorch specs` lists them"),
    ("<SHELL>", "name your shell: bash, zsh or fish"),
    ("<KEY>", "name a key, such as `run.delay`; `seqorch config show` lists them"),
];

/// Warns of variables that look like settings of ours and are none. The command continues.
pub(super) fn warn_of_variables() {
    let names: Vec<String> = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
    for warning in config::unknown_variables(names.iter().map(String::as_str)) {
        let label = paint(WARNING, "warning:");
        let _ = writeln!(anstream::stderr(), "{label} {}", sanitise_line(&warning));
    }
}

/// Prints what clap says, with better tips, and returns the exit code.
pub(super) fn report(mut error: clap::Error, command: &clap::Command) -> u8 {
    improve(&mut error, command);
    let _ = if error.use_stderr() { error.print() } else { remember(error.print()) };
    // clap's own 2 would read as "needs you"
    if error.use_stderr() { ErrorKind::Usage.exit_code() } else { 0 }
}

/// Replaces tips that only share some letters with the mistake.
fn improve(error: &mut clap::Error, command: &clap::Command) {
    match error.kind() {
        ClapErrorKind::InvalidSubcommand => {
            let Some(word) = text(error, ContextKind::InvalidSubcommand) else { return };
            error.remove(ContextKind::SuggestedSubcommand);
            if let Some((parent, name)) = parent_of(command, &word) {
                tip(error, &below(parent, &name, &word));
                return;
            }
            let verbs =
                command.get_subcommands().filter(|verb| !verb.is_hide_set()).map(clap::Command::get_name);
            let spec = sanitise_line(&shell_word(&word));
            if is_spec(&word) {
                tip(error, &format!("run this spec with `seqorch run {spec}`"));
            } else if let Some(instead) = instead(VERBS, &word) {
                tip(error, &format!("use `{instead}`"));
            } else if let Some(near) = nearest(&word, verbs) {
                tip(error, &format!("did you mean `seqorch {near}`?"));
            } else {
                tip(
                    error,
                    &format!("`seqorch --help` lists the verbs; a spec is run with `seqorch run {spec}`"),
                );
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
                tip(error, &options_of(command));
            } else if text(error, ContextKind::SuggestedArg).is_none() {
                tip(error, &options_of(command));
            }
        }
        ClapErrorKind::InvalidValue => {
            let typed = text(error, ContextKind::InvalidValue).unwrap_or_default();
            let flag = text(error, ContextKind::InvalidArg).unwrap_or_default();
            if typed.is_empty() {
                let name = flag.split([' ', '=']).next().unwrap_or_default();
                let how = instead(VALUES, name).map_or_else(|| options_of(command), str::to_owned);
                tip(error, &how);
            } else if text(error, ContextKind::SuggestedValue).is_some_and(|near| is_far(&typed, &near)) {
                error.remove(ContextKind::SuggestedValue);
            }
        }
        ClapErrorKind::MissingRequiredArgument => {
            let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else { return };
            let first = missing.first().map_or("", String::as_str);
            if let Some(how) = MISSING.iter().find(|(name, _)| first.starts_with(name)) {
                tip(error, how.1);
            }
        }
        _ => {}
    }
}

/// The verb below which a word was typed as a verb, with what a person types for it; `None`: it was typed as the first one.
fn parent_of<'c>(command: &'c clap::Command, word: &str) -> Option<(&'c clap::Command, String)> {
    let mut found: Option<(&clap::Command, String)> = None;
    for one in std::env::args().skip(1).take_while(|one| one != word) {
        let at = found.as_ref().map_or(command, |(at, _)| at);
        if let Some(verb) = at.find_subcommand(&one).filter(|verb| !verb.is_hide_set()) {
            let typed = found.as_ref().map_or("seqorch", |(_, typed)| typed.as_str());
            found = Some((verb, format!("{typed} {}", verb.get_name())));
        }
    }
    found
}

/// The tip about a word that is none of the verbs below another one.
fn below(parent: &clap::Command, typed: &str, word: &str) -> String {
    let known = BELOW.iter().find(|(verb, wrong, _)| *verb == parent.get_name() && *wrong == word);
    if let Some((.., instead)) = known {
        return format!("use `{instead}`");
    }
    let verbs = || parent.get_subcommands().filter(|verb| !verb.is_hide_set()).map(clap::Command::get_name);
    match nearest(word, verbs()) {
        Some(near) => format!("did you mean `{typed} {near}`?"),
        None => format!("after `{typed}` comes one of: {}", verbs().collect::<Vec<_>>().join(", ")),
    }
}

/// What a person types instead of a word that is no verb; `None`: nothing is known of it.
pub(super) fn verb_for(word: &str) -> Option<&'static str> {
    instead(VERBS, word)
}

/// Whether a word names a spec or a file here.
fn is_spec(word: &str) -> bool {
    let here = std::env::current_dir().ok().and_then(|here| ProjectFolders::find(&here, None, None).ok());
    here.is_some_and(|folders| {
        let usual = Path::new(SPEC_ROOTS[0].folder);
        let named = discovery::named(&folders.root, usual, Path::new(word)).ok().flatten();
        named.is_some() || folders.cwd.join(word).is_file()
    })
}

/// Where the options of the verb that was typed are listed.
fn options_of(command: &clap::Command) -> String {
    let verbs = std::env::args().skip(1).filter(|word| !word.starts_with('-'));
    let mut found = (command, "seqorch".to_owned());
    for word in verbs {
        if let Some(verb) = found.0.find_subcommand(&word).filter(|verb| !verb.is_hide_set()) {
            found = (verb, format!("{} {}", found.1, verb.get_name()));
        }
    }
    format!("`{} --help` lists its options", found.1)
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

/// Whether two flags or values only share some letters. Of very short ones, one must begin like the other.
fn is_far(typed: &str, near: &str) -> bool {
    const SHORT: usize = 4;
    let name = |flag: &str| flag.trim_start_matches('-').to_owned();
    let (typed, near) = (name(typed), name(near));
    if typed.len() < SHORT || near.len() < SHORT {
        return !near.starts_with(&typed) && !typed.starts_with(&near);
    }
    nearest(&typed, [near.as_str()]).is_none()
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
    fn a_word_below_a_verb_leads_to_one_that_is_there() {
        let config =
            Command::new("config").subcommand(Command::new("show")).subcommand(Command::new("explain"));
        for (word, tip) in [
            ("list", "use `seqorch config show`"),
            ("shwo", "did you mean `seqorch config show`?"),
            ("zebra", "after `seqorch config` comes one of: show, explain"),
        ] {
            assert_eq!(below(&config, "seqorch config", word), tip);
        }
    }

    #[test]
    fn a_flag_that_is_a_key_leads_to_the_configuration() {
        let said = said(&["run", "--agent", "x"]);
        assert!(
            said.contains("tip: set `agent` of [backend.NAME]") && !said.contains("-- --agent"),
            "{said}"
        );
    }

    #[test]
    fn a_flag_is_suggested_only_where_it_is_close() {
        assert!(!said(&["run", "--foo"]).contains("--from"), "{}", said(&["run", "--foo"]));
        assert!(said(&["run", "--form"]).contains("'--from'"), "{}", said(&["run", "--form"]));
        assert!(!said(&["run", "--fro"]).contains("--for'"), "{}", said(&["run", "--fro"]));
        for (typed, near, far) in [
            ("--foo", "--for", true),
            ("--al", "--all", false),
            ("foo", "todo", true),
            ("tod", "todo", false),
        ] {
            assert_eq!(is_far(typed, near), far, "{typed} {near}");
        }
    }
}
