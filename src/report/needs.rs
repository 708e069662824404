//! PURE. What you must do, in the same words in every output.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::text::{last_lines, logs_command, sanitise_line, sanitise_text, shell_word, spec_command};
use crate::state::needs::{Need, NeedKind, needs};
use crate::state::{Outcome, SpecState};

/// Shown lines of an error, or of the output of git or a vendor.
const WORDS: usize = 15;
/// Shown lines of a check's output; the last lines matter most.
const CHECK_LINES: usize = 10;

/// A need for programs: an entry of `needs` in `status --json` and in events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedRecord {
    /// The kind, in the word of [`NeedKind`].
    pub kind: NeedKind,
    /// The task that it is about; null: it is about none.
    pub task: Option<String>,
    /// The title of the task; may be empty if the task never started.
    pub title: String,
    /// What is wrong, or the question.
    pub reason: String,
    /// When it came up.
    pub since: Timestamp,
    /// The command that resolves it.
    pub command: String,
}

/// All needs of a spec for programs; `spec` is what a person types for it.
#[must_use]
pub fn records(spec: &str, state: &SpecState) -> Vec<NeedRecord> {
    let record = |need: Need| NeedRecord {
        kind: need.kind,
        command: need.command(spec, state.run.remote()),
        task: need.task,
        title: need.title,
        reason: need.reason,
        since: need.since,
    };
    needs(state).into_iter().map(record).collect()
}

/// A need for people. No text in it has escape sequences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownNeed {
    /// The kind.
    pub kind: NeedKind,
    /// The task that it is about.
    pub task: Option<String>,
    /// Its title; may be empty.
    pub title: String,
    /// What is wrong, as a sentence without a full stop: `task 2 failed, no attempts left`.
    pub what: String,
    /// The question, or the last lines of what went wrong.
    pub why: String,
    /// A command that shows details.
    pub look: Option<String>,
    /// The command that resolves it.
    pub command: String,
    /// The command that retries with the options of the last run.
    #[serde(skip)]
    pub retry: String,
}

/// All needs of a spec for people, the most urgent first; `spec` is what a person types for it.
#[must_use]
pub fn shown(spec: &str, state: &SpecState) -> Vec<ShownNeed> {
    needs(state).iter().map(|need| show(spec, state, need)).collect()
}

fn show(spec: &str, state: &SpecState, need: &Need) -> ShownNeed {
    let outcome =
        need.task.as_ref().and_then(|task| state.units.get(task)).and_then(|unit| unit.last_outcome());
    let check = match outcome {
        Some(Outcome::VerifyFailed { tail, .. }) => Some(tail.as_str()),
        _ => None,
    };
    let look = need.task.as_ref().filter(|_| need.kind == NeedKind::FailedTask).map(|task| {
        let command = logs_command(spec, task);
        let is_command = |outcome: &Outcome| !outcome.is_refused_commit() && !outcome.is_review();
        let has_log = check.is_some() && outcome.is_some_and(is_command);
        if has_log { format!("{command} --verify") } else { command }
    });
    ShownNeed {
        kind: need.kind,
        what: what(need.kind, need.task.as_deref()),
        why: why(need.kind, &need.reason, check),
        look,
        command: sanitise_line(&need.command(spec, state.run.remote())),
        retry: again_command(spec, state.run.remote(), "--retry"),
        task: need.task.as_deref().map(sanitise_line),
        title: sanitise_line(&need.title),
    }
}

/// What is needed, in a few words: `task 2 asks`.
pub(super) fn what(kind: NeedKind, task: Option<&str>) -> String {
    let words = task.map_or_else(|| "a task".to_owned(), |task| format!("task {}", sanitise_line(task)));
    match kind {
        NeedKind::Question => format!("{words} asks"),
        NeedKind::FailedTask => format!("{words} failed, no attempts left"),
        NeedKind::HumanTask => format!("{words} is for you"),
        NeedKind::PendingCommit => format!("{words} is done, but not committed"),
        NeedKind::Login => format!("{words} needs a login"),
        NeedKind::Payment => format!("{words} needs a payment"),
        NeedKind::DirtyTree => "the work tree has changes".to_owned(),
        NeedKind::History => "the git history was changed".to_owned(),
        NeedKind::Branch => "commits and the branch on the remote do not fit".to_owned(),
        NeedKind::IndexBehind => "the index of git is not up to date".to_owned(),
        NeedKind::Hook => "a hook failed".to_owned(),
        NeedKind::Trust => format!("{words} changed settings that are executed"),
        NeedKind::Rule => format!("the run ended at a limit, before {words}"),
        NeedKind::Blocked if task.is_none() => "tasks are blocked".to_owned(),
        NeedKind::Blocked => format!("{words} is blocked"),
        NeedKind::Unavailable => format!("{words} could not start"),
        NeedKind::Error => "the last run ended with an error".to_owned(),
    }
}

