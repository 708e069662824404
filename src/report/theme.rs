//! PURE. The colours of all output on a terminal: what a colour means is said here once.
//!
//! They are the terminal's own sixteen colours, so they suit a light and a dark one. `anstream` removes them from pipes and
//! where `NO_COLOR`, `CLICOLOR` or `--color` says so. The live view has the same meanings in `report::view::theme`.

use anstyle::{AnsiColor, Style};

use super::view::{Standing, TaskMark};

/// Done, succeeded.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Needs you, failed.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Waits, or may go wrong.
pub const WAIT: Style = AnsiColor::Yellow.on_default();
/// A warning's label.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// Works now; and the id of a task.
pub const LIVE: Style = AnsiColor::Cyan.on_default().bold();
/// A heading, a title, a command to copy.
pub const BOLD: Style = Style::new().bold();
/// What one reads last.
pub const DIM: Style = Style::new().dimmed();

/// The text in a style.
#[must_use]
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The style of where a spec stands.
#[must_use]
pub fn style_of(standing: Standing) -> Style {
    match standing {
        Standing::Running => LIVE,
        Standing::Complete => GOOD,
        Standing::Idle => WAIT,
        Standing::Halted
        | Standing::Uncommitted
        | Standing::NeedsHuman
        | Standing::CommitsLost
        | Standing::Orphaned => BAD,
    }
}

/// The style of the mark of a task, as in the live view.
#[must_use]
pub fn style_of_mark(mark: TaskMark) -> Style {
    match mark {
        TaskMark::Done => GOOD,
        TaskMark::Running => LIVE,
        TaskMark::Waiting => WAIT,
        TaskMark::Halted | TaskMark::Failed => BAD,
        TaskMark::Next => BOLD,
        TaskMark::Todo => Style::new(),
        TaskMark::Deferred | TaskMark::Skipped => DIM,
    }
}

/// What the lines of our own texts begin with, and their styles. The first that fits counts.
const LEADS: &[(&str, Style)] = &[
    ("error:", BAD),
    ("warning:", WARNING),
    ("hint:", LIVE),
    ("note:", LIVE),
    ("✓", GOOD),
    ("✗", BAD),
    ("▶", LIVE),
    ("‖", WAIT),
    ("!", WAIT),
    ("…", DIM),
    ("──", DIM),
    ("Needs you:", BAD),
    ("## Needs you", BAD),
    ("#", BOLD),
    ("See what happened:", BOLD),
    ("Answer with:", BOLD),
    ("Fix it, then continue with:", BOLD),
];

/// A text of ours with the beginning of each line in its style: the sign, or the word before a colon. Headings are styled
/// whole.
#[must_use]
pub fn text(plain: &str) -> String {
    plain.split_inclusive('\n').map(line).collect()
}

fn line(line: &str) -> String {
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    let indent = text.len() - text.trim_start().len();
    let (indent, rest) = text.split_at(indent);
    let Some((lead, style)) = LEADS.iter().find(|(lead, _)| rest.starts_with(lead)) else {
        return line.to_owned();
    };
    // a heading, or a line about the end of something
    let whole = lead.starts_with('#') || *lead == "──" || *lead == "…";
    let (first, others) = if whole { (rest, "") } else { rest.split_at(lead.len()) };
    format!("{indent}{}{others}{end}", paint(*style, first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_beginning_of_a_line_gets_a_style() {
        let shown = text("error: no ✓ here\n  ✓ task 1 done\nplain\n# Title\n");
        assert_eq!(
            shown,
            format!(
                "{} no ✓ here\n  {} task 1 done\nplain\n{}\n",
                paint(BAD, "error:"),
                paint(GOOD, "✓"),
                paint(BOLD, "# Title")
            )
        );
        assert_eq!(anstream::adapter::strip_str(&text("‖ 2 asks\n\nx")).to_string(), "‖ 2 asks\n\nx");
    }
}
