//! `seqorch help`: a page of the documentation, or the options of a verb.

use std::io::Write;

use clap::Args;

use super::global::{stdout, terminal_width};
use super::usage::verb_for;
use crate::config::nearest;
use crate::error::{Error, ErrorKind, Result};
use crate::report::doc_page::{manual_page, terminal_text};

/// A page of the documentation.
pub(super) struct HelpTopic {
    pub(super) name: &'static str,
    page: &'static str,
}

/// The pages, in the order in which they are listed.
pub(super) const TOPICS: &[HelpTopic] = &[
    HelpTopic { name: "tutorial", page: include_str!("../../docs/tutorial.md") },
    HelpTopic { name: "project", page: include_str!("../../docs/project.md") },
    HelpTopic { name: "specs", page: include_str!("../../docs/dialects.md") },
    HelpTopic { name: "agents", page: include_str!("../../docs/agents.md") },
    HelpTopic { name: "talk", page: include_str!("../../docs/talk.md") },
    HelpTopic { name: "times", page: include_str!("../../docs/times.md") },
    HelpTopic { name: "signals", page: include_str!("../../docs/signals.md") },
    HelpTopic { name: "checks", page: include_str!("../../docs/checks.md") },
    HelpTopic { name: "review", page: include_str!("../../docs/review.md") },
    HelpTopic { name: "limits", page: include_str!("../../docs/limits.md") },
    HelpTopic { name: "git", page: include_str!("../../docs/git.md") },
    HelpTopic { name: "repositories", page: include_str!("../../docs/repositories.md") },
    HelpTopic { name: "worktrees", page: include_str!("../../docs/worktrees.md") },
    HelpTopic { name: "messages", page: include_str!("../../docs/messages.md") },
    HelpTopic { name: "fleet", page: include_str!("../../docs/fleet.md") },
    HelpTopic { name: "hooks", page: include_str!("../../docs/hooks.md") },
    HelpTopic { name: "trust", page: include_str!("../../docs/trust.md") },
    HelpTopic { name: "sandbox", page: include_str!("../../docs/sandbox.md") },
    HelpTopic { name: "tmux", page: include_str!("../../docs/tmux.md") },
    HelpTopic { name: "page", page: include_str!("../../docs/page.md") },
    HelpTopic { name: "guarantees", page: include_str!("../../docs/guarantees.md") },
    HelpTopic { name: "config", page: include_str!("../../docs/configuration.md") },
    HelpTopic { name: "presets", page: include_str!("../../docs/presets.md") },
    HelpTopic { name: "files", page: include_str!("../../docs/files.md") },
    HelpTopic { name: "exit-codes", page: include_str!("../../docs/exit-codes.md") },
    HelpTopic { name: "json", page: include_str!("../../docs/json.md") },
    HelpTopic { name: "python", page: include_str!("../../docs/python.md") },
    HelpTopic { name: "troubleshooting", page: include_str!("../../docs/troubleshooting.md") },
];

impl HelpTopic {
    /// The page as a manual page: its file and its text. The reference of the configuration is in section 5, and the others
    /// are in section 7.
    pub(super) fn manual_page(&self) -> (String, String) {
        let (name, section) = match self.name {
            "config" => ("seqorch.toml".to_owned(), 5),
            topic => (format!("seqorch-{topic}"), 7),
        };
        (format!("{name}.{section}"), manual_page(&name, section, self.page))
    }
}

#[derive(Debug, Args)]
#[command(after_help = help_text())]
pub(super) struct HelpArgs {
    /// A topic, or a verb: `limits`, `run`, `config show`.
    #[arg(value_name = "TOPIC OR VERB")]
    words: Vec<String>,
}

fn help_text() -> String {
    let names: Vec<&str> = TOPICS.iter().map(|topic| topic.name).collect();
    format!("Topics: {}", names.join(", "))
}

/// Prints the page and the options that the words name. Where both have the name, the page comes first.
pub(super) fn help(command: &clap::Command, args: &HelpArgs) -> Result<u8> {
    let mut out = stdout();
    let topic = match args.words.as_slice() {
        [name] => TOPICS.iter().find(|topic| topic.name == *name),
        _ => None,
    };
    if let Some(topic) = topic {
        let columns = terminal_width().unwrap_or(100).min(100);
        let _ = writeln!(out, "{}", terminal_text(topic.page, columns));
    }
    match verb(command, &args.words) {
        Some(mut verb) if topic.is_none() => {
            let _ = write!(out, "{}", verb.render_long_help().ansi());
        }
        Some(mut verb) => {
            let _ = writeln!(out, "{}\nMore: seqorch {} --help", verb.render_usage().ansi(), args.words[0]);
        }
        None if topic.is_none() => return Err(unknown(command, &args.words)),
        None => {}
    }
    Ok(0)
}

/// The command that the words name; none: the whole program.
fn verb(command: &clap::Command, words: &[String]) -> Option<clap::Command> {
    let mut found = command.clone();
    found.build();
    for word in words {
        found = found.find_subcommand(word).filter(|verb| !verb.is_hide_set())?.clone();
    }
    Some(found)
}

fn unknown(command: &clap::Command, words: &[String]) -> Error {
    let names = TOPICS.iter().map(|topic| topic.name);
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set()).map(clap::Command::get_name);
    let near = nearest(&words[0], names.chain(verbs));
    let hint = match (verb_for(&words[0]), near) {
        (Some(instead), _) => {
            format!("`{instead}` does that; `{} --help` lists its options.", verb_of(instead))
        }
        (None, Some(near)) => format!("Did you mean `seqorch help {near}`?"),
        (None, None) => "`seqorch help help` lists the topics, and `seqorch --help` the verbs.".to_owned(),
    };
    Error::new(ErrorKind::Usage, format!("there is neither a topic nor a verb `{}`", words.join(" ")))
        .hint(hint)
}

/// The first two words of a command: the program and its verb.
fn verb_of(command: &str) -> String {
    command.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_only_forms_that_are_shown_as_text() {
        for topic in TOPICS {
            let text = anstream::adapter::strip_str(&terminal_text(topic.page, 100)).to_string();
            let lines = text.lines().filter(|line| !line.starts_with("    "));
            let text = lines.collect::<Vec<_>>().join("\n");
            let sign =
                ["](", "|---", "```", "<!--", "\n#", "\n> "].into_iter().find(|sign| text.contains(sign));
            assert!(sign.is_none(), "{}: {sign:?}\n{text}", topic.name);
        }
    }
}
