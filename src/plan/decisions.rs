//! PURE. Which decisions of other tasks a task should know: those about things that it names, too.

use std::collections::BTreeSet;

use crate::spec::Task;

/// Letters that a name has at least; less names nothing.
const SHORTEST: usize = 2;

/// The things that a text names: paths and files, what stands in backticks, identifiers with `_`, `::` or inner capitals, and
/// numbers of requirements (`Requirements: 1.2`).
#[must_use]
pub fn things_in(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // every second part stands between backticks
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 && !part.contains('\n') {
            found.extend(name(part));
        }
        let words = part.split(|c: char| c.is_whitespace() || "()[]{}<>,;\"'".contains(c));
        found.extend(words.filter(|word| is_named(word)).filter_map(name));
    }
    for line in text.lines() {
        let Some((key, values)) = line.split_once(':') else { continue };
        let key = key.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        if key.starts_with("requirement") {
            let numbers = values.split(|c: char| !c.is_alphanumeric() && !".-".contains(c));
            let numbers = numbers.map(|number| number.trim_matches(['.', '-']));
            found.extend(
                numbers.filter(|number| !number.is_empty()).map(|number| format!("requirement {number}")),
            );
        }
    }
    found
}

/// All that a task says of itself.
#[must_use]
pub fn text_of(task: &Task) -> String {
    let facts: Vec<String> = task.metadata.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    format!("{}\n{}\n{}", task.title, task.details, facts.join("\n"))
}

fn name(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches("./").trim_matches(['.', ':', '!', '?', '_', '*', '@', '#']);
    (text.chars().count() >= SHORTEST).then(|| text.to_lowercase())
}

/// Whether a word is the name of a thing, and not one of a language.
fn is_named(word: &str) -> bool {
    let word = word.trim_matches(['.', ':', '!', '?', '_', '*', '@']);
    let is_file = word.rsplit_once('.').is_some_and(|(before, end)| {
        !before.is_empty()
            && (1..=5).contains(&end.len())
            && end.chars().all(char::is_alphanumeric)
            && !before.ends_with('.')
            && end.chars().any(char::is_alphabetic)
            && before.len() > 1
    });
    let inner_capital =
        word.chars().zip(word.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    let is_address = word.contains("://");
    let is_path = word.contains('/') && word.len() > 2;
    !is_address && (is_file || is_path || word.contains("::") || word.contains('_') || inner_capital)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn things(text: &str) -> Vec<String> {
        things_in(text).into_iter().collect()
    }

    #[test]
    fn paths_code_identifiers_and_requirements_are_things() {
        assert_eq!(
            things("Keep `Retention` in src/notes/store.rs, see config.toml and max_age."),
            ["config.toml", "max_age", "retention", "src/notes/store.rs"]
        );
        assert_eq!(
            things("_Requirements: 1.2, 3.1_\nUse HttpClient"),
            ["httpclient", "requirement 1.2", "requirement 3.1"]
        );
        assert_eq!(things("./a/b.rs"), things("`a/b.rs`"));
    }

    #[test]
    fn plain_words_and_numbers_name_nothing() {
        assert_eq!(
            things("Should we keep it 30 or 90 days? Yes, e.g. 1.5 of them. And/or not https://x.y"),
            ["and/or"]
        );
    }
}
