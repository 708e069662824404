//! PURE. What the checks said before any agent worked, in every output.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::events::{EventKind, FailedCommand};
use super::text::{last_lines, plural, sanitise_line, sanitise_text, shown_command};
use super::times::span;
use crate::agent::redact::Redactor;
use crate::plan::BaselineChecks;
use crate::plan::Plan;
use crate::state::{BaselineRecord, FailedCheck, LeftOutCheck, SpecState};

/// Shown lines of what a check printed.
const LINES: usize = 10;

/// A check that failed before any agent worked, for people. No text in it has escape sequences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownCheck {
    /// The command.
    pub command: String,
    /// How it ended, and the cause: `failed with exit code 2: no rule`.
    pub how: String,
    /// The last lines of what it printed.
    pub printed: String,
    /// What became of it since: `fails since before any agent worked`, `succeeds since task 3`.
    pub since: String,
}

/// The event for programs.
pub(super) fn event(record: &BaselineRecord) -> EventKind {
    let failed = |check: &FailedCheck| FailedCommand {
        command: check.command.clone(),
        how: check.how.clone(),
        cause: check.cause.clone(),
        tail: check.tail.clone(),
    };
    EventKind::Baseline {
        commands: record.commands,
        failed: record.failed.iter().map(failed).collect(),
        left_out: record.left_out.clone(),
        undone: record.undone.clone(),
        took_ms: u64::try_from(took(record).as_millis()).unwrap_or(u64::MAX),
    }
}

/// How a check ended, and the cause.
fn how(how: &str, cause: Option<&str>) -> String {
    let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
    sanitise_line(&format!("{how}{cause}"))
}

fn took(record: &BaselineRecord) -> Duration {
    let ended = record.ended.unwrap_or(record.began);
    ended.duration_since(record.began).try_into().unwrap_or_default()
}

/// The line when the checks begin.
pub(super) fn begins(commands: usize) -> String {
    format!("… before any agent works: checking the tree with {}", plural(commands, "command"))
}

/// What came of the checks: one line, and one more for each check that does not succeed.
pub(super) fn line(
    commands: usize,
    failed: &[FailedCommand],
    left_out: &[LeftOutCheck],
    undone: &[String],
) -> String {
    let mut text = headline(commands, failed.len());
    for check in failed {
        let how = how(&check.how, check.cause.as_deref());
        let _ = write!(text, "\n    `{}` {how}", sanitise_line(&check.command));
    }
    text + &remarks(left_out, undone, "\n    ")
}

fn headline(commands: usize, failed: usize) -> String {
    match (commands, failed) {
        (0, _) => "note: no check could be tried before an agent works".to_owned(),
        (1, 0) => "✓ before any agent works: the check succeeds".to_owned(),
        (n, 0) => format!("✓ before any agent works: all {n} checks succeed"),
        (1, _) => "! before any agent works: the check fails already".to_owned(),
        (n, failed) => format!("! before any agent works: {failed} of {n} checks fail already"),
    }
}

fn remarks(left_out: &[LeftOutCheck], undone: &[String], gap: &str) -> String {
    let mut text = String::new();
    for check in left_out {
        let (command, why) = (sanitise_line(&check.command), sanitise_line(&check.why));
        let _ = write!(text, "{gap}not tried: `{command}`, {why}");
    }
    if !undone.is_empty() {
        let files = sanitise_line(&undone.join(", "));
        let _ = write!(text, "{gap}the checks changed files, which were put back: {files}");
    }
    text
}

/// What the plan says of the checks that come before its first step.
pub(super) fn plan_line(checks: &BaselineChecks) -> String {
    let list = |commands: &mut dyn Iterator<Item = &[String]>| {
        commands.map(|argv| format!("`{}`", shown_command(argv))).collect::<Vec<_>>().join(", ")
    };
    let tried = list(&mut checks.checks.iter().map(|check| &check.settings.argv[..]));
    let left_out = list(&mut checks.left_out.iter().map(|argv| &argv[..]));
    let tried = if tried.is_empty() { "no check" } else { &tried };
    let rest =
        if left_out.is_empty() { String::new() } else { format!("; about a task, so not tried: {left_out}") };
    format!("Before any agent works, a run tries {tried}{rest} (verify.baseline).")
}

/// The same for programs.
pub(super) fn plan_json(plan: &Plan) -> Value {
    let checks = plan.baseline.as_ref().filter(|_| !plan.steps.is_empty());
    let redact = |argv: &[String]| Redactor::default().redact_argv(argv);
    checks.map_or(Value::Null, |checks| {
        json!({
            "commands": checks.checks.iter().map(|check| redact(&check.settings.argv)).collect::<Vec<_>>(),
            "left_out": checks.left_out.iter().map(|argv| redact(argv)).collect::<Vec<_>>(),
        })
    })
}

