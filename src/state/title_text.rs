//! PURE. When two titles say the same, and how similar they are.

use std::collections::{HashMap, HashSet};

/// Signs that belong to a word: C++ is not C#.
const WORD_SIGNS: &str = "+#%$@&<>=/\\^|";
/// Words that say little, in the languages that we know.
const FILLERS: [&str; 16] =
    ["a", "an", "and", "as", "at", "by", "der", "die", "for", "in", "of", "on", "the", "to", "und", "with"];
/// Words of most titles: two tasks that share only these are not alike.
const VERBS: [&str; 17] = [
    "add",
    "build",
    "create",
    "define",
    "fix",
    "implement",
    "make",
    "set",
    "setup",
    "support",
    "task",
    "test",
    "tests",
    "up",
    "update",
    "use",
    "write",
];
/// Verbs that say that something is to be made: one stands for another.
const MAKING: [&str; 8] = ["add", "build", "create", "develop", "implement", "introduce", "make", "write"];

/// The text of a title without case, markdown and punctuation.
pub(super) fn normalised(title: &str) -> String {
    let mut text = String::with_capacity(title.len());
    let mut space = false;
    for c in without_links(title).chars() {
        if matches!(c, '\'' | '’' | '`' | '*') {
            continue;
        }
        let is_word = c.is_alphanumeric() || WORD_SIGNS.contains(c) || !c.is_ascii() && !is_sign(c);
        if !is_word {
            space = true;
            continue;
        }
        if std::mem::take(&mut space) && !text.is_empty() {
            text.push(' ');
        }
        text.extend(c.to_lowercase());
    }
    if text.is_empty() { title.trim().to_owned() } else { text }
}

/// Whether two titles are those of one task, as far as titles can say.
pub(super) fn is_same_or_similar(a: &str, b: &str) -> bool {
    let (a, b) = (normalised(a), normalised(b));
    a == b || TitleWords::of([a.as_str(), b.as_str()].into_iter()).similarity(&a, &b) >= SIMILAR
}

/// From here on, two titles may be those of one task.
pub(super) const SIMILAR: f64 = 0.6;

/// `[text](address)` is its text.
fn without_links(title: &str) -> String {
    let mut out = String::with_capacity(title.len());
    let mut rest = title;
    while let Some(at) = rest.find("](") {
        let (before, after) = rest.split_at(at);
        let Some(end) = after.find(')') else { break };
        out.push_str(before);
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    out
}

/// Punctuation, spaces and pictures beyond ASCII.
fn is_sign(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{a0}'..='\u{bf}' | '\u{2000}'..='\u{206f}' | '\u{2190}'..='\u{2bff}')
        || matches!(c, '\u{3000}'..='\u{303f}' | '\u{fe00}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff0f}')
        || matches!(c, '\u{ff1a}'..='\u{ff20}' | '\u{1f000}'..='\u{1ffff}')
}

/// The words of all titles that are compared, and how much each of them says.
#[derive(Debug, Default)]
pub(super) struct TitleWords {
    /// Titles that have the word.
    counts: HashMap<String, f64>,
}

impl TitleWords {
    /// Counts the words of normalised titles, of which there may be many copies.
    pub(super) fn of<'a>(titles: impl Iterator<Item = &'a str>) -> Self {
        let mut counts = HashMap::new();
        for title in titles.collect::<HashSet<_>>() {
            for word in words(title).into_iter().collect::<HashSet<_>>() {
                *counts.entry(word).or_insert(0.0) += 1.0;
            }
        }
        Self { counts }
    }

    /// A word that many titles have says less, and so do the usual verbs.
    fn weight(&self, word: &str) -> f64 {
        let usual = if VERBS.contains(&word) { 0.5 } else { 1.0 };
        usual / self.counts.get(word).copied().unwrap_or(1.0).max(1.0).sqrt()
    }

    /// How similar two normalised titles are, from 0 to 1.
    pub(super) fn similarity(&self, a: &str, b: &str) -> f64 {
        self.shared(a, b).similarity()
    }

    /// What two normalised titles share.
    pub(super) fn shared(&self, a: &str, b: &str) -> SharedWords {
        let (a, mut b) = (words(a), words(b));
        if a.is_empty() || b.is_empty() {
            return SharedWords::default();
        }
        let total = |words: &[String]| words.iter().map(|word| self.weight(word)).sum::<f64>();
        let (all_a, all_b) = (total(&a), total(&b));
        let (mut shared_a, mut shared_b, mut beyond_verbs) = (0.0, 0.0, false);
        for word in &a {
            let same = b.iter().position(|other| other == word);
            if let Some(at) = same.or_else(|| b.iter().position(|other| is_alike(word, other))) {
                let other = b.swap_remove(at);
                shared_a += self.weight(word);
                shared_b += self.weight(&other);
                beyond_verbs |= !VERBS.contains(&word.as_str());
            }
        }
        let shared = f64::midpoint(shared_a, shared_b);
        SharedWords {
            both: shared / (all_a + all_b - shared),
            has_all_of_first: shared_a / all_a > 0.99,
            has_all_of_second: shared_b / all_b > 0.99,
            beyond_verbs,
            only_in_second: b.len(),
        }
    }
}

