//! PURE. What people and agents note on the title of a task that is done: a commit, a date, "done".

use super::title_text::normalised;

/// Words that say that a task is done, or lead to a commit or a date.
const NOTE_WORDS: [&str; 15] = [
    "done",
    "completed",
    "complete",
    "finished",
    "merged",
    "shipped",
    "implemented",
    "commit",
    "commits",
    "sha",
    "pr",
    "in",
    "on",
    "at",
    "by",
];

/// The normalised title without notes before and behind it; as it is where nothing else is left.
pub(super) fn without_notes(title: &str) -> String {
    let words: Vec<&str> = title.split_whitespace().collect();
    let mut end = words.len();
    let mut sure = end;
    // "in" and "on" are notes only before a commit or a date, and the words for "done" where they stand apart
    while end > 0 && (is_stamp(words[end - 1]) || is_word(words[end - 1])) {
        end -= 1;
        let apart =
            end == 0 || words[end - 1].ends_with([')', ']', ':', '.', ',', '-', '–', '—', '✅', '✓', '✔']);
        if is_stamp(words[end]) || is_apart(words[end]) || apart && is_word(words[end]) {
            sure = end;
        }
    }
    let mut start = 0;
    while start < sure && (is_stamp(words[start]) || is_word(words[start]) && is_apart(words[start])) {
        start += 1;
    }
    let rest = normalised(&words[start..sure].join(" "));
    if start == sure || rest.is_empty() { normalised(title) } else { rest }
}

/// The normalised title without commits behind it.
pub(super) fn without_commits(title: &str) -> String {
    let words: Vec<&str> = title.split_whitespace().collect();
    let end = words.iter().rposition(|word| !is_commit(bare(word))).map_or(0, |last| last + 1);
    if end == 0 { normalised(title) } else { normalised(&words[..end].join(" ")) }
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// A sign, a commit, a date, a time, or a number of an issue.
fn is_stamp(word: &str) -> bool {
    let text = bare(word);
    let number = word.trim_matches(['(', ')', '[', ']', ',', '.']);
    let issue =
        number.strip_prefix('#').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    text.is_empty() || issue || is_commit(text) || is_date(text) || is_time(text)
}

fn is_word(word: &str) -> bool {
    NOTE_WORDS.contains(&bare(word).to_lowercase().as_str())
}

/// "(done", "done:", "[DONE]", "**done**"
fn is_apart(word: &str) -> bool {
    is_word(word)
        && (word.starts_with(['(', '[', '*', '_', '`']) || word.ends_with([':', ')', ']', '*', '_']))
}

fn is_commit(text: &str) -> bool {
    (7..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        && text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().any(|b| b.is_ascii_lowercase())
}

/// `2026-02-01`, `01.02.2026`, also with a time behind it.
fn is_date(text: &str) -> bool {
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let parts: Vec<&str> = date.split(['-', '.', '/']).collect();
    let year = |part: &&str| part.len() == 4;
    parts.len() == 3
        && parts
            .iter()
            .all(|part| matches!(part.len(), 1 | 2 | 4) && part.bytes().all(|b| b.is_ascii_digit()))
        && (year(&parts[0]) || year(&parts[2]))
        && time.is_none_or(is_time)
}

/// `14:52`, `14:52Z`, `14:52:01+01:00`
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 4
        && bytes.contains(&b':')
        && bytes[0].is_ascii_digit()
        && bytes.iter().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'Z' | b'+' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_of_done_work_are_no_part_of_a_title() {
        let plain = normalised("Find the preset");
        for title in [
            "Find the preset 0f326fb",
            "Find the preset [0f326fb]",
            "Find the preset (`0f326fb1`)",
            "~~Find the preset~~ ✅",
            "Find the preset — done",
            "Find the preset (done 2026-02-01)",
            "Find the preset (completed in 0f326fb)",
            "Find the preset, merged in #12",
            "Find the preset ✅ 2026-02-01 14:52Z",
            "Find the preset - 01.02.2026",
            "(2026-08-19 14:52Z) Find the preset",
            "DONE: Find the preset",
            "✅ Find the preset [DONE]",
            "2026-02-01T10:00Z Find the preset",
        ] {
            assert_eq!(without_notes(title), plain, "{title}");
        }
    }

    #[test]
    fn what_a_title_says_of_the_work_stays() {
        for title in [
            "Build step 2",
            "Release 1.2",
            "Draw the done button",
            "Mark it as done",
            "Log in",
            "Deface",
            "Port to feedbeef",
            "Deploy at 10",
            "done",
            "0f326fb",
            "Finished goods",
        ] {
            assert_eq!(without_notes(title), normalised(title), "{title}");
        }
    }

    #[test]
    fn another_commit_is_no_other_task() {
        assert_eq!(without_commits("Draw 0f326fb"), without_commits("Draw `a1b2c3d`"));
        assert_ne!(without_commits("Report 2026-01-01"), without_commits("Report 2026-01-02"));
    }
}