/// The entry of the progress log.
pub(super) fn entry(record: &BaselineRecord, time: &str) -> String {
    let words = headline(record.commands, record.failed.len());
    let words = words.split_once(' ').map_or(words.as_str(), |(_, words)| words);
    let mut entry = format!(
        "\n## Baseline\n- **Status:** {words}\n- **Time:** {time}\n- **Took:** {}\n",
        span(took(record))
    );
    for check in &record.failed {
        let _ = writeln!(entry, "- **Fails:** {}", sanitise_line(&check.command));
        let printed = last_lines(&check.tail, LINES);
        for line in sanitise_text(&format!("{}\n{printed}", check.how)).trim_end().lines() {
            let _ = writeln!(entry, "  > {line}");
        }
    }
    entry + remarks(&record.left_out, &record.undone, "\n- ").trim_start() + "\n"
}

/// The lines of `status`. `runs`: a run is active.
#[must_use]
pub fn status_lines(state: &SpecState, runs: bool, now: Timestamp) -> Vec<String> {
    let Some(record) = &state.baseline else { return Vec::new() };
    if record.ended.is_none() {
        let since = span(now.duration_since(record.began).try_into().unwrap_or_default());
        let commands = plural(record.commands, "command");
        return if runs && state.run.is_open() {
            vec![format!("before any agent works: checking the tree with {commands} for {since}")]
        } else {
            Vec::new()
        };
    }
    shown_checks(state)
        .iter()
        .map(|check| format!("`{}` {}; {}", check.command, check.how, check.since))
        .collect()
}

/// The checks that failed before any agent worked.
#[must_use]
pub fn shown_checks(state: &SpecState) -> Vec<ShownCheck> {
    let known = state.baseline.iter().filter(|baseline| baseline.ended.is_some());
    let shown = |check: &FailedCheck| ShownCheck {
        command: sanitise_line(&check.command),
        how: how(&check.how, check.cause.as_deref()),
        printed: sanitise_text(&last_lines(&check.tail, LINES)),
        since: match &check.fixed_by {
            None => "it failed already before any agent worked".to_owned(),
            Some(unit) => format!(
                "that was before any agent worked, and it succeeds since task {}",
                sanitise_line(unit)
            ),
        },
    };
    known.flat_map(|baseline| &baseline.failed).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::at;

    fn record() -> BaselineRecord {
        BaselineRecord {
            run: at(0),
            began: at(0),
            ended: Some(at(3)),
            before: None,
            commands: 2,
            failed: vec![FailedCheck {
                argv: vec!["make".into()],
                command: "make test".into(),
                how: "failed with exit code 2".into(),
                cause: None,
                tail: "no \x1b[1mrule".into(),
                fixed_by: None,
            }],
            left_out: vec![LeftOutCheck { command: "lint {files}".into(), why: "it is about a task".into() }],
            undone: vec!["Cargo.lock".into()],
        }
    }

    #[test]
    fn what_fails_is_named_before_any_agent_works() {
        let event = event(&record());
        assert!(matches!(event, EventKind::Baseline { took_ms: 3000, .. }), "{event:?}");
        let EventKind::Baseline { commands, failed, left_out, undone, .. } = event else {
            panic!("{event:?}")
        };
        assert_eq!(
            line(commands, &failed, &left_out, &undone),
            "! before any agent works: 1 of 2 checks fail already\n    `make test` failed with exit code 2\n    \
             not tried: `lint {files}`, it is about a task\n    \
             the checks changed files, which were put back: Cargo.lock"
        );
        let entry = entry(&record(), "now");
        assert!(
            entry.contains("- **Fails:** make test\n  > failed with exit code 2\n  > no rule\n"),
            "{entry}"
        );
    }

    #[test]
    fn status_says_what_became_of_a_check_that_failed() {
        let mut state = SpecState { baseline: Some(record()), ..SpecState::default() };
        let known = "`make test` failed with exit code 2; it failed already before any agent worked";
        assert_eq!(status_lines(&state, false, at(9)), [known]);
        state.checks_succeeded("3", &[vec!["make".into()]]);
        assert!(status_lines(&state, false, at(9))[0].ends_with("it succeeds since task 3"));
        state.baseline = Some(BaselineRecord { ended: None, ..record() });
        assert_eq!(status_lines(&state, true, at(9)), [""; 0], "no run is open");
        state.begin_run(at(0), [].into());
        let works = "before any agent works: checking the tree with 2 commands for 9s";
        assert_eq!(status_lines(&state, true, at(9)), [works]);
    }
}
