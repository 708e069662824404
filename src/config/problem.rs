//! PURE. What a user wrote wrong, and what they may have meant.

use super::path::KeyPath;

/// One mistake, and where it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// `seqorch.toml:4`, `SEQORCH_RUN__DELAY`, `--delay`; empty where it has no place.
    pub(crate) place: String,
    /// The key; empty where the problem is not about one.
    pub(crate) key: KeyPath,
    /// What is wrong, without a full stop.
    pub(crate) text: String,
}

impl Problem {
    /// A mistake that only shows in the merged settings; its place is found later by its key.
    pub(crate) fn of_key(key: KeyPath, text: impl Into<String>) -> Self {
        Self { place: String::new(), key, text: text.into() }
    }

    /// One line (or a block) for the user.
    pub(crate) fn render(&self) -> String {
        let mut line = String::new();
        for part in [&self.place, &self.key.to_string()] {
            if !part.is_empty() {
                line.push_str(part);
                line.push_str(": ");
            }
        }
        line + &self.text
    }
}

/// The word of `known` that is most like `word`, if one is like it at all.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(word, name), name))
        .filter(|(score, _)| *score >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// `; did you mean "x"?`, or nothing where no known word is like it.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|near| format!("; did you mean {near:?}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_is_similar_or_missing() {
        assert_eq!(did_you_mean("dealy", ["delay", "jitter"]), "; did you mean \"delay\"?");
        assert_eq!(did_you_mean("colour", ["delay", "jitter"]), "");
    }
}
