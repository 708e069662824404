//! The command that a person typed, with the name of a spec that it lacks: an example that does what they wanted.

use crate::report::text::{sanitise_line, shell_word};

/// A longer word is not repeated: it is text, and no name.
const LONGEST: usize = 60;

/// The verbs that take a spec as their first word.
const FIRST: [&str; 10] =
    ["run", "plan", "status", "when", "report", "export", "attach", "stop", "pause", "resume"];
/// The verbs that take it with `--spec`, since their first word is a task.
const WITH_FLAG: [&str; 7] = ["logs", "diff", "note", "say", "talk", "mark", "undo"];

/// The command of this process with this spec.
pub(super) fn with_spec(spec: &str) -> String {
    let args = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    completed(&args.collect::<Vec<_>>(), spec)
}

/// These arguments with the spec where their verb takes it.
fn completed(args: &[String], spec: &str) -> String {
    let mut words: Vec<&str> = args.iter().map(String::as_str).collect();
    let verb = words.iter().position(|word| FIRST.contains(word) || WITH_FLAG.contains(word));
    match verb {
        Some(at) if FIRST.contains(&words[at]) => words.insert(at + 1, spec),
        // before words that are no flags
        Some(_) => {
            let end = words.iter().position(|word| *word == "--").unwrap_or(words.len());
            words.splice(end..end, ["--spec", spec]);
        }
        None => words = vec!["run", spec],
    }
    let shown = words.into_iter().map(|word| if word.chars().count() > LONGEST { "…" } else { word });
    let shown: Vec<String> = shown.map(|word| sanitise_line(&shell_word(word))).collect();
    format!("seqorch {}", shown.join(" "))
}

#[cfg(test)]
mod tests {
    use super::super::command_line;
    use super::*;

    #[test]
    fn the_spec_stands_where_its_verb_takes_it() {
        for (typed, completed_to) in [
            ("undo 1", "seqorch undo 1 --spec blog"),
            ("mark 1 done", "seqorch mark 1 done --spec blog"),
            ("logs 1", "seqorch logs 1 --spec blog"),
            ("plan --dry-run", "seqorch plan blog --dry-run"),
            ("--color never when", "seqorch --color never when blog"),
            ("pause 1h", "seqorch pause blog 1h"),
            ("note 1 -- -x", "seqorch note 1 --spec blog -- -x"),
            ("", "seqorch run blog"),
        ] {
            let args: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
            assert_eq!(completed(&args, "blog"), completed_to);
        }
        let said = ["resume", "--answer", "the red one"].map(str::to_owned);
        assert_eq!(completed(&said, "my shop"), "seqorch resume 'my shop' --answer 'the red one'");
    }

    #[test]
    fn every_verb_that_takes_a_spec_is_known() {
        // the name of one is required, or it takes several
        const OTHERS: [&str; 2] = ["forget", "serve"];
        for verb in command_line::command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
            let name = verb.get_name();
            let first = verb.get_positionals().next().map(|first| first.get_id().as_str());
            let has_flag = verb.get_opts().any(|flag| flag.get_id() == "spec" && !flag.is_hide_set());
            let takes_first = first.is_some_and(|first| first.starts_with("spec"));
            assert_eq!(WITH_FLAG.contains(&name), has_flag && !takes_first, "{name}");
            assert_eq!(FIRST.contains(&name) || OTHERS.contains(&name), takes_first, "{name}");
        }
    }
}
