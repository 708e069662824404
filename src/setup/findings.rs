//! PURE. What `seqorch doctor` found, and how it is printed.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::{Value, json};

use crate::agent::sanitise::sanitise;
use crate::error::{Error, ErrorKind};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingLevel {
    /// Nothing is wrong.
    Ok,
    /// A run starts, but it may surprise the user.
    Warning,
    /// A run does not start, or cannot succeed.
    Problem,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DoctorFinding {
    /// What was checked (`tmux`, `agents`).
    pub topic: &'static str,
    /// How bad it is.
    pub level: FindingLevel,
    /// What was found: a fragment without a full stop. Further lines are details.
    pub text: String,
    /// How to fix it, in full sentences.
    pub fix: Option<String>,
    /// The kind of error that a run would end with.
    #[serde(skip)]
    kind: Option<ErrorKind>,
}

impl DoctorFinding {
    /// Nothing is wrong.
    pub fn ok(topic: &'static str, text: impl Into<String>) -> Self {
        Self { topic, level: FindingLevel::Ok, text: text.into(), fix: None, kind: None }
    }

    /// Something may surprise the user.
    pub fn warning(topic: &'static str, text: impl Into<String>) -> Self {
        Self { level: FindingLevel::Warning, ..Self::ok(topic, text) }
    }

    /// A program was found in the project, and `doctor` runs nothing that the project chose.
    #[must_use]
    pub fn not_run(topic: &'static str, program: &str) -> Self {
        Self::warning(topic, format!("{program} is a file of the project, so it was not run"))
            .fix("Take folders of the project out of PATH.")
    }

    /// A run would end with an error of this kind.
    pub fn problem(topic: &'static str, kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { level: FindingLevel::Problem, kind: Some(kind), ..Self::ok(topic, text) }
    }

    /// A run would end with this error.
    #[must_use]
    pub fn error(topic: &'static str, error: &Error) -> Self {
        let text = error.render();
        let (hints, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(|l| l.starts_with("hint: "));
        let text = rest.join("\n");
        let finding = Self::problem(topic, error.kind(), text.trim_start_matches("error: "));
        let hints: Vec<&str> = hints.iter().map(|h| h.trim_start_matches("hint: ")).collect();
        if hints.is_empty() { finding } else { finding.fix(hints.join(" ")) }
    }

    /// Says how to fix it.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// The exit code: 0 without a problem, 78 for a wrong configuration, 69 for a missing program, else 2.
#[must_use]
pub fn exit_code(findings: &[DoctorFinding]) -> u8 {
    let has = |kind: ErrorKind| findings.iter().any(|f| f.kind == Some(kind));
    if has(ErrorKind::Config) {
        ErrorKind::Config.exit_code()
    } else if has(ErrorKind::Unavailable) {
        ErrorKind::Unavailable.exit_code()
    } else if findings.iter().any(|f| f.level == FindingLevel::Problem) {
        2
    } else {
        0
    }
}

fn count(findings: &[DoctorFinding], level: FindingLevel) -> usize {
    findings.iter().filter(|f| f.level == level).count()
}

/// The last line: `2 problems, 1 warning`.
fn summary(findings: &[DoctorFinding]) -> String {
    let words = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let (problems, warnings) =
        (count(findings, FindingLevel::Problem), count(findings, FindingLevel::Warning));
    match (problems, warnings) {
        (0, 0) => "no problems".to_owned(),
        (0, w) => format!("no problems, {}", words(w, "warning")),
        (p, 0) => words(p, "problem"),
        (p, w) => format!("{}, {}", words(p, "problem"), words(w, "warning")),
    }
}

/// Prints the findings as text, topic by topic.
pub fn write(out: &mut dyn Write, findings: &[DoctorFinding]) -> io::Result<()> {
    let bold = Style::new().bold();
    let mut topic = "";
    for finding in findings {
        if finding.topic != topic {
            topic = finding.topic;
            writeln!(out, "{bold}{topic}{bold:#}")?;
        }
        let (word, color) = match finding.level {
            FindingLevel::Ok => ("ok", AnsiColor::Green),
            FindingLevel::Warning => ("warning", AnsiColor::Yellow),
            FindingLevel::Problem => ("problem", AnsiColor::Red),
        };
        let style = Style::new().fg_color(Some(color.into()));
        let text = sanitise(finding.text.as_bytes());
        let mut lines = text.lines();
        writeln!(out, "  {style}{word:<7}{style:#}  {}", lines.next().unwrap_or_default())?;
        for line in lines {
            writeln!(out, "           {line}")?;
        }
        if let Some(fix) = &finding.fix {
            writeln!(out, "           -> {}", sanitise(fix.as_bytes()))?;
        }
    }
    writeln!(out, "\n{}", summary(findings))
}

/// The findings as one JSON object.
#[must_use]
pub fn json(findings: &[DoctorFinding]) -> Value {
    json!({
        "schema": 1,
        "exit_code": exit_code(findings),
        "problems": count(findings, FindingLevel::Problem),
        "warnings": count(findings, FindingLevel::Warning),
        "findings": findings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_problem_decides_the_exit_code_and_warnings_do_not() {
        let ok = DoctorFinding::ok("git", "clean");
        let warning = DoctorFinding::warning("git", "dirty").fix("Commit it.");
        assert_eq!(exit_code(&[ok.clone(), warning.clone()]), 0);
        let tasks = DoctorFinding::problem("specs", ErrorKind::BadTasks, "a.md:1: no task");
        let agent = DoctorFinding::problem("agents", ErrorKind::Unavailable, "codex is missing");
        let config = DoctorFinding::problem("config", ErrorKind::Config, "bad");
        assert_eq!(exit_code(&[ok, tasks.clone()]), 2);
        assert_eq!(exit_code(&[tasks.clone(), agent.clone()]), 69);
        assert_eq!(exit_code(&[config, tasks, agent, warning]), 78);
    }

    #[test]
    fn an_error_keeps_its_details_and_its_hints_say_how_to_fix_it() {
        let error = Error::new(ErrorKind::Config, "it is wrong").detail("  line 1\n  line 2").hint("Fix it.");
        let finding = DoctorFinding::error("config", &error);
        assert_eq!(finding.text, "it is wrong\n  line 1\n  line 2");
        let mut text = Vec::new();
        write(&mut text, &[finding, DoctorFinding::ok("git", "\u{1b}]0;x\u{7}clean")]).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(
            text.contains("it is wrong\n             line 1\n             line 2\n           -> Fix it.")
        );
        assert!(!text.contains("]0;x") && text.ends_with("clean\n\n1 problem\n"), "{text}");
    }
}
