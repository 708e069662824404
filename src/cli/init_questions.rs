//! What `init` asks on a terminal: at most three questions, each with an answer that Enter takes.

use std::io::{self, BufRead, Write};

use crate::report::text::{command_line, sanitise_line};
use crate::report::theme::{BOLD, DIM, paint};
use crate::setup::project_facts::{InitChoices, ProjectFacts};

/// How often a question is asked again after an answer that means nothing.
const TRIES: usize = 3;

/// Signs that only a shell understands.
const OF_A_SHELL: &[char] = &['|', '&', ';', '<', '>', '$', '`', '*', '?', '(', ')', '{', '}', '~', '#'];

/// Asks which agent works, which command checks, and whether each task is committed; the last one only in a repository.
/// The end of the input takes the answers that Enter takes.
pub(super) fn ask(
    input: &mut dyn BufRead,
    out: &mut dyn Write,
    facts: &ProjectFacts,
    repository: bool,
) -> io::Result<InitChoices> {
    let mut choices = InitChoices::default();
    let names: Vec<&str> = facts.agents.iter().map(|agent| agent.name.as_str()).collect();
    if let [first, _, ..] = names.as_slice() {
        let numbered: Vec<String> = (1..).zip(&names).map(|(at, name)| format!("{at} {name}")).collect();
        let question = format!("Which agent works on the tasks? {}", numbered.join(", "));
        choices.backend = until(input, out, &question, first, |answer| {
            let by_number = answer.parse::<usize>().ok().and_then(|at| names.get(at.checked_sub(1)?));
            let found = by_number.or_else(|| names.iter().find(|name| **name == answer));
            found.map(|name| (*name).to_owned()).ok_or_else(|| format!("write one of: {}", names.join(", ")))
        })?;
    }
    let tests: Vec<String> = facts.tests.iter().map(|test| command_line(&test.argv)).collect();
    let proposed = if tests.is_empty() { "none".to_owned() } else { tests.join(" && ") };
    let question = "Which command must succeed after each task? none, or a command";
    let found = || facts.tests.iter().map(|test| test.argv.clone()).collect();
    choices.checks = until(input, out, question, &proposed, |answer| match answer {
        "none" | "no" | "n" | "-" => Ok(Vec::new()),
        _ if answer == proposed => Ok(found()),
        _ => command(answer).map(|argv| vec![argv]),
    })?;
    if repository {
        let question = "Make a git commit for each done task? y or n";
        choices.commit = until(input, out, question, "n", |answer| match answer.to_lowercase().as_str() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("write y or n".to_owned()),
        })?;
    }
    Ok(choices)
}

/// The program and arguments of a command; what only a shell understands is given to one.
fn command(text: &str) -> Result<Vec<String>, String> {
    let argv = shlex::split(text).filter(|argv| !argv.is_empty());
    let argv = argv.ok_or("this command has a quote without its end")?;
    // a quoted sign is the program's; a shell would take it as the user meant it, too
    let assigns = argv[0].contains('=');
    if assigns || text.contains(OF_A_SHELL) {
        return Ok(vec!["sh".to_owned(), "-c".to_owned(), text.to_owned()]);
    }
    Ok(argv)
}

/// Asks until the answer means something; `None`: the input has ended, or no answer meant anything.
fn until<T>(
    input: &mut dyn BufRead,
    out: &mut dyn Write,
    question: &str,
    proposed: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> io::Result<Option<T>> {
    for _ in 0..TRIES {
        let proposed = sanitise_line(proposed);
        write!(out, "{} {} ", paint(BOLD, question), paint(DIM, &format!("[{proposed}]")))?;
        out.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            writeln!(out)?;
            return Ok(None);
        }
        let answer = line.trim();
        match read(if answer.is_empty() { &proposed } else { answer }) {
            Ok(meant) => return Ok(Some(meant)),
            Err(why) => writeln!(out, "  {why}")?,
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::project_facts::{InstalledAgent, TestCommand};

    fn facts() -> ProjectFacts {
        let agent = |name: &str| InstalledAgent { name: name.to_owned(), login: true };
        ProjectFacts {
            specs: Vec::new(),
            agents: vec![agent("claude"), agent("codex")],
            tests: vec![TestCommand::new(&["npm", "test"], "package.json")],
        }
    }

    fn answers(text: &str, facts: &ProjectFacts, repository: bool) -> (InitChoices, String) {
        let mut out = Vec::new();
        let choices = ask(&mut text.as_bytes(), &mut out, facts, repository).unwrap();
        (choices, anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string())
    }

    fn choices(backend: &str, checks: &[&[&str]], commit: Option<bool>) -> InitChoices {
        let checks = checks.iter().map(|argv| argv.iter().map(|a| (*a).to_owned()).collect()).collect();
        InitChoices { backend: Some(backend.to_owned()), checks: Some(checks), commit }
    }

    #[test]
    fn enter_takes_what_was_found() {
        let (said, shown) = answers("\n\n\n", &facts(), true);
        assert_eq!(said, choices("claude", &[&["npm", "test"]], Some(false)));
        assert_eq!(shown.matches('[').count(), 3, "{shown}");
        assert_eq!(answers("", &facts(), true).0, InitChoices::default());
    }

    #[test]
    fn an_answer_replaces_what_was_found() {
        let (said, _) = answers("2\nmake 'a b'\ny\n", &facts(), true);
        assert_eq!(said, choices("codex", &[&["make", "a b"]], Some(true)));
        let (said, _) = answers("codex\nnone\n", &facts(), false);
        assert_eq!(said, choices("codex", &[], None));
        let (said, _) = answers("1\ncd app && make\n", &facts(), false);
        assert_eq!(said, choices("claude", &[&["sh", "-c", "cd app && make"]], None));
    }

    #[test]
    fn an_answer_that_means_nothing_is_asked_for_again() {
        let (said, shown) = answers("0\ngpt\ncodex\nmake 'x\nmake\nperhaps\nY\n", &facts(), true);
        assert_eq!(said, choices("codex", &[&["make"]], Some(true)));
        assert_eq!(shown.matches("write one of: claude, codex").count(), 2, "{shown}");
        assert!(shown.contains("a quote without its end") && shown.contains("write y or n"), "{shown}");
    }

    #[test]
    fn nothing_is_asked_where_there_is_no_choice() {
        let (said, shown) = answers("\n", &ProjectFacts::default(), false);
        assert_eq!(said, InitChoices { checks: Some(Vec::new()), ..InitChoices::default() });
        assert_eq!(shown.matches('[').count(), 1, "{shown}");
    }
}
