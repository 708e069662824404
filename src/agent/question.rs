//! Finds the question in the end of a plain text, in which nothing marks where the last message begins.

use std::sync::LazyLock;

use regex::Regex;

use super::columns::{cut, width};
use super::sanitise::sanitise_line;

/// Most lines of a question. A person reads them in a notification.
const LINES: usize = 15;

/// Most paragraphs of a question.
const ABOVE: usize = 4;

/// A line of a log, of a tool's output, or of a rule: no message has it.
static LOGGED: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = concat!(
        r"^(?:\[?\d{4}-\d\d-\d\d[T ]|\[?\d\d:\d\d:\d\d|\[[^\]]{1,40}\]\s|(?i:trace|debug|info|warn(?:ing)?|error)\b[:\s\]]",
        r"|[$%>❯▸▶⚙✓✔✗✘↻⎿├└╭╰] ?|[─━═=_*-]{4,}|\S+:\d+(?::\d+)?:|(?:test|running|compiling|downloading|reading|writing) \S|mini-swe-agent \()"
    );
    Regex::new(pattern).unwrap_or_else(|error| unreachable!("{error}"))
});
/// An entry of a list: what it is about stands above it.
static ENTRY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:[-*•+]|\(?(?:\d{1,2}|[A-Za-z])[.):])\s").unwrap_or_else(|error| unreachable!("{error}"))
});

/// The last message of these paragraphs: the last one, and those above it until one asks something.
pub(super) fn last_message(paragraphs: &[String]) -> String {
    let mut message: Vec<Vec<&str>> = Vec::new();
    let mut lines = 0;
    // without a question close to the end, the last paragraph says it all
    let near = paragraphs.iter().rev().take(ABOVE).any(|paragraph| paragraph.contains('?'));
    let most = if near { ABOVE } else { 1 };
    for paragraph in paragraphs.iter().rev().take(most) {
        // what a log or a rule separates from the message is not part of it
        let all: Vec<&str> = paragraph.lines().collect();
        let from =
            all.iter().rposition(|line| LOGGED.is_match(line) && !line.contains('?')).map_or(0, |at| at + 1);
        let own = &all[from..];
        let own = &own[own.len().saturating_sub(LINES)..];
        if own.is_empty() || (lines > 0 && lines + own.len() > LINES) {
            break;
        }
        lines += own.len();
        message.insert(0, own.to_vec());
        let asks = message.iter().flatten().any(|line| line.contains('?'));
        let complete = asks && !own.first().is_some_and(|line| ENTRY.is_match(line));
        if from > 0 || complete {
            break;
        }
    }
    if message.is_empty() {
        // the whole end looks like a log: its last lines are better than nothing
        return paragraphs.last().map_or_else(String::new, |last| {
            let all: Vec<&str> = last.lines().collect();
            all[all.len().saturating_sub(LINES)..].join("\n")
        });
    }
    message.iter().map(|lines| lines.join("\n")).collect::<Vec<_>>().join("\n\n")
}

/// What a message asks at its end. `None` if it asks nothing.
#[must_use]
pub fn asked(message: &str) -> Option<String> {
    let lines: Vec<&str> = message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    // choices or a polite word may follow the question
    let end = &lines[lines.len().saturating_sub(ASKED_WITHIN)..];
    let is_last = |at: usize| {
        end[at + 1..].iter().all(|line| ENTRY.is_match(line) || ASKS.is_match(line) || line.len() < 60)
    };
    let only_choices = |at: usize| end[at + 1..].iter().all(|line| ENTRY.is_match(line));
    let asks = (0..end.len()).any(|at| {
        (ends_with_question(end[at]) && is_last(at)) || (ASKS.is_match(end[at]) && only_choices(at))
    });
    asks.then(|| last_message(&[lines.join("\n")]))
}

/// The lines of a message from its question on, without the words that lead to it. The whole message if it asks nothing.
#[must_use]
pub fn from_question(message: &str) -> String {
    let lines: Vec<&str> = message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = |asks: &dyn Fn(&str) -> bool| lines.iter().rposition(|line| asks(line));
    let at = last(&ends_with_question)
        .or_else(|| last(&|line| line.contains(['?', '？'])))
        .or_else(|| last(&|line| ASKS.is_match(line)));
    lines[at.unwrap_or(0)..].join("\n")
}

/// What a message asks, as a line of at most so many columns. Of a long one, what leads to its question is left out.
#[must_use]
pub fn question_line(message: &str, columns: usize) -> String {
    let line = sanitise_line(&from_question(message));
    let line = if width(&line) > columns { from_asking_sentence(&line) } else { &line };
    cut(line, columns)
}

/// A line from the sentence on that asks last; the whole line if it asks nothing.
fn from_asking_sentence(line: &str) -> &str {
    let Some(end) = line.rfind(['?', '？']) else { return line };
    let before = &line[..end];
    let ends =
        before.char_indices().filter(|(_, sign)| matches!(sign, '.' | '!' | '?' | ';' | '。' | '？' | '！'));
    let mut begins = ends.filter_map(|(at, sign)| {
        let rest = &before[at + sign.len_utf8()..];
        // a point in a name or a number ends no sentence
        (rest.starts_with(' ') || !sign.is_ascii()).then(|| end - rest.trim_start().len())
    });
    &line[begins.next_back().unwrap_or(0)..]
}

fn ends_with_question(line: &str) -> bool {
    let line = line.trim_end_matches(['*', '_', '`', '"', '\'', ')', ' ', '”', '’']);
    line.ends_with(['?', '？'])
}