/// The reason as text. `check` is the output of the check that failed.
fn why(kind: NeedKind, reason: &str, check: Option<&str>) -> String {
    match (kind, check) {
        (NeedKind::FailedTask, Some(_)) => {
            let (how, printed) = reason.split_once('\n').unwrap_or((reason, ""));
            let text = format!("{}\n{}", sanitise_line(how), last_lines(printed, CHECK_LINES));
            text.trim_end().to_owned()
        }
        // the question about a check that fails again and again has its whole output
        (NeedKind::Question, Some(tail)) => {
            let Some(before) = reason.strip_suffix(tail.trim_end()) else { return sanitise_text(reason) };
            let (how, printed) = tail.split_once('\n').unwrap_or((tail, ""));
            let printed = last_lines(printed, CHECK_LINES);
            format!("{}{}\n{printed}", sanitise_text(before), sanitise_line(how)).trim().to_owned()
        }
        (NeedKind::Question, None) if reason.is_empty() => "It gave no reason.".to_owned(),
        // of a need of git's, a sentence of ours, whose end says what to do
        (NeedKind::Question, None) | (NeedKind::History | NeedKind::Branch, _) => sanitise_text(reason),
        _ => last_lines(reason, WORDS),
    }
}

impl ShownNeed {
    /// Whether tasks are blocked by one that a person marked to be left out.
    fn is_marked_out(&self) -> bool {
        self.kind == NeedKind::Blocked && self.command.starts_with("seqorch mark ")
    }

    /// Its first line: `Needs you: task 2 asks (Pay):`.
    fn heading(&self) -> String {
        let title = if self.title.is_empty() { String::new() } else { format!(" ({})", self.title) };
        format!("{HEADING}{}{title}:", self.what)
    }

    /// The words before the command that resolves it.
    #[must_use]
    pub fn lead(&self) -> &'static str {
        match self.kind {
            NeedKind::Question => "Answer with",
            NeedKind::HumanTask => "Do it, then mark it with",
            NeedKind::Login => "Log in, then continue with",
            NeedKind::Payment => "Pay, then continue with",
            NeedKind::DirtyTree => "Commit or stash them, then continue with",
            NeedKind::History => "Get back, or keep it as it is; then continue with",
            NeedKind::Branch => "Change the branch, or leave it as it is; then continue with",
            NeedKind::IndexBehind => "Do that before you commit anything, then continue with",
            NeedKind::Trust => {
                "This run did not use them. Look at them, repair a file that cannot be read, and trust them with"
            }
            NeedKind::Rule => "Continue later, or change the rule, with",
            NeedKind::Blocked if self.is_marked_out() => "If it is to be done after all, say so with",
            NeedKind::Blocked => "Run what is not selected, too, with",
            NeedKind::FailedTask
            | NeedKind::PendingCommit
            | NeedKind::Hook
            | NeedKind::Unavailable
            | NeedKind::Error => "Fix it, then continue with",
        }
    }

    /// Another way to resolve it.
    #[must_use]
    pub fn or(&self) -> Option<String> {
        let retry = &self.retry;
        match self.kind {
            NeedKind::Question => Some(format!("or try it again without an answer: {retry}")),
            NeedKind::HumanTask => Some(format!("Then continue with: {retry}")),
            NeedKind::Blocked if self.is_marked_out() => Some(format!("Then continue with: {retry}")),
            NeedKind::PendingCommit => Some("Or set git.commit = \"off\".".to_owned()),
            NeedKind::DirtyTree => {
                Some("Or set git.dirty = \"allow\": then they stay out of every commit.".to_owned())
            }
            NeedKind::History => Some("Or set git.history = \"warn\".".to_owned()),
            _ => None,
        }
    }
}

