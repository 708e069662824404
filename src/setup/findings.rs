//! PURE. What an examination found, and how a person reads it.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::{Value, json};

use crate::agent::sanitise::sanitise;
use crate::error::{Error, ErrorKind};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// A run starts, but something may surprise.
    Warning,
    /// A run does not start, or cannot end well.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it belongs to (`tmux`, `agents`).
    pub topic: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found: a fragment without a full stop; further lines are details.
    pub text: String,
    /// The way out, in full sentences.
    pub mend: Option<String>,
    /// What a run would end with because of it.
    #[serde(skip)]
    kind: Option<ErrorKind>,
}

impl Finding {
    /// Something that is as it should be.
    pub fn ok(topic: &'static str, text: impl Into<String>) -> Self {
        Self { topic, level: Level::Ok, text: text.into(), mend: None, kind: None }
    }

    /// Something that may surprise.
    pub fn warning(topic: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::ok(topic, text) }
    }

    /// Something that a run would not survive, `kind` being what it would end with.
    pub fn problem(topic: &'static str, kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { level: Level::Problem, kind: Some(kind), ..Self::ok(topic, text) }
    }

    /// An error that a run would have met.
    #[must_use]
    pub fn error(topic: &'static str, error: &Error) -> Self {
        let text = error.render();
        let (hints, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(|l| l.starts_with("hint: "));
        let text = rest.join("\n");
        let finding = Self::problem(topic, error.kind(), text.trim_start_matches("error: "));
        let hints: Vec<&str> = hints.iter().map(|h| h.trim_start_matches("hint: ")).collect();
        if hints.is_empty() { finding } else { finding.mend(hints.join(" ")) }
    }

    /// Adds the way out.
    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}

/// 0 without a problem, 78 for a wrong configuration, 69 for a missing program, else 2.
#[must_use]
pub fn exit_code(findings: &[Finding]) -> u8 {
    let has = |kind: ErrorKind| findings.iter().any(|f| f.kind == Some(kind));
    if has(ErrorKind::Config) {
        ErrorKind::Config.exit_code()
    } else if has(ErrorKind::Unavailable) {
        ErrorKind::Unavailable.exit_code()
    } else if findings.iter().any(|f| f.level == Level::Problem) {
        2
    } else {
        0
    }
}

fn count(findings: &[Finding], level: Level) -> usize {
    findings.iter().filter(|f| f.level == level).count()
}

/// `2 problems, 1 warning`
fn verdict(findings: &[Finding]) -> String {
    let words = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let (problems, warnings) = (count(findings, Level::Problem), count(findings, Level::Warning));
    match (problems, warnings) {
        (0, 0) => "all is well".to_owned(),
        (0, w) => format!("no problem, {}", words(w, "warning")),
        (p, 0) => words(p, "problem"),
        (p, w) => format!("{}, {}", words(p, "problem"), words(w, "warning")),
    }
}

/// The findings as text, topic by topic.
pub fn write(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    let bold = Style::new().bold();
    let mut topic = "";
    for finding in findings {
        if finding.topic != topic {
            topic = finding.topic;
            writeln!(out, "{bold}{topic}{bold:#}")?;
        }
        let (word, color) = match finding.level {
            Level::Ok => ("ok", AnsiColor::Green),
            Level::Warning => ("warning", AnsiColor::Yellow),
            Level::Problem => ("problem", AnsiColor::Red),
        };
        let style = Style::new().fg_color(Some(color.into()));
        let text = sanitise(finding.text.as_bytes());
        let mut lines = text.lines();
        writeln!(out, "  {style}{word:<7}{style:#}  {}", lines.next().unwrap_or_default())?;
        for line in lines {
            writeln!(out, "           {line}")?;
        }
        if let Some(mend) = &finding.mend {
            writeln!(out, "           -> {}", sanitise(mend.as_bytes()))?;
        }
    }
    writeln!(out, "\n{}", verdict(findings))
}

/// The findings as one JSON object.
#[must_use]
pub fn json(findings: &[Finding]) -> Value {
    json!({
        "schema": 1,
        "exit_code": exit_code(findings),
        "problems": count(findings, Level::Problem),
        "warnings": count(findings, Level::Warning),
        "findings": findings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_kind_decides_the_exit_code_and_warnings_do_not() {
        let ok = Finding::ok("git", "clean");
        let warning = Finding::warning("git", "dirty").mend("Commit it.");
        assert_eq!(exit_code(&[ok.clone(), warning.clone()]), 0);
        let tasks = Finding::problem("specs", ErrorKind::BadTasks, "a.md:1: no task");
        let agent = Finding::problem("agents", ErrorKind::Unavailable, "codex is not there");
        let config = Finding::problem("config", ErrorKind::Config, "bad");
        assert_eq!(exit_code(&[ok, tasks.clone()]), 2);
        assert_eq!(exit_code(&[tasks.clone(), agent.clone()]), 69);
        assert_eq!(exit_code(&[config, tasks, agent, warning]), 78);
    }

    #[test]
    fn an_error_keeps_its_details_and_its_hints_become_the_way_out() {
        let error =
            Error::new(ErrorKind::Config, "it is wrong").detail("  line 1\n  line 2").hint("Mend it.");
        let finding = Finding::error("config", &error);
        assert_eq!(finding.text, "it is wrong\n  line 1\n  line 2");
        let mut text = Vec::new();
        write(&mut text, &[finding, Finding::ok("git", "\u{1b}]0;x\u{7}clean")]).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(
            text.contains("it is wrong\n             line 1\n             line 2\n           -> Mend it.")
        );
        assert!(!text.contains("]0;x") && text.ends_with("clean\n\n1 problem\n"), "{text}");
    }
}