/// Lines at the end of a message in which its question stands.
const ASKED_WITHIN: usize = 8;
/// How a message asks without a question mark: a request, or a sentence that begins like a question to its reader.
static ASKS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = concat!(
        r"(?i)\b(?:please (?:confirm|choose|t[e]ll me|let me know|advise|clarify|decide|answer|reply|provide|pick|select|specify|say|approve)",
        r"|let me know (?:which|what|whether|if|how|your|when|where)|I(?:'ll| will)? (?:need|require) (?:your|a) (?:decision|answer|confirmation|input|approval|choice)",
        r"|(?:awaiting|waiting (?:for|on)|wait for) your|I need to know (?:which|what|whether|if|how|where|your)",
        r"|(?:cannot|can't|can not|unable to) (?:continue|proceed|go on|decide) (?:without|until|before) .{0,60}\byou)\b",
        r"|\b(?:(?:up to|over to) you|your (?:call|choice|decision))\W*$",
        r"|(?:^|[.!:;]\s+)[*_>#\x22'(\s]*(?:(?:and|or|so|but|also) )?(?:",
        r"(?:which|what|how|where|when|who|why)\b.{0,100}?\b(?:do|would|did|should|shall|can|could|may|must|will|are) (?:you|I|we)\b",
        r"|(?:should|shall|may|can|could|must) (?:I|we)\b|(?:do|would|did|could|can|will|are|have) you\b",
        r"|(?:pick|choose|select) (?:one|an? |between|from|either|A\b)|(?:reply|answer) with\b|t[e]ll me (?:which|what|whether|if|how|where)\b)"
    );
    Regex::new(pattern).unwrap_or_else(|error| unreachable!("{error}"))
});

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        let paragraphs: Vec<String> = text.split("\n\n").map(str::to_owned).collect();
        last_message(&paragraphs)
    }

    #[test]
    fn a_long_line_is_cut_to_its_asking_sentence() {
        for (line, asks) in [
            ("I compared v1.2 and v2. Both work! Which one?", "Which one?"),
            ("A or B? I mean the shop; do you want A? Say so.", "do you want A? Say so."),
            ("どれですか。どれにしますか？", "どれにしますか？"),
            ("Which one of a.b and c.d?", "Which one of a.b and c.d?"),
            ("No question. At all.", "No question. At all."),
        ] {
            assert_eq!(from_asking_sentence(line), asks);
        }
    }

    #[test]
    fn a_question_has_its_choices_and_what_they_are_about() {
        let asked = "Which database should I use?\n\n- Postgres\n- SQLite";
        assert_eq!(message(&format!("I read the spec.\n\n{asked}")), asked);
        let asked = "The spec names no limit. Which one?\n\nPlease answer with a number.";
        assert_eq!(message(&format!("I read the spec.\n\n{asked}")), asked);
        let numbered = "Which one?\n\n1. the first\n\n2. the second";
        assert_eq!(message(&format!("All read.\n\n{numbered}")), numbered);
    }

    #[test]
    fn what_a_tool_printed_is_not_part_of_a_question() {
        let log = "$ cargo test\nrunning 3 tests\ntest a ... ok";
        assert_eq!(message(&format!("{log}\nMay I delete it?")), "May I delete it?");
        assert_eq!(message(&format!("{log}\n\nI need a key.")), "I need a key.");
        assert_eq!(message("2026-01-01 10:00:00 start\n────────\nI need a key."), "I need a key.");
    }

    #[test]
    fn a_message_that_ends_with_a_question_asks() {
        for text in [
            "I read it.\nShould it be 30 or 90 days?",
            "Which one do you prefer?\n- 30 days\n- 90 days",
            "Should it be 30 days or 90 days? Please confirm which option you prefer.",
            "**Shall I go on?**",
            "There are two ways. Please let me know which one to take.",
            "Which of these do you prefer: A, B or C",
            "I read it.\n\nWhich of these do you prefer:\n- 30 days\n- 90 days",
            "The spec names two formats. Should I use JSON or YAML",
            "**Would you like me to delete the old table**",
            "How should we store the dates: as text or as numbers.",
            "So do you want the tests in one file or in two",
            "There are three ways:\n1. copy\n2. link\n3. move\nPick one.",
            "I need to know where the key is.",
            "I can't continue without a key from you.",
            "Both work, so it is up to you.",
        ] {
            assert!(asked(text).is_some(), "{text}");
        }
        for text in [
            "",
            "All done.",
            "Why did it fail? The path was wrong. I fixed the path, and all tests of the parser pass again now.",
            "What changed?\nThe parser reads empty files now, and its tests cover them, including those with a mark.\nAll pass.",
            "I used the format which you prefer: JSON.",
            "I checked what you asked for, and which tests should we run: all of them pass.",
            "When done, the parser can read empty files.",
            "How it works: the parser reads a line at a time.",
            "What changed: you can now choose one of two formats.",
            "Please confirm was a button; it is a link now.\nAll tests pass.",
        ] {
            assert_eq!(asked(text), None, "{text}");
        }
    }

    #[test]
    fn the_words_before_a_question_are_left_out_and_its_choices_are_not() {
        for (text, shown) in [
            ("I read both.\nThe spec names none.\n\nWhich one?", "Which one?"),
            ("Why two? I looked.\n**Which one?**\n- A\n- B", "**Which one?**\n- A\n- B"),
            ("I read it.\nPlease choose a name.", "Please choose a name."),
            ("There is no key.\nI stop here.", "There is no key.\nI stop here."),
            ("", ""),
        ] {
            assert_eq!(from_question(text), shown);
        }
    }

    #[test]
    fn a_long_end_is_cut_to_its_last_lines() {
        let long: Vec<String> = (0..100).map(|n| format!("word {n}")).collect();
        assert_eq!(message(&long.join("\n")).lines().count(), LINES);
    }
}