/// `needs you: task 2 failed, no attempts left (and 1 more)`; `None` if there is no need.
#[must_use]
pub fn headline(needs: &[ShownNeed]) -> Option<String> {
    let (first, more) = needs.split_first()?;
    let more = if more.is_empty() { String::new() } else { format!(" (and {} more)", more.len()) };
    Some(format!("needs you: {}{more}", first.what))
}

/// How the first line of a need begins, where needs are written one after another.
const HEADING: &str = "Needs you: ";

/// The lines of a text of ours before those about needs.
pub(super) fn without_needs(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| !line.starts_with(HEADING))
}

/// Whether a text of ours names these needs and no others.
pub(super) fn names(text: &str, needs: &[ShownNeed]) -> bool {
    text.lines().filter(|line| line.starts_with(HEADING)).eq(needs.iter().map(ShownNeed::heading))
}

/// Writes each need with its reason and its commands.
pub fn write(out: &mut dyn Write, needs: &[ShownNeed]) -> io::Result<()> {
    for need in needs {
        writeln!(out, "\n{}", need.heading())?;
        for line in need.why.lines() {
            writeln!(out, "  {line}")?;
        }
        if let Some(look) = &need.look {
            writeln!(out, "See what happened: {look}")?;
        }
        writeln!(out, "{}: {}", need.lead(), need.command)?;
        if let Some(other) = need.or() {
            writeln!(out, "{other}")?;
        }
    }
    Ok(())
}

/// The command that runs a spec again, on the remote that `--remote` named for the last run.
#[must_use]
pub fn again_command(spec: &str, remote: Option<&str>, more: &str) -> String {
    let on = remote.map(|remote| format!("--remote {}", sanitise_line(&shell_word(remote))));
    let more: Vec<&str> =
        on.iter().map(String::as_str).chain(Some(more).filter(|more| !more.is_empty())).collect();
    spec_command("run", spec, &more.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::End;
    use crate::state::testing::at;

    #[test]
    fn a_need_is_shown_with_the_command_that_resolves_it() {
        let mut state = SpecState::default();
        state.end_run(at(0), End::Error { reason: "a\u{1b}[31m b\n".into(), exit_code: 70 }, true);
        let needs = shown("my spec", &state);
        assert_eq!(
            (needs[0].why.as_str(), needs[0].command.as_str()),
            ("a b", "seqorch run 'my spec' --retry")
        );
        assert_eq!(headline(&needs).unwrap(), "needs you: the last run ended with an error");
        assert_eq!(headline(&shown("my spec", &SpecState::default())), None);
    }

    #[test]
    fn the_setting_for_history_is_named_only_where_it_helps() {
        let lines = |end: End| {
            let mut state = SpecState::default();
            state.begin_run(at(0), [].into());
            state.end_run(at(1), end, true);
            let mut text = Vec::new();
            write(&mut text, &shown("shop", &state)).unwrap();
            String::from_utf8(text).unwrap()
        };
        let reason = || "kept on origin".to_owned();
        let by_agent = lines(End::History { unit: Some("2".into()), reason: reason() });
        assert!(by_agent.contains("Or set git.history"), "{by_agent}");
        let by_people = lines(End::Branch { reason: reason() });
        assert_eq!(
            by_people,
            "\nNeeds you: commits and the branch on the remote do not fit:\n  kept on origin\n\
             Change the branch, or leave it as it is; then continue with: seqorch run shop --retry\n"
        );
    }

    #[test]
    fn a_question_is_shown_with_both_commands() {
        let mut state = SpecState::default();
        state.units.entry("2".into()).or_default().title = "Pay".into();
        state.halt(at(0), "2", "Which one?\nThe first?");
        let mut text = Vec::new();
        write(&mut text, &shown("shop", &state)).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "\nNeeds you: task 2 asks (Pay):\n  Which one?\n  The first?\n\
             Answer with: seqorch resume shop --answer \"…\"\n\
             or try it again without an answer: seqorch run shop --retry\n"
        );
    }
}