/// What two titles share.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct SharedWords {
    /// How much of both, from 0 to 1.
    pub(super) both: f64,
    /// The second says all that the first says.
    pub(super) has_all_of_first: bool,
    /// The first says all that the second says.
    pub(super) has_all_of_second: bool,
    /// More than the usual verbs.
    beyond_verbs: bool,
    /// Words that only the second has.
    pub(super) only_in_second: usize,
}

impl SharedWords {
    /// Whether one of them says all that the other says.
    pub(super) fn is_whole(&self) -> bool {
        self.beyond_verbs && (self.has_all_of_first || self.has_all_of_second)
    }

    /// How similar the titles are, from 0 to 1. A title that says all that the other says, and more, is similar to it.
    pub(super) fn similarity(&self) -> f64 {
        if self.is_whole() { self.both.max(CONTAINED) } else { self.both }
    }
}

/// The similarity of a title to one that says all of it, and more.
const CONTAINED: f64 = 0.65;

/// The words of a normalised title that say something. Scripts without spaces have a word for each sign.
fn words(title: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in title.split(' ') {
        let mut word = String::new();
        for c in part.chars() {
            if matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}') {
                found.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                found.push(c.to_string());
            } else {
                word.push(c);
            }
        }
        found.extend((!word.is_empty()).then_some(word));
    }
    let says = |word: &String| !FILLERS.contains(&word.as_str());
    if found.iter().any(says) { found.into_iter().filter(says).collect() } else { found }
}

/// Whether two words are spellings or forms of one: `auth` and `authentication`, `tests` and `test`, `recieve` and `receive`;
/// or both say that something is to be made.
fn is_alike(a: &str, b: &str) -> bool {
    if MAKING.contains(&a) && MAKING.contains(&b) {
        return true;
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.chars().count() < 4 || short.chars().any(|c| c.is_ascii_digit()) {
        return false;
    }
    long.starts_with(short) || strsim::damerau_levenshtein(a, b) <= short.chars().count() / 5
}

#[cfg(test)]
mod tests {
    use super::*;

    fn similarity(a: &str, b: &str) -> f64 {
        let (a, b) = (normalised(a), normalised(b));
        TitleWords::of([a.as_str(), b.as_str()].into_iter()).similarity(&a, &b)
    }

    #[test]
    fn case_markdown_and_punctuation_do_not_make_another_title() {
        let same =
            ["Write the login.", "**Write** the `login`", "write the  LOGIN!", "Write the [login](x.md)"];
        for title in same {
            assert_eq!(normalised(title), "write the login", "{title}");
        }
        assert_eq!(normalised("— ✅ ログイン を作る。"), "ログイン を作る");
        assert_eq!(normalised("???"), "???");
    }

    #[test]
    fn signs_that_make_another_word_stay() {
        assert_ne!(normalised("Port to C++"), normalised("Port to C#"));
        assert_ne!(normalised("Bump to 1.2"), normalised("Bump to 12"));
    }

    #[test]
    fn reworded_titles_are_similar() {
        for (a, b) in [
            ("Write the login", "Write the login page"),
            ("Implment login", "Implement login"),
            ("Set up the database", "Set up the PostgreSQL database"),
            ("Add login", "Add a login form with validation"),
            ("Write login tests", "Write tests for login"),
            ("Add user auth", "Add user authentication"),
            ("Write login and logout", "Write logout"),
            ("ログインを作る", "ログインを作成する"),
            ("Write the reader", "Implement the reader"),
        ] {
            assert!(similarity(a, b) >= 0.6, "{a} / {b}: {}", similarity(a, b));
        }
    }

    #[test]
    fn titles_of_other_work_are_not_similar() {
        for (a, b) in [
            ("Write the login", "Write the logout"),
            ("Add tests for login", "Add tests for search"),
            ("Build A1", "Build A2"),
            ("Create the user model", "Delete the old cache"),
            ("Write the login", "Schreibe die Anmeldung"),
            ("Build the reader", "Test the writer"),
        ] {
            assert!(similarity(a, b) < 0.45, "{a} / {b}: {}", similarity(a, b));
        }
    }
}
