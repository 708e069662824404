//! Removes secrets from what state, results and progress keep of an agent's words.
//!
//! The agent's own output log stays as it is, byte for byte, in a private file.

use std::sync::LazyLock;

use regex::Regex;

/// What replaces a secret.
const MASK: &str = "[redacted]";
/// Shorter values are words, ports and switches, not secrets.
const MIN_VALUE: usize = 8;

/// Shapes of keys that vendors issue, of passwords in addresses and of private keys.
static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}",
        r"\bgh[pousr]_[A-Za-z0-9]{20,}",
        r"\bgithub_pat_[A-Za-z0-9_]{20,}",
        r"\bglpat-[A-Za-z0-9_-]{16,}",
        r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
        r"\bA(?:KIA|SIA)[A-Z0-9]{16}\b",
        r"\bAIza[A-Za-z0-9_-]{30,}",
        r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+",
        // the password in an address
        r"\b[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:[^/\s:@]+@",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
        r"(?i)\bbearer\s+[A-Za-z0-9._~+/-]{16,}=*",
    ]
    .iter()
    .filter_map(|shape| Regex::new(shape).ok())
    .collect()
});

/// Whether a variable of this name may hold a secret.
#[must_use]
pub fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["KEY", "TOKEN", "SECRET", "PASSW", "CREDENTIAL", "AUTH", "COOKIE"].iter().any(|word| name.contains(word))
        && name != "SSH_AUTH_SOCK"
        && name != "XAUTHORITY"
}

/// Knows the secrets of one environment and masks them.
#[derive(Debug, Default)]
pub struct Redactor {
    values: Vec<String>,
}

impl Redactor {
    /// A redactor for the values of variables whose names look like secrets.
    #[must_use]
    pub fn new<'a>(env: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut values: Vec<String> = env
            .into_iter()
            .filter(|(name, value)| looks_secret(name) && value.len() >= MIN_VALUE)
            .map(|(_, value)| value.to_owned())
            .collect();
        // longest first, since a value may hold a shorter one
        values.sort_by_key(|v| std::cmp::Reverse(v.len()));
        Self { values }
    }

    /// Whether a variable is secret: by its name, by the shape of its value, or because its value holds a known secret.
    #[must_use]
    pub fn hides(&self, name: &str, value: &str) -> bool {
        looks_secret(name)
            || self.values.iter().any(|secret| value.contains(secret.as_str()))
            || SHAPES.iter().any(|shape| shape.is_match(value))
    }

    /// The text with all that looks like a secret masked.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for value in &self.values {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), MASK);
            }
        }
        for shape in SHAPES.iter() {
            if let std::borrow::Cow::Owned(changed) = shape.replace_all(&text, MASK) {
                text = changed;
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_variables_and_shapes_of_keys_are_masked() {
        let redactor =
            Redactor::new([("MY_API_KEY", "hunter2hunter2"), ("EDITOR", "vim-is-fine"), ("X_TOKEN", "on")]);
        let text = redactor.redact("key hunter2hunter2, ghp_0123456789abcdefghij0123, vim-is-fine, on");
        assert_eq!(text, "key [redacted], [redacted], vim-is-fine, on");
        assert_eq!(
            redactor.redact("Authorization: Bearer abcdefghijklmnop1234"),
            "Authorization: [redacted]"
        );
    }

    #[test]
    fn a_secret_under_a_harmless_name_is_hidden_too() {
        let redactor = Redactor::new([("DB_PASSWORD", "hunter2hunter2")]);
        assert!(redactor.hides("GH_TOKEN", "x") && redactor.hides("MINE", "ghp_0123456789abcdefghij0123"));
        assert!(redactor.hides("DSN", "host=a password=hunter2hunter2"));
        assert!(redactor.hides("DATABASE_URL", "postgres://me:pw@db.example/x"));
        assert!(
            !redactor.hides("PATH", "/usr/bin:/bin")
                && !redactor.hides("REPO", "https://example.org:8080/a@b")
        );
    }

    #[test]
    fn plain_words_stay_as_they_are() {
        let text = "the task-done token is sk-1 and the eyJ is short";
        assert_eq!(Redactor::default().redact(text), text);
    }

    #[test]
    fn keys_and_tokens_look_secret_and_paths_do_not() {
        assert!(looks_secret("OPENAI_API_KEY") && looks_secret("gh_token") && looks_secret("DB_PASSWORD"));
        assert!(!looks_secret("PATH") && !looks_secret("SSH_AUTH_SOCK") && !looks_secret("LANG"));
    }
}
